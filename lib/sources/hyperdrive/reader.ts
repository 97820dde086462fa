import type { ReadOptions } from '../../drive.ts'
import { errorCode } from '../../errors.ts'
import { timedOut } from './bytes.ts'
import type { Bee, HyperdriveLike } from './types.ts'

/** Runs reads of a drive's tree at one version. `read` gets the tree and the options that go with every call on it. */
export interface TreeReader {
  /** @returns what `read` gave, or null where the drive is not here and nobody can be asked */
  run<T>(opts: ReadOptions, read: (bee: Bee, opts: { wait: boolean }) => Promise<T>): Promise<T | null>
}

/** Reads a version all of whose metadata is here. */
export class WholeReader implements TreeReader {
  readonly #bee: Bee

  constructor(bee: Bee) {
    this.#bee = bee
  }

  run<T>(_opts: ReadOptions, read: (bee: Bee, opts: { wait: boolean }) => Promise<T>): Promise<T | null> {
    return read(this.#bee, { wait: false })
  }
}

/**
 * Reads a version that is not all here, block by block. A tree reads each block for one caller at a time, so a read without
 * bound would hold up every bounded one behind it: each read has a tree of its own, and closing that tree ends it.
 */
export class DemandReader implements TreeReader {
  readonly #drive: HyperdriveLike
  readonly #version: number
  readonly #sparse: boolean

  /** @param sparse - wait for peers as Hyperdrive does, rather than answer from what is here when there are none */
  constructor(drive: HyperdriveLike, version: number, sparse: boolean) {
    this.#drive = drive
    this.#version = version
    this.#sparse = sparse
  }

  async run<T>(
    opts: ReadOptions,
    read: (bee: Bee, opts: { wait: boolean }) => Promise<T>
  ): Promise<T | null> {
    if (!this.#sparse && this.#drive.core.peers.length === 0) return this.#local(read)
    const { core } = this.#drive
    const bee = this.#drive.db.checkout(this.#version)
    const ended = new AbortController()
    const end = (why: 'time' | 'alone') => {
      ended.abort(why)
      void bee.close()
    }
    const timer = opts.timeout ? setTimeout(end, opts.timeout, 'time') : undefined
    const onremove = () => {
      if (core.peers.length === 0) end('alone')
    }
    if (!this.#sparse) core.on('peer-remove', onremove)
    try {
      return await read(bee, { wait: opts.wait !== false })
    } catch (err) {
      if (ended.signal.reason === 'time') throw timedOut()
      if (ended.signal.reason !== 'alone') throw err
    } finally {
      clearTimeout(timer)
      core.off('peer-remove', onremove)
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
