import { constants } from 'node:fs'
import { placeAt } from '../../overlay/place.ts'
import type { ReadOptions } from '../../drive.ts'
import { errorCode, failure } from '../../errors.ts'
import type { Child, Node, Tree } from '../../overlay/tree.ts'
import { badArgument, encoded, toFlagBits, toOptions, toPath, type Path, type PathLike } from './arguments.ts'
import { toDirent, type Dirent } from './dirent.ts'
import { named } from './failure.ts'
import { find, treeOf, type Host } from './host.ts'
import { BigIntStats, factsOf, modeOf, Stats } from './stats.ts'

export interface StatOptions extends ReadOptions {
  /** Numbers as bigints, and dates in nanoseconds too. */
  bigint?: boolean
}

export interface EncodingOptions extends ReadOptions {
  /** How names are given; `buffer` for their bytes in UTF-8. */
  encoding?: BufferEncoding | 'buffer' | null
}

export interface ReaddirOptions extends EncodingOptions {
  /** All that lies below, by its path from the folder. */
  recursive?: boolean
  /** `Dirent`s rather than names. */
  withFileTypes?: boolean
  /** `{ name, stat }` rather than names, as in Hyperdrive. */
  stats?: boolean
  /** The same as `stats`. */
  includeStats?: boolean
}

/** A name with what stands there. */
export interface NameAndStat {
  name: string
  stat: Stats
}

type AnyStats = Stats | BigIntStats

export function stat(host: Host, path: PathLike, opts?: StatOptions | null): Promise<AnyStats> {
  return statOf(host, 'stat', path, true, opts)
}

export function lstat(host: Host, path: PathLike, opts?: StatOptions | null): Promise<AnyStats> {
  return statOf(host, 'lstat', path, false, opts)
}

export function access(
  host: Host,
  path: PathLike,
  mode?: number | null,
  read: ReadOptions = {}
): Promise<void> {
  const at = toPath(path)
  const wanted = toFlagBits(mode ?? constants.F_OK, 7)
  return named(
    host,
    { syscall: 'access', path: at.given },
    async () => {
      const node = await find(await treeOf(host, read), at, true)
      if ((wanted & constants.W_OK) !== 0) await placeAt(host.overlay, 'access', node.key)
      // As for a user who may do everything: only what nobody may run cannot be run.
      const isRunnable = node.kind !== 'file' || (modeOf(node.located) & 0o111) !== 0
      if ((wanted & constants.X_OK) !== 0 && !isRunnable) throw failure('EACCES')
    },
    read
  )
}

export function readlink(
  host: Host,
  path: PathLike,
  opts?: EncodingOptions | BufferEncoding | 'buffer' | null
): Promise<string | Buffer> {
  return textOf(host, 'readlink', path, false, opts, (node) => {
    if (node.kind !== 'link') throw failure('EINVAL')
    return node.located.candidate.value.linkname!
  })
}

export function realpath(
  host: Host,
  path: PathLike,
  opts?: EncodingOptions | BufferEncoding | 'buffer' | null
): Promise<string | Buffer> {
  return textOf(host, 'realpath', path, true, opts, ({ key }) => (key === '' ? '/' : key))
}

/** A text that tells of what stands at a path, in the caller's encoding. */
function textOf(
  host: Host,
  syscall: string,
  path: PathLike,
  follow: boolean,
  opts: EncodingOptions | BufferEncoding | 'buffer' | null | undefined,
  text: (node: Node) => string
): Promise<string | Buffer> {
  const at = toPath(path)
  const { encoding, ...read } = toOptions<EncodingOptions>(opts)
  return named(
    host,
    { syscall, path: at.given },
    async () => encoded(text(await find(await treeOf(host, read), at, follow)), encoding),
    read
  )
}

export function readdir(
  host: Host,
  path: PathLike,
  opts?: ReaddirOptions | BufferEncoding | 'buffer' | null
): Promise<(string | Buffer)[] | Dirent<string | Buffer>[] | NameAndStat[]> {
  const at = toPath(path)
  const options = toOptions<ReaddirOptions>(opts)
  const recursive = toFlag(options.recursive, 'options.recursive')
  return named(
    host,
    { syscall: 'scandir', path: at.given },
    async () => {
      const tree = await treeOf(host, options)
      const folder = await folderAt(tree, at)
      const found = await namesBelow(tree, folder, recursive)
      if (options.stats === true || options.includeStats === true) {
        return Promise.all(found.map(async ({ name, node }) => ({ name, stat: await statsOf(tree, node) })))
      }
      if (!options.withFileTypes) return found.map(({ name }) => encoded(name, options.encoding))
      return found.map(({ name, node }) => toDirent(name, at.given, node.kind, options.encoding))
    },
    options
  )
}

/** A folder that a path leads to. */
export async function folderAt(tree: Tree, path: Path): Promise<string> {
  const node = await find(tree, path, true)
  if (node.kind !== 'directory') throw failure('ENOTDIR')
  return node.key
}

/** What stands in a folder, and with `recursive` below it, folders one by one as Node goes through them. */
export async function namesBelow(
  tree: Tree,
  folder: string,
  recursive: boolean
): Promise<{ name: string; node: Node }[]> {
  const found = await tree.children(folder)
  if (!recursive) return found
  const all = [...found]
  // The list grows while it is gone through.
  for (const [i, { name, node }] of all.entries()) {
    if (node.kind !== 'directory') continue
    if (node.record?.mount && !(await tree.view.canList(node.key, mountsAfter(all, i)))) continue
    for (const child of await childrenBelow(tree, node)) {
      all.push({ name: `${name}/${child.name}`, node: child.node })
    }
  }
  return all
}

/** How far ahead it is looked for mounts that come next. */
const AHEAD = 64

function mountsAfter(nodes: readonly { node: Node }[], index: number): string[] {
  const next = nodes.slice(index + 1, index + 1 + AHEAD)
  return next.flatMap(({ node }) => (node.kind === 'directory' && node.record?.mount ? [node.key] : []))
}

/** What is mounted and cannot be opened is an empty folder to those who come by it. */
async function childrenBelow(tree: Tree, { key, record }: Node & { kind: 'directory' }): Promise<Child[]> {
  try {
    return await tree.children(key)
  } catch (err) {
    if (!record?.mount || errorCode(err) === 'CLOSED') throw err
    return []
  }
}

export async function statsOf(tree: Tree, node: Node): Promise<Stats> {
  return new Stats(factsOf(node, node.kind === 'directory' ? await tree.dateOf(node) : 0))
}

function statOf(
  host: Host,
  syscall: string,
  path: PathLike,
  follow: boolean,
  opts?: StatOptions | null
): Promise<AnyStats> {
  const at = toPath(path)
  const options = opts ?? {}
  return named(
    host,
    { syscall, path: at.given },
    async () => {
      const tree = await treeOf(host, options)
      const node = await find(tree, at, follow)
      const facts = factsOf(node, node.kind === 'directory' ? await tree.dateOf(node) : 0)
      return options.bigint === true ? new BigIntStats(facts) : new Stats(facts)
    },
    options
  )
}

/** @throws ERR_INVALID_ARG_TYPE for what is neither true nor false */
export function toFlag(value: unknown, name: string): boolean {
  if (value === undefined || value === null) return false
  if (typeof value === 'boolean') return value
  throw badArgument('ERR_INVALID_ARG_TYPE', name, 'of type boolean', value)
}
