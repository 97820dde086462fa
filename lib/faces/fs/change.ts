import { randomBytes } from 'node:crypto'
import type { ReadOptions } from '../../drive.ts'
import { errorCode, ERRORS, failure } from '../../errors.ts'
import type { Operation } from '../../overlay/operation.ts'
import { transact, type Preparation } from '../../overlay/transact.ts'
import { parentOf, type Node, type Resolved } from '../../overlay/tree.ts'
import { isIn } from '../../path.ts'
import {
  encoded,
  toInteger,
  toMode,
  toObject,
  toOptions,
  toPath,
  toWaiting,
  type Path,
  type PathLike
} from './arguments.ts'
import { keptAttributes, modeOperation } from './attributes.ts'
import { final, isFinal, named, systemError } from './failure.ts'
import { missingFolders } from './folders.ts'
import { change, entryAt, find, isTooLong, make, resolve, type Host } from './host.ts'
import { toFlag, type EncodingOptions } from './look.ts'
import { DIRECTORY_MODE } from './stats.ts'

/** What a new file or folder of nobody's wish may not be (docs of `fs`, "File modes"): that of most systems, on each of them. */
export const UMASK = 0o022

export interface MkdirOptions {
  /** Make the folders above it too; one that is there is no error. */
  recursive?: boolean
  /** Permission bits. Default 0o777 without the umask. */
  mode?: number | string | null
}

export interface RmOptions {
  /** A path that is not there is no error. */
  force?: boolean
  recursive?: boolean
  maxRetries?: number
  retryDelay?: number
}

export interface RmdirOptions {
  /** With all that is in it. Deprecated in Node, in favour of `rm`. */
  recursive?: boolean
  maxRetries?: number
  retryDelay?: number
}

export function mkdir(
  host: Host,
  path: PathLike,
  opts?: MkdirOptions | number | string | null
): Promise<string | undefined> {
  const at = toPath(path)
  // What is none of these is passed over, as in Node.
  const options = typeof opts === 'number' || typeof opts === 'string' ? { mode: opts } : (opts ?? {})
  const recursive = toFlag(options.recursive, 'options.recursive')
  const bits = toMode(options.mode, 'mode', 0o777) & ~UMASK
  const mode = bits === DIRECTORY_MODE ? null : bits
  return named(host, { syscall: 'mkdir', path: at.given }, async () => {
    if (recursive) return makeFolders(host, at, mode)
    await make(host, 'mkdir', at, (key) => ({ type: 'make-directory', key, mode, metadata: null }))
    return undefined
  })
}

async function makeFolders(host: Host, path: Path, mode: number | null): Promise<string | undefined> {
  let made: string | undefined
  await transact(host.overlay, 'mkdir', null, async (at) => {
    const { keys, first } = await missingFolders(at, path.given)
    made = first
    return keys.map((key) => ({ type: 'make-directory', key, mode, metadata: null }) as const)
  })
  return made
}

export function mkdtemp(
  host: Host,
  prefix: PathLike,
  opts?: EncodingOptions | BufferEncoding | 'buffer' | null
): Promise<string | Buffer> {
  const { given } = toPath(prefix, 'prefix')
  const { encoding } = toOptions<EncodingOptions>(opts)
  return named(host, { syscall: 'mkdtemp', path: `${given}XXXXXX` }, async () => {
    if (given === '') throw failure('EINVAL')
    for (;;) {
      const path = given + randomName()
      try {
        await make(host, 'mkdtemp', toPath(path), (key) => {
          return { type: 'make-directory', key, mode: 0o700, metadata: null }
        })
        return encoded(path, encoding)
      } catch (err) {
        if (errorCode(err) !== 'EEXIST') throw err
      }
    }
  })
}

export function rmdir(host: Host, path: PathLike, opts?: RmdirOptions): Promise<void> {
  const at = toPath(path)
  const options = toObject(opts) as RmdirOptions
  const recursive = toFlag(options.recursive, 'options.recursive')
  checkRemoval(options)
  const remove = () =>
    change(
      host,
      'rmdir',
      (tree) => entryAt(tree, at),
      ({ key, node }) => {
        if (node === null) throw failure('ENOENT')
        if (node.kind !== 'directory') throw final(failure('ENOTDIR', { syscall: 'rmdir', path: at.given }))
        const last = lastName(at)
        if (last === '.') throw failure('EINVAL')
        if (last === '..' && !recursive) throw failure('ENOTEMPTY')
        checkNotRoot(key)
        if (isMount(node)) throw failure('EBUSY')
        if (recursive) return removal(key, true)
        return [
          { type: 'remove-directory', key },
          { type: 'keep-directory', key: parentOf(key) }
        ]
      }
    )
  return named(host, { syscall: 'rmdir', path: at.given }, () => (recursive ? found(at, remove) : remove()))
}

/** Removes what a path leads to as Node does, which looks at it first: that is what fails where nothing is found. */
async function found(path: Path, remove: () => Promise<void>): Promise<void> {
  try {
    await remove()
  } catch (err) {
    const code = errorCode(err)
    const isLost = code === 'ENOENT' || code === 'ENOTDIR' || code === 'ELOOP' || code === 'ENAMETOOLONG'
    if (!isLost || isFinal(err)) throw err
    throw final(failure(code, { syscall: 'lstat', path: path.given }))
  }
}

export function unlink(host: Host, path: PathLike): Promise<void> {
  const at = toPath(path)
  return named(host, { syscall: 'unlink', path: at.given }, () =>
    change(
      host,
      'unlink',
      (tree) => entryAt(tree, at),
      ({ node }) => {
        if (node === null) throw failure('ENOENT')
        if (node.kind === 'directory') throw failure('EISDIR')
        return removal(node.key, false)
      }
    )
  )
}

export function rm(host: Host, path: PathLike, opts?: RmOptions): Promise<void> {
  const at = toPath(path)
  const options = toObject(opts) as RmOptions
  const force = toFlag(options.force, 'options.force')
  const recursive = toFlag(options.recursive, 'options.recursive')
  checkRemoval(options)
  const remove = () =>
    change(
      host,
      'rm',
      async (tree) => {
        if (at.isFolder) await find(tree, at, true)
        return entryAt(tree, at)
      },
      ({ key, node }) => {
        if (node === null) throw failure('ENOENT')
        if (node.kind === 'directory' && !recursive) {
          throw systemError('ERR_FS_EISDIR', { syscall: 'rm', path: at.given }, 'is a directory')
        }
        checkNotRoot(key)
        if (lastName(at) === '.') throw final(failure('EINVAL', { syscall: 'rmdir', path: at.given }))
        if (isMount(node)) throw failure('EBUSY')
        return removal(key, recursive)
      }
    )
  return named(host, { syscall: 'rm', path: at.given }, async () => {
    try {
      await found(at, remove)
    } catch (err) {
      if (!force || errorCode(err) !== 'ENOENT') throw err
    }
  })
}

export function symlink(host: Host, target: PathLike, path: PathLike, type?: string | null): Promise<void> {
  const linkname = toPath(target, 'target').given.toWellFormed()
  const at = toPath(path)
  if (type != null && !['dir', 'file', 'junction'].includes(type)) {
    const message = `${ERRORS.ERR_FS_INVALID_SYMLINK_TYPE.message}. Received "${type}"`
    throw Object.assign(new Error(message), { code: 'ERR_FS_INVALID_SYMLINK_TYPE' })
  }
  return named(host, { syscall: 'symlink', path: linkname, dest: at.given }, async () => {
    if (linkname === '') throw failure('ENOENT')
    if (isTooLong(linkname)) throw failure('ENAMETOOLONG')
    await make(host, 'symlink', at, (key) => {
      if (at.isFolder) throw failure('ENOENT')
      return { type: 'link', key, linkname, metadata: null }
    })
  })
}

/** Two names of one file are nothing that a drive can keep. */
export function link(host: Host, existing: PathLike, path: PathLike): Promise<void> {
  const from = toPath(existing, 'existingPath')
  const to = toPath(path, 'newPath')
  return named(host, { syscall: 'link', path: from.given, dest: to.given }, () =>
    Promise.reject(failure('EPERM'))
  )
}

export function rename(
  host: Host,
  oldPath: PathLike,
  newPath: PathLike,
  opts?: ReadOptions | null
): Promise<void> {
  const from = toPath(oldPath, 'oldPath')
  const to = toPath(newPath, 'newPath')
  const read = toWaiting(opts)
  const prepare = async (at: Preparation): Promise<Operation[]> => {
    // As POSIX has it: the folders of both first, then what stands in them.
    const { node: source } = await resolve(at.tree, { ...from, isFolder: false }, false)
    const target = await resolve(at.tree, { ...to, isFolder: false }, false)
    if ([from, to].some((path) => ['.', '..'].includes(lastName(path)))) throw failure('EBUSY')
    if (source === null) throw failure('ENOENT')
    if ((from.isFolder || to.isFolder) && source.kind !== 'directory') throw failure('ENOTDIR')
    await at.look(source.key)
    await at.look(target.key)
    at.putInto(parentOf(target.key))
    checkRename(source, target)
    if (source.key === target.key) return []
    if (source.kind === 'directory' && target.node && (await at.tree.children(target.key)).length > 0) {
      throw failure('ENOTEMPTY')
    }
    if (!(await at.isOnePlace(parentOf(source.key), parentOf(target.key)))) throw failure('EXDEV')
    const nodes = await at.walk(source.key)
    if (nodes.some(isMount) || (target.node && isMount(target.node))) throw failure('EBUSY')
    const operations: Operation[] = []
    if (target.node?.kind === 'directory') operations.push({ type: 'remove-directory', key: target.key })
    operations.push({ type: 'remove', key: source.key, tree: source.kind === 'directory' })
    for (const node of nodes) {
      operations.push(...(await moved(at, node, target.key + node.key.slice(source.key.length))))
    }
    operations.push({ type: 'keep-directory', key: parentOf(source.key) })
    return operations
  }
  return named(host, { syscall: 'rename', path: from.given, dest: to.given }, () =>
    transact(host.overlay, 'rename', null, prepare, { read })
  )
}

function isMount(node: Node): boolean {
  return node.kind === 'directory' && node.record?.mount !== undefined
}

/** POSIX, `rename()`. */
function checkRename(source: Node, target: Resolved): void {
  checkNotRoot(source.key)
  checkNotRoot(target.key)
  const isFolder = source.kind === 'directory'
  if (isFolder && source.key !== target.key && isIn(target.key, source.key)) throw failure('EINVAL')
  if (target.node === null || source.key === target.key) return
  if (isFolder && target.node.kind !== 'directory') throw failure('ENOTDIR')
  if (!isFolder && target.node.kind === 'directory') {
    throw failure(isIn(source.key, target.key) ? 'ENOTEMPTY' : 'EISDIR')
  }
}

/** What puts something at another key, as it is. */
async function moved(at: Preparation, node: Node, key: string): Promise<Operation[]> {
  if (node.kind === 'directory') {
    const { record } = node
    // It stands for what is in it, and that is moved too.
    if (record === null) return []
    const { mode, metadata, mtime } = record.record
    return [{ type: 'make-directory', key, mode, metadata, time: mtime }]
  }
  const { candidate } = node.located
  const { mode, ...given } = keptAttributes(node.located)
  if (node.kind === 'link') return [{ type: 'link', key, linkname: candidate.value.linkname!, ...given }]
  const staged = await at.stage(node.key, candidate)
  return [{ type: 'file', key, staged, ...given, ...modeOperation(mode) }]
}

/** Removes what is there; the folder that it was in stays, as on every file system. */
function removal(key: string, tree: boolean): Operation[] {
  return [
    { type: 'remove', key, tree },
    { type: 'keep-directory', key: parentOf(key) }
  ]
}

function checkNotRoot(key: string): void {
  if (key === '') throw failure('EBUSY')
}

function checkRemoval({ maxRetries, retryDelay }: RmdirOptions): void {
  if (maxRetries !== undefined) toInteger(maxRetries, 'options.maxRetries', 0, 2 ** 32 - 1)
  if (retryDelay !== undefined) toInteger(retryDelay, 'options.retryDelay', 0, 2 ** 31 - 1)
}

/** What stands behind the last slash that has something behind it. */
function lastName({ given }: Path): string {
  return given.replace(/\/+$/, '').split('/').at(-1)!
}

/** Six characters, as `mkdtemp()` of POSIX has them. */
function randomName(): string {
  return randomBytes(8).toString('base64').replace(/[+/=]/g, 'x').slice(0, 6)
}
