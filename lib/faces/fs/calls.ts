import type { FsCalls } from './api.ts'
import { toData, toDescriptor, toOptions, type PathLike } from './arguments.ts'
import { checkOwner, checkTime, times, toBits } from './set-attributes.ts'
import { toChunks, toLength, writeAll, type WriteFileOptions } from './content.ts'
import { named } from './failure.ts'
import type { Host } from './host.ts'
import { access } from './look.ts'
import type { OpenFiles } from './open-files.ts'
import { PATH_CALLS, pathCall } from './promises.ts'
import { BigIntStats, Stats } from './stats.ts'
import { readAll, readPart, toRead, toViews, toWrite, writeViews } from './transfer.ts'

/** A call without its callback. Arguments that cannot be meant are thrown at once, as in Node. */
export type Call = (...args: unknown[]) => Promise<unknown>

/** What a call gives, as the arguments of its callback after the error. */
export type Spread = (value: never) => unknown[]

/** The calls of the fs face that are its alone: not even a name is shared with the drive face. */
export type CallName = Exclude<keyof FsCalls, 'constants' | 'symlink' | 'readdir'>

export const CALLS: readonly CallName[] = [
  ...PATH_CALLS.filter((name) => name !== 'readdir' && name !== 'symlink'),
  'fchmod',
  'fchown',
  'fdatasync',
  'fstat',
  'fsync',
  'ftruncate',
  'futimes',
  'open',
  'read',
  'readv',
  'write',
  'writev'
]

/** The results that a callback gets as more than one argument (docs of `fs`, "fs.read" and the like). */
export const SPREAD: Partial<Record<CallName, Spread>> = {
  read: ({ bytesRead, buffer }: { bytesRead: number; buffer: unknown }) => [bytesRead, buffer],
  readv: ({ bytesRead, buffers }: { bytesRead: number; buffers: unknown }) => [bytesRead, buffers],
  write: ({ bytesWritten, buffer }: { bytesWritten: number; buffer: unknown }) => [bytesWritten, buffer],
  writev: ({ bytesWritten, buffers }: { bytesWritten: number; buffers: unknown }) => [bytesWritten, buffers]
}

/** The calls of the fs face over one file system. */
export function callsOf(
  host: Host,
  files: OpenFiles
): Record<CallName | 'readdir' | 'symlink' | 'close', Call> {
  const paths = Object.fromEntries(PATH_CALLS.map((name) => [name, pathCall(host, name)])) as Record<
    (typeof PATH_CALLS)[number],
    Call
  >
  const descriptor = (
    syscall: string,
    call: (fd: number, ...args: unknown[]) => () => Promise<unknown>
  ): Call => {
    return (fd, ...args) => {
      // What is no descriptor at all is thrown, one that is not open is told.
      const work = call(toDescriptor(fd), ...args)
      return named(host, { syscall }, async () => work())
    }
  }
  /** A call that takes a descriptor as well as a path. */
  const either = (byPath: Call, byDescriptor: Call): Call => {
    return (file, ...args) => (typeof file === 'number' ? byDescriptor(file, ...args) : byPath(file, ...args))
  }
  const writing = descriptor('write', (fd, data, opts) => {
    const { encoding, signal } = toOptions<WriteFileOptions>(opts)
    const chunks = typeof data === 'string' ? [toData(data, encoding)] : toChunks(data, encoding)
    return () => writeAll(files.get(fd), chunks, signal, null)
  })
  return {
    ...paths,
    // Hyperdrive 10 takes options here.
    access: (path, mode) =>
      typeof mode === 'object' && mode !== null
        ? access(host, path as PathLike, null, mode)
        : paths.access(path, mode),
    appendFile: either(paths.appendFile, writing),
    writeFile: either(paths.writeFile, writing),
    readFile: either(
      paths.readFile,
      descriptor('read', (fd, opts) => () => files.readFile(fd, opts as never))
    ),
    close: descriptor('close', (fd) => () => files.close(fd)),
    open: (path, flags, mode, opts) => files.open(path as never, flags as never, mode as never, opts ?? {}),
    read: descriptor('read', (fd, ...args) => {
      const transfer = toRead(args, true)
      return async () => {
        return { bytesRead: await readPart(() => files.get(fd), transfer), buffer: transfer.buffer }
      }
    }),
    readv: descriptor('read', (fd, buffers, position) => {
      const views = toViews(buffers)
      return async () => ({ bytesRead: await readAll(files.get(fd), views, position), buffers })
    }),
    write: descriptor('write', (fd, ...args) => {
      const { buffer, part, position } = toWrite(args)
      return async () => {
        await files.get(fd).write(part, position)
        return { bytesWritten: part.byteLength, buffer }
      }
    }),
    writev: descriptor('write', (fd, buffers, position) => {
      const views = toViews(buffers)
      return async () => ({ bytesWritten: await writeViews(files.get(fd), views, position), buffers })
    }),
    fstat: descriptor('fstat', (fd, opts) => async () => {
      const facts = await files.get(fd).facts()
      return (opts as { bigint?: unknown } | null | undefined)?.bigint === true
        ? new BigIntStats(facts)
        : new Stats(facts)
    }),
    ftruncate: descriptor('ftruncate', (fd, length) => {
      const size = toLength(length)
      return () => files.get(fd).truncate(size)
    }),
    fchmod: descriptor('fchmod', (fd, mode) => {
      const bits = toBits(mode)
      return () => files.setAttributes(fd, { mode: bits })
    }),
    fchown: descriptor('fchown', (fd, uid, gid) => {
      checkOwner(uid, gid)
      return () => Promise.resolve(void files.get(fd))
    }),
    futimes: descriptor('futime', (fd, atime, mtime) => {
      const time = times(atime, mtime)
      return () => {
        files.get(fd)
        checkTime(time)
        return files.setAttributes(fd, { time })
      }
    }),
    fsync: descriptor('fsync', (fd) => () => files.get(fd).sync()),
    fdatasync: descriptor('fdatasync', (fd) => () => files.get(fd).sync())
  }
}
