import { Mutex } from 'async-mutex'
import { placeAt } from '../../overlay/place.ts'
import type { ReadOptions } from '../../drive.ts'
import { failure } from '../../errors.ts'
import { FileDraft } from '../../overlay/draft.ts'
import { unreadable } from '../../overlay/failure.ts'
import type { Operation } from '../../overlay/operation.ts'
import { isSame, transact, type Preparation } from '../../overlay/transact.ts'
import type { Node } from '../../overlay/tree.ts'
import type { Located } from '../../overlay/view.ts'
import type { Content } from '../../sources/source.ts'
import {
  attributesAfterWrite,
  keptAttributes,
  modeOperation,
  settle,
  type AttributeChange
} from './attributes.ts'
import type { Flags } from './flags.ts'
import type { Host } from './host.ts'
import { factsOf, type Facts } from './stats.ts'

const CHUNK = 1 << 18

/** How a file was opened. */
export interface Opening {
  readonly key: string
  /** What stood there, null for what is to be made. */
  readonly node: Node | null
  readonly flags: Flags
  /** Whether it is written, made or emptied. */
  readonly changes: boolean
  /** Permission bits for a file that is to be made. */
  readonly mode: number
  readonly read: ReadOptions
  /** Gives up the sole right to make the file, when it was taken. */
  readonly release: () => void
}

/**
 * An open file. Reading, it stays on the version that it opened; writing, it keeps what it writes to itself until it is synced or
 * closed, and lands it whole (design, "How a read resolves" 7).
 */
export class OpenFile {
  readonly key: string
  readonly #host: Host
  readonly #opening: Opening
  readonly #calls = new Mutex()
  /** The version that it goes on from, null for none or a folder. */
  #located: Located | null
  /** Of a version that is only read. */
  #content: Content | null = null
  #draft: FileDraft | null = null
  #position = 0
  /** How long the file was that appending began with, in bytes. */
  #begun = 0
  /** Whether the bytes are others than those of the version. */
  #isWritten: boolean
  /** Whether bytes have been cut off, so that what was appended does not stand for all that was done. */
  #isCut = false
  /** When a write changed the draft last, in milliseconds since the epoch. */
  #touched = Date.now()
  #change: { -readonly [K in keyof AttributeChange]: AttributeChange[K] } = {}
  /** Whether it has still to be made, with nobody else having done so. */
  #isExclusive: boolean
  #closed = false

  constructor(host: Host, opening: Opening) {
    const { changes, flags, key, node, read } = opening
    this.#host = host
    this.#opening = opening
    this.key = key
    this.#located = node && node.kind !== 'directory' ? node.located : null
    this.#isExclusive = flags.exclusive
    this.#isWritten = changes && (this.#located === null || flags.truncate)
    if (changes) this.#draft = new FileDraft(flags.truncate ? null : (this.#located?.candidate ?? null), read)
  }

  /** Set when it stands in for a newer version, whose bytes could not be had. */
  get stale(): true | undefined {
    return this.#located?.stale
  }

  /** How bytes of it that are not here are waited for. */
  get waiting(): ReadOptions {
    return this.#opening.read
  }

  /** Takes hold of the version: whatever becomes of the path, its bytes stay. */
  async hold(): Promise<void> {
    if (this.#draft) {
      await this.#draft.open()
      this.#begun = this.#draft.byteLength
    } else if (this.#located) {
      const { candidate } = this.#located
      this.#content = await candidate.open(this.#opening.read).catch((err: unknown) => {
        throw unreadable(err, candidate)
      })
    }
  }

  /**
   * Fills `into` and tells how many bytes there were.
   *
   * @param position - in bytes; null goes on where the last read or write ended
   */
  read(into: Uint8Array, position: number | null): Promise<number> {
    if (!this.#opening.flags.read) return Promise.reject(failure('EBADF'))
    if (position !== null && this.#draft === null) return this.#read(into, position)
    return this.#alone(async () => {
      const bytesRead = await this.#read(into, position ?? this.#position)
      if (position === null) this.#position += bytesRead
      return bytesRead
    })
  }

  /** @param position - as for {@link read}; a file that is appended to ignores it */
  write(chunk: Uint8Array, position: number | null): Promise<void> {
    const { flags } = this.#opening
    if (!flags.write) return Promise.reject(failure('EBADF'))
    return this.#alone(async () => {
      const draft = this.#draft!
      const start = flags.append ? draft.byteLength : (position ?? this.#position)
      const end = start + chunk.byteLength
      await draft.write(chunk, start)
      if (position === null) this.#position = end
      if (chunk.byteLength > 0) this.#touch()
    })
  }

  truncate(size: number): Promise<void> {
    if (!this.#opening.flags.write) return Promise.reject(failure('EINVAL'))
    return this.#alone(() => {
      this.#draft!.truncate(size)
      this.#isCut = true
      this.#touch()
      return Promise.resolve()
    })
  }

  /** The bytes from where the last read or write ended to the end. */
  async readRest(): Promise<Buffer> {
    const chunks: Buffer[] = []
    for (;;) {
      const chunk = Buffer.allocUnsafe(Math.max(1, Math.min(CHUNK, this.#byteLength - this.#position)))
      const bytesRead = await this.read(chunk, null)
      if (bytesRead === 0) return Buffer.concat(chunks)
      chunks.push(chunk.subarray(0, bytesRead))
    }
  }

  /** Gives a file that is being written other attributes, which land with its bytes. False where there is no such file. */
  setAttributes(change: AttributeChange): boolean {
    if (this.#draft === null) return false
    this.#change = { ...this.#change, ...change }
    return true
  }

  /** What is known of it, as it would be if it landed now. */
  async facts(): Promise<Facts> {
    const { node, mode } = this.#opening
    if (node?.kind === 'directory') {
      const view = await this.#host.view()
      return factsOf(node, node.record?.stamp.mtime ?? (await view.newestBelow(node.key)))
    }
    const now = this.#touched
    const facts: Facts = this.#located
      ? factsOf({ kind: 'file', key: this.key, located: this.#located }, 0)
      : {
          ...factsOf({ kind: 'directory', key: this.key, record: null }, now),
          type: REGULAR,
          permissions: mode
        }
    if (this.#draft === null) return facts
    const { time, metadata, mode: bits } = this.#change
    return {
      ...facts,
      size: this.#draft.byteLength,
      mtime: time ?? (this.#isWritten ? now : facts.mtime),
      ctime: this.#isWritten ? now : facts.ctime,
      permissions: bits ?? facts.permissions,
      metadata: metadata === undefined ? facts.metadata : metadata
    }
  }

  /** Lands what has been written, and goes on. */
  sync(): Promise<void> {
    return this.#alone(() => this.#land(true))
  }

  /** Lands what has been written and lets go of everything, whatever becomes of the landing. */
  async close(): Promise<void> {
    await this.#alone(async () => {
      try {
        await this.#land(false)
      } finally {
        await this.release()
      }
    })
  }

  /** Lets go of everything, and of what has been written too. */
  async release(): Promise<void> {
    this.#closed = true
    this.#opening.release()
    await this.#draft?.close()
    await this.#content?.close()
  }

  get #byteLength(): number {
    return this.#draft?.byteLength ?? this.#located?.candidate.value.blob?.byteLength ?? 0
  }

  #touch(): void {
    this.#isWritten = true
    this.#touched = Date.now()
    // A date that was set before is that of bytes which are no longer these.
    this.#change = { ...this.#change }
    delete this.#change.time
  }

  #alone<T>(call: () => Promise<T>): Promise<T> {
    return this.#calls.runExclusive(() => {
      if (this.#closed) throw failure('EBADF')
      return call()
    })
  }

  async #read(into: Uint8Array, position: number): Promise<number> {
    if (this.#opening.node?.kind === 'directory') throw failure('EISDIR')
    if (this.#draft) return this.#draft.readInto(into, position)
    // Behind the last number that is exact, there is nothing.
    if (!Number.isSafeInteger(position)) return 0
    return this.#content!.read(into, position).catch((err: unknown) => {
      throw unreadable(err, this.#located!.candidate)
    })
  }

  async #land(goOn: boolean): Promise<void> {
    const draft = this.#draft
    if (draft === null || !(this.#isWritten || Object.keys(this.#change).length > 0)) return
    const { key } = this
    const landing: { of: FileDraft | null } = { of: null }
    // Before anybody else can write there, it goes on from what it has landed.
    const landed = goOn ? () => this.#goOn(draft) : undefined
    const prepare = async (at: Preparation): Promise<Operation[]> => {
      const node = await at.look(key)
      const there = node?.kind === 'file' ? node.located : null
      const before = this.#located
      const { now, base } = this.#opening.flags.append
        ? await this.#appended(there, landing)
        : { now: before, base: draft }
      // What others have set meanwhile stays, but for what was set here.
      const kept = there ?? now
      const attributes = settle(
        kept ? (this.#isWritten ? attributesAfterWrite(kept) : keptAttributes(kept)) : this.#fresh,
        this.#change
      )
      const { mode, metadata, time } = attributes
      const of = now?.candidate ?? null
      const staged = await at.stage(key, of, async (writer) => {
        if (of && of.leaf !== writer) await base.detach()
        return writer.amend(base)
      })
      const exclusive = this.#isExclusive
      return [{ type: 'file', key, staged, metadata, time, exclusive, ...modeOperation(mode) }]
    }
    try {
      await transact(this.#host.overlay, 'close', key, prepare, {
        read: this.waiting,
        ...(landed && { landed })
      })
    } finally {
      await landing.of?.close()
    }
    this.#isWritten = false
    this.#isExclusive = false
    this.#isCut = false
    this.#change = {}
  }

  get #fresh(): { mode: number; metadata: null; time: null } {
    return { mode: this.#opening.mode, metadata: null, time: null }
  }

  /** What was appended, behind what stands there by now: two who append at once both find their bytes. */
  async #appended(
    now: Located | null,
    landing: { of: FileDraft | null }
  ): Promise<{ now: Located | null; base: FileDraft }> {
    const draft = this.#draft!
    const before = this.#located
    const isSameFile = now === null || (before !== null && isSame(before.candidate, now.candidate))
    if (isSameFile || this.#isCut || this.#isExclusive) return { now: now ?? before, base: draft }
    await landing.of?.close()
    const behind = (landing.of = new FileDraft(now.candidate, this.#opening.read))
    await behind.open()
    let end = behind.byteLength
    for await (const chunk of draft.read(this.#begun, draft.byteLength)) {
      await behind.write(chunk, end)
      end += chunk.byteLength
    }
    return { now, base: behind }
  }

  /** Goes on from what has just landed, so that it need not land again with what comes. */
  async #goOn(draft: FileDraft): Promise<void> {
    const { overlay, writer, prefix } = await placeAt(this.#host.overlay, 'close', this.key)
    const leaf = (await overlay.view()).leaves().find((view) => view.leaf === writer)
    const candidate = (await leaf?.find(this.key.slice(prefix.length)))?.seenAt(this.key)
    if (!candidate) return
    this.#located = { candidate, source: writer }
    await draft.rebase(candidate)
    this.#begun = draft.byteLength
  }
}

/** The type of an ordinary file in a mode. */
const REGULAR = 0o100000
