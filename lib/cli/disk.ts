import { existsSync } from 'node:fs'
import { readdir, rmdir, unlink } from 'node:fs/promises'
import { join, posix } from 'node:path'
import { destinationOf, DestinationError, pathIn } from '../share/destination.ts'
import { isBegun, type SavedFile } from '../share/partial.ts'
import { isSaved, saveFile, saveLink } from '../share/save.ts'
import { CliError, codeOf } from './errors.ts'

/** What removing a folder fails with that is not empty, not there any more, or not to be removed by this process. */
const STAYS = new Set<string | undefined>(['ENOTEMPTY', 'EEXIST', 'ENOENT', 'EACCES', 'EPERM', 'EBUSY'])

/**
 * A folder of the disk that is written to by paths of drives. What their owners name leads nowhere outside of it: no name has `..` in it, and
 * no link of the disk is followed below the folder. A file is whole or not there.
 */
export class DiskFolder {
  readonly root: string

  constructor(root: string) {
    this.root = root
  }

  /** Where a path of a drive is on the disk. */
  pathOf(path: string): string {
    pathIn(this.root, path)
    // As the root was given.
    return join(this.root, path)
  }

  async save(path: string, file: SavedFile, signal: AbortSignal): Promise<void> {
    await advised(saveFile(file, await this.#prepare(path), { signal }))
  }

  /** Whether something is there of a file, of a time that was broken off. */
  isBegun(path: string, file: SavedFile): boolean {
    return isBegun(file, this.pathOf(path))
  }

  /** Whether a file is there, by its length and date. */
  async has(path: string, file: SavedFile, signal: AbortSignal): Promise<boolean> {
    return file.mtime !== null && advised(isSaved(file, await this.#prepare(path), signal))
  }

  /** @param mtime - in milliseconds since the epoch; null for now */
  async link(path: string, to: string, mtime: number | null): Promise<void> {
    await advised(saveLink(to, await this.#prepare(path), mtime))
  }

  /**
   * Removes a file, and the folders above it that hold nothing else.
   *
   * @returns whether it was there
   */
  async remove(path: string): Promise<boolean> {
    const target = await this.#prepare(path)
    const wasThere = await unlink(target).then(
      () => true,
      (err: unknown) => {
        if (codeOf(err) === 'ENOENT') return false
        throw err
      }
    )
    for (let above = posix.dirname(path); above !== '.'; above = posix.dirname(above)) {
      try {
        await rmdir(this.pathOf(above))
      } catch (err) {
        if (STAYS.has(codeOf(err))) break
        throw err
      }
    }
    return wasThere
  }

  /**
   * Removes a folder and those in it, the deepest first. It may be gone with what was in it.
   *
   * @throws ENOTEMPTY where something else is in it
   */
  async removeFolder(path: string): Promise<void> {
    const folder = this.pathOf(path)
    if (!existsSync(folder)) return
    for (const entry of await readdir(folder, { withFileTypes: true })) {
      if (entry.isDirectory()) await this.removeFolder(`${path}/${entry.name}`)
    }
    await rmdir(folder)
  }

  /** Makes the folders above a path. */
  #prepare(path: string): Promise<string> {
    return advised(destinationOf(this.root, path))
  }
}

/** What is in the way is told with what can be done about it. */
async function advised<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (err) {
    if (!(err instanceof DestinationError) || err.code === 'EINVAL') throw err
    throw new CliError(err.code, err.message, { hint: 'remove it, or name another folder', cause: err })
  }
}
