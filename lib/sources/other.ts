import { setMaxListeners } from 'node:events'
import type { Drive, DriveEntry, EntryValue, ReadOptions } from '../drive.ts'
import { failure, MultiDriveError } from '../errors.ts'
import { isSeq } from '../format/clock.ts'
import { isObject } from '../format/json.ts'
import { isTime, parseMetadata, type Stamp } from '../format/stamp.ts'
import type { DriveVersion } from '../format/version.ts'
import { compareKeys, inRange, isKey, type KeyRange } from '../path.ts'
import { budget, onAbort, unlessAborted, within } from '../wait.ts'
import { SourceAt } from './at.ts'
import { streamed } from './content.ts'
import { nothing } from './nothing.ts'
import type {
  ByteRange,
  Candidate,
  Content,
  Cursor,
  Leaf,
  LeafView,
  Past,
  ScanOptions,
  Source,
  SourceEvents
} from './source.ts'

let count = 0

/**
 * Any object that reads like a drive. It is never written to: it has no place for tombstones and directories, and no way to write many
 * things in one step.
 */
export class OtherSource implements Leaf, LeafView {
  readonly drive: Drive
  readonly identity: string
  readonly name: string
  readonly versioned = false
  readonly writable = false
  readonly unsynced = false
  readonly head = null
  readonly steady = true
  readonly hasTombstones = false
  readonly hasDirectories = false
  #events: SourceEvents | null = null
  #forget: () => void = () => undefined
  readonly #ended = new AbortController()

  constructor(drive: Drive) {
    setMaxListeners(0, this.#ended.signal)
    this.drive = drive
    this.identity = `drive:${++count}`
    const named = 'id' in drive && typeof drive.id === 'string'
    this.name = named ? (drive.id as string) : `${drive.constructor.name} ${count}`
  }

  get leaf(): Leaf {
    return this
  }

  async open(events: SourceEvents): Promise<void> {
    const { drive } = this
    this.#events = events
    if ('ready' in drive && typeof drive.ready === 'function')
      await (drive.ready as () => Promise<void>).call(drive)
    if (!(
      'on' in drive &&
      'off' in drive &&
      typeof drive.on === 'function' &&
      typeof drive.off === 'function'
    ))
      return
    const emitter = drive as unknown as NodeJS.EventEmitter
    emitter.on('close', events.close)
    this.#forget = () => void emitter.off('close', events.close)
  }

  close(): Promise<void> {
    this.#forget()
    return Promise.resolve()
  }

  end(): void {
    this.#ended.abort()
  }

  /**
   * What the drive answers: it may know nothing of timeouts, and of being closed.
   *
   * @throws REQUEST_TIMEOUT, CLOSED
   */
  async answer<T>(asked: T | PromiseLike<T>, { timeout = 0 }: ReadOptions): Promise<T> {
    const answer = Promise.resolve(asked).then((value) => ({ value }))
    const answered = await within(unlessAborted(answer, this.#ended.signal), timeout, timedOut)
    if (answered) return answered.value
    throw failure('CLOSED', { drive: this.drive, detail: 'the MultiDrive was closed' })
  }

  /**
   * What the drive gives one after another, each waited for as by {@link answer}.
   *
   * @param opts - asked for anew each time; `signal` says that nobody needs the rest
   */
  async *answers<T>(
    asked: AsyncIterable<T> | Iterable<T>,
    opts: () => ReadOptions,
    signal?: AbortSignal
  ): AsyncGenerator<T, void, void> {
    const iterator = Symbol.asyncIterator in asked ? asked[Symbol.asyncIterator]() : asked[Symbol.iterator]()
    let isOver = false
    // Who hangs in the middle does not end either, and nobody waits for that.
    const stop = () => {
      if (isOver) return
      isOver = true
      if ('destroy' in asked && typeof asked.destroy === 'function') (asked.destroy as () => void).call(asked)
      else void (async () => iterator.return?.())().catch(() => undefined)
    }
    const forget = onAbort(signal, stop)
    try {
      for (;;) {
        const next = await this.answer(iterator.next(), opts())
        if (next.done === true) break
        yield next.value
      }
      isOver = true
    } finally {
      forget()
      stop()
    }
  }

  tellFormat(path: string, version: number): void {
    this.#events?.format('entries', path, version)
  }

  view(): LeafView {
    return this
  }

  writer(): null {
    return null
  }

  update(): Promise<boolean> {
    return Promise.resolve(false)
  }

  versions(): readonly DriveVersion[] {
    return []
  }

  at(): Source {
    return new SourceAt(this, () => this)
  }

  async find(key: string, opts: ReadOptions = {}): Promise<Candidate | null> {
    const entry = await this.answer(this.drive.entry(key, opts), opts)
    return entry === null ? null : OtherCandidate.parse(this, { ...entry, key })
  }

  scan(range: KeyRange, opts: ScanOptions = {}): Cursor {
    return new OtherCursor(this, range, opts)
  }

  tombstonesOver(): [] {
    return []
  }

  tombstonesBelow(): [] {
    return []
  }

  directoryAt(): Promise<null> {
    return Promise.resolve(null)
  }

  directoriesBelow(): Promise<[]> {
    return Promise.resolve([])
  }

  mounts(): [] {
    return []
  }

  tags(): [] {
    return []
  }

  leaves(): readonly LeafView[] {
    return [this]
  }

  changedKeys(): AsyncIterable<string> {
    // It has no other version than the one of now.
    return nothing()
  }

  async *history(key: string, opts?: ReadOptions): AsyncIterable<Past> {
    const version = await this.find(key, opts)
    if (version) yield { type: 'put', version }
  }
}

class OtherCandidate implements Candidate {
  readonly key: string
  readonly value: EntryValue
  readonly stamp: Stamp
  readonly leaf: OtherSource
  readonly origin: Candidate['origin']

  /** Whether the drive says how long the file is. */
  readonly #sized: boolean
  /** Where it lies in its drive, wherever it is seen. */
  readonly #path: string

  private constructor(
    leaf: OtherSource,
    key: string,
    value: EntryValue,
    stamp: Stamp,
    sized: boolean,
    path = key
  ) {
    this.#path = path
    this.leaf = leaf
    this.key = key
    this.value = value
    this.stamp = stamp
    this.#sized = sized
    this.origin = { id: leaf.identity, seq: 1 }
  }

  static parse(leaf: OtherSource, entry: DriveEntry): OtherCandidate | null {
    const { key, value } = entry
    if (!isKey(key) || !isObject(value)) return null
    const linkname = value.linkname ?? null
    if (linkname !== null && (typeof linkname !== 'string' || linkname === '')) return null
    const { metadata, stamp, newer } = parseMetadata(value.metadata)
    if (newer !== null) leaf.tellFormat(key, newer)
    const mtime = stamp.mtime ?? (isTime(entry.mtime) ? entry.mtime : null)
    const blob = linkname === null ? toBlob(value.blob) : null
    return new OtherCandidate(
      leaf,
      key,
      { executable: value.executable === true, linkname, blob, metadata },
      // Its id says nothing elsewhere, so a tie goes to the drive that was added first.
      { ...stamp, mtime, stamped: false },
      isObject(value.blob) && isSeq(value.blob.byteLength)
    )
  }

  async *read(range: ByteRange = {}): AsyncIterable<Uint8Array> {
    const { start = 0, wait, timeout } = range
    // Not every drive stops at the end of a file.
    const size = this.#sized ? (this.value.blob?.byteLength ?? 0) : Infinity
    const rest = Math.max(0, Math.min(range.length ?? Infinity, size - start))
    const length = rest === Infinity || (start === 0 && rest === size) ? undefined : rest
    if (rest === 0) return
    const opts = {
      ...(start === 0 ? {} : { start }),
      ...(length === undefined ? {} : { length }),
      ...(wait === undefined ? {} : { wait }),
      ...(timeout === undefined ? {} : { timeout })
    }
    const stream = this.leaf.drive.createReadStream(this.#path, opts) as AsyncIterable<Uint8Array>
    yield* this.leaf.answers(stream, () => opts, range.signal)
  }

  async readAll(opts: ReadOptions = {}): Promise<Buffer> {
    const chunks: Uint8Array[] = []
    for await (const chunk of this.read(opts)) chunks.push(chunk)
    return Buffer.concat(chunks)
  }

  open(opts?: ReadOptions): Promise<Content> {
    return Promise.resolve(streamed(this, opts))
  }

  seenAt(key: string): OtherCandidate {
    return new OtherCandidate(this.leaf, key, this.value, this.stamp, this.#sized, this.#path)
  }
}

/** A drive of an unknown kind lists in an unknown order, so the keys of one listing, and they alone, are held in memory. */
class OtherCursor implements Cursor {
  readonly #source: OtherSource
  readonly #range: KeyRange
  readonly #opts: ScanOptions
  #keys: string[] | null = null
  #next = 0
  #from: string | null = null

  constructor(source: OtherSource, range: KeyRange, opts: ScanOptions) {
    this.#source = source
    this.#range = range
    this.#opts = opts
  }

  async page(limit: number): Promise<Candidate[]> {
    const left = budget(this.#opts)
    this.#keys ??= await this.#list(left)
    const found: Candidate[] = []
    while (found.length < limit && this.#next < this.#keys.length) {
      const key = this.#keys[this.#next++]!
      if (this.#from !== null && compareKeys(key, this.#from) < 0) continue
      const candidate = await this.#source.find(key, left())
      if (candidate) found.push(candidate)
    }
    return found
  }

  seek(key: string): void {
    this.#from = key
  }

  close(): Promise<void> {
    this.#keys = []
    return Promise.resolve()
  }

  async #list(left: () => ReadOptions): Promise<string[]> {
    const { gt, lt } = this.#range
    const folder = (gt?.endsWith('/') && lt === gt.slice(0, -1) + '0' && gt.slice(0, -1)) || '/'
    const keys = new Set<string>()
    for await (const item of this.#source.answers<unknown>(this.#source.drive.list(folder), left)) {
      const key: unknown = isObject(item) ? item.key : item
      if (isKey(key) && inRange(key, this.#range)) keys.add(key)
    }
    const sorted = [...keys].sort(compareKeys)
    return this.#opts.reverse ? sorted.reverse() : sorted
  }
}

function timedOut(): MultiDriveError {
  return new MultiDriveError('REQUEST_TIMEOUT', 'REQUEST_TIMEOUT: it did not answer in time')
}

function toBlob(value: unknown): EntryValue['blob'] {
  const size = (name: string) => {
    const number = isObject(value) ? value[name] : 0
    return Number.isSafeInteger(number) && (number as number) >= 0 ? (number as number) : 0
  }
  return {
    blockOffset: size('blockOffset'),
    blockLength: size('blockLength'),
    byteOffset: size('byteOffset'),
    byteLength: size('byteLength')
  }
}
