import { posix } from 'node:path'
import type MultiDrive from '../../index.ts'
import type { Entry } from '../../index.ts'
import { TransferError } from '../share/errors.ts'

/** A file with its bytes. */
export interface FoundFile {
  /** Its path in the drive. */
  readonly key: string
  /** Its path from the folder that was asked for, its name where it was asked for itself. */
  readonly name: string
  /** Of the file itself, where the path is that of a link to it. */
  readonly entry: Entry
}

/** A symbolic link to something in the folder that was asked for. */
export interface FoundLink {
  readonly key: string
  readonly name: string
  /** The path in the drive that it leads to. */
  readonly target: string
  /** That path from the folder that was asked for. */
  readonly targetName: string
}

/** A symbolic link that leads to no file. */
export interface FoundNothing {
  readonly key: string
  readonly name: string
  readonly error: TransferError
}

export type Found = FoundFile | FoundLink | FoundNothing

/** How long what a drive says of a path is waited for. */
export interface Patience {
  readonly timeout: number
}

/** A path as the keys of a drive are, from whatever it was called: `''`, `.` and `/` are the root. */
export function toKey(path: string): string {
  return posix.resolve('/', path)
}

/**
 * The file at a path; links are followed.
 *
 * @throws FILE_NOT_FOUND when there is none, or a folder
 */
export async function fileAt(multi: MultiDrive, path: string, patience: Patience): Promise<Entry> {
  const key = toKey(path)
  const entry = key === '/' ? null : await multi.entry(key, { follow: true, ...patience })
  if (entry?.value.blob) return entry
  const detail = (await isFolder(multi, key)) ? 'it is a folder' : undefined
  throw new TransferError('FILE_NOT_FOUND', { path: key, detail })
}

/**
 * The file at a path, or all that lies in the folder there. A link in the folder that leads to something in it stays one; any other stands
 * for the file that it leads to.
 *
 * @throws FILE_NOT_FOUND when there is neither
 */
export async function filesAt(multi: MultiDrive, path: string, patience: Patience): Promise<Found[]> {
  const key = toKey(path)
  if (key !== '/' && !path.endsWith('/')) {
    const entry = await multi.entry(key, { follow: true, ...patience })
    if (entry?.value.blob) return [{ key, name: posix.basename(key), entry }]
  }
  if (!(await isFolder(multi, key))) throw new TransferError('FILE_NOT_FOUND', { path: key })
  const folder = key === '/' ? '/' : await multi.promises.realpath(key)
  const found: Found[] = []
  for await (const entry of multi.list(folder, patience)) {
    const name = nameIn(folder, entry.key)
    if (entry.value.blob) found.push({ key: entry.key, name, entry })
    else found.push(await linkAt(multi, folder, entry, patience))
  }
  return found
}

async function linkAt(multi: MultiDrive, folder: string, link: Entry, patience: Patience): Promise<Found> {
  const { key } = link
  const name = nameIn(folder, key)
  const target = posix.resolve(posix.dirname(key), link.value.linkname ?? '')
  const isInside = folder === '/' || target.startsWith(folder + '/')
  try {
    if (isInside && target !== '/') {
      await multi.promises.stat(key)
      return { key, name, target, targetName: nameIn(folder, target) }
    }
    return { key, name, entry: await fileAt(multi, key, patience) }
  } catch (cause) {
    if (cause instanceof TransferError || isAbsence(cause)) {
      const detail = `it is a link to ${link.value.linkname}`
      return { key, name, error: new TransferError('FILE_NOT_FOUND', { path: key, detail, cause }) }
    }
    throw cause
  }
}

/** @throws what keeps it from being known */
async function isFolder(multi: MultiDrive, key: string): Promise<boolean> {
  try {
    return (await multi.promises.stat(key)).isDirectory()
  } catch (err) {
    if (isAbsence(err)) return false
    throw err
  }
}

function isAbsence(err: unknown): boolean {
  return ['ENOENT', 'ENOTDIR', 'ELOOP', 'ERR_INVALID_ARG_VALUE'].includes(
    (err as NodeJS.ErrnoException).code ?? ''
  )
}

function nameIn(folder: string, key: string): string {
  return key.slice(folder === '/' ? 1 : folder.length + 1)
}
