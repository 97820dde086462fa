import { setMaxListeners, type EventEmitter } from 'node:events'
import { decode, isValid } from 'hypercore-id-encoding'
import type { Drive } from './drive.ts'
import { driveFailure, failure, MultiDriveError } from './errors.ts'
import type { RecordKind } from './format/records.ts'
import { fromAll } from './overlay/failure.ts'
import { NestedSource, overlaysIn, type Nestable } from './overlay/nested.ts'
import type { Overlay } from './overlay/overlay.ts'
import { sourceOf } from './sources/index.ts'
import { givenBy, type OpenDrive } from './sources/open-drive.ts'
import type { Source, SourceEvents } from './sources/source.ts'

export interface AddDriveOptions {
  /** Read the drive's metadata where it is asked for, rather than keep all of it here. Hyperdrives only. Default false. */
  sparse?: boolean
  /** Whether its deletions count. Default true. */
  tombstones?: boolean
}

/** A record of a later release, told by the event `format`. */
export interface FormatNotice {
  drive: Drive
  kind: 'entries' | RecordKind
  path: string
  /** The version of the record. */
  version: number
}

/** What may happen to a set, with what is told of it. */
export interface DriveSetEvents {
  'drive-add': Drive
  'drive-remove': Drive
  'drive-sync': Drive
  update: Drive
  format: FormatNotice
  error: unknown
}

export type Tell = <K extends keyof DriveSetEvents>(event: K, about: DriveSetEvents[K]) => void

/** What drives may have beside what they must. */
export interface Lender {
  readonly key?: Buffer | null
  readonly discoveryKey?: Buffer | null
  readonly id?: string | null
  readonly core?:
    (EventEmitter & { key?: Buffer | null; snapshotted?: boolean; peers?: readonly unknown[] }) | null
  readonly peers?: readonly unknown[]
  readonly closing?: Promise<void> | null
  close?(): Promise<void>
}

/** MultiDrives by object, so that one can be added to another without showing its inside. */
const nestables = new WeakMap<object, Nestable>()

/** What a MultiDrive needs of its drives. */
export interface Drives {
  readonly drives: Drive[]
  readonly unsynced: Drive[]
  register(multi: Nestable['drive']): void
  settled(): Promise<unknown> | null
  addPrimary(): Promise<Drive>
  add(drive: Drive | Uint8Array | string, opts: AddDriveOptions): Promise<Drive>
  remove(keyOrDrive: Drive | Uint8Array | string): Promise<boolean>
  find(keyOrDrive: Drive | Uint8Array | string): { readonly drive: Drive } | null
  /** Keeps the drives of now readable when they leave, until the returned function is called. */
  hold(): () => Promise<void>
  /** Ends what waits: for drives that are on their way in from `openDrive`, and for answers of drives. To be followed by `close()`. */
  end(): void
  close(): Promise<void>
  purge(): Promise<Drive[]>
}

/** The drives of a MultiDrive: who is in, in which order, on the way in, or opened here. */
export class DriveSet implements Drives {
  readonly #overlay: Overlay
  readonly #primary: Drive
  readonly #openDrive: OpenDrive
  readonly #tell: Tell
  /** Who is on the way in, a source or the key of one; reads wait for them. */
  readonly #adding = new Map<Source | string, Promise<Drive>>()
  /** Drives opened here, to be closed when they leave. */
  readonly #opened = new Set<Drive>()
  /** How many hold each of them. */
  readonly #holds = new Map<Drive, number>()
  /** Those that have left and are held. */
  readonly #leaving = new Set<Drive>()
  readonly #formats = new Set<string>()
  /** Drives that are purged and not closed yet. */
  readonly #purged: Source[] = []
  readonly #closing = new AbortController()

  constructor(overlay: Overlay, primary: Drive, openDrive: OpenDrive, tell: Tell) {
    this.#overlay = overlay
    this.#primary = primary
    this.#openDrive = openDrive
    this.#tell = tell
    setMaxListeners(0, this.#closing.signal)
  }

  /** Makes a MultiDrive known as one that can be added to another. */
  register(multi: Nestable['drive']): void {
    nestables.set(multi, {
      drive: multi,
      overlay: this.#overlay,
      settled: () => this.settled(),
      hold: () => this.hold(),
      purge: () => this.purge()
    })
  }

  get drives(): Drive[] {
    return this.#overlay.sources.map(({ drive }) => drive)
  }

  get unsynced(): Drive[] {
    return this.#overlay.sources.filter(({ unsynced }) => unsynced).map(({ drive }) => drive)
  }

  /** Resolves when the drives that are being added are in or have failed; null when none are. */
  settled(): Promise<unknown> | null {
    return this.#adding.size === 0 ? null : Promise.allSettled(this.#adding.values())
  }

  /**
   * Adds the first drive.
   *
   * @throws DRIVE_INVALID, at once
   */
  addPrimary(): Promise<Drive> {
    const source = this.#source(this.#primary, {})
    this.#overlay.add({ source, tombstones: true })
    return this.#wait(this.#opening(source), source)
  }

  /** Adds a drive at the end; one that is there already is no change. */
  async add(drive: Drive | Uint8Array | string, opts: AddDriveOptions): Promise<Drive> {
    const known = this.find(drive)
    if (known) return (await this.#adding.get(known)) ?? known.drive
    const tombstones = opts.tombstones !== false
    if (isKey(drive)) return this.#addKey(decodeKey(drive), opts, tombstones)
    const source = this.#source(drive, opts)
    this.#overlay.add({ source, tombstones })
    return this.#wait(this.#opening(source), source)
  }

  /** @returns whether it was there */
  async remove(keyOrDrive: Drive | Uint8Array | string): Promise<boolean> {
    const source = this.find(keyOrDrive)
    if (!source) return false
    await this.#leave(source)
    await this.#closeOpened(source.drive)
    return true
  }

  find(keyOrDrive: Drive | Uint8Array | string): Source | null {
    const { sources } = this.#overlay
    if (isKey(keyOrDrive)) {
      if (!isValid(keyOrDrive)) return null
      const key = decodeKey(keyOrDrive)
      return sources.find(({ drive }) => keyBeforeOpen(drive)?.equals(key)) ?? null
    }
    const same = sources.find(({ drive }) => drive === keyOrDrive)
    if (same) return same
    // A second plain session of a key that is open never opens, so it must be told before.
    const key = keyBeforeOpen(keyOrDrive)
    return (key && sources.find(({ drive }) => keyBeforeOpen(drive)?.equals(key))) ?? null
  }

  hold(): () => Promise<void> {
    const held = [...this.#opened]
    for (const drive of held) this.#holds.set(drive, (this.#holds.get(drive) ?? 0) + 1)
    const nested = this.#overlay.sources.flatMap((source) =>
      source instanceof NestedSource ? source.hold() : []
    )
    let released: Promise<void> | null = null
    const release = async () => {
      await Promise.all([...held.map((drive) => this.#release(drive)), ...nested.map((letGo) => letGo())])
    }
    return () => (released ??= release())
  }

  end(): void {
    this.#closing.abort()
    for (const source of this.#overlay.sources) source.end?.()
  }

  /** Lets go of all drives without closing them. */
  async empty(): Promise<Source[]> {
    await this.settled()
    await this.#overlay.end()
    const sources = [...this.#overlay.sources]
    for (const source of sources) {
      this.#overlay.remove(source)
      source.end?.()
      await source.close()
    }
    return sources
  }

  /** Closes all drives. */
  async close(): Promise<void> {
    const sources = [...(await this.empty()), ...this.#purged.splice(0)]
    const leaving = [...this.#leaving]
    this.#leaving.clear()
    await Promise.all([fromAll(sources, ({ drive }) => closeDrive(drive)), ...leaving.map(closeDrive)])
  }

  /**
   * Removes what the drives have stored on this machine. None of them is closed before `close()`: one may have been given the very store
   * that others are in, which closes with it.
   *
   * @returns the drives that had something stored
   * @throws the worst failure, once all are through, with the drives that had as `purged`
   */
  async purge(): Promise<Drive[]> {
    const sources = await this.empty()
    this.#purged.push(...sources)
    const removed = new Map<Source, readonly Drive[]>()
    const remove = async (source: Source) => {
      try {
        removed.set(source, (await source.purge?.()) ?? [])
      } catch (err) {
        // One that is many drives has removed some of them.
        removed.set(source, (err instanceof MultiDriveError && err.purged) || [])
        throw err
      }
    }
    const purged = () => sources.flatMap((source) => removed.get(source) ?? [])
    await fromAll(sources, remove).catch((err: unknown) => {
      throw withPurged(err, purged())
    })
    return purged()
  }

  /** Takes its place in the order at once, before the drive is there. */
  #addKey(key: Buffer, opts: AddDriveOptions, tombstones: boolean): Promise<Drive> {
    const name = key.toString('hex')
    const adding = this.#adding.get(name)
    if (adding) return adding
    const place = this.#overlay.reserve()
    const open = async () => {
      let opened: Drive | null = null
      let added: Drive | null = null
      try {
        opened = this.#takeBack(key) ?? (await this.#open(key))
        this.#opened.add(opened)
        const source = this.#source(opened, opts)
        place.fill({ source, tombstones })
        added = await this.#opening(source)
        return added
      } catch (err) {
        place.giveUp()
        throw err
      } finally {
        if (opened && added !== opened) await this.#closeOpened(opened)
      }
    }
    return this.#wait(open(), name)
  }

  /** @throws DRIVE_INVALID, with what `openDrive` threw as the cause; CLOSED */
  #open(key: Buffer): Promise<Drive> {
    const { signal } = this.#closing
    return givenBy(this.#openDrive, key, this.#primary, signal, closeDrive).catch((cause: unknown) => {
      if (cause instanceof MultiDriveError) throw cause
      const detail = cause instanceof Error ? cause.message : String(cause)
      throw failure('DRIVE_INVALID', { syscall: 'addDrive', detail, cause })
    })
  }

  #wait(opening: Promise<Drive>, who: Source | string): Promise<Drive> {
    const waiting = opening.finally(() => this.#adding.delete(who))
    this.#adding.set(who, waiting)
    return waiting
  }

  async #opening(source: Source): Promise<Drive> {
    const { drive } = source
    try {
      await source.open(this.#events(source))
    } catch (cause) {
      this.#overlay.remove(source)
      await source.close()
      throw driveFailure(cause, source.name, { drive })
    }
    const twins = this.#overlay.sources.filter((other) => other.identity === source.identity)
    // Whichever was added first stays, though the other may have been open before it.
    for (const twin of twins.slice(1)) {
      this.#overlay.remove(twin)
      await twin.close()
      if (twin === source) continue
      this.#tell('drive-remove', twin.drive)
      await this.#closeOpened(twin.drive)
    }
    const [first] = twins
    if (first && first !== source) return first.drive
    this.#tell('drive-add', drive)
    this.#tell('update', drive)
    return drive
  }

  async #leave(source: Source): Promise<void> {
    if (!this.#overlay.remove(source)) return
    await source.close()
    this.#tell('drive-remove', source.drive)
    this.#tell('update', source.drive)
  }

  async #closeOpened(drive: Drive): Promise<void> {
    if (!this.#opened.delete(drive)) return
    if (this.#holds.has(drive)) this.#leaving.add(drive)
    else await closeDrive(drive)
  }

  async #release(drive: Drive): Promise<void> {
    const others = this.#holds.get(drive)! - 1
    if (others > 0) return void this.#holds.set(drive, others)
    this.#holds.delete(drive)
    if (this.#leaving.delete(drive)) await closeDrive(drive)
  }

  /** A drive of a key that has left and is still open; null for none. */
  #takeBack(key: Buffer): Drive | null {
    const drive = [...this.#leaving].find((left) => keyBeforeOpen(left)?.equals(key))
    if (drive === undefined || lender(drive).closing) return null
    this.#leaving.delete(drive)
    return drive
  }

  #source(drive: unknown, opts: AddDriveOptions): Source {
    const nested = typeof drive === 'object' && drive !== null ? nestables.get(drive) : undefined
    if (!nested) return sourceOf(drive, opts.sparse === undefined ? {} : { sparse: opts.sparse })
    if (overlaysIn(nested.overlay).has(this.#overlay)) {
      throw failure('DRIVE_INVALID', { detail: 'a MultiDrive cannot hold itself' })
    }
    return new NestedSource(nested)
  }

  #events(source: Source): SourceEvents {
    const { drive } = source
    return {
      change: () => this.#tell('update', drive),
      sync: () => this.#tell('drive-sync', drive),
      close: () => void this.#leave(source).catch((err: unknown) => this.#tell('error', err)),
      format: (kind, path, version) => {
        const once = `${source.identity} ${kind} ${version}`
        if (this.#formats.has(once)) return
        this.#formats.add(once)
        this.#tell('format', { drive, kind, path, version })
      }
    }
  }
}

/** The error of a purge, or of the closing that ends one, with what was removed. */
export function withPurged(err: unknown, purged: readonly Drive[]): unknown {
  return err instanceof MultiDriveError ? Object.assign(err, { purged }) : err
}

/** What a drive lends, beyond what every drive has. */
export function lender(drive: Drive): Lender {
  return drive as unknown as Lender
}

/** What tells of a drive's peers: its core, or a MultiDrive itself; null where nothing does. */
export function peerEmitter(drive: Drive): EventEmitter | null {
  return nestables.get(drive)?.drive ?? lender(drive).core ?? null
}

export async function closeDrive(drive: Drive): Promise<void> {
  await lender(drive).close?.()
}

function isKey(value: unknown): value is Uint8Array | string {
  return typeof value === 'string' || value instanceof Uint8Array
}

function decodeKey(key: Uint8Array | string): Buffer {
  if (isValid(key)) return Buffer.from(decode(key))
  throw failure('DRIVE_INVALID', { detail: 'a key has 32 bytes, in z-base-32 or hex when it is text' })
}

/** The key of a Hyperdrive that shows its head, known before it is open; null for any other drive. */
function keyBeforeOpen(drive: unknown): Buffer | null {
  if (typeof drive !== 'object' || drive === null || nestables.has(drive)) return null
  const { core } = drive as Lender
  return core?.key && core.snapshotted !== true ? Buffer.from(core.key) : null
}
