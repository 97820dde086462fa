import { errorCode, failure } from '../../errors.ts'
import type { Preparation } from '../../overlay/transact.ts'
import { parentOf, Tree, type Node } from '../../overlay/tree.ts'
import { toPath, type Path } from './arguments.ts'
import { final } from './failure.ts'
import { resolve } from './host.ts'

/** The tree as it will be, with folders in it that are still to be made. */
class TreeToBe extends Tree {
  readonly #made = new Set<string>()

  make(key: string): void {
    this.#made.add(key)
  }

  isToBe(key: string): boolean {
    return this.#made.has(key)
  }

  override async at(key: string): Promise<Node | null> {
    return this.isToBe(key) ? { kind: 'directory', key, record: null } : super.at(key)
  }
}

/** Folders that are to be made. */
export interface Folders {
  /** In the order in which they are made. */
  readonly keys: readonly string[]
  /** The first of them, in the words of the path. */
  readonly first: string | undefined
  /** The tree with all of them in it. */
  readonly tree: Tree
}

/** What has to be made for a folder to be there, step by step as Node makes it: links and steps up mean what they mean by then. */
export async function missingFolders(at: Preparation, path: string): Promise<Folders> {
  const tree = new TreeToBe(at.tree.view)
  const keys: string[] = []
  let first: string | undefined
  const paths = [path]
  for (let next = paths.pop(); next !== undefined; next = paths.pop()) {
    const about = { syscall: 'mkdir', path: next }
    const full = toPath(next)
    try {
      const resolved = await resolve(tree, { ...full, isFolder: false }, false)
      if (resolved.node === null) {
        await at.look(resolved.key)
        const folder = parentOf(resolved.key)
        if (!tree.isToBe(folder)) at.putInto(folder)
        tree.make(resolved.key)
        keys.push(resolved.key)
        first ??= next
        continue
      }
      const kind = await kindOf(tree, full).catch((err: unknown) => {
        throw paths.length > 0 && isOfPath(errorCode(err)) ? failure('ENOTDIR') : err
      })
      if (kind !== 'directory') throw failure(paths.length > 0 ? 'ENOTDIR' : 'EEXIST')
    } catch (err) {
      const code = errorCode(err)
      if (!isOfPath(code)) throw err
      const parent = next.slice(0, Math.max(0, next.lastIndexOf('/')))
      const isMissing = code === 'ENOENT' && parent !== ''
      if (isMissing && (await isAbsent(tree, next))) paths.push(next, parent)
      else throw final(failure(code, about))
    }
  }
  return { keys, first, tree }
}

const OF_PATHS = ['ENOENT', 'ENOTDIR', 'EEXIST', 'ELOOP', 'ENAMETOOLONG'] as const

/** Whether an error is one about a path, rather than of a drive that cannot tell. */
function isOfPath(code: string | undefined): code is (typeof OF_PATHS)[number] {
  return OF_PATHS.includes(code as (typeof OF_PATHS)[number])
}

async function kindOf(tree: Tree, path: Path): Promise<Node['kind']> {
  const { node } = await resolve(tree, path, true)
  if (node === null) throw failure('ENOENT')
  return node.kind
}

/** Whether nothing stands at a path, rather than a link that leads nowhere. */
async function isAbsent(tree: Tree, path: string): Promise<boolean> {
  try {
    return (await resolve(tree, { ...toPath(path), isFolder: false }, false)).node === null
  } catch (err) {
    if (!isOfPath(errorCode(err))) throw err
    return true
  }
}
