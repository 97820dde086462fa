import { constants } from 'node:fs'
import { posix } from 'node:path'
import { failure, type ErrorCode } from '../../errors.ts'
import type { Operation } from '../../overlay/operation.ts'
import { transact, type Preparation } from '../../overlay/transact.ts'
import { parentOf, type Node, type Resolved } from '../../overlay/tree.ts'
import type { Located } from '../../overlay/view.ts'
import { isIn } from '../../path.ts'
import { badArgument, toInteger, toPath, type Path, type PathLike } from './arguments.ts'
import { keptAttributes, modeOperation, withoutTime } from './attributes.ts'
import { named } from './failure.ts'
import { find, resolve, type Host } from './host.ts'
import { toFlag } from './look.ts'

export interface CpOptions {
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

export function copyFile(host: Host, src: PathLike, dest: PathLike, mode?: number | null): Promise<void> {
  const from = toPath(src, 'src')
  const to = toPath(dest, 'dest')
  const exclusive = isExclusive(mode)
  return named(host, { syscall: 'copyfile', path: from.given, dest: to.given }, () =>
    transact(host.overlay, 'copyfile', to.full, async (at) => {
      const source = await find(at.tree, from, true)
      const target = await resolve(at.tree, to, true)
      if (source.kind !== 'file') throw failure('EISDIR')
      if (target.node && exclusive) throw failure('EEXIST')
      if (target.node?.kind === 'directory') throw failure('EISDIR')
      await at.look(source.key)
      await at.look(target.key)
      if (source.key === target.key) return []
      return [await copied(at, source.located, target.key, { exclusive, time: null })]
    })
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
  const staged = await at.stage(key, candidate, () => at.writer.reuse(candidate))
  return { type: 'file', key, staged, metadata: withoutTime(metadata), ...given, ...modeOperation(mode) }
}

interface Copy extends Required<Omit<CpOptions, 'filter' | 'mode'>> {
  readonly exclusive: boolean
  readonly filter: (source: string, destination: string) => boolean | Promise<boolean>
}

export function cp(host: Host, src: PathLike, dest: PathLike, opts?: CpOptions | null): Promise<void> {
  const from = toPath(src, 'src')
  const to = toPath(dest, 'dest')
  const copy = toCopy(opts ?? {})
  return named(host, { syscall: 'cp', path: from.given, dest: to.given }, async () => {
    if (!(await copy.filter(from.given, to.given))) return
    // A filter is asked once, however often the copy is prepared.
    const answers = new Map<string, Promise<boolean>>()
    const filter = (source: string, destination: string) => {
      const answer = answers.get(source) ?? Promise.resolve(copy.filter(source, destination))
      answers.set(source, answer)
      return answer
    }
    await transact(host.overlay, 'cp', to.full, (at) => plan(at, from, to, { ...copy, filter }))
  })
}

async function plan(at: Preparation, from: Path, to: Path, copy: Copy): Promise<Operation[]> {
  const source = await find(at.tree, from, copy.dereference)
  const target = await targetOf(at, to, copy.dereference)
  check(source, target, copy, from, to)
  const operations: Operation[] = []
  await add(at, source, target, { from: from.given, to: to.given }, copy, operations)
  return operations
}

/** The place of a copy; the folders that are missing above it come with it. */
async function targetOf(at: Preparation, to: Path, follow: boolean): Promise<Resolved> {
  try {
    return await resolve(at.tree, { ...to, isFolder: false }, follow)
  } catch (err) {
    if ((err as { code?: unknown }).code !== 'ENOENT' || to.given === '') throw err
    return { key: posix.normalize(to.full).replace(/\/$/, ''), node: null }
  }
}

function check(source: Node, target: Resolved, copy: Copy, from: Path, to: Path): void {
  const refuse = (code: ErrorCode, detail: string): never => {
    throw failure(code, { syscall: 'cp', path: from.given, dest: to.given, detail })
  }
  if (source.key === target.key && target.node)
    refuse('ERR_FS_CP_EINVAL', 'source and destination are the same')
  if (source.kind === 'directory') {
    if (target.node && target.node.kind !== 'directory') {
      refuse('ERR_FS_CP_DIR_TO_NON_DIR', 'a folder onto what is none')
    }
    if (!copy.recursive) refuse('ERR_FS_EISDIR', 'a folder is copied with `recursive`')
    if (isIn(target.key, source.key)) refuse('ERR_FS_CP_EINVAL', 'a folder cannot be copied into itself')
  } else if (target.node?.kind === 'directory') {
    refuse('ERR_FS_CP_NON_DIR_TO_DIR', 'onto a folder what is none')
  }
}

/** Puts what stands at one key, and all below it, at another one. */
async function add(
  at: Preparation,
  source: Node,
  target: Resolved,
  paths: { from: string; to: string },
  copy: Copy,
  operations: Operation[]
): Promise<void> {
  await at.look(source.key)
  await at.look(target.key)
  if (source.kind === 'directory') {
    if (target.node && target.node.kind !== 'directory') {
      throw failure('ERR_FS_CP_DIR_TO_NON_DIR', { syscall: 'cp', path: paths.from, dest: paths.to })
    }
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
      await add(at, node, { key, node: await at.tree.at(key) }, next, copy, operations)
    }
    return
  }
  if (target.node?.kind === 'directory') {
    throw failure('ERR_FS_CP_NON_DIR_TO_DIR', { syscall: 'cp', path: paths.from, dest: paths.to })
  }
  if (target.node && !copy.force) {
    if (!copy.errorOnExist) return
    throw failure('ERR_FS_CP_EEXIST', { syscall: 'cp', path: paths.from, dest: paths.to })
  }
  if (target.node && copy.exclusive) throw failure('EEXIST')
  const { candidate } = source.located
  if (source.kind === 'file') {
    const time = copy.preserveTimestamps ? candidate.stamp.mtime : null
    operations.push(await copied(at, source.located, target.key, { exclusive: false, time }))
    return
  }
  const text = candidate.value.linkname!
  const linkname = copy.verbatimSymlinks ? text : posix.resolve(parentOf(source.key) || '/', text)
  operations.push({ type: 'link', key: target.key, linkname, metadata: null })
}

async function followed(at: Preparation, node: Node): Promise<Node> {
  if (node.kind !== 'link') return node
  const { node: end } = await at.tree.resolve(node.key, true)
  if (end === null) throw failure('ENOENT')
  return end
}

function toCopy(opts: CpOptions): Copy {
  const flag = (name: keyof CpOptions, otherwise = false) =>
    opts[name] === undefined ? otherwise : toFlag(opts[name], `options.${name}`)
  const { filter = () => true } = opts
  if (typeof filter !== 'function') {
    throw badArgument('ERR_INVALID_ARG_TYPE', 'options.filter', 'a function', filter)
  }
  if (flag('dereference') && flag('verbatimSymlinks')) {
    const both = 'set without options.verbatimSymlinks'
    throw badArgument('ERR_INVALID_ARG_VALUE', 'options.dereference', both, true)
  }
  return {
    dereference: flag('dereference'),
    errorOnExist: flag('errorOnExist'),
    force: flag('force', true),
    preserveTimestamps: flag('preserveTimestamps'),
    recursive: flag('recursive'),
    verbatimSymlinks: flag('verbatimSymlinks'),
    exclusive: isExclusive(opts.mode),
    filter
  }
}

function isExclusive(mode: number | null | undefined): boolean {
  return (toInteger(mode ?? 0, 'mode', 0, COPY_MODES) & constants.COPYFILE_EXCL) !== 0
}
