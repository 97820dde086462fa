import { Mutex } from 'async-mutex'
import ReadyResource from 'ready-resource'
import type { Drive, ReadOptions } from '../../drive.ts'
import { errorCode } from '../../errors.ts'
import { mayDiffer, openMounts } from '../../overlay/changes.ts'
import type { MountedView } from '../../overlay/mounted.ts'
import type { MergedView } from '../../overlay/view.ts'
import { toFolder } from '../../path.ts'

/** How long those who follow the view wait for a drive that is read on demand. */
export const PATIENCE: ReadOptions = { timeout: 3000 }

/** How often a snapshot is taken until its drives stay in the set. */
const TRIES = 8

type View = MergedView | MountedView

/** A merged view as it was, to be read as any drive. */
export interface Snapshot {
  ready(): Promise<void>
  close(): Promise<void>
}

/** What a watcher needs of the MultiDrive that it watches. */
export interface Watched<S extends Snapshot> {
  readonly opened: boolean
  /** Whether it is closed, or on the way. */
  isClosing(): boolean
  /** Null when it is open. */
  ready(): Promise<void> | null
  /** A snapshot of now. */
  snapshot(): S
  /** What a snapshot shows. */
  viewOf(snapshot: S): View | Promise<View>
  /** The merged view of now. */
  view(opts: ReadOptions): Promise<View>
  /** Keeps what the view of now shows readable when drives leave, until the returned function is called. */
  hold(): () => Promise<void>
  /** Tells of each drive that has changed, until the returned function is called. */
  onUpdate(listener: (drive: Drive) => void): () => void
  onClose(listener: () => void): () => void
}

/**
 * The changes of a folder one by one, as pairs of snapshots: that of after the change, and that of before. Both are closed by themselves when
 * the next pair is asked for, or the watch ends.
 */
export interface FolderWatcher<S> extends AsyncIterableIterator<[current: S, previous: S]> {
  /** Resolves when it is open; changes are told from the call of `watch` on. */
  ready(): Promise<void>
  /** Ends the watch. */
  destroy(): Promise<void>
  /** The same as {@link destroy}. */
  close(): Promise<void>
}

export function watchFolder<S extends Snapshot>(
  host: Watched<S>,
  folder: string | undefined
): FolderWatcher<S> {
  return new SnapshotWatcher(host, toFolder(folder, 'watch'))
}

class SnapshotWatcher<S extends Snapshot> extends ReadyResource implements FolderWatcher<S> {
  readonly #host: Watched<S>
  readonly #folder: string
  readonly #forget: (() => void)[]
  /** One step at a time, however many are asked for. */
  readonly #steps = new Mutex()
  readonly #ended: Promise<void>
  #end: () => void = () => undefined
  #wake: () => void = () => undefined
  /** The drives that have told of a change since it was last looked. */
  #told = new Set<Drive>()
  /** Whether something may have been missed. */
  #isUncertain = false
  #current: S | null = null
  #previous: S | null = null
  /** What was shown when it was last looked, by `#current` or since. */
  #view: View | null = null
  #release: () => Promise<void> = () => Promise.resolve()

  constructor(host: Watched<S>, folder: string) {
    super()
    this.#host = host
    this.#folder = folder
    this.#ended = new Promise((resolve) => (this.#end = resolve))
    const update = (drive: Drive) => {
      this.#told.add(drive)
      this.#wake()
    }
    this.#forget = [host.onUpdate(update), host.onClose(() => void this.close())]
    // What is written from now on is a change.
    if (host.opened) this.#current = host.snapshot()
    this.ready().catch(() => undefined)
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async next(): Promise<IteratorResult<[S, S], undefined>> {
    return this.#steps.runExclusive(async () => {
      try {
        const pair = await this.#step()
        return pair ? { done: false, value: pair } : { done: true, value: undefined }
      } catch (err) {
        const isOver = this.#isOver() || this.#host.isClosing()
        await this.close()
        if (isOver) return { done: true, value: undefined }
        throw err
      }
    })
  }

  async return(): Promise<IteratorResult<[S, S], undefined>> {
    await this.close()
    return { done: true, value: undefined }
  }

  destroy(): Promise<void> {
    return this.close()
  }

  protected override async _open(): Promise<void> {
    try {
      await this.#host.ready()
      if (this.#current === null) this.#told.clear()
      const first = (this.#current ??= this.#host.snapshot())
      const { snapshot, view } = await this.#take(first)
      this.#isUncertain = snapshot !== first
      this.#current = snapshot
      this.#view = view
    } catch (err) {
      await this._close()
      throw err
    }
  }

  protected override async _close(): Promise<void> {
    for (const forget of this.#forget) forget()
    this.#end()
    this.#wake()
    await Promise.all([this.#current?.close(), this.#previous?.close(), this.#release()])
  }

  /** Whether it must be looked for dates ahead in the folder (option `maxClockSkew`) which nobody may have met. */
  get #isUnseen(): boolean {
    return this.#view!.rules.epoch === null
  }

  #isOver(): boolean {
    return this.closing !== null
  }

  /** The next pair, null at the end. */
  async #step(): Promise<[S, S] | null> {
    if (this.#isOver()) return null
    await this.ready()
    await this.#previous?.close()
    this.#previous = null
    for (;;) {
      if (this.#isOver()) return null
      if (this.#told.size === 0 && !this.#isUncertain && !this.#isUnseen) {
        await new Promise<void>((wake) => (this.#wake = wake))
        continue
      }
      const told = this.#told
      this.#told = new Set()
      if (!(await this.#unlessEnded(this.#differs(told)))) continue
      const taking = this.#take(this.#host.snapshot())
      const taken = await this.#unlessEnded(taking)
      if (taken === null) {
        taking.then(({ snapshot }) => snapshot.close()).catch(() => undefined)
        return null
      }
      this.#previous = this.#current!
      this.#current = taken.snapshot
      await this.#show(taken.view)
      return [this.#current, this.#previous]
    }
  }

  async #show(view: View, release: () => Promise<void> = () => Promise.resolve()): Promise<void> {
    const before = this.#release
    this.#view = view
    this.#release = release
    await before()
    // Who ends it while it looks lets go of what was shown before.
    if (this.#isOver()) await release()
  }

  /** Whether the folder may be another than when it was last looked. */
  async #differs(told: ReadonlySet<Drive>): Promise<boolean> {
    const now = await this.#host.view(PATIENCE)
    const release = this.#host.hold()
    // What cannot be compared may have changed, where anything has.
    const compared = mayDiffer(now, this.#view!, this.#folder, told, PATIENCE).catch(() => told.size > 0)
    const differs = (await compared) || this.#isUncertain
    this.#isUncertain = false
    if (differs) await release()
    else await this.#show(now, release)
    return differs
  }

  /** A snapshot that can be read: a drive that leaves the set takes its versions with it. */
  async #take(first: S): Promise<{ snapshot: S; view: View }> {
    for (let snapshot = first, tries = 1; ; snapshot = this.#host.snapshot(), tries++) {
      try {
        await snapshot.ready()
        const view = await this.#host.viewOf(snapshot)
        await openMounts(view, this.#folder)
        return { snapshot, view }
      } catch (err) {
        await snapshot.close()
        if (tries === TRIES || errorCode(err) !== 'VERSION_NOT_AVAILABLE') throw err
      }
    }
  }

  #unlessEnded<T>(promise: Promise<T>): Promise<T | null> {
    return Promise.race([promise, this.#ended.then(() => null)])
  }
}
