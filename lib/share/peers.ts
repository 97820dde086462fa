import HyperDHT from 'hyperdht'
import Hyperswarm from 'hyperswarm'
import { createDrive, type KeyedDrive, type Store } from './drives.ts'
import { TransferError } from './errors.ts'
import { formatLink } from './key.ts'

/** A Hyperswarm, as far as finding peers takes. */
export interface Swarm {
  readonly connections: Iterable<object>
  join(topic: Buffer, opts: { server: boolean; client: boolean }): Discovery
  flush(): Promise<unknown>
  on(event: 'connection', listener: (connection: object) => void): unknown
  off(event: 'connection', listener: (connection: object) => void): unknown
}

/** A swarm that is to be destroyed by whoever made it. */
export interface OwnSwarm extends Swarm {
  destroy(): Promise<void>
}

/** The search for the peers of one topic. */
export interface Discovery {
  flushed(): Promise<unknown>
  refresh(opts: { server: boolean; client: boolean }): Promise<unknown>
  destroy(): Promise<unknown>
}

/** A node that a DHT is entered by: `host:port`, or the two of them. */
export type Bootstrap = string | { readonly host: string; readonly port: number }

export interface PeersOptions {
  /** Default: one of its own, made when it is first needed and destroyed with it. One that is given is left open. */
  readonly swarm?: Swarm | undefined
  /** The nodes that a swarm of its own enters the DHT by. Default: the public ones. */
  readonly bootstrap?: readonly Bootstrap[] | undefined
  /** What a swarm of its own is known by. With the same as the last time, peers find it again without a search. */
  readonly keyPair?: object | undefined
}

export interface OpenOptions {
  /** How long its first answer is waited for, in milliseconds; default 30,000, 0 for without bound. */
  readonly timeout?: number | undefined
  /** The version that it is needed at. Default: any. */
  readonly version?: number | undefined
}

const TIMEOUT = 30_000

/** A drive that is known from before is there without peers: its head is asked for, but not longer than so many milliseconds. */
const REFRESH = 3000

/** Which drives a peer has, it tells a moment after it is connected: within so many milliseconds. */
const SETTLE = 2000

/** Without a peer, one is looked for again after so many milliseconds, then less and less often. A swarm by itself does so every ten minutes. */
const RETRY = { first: 1000, last: 30_000 }

/** The nodes of the network that are to forget it have so many milliseconds for their answer. */
const LEAVE = 2000

/** The peers of the drives of a Corestore: it is replicated with everybody who is found under the topic of one of them. */
export class Peers {
  readonly #store: Store
  readonly #options: PeersOptions
  #swarm: Swarm | null = null
  #own: OwnSwarm | null = null
  readonly #searches = new Map<Discovery, () => void>()
  readonly #replicate = (connection: object): void => void this.#store.replicate(connection)
  readonly #closed = new AbortController()

  constructor(store: Store, opts: PeersOptions = {}) {
    this.#store = store
    this.#options = opts
  }

  /** Lets others find the drive of a discovery key here. Resolves when it is announced. */
  async announce(discoveryKey: Buffer): Promise<void> {
    const role = { server: true, client: false }
    const discovery = this.#begin().join(discoveryKey, role)
    this.#searches.set(discovery, () => undefined)
    await discovery.flushed()
  }

  /**
   * Opens the drive of a key in a session of the store, which may be open there already, and waits for what the first peer says of it. One
   * that is in the store from before needs no peer.
   *
   * @throws CONNECTION_FAILED when nobody has answered in time
   */
  async openDrive(key: Uint8Array, { timeout = TIMEOUT, version }: OpenOptions = {}): Promise<KeyedDrive> {
    const drive = createDrive(this.#store.session({ writable: false }), key)
    try {
      await drive.ready()
      await this.#reach(drive, timeout, version ?? 0)
      return drive
    } catch (err) {
      await drive.close()
      throw err
    }
  }

  /** Looks for nobody any more. Drives and the store stay open. */
  async close(): Promise<void> {
    this.#closed.abort()
    this.#swarm?.off('connection', this.#replicate)
    const searches = [...this.#searches]
    this.#searches.clear()
    for (const [, stop] of searches) stop()
    if (this.#own) return this.#own.destroy()
    await Promise.all(searches.map(([discovery]) => discovery.destroy()))
  }

  #begin(): Swarm {
    if (this.#swarm) return this.#swarm
    const { swarm, bootstrap, keyPair } = this.#options
    if (!swarm) this.#own = createSwarm(bootstrap, keyPair)
    this.#swarm = swarm ?? this.#own!
    this.#swarm.on('connection', this.#replicate)
    for (const connection of this.#swarm.connections) this.#replicate(connection)
    return this.#swarm
  }

  /** Looks for peers of a drive from now on. */
  #search(drive: KeyedDrive): void {
    const swarm = this.#begin()
    const role = { server: false, client: true }
    const discovery = swarm.join(drive.discoveryKey, role)
    let pause = RETRY.first
    let timer: NodeJS.Timeout
    const again = () => {
      if (drive.core.peers.length > 0) pause = RETRY.first
      else {
        pause = Math.min(2 * pause, RETRY.last)
        // It failed: the next one is not far.
        discovery.refresh(role).catch(() => undefined)
      }
      timer = setTimeout(again, pause)
      timer.unref()
    }
    timer = setTimeout(again, pause)
    timer.unref()
    this.#searches.set(discovery, () => clearTimeout(timer))
    drive.once('close', () => clearTimeout(timer))
    const found = drive.findingPeers()
    const settled = async () => {
      await swarm.flush()
      if (drive.core.peers.length > 0 || [...swarm.connections].length === 0) return
      await changed(drive, AbortSignal.any([this.#closed.signal, AbortSignal.timeout(SETTLE)]))
    }
    settled().then(found, found)
  }

  async #reach(drive: KeyedDrive, timeout: number, version: number): Promise<void> {
    const isKnown = () => drive.core.length > 0 && drive.core.length >= version
    const patience = isKnown() ? (timeout === 0 ? REFRESH : Math.min(timeout, REFRESH)) : timeout
    const over = new AbortController()
    const timer = patience === 0 ? null : setTimeout(() => over.abort(), patience)
    const end = () => over.abort()
    this.#closed.signal.addEventListener('abort', end)
    try {
      if (this.#closed.signal.aborted) end()
      else this.#search(drive)
      while (!over.signal.aborted) {
        const moved = changed(drive, over.signal)
        // With peers at hand it resolves when they have told of their heads, without them when the search is through.
        await Promise.race([drive.update({ wait: true }), aborted(over.signal)])
        if (isKnown() || (version === 0 && drive.core.peers.length > 0)) return
        await moved
      }
      if (isKnown()) return
      throw new TransferError('CONNECTION_FAILED', {
        path: formatLink(drive.key),
        detail: this.#closed.signal.aborted
          ? 'it was closed'
          : drive.core.length > 0
            ? `nobody has told of version ${version} within ${timeout} ms; it is known up to ${drive.core.length}`
            : `nobody who has it was found within ${timeout} ms`
      })
    } finally {
      if (timer) clearTimeout(timer)
      over.abort()
      this.#closed.signal.removeEventListener('abort', end)
    }
  }
}

/** Resolves when a peer has come or the drive has grown, or it is over. */
function changed(drive: KeyedDrive, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      drive.core.off('peer-add', end)
      drive.core.off('append', end)
      signal.removeEventListener('abort', end)
      resolve()
    }
    drive.core.on('peer-add', end)
    drive.core.on('append', end)
    signal.addEventListener('abort', end)
  })
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}

/**
 * A swarm that the peers of several stores can share. To be destroyed it takes its leave of the network, for a moment.
 *
 * @param bootstrap - the nodes that the DHT is entered by; default: the public ones
 * @param keyPair - what it is known by; default: a new one
 */
export function createSwarm(bootstrap: readonly Bootstrap[] | undefined, keyPair?: object): OwnSwarm {
  const dht = createNode(bootstrap)
  const swarm = new Hyperswarm({ dht, ...(keyPair === undefined ? {} : { keyPair }) })
  // One for each drive, as many as there are.
  swarm.setMaxListeners(0)
  const destroy = async () => {
    // Where nobody answers, the swarm would ask for six seconds and more.
    let forced: Promise<void> | undefined
    const timer = setTimeout(() => {
      forced = dht.destroy({ force: true })
      // It is waited for in its turn.
      forced.catch(() => undefined)
    }, LEAVE)
    await Hyperswarm.prototype.destroy.call(swarm).finally(() => clearTimeout(timer))
    await forced
  }
  return Object.assign(swarm, { destroy })
}

function createNode(bootstrap: readonly Bootstrap[] | undefined): HyperDHT {
  if (!bootstrap) return new HyperDHT()
  const hosts = bootstrap.map((node) => (typeof node === 'string' ? node.replace(/:\d+$/, '') : node.host))
  const isLocal = hosts.length > 0 && hosts.every((host) => host === 'localhost' || host.startsWith('127.'))
  // On this machine everybody reaches everybody: on all interfaces a node would tell of addresses that nobody has who only listens here, and
  // one that takes itself for firewalled is tried in ways that take a quarter of a minute to fail.
  return new HyperDHT({ bootstrap, ...(isLocal ? { host: '127.0.0.1', firewalled: false } : {}) })
}
