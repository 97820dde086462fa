import { once } from 'node:events'
import { setTimeout } from 'node:timers/promises'
import { decode } from 'hypercore-id-encoding'
import { closeDrive, lender } from './drive-set.ts'
import type { Comparator, Drive } from './drive.ts'
import { driveFailure, failure } from './errors.ts'
import type { MountPoint } from './format/records.ts'
import type { DriveVersion } from './format/version.ts'
import { Overlay, type MountOpener } from './overlay/overlay.ts'
import { sourceOf } from './sources/index.ts'
import type { OpenDrive } from './sources/open-drive.ts'
import type { Source, SourceEvents } from './sources/source.ts'

/** What mounts need of the MultiDrive that they are in. */
export interface MountHost {
  readonly primary: Drive
  readonly openDrive: OpenDrive
  readonly maxClockSkew: number | null
  readonly fallback: boolean
  /** The source of a drive of the set. */
  find(key: Buffer): Source | null
  comparator(): Comparator
  /** Whether any drive of the set exchanges with anybody. */
  hasPeers(): boolean
  /** A mounted drive was opened. */
  opened(drive: Drive): void
  /** What a mounted drive shows may have changed. */
  changed(drive: Drive): void
  format: SourceEvents['format']
}

interface Opened {
  readonly overlay: Overlay
  /** Null for a drive of the set, which is not ours to close. */
  readonly own: { readonly source: Source; readonly drive: Drive } | null
}

/** The drives that are mounted, each opened once, when it is first read. */
export class Mounts implements MountOpener {
  readonly #host: MountHost
  readonly #opened = new Map<string, Promise<Opened>>()
  readonly #live = new Map<string, Overlay>()
  #closed = false

  constructor(host: MountHost) {
    this.#host = host
  }

  async open(mount: MountPoint): Promise<Overlay> {
    let opening = this.#opened.get(mount.id)
    if (!opening) {
      if (this.#closed) throw failure('CLOSED')
      opening = this.#open(mount.id)
      this.#opened.set(mount.id, opening)
      // What could not be opened now may be later.
      opening.catch(() => this.#opened.delete(mount.id))
    }
    const { overlay } = await opening
    overlay.comparator = this.#host.comparator()
    return mount.version === null ? overlay : this.#at(overlay, mount)
  }

  versions(): readonly DriveVersion[] {
    return [...this.#live.values()].flatMap((overlay) => overlay.versions())
  }

  /** The drives that were opened for mounts. */
  get drives(): Drive[] {
    return [...this.#live.values()].flatMap(({ sources }) => sources.map(({ drive }) => drive))
  }

  async close(): Promise<void> {
    this.#closed = true
    const settled = await Promise.allSettled(this.#opened.values())
    this.#opened.clear()
    this.#live.clear()
    for (const result of settled) {
      if (result.status === 'rejected' || result.value.own === null) continue
      const { source, drive } = result.value.own
      await source.close()
      await closeDrive(drive)
    }
  }

  async #open(id: string): Promise<Opened> {
    const key = Buffer.from(decode(id))
    const member = this.#host.find(key)
    // A drive of the set is open already; a second time it would never open.
    if (member) return { overlay: this.#overlay(id, member), own: null }
    let drive: Drive | null = null
    try {
      drive = await this.#host.openDrive(key, { primary: this.#host.primary })
      const given = drive
      const source = sourceOf(given)
      await source.open({
        change: () => this.#host.changed(given),
        sync: () => undefined,
        close: () => {
          this.#opened.delete(id)
          this.#live.delete(id)
        },
        format: this.#host.format
      })
      this.#host.opened(given)
      if (source.unsynced && this.#host.hasPeers()) await firstSync(source)
      return { overlay: this.#overlay(id, source), own: { source, drive } }
    } catch (cause) {
      if (drive) await closeDrive(drive).catch(() => undefined)
      throw driveFailure(cause, id, drive ? { drive } : {})
    }
  }

  #overlay(id: string, source: Source): Overlay {
    const overlay = new Overlay(this.#host.maxClockSkew, this.#host.fallback)
    overlay.add({ source, tombstones: true })
    overlay.mounts = this
    this.#live.set(id, overlay)
    return overlay
  }

  /** @throws VERSION_NOT_AVAILABLE for a drive without versions, DRIVE_INVALID when the version is another one than was mounted */
  async #at(overlay: Overlay, { id, version, hash }: MountPoint): Promise<Overlay> {
    const now = overlay.versions().find((one) => one.id === id)
    if (!now) throw failure('VERSION_NOT_AVAILABLE', { detail: `drive ${id} has no versions` })
    if (hash !== null) await checkHash(overlay.sources[0]!.drive, version!, hash)
    return overlay.at(new Map([[id, { id, version: version!, fork: now.fork }]]))
  }
}

/** How long a drive that was just opened is waited for, in milliseconds: for a peer to tell that it has it, and for its metadata. */
const FIRST_PEER = 1000
const FIRST_SYNC = 3000

/** Drives that exchange over a stream hear of one another a moment after they were opened. */
async function firstSync(source: Source): Promise<void> {
  const { core } = lender(source.drive)
  if (!core) return
  const peer = AbortSignal.timeout(FIRST_PEER)
  if (core.peers?.length === 0) await once(core, 'peer-add', { signal: peer }).catch(() => undefined)
  if (core.peers?.length === 0) return
  const synced = source.update({ wait: true }).catch(() => undefined)
  const late = new AbortController()
  await Promise.race([synced, setTimeout(FIRST_SYNC, undefined, { signal: late.signal })])
  late.abort()
}

interface Hashing {
  treeHash(length: number): Promise<Buffer>
}

async function checkHash(drive: Drive, version: number, hash: string): Promise<void> {
  const found = await (lender(drive).core as unknown as Hashing).treeHash(version)
  if (found.toString('hex') === hash) return
  throw failure('DRIVE_INVALID', { drive, detail: 'its version is another one than was mounted' })
}
