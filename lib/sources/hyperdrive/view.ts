import type { ReadOptions } from '../../drive.ts'
import { unstamped } from '../../format/stamp.ts'
import { ancestors, isKey, type KeyRange } from '../../path.ts'
import { nothing } from '../nothing.ts'
import type { Records } from '../records.ts'
import type {
  Candidate,
  Cursor,
  Directory,
  Keyed,
  Leaf,
  LeafView,
  Mount,
  Origin,
  Past,
  ScanOptions,
  Tag,
  Tombstone
} from '../source.ts'
import type { HyperdriveBytes } from './bytes.ts'
import { HyperdriveCandidate, type CandidateHost } from './candidate.ts'
import { unavailable } from './failure.ts'
import { toTombstone } from './hidden.ts'
import { entryKeys, recordKeys } from './keys.ts'
import type { TreeReader } from './reader.ts'
import type { Bee, BeeHistoryNode, BeeNode } from './types.ts'
import type { WrittenKeys } from './written.ts'

/** How many changed keys are read at once. */
const PAGE = 256

/** All entries, those that are at no path among them. */
const EVERYTHING: KeyRange = {}

/** So many nodes are fetched at once of a drive that is read on demand, for the next page to be here when its turn comes. */
const AHEAD = 256

/** How many blocks of a history are read at once. */
const HISTORY_PAGE = 1024

/** A Hyperdrive at one version. */
export class HyperdriveView implements LeafView, Keyed {
  readonly leaf: Leaf
  readonly version: number
  readonly fork: number
  readonly records: Records
  readonly #reader: TreeReader
  readonly #written: WrittenKeys | null
  readonly #host: CandidateHost
  readonly #bytes: HyperdriveBytes
  /** What was found last: who looks at a path mostly reads or writes there next. */
  #found: { key: string; candidate: Candidate | null } | null = null

  constructor(
    host: CandidateHost,
    at: { version: number; fork: number; written?: WrittenKeys },
    records: Records,
    reader: TreeReader,
    bytes: HyperdriveBytes
  ) {
    this.leaf = host.leaf
    this.#host = host
    this.version = at.version
    this.fork = at.fork
    this.#written = at.written ?? null
    this.records = records
    this.#reader = reader
    this.#bytes = bytes
  }

  get head(): Origin {
    return { id: this.#host.id, seq: this.version - 1 }
  }

  get partial(): boolean {
    return this.version > 1 && this.#reader.partial
  }

  get keyed(): Keyed | null {
    return this.#reader.whole ? this : null
  }

  get hasTombstones(): boolean {
    return this.records.hasTombstones
  }

  get hasDirectories(): boolean {
    return this.records.hasDirectories
  }

  async find(key: string, opts: ReadOptions = {}): Promise<Candidate | null> {
    if (this.#found?.key === key) return this.#found.candidate
    const node = await this.#reader.run(opts, (bee, options) =>
      bee.get(key, { ...options, checkout: this.version, keyEncoding: entryKeys, valueEncoding: 'binary' })
    )
    const candidate = node && this.#parse(node)
    if (candidate?.unsized) await this.#measure(candidate)
    else if (this.#reader.whole) this.#found = { key, candidate }
    return candidate
  }

  scan(range: KeyRange, opts: ScanOptions = {}): Cursor {
    return new HyperdriveCursor(range, opts, {
      read: (rest, limit) => this.#page(rest, limit, opts),
      isHere: async () => !this.#reader.alone || (await this.#isHere(range))
    })
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

  mounts(): readonly Mount[] {
    return this.records.mounts()
  }

  tags(): readonly Tag[] {
    return this.records.tags()
  }

  leaves(): readonly LeafView[] {
    return [this]
  }

  async keys(after: string | null, limit: number): Promise<readonly string[]> {
    const keys: string[] = []
    const range = after === null ? EVERYTHING : raise(EVERYTHING, after)
    await this.#reader.run({}, (bee, options) =>
      this.#each(bee, range, { ...options, limit }, ({ key }) => keys.push(key) < limit)
    )
    return keys
  }

  keysSince(version: number): readonly string[] | null {
    return this.#written?.between(version, this.version) ?? null
  }

  changedKeys(
    since: LeafView | Keyed,
    range: KeyRange,
    opts: ReadOptions = {}
  ): AsyncIterable<string> | null {
    if (!(since instanceof HyperdriveView) || since.#host.id !== this.#host.id || since.fork !== this.fork)
      return null
    if (since.version === this.version) return nothing()
    // The newer of the two knows where the tree of the other one begins.
    const [newer, older] = since.version > this.version ? [since, this] : [this, since]
    return newer.#changedSince(older.version, range, opts)
  }

  async *#changedSince(
    version: number,
    range: KeyRange,
    opts: ReadOptions
  ): AsyncGenerator<string, void, void> {
    for (let rest = range; ;) {
      const keys = await this.#reader.run(opts, async (bee, options) => {
        const [left, right] = [bee.checkout(this.version), bee.checkout(Math.max(1, version))]
        const found: string[] = []
        try {
          const changes = left.createDiffStream(right, rest, {
            ...options,
            limit: PAGE,
            keyEncoding: entryKeys,
            valueEncoding: 'binary'
          })
          for await (const { left: now, right: before } of changes) found.push((now ?? before)!.key)
        } finally {
          await Promise.all([left.close(), right.close()])
        }
        return found
      })
      if (keys === null) throw unavailable()
      yield* keys.filter(isKey)
      if (keys.length < PAGE) return
      rest = raise(rest, keys.at(-1)!)
    }
  }

  async *history(key: string, opts: ReadOptions = {}): AsyncGenerator<Past, void, void> {
    const { id, leaf } = { id: this.#host.id, leaf: this.leaf }
    const entry = entryKeys.encode(key)
    const tombstones = [key, ...[key, ...ancestors(key)].map((path) => path + '/')].map((name) =>
      recordKeys('tombstones').encode(name)
    )
    const isOfKey = (bytes: Buffer) => [entry, ...tombstones].some((wanted) => wanted.equals(bytes))
    // Blocks are read backwards and in pages, for a history is long and its end is seldom asked for.
    for (let end = this.version; end > 1; end -= HISTORY_PAGE) {
      const nodes = await this.#reader.run(opts, async (bee, options) => {
        const found: BeeHistoryNode[] = []
        const history = bee.createHistoryStream({
          ...options,
          gte: Math.max(1, end - HISTORY_PAGE),
          lt: end,
          checkout: this.version,
          reverse: true,
          keyEncoding: 'binary',
          valueEncoding: 'binary'
        })
        for await (const node of history) if (isOfKey(node.key)) found.push(node)
        return found
      })
      if (nodes === null) throw unavailable()
      for (const { type, seq, key: bytes, value } of nodes) {
        const origin = { id, seq }
        if (bytes.equals(entry)) {
          const version = type === 'put' ? this.#parse({ seq, key, value: value! }) : null
          if (version?.unsized) await this.#measure(version)
          if (version) yield { type: 'put', version }
          else if (type === 'del') yield { type: 'del', version: { origin, leaf, stamp: unstamped(null) } }
        } else if (type === 'put') {
          const version = toTombstone(this.#host, bytes, value!, seq)
          if (version) yield { type: 'bury', version }
        }
      }
    }
  }

  async #page(range: KeyRange, limit: number, opts: ScanOptions): Promise<Page | null> {
    const nodes = await this.#reader.run(opts, async (bee, options) => {
      const found: BeeNode[] = []
      // An iterator that is taken to have so many nodes asks a peer for all of them at once; without a limit for far more.
      const reach = { ...options, limit: this.#reader.whole ? limit : Math.max(limit, AHEAD) }
      await this.#each(bee, range, { ...reach, reverse: opts.reverse === true }, (node) => {
        return found.push(node) < limit
      })
      return found
    })
    if (nodes === null) return null
    const candidates: HyperdriveCandidate[] = []
    for (const node of nodes) {
      const candidate = this.#parse(node)
      if (candidate === null) continue
      if (candidate.unsized) await this.#measure(candidate)
      candidates.push(candidate)
    }
    return { nodes: nodes.length, last: nodes.at(-1)?.key ?? '', candidates }
  }

  /** Whether all of a range can be read without asking anybody. */
  async #isHere(range: KeyRange): Promise<boolean> {
    const read = this.#reader.run({}, async (bee, options) => {
      await this.#each(bee, range, options, () => true)
      return true
    })
    return (await read) === true
  }

  /** @param take - gives false when it has enough */
  async #each(bee: Bee, range: KeyRange, opts: object, take: (node: BeeNode) => boolean): Promise<void> {
    const iterator = bee.createRangeIterator(range, {
      ...opts,
      checkout: this.version,
      keyEncoding: entryKeys,
      valueEncoding: 'binary'
    })
    try {
      await iterator.open()
      for (let node = await iterator.next(); node !== null; node = await iterator.next()) {
        if (!take(node)) return
      }
    } finally {
      await iterator.close()
    }
  }

  #parse(node: BeeNode): HyperdriveCandidate | null {
    return HyperdriveCandidate.parse(this.#host, node)
  }

  async #measure(candidate: HyperdriveCandidate): Promise<void> {
    candidate.size = await this.#bytes.size(candidate.unsized!)
  }
}

/** What one page of a range gave. */
interface Page {
  /** How many nodes were read, with those that are no candidates. */
  nodes: number
  last: string
  candidates: Candidate[]
}

interface Pages {
  /** Null where the drive is not here and nobody can be asked. */
  read(range: KeyRange, limit: number): Promise<Page | null>
  /** Whether a listing that begins now can come to its end. */
  isHere(): Promise<boolean>
}

/** Reads a range in pages, each a short range of its own. */
class HyperdriveCursor implements Cursor {
  readonly #reverse: boolean
  readonly #pages: Pages
  #range: KeyRange
  #begun = false
  #done = false

  constructor(range: KeyRange, opts: ScanOptions, pages: Pages) {
    this.#range = range
    this.#reverse = opts.reverse === true
    this.#pages = pages
  }

  async page(limit: number): Promise<Candidate[]> {
    // What is not here is left out whole, and `unsynced` tells of it; a part alone would be taken for all there is.
    if (!this.#begun && !(await this.#pages.isHere())) this.#done = true
    this.#begun = true
    while (!this.#done) {
      const page = await this.#pages.read(this.#range, limit)
      if (page === null) throw unavailable()
      const { nodes, last, candidates } = page
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
