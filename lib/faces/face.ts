import fs, { constants, type ReadStream, type WriteStream } from 'node:fs'
import { StringDecoder } from 'node:string_decoder'
import { promisify } from 'node:util'
import { Readable, type Writable } from 'streamx'
import { callback, results, type DoneCallback, type NodeCallback } from '../callback.ts'
import type { Entry, FallbackOptions, RangeOptions, ReadOptions, Stale } from '../drive.ts'
import { failure } from '../errors.ts'
import type { Body } from './body.ts'
import type { ReadableOf } from './drive/readable.ts'
import { markStale } from './drive/streams.ts'
import { VersioningFace } from './drive/versioning.ts'
import type { FolderWatcher } from './drive/watch.ts'
import type { EntryOptions } from './drive/entry.ts'
import type { PutOptions } from './drive/write.ts'
import type {
  FsCalls,
  FsPromises,
  Names,
  NodeFs,
  ReaddirAny,
  ReaddirBytes,
  ReaddirDirents,
  ReaddirDirentsInBytes,
  ReaddirNames,
  ReaddirStats
} from './fs/api.ts'
import { badArgument, toPath, type PathLike } from './fs/arguments.ts'
import { CALLS, callsOf, SPREAD, type Call, type CallName } from './fs/calls.ts'
import type { Dirent } from './fs/dirent.ts'
import { FileHandle } from './fs/handle.ts'
import type { NameAndStat } from './fs/look.ts'
import { OpenFiles } from './fs/open-files.ts'
import { promisesOf } from './fs/promises.ts'
import { landingAtFinish } from './fs/streams.ts'
import { syncCalls, type SyncCalls } from './fs/sync.ts'
import {
  watch,
  type OnChange,
  type OnChangeInBytes,
  type Watcher,
  type WatchInBytes,
  type WatchOptions
} from './fs/watch.ts'

/** Options of Node's streams that only a descriptor has; with one of them a stream is Node's own. */
const READ_STREAM_OPTIONS = ['autoClose', 'emitClose', 'fd', 'flags', 'fs', 'highWaterMark', 'mode', 'signal']
const WRITE_STREAM_OPTIONS = [...READ_STREAM_OPTIONS, 'encoding', 'flush', 'start']

/** The names that both faces have, each with a meaning of its own: the callback decides (design, "Two faces, one body"). */
const SHARED = [
  'close',
  'createReadStream',
  'createWriteStream',
  'exists',
  'readdir',
  'symlink',
  'watch'
] as const

/** What Node's streams need of a file system. */
type ReadStreamFs = Exclude<ReadStreamOptions, string>['fs']

type ReadStreamOptions = NonNullable<Parameters<NodeFs['createReadStream']>[1]>
type NodeWriteStreamOptions = NonNullable<Parameters<NodeFs['createWriteStream']>[1]>
type WriteStreamFs = Exclude<NodeWriteStreamOptions, string>['fs']
type WriteStreamOptions =
  Extract<NodeWriteStreamOptions, string> | (Exclude<NodeWriteStreamOptions, string> & ReadOptions)

// Its methods are those of the table, of which the class has one for each (below).

export interface Face<Past extends VersioningFace<Past>>
  extends Omit<FsCalls, 'readdir' | 'symlink'>, SyncCalls {
  /** The file system under the signatures of `node:fs/promises`. */
  readonly promises: FsPromises
}

/** Both faces over one body: what reads of a drive, and Node's `fs`. */
// eslint-disable-next-line @typescript-eslint/no-unsafe-declaration-merging
export abstract class Face<Past extends VersioningFace<Past>> extends VersioningFace<Past> {
  #files: OpenFiles | null = null
  #calls: Record<string, Call> = {}

  /** What Node's streams open their descriptor with, which says what they cannot. */
  #opening(
    { wait, timeout, fallback }: Record<string, unknown>,
    stream: () => ReadStream | WriteStream
  ): object {
    const opts = { wait, timeout, fallback } as FallbackOptions
    // Where a signal was aborted before, Node opens the file all the same, and never closes it.
    const openAndClose = async (of: PathLike, flags: string, mode: number): Promise<never> => {
      await this.close(await this.open(of, flags, mode, opts))
      throw failure('ABORT_ERR')
    }
    const open = (of: PathLike, flags: string, mode: number, cb: NodeCallback<number>) => {
      if (!stream().closed) this.open(of, flags, mode, opts, cb)
      else void callback(openAndClose(of, flags, mode), cb)
    }
    return Object.assign(Object.create(this) as object, { open })
  }

  #nodeReadStream(path: string, options: Record<string, unknown>): ReadStream {
    const stream: ReadStream = fs.createReadStream(path, {
      ...options,
      fs: this.#opening(options, () => stream) as ReadStreamFs
    })
    stream.once('open', (fd: number) => markStale(stream, this.#files!.get(fd)))
    return stream
  }

  /** Makes its calls the object's own too, bound to it: they can be taken off it. */
  protected override serve(body: Body): void {
    super.serve(body)
    this.#files = new OpenFiles(body)
    this.#calls = callsOf(body, this.#files)
    const own = (name: string, value: unknown) =>
      Object.defineProperty(this, name, { value, enumerable: true, configurable: true, writable: true })
    own('promises', promisesOf(body, this.#files))
    own('constants', constants)
    for (const [name, call] of Object.entries(syncCalls())) own(name, call)
    for (const name of [...CALLS, ...SHARED]) {
      const method = (this as unknown as Record<string, Call>)[name]!
      own(name, method.bind(this))
    }
    Object.assign(this.realpath, { native: this.realpath })
    // What gives more than one result, or no error, is made a promise of as Node's is.
    for (const name of ['read', 'readv', 'write', 'writev'] as const) {
      const later = (...args: unknown[]) => this.call(name, args)
      Object.defineProperty(this[name], promisify.custom, { value: later })
    }
    const exists = (path: string) => new Promise<boolean>((resolve) => this.exists(path, resolve))
    Object.defineProperty((this as unknown as Record<string, Call>).exists, promisify.custom, {
      value: exists
    })
  }

  /**
   * The names in a folder: without a callback a stream of those with a file in or below them, in the order of keys, as Hyperdrive's; with one,
   * Node's.
   */
  override readdir(path: PathLike, cb: NodeCallback<string[]>): void
  override readdir(path: PathLike, opts: ReaddirNames, cb: NodeCallback<string[]>): void
  override readdir(path: PathLike, opts: ReaddirBytes, cb: NodeCallback<Buffer<ArrayBuffer>[]>): void
  override readdir(path: PathLike, opts: ReaddirDirents, cb: NodeCallback<Dirent[]>): void
  override readdir(
    path: PathLike,
    opts: ReaddirDirentsInBytes,
    cb: NodeCallback<Dirent<Buffer<ArrayBuffer>>[]>
  ): void
  override readdir(path: PathLike, opts: ReaddirStats, cb: NodeCallback<NameAndStat[]>): void
  override readdir(path: PathLike, opts: ReaddirAny, cb: NodeCallback<Names>): void
  override readdir(folder?: string, opts?: ReadOptions): ReadableOf<string>
  override readdir(...args: unknown[]): ReadableOf<string> | undefined {
    if (!hasCallback(args)) return super.readdir(...(args as Parameters<VersioningFace<Past>['readdir']>))
    this.call('readdir', args).catch(() => undefined)
    return undefined
  }

  /** Whether there is an entry at a path; with a callback, which gets nothing but that, whether anything is there, as Node's. */
  override exists(path: string, opts?: ReadOptions): Promise<boolean>
  override exists(path: string | Buffer | URL, cb: (exists: boolean) => void): void
  override exists(
    path: string | Buffer | URL,
    opts?: ReadOptions | ((exists: boolean) => void)
  ): Promise<boolean> | undefined {
    if (typeof opts !== 'function') return super.exists(toText(path), opts)
    const answer = (exists: boolean) => process.nextTick(opts, exists)
    this.call('access', [path]).then(
      () => answer(true),
      () => answer(false)
    )
    return undefined
  }

  /**
   * The bytes of a file as a stream, of the version that is newest when the stream opens. Links on the way to a path are followed.
   *
   * @param opts - `start` and `end`, both inclusive, or `length`, in bytes; `encoding`, or its name alone, for text. With an option that only
   *   Node's streams have (`fd`, `flags`, `highWaterMark`, `autoClose`, `emitClose`, `signal`) it is one of those
   * @throws (as `error`) ENOENT when there is no file, ELOOP after 40 links, EINVAL for a bad range, else as `get`
   */
  override createReadStream(
    path: string | Entry,
    opts?: (RangeOptions & EntryOptions & { encoding?: BufferEncoding | null }) | BufferEncoding
  ): Readable & Stale
  override createReadStream(
    path: string | Buffer | URL,
    opts: ReadStreamOptions & FallbackOptions
  ): ReadStream & Stale
  override createReadStream(path: unknown, opts: unknown = {}): (Readable | ReadStream) & Stale {
    const options = (typeof opts === 'string' ? { encoding: opts } : (opts ?? {})) as Record<string, unknown>
    if (isOfNode(options, READ_STREAM_OPTIONS)) {
      if (options.fd instanceof FileHandle) return options.fd.createReadStream(options)
      return this.#nodeReadStream(path as string, options)
    }
    const { encoding, end, ...rest } = options
    // To the end, as Node has it when nobody says.
    const range = end === Infinity ? rest : { ...rest, end }
    const stream = super.createReadStream(toText(path as string), range)
    return encoding ? textOf(stream, encoding as BufferEncoding) : stream
  }

  /**
   * Watches a folder: an async iterator of `[current, previous]`, two checkouts, of after and before a change of what the MultiDrive shows there.
   * Changes that come while nobody asks are joined. Where a drive without history tells of a change, there is a pair whatever has changed.
   *
   * With a callback it watches a path as Node's does, and gives `{ destroy() }`: see the README, "watch".
   *
   * @param folder - default the root
   * @throws CLOSED, EINVAL for a bad folder; with a callback ERR_INVALID_ARG_TYPE for what is none and for a bad option,
   *   ERR_INVALID_ARG_VALUE for no encoding
   */
  override watch(folder?: string): FolderWatcher<Past>
  override watch(path: PathLike, onchange: OnChange): Watcher
  override watch(path: PathLike, opts: WatchInBytes, onchange: OnChangeInBytes): Watcher
  override watch(
    path: PathLike,
    opts: WatchOptions | BufferEncoding | null | undefined,
    onchange: OnChange
  ): Watcher
  override watch(...args: unknown[]): FolderWatcher<Past> | Watcher {
    if (!args.slice(1).some((arg) => arg != null)) return super.watch(args[0] as string | undefined)
    const [path, opts, onchange = opts] = args
    if (typeof onchange !== 'function')
      throw badArgument('ERR_INVALID_ARG_TYPE', 'onchange', 'of type function', onchange)
    if (this.closing) throw failure('CLOSED', { syscall: 'watch', detail: 'the MultiDrive was closed' })
    // A drive that cannot tell now is asked again at the next change; until then nothing is known to have changed.
    return watch(
      this.body,
      path as PathLike,
      onchange === opts ? null : opts,
      onchange as OnChange,
      () => undefined
    )
  }

  /**
   * Writes a symbolic link into the writer, over what is there. With a callback the arguments are in Node's order, `(target, path, type?)`,
   * and what is there is EEXIST.
   *
   * @param linkname - where it points to: absolute, or relative to its folder
   * @throws as {@link put}
   */
  override symlink(path: string, linkname: string, opts?: PutOptions): Promise<void>
  override symlink(target: PathLike, path: PathLike, type: string | null | undefined, cb: DoneCallback): void
  override symlink(target: PathLike, path: PathLike, cb: DoneCallback): void
  override symlink(...args: unknown[]): Promise<void> | undefined {
    if (!hasCallback(args)) return super.symlink(...(args as [string, string, PutOptions?]))
    this.call('symlink', args).catch(() => undefined)
    return undefined
  }

  /**
   * A stream into a file. The bytes wait aside, in memory or a temporary file, and land at the end in one write; however long the
   * stream is open, it holds up nothing. With an option that only Node's streams have (`fd`, `flags`, `start`, `mode`, `encoding`,
   * `highWaterMark`, `autoClose`, `emitClose`, `flush`, `signal`) it is one of those, over a descriptor.
   *
   * @throws as {@link put}, at once for a bad path or bad metadata, else as `error` of the stream
   */
  override createWriteStream(path: PathLike, opts?: PutOptions): Writable
  override createWriteStream(path: PathLike, opts: WriteStreamOptions): WriteStream
  override createWriteStream(path: PathLike, opts?: PutOptions | WriteStreamOptions): Writable | WriteStream {
    const options = (typeof opts === 'string' ? { encoding: opts } : (opts ?? {})) as Record<string, unknown>
    if (!isOfNode(options, WRITE_STREAM_OPTIONS))
      return super.createWriteStream(toText(path), opts as PutOptions)
    if (options.fd instanceof FileHandle) return options.fd.createWriteStream(options)
    const stream: WriteStream = fs.createWriteStream(path, {
      ...options,
      fs: this.#opening(options, () => stream) as WriteStreamFs
    })
    // Node's own member, which its types leave out.
    return landingAtFinish(stream, () => this.fsync((stream as unknown as { fd: number }).fd))
  }

  /**
   * Closes the MultiDrive and all of its drives; descriptors that are still open are let go, and what was written to them does not land.
   * With a descriptor it closes that, and lands what was written to it.
   *
   * @throws EBADF for a descriptor that is not open, and what landing throws: see {@link put}
   */
  override close(): Promise<void>
  override close(cb: DoneCallback): void
  override close(fd: number): Promise<void>
  override close(fd: number, cb: DoneCallback): void
  override close(...args: [(number | DoneCallback)?, DoneCallback?]): Promise<void> | undefined {
    const [fd, cb] = args
    if (args.length === 0 || typeof fd === 'function') {
      return callback(super.close(), fd as DoneCallback | undefined)
    }
    // A descriptor that got lost on its way must not close everything.
    const closed = this.call('close', cb ? [fd, cb] : [fd]) as Promise<void>
    return cb ? undefined : closed
  }

  /** Makes a call of the fs face, with its callback if the last argument is one. */
  protected call(name: CallName | 'close' | 'readdir' | 'symlink', args: unknown[]): Promise<unknown> {
    const call = this.#calls[name]!
    // At once, so that calls are made in the order in which they are asked for; what is thrown is rejected.
    if (!hasCallback(args)) return (async () => call(...args))()
    const cb = args.at(-1) as (...results: unknown[]) => void
    const promise = call(...args.slice(0, -1))
    const spread = (SPREAD as Record<string, ((value: never) => unknown[]) | undefined>)[name]
    promise.then(
      (value) => process.nextTick(cb, ...(spread ? [null, ...spread(value as never)] : results(value))),
      (err: unknown) => process.nextTick(cb, err)
    )
    return promise
  }

  /** Lets go of all open descriptors. */
  protected async release(): Promise<void> {
    await this.#files?.release()
  }
}

for (const name of CALLS) {
  const value = function (this: Face<never>, ...args: unknown[]): Promise<unknown> | undefined {
    const promise = (this as unknown as { call: Face<never>['call'] }).call(name, args)
    return hasCallback(args) ? undefined : promise
  }
  Object.defineProperty(value, 'name', { value: name })
  Object.defineProperty(Face.prototype, name, { value, configurable: true, writable: true })
}

/** A stream of text out of one of bytes; it is open when that is. */
function textOf(stream: Readable & Stale, encoding: BufferEncoding): Readable & Stale {
  const parts = decoded(stream, encoding)
  let first: Promise<IteratorResult<string, void>> | null = null
  const text: Readable & Stale = new Readable({
    open(cb) {
      stream.once('open', () => markStale(text, stream))
      first = parts.next()
      first.then(() => cb(null), cb)
    },
    read(cb) {
      const next = first ?? parts.next()
      first = null
      next.then(({ done, value }) => {
        text.push(done ? null : value)
        cb(null)
      }, cb)
    },
    destroy(cb) {
      stream.destroy()
      cb(null)
    }
  })
  return text
}

/** Text out of bytes, whatever parts they come in. */
async function* decoded(
  stream: AsyncIterable<unknown>,
  encoding: BufferEncoding
): AsyncGenerator<string, void, void> {
  const decoder = new StringDecoder(encoding)
  for await (const chunk of stream) {
    const text = decoder.write(chunk as Buffer)
    if (text !== '') yield text
  }
  const rest = decoder.end()
  if (rest !== '') yield rest
}

/** A path that the drive face knows; entries, which it knows too, stay what they are. */
function toText(path: string | Buffer | URL): string {
  return path instanceof Uint8Array || path instanceof URL ? toPath(path).full : path
}

function hasCallback(args: readonly unknown[]): boolean {
  return typeof args.at(-1) === 'function'
}

function isOfNode(options: Record<string, unknown>, names: readonly string[]): boolean {
  return names.some((name) => options[name] !== undefined && options[name] !== null)
}
