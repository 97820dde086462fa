/** Saves a file of a peer in a process of its own, which knows the drive and has no byte of its files, and prints the microseconds. */
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import Corestore from 'corestore'
import Localdrive from 'localdrive'
import MirrorDrive from 'mirror-drive'
import { Peers, type Bootstrap } from '../../lib/share/peers.ts'
import { shippedLoader } from './shipped.ts'

export interface Saving {
  /** Of the drive, in hex. */
  readonly key: string
  readonly bootstrap: readonly Bootstrap[]
  readonly path: string
  readonly by: 'loader' | 'mirror-drive'
  /** Where it is saved, and what has come is stored. */
  readonly folder: string
}

const { key, bootstrap, path, by, folder } = JSON.parse(process.argv[2]!) as Saving
const { HyperDriveDL } = await shippedLoader()
const target = join(folder, 'target')
const store = new Corestore(join(folder, 'store'))
const peers = new Peers(store, { bootstrap })
const copy = await peers.openDrive(Buffer.from(key, 'hex'))
await copy.entry(path)

const save = {
  async loader() {
    const loader = new HyperDriveDL({ drive: copy })
    const [result] = await (await loader.download(path, { diskPath: target })).await()
    if (result?.error !== null) throw result?.error ?? new Error('nothing was saved')
    await loader.close()
  },
  async 'mirror-drive'() {
    const mirror = new MirrorDrive(copy, new Localdrive(target), { prefix: path })
    await mirror.done()
    if (mirror.count.add !== 1) throw new Error('nothing was saved')
  }
}

// What the last one left to be written later is not for this one to wait for, which may send its own to the disk.
if (process.platform !== 'win32') execFileSync('sync')
const started = performance.now()
await save[by]()
const micros = (performance.now() - started) * 1000
await peers.close()
await copy.close()
await store.close()
process.stdout.write(`${micros}\n`)
