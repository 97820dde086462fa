import { once } from 'node:events'
import { join } from 'node:path'
import Corestore from 'corestore'
import type HyperDHT from 'hyperdht'
import Hyperdrive from 'hyperdrive'
import Hyperswarm from 'hyperswarm'
import MultiDrive from '../../index.ts'
import type { Leftovers } from './leftovers.ts'

/** Someone with a drive of their own, and a MultiDrive over that and what others share. */
export class Peer {
  readonly name: string
  /** The drive that nobody but this peer can write to. */
  readonly own: Hyperdrive
  readonly multi: MultiDrive
  readonly #store: Corestore
  readonly #createNode: () => HyperDHT
  #swarm: Hyperswarm | null = null

  private constructor(name: string, store: Corestore, own: Hyperdrive, createNode: () => HyperDHT) {
    this.name = name
    this.own = own
    this.multi = new MultiDrive(own)
    this.#store = store
    this.#createNode = createNode
  }

  /**
   * @param folder - where the peer keeps its drives
   * @param createNode - makes a DHT node to find others with
   */
  static async create(
    name: string,
    folder: string,
    createNode: () => HyperDHT,
    leftovers: Leftovers
  ): Promise<Peer> {
    const store = new Corestore(join(folder, name))
    leftovers.add(() => store.close())
    const peer = new Peer(name, store, new Hyperdrive(store.session()), createNode)
    leftovers.add(() => peer.multi.close())
    leftovers.add(() => peer.disconnect())
    await peer.multi.ready()
    return peer
  }

  /** Lets others find this peer, or finds the one that does, by the same topic. */
  async connect(topic: Buffer, role: 'server' | 'client'): Promise<void> {
    const swarm = new Hyperswarm({ dht: this.#createNode() })
    this.#swarm = swarm
    swarm.on('connection', (connection) => this.#store.replicate(connection))
    const discovery = swarm.join(topic, { server: role === 'server', client: role === 'client' })
    await discovery.flushed()
  }

  async disconnect(): Promise<void> {
    const swarm = this.#swarm
    this.#swarm = null
    await swarm?.destroy()
  }

  /** The text that the merged view has at a path, null when there is none. */
  read(path: string): Promise<string | null> {
    return textIn(this.multi, path)
  }

  /** The text that the peer's own drive has there. */
  readOwn(path: string): Promise<string | null> {
    return textIn(this.own, path)
  }

  /** Resolves when the merged view has a text at a path, or null for none. */
  async sees(path: string, text: string | null): Promise<void> {
    for (;;) {
      const stop = new AbortController()
      const changed = once(this.multi, 'update', { signal: stop.signal })
      changed.catch(() => undefined)
      try {
        if ((await this.read(path)) === text) return
        await changed
      } finally {
        stop.abort()
      }
    }
  }

  /** Resolves at the next time when all that another drive has to say about its files has come. */
  async syncs(): Promise<void> {
    await once(this.multi, 'drive-sync')
  }
}

async function textIn(
  drive: { get(path: string): Promise<Buffer | null> },
  path: string
): Promise<string | null> {
  const bytes = await drive.get(path)
  return bytes === null ? null : bytes.toString()
}
