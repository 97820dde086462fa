import type { Entry, ReadOptions } from '../../drive.ts'
import { ConflictMonitor } from '../../overlay/conflict-monitor.ts'
import { conflictAt, type Conflict } from '../../overlay/conflicts.ts'
import type { Reader } from '../../overlay/view.ts'
import { toKey } from '../../path.ts'
import { latest } from '../body.ts'
import { toBytes } from './bytes.ts'
import { conflicts, toPathConflict, type ConflictsOptions, type PathConflict } from './conflicts.ts'
import { toEntry } from './entry.ts'
import type { ReadableOf } from './readable.ts'
import { isKeep, keepVersion, settleByDeletion, type Resolution } from './resolve.ts'
import { PATIENCE } from './watch.ts'
import { fileHead, putFile, type PutOptions } from './write.ts'
import { WritingFace } from './writing.ts'

/** What tells of conflicts, by call and by the event `conflict`, and settles them. */
export abstract class SettlingFace extends WritingFace {
  #monitor: ConflictMonitor | null = null

  constructor() {
    super()
    this.on('newListener', this.#listening)
    this.on('removeListener', this.#unlistening)
  }

  /**
   * The versions of a path that were written by authors of whom none had seen another's, the newest first; empty when there is no such
   * conflict. Any new write at the path settles it. Drives without history take no part: there dates decide.
   *
   * @throws as `entry`
   */
  conflicts(path: string, opts?: ReadOptions): Promise<Entry[]>
  /**
   * Every path below a folder that has a conflict, in the order of keys, as a stream of {@link PathConflict}.
   *
   * @throws (as `error`) as `list`
   */
  conflicts(opts?: ConflictsOptions): ReadableOf<PathConflict>
  conflicts(
    target: string | ConflictsOptions = {},
    opts: ReadOptions = {}
  ): Promise<Entry[]> | ReadableOf<PathConflict> {
    if (typeof target === 'object') return conflicts(() => this.reader(target), target)
    return this.#conflicts(target, opts)
  }

  /**
   * Settles a path, whether or not it has a conflict: what lands has seen all that is here by now.
   *
   * @param how - the bytes of a file, or text in UTF-8; `{ keep: drive }` for what that drive of the set has there, a file or a link with all
   *   that belongs to it but its date; null to delete
   * @param opts - with bytes as for {@link put}; with `keep` how those of another drive are waited for
   * @throws ENOENT when the drive to keep has nothing there, DRIVE_INVALID when it is not in the set, else as {@link put} and `get`
   */
  async resolve(path: string, how: Resolution, opts: PutOptions & ReadOptions = {}): Promise<void> {
    if (how === null) {
      await this.body.ready('resolve')
      await settleByDeletion(this.body.overlay, path)
    } else if (isKeep(how)) {
      const { keep } = how
      await this.body.ready('resolve', opts)
      await keepVersion(this.body.overlay, path, keep, opts)
    } else {
      const head = fileHead(path, opts, 'resolve')
      const bytes = toBytes(how, 'resolve', head.key)
      await this.body.ready('resolve')
      await putFile(this.body.overlay, head, bytes, 'resolve')
    }
  }

  protected override async _close(): Promise<void> {
    this.#endMonitor()
    await super._close()
  }

  async #conflicts(path: string, opts: ReadOptions): Promise<Entry[]> {
    const key = toKey(path, 'conflicts')
    const view = await this.reader(opts)
    return (await conflictAt(view, key, opts)).map((located) => toEntry(located, view))
  }

  /** Looks for conflicts as long as anybody listens. */
  readonly #listening = (event: string | symbol): void => {
    if (event !== 'conflict' || this.#monitor || this.closing) return
    const view = this.opened ? this.body.overlay.view({ wait: false }) : null
    const tell = (conflict: Conflict, now: Reader) => {
      // What a listener throws is its own affair.
      process.nextTick(() => this.emit('conflict', toPathConflict(conflict, now)))
    }
    this.#monitor = new ConflictMonitor({ view, next: () => latest(this.body, PATIENCE) }, tell, PATIENCE)
    this.on('update', this.#monitor.update)
  }

  readonly #unlistening = (event: string | symbol): void => {
    if (event === 'conflict' && this.listenerCount('conflict') === 0) this.#endMonitor()
  }

  #endMonitor(): void {
    if (!this.#monitor) return
    this.off('update', this.#monitor.update)
    this.#monitor.end()
    this.#monitor = null
  }
}
