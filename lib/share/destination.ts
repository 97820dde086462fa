import { lstat, mkdir, stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'

/** What keeps a file of a drive from going below a folder of the disk. */
export class DestinationError extends Error {
  /** EINVAL for a name that is none, ENOTDIR where something else than a folder is in the way, EISDIR where a folder is. */
  readonly code: 'EINVAL' | 'ENOTDIR' | 'EISDIR'
  readonly path: string

  constructor(code: DestinationError['code'], path: string, detail: string, cause?: unknown) {
    super(`${code}: ${detail}: ${path}`, cause === undefined ? undefined : { cause })
    this.name = 'DestinationError'
    this.code = code
    this.path = path
  }
}

/**
 * Where a file of a drive goes below a folder of the disk.
 *
 * @param root - the folder
 * @param name - the path of the file below it, with slashes
 * @throws EINVAL where it would lie outside, has no name for this system, or lies in what MultiDrive keeps in folders for itself
 */
export function pathIn(root: string, name: string): string {
  const parts = name.split('/')
  if (!parts.every(isName)) throw new DestinationError('EINVAL', name, 'no name of a file on this disk')
  // Written by somebody else, it would say of the folder, once that is a drive, what its owner never said.
  if (parts.some((part) => part.toLowerCase() === KEPT))
    throw new DestinationError('EINVAL', name, `${KEPT} is what a folder as a drive is kept by`)
  return join(resolve(root), ...parts)
}

/**
 * The same, with the folders above it made. Whoever has written a drive can have named its files anything, and what lies on the disk may
 * have links in it: no file ever comes to lie outside the folder.
 *
 * @throws as {@link pathIn}; ENOTDIR where something else than a folder is in the way, such as a link; what the disk throws
 */
export async function destinationOf(root: string, name: string): Promise<string> {
  const path = pathIn(root, name)
  const home = resolve(root)
  await makeAll(home)
  // The folder itself may be a link to one.
  if (!(await stat(home)).isDirectory()) throw notFolder(home)
  let folder = home
  for (const part of name.split('/').slice(0, -1)) {
    folder = join(folder, part)
    await makeFolder(folder)
  }
  return path
}

/** The folder in which MultiDrive keeps what a folder of the disk has beside its files. */
const KEPT = '.multidrive'

/** What no name on this system may hold. */
const FORBIDDEN =
  process.platform === 'win32'
    ? /[\u0000-\u001f<>:"\\|?*]|[. ]$|^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i
    : /\u0000/

function isName(part: string): boolean {
  return part !== '' && part !== '.' && part !== '..' && !FORBIDDEN.test(part)
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
    throw notFolder(folder, err)
  }
}

function notFolder(path: string, cause?: unknown): DestinationError {
  return new DestinationError('ENOTDIR', path, 'it is not a folder, or a link to one', cause)
}
