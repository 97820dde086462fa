import { constants } from 'node:fs'
import type { FallbackOptions, Json, ReadOptions } from '../../drive.ts'
import type { FsPromises, NodePromises } from './api.ts'
import type { PathLike } from './arguments.ts'
import * as changing from './change.ts'
import * as content from './content.ts'
import * as copying from './copy.ts'
import { opendir } from './dir.ts'
import { FileHandle } from './handle.ts'
import type { Host } from './host.ts'
import * as looking from './look.ts'
import type { OpenFiles } from './open-files.ts'
import * as setting from './set-attributes.ts'
import { statfs } from './statfs.ts'
import { watchAsync, type WatchOptions } from './watch.ts'

/** The calls that take a path and give a promise; those of both faces. */
const calls = {
  ...looking,
  ...changing,
  ...setting,
  opendir,
  statfs,
  copyFile: copying.copyFile,
  cp: copying.cp,
  readFile: content.readFile,
  writeFile: content.writeFile,
  appendFile: content.appendFile,
  truncate: content.truncate
}

/** The names of the calls that are alike in both faces. */
export const PATH_CALLS = [
  'access',
  'appendFile',
  'chmod',
  'chown',
  'copyFile',
  'cp',
  'lchmod',
  'lchown',
  'link',
  'lstat',
  'lutimes',
  'mkdir',
  'mkdtemp',
  'opendir',
  'readFile',
  'readdir',
  'readlink',
  'realpath',
  'removeMetadata',
  'rename',
  'rm',
  'rmdir',
  'setMetadata',
  'stat',
  'statfs',
  'symlink',
  'truncate',
  'unlink',
  'utimes',
  'writeFile'
] as const

type PathCall = (typeof PATH_CALLS)[number]
type Call = (...args: unknown[]) => Promise<unknown>

/** A call of a file system. Arguments that cannot be meant are thrown at once. */
export function pathCall(host: Host, name: PathCall): Call {
  const call = calls[name] as (host: Host, ...args: unknown[]) => Promise<unknown>
  return (...args) => call(host, ...args)
}

/** `fs.promises` of a MultiDrive. Nothing of it throws before it returns, so each call is async by itself. */
export function promisesOf(host: Host, files: OpenFiles): FsPromises {
  const onFile = (name: 'appendFile' | 'readFile' | 'writeFile', file: unknown, args: unknown[]) =>
    file instanceof FileHandle ? (file[name] as Call).apply(file, args) : pathCall(host, name)(file, ...args)
  // An overloaded signature cannot be inferred; those are told by name.
  const promises = {
    constants,
    access: async (path, mode) => looking.access(host, path, mode),
    appendFile: (async (...args: unknown[]) =>
      onFile('appendFile', args[0], args.slice(1))) as FsPromises['appendFile'],
    chmod: async (path, mode, opts?: ReadOptions) => setting.chmod(host, path, mode, opts),
    chown: async (path, uid, gid) => setting.chown(host, path, uid, gid),
    copyFile: async (src, dest, mode, opts?: ReadOptions) => copying.copyFile(host, src, dest, mode, opts),
    cp: (async (src: PathLike, dest: PathLike, opts?: copying.CpOptions) =>
      copying.cp(host, src, dest, opts)) as FsPromises['cp'],
    // Deprecated in Node, and part of its face.
    // eslint-disable-next-line @typescript-eslint/no-deprecated
    lchmod: async (path, mode, opts?: ReadOptions) => setting.lchmod(host, path, mode, opts),
    lchown: async (path, uid, gid) => setting.lchown(host, path, uid, gid),
    link: async (existing, path) => changing.link(host, existing, path),
    lstat: (async (path, opts) => looking.lstat(host, path, opts)) as FsPromises['lstat'],
    lutimes: async (path, atime, mtime, opts?: ReadOptions) =>
      setting.lutimes(host, path, atime, mtime, opts),
    mkdir: (async (path, opts) => changing.mkdir(host, path, opts)) as FsPromises['mkdir'],
    mkdtemp: (async (prefix: string, opts?: looking.EncodingOptions | BufferEncoding | 'buffer' | null) =>
      changing.mkdtemp(host, prefix, opts)) as FsPromises['mkdtemp'],
    open: (async (path: PathLike, flags?: string | number, mode?: number | string, opts?: FallbackOptions) =>
      new FileHandle(files, await files.open(path, flags, mode, opts))) satisfies FsPromises['open'],
    opendir: async (path, opts) => opendir(host, path, opts),
    readFile: (async (...args: unknown[]) =>
      onFile('readFile', args[0], args.slice(1))) as FsPromises['readFile'],
    readdir: (async (path: PathLike, opts?: looking.ReaddirOptions | BufferEncoding | 'buffer' | null) =>
      looking.readdir(host, path, opts)) as FsPromises['readdir'],
    readlink: (async (path: PathLike, opts?: looking.EncodingOptions | BufferEncoding | 'buffer' | null) =>
      looking.readlink(host, path, opts)) as FsPromises['readlink'],
    realpath: (async (path: PathLike, opts?: looking.EncodingOptions | BufferEncoding | 'buffer' | null) =>
      looking.realpath(host, path, opts)) as FsPromises['realpath'],
    removeMetadata: async (path: PathLike, key: string, opts?: ReadOptions) =>
      setting.removeMetadata(host, path, key, opts),
    rename: async (oldPath, newPath, opts?: ReadOptions) => changing.rename(host, oldPath, newPath, opts),
    rm: async (path, opts) => changing.rm(host, path, opts),
    rmdir: async (path, opts) => changing.rmdir(host, path, opts),
    setMetadata: async (path: PathLike, key: string, value: Json, opts?: ReadOptions) =>
      setting.setMetadata(host, path, key, value, opts),
    stat: (async (path, opts) => looking.stat(host, path, opts)) as FsPromises['stat'],
    statfs: (async (path, opts) => statfs(host, path, opts)) as FsPromises['statfs'],
    symlink: async (target, path, type) => changing.symlink(host, target, path, type),
    truncate: async (path, len, opts?: ReadOptions) => content.truncate(host, path, len, opts),
    unlink: async (path) => changing.unlink(host, path),
    utimes: async (path, atime, mtime, opts?: ReadOptions) => setting.utimes(host, path, atime, mtime, opts),
    watch: ((path: PathLike, opts?: WatchOptions | BufferEncoding | 'buffer' | null) =>
      watchAsync(host, path, opts)) as FsPromises['watch'],
    writeFile: (async (...args: unknown[]) =>
      onFile('writeFile', args[0], args.slice(1))) as FsPromises['writeFile']
  } satisfies { [K in keyof NodePromises]: NodePromises[K] } & { [name: string]: unknown }
  return promises
}
