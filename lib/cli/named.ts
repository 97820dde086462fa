import { posix } from 'node:path'
import type { MultiDrive } from '../../index.ts'
import { codeOf } from './errors.ts'
import { failure } from './failures.ts'
import { below } from './paths.ts'

// One rule for all commands: the path that is named is followed where it is a link, those that are met below it are not.

/**
 * The folder that a path leads to.
 *
 * @throws ENOENT, ENOTDIR where there is none
 */
export async function folderNamed(view: MultiDrive, path: string): Promise<string> {
  const { realpath, stat } = view.promises
  if (!(await stat(path)).isDirectory()) throw failure('ENOTDIR', path)
  return realpath(path)
}

/** Where a path leads to, of which the end need not be there. */
export async function placeNamed(view: MultiDrive, path: string): Promise<string> {
  if (path === '/') return path
  try {
    return await view.promises.realpath(path)
  } catch (err) {
    if (codeOf(err) !== 'ENOENT') throw err
    return nameIn(view, path)
  }
}

/** The name itself in the folder that it is in, which may be named by a link. */
export async function nameIn(view: MultiDrive, path: string): Promise<string> {
  return path === '/' ? path : below(await placeNamed(view, posix.dirname(path)), posix.basename(path))
}
