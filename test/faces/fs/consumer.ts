/** A consumer of the types of the fs face. It is compiled, never run: see `types.test.ts`. */
/* eslint-disable @typescript-eslint/no-confusing-void-expression, @typescript-eslint/no-invalid-void-type,
  @typescript-eslint/no-misused-promises, @typescript-eslint/no-misused-spread,
  @typescript-eslint/no-unnecessary-type-parameters, @typescript-eslint/no-unsafe-class-instance-assignment,
  @typescript-eslint/unbound-method --
  these rules guard what runs */
import type * as nodeFs from 'node:fs'
import type * as nodePromises from 'node:fs/promises'
import { promisify } from 'node:util'
import * as scandir from '@nodelib/fs.scandir'
import * as stat from '@nodelib/fs.stat'
import * as walk from '@nodelib/fs.walk'
import fastGlob from 'fast-glob'
import { fdir } from 'fdir'
import git from 'isomorphic-git'
import { glob as tinyGlob } from 'tinyglobby'
import type {
  BigIntStats,
  Dirent,
  DoneCallback,
  FileHandle,
  MultiDrive,
  NameAndStat,
  NodeCallback,
  ReaddirCallback,
  ReaddirOptions,
  Stats
} from '../../../index.ts'

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false

/** Compiles when the type of a value is `T` itself: not `any`, nothing narrower or wider. */
declare function is<T>(): <V>(value: V, ...same: Same<V, T> extends true ? [] : [never]) => void
declare function use(...values: unknown[]): void
declare const multi: MultiDrive
declare const fd: number
declare const handle: FileHandle

type Failure = NodeJS.ErrnoException | null
type Bytes = Buffer<ArrayBuffer>
type Names = string[] | Bytes[] | Dirent[] | Dirent<Bytes>[] | NameAndStat[]

const wait = { wait: false, timeout: 100 }
const perhaps = (): boolean => Math.random() < 0.5
const either: ReaddirOptions = { recursive: perhaps(), withFileTypes: perhaps() }

export function readdirWithCallback(): void {
  multi.readdir('/', (err, names) => {
    is<Failure>()(err)
    is<string[]>()(names)
    is<string | undefined>()(err?.code)
  })
  multi.readdir(Buffer.from('/'), undefined, (_err, names) => is<string[]>()(names))
  multi.readdir('/', 'utf8', (_err, names) => is<string[]>()(names))
  multi.readdir('/', null, (_err, names) => is<string[]>()(names))
  multi.readdir('/', wait, (_err, names) => is<string[]>()(names))
  multi.readdir('/', { encoding: 'hex', recursive: true, ...wait }, (_err, names) => is<string[]>()(names))
  multi.readdir('/', 'buffer', (_err, names) => is<Bytes[]>()(names))
  multi.readdir('/', { encoding: 'buffer', ...wait }, (_err, names) => is<Bytes[]>()(names))
  multi.readdir('/', { withFileTypes: true, ...wait }, (_err, dirents) => is<Dirent[]>()(dirents))
  multi.readdir('/', { withFileTypes: true, encoding: 'buffer' }, (_err, dirents) =>
    is<Dirent<Bytes>[]>()(dirents)
  )
  multi.readdir('/', { stats: true, ...wait }, (err, found) => {
    is<Failure>()(err)
    is<NameAndStat[]>()(found)
  })
  multi.readdir('/', { includeStats: true, recursive: true }, (_err, found) => is<NameAndStat[]>()(found))
  multi.readdir('/', { stats: true, withFileTypes: true }, (_err, found) => is<NameAndStat[]>()(found))
  multi.readdir('/', either, (_err, found) => is<Names>()(found))
  multi.readdir('/', (err: Failure, names: string[]) => use(err, names))
  multi.readdir('/', { withFileTypes: true }, (err: Failure, names: nodeFs.Dirent[]) => use(err, names))
  const done: DoneCallback = (err) => is<Failure>()(err)
  const named: NodeCallback<string[]> = (_err, names) => is<string[]>()(names)
  multi.readdir('/', named)
  multi.symlink('a', '/b', done)
  multi.close(fd, (err) => is<Failure>()(err))
  const taken: ReaddirCallback = multi.readdir
  is<void>()(multi.readdir('/', () => undefined))
  use(taken)
  // @ts-expect-error A folder is named.
  multi.readdir((err: Failure) => use(err))
  // @ts-expect-error Names are no Dirents.
  multi.readdir('/', (err: Failure, dirents: Dirent[]) => use(err, dirents))
  // @ts-expect-error Dirents are no names.
  multi.readdir('/', { withFileTypes: true }, (err: Failure, names: string[]) => use(err, names))
  // @ts-expect-error Bytes are no text.
  multi.readdir('/', { encoding: 'buffer' }, (err: Failure, names: string[]) => use(err, names))
  // @ts-expect-error There are names beside the stats.
  multi.readdir('/', { stats: true }, (err: Failure, stats: Stats[]) => use(err, stats))
  // @ts-expect-error There is no such encoding.
  multi.readdir('/', 'utf-9', () => undefined)
  // @ts-expect-error There is no such option.
  multi.readdir('/', { withTypes: true }, () => undefined)
}

export async function readdirWithout(): Promise<void> {
  for await (const name of multi.readdir('/', wait)) use(name)
  multi.readdir().destroy()
  // @ts-expect-error A stream is no promise.
  use(multi.readdir('/').then)
  // @ts-expect-error Without a callback there are no Dirents.
  multi.readdir('/', { withFileTypes: true })

  const { readdir } = multi.promises
  is<string[]>()(await readdir('/'))
  is<string[]>()(await promisify(multi.readdir)('/'))
  is<boolean>()(await promisify(multi.exists)('/'))
  is<void>()(await promisify(multi.close)(fd))
  is<void>()(await promisify(multi.symlink)('a', '/b'))
  is<string[]>()(await readdir('/', 'utf8'))
  is<string[]>()(await readdir('/', { recursive: true, ...wait }))
  is<Bytes[]>()(await readdir('/', 'buffer'))
  is<Bytes[]>()(await readdir('/', { encoding: 'buffer', ...wait }))
  is<Dirent[]>()(await readdir('/', { withFileTypes: true, ...wait }))
  is<Dirent<Bytes>[]>()(await readdir('/', { withFileTypes: true, encoding: 'buffer' }))
  is<NameAndStat[]>()(await readdir('/', { stats: true, ...wait }))
  is<NameAndStat[]>()(await readdir('/', { includeStats: true }))
  const kept = { stats: true, recursive: true } as const
  is<NameAndStat[]>()(await readdir('/', kept))
  is<Names>()(await readdir('/', either))
  // @ts-expect-error It is true or false.
  await readdir('/', { wait: 'no' })
}

export async function stats(): Promise<void> {
  for (const call of [multi.stat, multi.lstat]) {
    call('/', (err, found) => {
      is<Failure>()(err)
      is<Stats>()(found)
    })
    call('/', undefined, (_err, found) => is<Stats>()(found))
    call('/', wait, (_err, found) => is<Stats>()(found))
    call('/', { bigint: true, ...wait }, (_err, found) => is<BigIntStats>()(found))
    call('/', { bigint: perhaps() }, (_err, found) => is<Stats | BigIntStats>()(found))
    is<Stats>()(await call('/'))
    is<Stats>()(await call('/', wait))
    is<BigIntStats>()(await call('/', { bigint: true, ...wait }))
    is<Stats>()(await promisify(call)('/', wait))
    // @ts-expect-error There is no such option.
    await call('/', { throwIfNoEntry: false })
    // @ts-expect-error A descriptor is no path.
    await call(fd)
  }
  for (const call of [multi.promises.stat, multi.promises.lstat]) {
    is<Stats>()(await call('/', wait))
    is<BigIntStats>()(await call('/', { bigint: true, ...wait }))
    is<Stats | BigIntStats>()(await call('/', { bigint: perhaps() }))
    // @ts-expect-error Only bigints are bigints.
    const found: BigIntStats = await call('/', { bigint: false })
    use(found)
  }
  multi.fstat(fd, (err, found) => {
    is<Failure>()(err)
    is<Stats>()(found)
  })
  multi.fstat(fd, { bigint: true }, (_err, found) => is<BigIntStats>()(found))
  is<Stats>()(await multi.fstat(fd))
  is<BigIntStats>()(await multi.fstat(fd, { bigint: true }))
  // @ts-expect-error A descriptor has nothing to wait for.
  await multi.fstat(fd, wait)
  // @ts-expect-error A path is no descriptor.
  await multi.fstat('/')
}

export async function contents(): Promise<void> {
  const signal = AbortSignal.timeout(1)
  multi.readFile('/a', (err, data) => {
    is<Failure>()(err)
    is<Bytes>()(data)
  })
  multi.readFile('/a', { flag: 'r', signal, ...wait }, (_err, data) => is<Bytes>()(data))
  multi.readFile('/a', 'utf8', (_err, data) => is<string>()(data))
  multi.readFile('/a', { encoding: 'utf8', ...wait }, (_err, data) => is<string>()(data))
  multi.readFile(fd, 'utf8', (_err, data) => is<string>()(data))
  is<Bytes>()(await multi.readFile('/a'))
  is<Bytes>()(await multi.readFile('/a', wait))
  is<string>()(await multi.readFile('/a', { encoding: 'utf8', ...wait }))
  is<string>()(await multi.readFile(fd, 'utf8'))
  is<string>()(await promisify(multi.readFile)('/a', 'utf8'))
  is<Bytes>()(await multi.promises.readFile('/a', wait))
  is<string>()(await multi.promises.readFile('/a', { encoding: 'utf8', ...wait }))
  is<string>()(await multi.promises.readFile(handle, 'utf8'))
  // @ts-expect-error How a descriptor waits is said when it is opened.
  await multi.readFile(fd, { wait: false })
  // @ts-expect-error A handle is for the promises.
  await multi.readFile(handle)
  // @ts-expect-error There is no such option.
  await multi.readFile('/a', { encoding: 'utf8', patience: 3 })

  for (const call of [multi.readlink, multi.realpath, multi.realpath.native]) {
    call('/a', (err, text) => {
      is<Failure>()(err)
      is<string>()(text)
    })
    call('/a', { encoding: 'utf8', ...wait }, (_err, text) => is<string>()(text))
    call('/a', { encoding: 'buffer', ...wait }, (_err, text) => is<Bytes>()(text))
    is<string>()(await call('/a', wait))
    is<Bytes>()(await call('/a', 'buffer'))
    is<Bytes>()(await call('/a', { encoding: 'buffer', ...wait }))
    // @ts-expect-error There is no such option.
    await call('/a', { follow: true })
  }
  for (const call of [multi.promises.readlink, multi.promises.realpath]) {
    is<string>()(await call('/a', wait))
    is<Bytes>()(await call('/a', { encoding: 'buffer', ...wait }))
  }

  multi.opendir('/', (err, dir) => {
    is<Failure>()(err)
    is<nodeFs.Dir>()(dir)
  })
  multi.opendir('/', { recursive: true, bufferSize: 8, ...wait }, (_err, dir) => is<nodeFs.Dir>()(dir))
  is<nodeFs.Dir>()(await multi.opendir('/', wait))
  is<nodeFs.Dir>()(await multi.promises.opendir('/', { encoding: 'utf8', ...wait }))
  // @ts-expect-error There is no such option.
  await multi.opendir('/', { withFileTypes: true })

  multi.open('/a', (err, opened) => {
    is<Failure>()(err)
    is<number>()(opened)
  })
  multi.open('/a', 'r', (_err, opened) => is<number>()(opened))
  multi.open('/a', undefined, null, wait, (_err, opened) => is<number>()(opened))
  is<number>()(await multi.open('/a', 'r', undefined, wait))
  is<FileHandle>()(await multi.promises.open('/a', 'r', 0o666, wait))
  // @ts-expect-error Options come after the mode.
  await multi.open('/a', 'r', wait)
  multi.fsync(fd, (err) => is<Failure>()(err))
  multi.fchmod(fd, 0o600, (err) => is<Failure>()(err))
  is<void>()(await multi.fsync(fd))
  is<void>()(await promisify(multi.fsync)(fd))
  is<void>()(await multi.setMetadata('/a', 'note', { deep: [1] }))
  multi.setMetadata('/a', 'note', 1, (err) => is<Failure>()(err))
  is<void>()(await multi.setMetadata('/a', 'note', 1, wait))
  multi.removeMetadata('/a', 'note', wait, (err) => is<Failure>()(err))
  is<void>()(await multi.promises.removeMetadata('/a', 'note', wait))

  // What may have to fetch a file takes how it waits, behind what Node has.
  const told = (err: Failure) => is<Failure>()(err)
  multi.rename('/a', '/b', wait, told)
  multi.chmod('/a', 0o600, wait, told)
  multi.lchmod('/a', 0o600, wait, told)
  multi.utimes('/a', 1, 1, wait, told)
  multi.lutimes('/a', 1, 1, wait, told)
  multi.truncate('/a', 0, wait, told)
  multi.copyFile('/a', '/b', 0, wait, told)
  multi.appendFile('/a', 'x', { encoding: 'utf8', ...wait }, told)
  multi.writeFile('/a', 'x', { flag: 'r+', ...wait }, told)
  multi.cp('/a', '/b', { recursive: true, ...wait }, told)
  for (const calls of [multi, multi.promises]) {
    is<void>()(await calls.rename('/a', '/b', wait))
    is<void>()(await calls.chmod('/a', 0o600, wait))
    is<void>()(await calls.lchmod('/a', 0o600, wait))
    is<void>()(await calls.utimes('/a', 1, new Date(), wait))
    is<void>()(await calls.lutimes('/a', 1, '1', wait))
    is<void>()(await calls.truncate('/a', undefined, wait))
    is<void>()(await calls.copyFile('/a', '/b', undefined, wait))
    is<void>()(await calls.appendFile('/a', 'x', wait))
    is<void>()(await calls.writeFile('/a', Buffer.of(), { flag: 'r+', ...wait }))
    is<void>()(await calls.cp('/a', '/b', { recursive: true, ...wait }))
  }
  is<nodeFs.WriteStream>()(multi.createWriteStream('/a', { flags: 'a', ...wait }))
  // @ts-expect-error It fetches nothing.
  await multi.promises.unlink('/a', wait)
  is<string>()(await multi.mkdtemp('/a-'))
  // @ts-expect-error It makes, and waits for nothing.
  await multi.mkdtemp('/a-', { encoding: 'utf8', wait: false })
  // @ts-expect-error So do the promises.
  await multi.promises.mkdtemp('/a-', wait)
}

/** The part of path-scurry's `FSOption` that glob 10 and later call. */
interface Globbing {
  lstat?: (path: string) => Promise<nodeFs.Stats>
  readdir?: (
    path: string,
    options: { withFileTypes: true },
    cb: (err: NodeJS.ErrnoException | null, entries?: nodeFs.Dirent[]) => unknown
  ) => void
  promises?: {
    lstat?: (path: string) => Promise<nodeFs.Stats>
    readdir?: (path: string, options: { withFileTypes: true }) => Promise<nodeFs.Dirent[]>
    readlink?: (path: string) => Promise<string>
    realpath?: (path: string) => Promise<string>
  }
}

export async function adapters(): Promise<void> {
  await git.init({ fs: multi, dir: '/' })
  await git.log({ fs: { promises: multi.promises }, dir: '/' })
  is<string[]>()(await fastGlob('**', { fs: multi }))
  is<string[]>()(await fastGlob('**', { fs: { ...multi } }))
  const globbing: Globbing = multi
  use(new scandir.Settings({ fs: multi }))
  use(new stat.Settings({ fs: multi }))
  use(new walk.Settings({ fs: multi }))
  // Its types want of each call what Node declares beside it.
  await tinyGlob('**', { fs: multi })
  await tinyGlob('**', { fs: { ...multi } })
  use(new fdir({ fs: multi }))
  // @ts-expect-error What has nothing of a file system is none.
  await fastGlob('**', { fs: multi.promises })
  use(globbing)
}

/** The calls that take a path and are there by callback and by promise. */
type Calls =
  | 'access'
  | 'appendFile'
  | 'chmod'
  | 'chown'
  | 'constants'
  | 'copyFile'
  | 'cp'
  | 'lchown'
  | 'link'
  | 'lstat'
  | 'lutimes'
  | 'mkdir'
  | 'mkdtemp'
  | 'open'
  | 'opendir'
  | 'readFile'
  | 'readdir'
  | 'readlink'
  | 'realpath'
  | 'rename'
  | 'rm'
  | 'rmdir'
  | 'stat'
  | 'statfs'
  | 'symlink'
  | 'truncate'
  | 'unlink'
  | 'utimes'
  | 'writeFile'

export const promises: Pick<typeof nodePromises, Calls | 'lchmod' | 'watch'> = multi.promises

export const calls: Pick<
  typeof nodeFs,
  | Calls
  | 'close'
  | 'exists'
  | 'fchmod'
  | 'fchown'
  | 'fdatasync'
  | 'fstat'
  | 'fsync'
  | 'ftruncate'
  | 'futimes'
  | 'read'
  | 'readv'
  | 'write'
  | 'writev'
> = multi

/** What an adapter over Node's own has in place of the calls that wait for nobody. */
export const sync: Pick<typeof nodeFs, Extract<keyof typeof nodeFs, `${string}Sync`>> = multi
