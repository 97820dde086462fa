import { posix } from 'node:path'

/** Where a link leads, as a path from the folder of a tree on; null where it leads out of it. */
export function targetIn(folder: string, key: string, linkname: string): string | null {
  const target = posix.resolve(posix.dirname(key), linkname.replaceAll('\\', '/'))
  if (folder === '/') return target.slice(1)
  if (target === folder) return ''
  return target.startsWith(`${folder}/`) ? target.slice(folder.length + 1) : null
}
