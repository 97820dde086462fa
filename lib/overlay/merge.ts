import { compareKeys, isPlain } from '../path.ts'
import type { Candidate, Cursor, Source, SourceFailure } from '../sources/source.ts'
import { Tournament } from './tournament.ts'

/** The first page is short, for the first entry should come soon; the later ones are long, for the last should too. */
const FIRST_PAGE = 20
const LAST_PAGE = 256

/** How many times as long as the one before a page is. */
const GROWTH = 4

/** Pages grow as long as one entry in so many of a page is given. */
const LEAST_USED = 16

/** What sorts before every key, and what sorts behind. */
const BEFORE = ''
const BEHIND = '0'

/**
 * The turns at one key: whoever may have something there is read first, then what is in hand is given, and whose page ended there is
 * read again.
 */
const UNREAD = 0
const IN_HAND = 1
const THROUGH = 2

/** A cursor of one source, with what it has given ahead. */
class Lane {
  readonly source: Source
  readonly place: number
  /** The key of what is in hand; where nothing is, none that it has yet to give is before it. */
  key: string
  turn = UNREAD
  /** Whether `<` has its keys in their order. */
  isPlain: boolean
  readonly #open: () => Cursor
  /** Null before it is read. */
  #cursor: Cursor | null = null
  /** Where it goes on once it is opened; null for its beginning. */
  #from: string | null = null
  /** Its key when there is no more. */
  readonly #end: string
  #page: readonly Candidate[] = []
  #next = 0
  #limit = FIRST_PAGE / GROWTH
  #given = 0

  constructor({ source, open, first = null }: MergeInput, place: number, reverse: boolean) {
    const [start, end] = reverse ? [BEHIND, BEFORE] : [BEFORE, BEHIND]
    this.source = source
    this.place = place
    this.key = first ?? start
    this.isPlain = isPlain(this.key)
    this.#open = open
    this.#end = end
  }

  get isOpen(): boolean {
    return this.#cursor !== null
  }

  get hasEnded(): boolean {
    return this.key === this.#end
  }

  /** Gives what is in hand. */
  shift(): Candidate {
    const candidate = this.#page[this.#next]!
    this.#given++
    this.#goOn()
    return candidate
  }

  async fill(): Promise<void> {
    // Who skips most of what is read goes through long folders, where a long page would be read for one entry.
    const isUsed = this.#given * LEAST_USED >= this.#page.length
    this.#limit = isUsed ? Math.min(this.#limit * GROWTH, LAST_PAGE) : FIRST_PAGE
    const cursor = (this.#cursor ??= this.#opened())
    const page = await cursor.page(this.#limit)
    this.#page = page
    this.#next = 0
    this.#given = 0
    this.turn = page.length > 0 ? IN_HAND : THROUGH
    this.key = page[0]?.key ?? this.#end
    this.isPlain = page.every(({ key }) => isPlain(key))
  }

  seek(key: string): void {
    if (this.hasEnded) return
    while (this.turn === IN_HAND && compareKeys(this.key, key) < 0) this.#goOn()
    // What it has given already, deleted files for instance, is not read again.
    if (this.turn === IN_HAND || compareKeys(this.key, key) >= 0) return
    if (this.#cursor) this.#cursor.seek(key)
    else this.#from = key
    this.turn = UNREAD
    this.key = key
    this.isPlain = isPlain(key)
  }

  async close(): Promise<void> {
    await this.#cursor?.close()
  }

  #opened(): Cursor {
    const cursor = this.#open()
    if (this.#from !== null) cursor.seek(this.#from)
    return cursor
  }

  #goOn(): void {
    const next = this.#page[++this.#next]
    if (next) this.key = next.key
    else this.turn = THROUGH
  }
}

/** The candidates of one key, with the sources they come from, in the order of adding. */
export interface Merged {
  key: string
  found: { source: Source; candidate: Candidate }[]
}

export interface MergeInput {
  source: Source
  /** Called when its turn has come to be read. */
  open: () => Cursor
  /** A key that none of the cursor's is before, where it is known; else it is read first of all. Forward only. */
  first?: string | null
}

/**
 * Many key-ordered streams read as one (design, "How a read resolves" 6): every key once, in order, with all its candidates. Holds one
 * page of each source and no more.
 */
export class Merge {
  readonly #lanes: readonly Lane[]
  readonly #order: Tournament<Lane>

  constructor(inputs: readonly MergeInput[], reverse: boolean) {
    this.#lanes = inputs.map((input, place) => new Lane(input, place, reverse))
    this.#order = new Tournament(this.#lanes, reverse ? isBeforeInReverse : isBefore)
  }

  /** The next key, or null at the end. Rejects with {@link LaneFailures} when sources fail. */
  async next(): Promise<Merged | null> {
    while (!this.ready) {
      const lane = this.#order.winner
      if (!lane || lane.hasEnded) return null
      await this.#readAt(lane.key)
    }
    return this.take()
  }

  /** As {@link next}, null too where a source would have to be asked. */
  take(): Merged | null {
    const order = this.#order
    let lane = order.winner
    if (lane?.turn !== IN_HAND) return null
    const { key } = lane
    const found: Merged['found'] = []
    while (lane?.turn === IN_HAND && lane.key === key) {
      found.push({ source: lane.source, candidate: lane.shift() })
      order.replay(lane.place)
      lane = order.winner
    }
    return { key, found }
  }

  /** Whether the next key can be given without asking a source. */
  get ready(): boolean {
    return this.#order.winner?.turn === IN_HAND
  }

  seek(key: string): void {
    for (const lane of this.#lanes) lane.seek(key)
    this.#order.replayAll()
  }

  async close(): Promise<void> {
    await Promise.all(this.#lanes.filter(({ isOpen }) => isOpen).map((lane) => lane.close()))
  }

  /** Reads all that have nothing in hand and may have something at a key, or behind it. */
  async #readAt(key: string): Promise<void> {
    const lanes = this.#lanes.filter((lane) => lane.turn !== IN_HAND && lane.key === key)
    const settled = await Promise.allSettled(lanes.map((lane) => lane.fill()))
    for (const { place } of lanes) this.#order.replay(place)
    const failures = settled.flatMap((result, i) =>
      result.status === 'rejected' ? [{ source: lanes[i]!.source, error: result.reason as unknown }] : []
    )
    if (failures.length > 0) throw new LaneFailures(failures)
  }
}

function isBefore(a: Lane, b: Lane): boolean {
  if (a.key === b.key) return a.turn === b.turn ? a.place < b.place : a.turn < b.turn
  return a.isPlain && b.isPlain ? a.key < b.key : compareKeys(a.key, b.key) < 0
}

function isBeforeInReverse(a: Lane, b: Lane): boolean {
  return a.key === b.key ? isBefore(a, b) : isBefore(b, a)
}

/** Sources that failed in the middle of a listing; the layer above names them. */
export class LaneFailures extends Error {
  readonly failures: readonly SourceFailure[]

  constructor(failures: readonly SourceFailure[]) {
    super('sources failed while listing')
    this.failures = failures
  }
}
