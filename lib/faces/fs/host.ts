import type { ReadOptions } from '../../drive.ts'
import { errorCode, failure } from '../../errors.ts'
import type { Operation } from '../../overlay/operation.ts'
import type { Overlay } from '../../overlay/overlay.ts'
import { transact, type Preparation } from '../../overlay/transact.ts'
import { parentOf, Tree, type Node, type Resolved } from '../../overlay/tree.ts'
import type { TreeView } from '../../overlay/view.ts'
import type { Path } from './arguments.ts'

/** What the fs face needs of the MultiDrive that it is a face of. */
export interface Host {
  readonly overlay: Overlay
  /** Resolves when it is open, with every drive that is being added; null when it is. */
  ready(syscall: string, opts?: ReadOptions): Promise<void> | null
  /** The merged view of now. */
  view(opts?: ReadOptions): TreeView | Promise<TreeView>
  /** Tells when the merged view may have changed, until the returned function is called. */
  onUpdate(listener: () => void): () => void
  /** Calls the listener when the MultiDrive closes, until the returned function is called. */
  onClose(listener: () => void): () => void
}

/** The merged view of now as a tree. */
export async function treeOf(host: Host, opts: ReadOptions = {}): Promise<Tree> {
  return new Tree(await host.view(opts), opts)
}

/**
 * Where a path leads.
 *
 * @throws ENOENT, ENOTDIR, ELOOP
 */
export async function resolve(tree: Tree, path: Path, follow: boolean): Promise<Resolved> {
  const resolved = await lookUp(tree, path, follow || path.isFolder)
  const isFolder = path.isFolder || resolved.isFolder === true
  if (isFolder && resolved.node !== null && resolved.node.kind !== 'directory') throw failure('ENOTDIR')
  return resolved
}

/**
 * Where a file stands, or is to be made.
 *
 * @throws EISDIR for a path that only a folder may have, else as {@link resolve}
 */
export async function resolveFile(tree: Tree, path: Path, follow: boolean): Promise<Resolved> {
  const isFolder = path.isFolder && path.full.endsWith('/')
  const resolved = await lookUp(tree, path, follow && !isFolder)
  if (isFolder || resolved.isFolder) throw failure('EISDIR')
  return resolved
}

/** The end of a path that leads to a folder which is there, whatever is to be done. */
const DOTTED = /\/\.{1,2}\/*$/

async function lookUp(tree: Tree, path: Path, follow: boolean): Promise<Resolved> {
  if (path.given === '') throw failure('ENOENT')
  const isDotted = DOTTED.test(path.full)
  let resolved: Resolved
  try {
    resolved = await tree.resolve(path.full, follow || isDotted)
  } catch (err) {
    throw isMissing(err) && isTooLong(path.given) ? failure('ENAMETOOLONG') : err
  }
  if (resolved.node === null && isTooLong(path.given)) throw failure('ENAMETOOLONG')
  if (!isDotted) return resolved
  if (resolved.node === null) throw failure('ENOENT')
  if (resolved.node.kind !== 'directory') throw failure('ENOTDIR')
  return resolved
}

/** The longest path, and text of a link, that Linux takes, in bytes. What a drive has beyond that is found all the same. */
const LONGEST_TEXT = 4095

/** Whether a text is none that a system takes for a path. */
export function isTooLong(text: string): boolean {
  // No character of UTF-16 becomes more than three bytes.
  return text.length * 3 > LONGEST_TEXT && Buffer.byteLength(text) > LONGEST_TEXT
}

function isMissing(err: unknown): boolean {
  return ['ENOENT', 'ENOTDIR', 'ELOOP'].includes(String(errorCode(err)))
}

/**
 * What stands at a path that is to be removed or moved: a link itself, and with a slash at the end only a folder.
 *
 * @throws ENOTDIR for what is none, with that slash
 */
export async function entryAt(tree: Tree, path: Path): Promise<Resolved> {
  const resolved = await resolve(tree, { ...path, isFolder: false }, false)
  if (path.isFolder && resolved.node !== null && resolved.node.kind !== 'directory') throw failure('ENOTDIR')
  return resolved
}

/** What stands where a path leads. */
export async function find(tree: Tree, path: Path, follow: boolean): Promise<Node> {
  const { node } = await resolve(tree, path, follow)
  if (node === null) throw failure('ENOENT')
  return node
}

/**
 * Puts something where nothing stands, in the merged view of the moment that it lands.
 *
 * @param operation - what puts it at a key
 * @throws EEXIST
 */
export async function make(
  host: Host,
  syscall: string,
  path: Path,
  operation: (key: string) => Operation
): Promise<void> {
  const locate = async (tree: Tree) => {
    const resolved = await resolve(tree, { ...path, isFolder: false }, false)
    if (resolved.node !== null) throw failure('EEXIST')
    return resolved
  }
  await change(host, syscall, locate, ({ key }) => [operation(key)])
}

/**
 * Changes what a path leads to, in the merged view of the moment that the change lands.
 *
 * @param locate - finds what the path leads to
 * @param plan - gives the operations for what stands there
 * @param read - how what is not on this machine is waited for
 */
export async function change(
  host: Host,
  syscall: string,
  locate: (tree: Tree) => Promise<Resolved>,
  plan: (resolved: Resolved, at: Preparation) => Promise<readonly Operation[]> | readonly Operation[],
  read: ReadOptions = {}
): Promise<void> {
  const { key } = await locate(await treeOf(host, host.overlay.waiting(read)))
  const prepare = async (at: Preparation) => {
    const resolved = await locate(at.tree)
    await at.look(resolved.key)
    if (resolved.node === null) at.putInto(parentOf(resolved.key))
    return plan(resolved, at)
  }
  await transact(host.overlay, syscall, key, prepare, { read })
}
