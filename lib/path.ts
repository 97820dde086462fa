import unixPathResolve from 'unix-path-resolve'
import { failure } from './errors.ts'

// A key as it may stand in a drive: absolute, no empty, `.` or `..` part, no backslash, no NUL, no slash at its end.
const KEY = /^(?:\/(?!\.{1,2}(?:\/|$))[^/\\\0]+)+$/

const SURROGATE = /[\ud800-\udfff]/

/**
 * A path as the key of a file, resolved as Hyperdrive resolves it: `\` is `/`, `.` and `..` are resolved, a slash at the end
 * is dropped, lone surrogates become U+FFFD as they do in UTF-8.
 *
 * @param path - absolute, or relative to the root
 * @param syscall - named in the error
 * @throws EINVAL when it is no string, holds NUL, leads above the root, or is the root
 */
export function toKey(path: unknown, syscall: string): string {
  const key = toFolder(path, syscall)
  if (key === '') throw failure('EINVAL', { syscall, path: String(path), detail: 'the root is not a file' })
  return key
}

/**
 * A path as a folder: its key, or the empty string for the root, so that `folder + '/'` is always the prefix of its entries.
 *
 * @throws EINVAL as {@link toKey}, but for the root
 */
export function toFolder(path: unknown, syscall: string): string {
  if (path === undefined || path === null) return ''
  if (typeof path !== 'string') throw failure('EINVAL', { syscall, detail: 'a path is a string' })
  if (path.includes('\0')) throw failure('EINVAL', { syscall, path, detail: 'a path has no NUL' })
  let key: string
  try {
    key = unixPathResolve('/', path.toWellFormed())
  } catch (cause) {
    throw failure('EINVAL', { syscall, path, detail: 'a path stays below the root', cause })
  }
  return key === '/' ? '' : key
}

/** Whether a key found in a drive is one that MultiDrive would have written; all others are treated as absent. */
export function isKey(key: unknown): key is string {
  return typeof key === 'string' && KEY.test(key)
}

/** The folders above a key, nearest first, without the root: `/a/b/c` gives `/a/b`, `/a`. */
export function ancestors(key: string): string[] {
  const above: string[] = []
  for (let i = key.lastIndexOf('/'); i > 0; i = key.lastIndexOf('/', i - 1)) above.push(key.slice(0, i))
  return above
}

/**
 * The order of keys in every drive: by the bytes of their UTF-8. It differs from JavaScript's `<` only where one side has a
 * surrogate and the other a unit from U+E000 on.
 */
export function compareKeys(a: string, b: string): number {
  if (a === b) return 0
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i)
    const y = b.charCodeAt(i)
    if (x === y) continue
    if (x >= 0xd800 && y >= 0xd800) return isSurrogate(x) === isSurrogate(y) ? x - y : isSurrogate(x) ? 1 : -1
    return x - y
  }
  return a.length - b.length
}

/** Whether `<` orders a key as {@link compareKeys} does, among others of which the same is true. */
export function isPlain(key: string): boolean {
  return !SURROGATE.test(key)
}

/** Whether a path is a folder, or lies below it. */
export function isIn(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder + '/')
}

/** A range of keys. `folderRange('')` is everything. */
export interface KeyRange {
  gt?: string
  gte?: string
  lt?: string
  lte?: string
}

/** All keys below a folder: `0` is the character after `/`. */
export function folderRange(folder: string): KeyRange {
  return { gt: folder + '/', lt: folder + '0' }
}

export function inRange(key: string, { gt, gte, lt, lte }: KeyRange): boolean {
  if (gt !== undefined && compareKeys(key, gt) <= 0) return false
  if (gte !== undefined && compareKeys(key, gte) < 0) return false
  if (lt !== undefined && compareKeys(key, lt) >= 0) return false
  return lte === undefined || compareKeys(key, lte) <= 0
}

function isSurrogate(unit: number): boolean {
  return unit <= 0xdfff
}
