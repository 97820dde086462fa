import { posix } from 'node:path'
import { UsageError } from './errors.ts'

/** What tells a path in the drives from one on the disk, where both may be meant. */
const INSIDE = 'drive:'

/** A path in the drives, with or without `drive:` before it. */
export function insidePath(text: string): string {
  const path = text.startsWith(INSIDE) ? text.slice(INSIDE.length) : text
  const full = posix.resolve('/', path.replaceAll('\\', '/'))
  return full.replace(/^\/+/, '/')
}

/** Whether the path means a folder by the slash that it ends with. */
export function meansFolder(text: string): boolean {
  return text.endsWith('/') || text === INSIDE
}

/** Where a path is that may be in the drives or on the disk. */
export type Place =
  | { readonly inside: true; readonly path: string; readonly given: string }
  | { readonly inside: false; readonly path: string; readonly given: string }

/** `drive:/path` is in the drives, all else on the disk. */
export function placeOf(text: string): Place {
  if (text === '') throw new UsageError('an empty path names nothing')
  if (text.startsWith(INSIDE)) return { inside: true, path: insidePath(text), given: text }
  return { inside: false, path: text, given: text }
}

/** A path below a folder. */
export function below(folder: string, name: string): string {
  return folder === '/' ? `/${name}` : `${folder}/${name}`
}
