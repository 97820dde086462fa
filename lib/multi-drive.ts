import { decode, isValid } from 'hypercore-id-encoding'
import type { Writable } from 'streamx'
import { callback, type Callback } from './callback.ts'
import type { Comparator, Drive, ReadOptions } from './drive.ts'
import { driveFailure, failure, MultiDriveError } from './errors.ts'
import { Batch } from './faces/drive/batch.ts'
import { find } from './faces/drive/entry.ts'
import { ReadingFace } from './faces/drive/reading.ts'
import { writeStream } from './faces/drive/streams.ts'
import { del, fileHead, putFile, symlink, toBytes, type DelOptions, type PutOptions } from './faces/drive/write.ts'
import { byMtime, byOrder } from './overlay/compare.ts'
import { NestedSource, type Nestable } from './overlay/nested.ts'
import { Overlay } from './overlay/overlay.ts'
import { Spool } from './overlay/spool.ts'
import type { MergedView } from './overlay/view.ts'
import { sourceOf } from './sources/index.ts'
import { openThroughPrimary, type OpenDrive } from './sources/open-drive.ts'
import type { Source, SourceEvents } from './sources/source.ts'

export interface MultiDriveOptions {
  /** Which of two versions is newer. Default `byMtime`; any other decides alone, without clocks. */
  compareStats?: Comparator
  /** An mtime further ahead of the local clock than so many milliseconds counts as none. Default: any mtime is believed. */
  maxClockSkew?: number
  /** How the drive of a key is opened. Default: through the primary's corestore. */
  openDrive?: OpenDrive
}

export interface AddDriveOptions {
  /** Read the drive's metadata where it is asked for, rather than keep all of it here. Hyperdrives only. Default false. */
  sparse?: boolean
  /** Whether its deletions count. Default true. */
  tombstones?: boolean
}

/** The outcome of one drive in `runAll`. */
export interface RunResult {
  drive: Drive
  err: Error | null
  value: unknown
}

/** A record of a later release, told by the event `format`. */
export interface FormatNotice {
  drive: Drive
  kind: 'entries' | 'tombstones' | 'directories'
  path: string
  /** The version of the record. */
  version: number
}

/** MultiDrives by object, so that one can be added to another without showing its inside. */
const nestables = new WeakMap<object, Nestable>()

/**
 * Many drives read as one. Reads return the newest version of a path, listings are merged, writes go to the first writable drive,
 * deletes of what others hold leave tombstones there.
 *
 * Events: `drive-add` (drive), `drive-remove` (drive), `update` (drive) when the merged view may have changed, `drive-sync` (drive)
 * when a drive reached a newer whole version, `peer-add` and `peer-remove` (peer) of the primary, `format` (FormatNotice), `close`.
 */
class MultiDriveClass extends ReadingFace {
  // For `require('multidrive')`, which gives the class and nothing else.
  static readonly byMtime = byMtime
  static readonly byOrder = byOrder
  static readonly MultiDriveError = MultiDriveError

  /** The drive given to the constructor. */
  readonly primary: Drive
  /** Symbolic links and files keep what is given as `metadata`. */
  readonly supportsMetadata = true
  readonly #overlay: Overlay
  readonly #openDrive: OpenDrive
  /** Sources on their way in; reads wait for them. */
  readonly #adding = new Map<Source, Promise<Drive>>()
  /** Drives opened here, to be closed when they leave. */
  readonly #opened = new Set<Drive>()
  readonly #told = new Set<string>()
  #forgetPeers: () => void = () => undefined

  /**
   * @param primary - lends `key`, `discoveryKey`, `id` and `peers`, and is the first drive of the set
   * @throws DRIVE_INVALID when it is no drive, EINVAL for a bad option
   */
  constructor(primary: Drive, opts: MultiDriveOptions = {}) {
    super()
    const { compareStats, maxClockSkew = null, openDrive = openThroughPrimary } = opts
    if (maxClockSkew !== null && !(maxClockSkew >= 0)) throw failure('EINVAL', { detail: 'maxClockSkew is in milliseconds' })
    this.primary = primary
    this.#overlay = new Overlay(maxClockSkew)
    this.#openDrive = openDrive
    if (compareStats !== undefined) this.compareStats = compareStats
    nestables.set(this, { drive: this, overlay: this.#overlay, settled: () => this.#settled() })
    this.#add(this.#source(primary, {}), true).catch(() => undefined)
    // As with every Hyperdrive: it opens by itself, and who waits for it hears of a failure.
    this.ready().catch(() => undefined)
  }

  /** The public key of the primary, null when it has none. */
  get key(): Buffer | null {
    return lent(this.primary, 'key')
  }

  /** The topic to find peers of the primary under, null when it has none. */
  get discoveryKey(): Buffer | null {
    return lent(this.primary, 'discoveryKey')
  }

  /** The key of the primary in z-base-32, null when it has none. */
  get id(): string | null {
    return lent(this.primary, 'id')
  }

  /** The peers of the primary. */
  get peers(): readonly unknown[] {
    const core = lent<{ peers?: readonly unknown[] }>(this.primary, 'core')
    return core?.peers ?? lent<readonly unknown[]>(this.primary, 'peers') ?? []
  }

  /** All drives of the set in the order of adding. */
  get drives(): Drive[] {
    return this.#overlay.sources.map(({ drive }) => drive)
  }

  /** The first writable drive, null when there is none. */
  get writer(): Drive | null {
    return this.#overlay.writer?.source.drive ?? null
  }

  /** Whether there is a writer. */
  get writable(): boolean {
    return this.#overlay.writer !== null
  }

  /** Whether it is not closed. */
  get readable(): boolean {
    return this.closing === null
  }

  /** Drives that never have been whole on this machine: the view may miss what they hold. */
  get unsynced(): Drive[] {
    return this.#overlay.sources.filter(({ unsynced }) => unsynced).map(({ drive }) => drive)
  }

  /** The comparator in force; assignable. */
  get compareStats(): Comparator {
    return this.#overlay.comparator
  }

  set compareStats(compare: Comparator) {
    if (typeof compare !== 'function') throw failure('EINVAL', { detail: 'compareStats is a function' })
    this.#overlay.comparator = compare
    this.emit('update', this.primary)
  }

  /**
   * Adds a drive behind those already there. One that is there already is no change.
   *
   * @param drive - a drive, or the key of a Hyperdrive, which `openDrive` then opens and `close()` closes
   * @returns the drive of the set
   * @throws DRIVE_INVALID when it is no drive, when its key cannot be opened, or when it holds this MultiDrive; the error of the drive
   *   when it does not open; CLOSED
   */
  addDrive(drive: Drive | Uint8Array | string, opts?: AddDriveOptions): Promise<Drive>
  addDrive(drive: Drive | Uint8Array | string, cb: Callback<Drive>): void
  addDrive(drive: Drive | Uint8Array | string, opts: AddDriveOptions, cb: Callback<Drive>): void
  addDrive(
    drive: Drive | Uint8Array | string,
    opts: AddDriveOptions | Callback<Drive> = {},
    cb?: Callback<Drive>
  ): Promise<Drive> | undefined {
    if (typeof opts === 'function') return callback(this.#addDrive(drive, {}), opts)
    return callback(this.#addDrive(drive, opts), cb)
  }

  /**
   * Takes a drive out of the set without closing it, unless it was opened here.
   *
   * @returns whether it was there
   */
  async removeDrive(keyOrDrive: Drive | Uint8Array | string): Promise<boolean> {
    const source = this.#find(keyOrDrive)
    if (!source) return false
    await this.#remove(source)
    if (this.#opened.delete(source.drive)) await closeDrive(source.drive)
    return true
  }

  /** Whether a drive, or the drive of a key, is in the set. */
  hasDrive(keyOrDrive: Drive | Uint8Array | string): boolean {
    return this.#find(keyOrDrive) !== null
  }

  /**
   * Calls a method on every drive at once.
   *
   * @returns what each gave or threw, in the order of adding
   */
  runAll(method: string, args?: readonly unknown[]): Promise<RunResult[]>
  runAll(method: string, args: readonly unknown[], cb: Callback<RunResult[]>): void
  runAll(method: string, args: readonly unknown[] = [], cb?: Callback<RunResult[]>): Promise<RunResult[]> | undefined {
    return callback(this.#runAll(method, args), cb)
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
   * Writes a file into the writer.
   *
   * @param data - its bytes, or text in UTF-8
   * @throws EINVAL for a bad path or metadata that is no JSON, EROFS without a writer, EISDIR where a folder is, ENOTDIR below a file, EPERM for
   *   a path that the writer keeps for itself; the writer's own error
   */
  async put(path: string, data: string | NodeJS.ArrayBufferView, opts: PutOptions = {}): Promise<void> {
    const head = fileHead(path, opts, 'put')
    const bytes = toBytes(data, 'put', head.key)
    await this.#opening('put')
    await putFile(this.#overlay, head, bytes, 'put')
  }

  /**
   * Deletes the file at a path: the writer's own, and by a tombstone that of any other drive. Nothing happens where there is none.
   *
   * @throws as {@link put}
   */
  async del(path: string, opts: DelOptions = {}): Promise<void> {
    await this.#opening('del')
    await del(this.#overlay, path, opts)
  }

  /**
   * Writes a symbolic link into the writer.
   *
   * @param linkname - where it points to: absolute, or relative to its folder
   * @throws as {@link put}
   */
  async symlink(path: string, linkname: string, opts: PutOptions = {}): Promise<void> {
    await this.#opening('symlink')
    await symlink(this.#overlay, path, linkname, opts)
  }

  /**
   * A stream into a file. The bytes wait aside, in memory or a temporary file, and land at the end in one write; however long the
   * stream is open, it holds up nothing.
   *
   * @throws as {@link put}, at once for a bad path or bad metadata, else as `error` of the stream
   */
  createWriteStream(path: string, opts: PutOptions = {}): Writable {
    const head = fileHead(path, opts, 'open')
    const spool = new Spool()
    const land = async () => {
      await this.#opening('open')
      await putFile(this.#overlay, head, spool, 'open')
    }
    return writeStream(spool, land, () => spool.close())
  }

  /** Gathers writes that land together: see {@link Batch}. */
  batch(): Batch {
    return new Batch(this.#overlay, (opts) => this.reader(opts))
  }

  /** For code that takes a batch or a drive: a MultiDrive has nothing to flush. */
  async flush(): Promise<void> {
    await this.#opening('flush')
  }

  /**
   * Tells every Hyperdrive that peers are being looked for: reads of drives that never synced wait until the returned function is
   * called.
   */
  findingPeers(): () => void {
    const done = this.drives.flatMap((drive) =>
      'findingPeers' in drive && typeof drive.findingPeers === 'function'
        ? [(drive.findingPeers as () => () => void).call(drive)]
        : []
    )
    return () => {
      for (const stop of done.splice(0)) stop()
    }
  }

  /**
   * Asks the peers of every drive for their heads.
   *
   * @param opts - with `wait`, resolves only when every drive that can be reached is whole at its head
   * @returns whether any head moved
   */
  async update(opts: { wait?: boolean } = {}): Promise<boolean> {
    await this.#opening('update')
    return this.#overlay.update({ wait: opts.wait === true })
  }

  /**
   * Removes the local storage of every Hyperdrive of the set, and closes. Localdrives, checkouts and other drives are left alone.
   *
   * @returns the drives whose storage was removed
   */
  async purge(): Promise<Drive[]> {
    await this.#opening('purge')
    const purgeable = this.#overlay.sources.filter(({ drive }) => canPurge(drive)).map(({ drive }) => drive as Purgeable)
    const others = this.drives.filter((drive) => !purgeable.includes(drive as Purgeable))
    await this.#letGo()
    const purged = await Promise.all(
      purgeable.map(async (drive) => (nestables.has(drive) ? ((await drive.purge()) as Drive[]) : (await drive.purge(), [drive])))
    )
    await Promise.all(others.map(closeDrive))
    await this.close()
    return purged.flat()
  }

  /** Closes the MultiDrive and all of its drives. */
  override close(): Promise<void>
  override close(cb: Callback): void
  override close(cb?: Callback): Promise<void> | undefined {
    return callback(super.close(), cb)
  }

  protected override async _open(): Promise<void> {
    await this.#adding.values().next().value
  }

  protected override async _close(): Promise<void> {
    const { drives } = this
    await this.#letGo()
    const settled = await Promise.allSettled(drives.map(closeDrive))
    const failed = settled.find((result) => result.status === 'rejected')
    if (failed) throw failed.reason as Error
  }

  protected override async reader(opts: ReadOptions = {}): Promise<MergedView> {
    await this.#opening('read')
    return this.#overlay.view(opts)
  }

  async #opening(syscall: string): Promise<void> {
    if (!this.opened) await this.ready()
    const settled = this.#settled()
    if (settled) await settled
    if (this.closing) throw failure('CLOSED', { syscall, detail: 'the MultiDrive was closed' })
  }

  #settled(): Promise<unknown> | null {
    return this.#adding.size === 0 ? null : Promise.allSettled(this.#adding.values())
  }

  async #addDrive(drive: Drive | Uint8Array | string, opts: AddDriveOptions): Promise<Drive> {
    if (this.closing) throw failure('CLOSED', { syscall: 'addDrive', detail: 'the MultiDrive was closed' })
    const known = this.#find(drive)
    if (known) return (await this.#adding.get(known)) ?? known.drive
    if (!isKey(drive)) return this.#add(this.#source(drive, opts), opts.tombstones !== false)
    const opened = await this.#openDrive(toKey(drive), { primary: this.primary })
    this.#opened.add(opened)
    const added = await this.#add(this.#source(opened, opts), opts.tombstones !== false)
    if (added !== opened && this.#opened.delete(opened)) await closeDrive(opened)
    return added
  }

  /** Takes its place in the order at once, and opens. */
  #add(source: Source, tombstones: boolean): Promise<Drive> {
    this.#overlay.add({ source, tombstones })
    const opening = this.#openSource(source).finally(() => this.#adding.delete(source))
    this.#adding.set(source, opening)
    return opening
  }

  async #openSource(source: Source): Promise<Drive> {
    const { drive } = source
    try {
      await source.open(this.#events(source))
    } catch (cause) {
      this.#overlay.remove(source)
      await source.close()
      throw driveFailure(cause, source.name, { drive })
    }
    const twin = this.#overlay.sources.find((other) => other !== source && other.identity === source.identity)
    if (!twin) return this.#added(source)
    this.#overlay.remove(source)
    await source.close()
    return drive === this.primary ? drive : twin.drive
  }

  #added({ drive }: Source): Drive {
    if (drive === this.primary) this.#lendPeers()
    this.emit('drive-add', drive)
    this.emit('update', drive)
    return drive
  }

  async #remove(source: Source): Promise<void> {
    if (!this.#overlay.remove(source)) return
    await source.close()
    this.emit('drive-remove', source.drive)
    this.emit('update', source.drive)
  }

  /** Lets go of all drives without closing them. */
  async #letGo(): Promise<void> {
    this.#forgetPeers()
    await this.#settled()
    for (const source of this.#overlay.sources) {
      this.#overlay.remove(source)
      await source.close()
    }
  }

  #source(drive: unknown, opts: AddDriveOptions): Source {
    const nested = typeof drive === 'object' && drive !== null ? nestables.get(drive) : undefined
    if (!nested) return sourceOf(drive, opts.sparse === undefined ? {} : { sparse: opts.sparse })
    if (holds(nested.overlay, this.#overlay)) throw failure('DRIVE_INVALID', { detail: 'a MultiDrive cannot hold itself' })
    return new NestedSource(nested)
  }

  #events(source: Source): SourceEvents {
    const { drive } = source
    return {
      change: () => void this.emit('update', drive),
      sync: () => void this.emit('drive-sync', drive),
      close: () => void this.#remove(source).catch((err: unknown) => this.emit('error', err)),
      format: (kind, path, version) => {
        const notice: FormatNotice = { drive, kind, path, version }
        const once = `${source.identity} ${kind} ${version}`
        if (this.#told.has(once)) return
        this.#told.add(once)
        this.emit('format', notice)
      }
    }
  }

  #find(keyOrDrive: Drive | Uint8Array | string): Source | null {
    const { sources } = this.#overlay
    if (!isKey(keyOrDrive)) {
      const same = sources.find(({ drive }) => drive === keyOrDrive)
      if (same) return same
      const probe = identityBeforeOpen(keyOrDrive)
      return (probe !== null && sources.find((source) => identityBeforeOpen(source.drive) === probe)) || null
    }
    const key = toKey(keyOrDrive)
    return sources.find(({ drive }) => lent<Buffer>(drive, 'key')?.equals(key) && !nestables.has(drive)) ?? null
  }

  async #runAll(method: string, args: readonly unknown[]): Promise<RunResult[]> {
    await this.#opening(method)
    return Promise.all(
      this.drives.map(async (drive): Promise<RunResult> => {
        try {
          const call = (drive as unknown as Record<string, unknown>)[method]
          if (typeof call !== 'function') throw failure('DRIVE_INVALID', { drive, detail: `it has no method ${method}()` })
          return { drive, err: null, value: (await Reflect.apply(call, drive, args)) as unknown }
        } catch (err) {
          return { drive, err: err as Error, value: undefined }
        }
      })
    )
  }

  async #resolveLatest(path: string): Promise<Drive> {
    const located = await find(await this.reader(), path, 'resolveLatest')
    if (located === null) throw failure('ENOENT', { syscall: 'resolveLatest', path })
    return located.source.drive
  }

  #lendPeers(): void {
    const core = lent<NodeJS.EventEmitter>(this.primary, 'core') ?? (nestables.has(this.primary) ? this.primary : null)
    if (core === null) return
    const emitter = core as unknown as NodeJS.EventEmitter
    const add = (peer: unknown) => void this.emit('peer-add', peer)
    const remove = (peer: unknown) => void this.emit('peer-remove', peer)
    emitter.on('peer-add', add).on('peer-remove', remove)
    this.#forgetPeers = () => void emitter.off('peer-add', add).off('peer-remove', remove)
  }
}

interface Purgeable extends Drive {
  purge(): Promise<unknown>
}

function canPurge(drive: Drive): drive is Purgeable {
  if (!('purge' in drive) || typeof drive.purge !== 'function') return false
  const core = lent<{ snapshotted?: boolean }>(drive, 'core')
  return nestables.has(drive) || (core !== null && core.snapshotted !== true)
}

/** What the primary lends, null where it has none. */
function lent<T>(drive: Drive, name: string): T | null {
  return ((drive as unknown as Record<string, unknown>)[name] as T | null | undefined) ?? null
}

async function closeDrive(drive: Drive): Promise<void> {
  if ('close' in drive && typeof drive.close === 'function') await (drive.close as () => Promise<void>).call(drive)
}

function isKey(value: unknown): value is Uint8Array | string {
  return typeof value === 'string' || value instanceof Uint8Array
}

function toKey(key: Uint8Array | string): Buffer {
  if (!isValid(key)) throw failure('DRIVE_INVALID', { detail: 'a key has 32 bytes, in z-base-32 or hex when it is text' })
  return decode(key)
}

/**
 * What two objects of one drive have in common before either is open: a second writable or plain session of a key that is open would
 * never open.
 */
function identityBeforeOpen(drive: Drive): string | null {
  if (nestables.has(drive)) return null
  const core = lent<{ key?: Buffer | null; snapshotted?: boolean }>(drive, 'core')
  return core?.key && core.snapshotted !== true ? core.key.toString('hex') : null
}

/** Whether one set of drives is another, or holds it. */
function holds(overlay: Overlay, sought: Overlay): boolean {
  return (
    overlay === sought || overlay.sources.some((source) => source instanceof NestedSource && holds(source.overlay, sought))
  )
}

/** A MultiDrive; see {@link MultiDrive} for how one is made. */
export type MultiDrive = MultiDriveClass

export interface MultiDriveConstructor {
  new (primary: Drive, opts?: MultiDriveOptions): MultiDrive
  (primary: Drive, opts?: MultiDriveOptions): MultiDrive
  readonly prototype: MultiDrive
  readonly byMtime: typeof byMtime
  readonly byOrder: typeof byOrder
  readonly MultiDriveError: typeof MultiDriveError
  /** A path as the key of a file, as Hyperdrive normalises it. */
  normalizePath(path: string): string
}

/** Makes a MultiDrive, with or without `new`. */
export const MultiDrive: MultiDriveConstructor = new Proxy(MultiDriveClass, {
  apply: (target, _self, args: ConstructorParameters<typeof MultiDriveClass>) => new target(...args)
}) as unknown as MultiDriveConstructor
