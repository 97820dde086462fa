import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { copyFile, link, lstat, mkdir, open, readdir, rename, unlink } from 'node:fs/promises'
import path from 'node:path'
import { failure } from '../../errors.ts'
import type { Draft, Staged } from '../source.ts'
import { absentAsNull, HIDDEN, isAbsence, type Root } from './root.ts'

const FOLDER = HIDDEN + '/staged'
// Another process may be filling a file right now; one that nobody touched for so long was given up.
const GIVEN_UP = 60 * 60 * 1000

export function randomName(): string {
  return randomBytes(16).toString('hex')
}

/** Bytes that lie in `.multidrive/staged` under a random name. */
export class StagedFile implements Staged {
  readonly root: Root
  readonly name: string
  readonly byteLength: number
  /** The file that it is a second name of, null for a file of its own. */
  linkOf: string | null
  committed = false

  constructor(root: Root, name: string, byteLength: number, linkOf: string | null = null) {
    this.root = root
    this.linkOf = linkOf
    this.name = name
    this.byteLength = byteLength
  }

  async discard(): Promise<void> {
    if (!this.committed) await absentAsNull(unlink(stagedPath(this.root, this.name)))
  }
}

export function stagedPath(root: Root, name: string): string {
  return path.join(root.path(FOLDER), name)
}

/** Makes the folders of the hidden records, and with them the root. */
export async function makeHiddenFolders(root: Root): Promise<void> {
  await mkdir(root.path(FOLDER), { recursive: true })
  if (!(await root.hasFolder(FOLDER))) throw failure('ENOTDIR', { syscall: 'mkdir', path: FOLDER })
}

export async function stage(root: Root, data: Uint8Array | AsyncIterable<Uint8Array>): Promise<StagedFile> {
  await makeHiddenFolders(root)
  const name = randomName()
  const file = stagedPath(root, name)
  const handle = await open(file, 'wx', 0o644)
  let byteLength = 0
  try {
    try {
      if (data instanceof Uint8Array) {
        await handle.writeFile(data)
        byteLength = data.byteLength
      } else {
        for await (const chunk of data) {
          await handle.writeFile(chunk)
          byteLength += chunk.byteLength
        }
      }
    } finally {
      await handle.close()
    }
  } catch (err) {
    await unlink(file).catch(() => undefined)
    throw err
  }
  return new StagedFile(root, name, byteLength)
}

/** Writes a file of which parts may come from an old one; what is zeros is left out, for file systems that keep nothing of those. */
export async function amend(root: Root, draft: Draft): Promise<StagedFile> {
  await makeHiddenFolders(root)
  const name = randomName()
  const file = stagedPath(root, name)
  const handle = await open(file, 'wx', 0o644)
  try {
    try {
      for (const { from, start, end } of draft.pieces()) {
        if (from === 'zeros') continue
        let position = start
        for await (const chunk of draft.read(start, end)) {
          // A disk that is nearly full takes a part and says so only by the count.
          for (let done = 0; done < chunk.byteLength;) {
            const { bytesWritten } = await handle.write(chunk, done, chunk.byteLength - done, position)
            done += bytesWritten
            position += bytesWritten
          }
        }
      }
      await handle.truncate(draft.byteLength)
    } finally {
      await handle.close()
    }
  } catch (err) {
    await unlink(file).catch(() => undefined)
    throw err
  }
  return new StagedFile(root, name, draft.byteLength)
}

/** A second name for a file that is there, or a copy of it where the file system has no second names. */
export async function reuse(root: Root, key: string, byteLength: number): Promise<StagedFile> {
  await makeHiddenFolders(root)
  const name = randomName()
  const file = stagedPath(root, name)
  try {
    await link(root.path(key), file)
    return new StagedFile(root, name, byteLength, key)
  } catch (err) {
    if (isAbsence(err)) throw err
  }
  await copyFile(root.path(key), file, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE)
  return new StagedFile(root, name, byteLength)
}

/** Makes a staged second name a file of its own, so that what is done to it is not done to the first one. */
export async function detach(staged: StagedFile): Promise<void> {
  if (staged.linkOf === null) return
  staged.linkOf = null
  const { root, name } = staged
  const copy = stagedPath(root, randomName())
  try {
    await copyFile(stagedPath(root, name), copy, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE)
    await rename(copy, stagedPath(root, name))
  } catch (err) {
    await unlink(copy).catch(() => undefined)
    throw err
  }
}

/** The names of staged files that were given up. */
export async function givenUp(root: Root): Promise<string[]> {
  if (!(await root.hasFolder(FOLDER))) return []
  const found: string[] = []
  for (const name of (await absentAsNull(readdir(root.path(FOLDER)))) ?? []) {
    // The mtime may already be the one that the file was to get.
    const stat = await absentAsNull(lstat(stagedPath(root, name)))
    if (stat && !stat.isDirectory() && Date.now() - stat.ctimeMs > GIVEN_UP) found.push(name)
  }
  return found
}
