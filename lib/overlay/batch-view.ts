import type { EntryValue, Json, ReadOptions } from '../drive.ts'
import { unstamped } from '../format/stamp.ts'
import { compareKeys, inRange, isIn, type KeyRange } from '../path.ts'
import type { ByteRange, Candidate, Content, ScanOptions, Source, WritableLeaf } from '../sources/source.ts'
import type { Spool } from './spool.ts'
import type { Located, LocatedCursor, Reader, ViewRules } from './view.ts'

/** What a batch will do to one path. */
export type Intent =
  | { type: 'file'; executable: boolean; metadata: Json; time: number | null; spool: Spool }
  | { type: 'link'; linkname: string; metadata: Json; time: number | null }
  | { type: 'removed' }

/** The intents of a batch: the last one for each path, and the folders removed whole. */
export class Intents {
  readonly #files = new Map<string, Intent>()
  readonly #trees = new Set<string>()

  set(key: string, intent: Intent): void {
    // The last word on a path stands where it was said.
    this.#files.delete(key)
    this.#files.set(key, intent)
  }

  removeTree(folder: string): void {
    for (const key of this.#files.keys()) if (isIn(key, folder)) this.#files.delete(key)
    this.#trees.add(folder)
  }

  /** What the batch says of a path, undefined when it says nothing. */
  at(key: string): Intent | undefined {
    const intent = this.#files.get(key)
    if (intent) return intent
    for (const folder of this.#trees) if (isIn(key, folder)) return { type: 'removed' }
    return undefined
  }

  /** The keys that the batch will put, in order. */
  keys(range: KeyRange): string[] {
    const keys = [...this.#files].flatMap(([key, intent]) =>
      intent.type !== 'removed' && inRange(key, range) ? [key] : []
    )
    return keys.sort(compareKeys)
  }

  get trees(): Iterable<string> {
    return this.#trees
  }

  get files(): Iterable<[string, Intent]> {
    return this.#files
  }
}

/** The merged view as it will be when the batch has landed. */
export class BatchView implements Reader {
  readonly rules: ViewRules
  readonly #base: Reader
  readonly #intents: Intents
  readonly #writer: { source: Source; leaf: WritableLeaf }

  constructor(base: Reader, intents: Intents, writer: { source: Source; leaf: WritableLeaf }) {
    this.rules = base.rules
    this.#base = base
    this.#intents = intents
    this.#writer = writer
  }

  locate(key: string, opts?: ReadOptions): Promise<Located | null> {
    const intent = this.#intents.at(key)
    if (intent === undefined) return this.#base.locate(key, opts)
    return Promise.resolve(intent.type === 'removed' ? null : this.#located(key, intent))
  }

  older(key: string, winner: Located, opts?: ReadOptions): Promise<Located[]> {
    // What the batch writes is all here, and nothing has to stand in for it.
    return this.#intents.at(key) === undefined ? this.#base.older(key, winner, opts) : Promise.resolve([])
  }

  winners(range: KeyRange, opts: ScanOptions = {}): LocatedCursor {
    const direction = opts.reverse ? -1 : 1
    const cursor = this.#base.winners(range, opts)
    let keys = this.#intents.keys(range)
    if (opts.reverse) keys = keys.reverse()
    let ahead: Located[] = []
    let done = false

    const page = async (limit: number): Promise<Located[]> => {
      const found: Located[] = []
      while (found.length < limit) {
        if (ahead.length === 0 && !done) {
          ahead = await cursor.page(limit)
          done = ahead.length === 0
        }
        const [next] = ahead
        const [key] = keys
        if (next === undefined && key === undefined) break
        const order =
          next === undefined ? 1 : key === undefined ? -1 : direction * compareKeys(next.candidate.key, key)
        if (order <= 0) ahead.shift()
        if (order >= 0) {
          keys.shift()
          found.push(this.#located(key!, this.#intents.at(key!)!))
        } else if (this.#intents.at(next!.candidate.key) === undefined) {
          found.push(next!)
        }
      }
      return found
    }
    const seek = (key: string) => {
      keys = keys.filter((other) => compareKeys(other, key) >= 0)
      ahead = ahead.filter(({ candidate }) => compareKeys(candidate.key, key) >= 0)
      if (ahead.length === 0) cursor.seek(key)
    }
    return { page, seek, close: () => cursor.close() }
  }

  #located(key: string, intent: Intent): Located {
    return { source: this.#writer.source, candidate: new IntendedCandidate(key, intent, this.#writer.leaf) }
  }
}

/** A file that a batch will write. */
class IntendedCandidate implements Candidate {
  readonly key: string
  readonly leaf: WritableLeaf
  readonly origin = { id: '', seq: 0 }
  readonly stamp = unstamped(null)
  readonly value: EntryValue
  readonly #spool: Spool | null

  constructor(key: string, intent: Intent, leaf: WritableLeaf) {
    this.key = key
    this.leaf = leaf
    this.#spool = intent.type === 'file' ? intent.spool : null
    this.value = {
      executable: intent.type === 'file' && intent.executable,
      linkname: intent.type === 'link' ? intent.linkname : null,
      blob: this.#spool && {
        blockOffset: 0,
        blockLength: 0,
        byteOffset: 0,
        byteLength: this.#spool.byteLength
      },
      metadata: intent.type === 'removed' ? null : intent.metadata
    }
  }

  async *read(opts: ByteRange = {}): AsyncIterable<Uint8Array> {
    if (this.#spool) yield* this.#spool.stream(opts)
  }

  async readAll(): Promise<Buffer> {
    const chunks: Uint8Array[] = []
    for await (const chunk of this.read()) chunks.push(chunk)
    return Buffer.concat(chunks)
  }

  seenAt(): Candidate {
    return this
  }

  open(): Promise<Content> {
    const spool = this.#spool
    const read: Content['read'] = (into, start) => spool?.read(into, start) ?? Promise.resolve(0)
    // The batch closes the spool.
    const byteLength = () => Promise.resolve(spool?.byteLength ?? 0)
    return Promise.resolve({ read, byteLength, close: () => Promise.resolve() })
  }
}
