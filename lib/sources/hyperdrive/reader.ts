import type { ReadOptions } from '../../drive.ts'
import { errorCode, failure } from '../../errors.ts'
import { startTimer } from '../../wait.ts'
import { timedOut } from './failure.ts'
import { above, below, rangeOf, type Bounds } from './bounds.ts'
import type { StoredTree } from './tree.ts'
import type { Bee, HyperdriveLike, TreeEntry } from './types.ts'

const BINARY = { keyEncoding: 'binary', valueEncoding: 'binary' }

/** So many nodes are fetched at once of a drive that is read on demand, for the next page to be here when its turn comes. */
const AHEAD = 256

/** What reads a range of a tree, page by page. */
export interface TreePages {
  /** The next entries, fewer than `limit` where the range ends; null where the drive is not here and nobody can be asked. */
  next(limit: number): Promise<readonly TreeEntry[] | null>
}

export interface RangeOptions extends ReadOptions {
  reverse?: boolean
}

/** Reads a drive's tree at one version. */
export interface TreeReader {
  /** What is at a key, null too where the drive is not here and nobody can be asked. */
  get(key: Buffer, opts: ReadOptions): Promise<TreeEntry | null>
  range(bounds: Bounds, opts: RangeOptions): TreePages
  /** Whether a listing that begins now can come to its end. */
  isHere(bounds: Bounds): Promise<boolean>
  /**
   * For what only a Hyperbee can: `read` gets it, and the options that go with every call on it.
   *
   * @returns what `read` gave, or null where the drive is not here and nobody can be asked
   */
  run<T>(opts: ReadOptions, read: (bee: Bee, opts: { wait: boolean }) => Promise<T>): Promise<T | null>
  /** Whether all that can be read is here, so that what was read once need not be read again. */
  readonly whole: boolean
  /** Whether reads may find that a part is not here, with nobody to ask for it. */
  readonly alone: boolean
  /** Whether what is not here with nobody to ask for it is left out. */
  readonly partial: boolean
}

/** Reads a version all of whose metadata is here. */
export class WholeReader implements TreeReader {
  readonly whole = true
  readonly alone = false
  readonly partial = false
  /** The tree, which alone tells what was written since another version. */
  readonly tree: StoredTree
  readonly #bee: Bee

  constructor(bee: Bee, tree: StoredTree) {
    this.#bee = bee
    this.tree = tree
  }

  get(key: Buffer): Promise<TreeEntry | null> {
    return this.tree.get(key)
  }

  range(bounds: Bounds, opts: RangeOptions): TreePages {
    return this.tree.range(bounds, opts.reverse === true)
  }

  isHere(): Promise<boolean> {
    return Promise.resolve(true)
  }

  run<T>(_opts: ReadOptions, read: (bee: Bee, opts: { wait: boolean }) => Promise<T>): Promise<T | null> {
    return read(this.#bee, { wait: false })
  }
}

/** Reads on demand that are under way, to be ended together. */
export class PendingReads {
  readonly #ends = new Set<(why: 'alone' | 'closed') => void>()

  add(end: (why: 'alone' | 'closed') => void): void {
    this.#ends.add(end)
  }

  delete(end: (why: 'alone' | 'closed') => void): void {
    this.#ends.delete(end)
  }

  /** @param why - the last peer left, or the source is closed */
  end(why: 'alone' | 'closed'): void {
    for (const end of this.#ends) end(why)
  }
}

/**
 * Reads a version that is not all here, block by block. A tree reads each block for one caller at a time, so a read without
 * bound would hold up every bounded one behind it: each read has a tree of its own, and closing that tree ends it.
 */
export class DemandReader implements TreeReader {
  readonly whole = false
  readonly #drive: HyperdriveLike
  readonly #version: number
  readonly #sparse: boolean
  readonly #pending: PendingReads

  /** @param sparse - wait for peers as Hyperdrive does, rather than answer from what is here when there are none */
  constructor(drive: HyperdriveLike, version: number, sparse: boolean, pending: PendingReads) {
    this.#drive = drive
    this.#version = version
    this.#sparse = sparse
    this.#pending = pending
  }

  get partial(): boolean {
    return !this.#sparse
  }

  get alone(): boolean {
    return !this.#sparse && this.#drive.core.peers.length === 0
  }

  get(key: Buffer, opts: ReadOptions): Promise<TreeEntry | null> {
    return this.run(opts, (bee, options) => bee.get(key, { ...options, checkout: this.#version, ...BINARY }))
  }

  range(bounds: Bounds, opts: RangeOptions): TreePages {
    let rest = bounds
    const next = async (limit: number): Promise<readonly TreeEntry[] | null> => {
      const entries = await this.run(opts, async (bee, options) => {
        const found: TreeEntry[] = []
        // An iterator that is taken to have so many nodes asks a peer for all of them at once.
        const reach = { ...options, limit: Math.max(limit, AHEAD), reverse: opts.reverse === true }
        await this.#each(bee, rest, reach, (entry) => found.push(entry) < limit)
        return found
      })
      const last = entries?.at(-1)
      if (last) rest = opts.reverse === true ? below(rest, last.key) : above(rest, last.key)
      return entries
    }
    return { next }
  }

  async isHere(bounds: Bounds): Promise<boolean> {
    if (!this.alone) return true
    return (await this.run({}, (bee, options) => this.#each(bee, bounds, options, () => true))) === true
  }

  /** @param take - gives false when it has enough */
  async #each(bee: Bee, bounds: Bounds, opts: object, take: (entry: TreeEntry) => boolean): Promise<true> {
    const iterator = bee.createRangeIterator(rangeOf(bounds), { ...opts, checkout: this.#version, ...BINARY })
    try {
      await iterator.open()
      for (let entry = await iterator.next(); entry !== null; entry = await iterator.next()) {
        if (!take(entry)) break
      }
    } finally {
      await iterator.close()
    }
    return true
  }

  async run<T>(
    opts: ReadOptions,
    read: (bee: Bee, opts: { wait: boolean }) => Promise<T>
  ): Promise<T | null> {
    if (this.alone) return this.#local(read)
    const { core, db } = this.#drive
    const { fork } = core
    const bee = core.snapshotted ? db.checkout(this.#version) : treeOf(db, this.#version)
    const ended = new AbortController()
    let giveUp: (err: Error) => void = () => undefined
    const over = new Promise<never>((_, reject) => (giveUp = reject))
    const end = (why: 'time' | 'alone' | 'closed') => {
      if (why === 'alone' && this.#sparse) return
      ended.abort(why)
      // A tree that is closed ends its reads, but for some that it forgets.
      void bee.close().finally(() => setImmediate(giveUp, failure('CLOSED', { drive: this.#drive })))
    }
    const timer = startTimer(opts.timeout ?? 0, () => end('time'))
    this.#pending.add(end)
    try {
      const found = await Promise.race([read(bee, { wait: opts.wait !== false }), over])
      if (core.fork !== fork)
        throw failure('DRIVE_FAILED', { drive: this.#drive, detail: 'it was truncated while it was read' })
      return found
    } catch (err) {
      if (ended.signal.reason === 'time') throw timedOut()
      if (ended.signal.reason !== 'alone') throw err
    } finally {
      clearTimeout(timer)
      this.#pending.delete(end)
      await bee.close()
    }
    return this.#local(read)
  }

  async #local<T>(read: (bee: Bee, opts: { wait: boolean }) => Promise<T>): Promise<T | null> {
    const bee = this.#drive.db.checkout(this.#version)
    try {
      return await read(bee, { wait: false })
    } catch (err) {
      if (errorCode(err) === 'BLOCK_NOT_AVAILABLE') return null
      throw err
    } finally {
      await bee.close()
    }
  }
}

/**
 * A tree of its own at one version. A checkout would read from a snapshot of the storage, which has nothing that came after it was taken:
 * what a peer has sent ahead would be fetched again, block by block.
 */
function treeOf(db: Bee, checkout: number): Bee {
  const Tree = db.constructor as new (core: object, opts: object) => Bee
  return new Tree(db.core.session(), { checkout, extension: db.extension ?? false })
}
