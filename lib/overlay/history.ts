import type { ReadOptions } from '../drive.ts'
import type { Candidate, Past, Source, Version } from '../sources/source.ts'
import { newest } from './compare.ts'
import { worst } from './failure.ts'
import { believed, order, supersedes, type Rules } from './resolve.ts'
import type { MergedView, Place } from './view.ts'

/** What once stood at a path, or that it was deleted, in the drive of the set that tells of it. */
export type PastVersion =
  | { readonly type: 'put'; readonly source: Source; readonly version: Candidate }
  | { readonly type: 'del'; readonly source: Source; readonly version: Version }

/**
 * One version with the date that it is sorted in by: its own, or where it has none that is believed, that of what the same drive held before.
 */
interface Item {
  readonly past: PastVersion
  time: number | null
}

/**
 * The versions of a path over all drives, the newest first: none comes before one whose author had seen it, and else they are compared as a
 * read does, so that what a read gives is first wherever every date is known. A comparator of the user's has no say in it.
 *
 * It is read as it is asked for, of each drive as far as it takes to know that nothing older in it is to come before.
 */
export async function* historyOf(
  view: MergedView,
  key: string,
  opts: ReadOptions = {}
): AsyncGenerator<PastVersion, void, void> {
  const lanes = view.places().map((place) => new Lane(place, key, view.rules, opts))
  // One drive alone needs no comparing, so nothing is read ahead.
  const isAlone = lanes.length === 1
  try {
    for (;;) {
      await Promise.all(lanes.map((lane) => lane.fill(isAlone)))
      const lane = nextOf(lanes, view.rules)
      if (lane === null) return
      yield lane.shift().past
    }
  } finally {
    await Promise.all(lanes.map((lane) => lane.close()))
  }
}

/** The lane whose head comes next, null when all are through. */
function nextOf(lanes: readonly Lane[], rules: Rules): Lane | null {
  const heads = lanes.filter((lane) => lane.items.length > 0)
  const free = heads.filter((lane) => {
    const { version } = lane.items[0]!.past
    return !heads.some(
      (other) => other !== lane && other.items.some(({ past }) => supersedes(past.version, version))
    )
  })
  // Forged clocks can make a ring; then dates alone decide.
  let best: Lane | null = null
  for (const lane of free.length > 0 ? free : heads) {
    if (best === null || compare(best.items[0]!, lane.items[0]!, rules) > 0) best = lane
  }
  return best
}

/** Negative when `a` comes first. Of one date a file comes before a deletion, since it stays then. */
function compare(a: Item, b: Item, rules: Rules): number {
  const date = newest(a.time, b.time)
  if (date !== 0 || a.past.type === b.past.type) return date || order(a.past.version, b.past.version, rules)
  return a.past.type === 'put' ? -1 : 1
}

/** The history of one drive, read ahead of what is given. */
class Lane {
  /** The newest first. */
  readonly items: Item[] = []
  readonly #place: Place
  readonly #key: string
  readonly #rules: Rules
  readonly #rest: AsyncIterator<Past>
  /** What was read, but may be one deletion with what follows. */
  #held: Past | null = null
  #done = false

  constructor(place: Place, key: string, rules: Rules, opts: ReadOptions) {
    this.#place = place
    this.#key = key
    this.#rules = rules
    this.#rest = place.view.history(key, opts)[Symbol.asyncIterator]()
  }

  /**
   * Reads until the last item is one that speaks for all before it: what MultiDrive writes has a date, and has seen what its author could
   * see and what that had seen. What a plain program writes may have no date and knows of nothing.
   */
  async fill(isAlone: boolean): Promise<void> {
    while (!this.#done && (this.items.length === 0 || !(isAlone || this.#isSettled()))) {
      const past = await this.#next()
      if (past === null) this.#done = true
      else this.#add(past)
    }
  }

  shift(): Item {
    return this.items.shift()!
  }

  async close(): Promise<void> {
    await this.#rest.return?.()
  }

  #isSettled(): boolean {
    const { past, time } = this.items.at(-1)!
    return past.version.stamp.stamped && time !== null
  }

  #add(past: PastVersion): void {
    const time = believed(past.version, this.#rules)
    this.items.push({ past, time })
    for (let i = this.items.length - 2; i >= 0; i--) {
      if (this.items[i]!.time !== null) break
      this.items[i]!.time = this.items[i + 1]!.time
    }
  }

  async #next(): Promise<PastVersion | null> {
    const past = this.#held ?? (await this.#read())
    this.#held = null
    if (past === null) return null
    const { source } = this.#place
    if (past.type === 'put') return { type: 'put', source, version: past.version }
    if (past.type === 'bury') return { type: 'del', source, version: past.version }
    // An entry goes in the same commit as its tombstone comes, and after it.
    const below = await this.#read()
    if (below?.type === 'bury') return { type: 'del', source, version: below.version }
    this.#held = below
    return { type: 'del', source, version: past.version }
  }

  async #read(): Promise<Past | null> {
    try {
      const next = await this.#rest.next()
      return next.done === true ? null : next.value
    } catch (error) {
      throw worst([{ source: this.#place.source, error }], this.#key)
    }
  }
}
