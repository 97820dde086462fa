import type { FallbackOptions } from '../../drive.ts'
import { placeAt, type WritePlace } from '../../overlay/place.ts'
import { errorCode, failure } from '../../errors.ts'
import { readable } from '../../overlay/fallback.ts'
import type { Node, Tree } from '../../overlay/tree.ts'
import type { Path } from './arguments.ts'
import { OpenFile } from './file.ts'
import type { Flags } from './flags.ts'
import { resolve, resolveFile, treeOf, type Host } from './host.ts'

const TRIES = 8

/** The files that descriptors of this process have the sole right to make, each with the drive that it will lie in. */
const reserved = new Set<string>()

/**
 * Opens what a path leads to.
 *
 * @param mode - permission bits for a file that is to be made
 * @throws ENOENT, EEXIST, EISDIR, ENOTDIR, ELOOP, EROFS as `open()` of POSIX
 */
export async function openFile(
  host: Host,
  path: Path,
  flags: Flags,
  mode: number,
  opts: FallbackOptions = {}
): Promise<OpenFile> {
  const read = host.overlay.waiting(opts)
  for (let tries = 1; ; tries++) {
    try {
      return await openOnce(host, path, flags, mode, read)
    } catch (err) {
      // Another program has put another file there since it was found.
      if (errorCode(err) !== 'ESTALE' || tries === TRIES) throw err
    }
  }
}

async function openOnce(
  host: Host,
  path: Path,
  flags: Flags,
  mode: number,
  read: FallbackOptions
): Promise<OpenFile> {
  const follow = !(flags.noFollow || flags.exclusive)
  const tree = await treeOf(host, read)
  const { key, node: found } = await (flags.create ? resolveFile : resolve)(tree, path, follow)
  const node = flags.write || flags.truncate ? found : await withBytes(tree, found, read)
  if (node && flags.exclusive) throw failure('EEXIST')
  if (node === null && !flags.create) throw failure('ENOENT')
  if (node?.kind === 'link') throw failure('ELOOP')
  const isForFiles = flags.write || flags.create || flags.truncate || !flags.read
  if (node?.kind === 'directory' && isForFiles) throw failure('EISDIR')
  if (node?.kind === 'file' && flags.directory) throw failure('ENOTDIR')
  // What is made or emptied by being opened changes, also when nothing may be written to it.
  const changes = flags.write || flags.truncate || node === null
  const place = changes ? await placeAt(host.overlay, 'open', key) : null
  const release = flags.exclusive && place ? reserve(place, key) : () => undefined
  const file = new OpenFile(host, { key, node, flags, changes, mode, read, release })
  try {
    await file.hold()
  } catch (err) {
    await file.release()
    throw err
  }
  return file
}

/** What is only read stays on one version to the end: where it may fall back, it does so before it begins. */
async function withBytes(tree: Tree, node: Node | null, read: FallbackOptions): Promise<Node | null> {
  if (node?.kind !== 'file') return node
  return { ...node, located: await readable(tree.view, node.key, node.located, read) }
}

function reserve({ writer, prefix }: WritePlace, key: string): () => void {
  const name = `${writer.identity} ${key.slice(prefix.length)}`
  if (reserved.has(name)) throw failure('EEXIST')
  reserved.add(name)
  return () => void reserved.delete(name)
}
