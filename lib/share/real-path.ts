import { realpath } from 'node:fs/promises'
import { basename, dirname, join, relative, resolve, isAbsolute, sep } from 'node:path'

/** A path of the disk without links, also where it or the folders that it is in are yet to be made. */
export async function realPath(path: string): Promise<string> {
  const full = resolve(path)
  try {
    return await realpath(full)
  } catch (err) {
    if ((err as NodeJS.ErrnoException).code !== 'ENOENT' || dirname(full) === full) throw err
    return join(await realPath(dirname(full)), basename(full))
  }
}

/** Whether a path of the disk is a folder's, or lies in it; both are real. */
export function liesIn(path: string, folder: string): boolean {
  const way = relative(folder, path)
  return way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way)
}
