import { constants } from 'node:fs'
import { posix } from 'node:path'
import type { ReadOptions } from '../../drive.ts'
import { failure, type ErrorCode } from '../../errors.ts'
import type { Operation } from '../../overlay/operation.ts'
import { transact, type Preparation } from '../../overlay/transact.ts'
import { parentOf, type Node, type Resolved, type Tree } from '../../overlay/tree.ts'
import type { Located } from '../../overlay/view.ts'
import { isIn } from '../../path.ts'
import {
  badArgument,
  toFlagBits,
  toObject,
  toPath,
  toWaiting,
  type Path,
  type PathLike
} from './arguments.ts'
import { keptAttributes, modeOperation, withoutTime } from './attributes.ts'
import { final, named, systemError } from './failure.ts'
import { missingFolders } from './folders.ts'
import { find, resolve, resolveFile, type Host } from './host.ts'
import { toFlag } from './look.ts'

export interface CpOptions extends ReadOptions {
  /** Copy what links lead to rather than the links. */
  dereference?: boolean
  /** With `force: false`, fail where something is already. */
  errorOnExist?: boolean
  /** Whether something is copied; what lies in a folder that is not is not either. */
  filter?: (source: string, destination: string) => boolean | Promise<boolean>
  /** Copy over what is there. Default true. */
  force?: boolean
  /** As for `copyFile`. */
  mode?: number
  /** Files keep their dates. */
  preserveTimestamps?: boolean
  recursive?: boolean
  /** Links keep their text, rather than to point to the same place from where they are now. */
  verbatimSymlinks?: boolean
}

const COPY_MODES = constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE | constants.COPYFILE_FICLONE_FORCE

export function copyFile(
  host: Host,
  src: PathLike,
  dest: PathLike,
  mode?: number | null,
  opts?: ReadOptions | null
): Promise<void> {
  const from = toPath(src, 'src')
  const to = toPath(dest, 'dest')
  const exclusive = isExclusive(mode)
  const read = toWaiting(opts)
  const prepare = async (at: Preparation): Promise<Operation[]> => {
    const source = await find(at.tree, from, true)
    // What must not be there is not looked for where a link leads.
    const target = await resolveFile(at.tree, to, !exclusive)
    if (target.node && exclusive) throw failure('EEXIST')
    if (target.node?.kind === 'directory') throw failure('EISDIR')
    if (source.kind !== 'file') throw failure('EISDIR')
    await at.look(source.key)
    await at.look(target.key)
    if (target.node === null) at.putInto(parentOf(target.key))
    if (source.key === target.key) return []
    return [await copied(at, source.located, target.key, { exclusive, time: null })]
  }
  return named(host, { syscall: 'copyfile', path: from.given, dest: to.given }, () =>
    transact(host.overlay, 'copyfile', null, prepare, { read })
  )
}

/** What puts a copy of a file somewhere. The bits go with it, and what the drive face calls its metadata. */
async function copied(
  at: Preparation,
  located: Located,
  key: string,
  given: { exclusive: boolean; time: number | null }
): Promise<Operation> {
  const { candidate } = located
  const { mode, metadata } = keptAttributes(located)
  const staged = await at.stage(key, candidate)
  return { type: 'file', key, staged, metadata: withoutTime(metadata), ...given, ...modeOperation(mode) }
}

interface Copy extends Required<Omit<CpOptions, 'filter' | 'mode' | keyof ReadOptions>> {
  readonly filter: (source: string, destination: string) => boolean | Promise<boolean>
}

export function cp(host: Host, src: PathLike, dest: PathLike, opts?: CpOptions): Promise<void> {
  const from = toPath(src, 'src')
  const to = toPath(dest, 'dest')
  const copy = toCopy(opts)
  const read = toWaiting(opts)
  return named(host, { syscall: 'cp', path: from.given, dest: to.given }, async () => {
    if (!(await copy.filter(from.given, to.given))) return
    // A filter is asked once, however often the copy is prepared.
    const answers = new Map<string, Promise<boolean>>()
    const filter = (source: string, destination: string) => {
      const answer = answers.get(source) ?? Promise.resolve(copy.filter(source, destination))
      answers.set(source, answer)
      return answer
    }
    const prepare = (at: Preparation) => plan(at, from, to, { ...copy, filter })
    await transact(host.overlay, 'cp', null, prepare, { read })
  })
}

async function plan(at: Preparation, from: Path, to: Path, copy: Copy): Promise<Operation[]> {
  const source = await endOf(at.tree, from, copy.dereference)
  if (source === null) throw final(failure('ENOENT', lookup(from, copy.dereference)))
  const there = await endOf(at.tree, to, copy.dereference)
  check(source, there, from, to)
  const operations: Operation[] = []
  const target = there ? { key: there.key, node: there } : await targetOf(at, to, operations)
  if (source.kind === 'directory' && isIn(target.key, source.key)) {
    throw inside(from, await childAbove(at.tree, source.key, to))
  }
  if (source.kind === 'directory' && !copy.recursive) {
    const { given } = from
    throw systemError('ERR_FS_EISDIR', { syscall: 'cp', path: given }, `${given} is a directory (not copied)`)
  }
  checkEnd(source, target.node, to.isFolder, there === null, { from: from.given, to: to.given }, copy)
  await add(at, source, target, { from: from.given, to: to.given }, copy, operations)
  return operations
}

/**
 * A folder is made where the path ends as that of one; nothing else is. Nor is anything put over what is there only since folders have been
 * made for steps up.
 */
function checkEnd(
  source: Node,
  target: Node | null,
  isFolder: boolean,
  isMade: boolean,
  { from, to }: { from: string; to: string },
  copy: Copy
): void {
  const isInTheWay = isMade && target !== null
  if (source.kind === 'directory') {
    if (isInTheWay) throw final(failure('EEXIST', { syscall: 'mkdir', path: to }))
  } else if (isFolder || isInTheWay) {
    if (source.kind === 'link') {
      const path = textOf(source, from, copy)
      throw final(failure(target ? 'EEXIST' : 'ENOENT', { syscall: 'symlink', path, dest: to }))
    }
    const code = isFolder || target?.kind === 'directory' ? 'EISDIR' : 'EEXIST'
    throw final(failure(code, { syscall: 'copyfile', path: from, dest: to }))
  }
}

/** What stands at a path that Node looks at before it copies anything. */
async function endOf(tree: Tree, path: Path, follow: boolean): Promise<Node | null> {
  try {
    return (await resolve(tree, path, follow)).node
  } catch (err) {
    const { code } = err as { code: ErrorCode }
    if (code === 'ENOENT') return null
    if (!['ENOTDIR', 'ELOOP'].includes(code)) throw err
    throw final(failure(code, lookup(path, follow)))
  }
}

function lookup({ given }: Path, follow: boolean): { syscall: string; path: string } {
  return { syscall: follow ? 'stat' : 'lstat', path: given }
}

/** The place of a copy where nothing is yet; the folders that are missing above it come with it. */
async function targetOf(at: Preparation, to: Path, operations: Operation[]): Promise<Resolved> {
  const { keys, tree } = await missingFolders(at, posix.dirname(to.given))
  for (const key of keys) operations.push({ type: 'make-directory', key, metadata: null })
  return resolve(tree, { ...to, isFolder: false }, false)
}

function check(source: Node, target: Node | null, from: Path, to: Path): void {
  if (source.key === target?.key) {
    throw systemError(
      'ERR_FS_CP_EINVAL',
      { syscall: 'cp', path: to.given },
      'src and dest cannot be the same'
    )
  }
  if (target) checkKinds(source, { key: target.key, node: target }, from.given, to.given)
  if (source.kind === 'directory' && isIn(tidy(to), tidy(from))) throw inside(from, to.given)
}

function inside(from: Path, to: string): Error {
  const detail = `cannot copy ${from.given} to a subdirectory of self ${to}`
  return systemError('ERR_FS_CP_EINVAL', { syscall: 'cp', path: to }, detail)
}

/** The path above another one, or that itself, whose folder is at a key: Node goes up in search of what it copies. */
async function childAbove(tree: Tree, key: string, path: Path): Promise<string> {
  for (let at = tidy(path); at !== ''; at = parentOf(at)) {
    const above = await tree.resolve(parentOf(at) || '/', true).catch(() => null)
    if (above?.key === key) return at
  }
  return path.given
}

/** A path without its steps up, links taken for folders. */
function tidy({ full }: Path): string {
  return posix.normalize(full).replace(/\/$/, '')
}

function checkKinds(source: Node, target: Resolved, from: string, to: string): void {
  if (target.node === null) return
  if (source.kind === 'directory' && target.node.kind !== 'directory') {
    const detail = `cannot overwrite non-directory ${to} with directory ${from}`
    throw systemError('ERR_FS_CP_DIR_TO_NON_DIR', { syscall: 'cp', path: to }, detail)
  }
  if (source.kind !== 'directory' && target.node.kind === 'directory') {
    const detail = `cannot overwrite directory ${to} with non-directory ${from}`
    throw systemError('ERR_FS_CP_NON_DIR_TO_DIR', { syscall: 'cp', path: to }, detail)
  }
}

/** Puts what stands at one key, and all below it, at another one. */
async function add(
  at: Preparation,
  source: Node,
  target: Resolved,
  paths: { from: string; to: string },
  copy: Copy,
  operations: Operation[],
  above: readonly string[] = []
): Promise<void> {
  // A link followed upwards would lead down again for ever.
  if (above.includes(source.key)) throw failure('ELOOP')
  await at.look(source.key)
  await at.look(target.key)
  checkKinds(source, target, paths.from, paths.to)
  if (source.kind === 'directory') {
    if (target.node === null) {
      const mode = source.record?.record.mode ?? null
      const metadata = withoutTime(source.record?.record.metadata ?? null)
      operations.push({ type: 'make-directory', key: target.key, mode, metadata })
    }
    for (const child of await at.tree.children(source.key)) {
      const next = { from: posix.join(paths.from, child.name), to: posix.join(paths.to, child.name) }
      if (!(await copy.filter(next.from, next.to))) continue
      const node = copy.dereference ? await followed(at, child.node) : child.node
      const key = `${target.key}/${child.name}`
      await add(at, node, { key, node: await at.tree.at(key) }, next, copy, operations, [
        ...above,
        source.key
      ])
    }
    return
  }
  if (target.node && !copy.force) {
    if (!copy.errorOnExist) return
    throw systemError('ERR_FS_CP_EEXIST', { syscall: 'cp', path: paths.to }, `${paths.to} already exists`)
  }
  const { candidate } = source.located
  if (source.kind === 'file') {
    const time = copy.preserveTimestamps ? candidate.stamp.mtime : null
    operations.push(await copied(at, source.located, target.key, { exclusive: false, time }))
    return
  }
  operations.push({
    type: 'link',
    key: target.key,
    linkname: textOf(source, paths.from, copy),
    metadata: null
  })
}

/**
 * The text of a link's copy.
 *
 * @param from - the path that the link is copied from: what its text says is taken from there, as Node takes it
 */
function textOf({ located }: Node & { kind: 'file' | 'link' }, from: string, copy: Copy): string {
  const text = located.candidate.value.linkname!
  return copy.verbatimSymlinks ? text : posix.resolve('/', posix.dirname(toPath(from).full), text)
}

async function followed(at: Preparation, node: Node): Promise<Node> {
  if (node.kind !== 'link') return node
  const { node: end } = await at.tree.resolve(node.key, true)
  if (end === null) throw failure('ENOENT')
  return end
}

function toCopy(given: unknown): Copy {
  const opts = toObject(given) as CpOptions
  const flag = (name: keyof CpOptions, otherwise = false) =>
    opts[name] === undefined ? otherwise : toFlag(opts[name], `options.${name}`)
  const { filter = () => true } = opts
  if (typeof filter !== 'function') {
    throw badArgument('ERR_INVALID_ARG_TYPE', 'options.filter', 'of type function', filter)
  }
  if (flag('dereference') && flag('verbatimSymlinks')) {
    const message = 'Option "dereference" cannot be used in combination with option "verbatimSymlinks"'
    throw Object.assign(new TypeError(message), { code: 'ERR_INCOMPATIBLE_OPTION_PAIR' })
  }
  // With force there is nothing in the way by then, and without it nothing is copied over what is there.
  toFlagBits(opts.mode ?? 0, COPY_MODES)
  return {
    dereference: flag('dereference'),
    errorOnExist: flag('errorOnExist'),
    force: flag('force', true),
    preserveTimestamps: flag('preserveTimestamps'),
    recursive: flag('recursive'),
    verbatimSymlinks: flag('verbatimSymlinks'),
    filter
  }
}

function isExclusive(mode: number | null | undefined): boolean {
  return (toFlagBits(mode ?? 0, COPY_MODES) & constants.COPYFILE_EXCL) !== 0
}
