import type { ReadOptions } from '../../drive.ts'
import type { KeyRange } from '../../path.ts'
import type { Records } from '../records.ts'
import type {
  Candidate,
  Cursor,
  Directory,
  Leaf,
  LeafView,
  Origin,
  ScanOptions,
  Tombstone
} from '../source.ts'
import type { HyperdriveBytes } from './bytes.ts'
import { HyperdriveCandidate, type CandidateHost } from './candidate.ts'
import { entryKeys } from './keys.ts'
import type { TreeReader } from './reader.ts'
import type { BeeNode } from './types.ts'

/** How long a listing waits for the map of a file whose size it cannot tell otherwise, in milliseconds. */
const MAP_PATIENCE = 1000

/** A Hyperdrive at one version. */
export class HyperdriveView implements LeafView {
  readonly leaf: Leaf
  readonly version: number
  readonly fork: number
  readonly records: Records
  readonly #reader: TreeReader
  readonly #host: CandidateHost
  readonly #bytes: HyperdriveBytes

  constructor(
    host: CandidateHost,
    at: { version: number; fork: number },
    records: Records,
    reader: TreeReader,
    bytes: HyperdriveBytes
  ) {
    this.leaf = host.leaf
    this.#host = host
    this.version = at.version
    this.fork = at.fork
    this.records = records
    this.#reader = reader
    this.#bytes = bytes
  }

  get head(): Origin {
    return { id: this.#host.id, seq: this.version - 1 }
  }

  async find(key: string, opts: ReadOptions = {}): Promise<Candidate | null> {
    const node = await this.#reader.run(opts, (bee, options) =>
      bee.get(key, { ...options, checkout: this.version, keyEncoding: entryKeys, valueEncoding: 'binary' })
    )
    const candidate = node && this.#parse(node)
    if (candidate?.unsized) await this.#measure(candidate)
    return candidate
  }

  scan(range: KeyRange, opts: ScanOptions = {}): Cursor {
    return new HyperdriveCursor(range, opts, (rest, limit) => this.#page(rest, limit, opts))
  }

  tombstonesOver(key: string): readonly Tombstone[] {
    return this.records.tombstonesOver(key)
  }

  tombstonesBelow(folder: string): readonly Tombstone[] {
    return this.records.tombstonesBelow(folder)
  }

  directoryAt(folder: string): Promise<Directory | null> {
    return Promise.resolve(this.records.directoryAt(folder))
  }

  directoriesBelow(folder: string): Promise<readonly Directory[]> {
    return Promise.resolve(this.records.directoriesBelow(folder))
  }

  leaves(): readonly LeafView[] {
    return [this]
  }

  async #page(
    range: KeyRange,
    limit: number,
    opts: ScanOptions
  ): Promise<{ nodes: number; last: string; candidates: Candidate[] }> {
    const nodes = await this.#reader.run(opts, async (bee, options) => {
      const found: BeeNode[] = []
      const iterator = bee.createRangeIterator(range, {
        ...options,
        // Without a limit an iterator fetches far ahead of what it was asked for.
        limit,
        reverse: opts.reverse === true,
        checkout: this.version,
        keyEncoding: entryKeys,
        valueEncoding: 'binary'
      })
      try {
        await iterator.open()
        for (let node = await iterator.next(); node !== null; node = await iterator.next()) found.push(node)
      } finally {
        await iterator.close()
      }
      return found
    })
    if (nodes === null) return { nodes: 0, last: '', candidates: [] }
    const candidates: HyperdriveCandidate[] = []
    for (const node of nodes) {
      const candidate = this.#parse(node)
      if (candidate === null) continue
      if (candidate.unsized) await this.#measure(candidate)
      candidates.push(candidate)
    }
    return { nodes: nodes.length, last: nodes.at(-1)?.key ?? '', candidates }
  }

  #parse(node: BeeNode): HyperdriveCandidate | null {
    return HyperdriveCandidate.parse(this.#host, node)
  }

  async #measure(candidate: HyperdriveCandidate): Promise<void> {
    candidate.size = await this.#bytes.size(candidate.unsized!, MAP_PATIENCE)
  }
}

type Page = (
  range: KeyRange,
  limit: number
) => Promise<{ nodes: number; last: string; candidates: Candidate[] }>

/** Reads a range in pages, each a short range of its own. */
class HyperdriveCursor implements Cursor {
  readonly #reverse: boolean
  readonly #page: Page
  #range: KeyRange
  #done = false

  constructor(range: KeyRange, opts: ScanOptions, page: Page) {
    this.#range = range
    this.#reverse = opts.reverse === true
    this.#page = page
  }

  async page(limit: number): Promise<Candidate[]> {
    while (!this.#done) {
      const { nodes, last, candidates } = await this.#page(this.#range, limit)
      if (nodes < limit) this.#done = true
      else this.#range = this.#reverse ? lower(this.#range, last) : raise(this.#range, last)
      if (candidates.length > 0) return candidates
    }
    return []
  }

  seek(key: string): void {
    const { lt, lte } = this.#range
    this.#range = { gte: key, ...(lt === undefined ? { lte } : { lt }) }
  }

  close(): Promise<void> {
    this.#done = true
    return Promise.resolve()
  }
}

function raise({ lt, lte }: KeyRange, after: string): KeyRange {
  return { gt: after, ...(lt === undefined ? { lte } : { lt }) }
}

function lower({ gt, gte }: KeyRange, before: string): KeyRange {
  return { lt: before, ...(gt === undefined ? { gte } : { gt }) }
}
