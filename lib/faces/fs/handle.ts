import { AsyncResource } from 'node:async_hooks'
import { EventEmitter } from 'node:events'
import type { ReadStream, WriteStream } from 'node:fs'
import type { CreateReadStreamOptions, CreateWriteStreamOptions } from 'node:fs/promises'
import { createInterface, type Interface } from 'node:readline'
import type { ReadableStream } from 'node:stream/web'
import { failure } from '../../errors.ts'
import { badArgument, toOptions, type TimeLike } from './arguments.ts'
import { checkOwner, checkTime, times, toBits } from './set-attributes.ts'
import {
  toChunks,
  toLength,
  writeAll,
  type FileData,
  type ReadFileOptions,
  type WriteFileOptions
} from './content.ts'
import { named } from './failure.ts'
import type { OpenFiles } from './open-files.ts'
import type { StatOptions } from './look.ts'
import { BigIntStats, Stats } from './stats.ts'
import { readStreamOf, writeStreamOf } from './streams.ts'
import { readAll, readPart, toRead, toViews, toWrite, writeViews } from './transfer.ts'
import { bufferStreamOf, byteStreamOf } from './web-streams.ts'

type View = NodeJS.ArrayBufferView

// It names no interface of Node's that it implements, and Stats do not: each major version of Node's types adds members to them, and users
// could not compile against the next one.
/** Node's `FileHandle` (docs of `fs`, "Class: FileHandle"). Its errors are EBADF once it is closed, and those of the drive. */
export class FileHandle extends EventEmitter {
  readonly #files: OpenFiles
  #fd: number
  readonly #pending = new Set<Promise<unknown>>()
  #closing: Promise<void> | null = null
  #isStreamed = false
  readonly #resource = new AsyncResource('FileHandle')

  /** @internal */
  constructor(files: OpenFiles, fd: number) {
    super()
    this.#files = files
    this.#fd = fd
  }

  /** The descriptor; -1 when it is closed. */
  get fd(): number {
    return this.#closing ? -1 : this.#fd
  }

  /** The number under which `node:async_hooks` knows it. */
  getAsyncId(): number {
    return this.#resource.asyncId()
  }

  read<T extends View>(
    buffer: T,
    offset?: number | null,
    length?: number | null,
    position?: number | bigint | null
  ): Promise<{ bytesRead: number; buffer: T }>
  read<T extends View>(buffer: T, options?: object): Promise<{ bytesRead: number; buffer: T }>
  read<T extends View = Buffer>(options?: { buffer?: T }): Promise<{ bytesRead: number; buffer: T }>
  read(...args: unknown[]): Promise<{ bytesRead: number; buffer: never }> {
    return this.#call('read', async () => {
      const transfer = toRead(args)
      return { bytesRead: await readPart(() => this.#file, transfer), buffer: transfer.buffer as never }
    })
  }

  readv<T extends readonly View[]>(
    buffers: T,
    position?: number | null
  ): Promise<{ bytesRead: number; buffers: T }> {
    return this.#call('read', async () => {
      return { bytesRead: await readAll(this.#file, toViews(buffers), position), buffers }
    })
  }

  write<T extends View>(
    buffer: T,
    offset?: number | object | null,
    length?: number | null,
    position?: number | bigint | null
  ): Promise<{ bytesWritten: number; buffer: T }>
  write(
    data: string,
    position?: number | null,
    encoding?: BufferEncoding | null
  ): Promise<{ bytesWritten: number; buffer: string }>
  write(...args: unknown[]): Promise<{ bytesWritten: number; buffer: never }> {
    return this.#call('write', async () => {
      const { buffer, part, position } = toWrite(args)
      // Node's asks no file to take an empty buffer, where the call by descriptor does.
      if (!isEmpty(buffer)) await this.#file.write(part, position)
      return { bytesWritten: part.byteLength, buffer: buffer as never }
    })
  }

  writev<T extends readonly View[]>(
    buffers: T,
    position?: number | null
  ): Promise<{ bytesWritten: number; buffers: T }> {
    return this.#call('write', async () => {
      return { bytesWritten: await writeViews(this.#file, toViews(buffers), position), buffers }
    })
  }

  readFile(options?: { encoding?: null; signal?: AbortSignal } | null): Promise<Buffer<ArrayBuffer>>
  readFile(options: { encoding: BufferEncoding; signal?: AbortSignal } | BufferEncoding): Promise<string>
  readFile(options?: ReadFileOptions | BufferEncoding | null): Promise<string | Buffer<ArrayBuffer>>
  readFile(options?: ReadFileOptions | BufferEncoding | null): Promise<never> {
    return this.#call('read', () => this.#files.readFile(this.#fd, options)) as Promise<never>
  }

  writeFile(data: FileData, options?: WriteFileOptions | BufferEncoding | null): Promise<void> {
    return this.#call('write', async () => {
      const { encoding, signal } = toOptions<WriteFileOptions>(options)
      await writeAll(this.#file, filled(toChunks(data, encoding)), signal, null)
    })
  }

  appendFile(data: FileData, options?: WriteFileOptions | BufferEncoding | null): Promise<void> {
    return this.writeFile(data, options)
  }

  stat(opts?: StatOptions & { bigint?: false }): Promise<Stats>
  stat(opts: StatOptions & { bigint: true }): Promise<BigIntStats>
  stat(opts?: StatOptions): Promise<Stats | BigIntStats>
  stat(opts?: StatOptions | null): Promise<never> {
    return this.#call('fstat', async () => {
      const facts = await this.#file.facts()
      return (opts?.bigint === true ? new BigIntStats(facts) : new Stats(facts)) as never
    })
  }

  truncate(len?: number | null): Promise<void> {
    return this.#call('ftruncate', async () => this.#file.truncate(toLength(len)))
  }

  chmod(mode: number | string): Promise<void> {
    return this.#call('fchmod', async () => this.#files.setAttributes(this.#fd, { mode: toBits(mode) }))
  }

  /** Accepted and not kept: a drive has no owners. */
  chown(uid: number, gid: number): Promise<void> {
    return this.#call('fchown', async () => {
      checkOwner(uid, gid)
      await this.#file.facts()
    })
  }

  utimes(atime: TimeLike, mtime: TimeLike): Promise<void> {
    return this.#call('futime', async () => {
      const time = times(atime, mtime)
      checkTime(time)
      return this.#files.setAttributes(this.#fd, { time })
    })
  }

  /** Lands what has been written. */
  sync(): Promise<void> {
    return this.#call('fsync', () => this.#file.sync())
  }

  /** The same as {@link sync}. */
  datasync(): Promise<void> {
    return this.#call('fdatasync', () => this.#file.sync())
  }

  createReadStream(options?: CreateReadStreamOptions): ReadStream {
    return readStreamOf(this.#files, this.#fd, { ...options }, () => this.close())
  }

  createWriteStream(options?: CreateWriteStreamOptions): WriteStream {
    return writeStreamOf(this.#files, this.#fd, { ...options }, () => this.close())
  }

  /**
   * What is read from where the handle stands, once for each handle; it ends when the handle is closed.
   *
   * @param options - `type: 'bytes'` for a stream of Uint8Arrays that can fill buffers of the reader, else it is one of ArrayBuffers
   * @throws ERR_INVALID_STATE when it is closed, or there is one already
   */
  readableWebStream(options: { type: 'bytes' }): ReadableStream<Uint8Array>
  readableWebStream(options?: { type?: string | undefined }): ReadableStream<ArrayBuffer>
  readableWebStream({ type }: { type?: string | undefined } = {}): ReadableStream<Uint8Array | ArrayBuffer> {
    if (this.#closing) throw failure('ERR_INVALID_STATE', { detail: 'the FileHandle is closed' })
    if (this.#isStreamed) throw failure('ERR_INVALID_STATE', { detail: 'the FileHandle is locked' })
    if (type !== undefined && typeof type !== 'string')
      throw badArgument('ERR_INVALID_ARG_TYPE', 'options.type', 'of type string', type)
    this.#isStreamed = true
    return type === 'bytes' ? byteStreamOf(this) : bufferStreamOf(this)
  }

  readLines(options?: CreateReadStreamOptions): Interface {
    return createInterface({ input: this.createReadStream(options), crlfDelay: Infinity })
  }

  /** Lands what has been written and closes it; closing it again does nothing. */
  close(): Promise<void> {
    if (this.#closing === null) {
      this.#closing = this.#close()
      this.emit('close')
    }
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(): Promise<void> {
    // As Node's does it waits for what is under way.
    await Promise.allSettled(this.#pending)
    const fd = this.#fd
    this.#fd = -1
    await this.#files.close(fd)
  }

  get #file() {
    return this.#files.get(this.#fd)
  }

  #call<T>(syscall: string, call: () => Promise<T>): Promise<T> {
    if (this.#closing) {
      return Promise.reject(failure('EBADF', { syscall, detail: 'file closed' }))
    }
    const pending = named(null, { syscall }, call)
    this.#pending.add(pending)
    const forget = () => this.#pending.delete(pending)
    pending.then(forget, forget)
    return pending
  }
}

function isEmpty(data: View | string): boolean {
  return typeof data !== 'string' && data.byteLength === 0
}

/** The chunks that have something in them. */
async function* filled(chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) if (chunk.byteLength > 0) yield chunk
}
