import { callback, type Callback, type NodeCallback } from '../../callback.ts'
import type { Drive, Entry, ReadOptions } from '../../drive.ts'
import { failure } from '../../errors.ts'
import type { Body, View } from '../body.ts'
import { clear, clearAll, type Cleared, type ClearOptions } from './clear.ts'
import { find } from './entry.ts'
import { ReadingFace } from './reading.ts'

/** What reads of a MultiDrive, beside what its batches read too. */
export abstract class ServedFace extends ReadingFace {
  #body: Body | null = null

  /** Gives the faces their body. */
  protected serve(body: Body): void {
    this.#body = body
  }

  protected get body(): Body {
    return this.#body!
  }

  protected override reader(opts: ReadOptions = {}): View | Promise<View> {
    return this.body.view(opts)
  }

  /**
   * The drive that has the newest version of a path.
   *
   * @throws ENOENT when none has one, else as `entry`
   */
  resolveLatest(path: string): Promise<Drive>
  resolveLatest(path: string, cb: Callback<Drive>): void
  resolveLatest(path: string, cb?: Callback<Drive>): Promise<Drive> | undefined {
    return callback(this.#resolveLatest(path), cb)
  }

  /**
   * Takes the bytes of the file at a path from this machine: those of its newest version, or of the version that an entry was made from.
   * Hyperdrives only. Of one's own bytes stay those that other files of the drive are made of, and those that open descriptors and
   * streams still need; the others are gone for good where no peer has them.
   *
   * @returns how many blocks were taken, with `diff: true`, else null
   * @throws as `entry`
   */
  clear(path: string | Entry, opts?: ClearOptions): Promise<Cleared | null>
  clear(path: string | Entry, cb: NodeCallback<Cleared | null>): void
  clear(path: string | Entry, opts: ClearOptions, cb: NodeCallback<Cleared | null>): void
  clear(
    path: string | Entry,
    opts: ClearOptions | NodeCallback<Cleared | null> = {},
    cb?: NodeCallback<Cleared | null>
  ): Promise<Cleared | null> | undefined {
    if (typeof opts === 'function') return callback(this.#clear(path, {}), opts)
    return callback(this.#clear(path, opts), cb)
  }

  /**
   * As {@link clear}, for all that the MultiDrive shows. What it does not show, such as older versions, stays.
   */
  async clearAll(opts: ClearOptions = {}): Promise<Cleared | null> {
    return clearAll(await this.reader(opts), opts)
  }

  async #clear(path: string | Entry, opts: ClearOptions): Promise<Cleared | null> {
    return clear(await this.reader(opts), path, opts)
  }

  async #resolveLatest(path: string): Promise<Drive> {
    const located = await find(await this.reader(), path, 'resolveLatest')
    if (located === null) throw failure('ENOENT', { syscall: 'resolveLatest', path })
    return located.source.drive
  }
}
