import type fs from 'node:fs'
import type { Json, ReadOptions } from '../../drive.ts'
import type { Callback } from '../../callback.ts'
import type { PathLike } from './arguments.ts'
import type { FileHandle } from './handle.ts'
import type { NameAndStat, ReaddirOptions, StatOptions } from './look.ts'
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
  | 'opendir'
  | 'readFile'
  | 'readlink'
  | 'realpath'
  | 'rename'
  | 'rm'
  | 'rmdir'
  | 'statfs'
  | 'symlink'
  | 'truncate'
  | 'unlink'
  | 'utimes'
  | 'writeFile'

/** `stat` and `lstat`, whose stats say what only a drive knows. */
export interface StatCall {
  (path: PathLike, opts?: StatOptions & { bigint?: false | undefined }): Promise<Stats>
  (path: PathLike, opts: StatOptions & { bigint: true }): Promise<BigIntStats>
  (path: PathLike, opts?: StatOptions): Promise<Stats | BigIntStats>
}

interface StatCallback {
  (path: PathLike, cb: Callback<Stats>): void
  (
    path: PathLike,
    opts: (StatOptions & { bigint?: false | undefined }) | undefined,
    cb: Callback<Stats>
  ): void
  (path: PathLike, opts: StatOptions & { bigint: true }, cb: Callback<BigIntStats>): void
}

interface FstatCall {
  (fd: number, opts?: StatOptions & { bigint?: false | undefined }): Promise<Stats>
  (fd: number, opts: StatOptions & { bigint: true }): Promise<BigIntStats>
  (fd: number, cb: Callback<Stats>): void
  (fd: number, opts: (StatOptions & { bigint?: false | undefined }) | undefined, cb: Callback<Stats>): void
  (fd: number, opts: StatOptions & { bigint: true }, cb: Callback<BigIntStats>): void
}

/** Names with what stands there, as Hyperdrive's `readdir` gives them. */
interface ReaddirStats {
  (path: PathLike, opts: ReaddirOptions & ({ stats: true } | { includeStats: true })): Promise<NameAndStat[]>
}

interface ReaddirStatsCallback {
  (
    path: PathLike,
    opts: ReaddirOptions & ({ stats: true } | { includeStats: true }),
    cb: Callback<NameAndStat[]>
  ): void
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
export interface FsPromises extends Pick<NodePromises, SameCall> {
  /** Node's `fs.constants`. */
  readonly constants: NodePromises['constants']
  readonly stat: StatCall
  readonly lstat: StatCall
  readonly readdir: NodePromises['readdir'] & ReaddirStats
  /**
   * @param flags - `r`, `r+`, `rs+`, `w`, `wx`, `w+`, `wx+`, `a`, `ax`, `a+`, `ax+`, or their numbers; default `r`
   * @param mode - permission bits of a file that is made by it, without the umask of 0o022; default 0o666
   * @param opts - how bytes that are not here are waited for
   */
  readonly open: (
    path: PathLike,
    flags?: string | number,
    mode?: number | string,
    opts?: ReadOptions
  ) => Promise<FileHandle>
  /** What changes at a path and below it, until the iteration ends or the signal says so. */
  readonly watch: NodePromises['watch']
  /**
   * Sets one member of what a file or a folder has as its metadata.
   *
   * @param value - anything that JSON can hold; `mtime` dates a file, in milliseconds since the epoch
   * @throws EINVAL for what is no JSON, or where the metadata is no object
   */
  readonly setMetadata: (path: PathLike, key: string, value: Json) => Promise<void>
  /** Removes one member of the metadata; one that is not there is no error. */
  readonly removeMetadata: (path: PathLike, key: string) => Promise<void>
}

/** A call with Node's callback last, or, when there is none, a promise. */
type Both<K extends SameCall> = NodeFs[K & keyof NodeFs] & FsPromises[K]

type SameCalls = {
  readonly [K in Exclude<SameCall, 'lchmod' | 'appendFile' | 'readFile' | 'writeFile'>]: Both<K>
}

/** A call about a descriptor. */
interface DescriptorCall<A extends unknown[]> {
  (fd: number, ...args: A): Promise<void>
  (fd: number, ...args: [...A, cb: Callback]): void
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
  readonly readFile: NodeFs['readFile'] & NodePromises['readFile'] & ((fd: number) => Promise<Buffer>)
  readonly writeFile: NodeFs['writeFile'] &
    ((file: FileLike, ...rest: TailOf<NodePromises['writeFile']>) => Promise<void>)
  readonly appendFile: NodeFs['appendFile'] &
    ((file: FileLike, ...rest: TailOf<NodePromises['appendFile']>) => Promise<void>)
  readonly lchmod: {
    (path: PathLike, mode: number | string): Promise<void>
    (path: PathLike, mode: number | string, cb: Callback): void
  }
  readonly stat: StatCall & StatCallback
  readonly lstat: StatCall & StatCallback
  readonly fstat: FstatCall
  /**
   * @param mode - as for `promises.open`
   * @returns a descriptor, an integer from 20. One for reading stays on the version that it opened; what is written to one lands at `close`
   *   or `fsync`, whole or not at all
   */
  readonly open: NodeFs['open'] & {
    (path: PathLike, flags?: string | number, mode?: number | string, opts?: ReadOptions): Promise<number>
    (
      path: PathLike,
      flags: string | number,
      mode: number | string,
      opts: ReadOptions,
      cb: Callback<number>
    ): void
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
    ((path: PathLike, key: string, value: Json, cb: Callback) => void)
  readonly removeMetadata: FsPromises['removeMetadata'] &
    ((path: PathLike, key: string, cb: Callback) => void)
}

/** `readdir` with a callback. */
export type ReaddirCallback = NodeFs['readdir'] & ReaddirStatsCallback

type TailOf<F> = F extends (first: never, ...rest: infer R) => unknown ? R : never
