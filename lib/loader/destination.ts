import { lstat, mkdir } from 'node:fs/promises'
import { dirname, join, resolve, sep } from 'node:path'
import { TransferError } from '../share/errors.ts'

/**
 * Where a file of a drive goes below a folder on the disk, with the folders above it made. Whoever has written a drive can have named its
 * files anything, and what lies on the disk may have links in it: no file ever comes to lie outside the folder.
 *
 * @param root - the folder, which is made where it is missing
 * @param name - the path of the file below it, with slashes
 * @throws DOWNLOAD_FAILED where it would lie outside, or where something else than a folder is in the way; what the disk throws
 */
export async function destinationOf(root: string, name: string): Promise<string> {
  const parts = name.split('/')
  if (!parts.every(isName)) {
    throw new TransferError('DOWNLOAD_FAILED', { path: name, detail: 'no name of a file on this disk' })
  }
  const home = resolve(root)
  await makeAll(home)
  let folder = home
  for (const part of parts.slice(0, -1)) {
    folder = join(folder, part)
    await makeFolder(folder)
  }
  return join(home, ...parts)
}

function isName(part: string): boolean {
  if (part === '' || part === '.' || part === '..' || part.includes('\0')) return false
  return sep === '/' || !/[\\:]/.test(part)
}

/** As `mkdir` with `recursive`, which says ENOENT of whatever it is that keeps it from making a folder. */
async function makeAll(folder: string): Promise<void> {
  try {
    await mkdir(folder)
  } catch (err) {
    const { code } = err as NodeJS.ErrnoException
    if (code === 'EEXIST') return
    if (code !== 'ENOENT' || dirname(folder) === folder) throw err
    await makeAll(dirname(folder))
    await makeAll(folder)
  }
}

/** A link is not followed: it may lead anywhere. */
async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder)
  } catch (err) {
    if ((err as NodeJS.ErrnoException).code !== 'EEXIST') throw err
    if ((await lstat(folder)).isDirectory()) return
    throw new TransferError('DOWNLOAD_FAILED', { path: folder, detail: 'it is not a folder', cause: err })
  }
}
