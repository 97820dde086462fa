import { once, setMaxListeners } from 'node:events'
import { decode } from 'hypercore-id-encoding'
import { closeDrive, lender } from './drive-set.ts'
import type { Comparator, Drive, ReadOptions } from './drive.ts'
import { driveFailure, failure, MultiDriveError } from './errors.ts'
import type { MountPoint } from './format/records.ts'
import type { DriveVersion } from './format/version.ts'
import { Overlay, type MountOpener, type OverlayOptions } from './overlay/overlay.ts'
import type { Patience } from './overlay/way.ts'
import { sourceOf } from './sources/index.ts'
import { givenBy, type OpenDrive } from './sources/open-drive.ts'
import type { Source, SourceEvents } from './sources/source.ts'
import { atMost, unlessAborted, within } from './wait.ts'

/** What mounts need of the MultiDrive that they are in. */
export interface MountHost {
  readonly primary: Drive
  readonly openDrive: OpenDrive
  readonly options: OverlayOptions
  /** The source of a drive of the set. */
  find(key: Buffer): Source | null
  comparator(): Comparator
  /**
   * Null where no peer of a drive that is opened can be expected: nobody is connected or looked for. Else resolves when nobody is looked for
   * any more.
   */
  peersToCome(): Promise<void> | null
  /** A mounted drive was opened. */
  opened(drive: Drive): void
  /** A drive that was opened for a mount has closed by itself. */
  closed(drive: Drive): void
  /** What a mounted drive shows may have changed. */
  changed(drive: Drive): void
  format: SourceEvents['format']
}

interface Opened {
  readonly overlay: Overlay
  readonly source: Source
  readonly drive: Drive
  /** False for a drive of the set, which is not ours to close. */
  readonly isOwn: boolean
  /** Resolves when it has been whole here once, or is not going to be soon; null as long as nobody had a reason to wait for that. */
  synced: Promise<void> | null
  /** Versions of which the hash is right. */
  readonly checked: Set<string>
}

/** How many drives are opened for mounts: whoever holds more of them in their records is not believed. */
const MAX_DRIVES = 1000

/** The drives that are mounted, each opened once, when it is first read. */
export class Mounts implements MountOpener {
  readonly #host: MountHost
  /** Those opened here; they wait while the set has the drive itself. */
  readonly #opened = new Map<string, Promise<Opened>>()
  /** Those that were read last. */
  readonly #live = new Map<string, Opened>()
  /** All that have been opened here and are not closed. */
  readonly #own = new Set<Opened>()
  readonly #closing = new AbortController()

  constructor(host: MountHost) {
    this.#host = host
    setMaxListeners(0, this.#closing.signal)
  }

  async open(mount: MountPoint, opts: ReadOptions, patience: Patience): Promise<Overlay> {
    const timeout = opts.timeout || (opts.wait === false ? UNWAITED : 0)
    const late = () => didNotOpen(mount.id)
    const opened = await within(this.#get(mount.id), timeout, late)
    const synced = opts.wait === false || patience.left <= 0 ? null : this.#synced(opened)
    if (synced) {
      const begun = performance.now()
      await within(atMost(synced, patience.left, null), timeout, late)
      patience.spend(begun)
    }
    const { overlay } = opened
    overlay.comparator = this.#host.comparator()
    return mount.version === null ? overlay : within(this.#at(opened, mount, opts), timeout, late)
  }

  versions(): readonly DriveVersion[] {
    return [...this.#live.values()].flatMap(({ overlay }) => overlay.versions())
  }

  /** Whether a drive was opened here and is not closed. */
  has(drive: Drive): boolean {
    return [...this.#own].some((opened) => opened.drive === drive)
  }

  /** The drives that were opened for mounts and never have been whole here. */
  get unsynced(): Drive[] {
    const unsynced = [...this.#live.values()].filter(({ isOwn, source }) => isOwn && source.unsynced)
    return unsynced.map(({ drive }) => drive)
  }

  /** As `Overlay.update`, of the drives that were opened for mounts. */
  async update(opts: { wait: boolean }): Promise<boolean> {
    const own = [...this.#live.values()].filter(({ isOwn }) => isOwn)
    const updated = await Promise.allSettled(own.map(({ source }) => source.update(opts)))
    return updated.some((result) => result.status === 'fulfilled' && result.value)
  }

  async close(): Promise<void> {
    this.#closing.abort()
    const own = [...this.#own]
    this.#opened.clear()
    this.#live.clear()
    this.#own.clear()
    // Who is on the way is let go on arrival: nobody waits for them.
    for (const opened of own) await letGo(opened)
  }

  async #get(id: string): Promise<Opened> {
    const member = this.#host.find(toBuffer(id))
    const opened = member ? this.#member(id, member) : await this.#openOwn(id)
    this.#live.set(id, opened)
    return opened
  }

  /** A drive of the set is open already, and may be written to where one that is opened here may not. */
  #member(id: string, source: Source): Opened {
    const known = this.#live.get(id)
    if (known?.source === source) return known
    if (this.#closing.signal.aborted) throw failure('CLOSED')
    return this.#serve({ source, drive: source.drive, isOwn: false, synced: null })
  }

  /** The wait for a drive that never was whole here, begun when a peer of it can be expected for the first time. */
  #synced(opened: Opened): Promise<void> | null {
    if (!opened.isOwn || !opened.source.unsynced) return null
    if (opened.synced === null) {
      const found = this.#host.peersToCome()
      if (found) opened.synced = firstSync(opened.source, found, this.#closing.signal)
    }
    return opened.synced
  }

  async #openOwn(id: string): Promise<Opened> {
    const underWay = this.#opened.get(id)
    if (underWay) return underWay
    if (this.#closing.signal.aborted) throw failure('CLOSED')
    if (this.#opened.size >= MAX_DRIVES)
      throw failure('DRIVE_FAILED', { detail: 'too many drives are mounted' })
    const opening = this.#open(id)
    this.#opened.set(id, opening)
    // What could not be opened now may be later.
    opening.catch(() => this.#forget(id, opening))
    return opening
  }

  #forget(id: string, opening: Promise<Opened>): void {
    if (this.#opened.get(id) === opening) this.#opened.delete(id)
  }

  async #open(id: string): Promise<Opened> {
    let drive: Drive | null = null
    let source: Source | null = null
    const gone = new AbortController()
    try {
      const { openDrive, primary } = this.#host
      drive = await givenBy(openDrive, toBuffer(id), primary, this.#closing.signal, closeDrive)
      const given = drive
      source = sourceOf(given)
      await source.open({
        change: () => this.#host.changed(given),
        sync: () => undefined,
        close: () => {
          gone.abort()
          this.#drop(id, given, source!)
        },
        format: this.#host.format
      })
      if (this.#closing.signal.aborted) throw failure('CLOSED')
      if (gone.signal.aborted)
        throw failure('DRIVE_FAILED', { drive, detail: 'it closed while it was opened' })
      this.#host.opened(given)
      const opened = this.#serve({ source, drive, isOwn: true, synced: null })
      this.#own.add(opened)
      return opened
    } catch (cause) {
      await source?.close()
      if (drive) await closeDrive(drive).catch(() => undefined)
      throw driveFailure(cause, id, drive ? { drive } : {})
    }
  }

  /** It closed by itself. */
  #drop(id: string, drive: Drive, source: Source): void {
    for (const opened of this.#own) if (opened.source === source) this.#own.delete(opened)
    if (this.#live.get(id)?.source === source) this.#live.delete(id)
    this.#opened.delete(id)
    this.#host.closed(drive)
    source.close().catch(() => undefined)
  }

  #serve(what: Omit<Opened, 'overlay' | 'checked'>): Opened {
    const overlay = new Overlay(this.#host.options)
    overlay.add({ source: what.source, tombstones: true })
    overlay.mounts = this
    return { ...what, overlay, checked: new Set<string>() }
  }

  /** @throws VERSION_NOT_AVAILABLE for a drive without versions, DRIVE_INVALID when the version is another one than was mounted */
  async #at(
    { overlay, drive, checked }: Opened,
    { id, version, hash }: MountPoint,
    opts: ReadOptions
  ): Promise<Overlay> {
    const now = overlay.versions().find((one) => one.id === id)
    if (!now) throw failure('VERSION_NOT_AVAILABLE', { detail: `drive ${id} has no versions` })
    const name = `${now.fork} ${version} ${hash}`
    if (hash !== null && !checked.has(name)) {
      await checkHash(drive, version!, hash, this.#closing.signal)
      checked.add(name)
    }
    const past = overlay.at(new Map([[id, { id, version: version!, fork: now.fork }]]))
    // Whether it can be read at all is found out here, where a listing can still do without.
    await past.sources[0]?.view(opts)
    return past
  }
}

/** How long a read that waits for nobody gives a drive to open, which takes a moment even where all of it is here, in milliseconds. */
const UNWAITED = 1000

/** How long a drive that never was here is waited for, in milliseconds: for a peer to tell that it has it, and for its metadata. */
const FIRST_PEER = 1000
const FIRST_SYNC = 3000

/**
 * Drives that exchange over a stream hear of one another a moment after they were opened.
 *
 * @param found - resolves when nobody is looked for any more
 */
async function firstSync(source: Source, found: Promise<void>, closing: AbortSignal): Promise<void> {
  const { core } = lender(source.drive)
  if (!core) return
  if (core.peers?.length === 0) {
    const ended = new AbortController()
    const met = once(core, 'peer-add', { signal: ended.signal })
    const late = found.then(() => atMost(met, FIRST_PEER, null))
    await unlessAborted(Promise.race([met, late]), closing).catch(() => undefined)
    ended.abort()
  }
  if (core.peers?.length === 0 || closing.aborted) return
  const synced = source.update({ wait: true }).catch(() => undefined)
  await unlessAborted(atMost(synced, FIRST_SYNC, null), closing)
}

interface Hashing {
  readonly length: number
  update(opts: { wait: boolean }): Promise<boolean>
  treeHash(length: number): Promise<Buffer>
}

async function checkHash(drive: Drive, version: number, hash: string, closing: AbortSignal): Promise<void> {
  const core = lender(drive).core as unknown as Hashing
  const hashing = async () => {
    if (core.length < version) await core.update({ wait: true })
    return core.length < version ? null : core.treeHash(version)
  }
  const found = await unlessAborted(atMost(hashing(), FIRST_SYNC, null), closing)
  if (!found) throw failure('VERSION_NOT_AVAILABLE', { drive, detail: 'its peers have not told of it yet' })
  if (found.toString('hex') === hash) return
  throw failure('DRIVE_INVALID', { drive, detail: 'its version is another one than was mounted' })
}

async function letGo({ source, drive }: Opened): Promise<void> {
  source.end?.()
  await source.close()
  await closeDrive(drive)
}

function toBuffer(id: string): Buffer {
  return Buffer.from(decode(id))
}

function didNotOpen(id: string): MultiDriveError {
  const message = `REQUEST_TIMEOUT: the mounted drive ${id} did not open in time`
  return new MultiDriveError('REQUEST_TIMEOUT', message)
}
