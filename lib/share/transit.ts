import type MultiDrive from '../../index.ts'
import type { Drive, Entry } from '../../index.ts'
import { isOwn } from './drives.ts'

/** A drive with a store of which the disk can be made to have less. */
interface Compactable {
  getBlobs?(): Promise<{ core: { readonly closed: boolean; compact(): Promise<unknown> } } | null>
}

/** So many bytes are removed from a store at once, and given back to the disk. */
const MUCH = 256 << 20

/** What is less than that in the end is removed and left to the store, in bytes. */
const LITTLE = 16 << 20

export interface CarryOptions<T> {
  /** Whether it was begun before and broken off: what is in the store is of that time then. Default false. */
  readonly isBegun?: boolean
  /** Whether the work is all that the file is read for, by what it gives. Default: it is. */
  readonly isLast?: (result: T) => boolean
}

/**
 * The files that only go through stores, on their way to the disk.
 *
 * A block that is removed from a Hypercore takes with it what those on their way are verified by, and these never come. So nothing of a drive
 * is removed while any of its files is read here: when much has come, the next ones wait for that.
 */
export class Transit {
  readonly #multi: MultiDrive
  readonly #onfailure: (err: unknown) => void
  readonly #passages = new Map<Drive, Passage>()

  /**
   * @param multi - what the files are removed by
   * @param onfailure - told of what keeps files in their store, which fails none of them; what it throws is an uncaught exception
   */
  constructor(multi: MultiDrive, onfailure: (err: unknown) => void) {
    this.#multi = multi
    this.#onfailure = onfailure
  }

  /**
   * Does what reads a file. What comes into the store for that is removed from it later, unless the drive is one's own; a file that was there
   * before stays, but for blocks that it shares with one that is removed.
   *
   * @param view - one that shows it
   * @throws what the work throws
   */
  async carry<T>(
    view: MultiDrive,
    entry: Entry,
    work: () => Promise<T>,
    { isBegun = false, isLast = () => true }: CarryOptions<T> = {}
  ): Promise<T> {
    const { drive } = entry
    if (isOwn(drive)) return work()
    let passage = this.#passages.get(drive)
    if (!passage) {
      passage = new Passage((entries, least) => this.#remove(drive, entries, least))
      this.#passages.set(drive, passage)
    }
    return passage.read(async () => {
      const stays = !isBegun && (await view.has(entry.key))
      const result = await work()
      return { result, passed: stays || !isLast(result) ? null : entry }
    })
  }

  /** Removes what is left, but of drives of which something is still read: who ends after that does it. */
  async end(): Promise<void> {
    for (const passage of this.#passages.values()) await passage.end()
  }

  /** @param least - so many bytes are given back to the disk at once, at least */
  async #remove(drive: Drive, entries: readonly Entry[], least: number): Promise<void> {
    try {
      for (const entry of entries) await this.#multi.clear(entry)
      if (sizeOf(entries) >= least) await giveBack([drive])
    } catch (err) {
      process.nextTick(this.#onfailure, err)
    }
  }
}

/** The files of one drive that go through its store. */
class Passage {
  readonly #remove: (entries: readonly Entry[], least: number) => Promise<void>
  #passed: Entry[] = []
  /** Of what has passed. */
  #bytes = 0
  #reading = 0
  #pause: Promise<void> | null = null
  #idle: () => void = () => undefined

  constructor(remove: (entries: readonly Entry[], least: number) => Promise<void>) {
    this.#remove = remove
  }

  async read<T>(work: () => Promise<{ result: T; passed: Entry | null }>): Promise<T> {
    while (this.#pause) await this.#pause
    this.#reading++
    try {
      const { result, passed } = await work()
      if (passed) this.#pass(passed)
      return result
    } finally {
      if (--this.#reading === 0) this.#idle()
    }
  }

  async end(): Promise<void> {
    while (this.#pause) await this.#pause
    if (this.#reading > 0 || this.#passed.length === 0) return
    await this.#hold(this.#removeAll(LITTLE))
  }

  #pass(entry: Entry): void {
    this.#passed.push(entry)
    this.#bytes += sizeOf([entry])
    if (this.#bytes < MUCH || this.#pause) return
    const idle = new Promise<void>((resolve) => (this.#idle = resolve))
    void this.#hold(idle.then(() => this.#removeAll(0)))
  }

  /** Has the next ones wait for a removal, which never fails. */
  #hold(removal: Promise<void>): Promise<void> {
    this.#pause = removal.then(() => {
      this.#pause = null
    })
    return this.#pause
  }

  async #removeAll(least: number): Promise<void> {
    const entries = this.#passed
    this.#passed = []
    this.#bytes = 0
    await this.#remove(entries, least)
  }
}

function sizeOf(entries: readonly Entry[]): number {
  return entries.reduce((sum, { value }) => sum + value.blob!.byteLength, 0)
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
