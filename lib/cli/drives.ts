import Localdrive from 'localdrive'
import MultiDrive, { type Drive } from '../../index.ts'
import { closeAll } from '../share/closing.ts'
import { createDrive } from '../share/drives.ts'
import { formatLink } from '../share/key.ts'
import { createSwarm, Peers, type Bootstrap, type OwnSwarm } from '../share/peers.ts'
import { CliError } from './errors.ts'
import { isSameDrive, parseSpec, type Spec } from './specs.ts'
import { Storage } from './storage.ts'

export interface DrivesOptions {
  readonly storage: string
  readonly bootstrap: readonly Bootstrap[] | undefined
  /** How long a drive that no peer has is waited for, in milliseconds. */
  readonly timeout: number
  /** Tells of what is not as it should be, with the drive that it is about. */
  readonly warn: (text: string, drive?: string | null) => void
  readonly signal: AbortSignal
}

/** So much of a key says to people which it is. */
const SHORT_KEY = 8

/** The drives that `-d` names, read as one, with what they need to be found and kept. */
export class Drives {
  readonly #options: DrivesOptions
  readonly #labels = new Map<object, string>()
  readonly #specs = new Map<Spec, Drive>()
  readonly #storage: Storage
  readonly #stores: (() => Promise<void>)[] = []
  readonly #peers: Peers[] = []
  readonly #ends: (() => unknown)[] = []
  #multi: MultiDrive | null = null
  #swarm: OwnSwarm | null = null
  #closed = false

  constructor(opts: DrivesOptions) {
    this.#options = opts
    this.#storage = new Storage(opts.storage)
  }

  /** All of them as one, once they are open. */
  get multi(): MultiDrive {
    return this.#multi!
  }

  /** Names a drive as `-d` did, or by its key. */
  labelOf(drive: object): string | null {
    const label = this.#labels.get(drive)
    if (label !== undefined) return label
    const { key } = drive as { key?: Uint8Array | null }
    return key ? formatLink(key) : null
  }

  /** The same, short enough for a column. */
  shortOf(drive: object): string | null {
    const label = this.labelOf(drive)
    return label === null ? null : short(label)
  }

  /** As `-d` named them. */
  get labels(): string[] {
    return [...this.#specs.keys()].map(({ label, readOnly }) => (readOnly ? `${label}:ro` : label))
  }

  /** As wide as the widest of the short names. */
  get width(): number {
    return Math.max(...[...this.#labels.values()].map((label) => short(label).length))
  }

  /** The drive that a SPEC names, null when it is none of these. */
  async find(text: string): Promise<Drive | null> {
    const wanted = await parseSpec(text)
    for (const [spec, drive] of this.#specs) if (isSameDrive(spec, wanted)) return drive
    return null
  }

  /** The folders of the disk among them. */
  get folders(): string[] {
    return [...this.#specs.keys()].flatMap((spec) => (spec.kind === 'folder' ? [spec.root] : []))
  }

  /** Closes all of it, also while it opens; what does not close keeps nothing else open. */
  async close(): Promise<void> {
    this.#closed = true
    const ends = [
      () => this.#multi?.close(),
      ...this.#ends.splice(0).reverse(),
      ...this.#peers.map((peers) => () => peers.close()),
      () => this.#swarm?.destroy(),
      ...this.#stores
    ]
    await closeAll(ends)
  }

  /**
   * Opens drives and waits until they can be read.
   *
   * @param texts - what `-d` was given, each
   * @throws KEY_INVALID, ENOENT, ENOTDIR for what is no SPEC; STORAGE_LOCKED; CONNECTION_FAILED when nobody has a drive that was never here
   */
  async open(texts: readonly string[]): Promise<void> {
    const { timeout } = this.#options
    const specs: Spec[] = []
    for (const text of texts) {
      const spec = await parseSpec(text)
      if (!specs.some((other) => isSameDrive(other, spec))) specs.push(spec)
    }
    // Side by side: each may have to be waited for.
    const opened = await Promise.allSettled(specs.map((spec) => this.#openSpec(spec)))
    const failed = opened.find((result) => result.status === 'rejected')
    const drives = opened.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
    if (failed) {
      this.#ends.push(...drives.map((drive) => () => (drive as Closable).close?.()))
      throw failed.reason
    }
    drives.forEach((drive, i) => {
      this.#specs.set(specs[i]!, drive)
      this.#labels.set(drive, specs[i]!.label)
    })
    const openDrive = (key: Buffer) => this.#openKey(key, false)
    this.#multi = new MultiDrive(drives[0]!, { timeout, openDrive })
    for (const drive of drives.slice(1)) await this.multi.addDrive(drive)
    await this.multi.ready()
    if (this.#peers.length > 0) await this.#update()
  }

  async #openSpec(spec: Spec): Promise<Drive> {
    if (spec.kind === 'key') return this.#openKey(spec.key, !spec.readOnly)
    const drive = new Localdrive(spec.root) as Drive
    if (!spec.readOnly) return drive
    const inner = new MultiDrive(drive)
    this.#ends.push(() => inner.close())
    await inner.ready()
    return inner.checkout(inner.version)
  }

  /** @param own - whether one of our own is to be opened for writing */
  async #openKey(key: Buffer, own: boolean): Promise<Drive> {
    const { store, isOwn, isTemporary, close } = await this.#storage.open(key)
    this.#stores.push(close)
    if (this.#closed) {
      await close()
      throw new CliError('CLOSED', 'it was closed while a drive was opened')
    }
    if (isOwn) {
      const drive = createDrive(store.session({ writable: own }), key)
      await drive.ready()
      return drive
    }
    const { bootstrap, timeout, warn } = this.#options
    if (isTemporary) {
      const link = formatLink(key)
      warn(`${short(link)} is open elsewhere; what comes now is not kept for the next time.`, link)
    }
    this.#swarm ??= createSwarm(bootstrap)
    const peers = new Peers(store, { swarm: this.#swarm })
    this.#peers.push(peers)
    return peers.openDrive(key, { timeout })
  }

  /** Has what the peers have, as far as it comes in time. */
  async #update(): Promise<void> {
    const { timeout, warn, signal } = this.#options
    let timer: NodeJS.Timeout | undefined
    const over = new Promise<'late'>((resolve) => (timer = setTimeout(resolve, timeout, 'late')))
    try {
      const ended = await Promise.race([this.multi.update({ wait: true }), over])
      signal.throwIfAborted()
      if (ended === 'late')
        warn('Not all that the peers have has come in time; what is shown may lack the newest.')
    } finally {
      clearTimeout(timer)
    }
    const away = this.multi.drives.filter((drive) => isRemote(drive) && peersOf(drive) === 0)
    for (const drive of away)
      warn(
        `No peer of ${this.shortOf(drive)} was found; shown is what is here from before.`,
        this.labelOf(drive)
      )
  }
}

interface Closable {
  close?(): Promise<void>
}

function isRemote(drive: Drive): boolean {
  const { core } = drive as { core?: { writable: boolean } }
  return core?.writable === false
}

function peersOf(drive: Drive): number {
  return (drive as { core?: { peers: readonly unknown[] } }).core?.peers.length ?? 0
}

function short(label: string): string {
  return label.startsWith('hd://') ? `${label.slice(0, 'hd://'.length + SHORT_KEY)}…` : label
}
