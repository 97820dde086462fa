import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { MultiDrive } from '../../index.ts'
import { codeOf, UsageError } from './errors.ts'
import { nameIn, placeNamed } from './named.ts'
import { below, insidePath, meansFolder } from './paths.ts'

interface InsideOptions {
  /** Whether the file that a link leads to is meant, and not the link. Default true. */
  readonly follow?: boolean
}

/** Where something of a name goes: to a path, or into the folder that is there. */
export async function insideTarget(
  multi: MultiDrive,
  text: string,
  name: string | null,
  { follow = true }: InsideOptions = {}
): Promise<string> {
  const given = insidePath(text)
  const path = await placeNamed(multi, given)
  const isFolder = meansFolder(text) || path === '/' || (await isInsideFolder(multi, path))
  if (!isFolder) return follow ? path : nameIn(multi, given)
  if (name === null || name === '')
    throw new UsageError(`a folder: ${text}`, 'name the file in it that is to be written')
  return below(path, name)
}

/** The same, on the disk. */
export async function outsideTarget(path: string, name: string): Promise<string> {
  return /[/\\]$/.test(path) || path === '.' || (await isOutsideFolder(path)) ? join(path, name) : path
}

async function isInsideFolder(multi: MultiDrive, path: string): Promise<boolean> {
  return (await orNull(multi.promises.stat(path)))?.isDirectory() ?? false
}

async function isOutsideFolder(path: string): Promise<boolean> {
  return (await orNull(stat(path)))?.isDirectory() ?? false
}

/** Null for what is not there; a file on the way shows when it is written. */
async function orNull<T>(found: Promise<T>): Promise<T | null> {
  return found.catch((err: unknown) => {
    if (codeOf(err) === 'ENOENT' || codeOf(err) === 'ENOTDIR') return null
    throw err
  })
}
