import { callback, type DoneCallback, type NodeCallback } from '../../callback.ts'
import type { Mount } from '../fs/stats.ts'
import {
  mount,
  mountStream,
  unmount,
  type AllMountsOptions,
  type MountAt,
  type MountOptions
} from './mounts.ts'
import type { ReadableOf } from './readable.ts'
import { SettlingFace } from './settling.ts'

/** What mounts other drives, and lists those that are mounted. */
export abstract class MountingFace extends SettlingFace {
  /**
   * Shows another drive at a path, in place of what is there. The record of it lies in the writer, and everybody who has that drive in the
   * set sees it. Writes below it land in that drive, where it can be written to; `rename` between drives is EXDEV, what is mounted cannot
   * be removed (EBUSY). The drive is opened by `openDrive` when it is first read; one that was never here is waited for then, a few
   * seconds at most, where peers of it can be expected.
   *
   * @param path - of a folder, or of nothing yet
   * @param key - of the drive: 32 bytes, or text in z-base-32 or hex
   * @throws EINVAL for a bad path, key, version or hash; ENOTDIR where a file is, EEXIST where a drive is mounted, ELOOP for the writer
   *   itself; EROFS without a writer; the writer's own error
   */
  mount(path: string, key: Uint8Array | string, opts?: MountOptions | null): Promise<void>
  mount(path: string, key: Uint8Array | string, opts: MountOptions | null | undefined, cb: DoneCallback): void
  mount(path: string, key: Uint8Array | string, cb: DoneCallback): void
  mount(
    path: string,
    key: Uint8Array | string,
    opts?: MountOptions | null | DoneCallback,
    cb?: DoneCallback
  ): Promise<void> | undefined {
    if (typeof opts === 'function') return callback(this.#mount(path, key, {}), opts)
    return callback(this.#mount(path, key, opts ?? {}), cb)
  }

  /**
   * Takes away what is mounted at a path, whoever mounted it: what was there before is seen again.
   *
   * @throws EINVAL where nothing is mounted, else as {@link mount}
   */
  unmount(path: string): Promise<void>
  unmount(path: string, cb: DoneCallback): void
  unmount(path: string, cb?: DoneCallback): Promise<void> | undefined {
    return callback(this.#unmount(path), cb)
  }

  /** All mounts, those in mounted drives too, by path. */
  getAllMounts(opts?: AllMountsOptions): Promise<Map<string, Mount>>
  getAllMounts(cb: NodeCallback<Map<string, Mount>>): void
  getAllMounts(opts: AllMountsOptions, cb: NodeCallback<Map<string, Mount>>): void
  getAllMounts(
    opts: AllMountsOptions | NodeCallback<Map<string, Mount>> = {},
    cb?: NodeCallback<Map<string, Mount>>
  ): Promise<Map<string, Mount>> | undefined {
    if (typeof opts === 'function') return callback(this.#getAllMounts({}), opts)
    return callback(this.#getAllMounts(opts), cb)
  }

  /** As {@link getAllMounts}, a stream of `{ path, mount }`. */
  createMountStream(opts: AllMountsOptions = {}): ReadableOf<MountAt> {
    return mountStream(() => this.reader(opts), opts)
  }

  async #mount(path: string, key: Uint8Array | string, opts: MountOptions): Promise<void> {
    await this.body.ready('mount')
    await mount(this.body.overlay, path, key, opts)
  }

  async #unmount(path: string): Promise<void> {
    await this.body.ready('unmount')
    await unmount(this.body.overlay, path)
  }

  async #getAllMounts(opts: AllMountsOptions): Promise<Map<string, Mount>> {
    const mounts = new Map<string, Mount>()
    for await (const { path, mount } of this.createMountStream(opts)) mounts.set(path, mount)
    return mounts
  }
}
