import type MultiDrive from '../../index.ts'
import type { Drive, Entry } from '../../index.ts'
import { isOwn } from './drives.ts'

/** A drive with a store of which the disk can be made to have less. */
interface Compactable {
  getBlobs?(): Promise<{ core: { readonly closed: boolean; compact(): Promise<unknown> } } | null>
}

/** So many bytes are removed from stores at once, and given back to the disk. */
const MUCH = 256 << 20

/** What is less than that in the end is removed and left to the store, in bytes. */
const LITTLE = 16 << 20

interface Passed {
  readonly view: MultiDrive
  readonly entry: Entry
}

/**
 * The files that only go through stores, on their way to the disk. Of what keeps them in a store it tells, and fails no file.
 *
 * A block that is removed from a Hypercore takes with it what those on their way are verified by, and these never come. So nothing is removed
 * while anything is read: when much has come, the next files wait for that.
 */
export class Transit {
  readonly #onfailure: (err: unknown) => void
  #passed: Passed[] = []
  /** Of what has passed. */
  #bytes = 0
  #reading = 0
  #pause: Promise<void> | null = null
  #idle: () => void = () => undefined

  constructor(onfailure: (err: unknown) => void) {
    this.#onfailure = onfailure
  }

  /**
   * Does what reads a file. What comes into the store for that is removed from it later, unless the drive is one's own; a file that was there
   * before stays.
   *
   * @param isBegun - whether it was begun before and broken off: what is in the store is of that time then
   * @throws what the work throws
   */
  async carry<T>(view: MultiDrive, entry: Entry, isBegun: boolean, work: () => Promise<T>): Promise<T> {
    while (this.#pause) await this.#pause
    this.#reading++
    try {
      const stays = isOwn(entry.drive) || (!isBegun && (await view.has(entry.key)))
      const result = await work()
      if (!stays) this.#pass({ view, entry })
      return result
    } finally {
      if (--this.#reading === 0) this.#idle()
    }
  }

  /** Removes what is left. To be called when all files are through, and before their views are closed. */
  async end(): Promise<void> {
    await this.#pause
    await this.#remove(LITTLE)
  }

  #pass(passed: Passed): void {
    this.#passed.push(passed)
    this.#bytes += passed.entry.value.blob!.byteLength
    if (this.#bytes < MUCH || this.#pause) return
    const idle = new Promise<void>((resolve) => (this.#idle = resolve))
    this.#pause = idle.then(async () => {
      await this.#remove(0)
      this.#pause = null
    })
  }

  /** @param least - so many bytes are given back to the disk at once, at least */
  async #remove(least: number): Promise<void> {
    const [passed, bytes] = [this.#passed, this.#bytes]
    this.#passed = []
    this.#bytes = 0
    try {
      for (const { view, entry } of passed) await view.clear(entry)
      if (bytes >= least) await giveBack(new Set(passed.map(({ entry }) => entry.drive)))
    } catch (err) {
      this.#onfailure(err)
    }
  }
}

/**
 * Has the disk get back what was removed from the stores of drives. By itself a store does that when more is written to it.
 *
 * @throws what the store throws
 */
export async function giveBack(drives: Iterable<Drive>): Promise<void> {
  for (const drive of drives) {
    const blobs = await (drive as Compactable).getBlobs?.()
    if (blobs && !blobs.core.closed) await blobs.core.compact()
  }
}
