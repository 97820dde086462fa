import type MultiDrive from '../../index.ts'
import type { Drive, Entry } from '../../index.ts'
import { isOwn } from './entry-file.ts'

/** A drive with a store of which the disk can be made to have less. */
interface Compactable {
  getBlobs?(): Promise<{ core: { readonly closed: boolean; compact(): Promise<unknown> } } | null>
}

/** When so many bytes were removed from stores, the disk is to have them back. */
const MUCH = 256 << 20

/** What is less than that in the end is left to the store, in bytes. */
const LITTLE = 16 << 20

/** The bytes of files that only go through stores, on their way to the disk. */
export class Transit {
  readonly #drives = new Set<Drive>()
  /** Removed from stores, and not given back to the disk yet. */
  #bytes = 0

  /**
   * Does what saves a file. What has come into the store for that is removed from it again, unless the drive is one's own.
   *
   * @throws what the work throws, and the store
   */
  async carry<T>(view: MultiDrive, entry: Entry, work: () => Promise<T>): Promise<T> {
    const stays = isOwn(entry.drive) || (await view.has(entry.key))
    const result = await work()
    if (stays) return result
    await view.clear(entry)
    this.#drives.add(entry.drive)
    this.#bytes += entry.value.blob!.byteLength
    if (this.#bytes >= MUCH) await this.#giveBack()
    return result
  }

  /** To be called when all files are saved. */
  async end(): Promise<void> {
    if (this.#bytes >= LITTLE) await this.#giveBack()
  }

  async #giveBack(): Promise<void> {
    const drives = [...this.#drives]
    this.#drives.clear()
    this.#bytes = 0
    await giveBack(drives)
  }
}

/** Has the disk get back what was removed from the stores of drives. By itself a store does that when more is written to it. */
export async function giveBack(drives: Iterable<Drive>): Promise<void> {
  for (const drive of drives) {
    const blobs = await (drive as Compactable).getBlobs?.()
    if (blobs && !blobs.core.closed) await blobs.core.compact()
  }
}
