import { CliError, codeOf } from './errors.ts'
import { below } from './paths.ts'

interface Kind {
  isDirectory(): boolean
}

/** Looks at a path of the target, not following a link; throws ENOENT or ENOTDIR for what is not there. */
export type Look = (path: string) => Promise<Kind>

export interface Obstacle {
  readonly kind: 'folder' | 'file'
  /** From the root on. */
  readonly path: string
}

/**
 * What keeps a file from coming to a path: a folder in its place, or something else than a folder above it.
 *
 * @param root - above which nothing is looked at
 * @param path - from the root on
 */
export async function obstacleAt(look: Look, root: string, path: string): Promise<Obstacle | null> {
  const names = path.split('/')
  for (let depth = 1; depth < names.length; depth++) {
    const above = names.slice(0, depth).join('/')
    const found = await orNull(look(below(root, above)))
    if (found === null) return null
    if (!found.isDirectory()) return { kind: 'file', path: above }
  }
  const isFolder = (await orNull(look(below(root, path))))?.isDirectory() === true
  return isFolder ? { kind: 'folder', path } : null
}

/** Says what is in the way, and how it goes away. */
export function obstacleError({ kind, path }: Obstacle): CliError {
  const hint = '--delete removes what is in the way, and all else that the other one does not have'
  return kind === 'folder'
    ? new CliError('EISDIR', `EISDIR: a folder is where a file is to come: ${path}`, { hint })
    : new CliError('ENOTDIR', `ENOTDIR: no folder is where one is to come: ${path}`, { hint })
}

async function orNull<T>(found: Promise<T>): Promise<T | null> {
  return found.catch((err: unknown) => {
    if (codeOf(err) === 'ENOENT' || codeOf(err) === 'ENOTDIR') return null
    throw err
  })
}
