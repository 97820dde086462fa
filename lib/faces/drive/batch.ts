import type { Writable } from 'streamx'
import { failure } from '../../errors.ts'
import { BatchView, Intents } from '../../overlay/batch-view.ts'
import type { Operation } from '../../overlay/operation.ts'
import type { Overlay } from '../../overlay/overlay.ts'
import { Spool } from '../../overlay/spool.ts'
import type { Reader } from '../../overlay/view.ts'
import { commitIn, placeOf, placeAt } from '../../overlay/place.ts'
import { toKey } from '../../path.ts'
import type { ReadOptions } from '../../drive.ts'
import type { Staged, WritableLeaf } from '../../sources/source.ts'
import { dateOfMirrored } from './mirrored.ts'
import { ReadingFace } from './reading.ts'
import { writeStream } from './streams.ts'
import { toBytes } from './bytes.ts'
import { fileHead, toLinkname, type DelOptions, type FileHead, type PutOptions } from './write.ts'

/**
 * Writes gathered to land in one atomic step. Reads from it see what it will write; nothing reaches a drive before `flush()`.
 */
export class Batch extends ReadingFace {
  readonly supportsMetadata = true
  readonly #overlay: Overlay
  readonly #base: (opts: ReadOptions) => Reader | Promise<Reader>
  readonly #ready: () => Promise<void> | null
  readonly #intents = new Intents()
  readonly #spools = new Set<Spool>()

  /** @internal */
  constructor(
    overlay: Overlay,
    base: (opts: ReadOptions) => Reader | Promise<Reader>,
    ready: () => Promise<void> | null
  ) {
    super()
    this.#ready = ready
    this.#overlay = overlay
    this.#base = base
  }

  /** As `MultiDrive.put`. */
  async put(path: string, data: string | NodeJS.ArrayBufferView, opts: PutOptions = {}): Promise<void> {
    const head = this.#head(path, opts, 'put')
    await this.#requireWriter('put', head.key)
    const spool = this.#spool()
    await spool.write(toBytes(data, 'put', head.key))
    this.#intend(head, spool)
  }

  /** As `MultiDrive.createWriteStream`. */
  createWriteStream(path: string, opts: PutOptions = {}): Writable {
    const head = this.#head(path, opts, 'open')
    const stream = writeStream(this.#spool(), head.key, async (spool) => {
      await this.#requireWriter('open', head.key)
      this.#intend({ ...head, time: head.time ?? (await date()) }, spool)
    })
    const date = dateOfMirrored(stream, opts)
    return stream
  }

  /** As `MultiDrive.symlink`. */
  async symlink(path: string, linkname: string, opts: PutOptions = {}): Promise<void> {
    const { key, metadata, time } = this.#head(path, opts, 'symlink')
    await this.#requireWriter('symlink', key)
    this.#intents.set(key, { type: 'link', linkname: toLinkname(linkname, key), metadata, time })
  }

  /** As `MultiDrive.del`. */
  del(path: string, opts: DelOptions = {}): Promise<void> {
    return Promise.resolve().then(() => {
      this.#assertOpen('del')
      const key = toKey(path, 'del')
      if (opts.recursive === true) this.#intents.removeTree(key)
      else this.#intents.set(key, { type: 'removed' })
    })
  }

  /**
   * Lands everything at once, or nothing, and closes the batch.
   *
   * @throws EROFS without a writer; EISDIR, ENOTDIR where kinds do not fit; CLOSED when it was flushed before
   */
  async flush(): Promise<void> {
    this.#assertOpen('flush')
    try {
      await this.#land()
    } finally {
      await this.close()
    }
  }

  protected override async _close(): Promise<void> {
    await Promise.all([...this.#spools].map((spool) => spool.close()))
  }

  protected override async reader(opts: ReadOptions = {}): Promise<Reader> {
    this.#assertOpen('read')
    const base = await this.#base(opts)
    const { writer } = this.#overlay
    return writer ? new BatchView(base, this.#intents, writer) : base
  }

  protected override waiting<T extends ReadOptions>(opts: T): T {
    return this.#overlay.waiting(opts)
  }

  async #land(): Promise<void> {
    await this.#ready()
    const trees = [...this.#intents.trees].map((key): Operation => ({ type: 'remove', key, tree: true }))
    const operations = [...trees]
    const keys = [...this.#intents.files].map(([key]): Operation => ({ type: 'remove', key, tree: false }))
    const place = await placeOf(this.#overlay, 'flush', [...trees, ...keys])
    const { writer } = place
    const staged: Staged[] = []
    try {
      for (const [key, intent] of this.#intents.files) {
        if (intent.type === 'removed') operations.push({ type: 'remove', key, tree: false })
        else if (intent.type === 'link') operations.push({ ...intent, key })
        else operations.push({ ...intent, key, staged: await stage(writer, intent.spool, staged) })
      }
      await commitIn(place, { syscall: 'flush', operations })
    } catch (err) {
      await Promise.all(staged.map((bytes) => bytes.discard()))
      throw err
    }
  }

  #head(path: string, opts: PutOptions, syscall: string): FileHead {
    this.#assertOpen(syscall)
    return fileHead(path, opts, syscall)
  }

  /** Only when the MultiDrive is open is it known who the writer is. */
  async #requireWriter(syscall: string, path: string): Promise<void> {
    await this.#ready()
    await placeAt(this.#overlay, syscall, path)
  }

  #spool(): Spool {
    const spool = new Spool()
    this.#spools.add(spool)
    return spool
  }

  #intend({ key, executable, metadata, time }: FileHead, spool: Spool): void {
    this.#assertOpen('put')
    this.#intents.set(key, { type: 'file', executable, metadata, time, spool })
  }

  #assertOpen(syscall: string): void {
    if (this.closing) throw failure('CLOSED', { syscall, detail: 'the batch was flushed or closed' })
  }
}

async function stage(writer: WritableLeaf, spool: Spool, all: Staged[]): Promise<Staged> {
  const staged = await writer.stage(spool.stream())
  all.push(staged)
  return staged
}
