import { readdir, rmdir, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { destinationOf, DestinationError, pathIn } from '../share/destination.ts'
import type { SavedFile } from '../share/partial.ts'
import { saveFile, saveLink } from '../share/save.ts'
import { CliError, codeOf } from './errors.ts'

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
    const target = await this.#prepare(path)
    await advised(saveFile(file, target, { signal }))
  }

  /** @param mtime - in milliseconds since the epoch; null for now */
  async link(path: string, to: string, mtime: number | null): Promise<void> {
    await saveLink(to, await this.#prepare(path), mtime)
  }

  /** @returns whether it was there */
  async remove(path: string): Promise<boolean> {
    try {
      await unlink(await this.#prepare(path))
      return true
    } catch (err) {
      if (codeOf(err) === 'ENOENT') return false
      throw err
    }
  }

  /**
   * Removes a folder and those in it, the deepest first.
   *
   * @throws ENOTEMPTY where something else is in it
   */
  async removeFolder(path: string): Promise<void> {
    const folder = this.pathOf(path)
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
