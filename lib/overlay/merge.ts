import TinyQueue from 'tinyqueue'
import { compareKeys } from '../path.ts'
import type { Candidate, Cursor, Source, SourceFailure } from '../sources/source.ts'

/** The first page is short, for the first entry should come soon; the later ones are long, for the last should too. */
const FIRST_PAGE = 16
const LAST_PAGE = 256

/** Pages grow as long as one entry in so many of a page is given. */
const LEAST_USED = 16

/** A cursor of one source, with what it has given ahead. */
class Lane {
  readonly source: Source
  readonly place: number
  readonly #cursor: Cursor
  /** A key that no candidate is before, as long as it has not been read; null where none is known, and from then on. */
  first: string | null
  #page: Candidate[] = []
  #next = 0
  #limit = FIRST_PAGE / 2
  #given = 0

  constructor({ source, cursor, first = null }: MergeInput, place: number) {
    this.source = source
    this.place = place
    this.first = first
    this.#cursor = cursor
  }

  /** Where it stands in the order of keys. */
  get key(): string {
    return this.first ?? this.head!.key
  }

  get head(): Candidate | undefined {
    return this.#page[this.#next]
  }

  get empty(): boolean {
    return this.#next >= this.#page.length
  }

  /** Goes on behind the head, which was given. */
  shift(): void {
    this.#next++
    this.#given++
  }

  async fill(): Promise<void> {
    this.first = null
    // Who skips most of what is read goes through long folders, where a long page would be read for one entry.
    const isUsed = this.#given * LEAST_USED >= this.#page.length
    this.#limit = isUsed ? Math.min(this.#limit * 2, LAST_PAGE) : FIRST_PAGE
    this.#page = await this.#cursor.page(this.#limit)
    this.#next = 0
    this.#given = 0
  }

  seek(key: string): void {
    if (this.first !== null) {
      this.#cursor.seek(key)
      if (compareKeys(this.first, key) < 0) this.first = null
      return
    }
    while (this.head && compareKeys(this.head.key, key) < 0) this.#next++
    if (this.empty) this.#cursor.seek(key)
  }

  close(): Promise<void> {
    return this.#cursor.close()
  }
}

/** The candidates of one key, with the sources they come from, in the order of adding. */
export interface Merged {
  key: string
  found: { source: Source; candidate: Candidate }[]
}

export interface MergeInput {
  source: Source
  cursor: Cursor
  /** A key that none of the cursor's is before, where it is known; it is read when its turn comes. Forward only. */
  first?: string | null
}

/**
 * Many key-ordered streams read as one (design, "How a read resolves" 6): every key once, in order, with all its candidates. Holds one
 * page of each source and no more.
 */
export class Merge {
  readonly #lanes: readonly Lane[]
  readonly #queue: TinyQueue<Lane>
  /** Lanes with nothing in hand; they are asked before anything is given. */
  #dry: Lane[]

  constructor(inputs: readonly MergeInput[], reverse: boolean) {
    const direction = reverse ? -1 : 1
    this.#lanes = inputs.map((input, place) => new Lane(input, place))
    this.#queue = new TinyQueue<Lane>(
      this.#lanes.filter(({ first }) => first !== null),
      // Who has not been read is read before anything at its key is given.
      (a, b) =>
        direction * compareKeys(a.key, b.key) ||
        Number(a.first === null) - Number(b.first === null) ||
        a.place - b.place
    )
    this.#dry = this.#lanes.filter(({ first }) => first === null)
  }

  /** The next key, or null at the end. Rejects with {@link LaneFailures} when sources fail. */
  async next(): Promise<Merged | null> {
    while (!this.ready) {
      // Whose turn it may be is known only when all the others have something in hand.
      if (this.#dry.length === 0) {
        const lane = this.#queue.pop()
        if (lane === undefined) return null
        this.#dry.push(lane)
      }
      await this.#refill()
    }
    return this.take()
  }

  /** As {@link next}, null too where a source would have to be asked. */
  take(): Merged | null {
    if (!this.ready) return null
    const { key } = this.#queue.peek()!
    const found: Merged['found'] = []
    for (let lane = this.#queue.peek(); lane?.key === key; lane = this.#queue.peek()) {
      this.#queue.pop()
      found.push({ source: lane.source, candidate: lane.head! })
      lane.shift()
      if (lane.empty) this.#dry.push(lane)
      else this.#queue.push(lane)
    }
    return { key, found }
  }

  /** Whether the next key can be given without asking a source. */
  get ready(): boolean {
    return this.#dry.length === 0 && this.#queue.peek()?.first === null
  }

  seek(key: string): void {
    const lanes: Lane[] = []
    for (let lane = this.#queue.pop(); lane !== undefined; lane = this.#queue.pop()) lanes.push(lane)
    for (const lane of [...lanes, ...this.#dry]) lane.seek(key)
    for (const lane of lanes) {
      if (lane.first === null && lane.empty) this.#dry.push(lane)
      else this.#queue.push(lane)
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.#lanes.map((lane) => lane.close()))
  }

  async #refill(): Promise<void> {
    const dry = this.#dry
    const settled = await Promise.allSettled(dry.map((lane) => lane.fill()))
    const failures = settled.flatMap((result, i) =>
      result.status === 'rejected' ? [{ source: dry[i]!.source, error: result.reason as unknown }] : []
    )
    if (failures.length > 0) throw new LaneFailures(failures)
    this.#dry = []
    for (const lane of dry) if (!lane.empty) this.#queue.push(lane)
  }
}

/** Sources that failed in the middle of a listing; the layer above names them. */
export class LaneFailures extends Error {
  readonly failures: readonly SourceFailure[]

  constructor(failures: readonly SourceFailure[]) {
    super('sources failed while listing')
    this.failures = failures
  }
}
