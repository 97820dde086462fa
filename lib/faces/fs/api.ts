import type * as fs from 'node:fs'
import type { Dir } from 'node:fs'
import type { FileHandle as NodeFileHandle } from 'node:fs/promises'
import type { DoneCallback, NodeCallback } from '../../callback.ts'
import type { FallbackOptions, Json, ReadOptions } from '../../drive.ts'
import type { PathLike, TimeLike } from './arguments.ts'
import type { FileData, ReadFileOptions, WriteFileOptions } from './content.ts'
import type { CpOptions } from './copy.ts'
import type { OpendirOptions } from './dir.ts'
import type { Dirent } from './dirent.ts'
import type { FileHandle } from './handle.ts'
import type { EncodingOptions, NameAndStat, ReaddirOptions } from './look.ts'
import type { BigIntStats, Stats } from './stats.ts'

export type NodeFs = typeof fs
export type NodePromises = typeof fs.promises

/** The calls that are Node's to the last argument. */
type SameCall =
  | 'access'
  | 'appendFile'
  | 'chmod'
  | 'chown'
  | 'copyFile'
  | 'cp'
  | 'lchmod'
  | 'lchown'
  | 'link'
  | 'lutimes'
  | 'mkdir'
  | 'mkdtemp'
  | 'rename'
  | 'rm'
  | 'rmdir'
  | 'statfs'
  | 'symlink'
  | 'truncate'
  | 'unlink'
  | 'utimes'
  | 'writeFile'

/**
 * The calls of Node's that may have to fetch a file of another drive and have no options, with the arguments that they have. Behind these
 * they take how bytes that are not on this machine are waited for.
 */
interface WaitingCalls {
  chmod: [path: PathLike, mode: number | string]
  copyFile: [src: PathLike, dest: PathLike, mode: number | undefined]
  lchmod: [path: PathLike, mode: number | string]
  lutimes: [path: PathLike, atime: TimeLike, mtime: TimeLike]
  rename: [oldPath: PathLike, newPath: PathLike]
  truncate: [path: PathLike, len: number | undefined]
  utimes: [path: PathLike, atime: TimeLike, mtime: TimeLike]
}

type WaitingPromise<A extends unknown[]> = (...args: [...A, opts: Waiting | undefined]) => Promise<void>

type WaitingCallback<A extends unknown[]> = (
  ...args: [...A, opts: Waiting | undefined, cb: DoneCallback]
) => void

type WaitingPromises = {
  readonly [K in keyof WaitingCalls]: NodePromises[K] & WaitingPromise<WaitingCalls[K]>
}

/** Options of the calls whose options are Node's, with what a MultiDrive takes beside them. */
interface OptionCalls {
  appendFile: [path: PathLike, data: FileData, opts: Loose<WriteFileOptions>]
  cp: [src: PathLike, dest: PathLike, opts: Loose<CpOptions>]
  writeFile: [path: PathLike, data: FileData, opts: Loose<WriteFileOptions>]
}

type OptionPromises = {
  readonly [K in keyof OptionCalls]: NodePromises[K] &
    ((...args: OptionCalls[K]) => Promise<void>) &
    (K extends 'cp' ? unknown : WriteToHandle)
}

/** A FileHandle that was opened here; later ones of Node's have more members. */
type WriteToHandle = (
  file: FileHandle,
  data: FileData,
  opts?: Loose<WriteFileOptions> | BufferEncoding | null
) => Promise<void>

/** What `util.promisify` makes of a call. As in Node's declarations, the member is there for types alone. */
interface Promisified<F> {
  readonly __promisify__: F
}

/** Node's types take undefined for any option; so must these, or they would not fit where Node's are expected. */
type Loose<T> = { [K in keyof T]: T[K] | undefined }

type Bytes = Buffer<ArrayBuffer>

type Waiting = Loose<ReadOptions>

type FallingBack = Loose<FallbackOptions>

interface ToText {
  encoding?: BufferEncoding | null | undefined
}

interface ToBytes {
  encoding: 'buffer'
}

interface StatsPromise<At, O> {
  (at: At, opts?: O & { bigint?: false | undefined }): Promise<Stats>
  (at: At, opts: O & { bigint: true }): Promise<BigIntStats>
  (at: At, opts?: O & { bigint?: boolean | undefined }): Promise<Stats | BigIntStats>
}

interface StatsCallback<At, O> extends Promisified<StatsPromise<At, O>> {
  (at: At, cb: NodeCallback<Stats>): void
  (at: At, opts: (O & { bigint?: false | undefined }) | undefined, cb: NodeCallback<Stats>): void
  (at: At, opts: O & { bigint: true }, cb: NodeCallback<BigIntStats>): void
  (
    at: At,
    opts: (O & { bigint?: boolean | undefined }) | undefined,
    cb: NodeCallback<Stats | BigIntStats>
  ): void
}

/** `stat` and `lstat`, whose stats say what only a drive knows. */
export type StatCall = StatsPromise<PathLike, Waiting>

/** `readlink` and `realpath`. */
interface TextPromise {
  (path: PathLike, opts?: (Waiting & ToText) | BufferEncoding | null): Promise<string>
  (path: PathLike, opts: (Waiting & ToBytes) | 'buffer'): Promise<Bytes>
  (path: PathLike, opts?: Loose<EncodingOptions> | BufferEncoding | 'buffer' | null): Promise<string | Bytes>
}

interface TextCallback extends Promisified<TextPromise> {
  (path: PathLike, cb: NodeCallback<string>): void
  (
    path: PathLike,
    opts: (Waiting & ToText) | BufferEncoding | null | undefined,
    cb: NodeCallback<string>
  ): void
  (path: PathLike, opts: (Waiting & ToBytes) | 'buffer', cb: NodeCallback<Bytes>): void
  (
    path: PathLike,
    opts: Loose<EncodingOptions> | BufferEncoding | 'buffer' | null | undefined,
    cb: NodeCallback<string | Bytes>
  ): void
}

/** Options of a file that is read whole, but for its encoding and what only a path takes. */
type WholeFile = Loose<Omit<ReadFileOptions, 'encoding' | keyof FallbackOptions>>

interface ReadFilePromise<File, O> {
  (file: File, opts?: (O & { encoding?: null | undefined }) | null): Promise<Bytes>
  (file: File, opts: (O & { encoding: BufferEncoding }) | BufferEncoding): Promise<string>
  (file: File, opts?: (O & ToText) | BufferEncoding | null): Promise<string | Bytes>
}

interface ReadFileCallback<File, O> {
  (file: File, cb: NodeCallback<Bytes>): void
  (file: File, opts: (O & { encoding?: null | undefined }) | null | undefined, cb: NodeCallback<Bytes>): void
  (file: File, opts: (O & { encoding: BufferEncoding }) | BufferEncoding, cb: NodeCallback<string>): void
  (file: File, opts: (O & ToText) | BufferEncoding | null | undefined, cb: NodeCallback<string | Bytes>): void
}

/** How bytes are waited for is said of a path; a descriptor has it from its `open`. */
type ReadFileOf<File> = ReadFilePromise<File, WholeFile> & ReadFilePromise<PathLike, WholeFile & FallingBack>

type OpendirCallOptions = Loose<Omit<OpendirOptions, 'encoding'>> & { encoding?: BufferEncoding | undefined }

type OpendirPromise = (path: PathLike, opts?: OpendirCallOptions) => Promise<Dir>

interface OpendirCallback extends Promisified<OpendirPromise> {
  (path: PathLike, cb: NodeCallback<Dir>): void
  (path: PathLike, opts: OpendirCallOptions | undefined, cb: NodeCallback<Dir>): void
}

interface Listing extends Waiting {
  recursive?: boolean | undefined
  stats?: false | undefined
  includeStats?: false | undefined
}

/** Options of `readdir` that give names. */
export type ReaddirNames =
  (Listing & ToText & { withFileTypes?: false | undefined }) | BufferEncoding | null | undefined

/** Options of `readdir` that give names in bytes. */
export type ReaddirBytes = (Listing & ToBytes & { withFileTypes?: false | undefined }) | 'buffer'

/** Options of `readdir` that give `Dirent`s. */
export type ReaddirDirents = Listing & ToText & { withFileTypes: true }

/** Options of `readdir` that give `Dirent`s with names in bytes. */
export type ReaddirDirentsInBytes = Listing & ToBytes & { withFileTypes: true }

/** Options of `readdir` that give names with what stands there, as Hyperdrive's. */
export type ReaddirStats = Loose<ReaddirOptions> & ({ stats: true } | { includeStats: true })

/** Options of `readdir` of which it is not known before what they give. */
export type ReaddirAny = Loose<ReaddirOptions> | BufferEncoding | 'buffer' | null | undefined

/** What `readdir` gives. */
export type Names = string[] | Bytes[] | Dirent[] | Dirent<Bytes>[] | NameAndStat[]

interface ReaddirPromise {
  (path: PathLike, opts?: ReaddirNames): Promise<string[]>
  (path: PathLike, opts: ReaddirBytes): Promise<Bytes[]>
  (path: PathLike, opts: ReaddirDirents): Promise<Dirent[]>
  (path: PathLike, opts: ReaddirDirentsInBytes): Promise<Dirent<Bytes>[]>
  (path: PathLike, opts: ReaddirStats): Promise<NameAndStat[]>
  (path: PathLike, opts: ReaddirAny): Promise<Names>
}

/** `readdir` with a callback. */
export interface ReaddirCallback {
  (path: PathLike, cb: NodeCallback<string[]>): void
  (path: PathLike, opts: ReaddirNames, cb: NodeCallback<string[]>): void
  (path: PathLike, opts: ReaddirBytes, cb: NodeCallback<Bytes[]>): void
  (path: PathLike, opts: ReaddirDirents, cb: NodeCallback<Dirent[]>): void
  (path: PathLike, opts: ReaddirDirentsInBytes, cb: NodeCallback<Dirent<Bytes>[]>): void
  (path: PathLike, opts: ReaddirStats, cb: NodeCallback<NameAndStat[]>): void
  (path: PathLike, opts: ReaddirAny, cb: NodeCallback<Names>): void
}

/**
 * The file system under the signatures of `node:fs/promises` (docs of `fs`, "Promises API"); what differs from Node is listed in the README
 * under "Differences from Node".
 *
 * Every call rejects with an error whose `code`, `errno`, `syscall`, `path`, `dest` and message are Node's: ENOENT, EEXIST, EISDIR, ENOTDIR,
 * ENOTEMPTY, ELOOP, EINVAL, EBADF, EBUSY, EPERM, EACCES and EFBIG as POSIX has them, EROFS where no drive can be written to,
 * ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE and ERR_OUT_OF_RANGE for arguments that cannot be meant; and with the error of a drive
 * that cannot tell or cannot write, which names the drive.
 */
export interface FsPromises
  extends
    Pick<NodePromises, Exclude<SameCall, keyof WaitingCalls | keyof OptionCalls>>,
    WaitingPromises,
    OptionPromises {
  /** Node's `fs.constants`. */
  readonly constants: NodePromises['constants']
  readonly stat: StatCall
  readonly lstat: StatCall
  readonly readdir: ReaddirPromise
  readonly readFile: ReadFileOf<PathLike | FileHandle | NodeFileHandle>
  // Node's declaration takes any text for an encoding.
  readonly readlink: TextPromise & NodePromises['readlink']
  readonly realpath: TextPromise
  readonly opendir: OpendirPromise
  /**
   * @param flags - `r`, `r+`, `rs+`, `w`, `wx`, `w+`, `wx+`, `a`, `ax`, `a+`, `ax+`, or their numbers; default `r`
   * @param mode - permission bits of a file that is made by it, without the umask of 0o022; default 0o666
   * @param opts - how bytes that are not here are waited for
   */
  readonly open: (
    path: PathLike,
    flags?: string | number,
    mode?: number | string,
    opts?: FallingBack
  ) => Promise<FileHandle>
  /** What changes at a path and below it, until the iteration ends or the signal says so. */
  readonly watch: NodePromises['watch']
  /**
   * Sets one member of what a file or a folder has as its metadata.
   *
   * @param value - anything that JSON can hold; `mtime` dates a file, in milliseconds since the epoch
   * @throws EINVAL for what is no JSON, or where the metadata is no object
   */
  readonly setMetadata: (path: PathLike, key: string, value: Json, opts?: Waiting) => Promise<void>
  /** Removes one member of the metadata; one that is not there is no error. */
  readonly removeMetadata: (path: PathLike, key: string, opts?: Waiting) => Promise<void>
}

/** A call with Node's callback last, or, when there is none, a promise. */
type Both<K extends SameCall> = NodeFs[K & keyof NodeFs] & FsPromises[K]

type SameCalls = {
  readonly [K in Exclude<SameCall, 'access' | 'lchmod' | 'appendFile' | 'writeFile'>]: Both<K> &
    (K extends keyof WaitingCalls ? WaitingCallback<WaitingCalls[K]> : unknown) &
    (K extends keyof OptionCalls ? (...args: [...OptionCalls[K], cb: DoneCallback]) => void : unknown)
}

/** A call about a descriptor. */
interface DescriptorCall<A extends unknown[]> extends Promisified<(fd: number, ...args: A) => Promise<void>> {
  (fd: number, ...args: [...A, cb: DoneCallback]): void
  (fd: number, ...args: A): Promise<void>
}

interface ReadCall {
  <T extends NodeJS.ArrayBufferView>(
    fd: number,
    buffer: T,
    offset?: number | null,
    length?: number | null,
    position?: number | bigint | null
  ): Promise<{ bytesRead: number; buffer: T }>
  <T extends NodeJS.ArrayBufferView>(
    fd: number,
    options?: { buffer?: T } & Region
  ): Promise<{
    bytesRead: number
    buffer: T
  }>
}

interface Region {
  offset?: number
  length?: number
  position?: number | bigint | null
}

interface WriteCall {
  <T extends NodeJS.ArrayBufferView>(
    fd: number,
    buffer: T,
    offset?: number | Region | null,
    length?: number | null,
    position?: number | bigint | null
  ): Promise<{ bytesWritten: number; buffer: T }>
  (
    fd: number,
    text: string,
    position?: number | null,
    encoding?: BufferEncoding | null
  ): Promise<{ bytesWritten: number; buffer: string }>
}

/** A file by its path or by a descriptor. */
type FileLike = PathLike | number

/**
 * The file system as Node's `fs` (docs of `fs`, "Callback API"): with a callback last, which is called once, with the error first; without
 * one, each call returns a promise. Descriptors are integers from 20. Errors are those of {@link FsPromises}; arguments that cannot be meant
 * are thrown at once, as in Node.
 *
 * All of these are the MultiDrive's own enumerable properties and bound to it: they can be taken off it, or spread into an adapter.
 */
export interface FsCalls extends SameCalls {
  /** Node's `fs.constants`. */
  readonly constants: NodeFs['constants']
  /** In the place of a mode it takes options as well, as Hyperdrive 10's. */
  readonly access: Both<'access'> & {
    (path: PathLike, opts: Waiting, cb: DoneCallback): void
    (path: PathLike, opts: Waiting): Promise<void>
  }
  readonly readFile: ReadFileCallback<FileLike, WholeFile> &
    ReadFileCallback<PathLike, WholeFile & FallingBack> &
    ReadFileOf<FileLike> &
    Promisified<ReadFileOf<FileLike>>
  readonly readlink: TextCallback & TextPromise
  readonly realpath: TextCallback & TextPromise & { readonly native: TextCallback & TextPromise }
  readonly opendir: OpendirCallback & OpendirPromise
  readonly writeFile: NodeFs['writeFile'] &
    ((file: FileLike, ...rest: TailOf<NodePromises['writeFile']>) => Promise<void>) &
    FsPromises['writeFile'] &
    ((...args: [...OptionCalls['writeFile'], cb: DoneCallback]) => void)
  readonly appendFile: NodeFs['appendFile'] &
    ((file: FileLike, ...rest: TailOf<NodePromises['appendFile']>) => Promise<void>) &
    FsPromises['appendFile'] &
    ((...args: [...OptionCalls['appendFile'], cb: DoneCallback]) => void)
  readonly lchmod: {
    (path: PathLike, mode: number | string, cb: DoneCallback): void
    (path: PathLike, mode: number | string, opts: Waiting | undefined, cb: DoneCallback): void
    (path: PathLike, mode: number | string, opts?: Waiting): Promise<void>
  }
  readonly stat: StatsCallback<PathLike, Waiting> & StatCall
  readonly lstat: StatsCallback<PathLike, Waiting> & StatCall
  readonly fstat: StatsCallback<number, unknown> & StatsPromise<number, unknown>
  /**
   * @param mode - as for `promises.open`
   * @returns a descriptor, an integer from 20. One for reading stays on the version that it opened; what is written to one lands at `close`
   *   or `fsync`, whole or not at all
   */
  readonly open: NodeFs['open'] & {
    (
      path: PathLike,
      flags: string | number | undefined,
      mode: number | string | null | undefined,
      opts: FallingBack | undefined,
      cb: NodeCallback<number>
    ): void
    (path: PathLike, flags?: string | number, mode?: number | string, opts?: FallingBack): Promise<number>
  }
  readonly read: NodeFs['read'] & ReadCall
  readonly readv: NodeFs['readv'] &
    (<T extends readonly NodeJS.ArrayBufferView[]>(
      fd: number,
      buffers: T,
      position?: number | null
    ) => Promise<{ bytesRead: number; buffers: T }>)
  readonly write: NodeFs['write'] & WriteCall
  readonly writev: NodeFs['writev'] &
    (<T extends readonly NodeJS.ArrayBufferView[]>(
      fd: number,
      buffers: T,
      position?: number | null
    ) => Promise<{ bytesWritten: number; buffers: T }>)
  readonly ftruncate: NodeFs['ftruncate'] & ((fd: number, len?: number | null) => Promise<void>)
  readonly fchmod: DescriptorCall<[mode: number | string]>
  /** Owners are accepted and not kept. */
  readonly fchown: DescriptorCall<[uid: number, gid: number]>
  readonly futimes: DescriptorCall<[atime: number | string | Date, mtime: number | string | Date]>
  readonly fsync: DescriptorCall<[]>
  readonly fdatasync: DescriptorCall<[]>
  readonly setMetadata: FsPromises['setMetadata'] &
    ((path: PathLike, key: string, value: Json, cb: DoneCallback) => void) &
    ((path: PathLike, key: string, value: Json, opts: Waiting | undefined, cb: DoneCallback) => void)
  readonly removeMetadata: FsPromises['removeMetadata'] &
    ((path: PathLike, key: string, cb: DoneCallback) => void) &
    ((path: PathLike, key: string, opts: Waiting | undefined, cb: DoneCallback) => void)
}

/**
 * What `util.promisify` makes of the calls that the drive face has too. They are methods, of which no class can declare a member.
 */
export interface SharedCalls {
  readonly close: Promisified<(fd: number) => Promise<void>>
  readonly exists: Promisified<(path: PathLike) => Promise<boolean>>
  readonly readdir: Promisified<ReaddirPromise>
  readonly symlink: Promisified<FsPromises['symlink']>
}

type TailOf<F> = F extends (first: never, ...rest: infer R) => unknown ? R : never
