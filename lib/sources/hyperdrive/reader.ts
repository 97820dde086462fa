import type { ReadOptions } from '../../drive.ts'
import { errorCode } from '../../errors.ts'
import { timedOut } from './failure.ts'
import type { Bee, HyperdriveLike } from './types.ts'

/** Runs reads of a drive's tree at one version. `read` gets the tree and the options that go with every call on it. */
export interface TreeReader {
  /** @returns what `read` gave, or null where the drive is not here and nobody can be asked */
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
  readonly #bee: Bee

  constructor(bee: Bee) {
    this.#bee = bee
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

  async run<T>(
    opts: ReadOptions,
    read: (bee: Bee, opts: { wait: boolean }) => Promise<T>
  ): Promise<T | null> {
    if (this.alone) return this.#local(read)
    const bee = this.#drive.db.checkout(this.#version)
    const ended = new AbortController()
    const end = (why: 'time' | 'alone' | 'closed') => {
      if (why === 'alone' && this.#sparse) return
      ended.abort(why)
      void bee.close()
    }
    const timer = opts.timeout ? setTimeout(end, opts.timeout, 'time') : undefined
    this.#pending.add(end)
    try {
      return await read(bee, { wait: opts.wait !== false })
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
