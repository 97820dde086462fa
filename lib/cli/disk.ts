import { randomUUID } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { lutimes, rename, rm, symlink, utimes } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { destinationOf, DestinationError, pathIn } from '../share/destination.ts'
import { CliError } from './errors.ts'

export interface DiskFile {
  readonly executable: boolean
  /** In milliseconds since the epoch; null for now. */
  readonly mtime: number | null
}

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
    return pathIn(this.root, path)
  }

  async write(
    path: string,
    bytes: AsyncIterable<Uint8Array>,
    file: DiskFile,
    signal: AbortSignal
  ): Promise<void> {
    const target = await this.#prepare(path)
    const draft = join(dirname(target), `.${basename(target).slice(0, 64)}.${randomUUID()}.partial`)
    try {
      const mode = file.executable ? 0o777 : 0o666
      await pipeline(bytes, createWriteStream(draft, { flags: 'wx', mode }), { signal })
      if (file.mtime !== null) await utimes(draft, file.mtime / 1000, file.mtime / 1000)
      await rename(draft, target)
    } catch (err) {
      await rm(draft, { force: true })
      throw err
    }
  }

  async link(path: string, target: string, mtime: number | null): Promise<void> {
    const at = await this.#prepare(path)
    const draft = join(dirname(at), `.${randomUUID()}.partial`)
    try {
      await symlink(target, draft)
      if (mtime !== null) await lutimes(draft, mtime / 1000, mtime / 1000)
      await rename(draft, at)
    } catch (err) {
      await rm(draft, { force: true })
      throw err
    }
  }

  async remove(path: string): Promise<void> {
    await rm(await this.#prepare(path), { force: true })
  }

  /** Makes the folders above a path. */
  async #prepare(path: string): Promise<string> {
    try {
      return await destinationOf(this.root, path)
    } catch (err) {
      if (!(err instanceof DestinationError) || err.code !== 'ENOTDIR') throw err
      throw new CliError(err.code, err.message, { hint: 'remove it, or name another folder', cause: err })
    }
  }
}
