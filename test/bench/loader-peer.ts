/** Serves what a store holds, in a process of its own, until whoever started it lets go of it. */
import { once } from 'node:events'
import Corestore from 'corestore'
import { Peers, type Bootstrap } from '../../lib/share/peers.ts'

export interface Serving {
  readonly storage: string
  /** Of the drive that is announced, in hex. */
  readonly discoveryKey: string
  readonly bootstrap: readonly Bootstrap[]
}

const { storage, discoveryKey, bootstrap } = JSON.parse(process.argv[2]!) as Serving
const letGo = once(process, 'disconnect')
const store = new Corestore(storage)
const peers = new Peers(store, { bootstrap })
await peers.announce(Buffer.from(discoveryKey, 'hex'))
process.send!('serving')
await letGo
await peers.close()
await store.close()
