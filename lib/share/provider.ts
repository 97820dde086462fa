import { EventEmitter } from 'node:events'
import type { FSWatcher } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { resolve } from 'node:path'
import Localdrive from 'localdrive'
import { raceSignal } from 'race-signal'
import MultiDrive, { type Drive } from '../../index.ts'
import { closeAll } from './closing.ts'
import { createDrive, createStore, type KeyedDrive } from './drives.ts'
import { changedByKey } from './changed-by-key.ts'
import { formatLink } from './key.ts'
import { mirroredVersion, mirrorFolder, type Mirrored } from './mirror.ts'
import { Peers, type Bootstrap, type Swarm } from './peers.ts'
import { liesIn, realPath } from './real-path.ts'
import { ShareError } from './share-error.ts'
import { temporaryFolder } from './temporary.ts'
import { watchFolder } from './watching.ts'

export interface ProviderOptions {
  /** Where the drive is kept, for the key to be the same the next time; null, the default, for nowhere. */
  readonly storage?: string | null | undefined
  /** Default: a swarm of its own. One that is given is left open. */
  readonly swarm?: Swarm | undefined
  /** The nodes that a swarm of its own enters the DHT by. Default: the public ones. */
  readonly bootstrap?: readonly Bootstrap[] | undefined
  /** Whether changes of the folder are followed. Default false. */
  readonly watch?: boolean | undefined
  /** Whether changes of the drive that the folder does not have are undone. Default false: they are an error. */
  readonly force?: boolean | undefined
  /** Called when the folder is taken over, before others can find it: in a slow network that takes its time. */
  readonly onmirrored?: ((link: string, mirrored: Mirrored) => void) | undefined
  /** Gives up before it is open. */
  readonly signal?: AbortSignal | undefined
}

/** A folder has changed when nothing more has changed in it for so many milliseconds. */
const QUIET = 100

/** Watchers of folders lose what happens in a folder that is new. So often it is looked by itself, in milliseconds. */
const LOOK = 10_000

/**
 * A folder of the disk that others can read as a Hyperdrive.
 *
 * Events: `mirrored` ({@link Mirrored}) when a change of the folder has been taken over, `error` when one could not be.
 */
export class Provider extends EventEmitter<{ mirrored: [Mirrored]; error: [unknown] }> {
  readonly folder: string
  readonly drive: Drive
  readonly key: Buffer
  /** `hd://` and the key. */
  readonly link: string
  /** What the folder held when it was opened. */
  readonly mirrored: Mirrored
  readonly #leave: () => Promise<void>
  #closing: Promise<void> | null = null

  private constructor(folder: string, drive: KeyedDrive, mirrored: Mirrored, more: Parts) {
    super()
    this.folder = folder
    this.drive = drive
    this.key = drive.key
    this.link = formatLink(this.key)
    this.mirrored = mirrored
    this.#leave = more.leave
    more.follower?.begin(
      (counts) => this.emit('mirrored', counts),
      (err) => this.emit('error', err)
    )
  }

  /**
   * Takes a folder over into a drive and lets others find it.
   *
   * @throws ENOENT, ENOTDIR and the like for what is no folder; STORAGE_IN_FOLDER; CHANGED_BY_KEY when the drive was written to by its key
   *   and the folder does not have that, unless with `force`; what reading it or writing the drive throws; the reason of the signal
   */
  static async open(folder: string, opts: ProviderOptions = {}): Promise<Provider> {
    const { storage = null, swarm, bootstrap, watch = false, force = false, onmirrored } = opts
    const signal = opts.signal ?? new AbortController().signal
    const root = resolve(folder)
    await readdir(root)
    if (storage !== null) await requireOutside(storage, root)
    const ends: (() => unknown)[] = []
    const leave = () => closeAll(ends.splice(0).reverse())
    try {
      const temporary = storage === null ? await temporaryFolder() : null
      if (temporary) ends.push(() => temporary.remove())
      const store = createStore(temporary?.path ?? resolve(storage!))
      ends.push(() => store.close())
      await store.ready()
      const drive = createDrive(store.session())
      ends.push(() => drive.close())
      await drive.ready()
      const source = new MultiDrive(new Localdrive(root) as Drive)
      ends.push(() => source.close())
      // From before the first look on, for nothing to be lost between the two.
      const follower = watch ? new Follower(root, source, drive) : null
      if (follower) ends.push(() => follower.close())
      if (!force) await requireUnchanged(source, drive, signal)
      const mirrored = await mirrorFolder(source, drive, signal)
      onmirrored?.(formatLink(drive.key), mirrored)
      const keyPair = await store.createKeyPair('multidrive/swarm')
      const peers = new Peers(store, { swarm, bootstrap, keyPair })
      ends.push(() => peers.close())
      await raceSignal(peers.announce(drive.discoveryKey), signal)
      return new Provider(root, drive, mirrored, { follower, leave })
    } catch (err) {
      // What it did not open for is what is to be told.
      await leave().catch(() => undefined)
      throw err
    }
  }

  /** Serves it no more, and removes what was stored of it nowhere. */
  close(): Promise<void> {
    return (this.#closing ??= this.#leave())
  }
}

/**
 * Keeps the key to write a drive from being shared with its files.
 *
 * @throws STORAGE_IN_FOLDER
 */
export async function requireOutside(storage: string, folder: string): Promise<void> {
  if (!liesIn(await realPath(storage), await realPath(folder))) return
  const detail = `the drive would be kept in the folder that is shared, and its secret key with it: ${storage}`
  throw new ShareError('STORAGE_IN_FOLDER', detail, [storage])
}

/** So many paths are named in an error. */
const NAMED = 5

async function requireUnchanged(source: MultiDrive, drive: KeyedDrive, signal: AbortSignal): Promise<void> {
  const paths = await changedByKey(source, drive, await mirroredVersion(drive), signal)
  if (paths.length === 0) return
  const more = paths.length > NAMED ? ` and ${paths.length - NAMED} more` : ''
  const detail = `it was changed by its key, which to share the folder again would undo: ${paths.slice(0, NAMED).join(', ')}${more}`
  throw new ShareError('CHANGED_BY_KEY', detail, paths)
}

interface Parts {
  readonly follower: Follower | null
  readonly leave: () => Promise<void>
}

/** Takes changes of a folder over, one look after another. */
class Follower {
  readonly #folder: string
  readonly #source: MultiDrive
  readonly #drive: KeyedDrive
  readonly #watcher: FSWatcher
  readonly #over = new AbortController()
  #tell: (mirrored: Mirrored) => void = () => undefined
  #fail: (err: unknown) => void = () => undefined
  #timer: NodeJS.Timeout | null = null
  #isRunning = false
  #isOpen = false
  /** Whether the folder has changed since it was last looked at. */
  #isStale = false
  #running: Promise<void> = Promise.resolve()

  constructor(folder: string, source: MultiDrive, drive: KeyedDrive) {
    this.#folder = folder
    this.#source = source
    this.#drive = drive
    this.#watcher = watchFolder(
      folder,
      () => this.#changed(),
      (err) => this.#fail(err)
    )
  }

  begin(tell: (mirrored: Mirrored) => void, fail: (err: unknown) => void): void {
    this.#tell = tell
    this.#fail = fail
    this.#isOpen = true
    this.#next()
  }

  async close(): Promise<void> {
    this.#over.abort()
    this.#watcher.close()
    if (this.#timer) clearTimeout(this.#timer)
    await this.#running
  }

  #changed(): void {
    this.#isStale = true
    if (this.#isOpen && !this.#isRunning) this.#after(QUIET)
  }

  #after(pause: number): void {
    if (this.#over.signal.aborted) return
    if (this.#timer) clearTimeout(this.#timer)
    this.#timer = setTimeout(() => {
      this.#running = this.#look()
    }, pause)
  }

  async #look(): Promise<void> {
    this.#isRunning = true
    this.#isStale = false
    try {
      // A folder that is gone, as a disk that was taken out, is not one that is empty.
      await readdir(this.#folder)
      const mirrored = await mirrorFolder(this.#source, this.#drive, this.#over.signal)
      if (mirrored.added + mirrored.changed + mirrored.removed > 0) this.#tell(mirrored)
    } catch (err) {
      if (!this.#over.signal.aborted) this.#fail(err)
    } finally {
      this.#isRunning = false
      this.#next()
    }
  }

  #next(): void {
    this.#after(this.#isStale ? QUIET : LOOK)
  }
}
