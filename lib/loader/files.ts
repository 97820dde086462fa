import { posix } from 'node:path'
import type MultiDrive from '../../index.ts'
import type { Entry } from '../../index.ts'
import { TransferError } from '../share/errors.ts'
import { targetIn } from '../share/links.ts'
import { isAbsence } from './failure.ts'

/** A file with its bytes. */
export interface FoundFile {
  /** Its path in the drive. */
  readonly key: string
  /** Its path from the folder that was asked for, its name where it was asked for itself. */
  readonly name: string
  /** Of the file itself, where the path is that of a link to it. */
  readonly entry: Entry
}

/** A symbolic link to a place in the folder that was asked for. */
export interface FoundLink {
  readonly key: string
  readonly name: string
  /** The path in the drive that it leads to. */
  readonly target: string
  /** That path from the folder that was asked for; empty for the folder itself. */
  readonly targetName: string
  /** What is there. */
  readonly leadsTo: 'file' | 'folder' | 'nothing'
}

/** A symbolic link that leads out of the folder, and to no file there. */
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
  const detail = (await folderAt(multi, key, patience)) === null ? undefined : 'it is a folder'
  throw new TransferError('FILE_NOT_FOUND', { path: key, detail })
}

/**
 * The file at a path, or all that lies in the folder there. A link in the folder that leads to a place in it stays one, whatever
 * is there; any other stands for the file that it leads to.
 *
 * @throws FILE_NOT_FOUND when there is neither
 */
export async function filesAt(multi: MultiDrive, path: string, patience: Patience): Promise<Found[]> {
  const key = toKey(path)
  if (key !== '/' && !path.endsWith('/')) {
    const entry = await multi.entry(key, { follow: true, ...patience })
    if (entry?.value.blob) return [{ key, name: posix.basename(key), entry }]
  }
  const folder = await folderAt(multi, key, patience)
  if (folder === null) throw new TransferError('FILE_NOT_FOUND', { path: key })
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
  const { linkname } = link.value
  const name = nameIn(folder, key)
  const isText = linkname !== null && !linkname.includes('\0')
  const targetName = isText ? targetIn(folder, key, linkname) : null
  if (targetName !== null) {
    const leadsTo = await kindAt(multi, key, patience)
    return { key, name, target: posix.join(folder, targetName), targetName, leadsTo }
  }
  try {
    return { key, name, entry: await fileAt(multi, key, patience) }
  } catch (cause) {
    const isNothing = cause instanceof TransferError ? cause.code === 'FILE_NOT_FOUND' : isAbsence(cause)
    if (!isNothing) throw cause
    const detail = `it is a link to ${linkname}`
    return { key, name, error: new TransferError('FILE_NOT_FOUND', { path: key, detail, cause }) }
  }
}

/** What a path leads to, also by links. */
async function kindAt(multi: MultiDrive, key: string, patience: Patience): Promise<FoundLink['leadsTo']> {
  try {
    const stats = await inTime(multi.promises.stat(key), key, patience)
    return stats.isDirectory() ? 'folder' : 'file'
  } catch (err) {
    if (isAbsence(err)) return 'nothing'
    throw err
  }
}

/**
 * The folder that a path leads to, also by links; null where there is none.
 *
 * @throws what keeps it from being known
 */
export async function folderAt(multi: MultiDrive, key: string, patience: Patience): Promise<string | null> {
  const { realpath, stat } = multi.promises
  try {
    if (!(await inTime(stat(key), key, patience)).isDirectory()) return null
    return key === '/' ? key : await inTime(realpath(key), key, patience)
  } catch (err) {
    if (isAbsence(err)) return null
    throw err
  }
}

/** What a call gives that knows of no timeouts itself. */
async function inTime<T>(answer: Promise<T>, path: string, { timeout }: Patience): Promise<T> {
  if (timeout === 0) return answer
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    const detail = `the drive has not answered within ${timeout} ms`
    timer = setTimeout(() => reject(new TransferError('CONNECTION_FAILED', { path, detail })), timeout)
  })
  return Promise.race([answer, late]).finally(() => clearTimeout(timer))
}

/**
 * A drive that was never whole here shows nothing, or only a part, while nobody is there to ask. That is no answer.
 *
 * @throws CONNECTION_FAILED where there is such a drive
 */
export function requireAnswers(multi: MultiDrive, path: string, cause?: unknown): void {
  const silent = multi.unsynced.some((drive) => {
    const { core, peers = core?.peers } = drive as {
      core?: { peers: readonly unknown[] }
      peers?: readonly unknown[] | null
    }
    return peers?.length === 0
  })
  if (!silent) return
  const detail = 'nobody is there to tell what the drive holds'
  throw new TransferError('CONNECTION_FAILED', { path: toKey(path), detail, cause })
}

function nameIn(folder: string, key: string): string {
  return key.slice(folder === '/' ? 1 : folder.length + 1)
}
