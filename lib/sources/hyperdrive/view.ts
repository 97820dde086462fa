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
  PathRecordKind,
  ScanOptions,
  Tag,
  Tombstone,
  Written
} from '../source.ts'
import { rangeOf, type Bounds } from './bounds.ts'
import type { HyperdriveBytes } from './bytes.ts'
import { HyperdriveCandidate, type CandidateHost } from './candidate.ts'
import { unavailable } from './failure.ts'
import { toTombstone } from './hidden.ts'
import { entryBounds, entryKeys, recordKeys } from './keys.ts'
import type { TreePages, TreeReader } from './reader.ts'
import type { BeeHistoryNode, TreeEntry } from './types.ts'
import type { WrittenSteps } from './written.ts'

/** How many changed keys are read at once. */
const PAGE = 256

/** All entries, those that are at no path among them. */
const EVERYTHING: KeyRange = {}

/** How many blocks of a history are read at once. */
const HISTORY_PAGE = 1024

/** A Hyperdrive at one version. */
export class HyperdriveView implements LeafView, Keyed {
  readonly leaf: Leaf
  readonly version: number
  readonly fork: number
  readonly records: Records
  readonly #reader: TreeReader
  readonly #written: WrittenSteps | null
  readonly #host: CandidateHost
  readonly #bytes: HyperdriveBytes
  /** What was found last: who looks at a path mostly reads or writes there next. */
  #found: { key: string; candidate: Candidate | null } | null = null

  constructor(
    host: CandidateHost,
    at: { version: number; fork: number; written?: WrittenSteps },
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
    const entry = await this.#reader.get(entryKeys.encode(key), opts)
    const candidate = entry && HyperdriveCandidate.parse(this.#host, key, entry)
    if (candidate?.unsized) await this.#measure(candidate)
    else if (this.#reader.whole) this.#found = { key, candidate }
    return candidate
  }

  scan(range: KeyRange, opts: ScanOptions = {}): Cursor {
    return new HyperdriveCursor(entryBounds(range), {
      read: (bounds) => this.#reader.range(bounds, opts),
      isHere: (bounds) => this.#reader.isHere(bounds),
      candidates: (entries) => this.#candidates(entries)
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

  async *keys(limit: number): AsyncGenerator<readonly string[], void, void> {
    const pages = this.#reader.range(entryBounds(EVERYTHING), {})
    for (;;) {
      const entries = (await pages.next(limit)) ?? []
      yield entries.map(({ key }) => entryKeys.decode(key))
      if (entries.length < limit) return
    }
  }

  recordNames(kind: PathRecordKind): Iterable<string> {
    return this.records.names(kind)
  }

  writtenSince(version: number): Written | null {
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
          const changes = left.createDiffStream(right, rangeOf(entryBounds(rest)), {
            ...options,
            limit: PAGE,
            keyEncoding: 'binary',
            valueEncoding: 'binary'
          })
          for await (const { left: now, right: before } of changes)
            found.push(entryKeys.decode((now ?? before)!.key))
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
          const version =
            type === 'put' ? HyperdriveCandidate.parse(this.#host, key, { seq, key: bytes, value }) : null
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

  async #candidates(entries: readonly TreeEntry[]): Promise<HyperdriveCandidate[]> {
    const candidates: HyperdriveCandidate[] = []
    for (const entry of entries) {
      const candidate = HyperdriveCandidate.parse(this.#host, entryKeys.decode(entry.key), entry)
      if (candidate === null) continue
      if (candidate.unsized) await this.#measure(candidate)
      candidates.push(candidate)
    }
    return candidates
  }

  async #measure(candidate: HyperdriveCandidate): Promise<void> {
    candidate.size = await this.#bytes.size(candidate.unsized!)
  }
}

interface Pages {
  read(bounds: Bounds): TreePages
  /** Whether a listing that begins now can come to its end. */
  isHere(bounds: Bounds): Promise<boolean>
  candidates(entries: readonly TreeEntry[]): Promise<Candidate[]>
}

class HyperdriveCursor implements Cursor {
  readonly #pages: Pages
  #bounds: Bounds
  /** Null before the first page, and after a jump. */
  #reading: TreePages | null = null
  #begun = false
  #done = false

  constructor(bounds: Bounds, pages: Pages) {
    this.#bounds = bounds
    this.#pages = pages
  }

  async page(limit: number): Promise<Candidate[]> {
    // What is not here is left out whole, and `unsynced` tells of it; a part alone would be taken for all there is.
    if (!this.#begun && !(await this.#pages.isHere(this.#bounds))) this.#done = true
    this.#begun = true
    while (!this.#done) {
      this.#reading ??= this.#pages.read(this.#bounds)
      const entries = await this.#reading.next(limit)
      if (entries === null) throw unavailable()
      if (entries.length < limit) this.#done = true
      const candidates = await this.#pages.candidates(entries)
      if (candidates.length > 0) return candidates
    }
    return []
  }

  seek(key: string): void {
    this.#bounds = { ...this.#bounds, lower: entryKeys.encode(key), includesLower: true }
    this.#reading = null
  }

  close(): Promise<void> {
    this.#done = true
    return Promise.resolve()
  }
}

function raise({ lt, lte }: KeyRange, after: string): KeyRange {
  return { gt: after, ...(lt === undefined ? { lte } : { lt }) }
}
