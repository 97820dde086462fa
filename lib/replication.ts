import Hypercore from 'hypercore'
import type { Duplex } from 'streamx'
import type { Drive } from './drive.ts'
import { failure } from './errors.ts'

/** A stream to a peer: a Noise stream, such as a connection of Hyperswarm, or what `replicate(isInitiator)` gave. */
export interface ReplicationStream {
  /** The Noise stream that encrypts what goes over it; it may be the stream itself. */
  readonly noiseStream: object | null
}

/** A Protomux over a stream to a peer. */
export interface Muxer {
  readonly isProtomux: boolean
  readonly stream: ReplicationStream | object
}

/** Options of a stream that is made, handed on as they are. */
export interface ReplicateOptions {
  /** False to send nothing to keep the connection alive. */
  keepAlive?: boolean
  /** The Noise key pair of this side. Default: a new one. */
  keyPair?: object
  /** Replicate over this stream rather than a new one. */
  stream?: ReplicationStream
}

/** A stream that drives are replicated over: to be piped to the peer's, or given to another `replicate(stream)`. */
export interface ProtocolStream extends Duplex, ReplicationStream {
  readonly noiseStream: Duplex
}

/** A Corestore, as far as replicating it takes. */
interface Store {
  /** The store that it is a session of, null for one that is none. */
  readonly root?: Store | null
  replicate(stream: Duplex): unknown
  get(opts: object): Core
}

interface Core {
  ready(): Promise<void>
  replicate(stream: Duplex): unknown
  close(): Promise<void>
}

/**
 * A stream to a peer, with all Corestores that it carries, whichever MultiDrives put them there. A Corestore opens cores that a peer asks for,
 * but a stream takes one handler for that, and each store that joins puts its own in the place of the last; so one is put behind it
 * that asks all of them.
 */
class Line {
  readonly users = new Set<Replication>()
  readonly #stream: Duplex
  readonly #carried = new Set<Store>()

  constructor(stream: Duplex) {
    this.#stream = stream
    // Every store and every core has one of its own.
    stream.setMaxListeners(0)
  }

  carry(stores: ReadonlySet<Store>): void {
    for (const store of stores) {
      if (this.#carried.has(store)) continue
      try {
        store.replicate(this.#stream)
        this.#carried.add(store)
      } catch {
        // It is closed, and its drives are about to leave the set.
      }
    }
    Hypercore.createProtocolStream(this.#stream, { ondiscoverykey: (key: Buffer) => this.#open(key) })
  }

  /** Opens the core that the peer asks for, in the first store that has it. An error of one store must not end the stream. */
  async #open(discoveryKey: Buffer): Promise<void> {
    const asked = new Set<Store>()
    for (const { stores } of [...this.users]) {
      for (const store of stores) {
        if (asked.has(store)) continue
        asked.add(store)
        if (await this.#attach(store, discoveryKey)) return
      }
    }
  }

  async #attach(store: Store, discoveryKey: Buffer): Promise<boolean> {
    let core: Core | null = null
    try {
      core = store.get({ discoveryKey, active: false })
      await core.ready()
      core.replicate(this.#stream)
      return true
    } catch {
      return false
    } finally {
      // Once it has a peer it stays open as long as it has one.
      await core?.close().catch(() => undefined)
    }
  }
}

/** By the Noise stream: two MultiDrives may replicate over one. */
const lines = new WeakMap<Duplex, Line>()

/** By the MultiDrive, so that one that is in another is replicated with it. */
const replications = new WeakMap<object, Replication>()

/**
 * The streams that a MultiDrive replicates over. Each carries the Corestores of all its drives, those of the MultiDrives in it and those
 * that are added later.
 */
export class Replication {
  readonly #drives = new Set<Drive>()
  /** Those of the MultiDrives that this one is in. */
  readonly #outer = new Set<Replication>()
  readonly #streams = new Map<Duplex, { line: Line; own: Duplex | null }>()
  #stores: ReadonlySet<Store> | null = null

  /** @param multi - the MultiDrive that it is of */
  constructor(multi: object) {
    replications.set(multi, this)
  }

  /** The stores of all drives, each once, in the order of adding. */
  get stores(): ReadonlySet<Store> {
    this.#stores ??= new Set([...this.#drives].flatMap((drive) => [...storesOf(drive)]))
    return this.#stores
  }

  /** Whether any stream is open that carries these stores, of this MultiDrive or of one that it is in. */
  get active(): boolean {
    return this.#streams.size > 0 || [...this.#outer].some(({ active }) => active)
  }

  /** Carries a drive's store, also over the streams that are open. A drive without one has nothing to be carried. */
  add(drive: Drive): void {
    if (this.#drives.has(drive)) return
    this.#drives.add(drive)
    replications.get(drive)?.enter(this)
    this.#forgetStores()
    this.#carry(new Set(storesOf(drive)))
  }

  /** Leaves a drive's store out of later streams; a peer can open no more of it over those that are open. */
  remove(drive: Drive): void {
    if (!this.#drives.delete(drive)) return
    replications.get(drive)?.leave(this)
    this.#forgetStores()
  }

  /**
   * Carries all stores over one stream, until it closes.
   *
   * @returns the stream: a new one to be piped to the peer's, or the one that was given
   * @throws EINVAL when it is neither a boolean nor a stream to a peer
   */
  replicate(isInitiator: boolean | ReplicationStream | Muxer, opts: ReplicateOptions = {}): ProtocolStream {
    const stream = protocolStream(isInitiator, opts)
    const { noiseStream } = stream
    if (noiseStream.destroying || this.#streams.has(noiseStream)) return stream
    let line = lines.get(noiseStream)
    if (!line) lines.set(noiseStream, (line = new Line(noiseStream)))
    line.users.add(this)
    const isOwn = typeof isInitiator === 'boolean' && !opts.stream
    this.#streams.set(noiseStream, { line, own: isOwn ? stream : null })
    noiseStream.once('close', () => this.#forget(noiseStream))
    line.carry(this.stores)
    return stream
  }

  /** Ends the streams that were made here, as nobody else can use them; those that were given stay open. */
  close(): void {
    for (const [noiseStream, { own }] of [...this.#streams]) {
      this.#forget(noiseStream)
      own?.destroy()
    }
  }

  /** Its MultiDrive has become one of the drives of another. */
  private enter(outer: Replication): void {
    this.#outer.add(outer)
  }

  private leave(outer: Replication): void {
    this.#outer.delete(outer)
  }

  /** Over every stream, so they are gone through more than once. */
  #carry(stores: ReadonlySet<Store>): void {
    for (const { line } of this.#streams.values()) line.carry(stores)
    for (const outer of this.#outer) outer.#carry(stores)
  }

  #forget(noiseStream: Duplex): void {
    const stream = this.#streams.get(noiseStream)
    stream?.line.users.delete(this)
    this.#streams.delete(noiseStream)
  }

  #forgetStores(): void {
    this.#stores = null
    for (const outer of this.#outer) outer.#forgetStores()
  }
}

function protocolStream(
  isInitiator: boolean | ReplicationStream | Muxer,
  opts: ReplicateOptions
): ProtocolStream {
  if (!isReplicable(isInitiator) || (opts.stream != null && !isStreamToPeer(opts.stream))) {
    throw failure('EINVAL', {
      syscall: 'replicate',
      detail: 'it takes whether this side is the initiator, or a Noise stream, or a Protomux'
    })
  }
  return Hypercore.createProtocolStream(isInitiator, opts) as ProtocolStream
}

function isReplicable(given: unknown): boolean {
  if (typeof given !== 'object' || given === null) return typeof given === 'boolean'
  if ('isProtomux' in given && given.isProtomux === true)
    return 'stream' in given && isStreamToPeer(given.stream)
  return isStreamToPeer(given)
}

function isStreamToPeer(stream: unknown): boolean {
  if (typeof stream !== 'object' || stream === null || !('pipe' in stream)) return false
  return 'noiseStream' in stream && typeof stream.noiseStream === 'object' && stream.noiseStream !== null
}

function* storesOf(drive: Drive): Iterable<Store> {
  const nested = replications.get(drive)
  if (nested) return yield* nested.stores
  const { corestore } = drive as Drive & { corestore?: Partial<Store> | null }
  if (typeof corestore?.replicate !== 'function' || typeof corestore.get !== 'function') return
  // Sessions of one store replicate the same cores.
  yield corestore.root ?? (corestore as Store)
}
