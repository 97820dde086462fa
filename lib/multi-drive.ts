import { callback, type Callback } from './callback.ts'
import { CheckoutSet, type CheckoutOrigin } from './checkout-set.ts'
import {
  DriveSet,
  lender,
  peerEmitter,
  withPurged,
  type AddDriveOptions,
  type Drives,
  type Tell
} from './drive-set.ts'
import type { Comparator, Drive, ReadOptions } from './drive.ts'
import { failure, MultiDriveError } from './errors.ts'
import { FindingPeers } from './finding-peers.ts'
import { registerExtension, type Extension, type ExtensionHandlers } from './extension.ts'
import type { View } from './faces/body.ts'
import { Face } from './faces/face.ts'
import type { SharedCalls } from './faces/fs/api.ts'
import { formatVersion, parseVersion, type Versions } from './format/version.ts'
import { Mounts, type MountHost } from './mounts.ts'
import { byMtime, byOrder } from './overlay/compare.ts'
import { Horizon } from './overlay/horizon.ts'
import { Locator, type LocatorStats } from './overlay/locator.ts'
import { readerOf } from './overlay/mounted.ts'
import { overlaysIn } from './overlay/nested.ts'
import { Overlay, type OverlayOptions } from './overlay/overlay.ts'
import {
  Replication,
  type Muxer,
  type ProtocolStream,
  type ReplicateOptions,
  type ReplicationStream
} from './replication.ts'
import { runAll, type RunResult } from './run-all.ts'
import { openThroughPrimary, type OpenDrive } from './sources/open-drive.ts'
import { checkTimeout, within } from './wait.ts'

export interface MultiDriveOptions {
  /** Which of two versions is newer. Default `byMtime`; any other decides alone, without clocks. */
  compareStats?: Comparator
  /**
   * Whether reads of bytes give an older version, marked `stale`, where those of the newest cannot be had in time; a read may say otherwise
   * by its own `fallback`. Default false.
   */
  fallback?: boolean
  /**
   * How many milliseconds a call that does not say by its own `timeout` waits for bytes of files that are not on this machine: reads of
   * them, and changes of files of which the writer must first have a copy. Default 0: without bound. Downloads have only their own.
   */
  timeout?: number
  /**
   * An mtime further ahead of the local clock than so many milliseconds counts as none until it no longer is. Default: any mtime is
   * believed.
   */
  maxClockSkew?: number
  /**
   * Whether it is kept in memory which drives hold a path, for the others not to be asked: about 20 bytes for each path of each drive.
   * Default true.
   */
  locator?: boolean
  /** How the drive of a key is opened. Default: through the primary's corestore. */
  openDrive?: OpenDrive
}

/**
 * Many drives read as one. Reads return the newest version of a path, listings are merged, writes go to the first writable drive,
 * deletes of what others hold leave tombstones there.
 *
 * Events: `drive-add` (drive), `drive-remove` (drive), `update` (drive) when the merged view may have changed, `drive-sync` (drive)
 * when a drive reached a newer whole version, `conflict` ({@link PathConflict}) when a drive that was added or has changed brings one, `peer-add` and `peer-remove` (peer) of the primary, `format` (FormatNotice), `close`.
 */
class MultiDriveClass extends Face<MultiDrive> {
  // What reads, writes, settles, mounts and knows versions is in the faces; here are the drives, and how it opens and closes.

  // For `require('multidrive')`, which gives the class and nothing else.
  static readonly byMtime = byMtime
  static readonly byOrder = byOrder
  static readonly MultiDriveError = MultiDriveError

  /** The drive given to the constructor. */
  readonly primary: Drive
  /** Symbolic links and files keep what is given as `metadata`. */
  readonly supportsMetadata = true
  readonly #overlay: Overlay
  /** Null where any date is believed, and for a checkout, which keeps to that of when it was taken. */
  readonly #horizon: Horizon | null
  readonly #options: MultiDriveOptions
  readonly #set: Drives
  /** Null for a checkout, which shares those of the MultiDrive that it is of. */
  readonly #mounts: Mounts | null
  readonly #checkouts = new Set<MultiDriveClass>()
  /** What it is a checkout of; null for none. */
  readonly #parent: MultiDriveClass | null
  /** What was checked out; null for one that shows the newest. */
  readonly #versions: Versions | null
  readonly #first: Promise<Drive>
  readonly #replication = new Replication(this)
  readonly #findingPeers = new FindingPeers()
  #forgetPeers: () => void = () => undefined

  /**
   * @param primary - lends `key`, `discoveryKey`, `id` and `peers`, and is the first drive of the set
   * @throws DRIVE_INVALID when it is no drive, EINVAL for a bad option
   */
  constructor(primary: Drive, opts: MultiDriveOptions | CheckoutOf = {}) {
    super()
    const past = opts instanceof CheckoutOf ? opts : null
    const {
      compareStats,
      fallback = false,
      locator = true,
      maxClockSkew = null,
      openDrive = openThroughPrimary,
      timeout = 0
    } = past?.options ?? (opts as MultiDriveOptions)
    if (maxClockSkew !== null && !(maxClockSkew >= 0))
      throw failure('EINVAL', { detail: 'maxClockSkew is in milliseconds' })
    checkTimeout(timeout)
    if (typeof openDrive !== 'function') throw failure('EINVAL', { detail: 'openDrive is a function' })
    this.primary = primary
    this.#horizon = past || maxClockSkew === null ? null : new Horizon(maxClockSkew)
    const rules = { horizon: this.#horizon, fallback, timeout }
    this.#overlay = past
      ? new Overlay({ ...rules, locator: past.origin.overlay.locator }, false)
      : new Overlay({ ...rules, locator: locator ? new Locator() : null })
    this.#options = past?.options ?? (opts as MultiDriveOptions)
    this.#versions = past?.versions ?? null
    this.#parent = past?.parent ?? null
    const tell: Tell = (event, about) => {
      if (event === 'drive-add') this.#join(about as Drive)
      if (event === 'drive-remove') this.#leave(about as Drive)
      this.#tell(event, about)
    }
    this.#set = past
      ? new CheckoutSet(this.#overlay, past.origin, past.versions, primary)
      : new DriveSet(this.#overlay, primary, openDrive, tell)
    this.#mounts = past ? null : new Mounts(this.#mountHost(openDrive, rules))
    if (this.#mounts) this.#overlay.mounts = this.#mounts
    this.#set.register(this)
    if (compareStats !== undefined) this.compareStats = compareStats
    // Whoever watches listens.
    this.setMaxListeners(0)
    this.on('newListener', this.#listened)
    this.on('removeListener', this.#unlistened)
    this.#first = this.#set.addPrimary()
    // The drives of a checkout are those of its parent, which knows of their coming and going.
    this.#join(this.#parent ?? primary)
    this.serve({
      overlay: this.#overlay,
      ready: (syscall, options) => this.#opening(syscall, options),
      view: (options) => this.#view(options),
      hold: () => this.#set.hold(),
      onUpdate: (listener) => this.#whenever('update', listener),
      onClose: (listener) => this.#whenever('close', listener)
    })
    // As with every Hyperdrive: it opens by itself, and who waits for it hears of a failure.
    this.ready().catch(() => undefined)
  }

  /** The public key of the primary, null when it has none. */
  get key(): Buffer | null {
    return lender(this.primary).key ?? null
  }

  /** The topic to find peers of the primary under, null when it has none. */
  get discoveryKey(): Buffer | null {
    return lender(this.primary).discoveryKey ?? null
  }

  /** The key of the primary in z-base-32, null when it has none. */
  get id(): string | null {
    return lender(this.primary).id ?? null
  }

  /** The peers of the primary. */
  get peers(): readonly unknown[] {
    const { core, peers } = lender(this.primary)
    return core?.peers ?? peers ?? []
  }

  /** All drives of the set in the order of adding. */
  get drives(): Drive[] {
    return this.#set.drives
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

  /** Drives, mounted ones too, that never have been whole on this machine: the view may miss what they hold. */
  get unsynced(): Drive[] {
    return [...this.#set.unsynced, ...(this.#mounts?.unsynced ?? [])]
  }

  /**
   * The versions of all Hyperdrives of the set as one text, the same for the same versions in whatever order they were added (FORMAT.md,
   * "Versions"); of a checkout, that which it shows. Localdrives have no history and take no part.
   */
  get version(): string {
    if (this.#versions) return formatVersion(this.#versions.values())
    return formatVersion([...this.#overlay.versions(), ...this.#overlay.mountedVersions()])
  }

  /** The comparator in force; assignable. */
  get compareStats(): Comparator {
    return this.#overlay.comparator
  }

  set compareStats(compare: Comparator) {
    if (typeof compare !== 'function') throw failure('EINVAL', { detail: 'compareStats is a function' })
    this.#overlay.comparator = compare
    this.#tell('update', this.primary)
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
   * Takes a drive out of the set without closing it; one that was opened here closes once no checkout shows it.
   *
   * @returns whether it was there
   */
  removeDrive(keyOrDrive: Drive | Uint8Array | string): Promise<boolean> {
    return this.#set.remove(keyOrDrive)
  }

  /** Whether a drive, or the drive of a key, is in the set. */
  hasDrive(keyOrDrive: Drive | Uint8Array | string): boolean {
    return this.#set.find(keyOrDrive) !== null
  }

  /**
   * Calls a method on every drive at once.
   *
   * @returns what each gave or threw, in the order of adding
   */
  runAll(method: string, args?: readonly unknown[]): Promise<RunResult[]>
  runAll(method: string, args: readonly unknown[], cb: Callback<RunResult[]>): void
  runAll(
    method: string,
    args: readonly unknown[] = [],
    cb?: Callback<RunResult[]>
  ): Promise<RunResult[]> | undefined {
    return callback(this.#runAll(method, args), cb)
  }

  /**
   * The merged view as it was: a MultiDrive that cannot be written to, with both faces. Hyperdrives that were not in the set then are left
   * out; Localdrives, which have no history, are shown as they are. It closes by itself with this one, and may be closed before.
   *
   * @param version - what {@link version} gave
   * @throws EINVAL for what is no version; its reads reject with VERSION_NOT_AVAILABLE when a drive of the version is not in the set, has
   *   been truncated since, or has not told of it yet
   */
  checkout(version: string): MultiDrive
  // The class itself knows more of its own.
  checkout(version: string): MultiDriveClass {
    const versions = parseVersion(version, 'checkout')
    const origin = {
      overlay: this.#overlay,
      ready: () => this.#opening('checkout'),
      hold: () => this.#set.hold()
    }
    const past = new MultiDriveClass(this.primary, new CheckoutOf(this, origin, versions, this.#options))
    this.#checkouts.add(past)
    past.once('close', () => this.#checkouts.delete(past))
    return past
  }

  /**
   * Tells every Hyperdrive that peers are being looked for: reads of drives that never synced wait until the returned function is
   * called.
   */
  findingPeers(): () => void {
    return this.#findingPeers.start()
  }

  /**
   * Replicates the drives of the set over one stream, whichever Corestores they are in: those that are there, those that are added until
   * it closes, and those of MultiDrives among them. A Corestore is replicated whole: whoever knows the key of a core in it can have it.
   *
   * @param isInitiator - for a new stream, whether this side begins the handshake, which the peer's must not; or the stream to
   *   a peer: a connection of Hyperswarm, another Noise stream, or a Protomux over one
   * @returns the stream. A new one is to be piped to the peer's and ends with the MultiDrive; one that was given is left open then
   * @throws at once: DRIVE_INVALID when no drive has a corestore, EINVAL for anything that Hyperdrive does not replicate over; CLOSED
   */
  replicate(isInitiator: boolean | ReplicationStream | Muxer, opts?: ReplicateOptions): ProtocolStream {
    const syscall = 'replicate'
    this.#requireOpen(syscall)
    if (this.#replication.stores.size === 0 && this.#set.settled() === null)
      throw failure('DRIVE_INVALID', { syscall, detail: 'no drive of the set has a corestore' })
    return this.#replication.replicate(isInitiator, opts)
  }

  /**
   * Asks the peers of every drive for their heads, of mounted ones that were read too.
   *
   * @param opts - with `wait`, resolves only when every drive that can be reached is whole at its head
   * @returns whether any head moved
   */
  async update(opts: { wait?: boolean } = {}): Promise<boolean> {
    await this.#opening('update')
    const wait = { wait: opts.wait === true }
    const moved = await Promise.all([this.#overlay.update(wait), this.#mounts?.update(wait)])
    return moved.includes(true)
  }

  /**
   * Reads the keys of every drive that is whole here into memory, as it does by itself from the first read on. From then on only those
   * drives are asked for a path that may hold it.
   *
   * @returns how much is held then, by MultiDrives in the set too; nothing with `locator: false`
   * @throws CLOSED
   */
  async warmUp(): Promise<LocatorStats> {
    await this.#opening('read')
    await this.#overlay.view()
    const locators = [...overlaysIn(this.#overlay)].flatMap(({ locator }) => locator ?? [])
    await Promise.all(locators.map((locator) => locator.settled()))
    const all = locators.map(({ stats }) => stats)
    const sum = (of: keyof LocatorStats) => all.reduce((total, stats) => total + stats[of], 0)
    return { drives: sum('drives'), entries: sum('entries'), byteLength: sum('byteLength') }
  }

  /**
   * Removes the local storage of every Hyperdrive of the set, and closes. Localdrives, checkouts and other drives are left alone.
   *
   * @returns the drives whose storage was removed, those of MultiDrives in the set among them
   * @throws the error of a drive whose storage could not be removed, or not all of it, or that does not close; each drive is tried, and
   *   those whose storage was removed are the error's `purged`. EROFS for a checkout, which stays open; CLOSED
   */
  async purge(): Promise<Drive[]> {
    await this.#opening('purge')
    // It has nothing to remove, and stays open.
    if (this.#parent) return this.#set.purge()
    this.#forgetPeers()
    this.#replication.close()
    let purged: Drive[]
    try {
      purged = await this.#set.purge()
    } catch (err) {
      // What could not be removed matters more than what does not close then.
      await this.close().catch(() => undefined)
      throw err
    }
    await this.close().catch((err: unknown) => {
      throw withPurged(err, purged)
    })
    return purged
  }

  /** As {@link purge}, under the name that it had in Hyperdrive 10. */
  destroyStorage(): Promise<Drive[]>
  destroyStorage(cb: Callback<Drive[]>): void
  destroyStorage(cb?: Callback<Drive[]>): Promise<Drive[]> | undefined {
    return callback(this.purge(), cb)
  }

  /**
   * Registers an extension message on the primary: it is sent along with the replication of its core.
   *
   * @param name - the same on both sides
   * @returns what sends it: `send(message, peer)`, `broadcast(message)`, `destroy()`
   * @throws DRIVE_INVALID when the primary has no core to send it along with
   */
  registerExtension<T = Buffer>(name: string, handlers: ExtensionHandlers<T> = {}): Extension<T> {
    return registerExtension(this.primary, name, handlers)
  }

  protected override async _open(): Promise<void> {
    await this.#first
    const emitter = peerEmitter(this.primary)
    // There may be many checkouts, and whoever has one has what it is of.
    if (!emitter || this.#versions) return
    const add = (peer: unknown) => this.#tell('peer-add', peer)
    const remove = (peer: unknown) => this.#tell('peer-remove', peer)
    emitter.on('peer-add', add).on('peer-remove', remove)
    this.#forgetPeers = () => void emitter.off('peer-add', add).off('peer-remove', remove)
  }

  protected override async _close(): Promise<void> {
    this.#forgetPeers()
    this.#horizon?.ignore()
    this.#set.end()
    await super._close()
    await Promise.all([...this.#checkouts].map((past) => past.close()))
    await this.#mounts?.close()
    this.#replication.close()
    if (this.#parent) this.#leave(this.#parent)
    await this.release()
    await this.#set.close()
  }

  /** What a listener throws is its own affair: in the middle of a write it would look like a failure of the drive. */
  #tell(event: string, about: unknown): void {
    try {
      this.emit(event, about)
    } catch (err) {
      process.nextTick(() => {
        throw err
      })
    }
  }

  #view(opts?: ReadOptions): View | Promise<View> {
    const opening = this.#opening('read', opts)
    return opening ? opening.then(() => readerOf(this.#overlay, opts)) : readerOf(this.#overlay, opts)
  }

  protected override waiting<T extends ReadOptions>(opts: T): T {
    return this.#overlay.waiting(opts)
  }

  #mountHost(openDrive: OpenDrive, options: OverlayOptions): MountHost {
    return {
      primary: this.primary,
      openDrive,
      options,
      find: (key) => {
        const drive = this.#set.find(key)?.drive
        return this.#overlay.sources.find((source) => source.drive === drive) ?? null
      },
      comparator: () => this.#overlay.comparator,
      peersToCome: () => {
        const isConnected = this.#replication.active || this.drives.some(hasPeers)
        return this.#findingPeers.found ?? (isConnected ? Promise.resolve() : null)
      },
      opened: (drive) => this.#join(drive),
      closed: (drive) => this.#leave(drive),
      changed: (drive) => this.#tell('update', drive),
      format: (kind, path, version) => this.#tell('format', { drive: this.primary, kind, path, version })
    }
  }

  /** Looks for dates that come to be believed, as long as anybody listens. */
  readonly #listened = (event: string | symbol): void => {
    if (event === 'update') this.#horizon?.listen((drive) => this.#tell('update', drive))
  }

  readonly #unlistened = (event: string | symbol): void => {
    if (event === 'update' && this.listenerCount('update') === 0) this.#horizon?.ignore()
  }

  /** @returns what ends it */
  #whenever(event: string, listener: (drive: Drive) => void): () => void {
    this.on(event, listener)
    return () => void this.off(event, listener)
  }

  /** Null when it is open, and no drive is waited for. */
  #opening(syscall: string, { timeout = 0, wait = true }: ReadOptions = {}): Promise<void> | null {
    checkTimeout(timeout)
    if (!this.opened || (wait && this.#set.settled())) return this.#untilOpen(syscall, timeout, wait)
    this.#requireOpen(syscall)
    return null
  }

  async #untilOpen(syscall: string, timeout: number, wait: boolean): Promise<void> {
    const late = () => didNotOpen(syscall)
    if (!this.opened) await within(this.ready(), timeout, late)
    const settled = wait ? this.#set.settled() : null
    if (settled) await within(settled, timeout, late)
    this.#requireOpen(syscall)
  }

  #requireOpen(syscall: string): void {
    if (this.closing) throw failure('CLOSED', { syscall, detail: 'the MultiDrive was closed' })
  }

  #join(drive: Drive): void {
    this.#replication.add(drive)
    this.#findingPeers.add(drive)
  }

  #leave(drive: Drive): void {
    // The set and a mount may have the same one.
    if (this.#set.drives.includes(drive) || this.#mounts?.has(drive) === true) return
    this.#replication.remove(drive)
    this.#findingPeers.remove(drive)
  }

  async #addDrive(drive: Drive | Uint8Array | string, opts: AddDriveOptions): Promise<Drive> {
    this.#requireOpen('addDrive')
    return this.#set.add(drive, opts)
  }

  async #runAll(method: string, args: readonly unknown[]): Promise<RunResult[]> {
    await this.#opening(method)
    return runAll(this.drives, method, args)
  }
}

function didNotOpen(syscall: string): MultiDriveError {
  const message = 'REQUEST_TIMEOUT: a drive that is being added did not open in time'
  return new MultiDriveError('REQUEST_TIMEOUT', message, { syscall })
}

function hasPeers(drive: Drive): boolean {
  const { core, peers } = lender(drive)
  return (core?.peers ?? peers ?? []).length > 0
}

/** What a checkout is of. */
class CheckoutOf {
  readonly parent: MultiDriveClass
  readonly origin: CheckoutOrigin
  readonly versions: Versions
  readonly options: MultiDriveOptions

  constructor(
    parent: MultiDriveClass,
    origin: CheckoutOrigin,
    versions: Versions,
    options: MultiDriveOptions
  ) {
    this.parent = parent
    this.origin = origin
    this.versions = versions
    this.options = options
  }
}

/** A MultiDrive; see {@link MultiDrive} for how one is made. */
export type MultiDrive = MultiDriveClass & SharedCalls

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

// One class to those who look at it: by its name, and by `multi.constructor`.
Object.defineProperty(MultiDriveClass, 'name', { value: 'MultiDrive' })
Object.defineProperty(MultiDriveClass.prototype, 'constructor', { value: MultiDrive })
