import { randomUUID } from 'node:crypto'
import { constants, type Stats } from 'node:fs'
import { chmod, lstat, lutimes, open, readlink, rename, symlink } from 'node:fs/promises'
import { DestinationError } from './destination.ts'
import {
  executableMode,
  inodeOf,
  PartialFile,
  partialPath,
  removeFile,
  type SavedFile,
  type SaveOptions
} from './partial.ts'

/** A date that was set is not always kept to the last digit; in milliseconds. */
const DATES = 1

/**
 * Saves a file, in the place of whatever file is there. It has its own name only when it is whole; what has come of it when it is broken
 * off is there for the next time.
 *
 * @throws EISDIR where a folder is in its place; DOWNLOAD_FAILED when it does not come to its length, the reason of the signal, and what
 *   the disk and the drive throw
 */
export async function saveFile(file: SavedFile, target: string, opts: SaveOptions): Promise<void> {
  await requireNoFolder(target)
  do opts.signal.throwIfAborted()
  while (!(await savePartial(file, target, opts)))
}

/**
 * Whether a file is on the disk: by its date, or by its bytes where it is to have none. What it lacks of its rights is mended.
 *
 * @throws EISDIR where a folder is in its place, the reason of the signal, and what the disk and the drive throw
 */
export async function isSaved(file: SavedFile, target: string, signal: AbortSignal): Promise<boolean> {
  const found = await requireNoFolder(target)
  if (!found?.isFile() || found.size !== file.size) return false
  const isSame =
    file.mtime === null ? await hasBytes(file, target, signal) : Math.abs(found.mtimeMs - file.mtime) < DATES
  if (isSame && file.executable && (found.mode & 0o100) === 0) await chmod(target, executableMode(found.mode))
  return isSame
}

/**
 * Makes a symbolic link, in the place of whatever file is there.
 *
 * @param to - what it says
 * @param mtime - the date that it is to have, in milliseconds since the epoch; null for that of the day
 * @returns whether it had been there before
 * @throws EISDIR where a folder is in its place, and what the disk throws
 */
export async function saveLink(to: string, target: string, mtime: number | null = null): Promise<boolean> {
  await requireNoFolder(target)
  if ((await linkAt(target)) === to) return true
  const partial = partialPath(target, randomUUID())
  await symlink(to, partial)
  try {
    if (mtime !== null) await lutimes(partial, mtime / 1000, mtime / 1000)
    await rename(partial, target)
  } catch (err) {
    await removeFile(partial)
    throw err
  }
  return false
}

/** @returns false where the partial file is not there any more under its name: another process has taken it */
async function savePartial(file: SavedFile, target: string, opts: SaveOptions): Promise<boolean> {
  const partial = await PartialFile.open(file, target, opts.signal)
  try {
    const inode = await partial.complete(opts).finally(() => partial.close())
    const named = await statOf(partial.path)
    if (named === null || inodeOf(named) !== inode) {
      const placed = await statOf(target)
      return placed !== null && inodeOf(placed) === inode
    }
    await takePlace(partial.path, target)
    return true
  } catch (err) {
    // Nobody could ever go on with it.
    if (file.version === null) await removeFile(partial.path)
    throw err
  }
}

async function hasBytes(file: SavedFile, target: string, signal: AbortSignal): Promise<boolean> {
  const handle = await open(target, constants.O_RDONLY | constants.O_NOFOLLOW)
  try {
    let position = 0
    for await (const chunk of file.read(0, signal)) {
      const here = Buffer.alloc(chunk.byteLength)
      const { bytesRead } = await handle.read(here, 0, here.byteLength, position)
      if (!here.subarray(0, bytesRead).equals(chunk)) return false
      position += bytesRead
    }
    signal.throwIfAborted()
    return position === file.size
  } finally {
    await handle.close()
  }
}

/** Gives a partial file its name. */
async function takePlace(partial: string, target: string): Promise<void> {
  try {
    await rename(partial, target)
  } catch (err) {
    // Another process that saved the same version has been faster.
    const isTaken = (err as NodeJS.ErrnoException).code === 'ENOENT' && (await statOf(target)) !== null
    if (!isTaken) throw err
  }
}

/** @returns what is there */
async function requireNoFolder(target: string): Promise<Stats | null> {
  const found = await statOf(target)
  if (found?.isDirectory() === true)
    throw new DestinationError('EISDIR', target, 'a folder is in the place of a file')
  return found
}

/** What a link says; null where none is. */
async function linkAt(path: string): Promise<string | null> {
  return readlink(path).catch((err: unknown) => {
    const { code } = err as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'EINVAL') return null
    throw err
  })
}

async function statOf(path: string): Promise<Stats | null> {
  return lstat(path).catch((err: unknown) => {
    if ((err as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw err
  })
}
