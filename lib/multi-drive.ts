import type { WriteStream } from 'node:fs'
import type { Duplex, Readable, Writable } from 'streamx'
import { callback, type Callback, type DoneCallback, type NodeCallback } from './callback.ts'
import { CheckoutSet, type CheckoutOrigin } from './checkout-set.ts'
import { DriveSet, lender, peerEmitter, type AddDriveOptions, type Drives, type Tell } from './drive-set.ts'
import type { Comparator, Drive, Entry, ReadOptions } from './drive.ts'
import { failure, MultiDriveError } from './errors.ts'
import { FindingPeers } from './finding-peers.ts'
import { registerExtension, type Extension, type ExtensionHandlers } from './extension.ts'
import { Batch } from './faces/drive/batch.ts'
import { toBytes } from './faces/drive/bytes.ts'
import { clear, clearAll, type Cleared, type ClearOptions } from './faces/drive/clear.ts'
import { conflicts, toPathConflict, type ConflictsOptions } from './faces/drive/conflicts.ts'
import { diff, type Views } from './faces/drive/diff.ts'
import { Download, type DownloadOptions } from './faces/drive/download.ts'
import { find, toEntry } from './faces/drive/entry.ts'
import { dateOfMirrored } from './faces/drive/mirrored.ts'
import { history, type HistoryOptions } from './faces/drive/history.ts'
import { isKeep, keepVersion, settleByDeletion, type Resolution } from './faces/drive/resolve.ts'
import { PATIENCE, watchFolder, type FolderWatcher, type Watched } from './faces/drive/watch.ts'
import {
  mount,
  mountStream,
  unmount,
  type AllMountsOptions,
  type MountAt,
  type MountOptions
} from './faces/drive/mounts.ts'
import type { Mount } from './faces/fs/stats.ts'
import { Mounts, type MountHost } from './mounts.ts'
import { writeStream } from './faces/drive/streams.ts'
import { changedIn, type Differences } from './faces/drive/winners.ts'
import type { NodeFs, SharedCalls } from './faces/fs/api.ts'
import type { PathLike } from './faces/fs/arguments.ts'
import { del, fileHead, putFile, symlink, type DelOptions, type PutOptions } from './faces/drive/write.ts'
import type { OnChange, OnChangeInBytes, Watcher, WatchInBytes, WatchOptions } from './faces/fs/watch.ts'
import { diffStream } from './faces/fs/diff-stream.ts'
import { Face } from './faces/face.ts'
import { formatVersion, parseVersion, type Versions } from './format/version.ts'
import { byMtime, byOrder } from './overlay/compare.ts'
import { ConflictMonitor } from './overlay/conflict-monitor.ts'
import { conflictAt, type Conflict } from './overlay/conflicts.ts'
import { Horizon } from './overlay/horizon.ts'
import { Overlay } from './overlay/overlay.ts'
import { Spool } from './overlay/spool.ts'
import { type MountedView, readerOf } from './overlay/mounted.ts'
import { setTag, tagsOf, toName } from './overlay/tags.ts'
import type { MergedView, Reader } from './overlay/view.ts'
import { toKey } from './path.ts'
import { Replication, type Muxer, type ReplicateOptions, type ReplicationStream } from './replication.ts'
import { openThroughPrimary, type OpenDrive } from './sources/open-drive.ts'

export interface MultiDriveOptions {
  /** Which of two versions is newer. Default `byMtime`; any other decides alone, without clocks. */
  compareStats?: Comparator
  /**
   * Whether reads of bytes give an older version, marked `stale`, where those of the newest cannot be had in time; a read may say otherwise
   * by its own `fallback`. Default false.
   */
  fallback?: boolean
  /**
   * An mtime further ahead of the local clock than so many milliseconds counts as none until it no longer is. Default: any mtime is
   * believed.
   */
  maxClockSkew?: number
  /** How the drive of a key is opened. Default: through the primary's corestore. */
  openDrive?: OpenDrive
}

type NodeWriteStreamOptions = NonNullable<Parameters<NodeFs['createWriteStream']>[1]>

/** The outcome of one drive in `runAll`. */
export interface RunResult {
  drive: Drive
  err: Error | null
  value: unknown
}

/**
 * Many drives read as one. Reads return the newest version of a path, listings are merged, writes go to the first writable drive,
 * deletes of what others hold leave tombstones there.
 *
 * Events: `drive-add` (drive), `drive-remove` (drive), `update` (drive) when the merged view may have changed, `drive-sync` (drive)
 * when a drive reached a newer whole version, `conflict` ({@link PathConflict}) when a drive that was added or has changed brings one, `peer-add` and `peer-remove` (peer) of the primary, `format` (FormatNotice), `close`.
 */
class MultiDriveClass extends Face {
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
  /** What was checked out; null for one that shows the newest. */
  readonly #versions: Versions | null
  readonly #first: Promise<Drive>
  readonly #replication = new Replication(this)
  readonly #findingPeers = new FindingPeers()
  #forgetPeers: () => void = () => undefined
  #monitor: ConflictMonitor | null = null

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
      maxClockSkew = null,
      openDrive = openThroughPrimary
    } = past?.options ?? (opts as MultiDriveOptions)
    if (maxClockSkew !== null && !(maxClockSkew >= 0))
      throw failure('EINVAL', { detail: 'maxClockSkew is in milliseconds' })
    this.primary = primary
    this.#horizon = past || maxClockSkew === null ? null : new Horizon(maxClockSkew)
    this.#overlay = new Overlay(this.#horizon, fallback)
    this.#options = past?.options ?? (opts as MultiDriveOptions)
    this.#versions = past?.versions ?? null
    const tell: Tell = (event, about) => {
      if (event === 'drive-add') this.#join(about as Drive)
      if (event === 'drive-remove') this.#leave(about as Drive)
      this.emit(event, about)
    }
    this.#set = past
      ? new CheckoutSet(this.#overlay, past.origin, past.versions, primary)
      : new DriveSet(this.#overlay, primary, openDrive, tell)
    this.#mounts = past ? null : new Mounts(this.#mountHost(openDrive, fallback))
    if (this.#mounts) this.#overlay.mounts = this.#mounts
    this.#set.register(this)
    if (compareStats !== undefined) this.compareStats = compareStats
    // Whoever watches listens.
    this.setMaxListeners(0)
    this.on('newListener', this.#listening)
    this.on('removeListener', this.#unlistening)
    this.#first = this.#set.addPrimary()
    this.#join(primary)
    this.serve({
      overlay: this.#overlay,
      ready: (syscall) => this.#opening(syscall),
      view: (options) => this.reader(options),
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
  conflicts(opts?: ConflictsOptions): Readable
  conflicts(target: string | ConflictsOptions = {}, opts: ReadOptions = {}): Promise<Entry[]> | Readable {
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
      await this.#opening('resolve')
      await settleByDeletion(this.#overlay, path)
    } else if (isKeep(how)) {
      const { keep } = how
      await this.#opening('resolve', opts)
      await keepVersion(this.#overlay, path, keep, opts)
    } else {
      const head = fileHead(path, opts, 'resolve')
      const bytes = toBytes(how, 'resolve', head.key)
      await this.#opening('resolve')
      await putFile(this.#overlay, head, bytes, 'resolve')
    }
  }

  /**
   * The versions of a path over all drives, the newest first, as a stream: none before one whose author had seen it, else the later date
   * first. Each is an entry with `type: 'put'`, which `get` and `createReadStream` take, or tells with `type: 'del'` that the path was deleted.
   * Drives without history tell what they hold now.
   *
   * @throws (as `error`) as `entry`
   */
  history(path: string, opts: HistoryOptions = {}): Readable {
    return history(() => this.reader(opts), path, opts)
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
    const past = new MultiDriveClass(this.primary, new CheckoutOf(origin, versions, this.#options))
    this.#checkouts.add(past)
    past.once('close', () => this.#checkouts.delete(past))
    return past
  }

  /**
   * Where the entries below a folder differ from those of another version, in the order of keys: a stream of `{ left, right }`, the left
   * one that of now. It costs what has changed since, not what there is.
   *
   * @param version - what {@link version} gave, or a checkout
   * @param folder - default the root
   * @throws (as `error`) as {@link checkout}, and as `entry`
   */
  diff(version: string | MultiDrive, folder?: string | ReadOptions | null, opts: ReadOptions = {}): Readable {
    if (typeof folder === 'object' && folder !== null) return this.diff(version, null, folder)
    return diff(() => this.#views(version, opts), folder ?? undefined, opts)
  }

  /**
   * As `download`, for the files below a folder that are others than at a version.
   *
   * @param version - as for {@link diff}
   * @param folder - default the root
   */
  downloadDiff(
    version: string,
    folder?: string | DownloadOptions | null,
    opts: DownloadOptions = {}
  ): Download {
    if (typeof folder === 'object' && folder !== null) return this.downloadDiff(version, null, folder)
    // It is gone through more than once where peers do not answer, so it is about one state of the drives.
    const past = this.#opening('downloadDiff').then(() => this.checkout(this.version))
    past.catch(() => undefined)
    const find = async (signal: AbortSignal) =>
      changedIn((await past).diff(version, folder, opts) as Differences, signal)
    const download = new Download(find, opts, folder ?? undefined)
    const close = async () => (await past).close()
    download
      .done()
      .catch(() => undefined)
      .finally(() => close().catch(() => undefined))
    return download
  }

  /**
   * Where files, links and folders are others than at a version, in the form of Hyperdrive 10: a stream of `put` and `del` with a `name` (the
   * path without its first slash), the `seq` and the stat that is there now, and the `seq` that was there.
   *
   * @param version - as for {@link diff}
   * @param prefix - the folder that it is about, default the root
   * @throws (as `error`) as {@link diff}
   */
  createDiffStream(
    version: string | MultiDrive,
    prefix?: string | ReadOptions | null,
    opts: ReadOptions = {}
  ): Readable {
    if (typeof prefix === 'object' && prefix !== null) return this.createDiffStream(version, null, prefix)
    return diffStream(() => this.#views(version, opts), prefix ?? undefined, opts)
  }

  /**
   * Watches a folder: an async iterator of `[current, previous]`, two checkouts, of after and before a change of what the MultiDrive shows there.
   * Changes that come while nobody asks are joined. Where a drive without history tells of a change, there is a pair whatever has changed.
   *
   * With a callback it watches a path as Node's does, and gives `{ destroy() }`: see the README, "watch".
   *
   * @param folder - default the root
   * @throws CLOSED, EINVAL for a bad folder; with a callback ERR_INVALID_ARG_TYPE for what is none
   */
  override watch(folder?: string): FolderWatcher<MultiDrive>
  override watch(path: PathLike, onchange: OnChange): Watcher
  override watch(path: PathLike, opts: WatchInBytes, onchange: OnChangeInBytes): Watcher
  override watch(
    path: PathLike,
    opts: WatchOptions | BufferEncoding | null | undefined,
    onchange: OnChange
  ): Watcher
  override watch(...args: unknown[]): FolderWatcher<MultiDrive> | Watcher {
    if (args.slice(1).some((arg) => arg != null))
      return super.watch(...(args as [PathLike, WatchOptions, OnChange]))
    if (this.closing) throw failure('CLOSED', { syscall: 'watch', detail: 'the MultiDrive was closed' })
    return watchFolder(this.#watched(), args[0] as string | undefined)
  }

  /**
   * Gives a version a name, in the writer. A name that is there already gets another meaning.
   *
   * @param name - any text but an empty one
   * @param version - default {@link version}
   * @throws EINVAL for no name or no version, EROFS without a writer; the writer's own error
   */
  createTag(name: string, version?: string | null): Promise<void>
  createTag(name: string, version: string | null | undefined, cb: DoneCallback): void
  createTag(name: string, cb: DoneCallback): void
  createTag(
    name: string,
    version?: string | null | DoneCallback,
    cb?: DoneCallback
  ): Promise<void> | undefined {
    if (typeof version === 'function') return callback(this.#createTag(name, null), version)
    return callback(this.#createTag(name, version ?? null), cb)
  }

  /**
   * The version that has a name in any drive of the set, null when none has; of several the newest.
   *
   * @throws EINVAL for no name
   */
  getTaggedVersion(name: string): Promise<string | null>
  getTaggedVersion(name: string, cb: NodeCallback<string | null>): void
  getTaggedVersion(name: string, cb?: NodeCallback<string | null>): Promise<string | null> | undefined {
    return callback(this.#getTaggedVersion(name), cb)
  }

  /** All names of versions that any drive of the set keeps, with their versions. */
  getAllTags(): Promise<Map<string, string>>
  getAllTags(cb: NodeCallback<Map<string, string>>): void
  getAllTags(cb?: NodeCallback<Map<string, string>>): Promise<Map<string, string>> | undefined {
    return callback(this.#getAllTags(), cb)
  }

  /**
   * Takes a name away, whoever gave it. Nothing happens when there is none.
   *
   * @throws as {@link createTag}
   */
  deleteTag(name: string): Promise<void>
  deleteTag(name: string, cb: DoneCallback): void
  deleteTag(name: string, cb?: DoneCallback): Promise<void> | undefined {
    return callback(this.#deleteTag(name), cb)
  }

  /**
   * Shows another drive at a path, in place of what is there. The record of it lies in the writer, and everybody who has that drive in the
   * set sees it. Writes below it land in that drive, where it can be written to; `rename` between drives is EXDEV, what is mounted cannot
   * be removed (EBUSY). The drive is opened by `openDrive` when it is first read.
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
  createMountStream(opts: AllMountsOptions = {}): Readable {
    return mountStream(() => this.reader(opts), opts)
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
   * Writes a symbolic link into the writer, over what is there. With a callback the arguments are in Node's order, `(target, path, type?)`,
   * and what is there is EEXIST.
   *
   * @param linkname - where it points to: absolute, or relative to its folder
   * @throws as {@link put}
   */
  symlink(path: string, linkname: string, opts?: PutOptions): Promise<void>
  symlink(target: PathLike, path: PathLike, type: string | null | undefined, cb: DoneCallback): void
  symlink(target: PathLike, path: PathLike, cb: DoneCallback): void
  symlink(...args: unknown[]): Promise<void> | undefined {
    if (typeof args.at(-1) !== 'function') return this.#symlink(...(args as [string, string, PutOptions?]))
    this.call('symlink', args).catch(() => undefined)
    return undefined
  }

  /**
   * A stream into a file. The bytes wait aside, in memory or a temporary file, and land at the end in one write; however long the
   * stream is open, it holds up nothing. With an option that only Node's streams have (`fd`, `flags`, `start`, `mode`, `encoding`,
   * `highWaterMark`, `autoClose`, `emitClose`, `flush`, `signal`) it is one of those, over a descriptor.
   *
   * @throws as {@link put}, at once for a bad path or bad metadata, else as `error` of the stream
   */
  createWriteStream(path: string, opts?: PutOptions): Writable
  createWriteStream(path: PathLike, opts: NodeWriteStreamOptions): WriteStream
  createWriteStream(path: PathLike, opts?: PutOptions | NodeWriteStreamOptions): Writable | WriteStream {
    return this.nodeWriteStream(path, opts) ?? this.#createWriteStream(path as string, opts as PutOptions)
  }

  #createWriteStream(path: string, opts: PutOptions = {}): Writable {
    const head = fileHead(path, opts, 'open')
    const spool = new Spool()
    const land = async () => {
      await this.#opening('open')
      await putFile(this.#overlay, { ...head, time: head.time ?? (await date()) }, spool, 'open')
    }
    const stream = writeStream(spool, head.key, land, () => spool.close())
    const date = dateOfMirrored(stream, opts)
    return stream
  }

  /**
   * Takes the bytes of the file at a path from this machine: those of its newest version, or of the version that an entry was made from.
   * Hyperdrives only. Bytes that other files of one's own drive are made of stay; one's own that no peer has are gone for good.
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

  /** Gathers writes that land together: see {@link Batch}. */
  batch(): Batch {
    return new Batch(
      this.#overlay,
      (opts) => this.reader(opts),
      () => this.#opening('flush')
    )
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
  replicate(isInitiator: boolean | ReplicationStream | Muxer, opts?: ReplicateOptions): Duplex {
    const syscall = 'replicate'
    if (this.closing) throw failure('CLOSED', { syscall, detail: 'the MultiDrive was closed' })
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
   * Removes the local storage of every Hyperdrive of the set, and closes. Localdrives, checkouts and other drives are left alone.
   *
   * @returns the drives whose storage was removed, those of MultiDrives in the set among them
   */
  async purge(): Promise<Drive[]> {
    await this.#opening('purge')
    this.#forgetPeers()
    this.#replication.close()
    const purged = await this.#set.purge().finally(() => this.close())
    return purged
  }

  /** As {@link purge}, under the name that it had in Hyperdrive 10. */
  destroyStorage(): Promise<Drive[]>
  destroyStorage(cb: Callback<Drive[]>): void
  destroyStorage(cb?: Callback<Drive[]>): Promise<Drive[]> | undefined {
    return callback(this.purge(), cb)
  }

  /**
   * Closes the MultiDrive and all of its drives; descriptors that are still open are let go, and what was written to them does not land.
   * With a descriptor it closes that, and lands what was written to it.
   *
   * @throws EBADF for a descriptor that is not open, and what landing throws: see {@link put}
   */
  override close(): Promise<void>
  override close(cb: DoneCallback): void
  override close(fd: number): Promise<void>
  override close(fd: number, cb: DoneCallback): void
  override close(...args: [(number | DoneCallback)?, DoneCallback?]): Promise<void> | undefined {
    const [fd, cb] = args
    // A descriptor that got lost on its way must not close everything.
    if (args.length > 0 && typeof fd !== 'function') return this.closeDescriptor(fd, cb)
    return callback(super.close(), fd as DoneCallback | undefined)
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
    const add = (peer: unknown) => void this.emit('peer-add', peer)
    const remove = (peer: unknown) => void this.emit('peer-remove', peer)
    emitter.on('peer-add', add).on('peer-remove', remove)
    this.#forgetPeers = () => void emitter.off('peer-add', add).off('peer-remove', remove)
  }

  protected override async _close(): Promise<void> {
    this.#forgetPeers()
    this.#endMonitor()
    this.#horizon?.ignore()
    await Promise.all([...this.#checkouts].map((past) => past.close()))
    await this.#mounts?.close()
    this.#replication.close()
    await this.release()
    await this.#set.close()
  }

  protected override async reader(opts: ReadOptions = {}): Promise<MergedView | MountedView> {
    await this.#opening('read', opts)
    return readerOf(this.#overlay, opts)
  }

  #mountHost(openDrive: OpenDrive, fallback: boolean): MountHost {
    return {
      primary: this.primary,
      openDrive,
      horizon: this.#horizon,
      fallback,
      find: (key) => {
        const drive = this.#set.find(key)?.drive
        return this.#overlay.sources.find((source) => source.drive === drive) ?? null
      },
      comparator: () => this.#overlay.comparator,
      hasPeers: () => this.drives.some((drive) => (lender(drive).core?.peers?.length ?? 0) > 0),
      opened: (drive) => this.#join(drive),
      changed: (drive) => void this.emit('update', drive),
      format: (kind, path, version) => void this.emit('format', { drive: this.primary, kind, path, version })
    }
  }

  async #clear(path: string | Entry, opts: ClearOptions): Promise<Cleared | null> {
    return clear(await this.reader(opts), path, opts)
  }

  async #createTag(name: string, version: string | null): Promise<void> {
    await this.#opening('createTag')
    const tagged = version ?? this.version
    parseVersion(tagged, 'createTag')
    await setTag(this.#overlay, 'createTag', name, tagged)
  }

  async #getTaggedVersion(name: string): Promise<string | null> {
    const key = toName(name, 'getTaggedVersion')
    return (await this.#getAllTags()).get(key) ?? null
  }

  async #getAllTags(): Promise<Map<string, string>> {
    await this.#opening('getAllTags')
    const tags = tagsOf(await this.#overlay.view())
    return new Map([...tags].map(([name, { record }]) => [name, record.version!]))
  }

  async #deleteTag(name: string): Promise<void> {
    const key = toName(name, 'deleteTag')
    if ((await this.#getAllTags()).has(key)) await setTag(this.#overlay, 'deleteTag', key, null)
  }

  async #mount(path: string, key: Uint8Array | string, opts: MountOptions): Promise<void> {
    await this.#opening('mount')
    await mount(this.#overlay, path, key, opts)
  }

  async #unmount(path: string): Promise<void> {
    await this.#opening('unmount')
    await unmount(this.#overlay, path)
  }

  async #getAllMounts(opts: AllMountsOptions): Promise<Map<string, Mount>> {
    const mounts = new Map<string, Mount>()
    for await (const { path, mount } of this.createMountStream(opts) as AsyncIterable<MountAt>)
      mounts.set(path, mount)
    return mounts
  }

  /** The view of now and that of a version. */
  async #views(version: string | MultiDrive, opts: ReadOptions): ReturnType<Views> {
    const now = await this.reader(opts)
    if (version instanceof MultiDriveClass) {
      return { now, before: await version.reader(opts), close: () => Promise.resolve() }
    }
    const past = this.checkout(version) as unknown as MultiDriveClass
    return { now, before: await past.reader(opts), close: () => past.close() }
  }

  async #conflicts(path: string, opts: ReadOptions): Promise<Entry[]> {
    const key = toKey(path, 'conflicts')
    const view = await this.reader(opts)
    return (await conflictAt(view, key, opts)).map((located) => toEntry(located, view))
  }

  #watched(): Watched<MultiDriveClass> {
    return {
      opened: this.opened,
      isClosing: () => this.closing !== null,
      ready: () => this.#opening('watch'),
      snapshot: () => this.checkout(this.version),
      viewOf: (snapshot) => snapshot.reader(),
      view: (opts) => this.#look(opts),
      hold: () => this.#set.hold(),
      onUpdate: (listener) => this.#whenever('update', listener),
      onClose: (listener) => this.#whenever('close', listener)
    }
  }

  /** @returns what ends it */
  #whenever(event: string, listener: (drive: Drive) => void): () => void {
    this.on(event, listener)
    return () => void this.off(event, listener)
  }

  /** The view of now for those who follow it: what is being added is waited for, a drive that does not answer is not. */
  async #look(opts: ReadOptions): Promise<MergedView | MountedView> {
    await this.#opening('watch')
    return readerOf(this.#overlay, opts)
  }

  /** Looks for conflicts, and for dates that come to be believed, as long as anybody listens. */
  readonly #listening = (event: string | symbol): void => {
    if (event === 'update') this.#horizon?.listen((drive) => void this.emit('update', drive))
    if (event !== 'conflict' || this.#monitor || this.closing) return
    const view = this.opened ? this.#overlay.view({ wait: false }) : null
    const tell = (conflict: Conflict, now: Reader) => {
      // What a listener throws is its own affair.
      process.nextTick(() => this.emit('conflict', toPathConflict(conflict, now)))
    }
    this.#monitor = new ConflictMonitor({ view, next: () => this.#look(PATIENCE) }, tell, PATIENCE)
    this.on('update', this.#monitor.update)
  }

  readonly #unlistening = (event: string | symbol): void => {
    if (event === 'update' && this.listenerCount('update') === 0) this.#horizon?.ignore()
    if (event === 'conflict' && this.listenerCount('conflict') === 0) this.#endMonitor()
  }

  #endMonitor(): void {
    if (!this.#monitor) return
    this.off('update', this.#monitor.update)
    this.#monitor.end()
    this.#monitor = null
  }

  async #symlink(path: string, linkname: string, opts: PutOptions = {}): Promise<void> {
    await this.#opening('symlink')
    await symlink(this.#overlay, path, linkname, opts)
  }

  async #opening(syscall: string, opts: ReadOptions = {}): Promise<void> {
    if (!this.opened) await within(this.ready(), opts, syscall)
    const settled = this.#set.settled()
    if (settled) await within(settled, opts, syscall)
    if (this.closing) throw failure('CLOSED', { syscall, detail: 'the MultiDrive was closed' })
  }

  #join(drive: Drive): void {
    this.#replication.add(drive)
    this.#findingPeers.add(drive)
  }

  #leave(drive: Drive): void {
    this.#replication.remove(drive)
    this.#findingPeers.remove(drive)
  }

  async #addDrive(drive: Drive | Uint8Array | string, opts: AddDriveOptions): Promise<Drive> {
    if (this.closing) throw failure('CLOSED', { syscall: 'addDrive', detail: 'the MultiDrive was closed' })
    return this.#set.add(drive, opts)
  }

  async #runAll(method: string, args: readonly unknown[]): Promise<RunResult[]> {
    await this.#opening(method)
    return Promise.all(
      this.drives.map(async (drive): Promise<RunResult> => {
        try {
          const call = (drive as unknown as Record<string, unknown>)[method]
          if (typeof call !== 'function')
            throw failure('DRIVE_INVALID', { drive, detail: `it has no method ${method}()` })
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
}

async function within(
  opening: Promise<unknown>,
  { timeout = 0 }: ReadOptions,
  syscall: string
): Promise<void> {
  if (timeout === 0) {
    await opening
    return
  }
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    const message = 'REQUEST_TIMEOUT: a drive that is being added did not open in time'
    timer = setTimeout(() => reject(new MultiDriveError('REQUEST_TIMEOUT', message, { syscall })), timeout)
  })
  await Promise.race([opening, late]).finally(() => clearTimeout(timer))
}

/** What a checkout is of. */
class CheckoutOf {
  readonly origin: CheckoutOrigin
  readonly versions: Versions
  readonly options: MultiDriveOptions

  constructor(origin: CheckoutOrigin, versions: Versions, options: MultiDriveOptions) {
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
