/** What loading costs beside reading a drive, and beside mirroring it. */
import { execFile } from 'node:child_process'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import createTestnet from '@hyperswarm/testnet'
import Corestore from 'corestore'
import Hyperdrive from 'hyperdrive'
import Localdrive from 'localdrive'
import MirrorDrive from 'mirror-drive'
import { formatLink } from '../../lib/share/key.ts'
import { Peers } from '../../lib/share/peers.ts'
import type { Bench, Cost } from './harness.ts'
import type { Loading } from './loader-memory.ts'
import { shippedLoader } from './shipped.ts'

const MiB = 1 << 20
const STREAMED = 300
const SAVED = 200

export const DRIVE = 'the drive itself'
export const LOADER = 'HyperDriveDL'
export const MIRROR = 'mirror-drive'

export const LOADER_COSTS = {
  stream: `memory above the start while ${STREAMED} MiB are streamed`,
  disk: `memory above the start while ${SAVED} MiB are saved`
} as const

export const bench: Bench = {
  title: `Loading: ${STREAMED} MiB through a stream, ${SAVED} MiB over loopback to the disk; for each MiB`,
  async prepare(folder) {
    const { HyperDriveDL } = await shippedLoader()
    const store = new Corestore(join(folder, 'theirs'))
    const drive = new Hyperdrive(store.session())
    await write(drive, '/streamed.bin', STREAMED)
    await write(drive, '/saved.bin', SAVED)
    const { bootstrap, destroy } = await network()
    const peers = new Peers(store, { bootstrap })
    await peers.announce(drive.discoveryKey)
    const local = new HyperDriveDL({ drive })
    await local.ready()
    let rounds = 0

    /** A place that knows the drive, and has no byte of its files. */
    const elsewhere = async () => {
      const root = join(folder, `round-${rounds++}`)
      const near = new Corestore(join(root, 'store'))
      const searching = new Peers(near, { bootstrap })
      const copy = await searching.openDrive(drive.key)
      await copy.entry('/saved.bin')
      return {
        copy,
        target: join(root, 'target'),
        async leave() {
          await searching.close()
          await copy.close()
          await near.close()
          await rm(root, { recursive: true, force: true })
        }
      }
    }
    const timed = async (job: (place: Awaited<ReturnType<typeof elsewhere>>) => Promise<void>) => {
      const place = await elsewhere()
      // What one leaves to be written later is not for the next one to wait for, which sends its own to the disk.
      if (process.platform !== 'win32') await promisify(execFile)('sync')
      const started = performance.now()
      await job(place)
      const micros = (performance.now() - started) * 1000
      await place.leave()
      return { units: SAVED, micros }
    }
    const save = async ({ copy, target }: Awaited<ReturnType<typeof elsewhere>>) => {
      const loader = new HyperDriveDL({ drive: copy })
      const download = await loader.download('/saved.bin', { diskPath: target })
      const [result] = await download.await()
      if (result?.error !== null) throw result!.error
      await loader.close()
    }
    return {
      subjects: [
        {
          name: DRIVE,
          jobs: { getStream: () => drain(drive.createReadStream('/streamed.bin')) }
        },
        {
          name: MIRROR,
          jobs: {
            toDisk: () =>
              timed(async ({ copy, target }) => {
                await new MirrorDrive(copy, new Localdrive(target), { prefix: '/saved.bin' }).done()
              })
          }
        },
        {
          name: LOADER,
          jobs: {
            getStream: async () => drain(await local.getStream('/streamed.bin')),
            toDisk: () => timed(save)
          }
        }
      ],
      fewer: { getStream: { warmup: 1, measured: 7 }, toDisk: { warmup: 1, measured: 9 } },
      async costs(): Promise<Cost[]> {
        const key = formatLink(drive.key)
        const streaming = await memory({ key, bootstrap, path: '/streamed.bin', diskPath: null })
        const saving = await memory({ key, bootstrap, path: '/saved.bin', diskPath: join(folder, 'memory') })
        return [
          { what: LOADER_COSTS.stream, value: streaming, unit: 'MiB' },
          { what: LOADER_COSTS.disk, value: saving, unit: 'MiB' }
        ]
      },
      async close() {
        await local.close()
        await peers.close()
        await drive.close()
        await store.close()
        await destroy()
      }
    }
  }
}

async function network() {
  const testnet = await createTestnet(3)
  return { bootstrap: testnet.bootstrap, destroy: () => testnet.destroy() }
}

async function drain(stream: AsyncIterable<Uint8Array>): Promise<number> {
  let bytes = 0
  for await (const chunk of stream) bytes += chunk.byteLength
  if (bytes !== STREAMED * MiB) throw new Error(`${bytes} bytes`)
  return STREAMED
}

async function write(drive: Hyperdrive, path: string, size: number): Promise<void> {
  const stream = drive.createWriteStream(path)
  const closed = new Promise<void>((resolve, reject) => {
    stream.once('close', resolve)
    stream.once('error', reject)
  })
  for (let i = 0; i < 16 * size; i++) {
    const chunk = Buffer.alloc(MiB / 16, i)
    chunk.writeUInt32LE(i)
    if (!stream.write(chunk)) await new Promise((resolve) => stream.once('drain', resolve))
  }
  stream.end()
  await closed
}

/** How much more memory a process takes at most than before it loads, in MiB. */
async function memory(loading: Loading): Promise<number> {
  const file = join(import.meta.dirname, 'loader-memory.ts')
  const args = ['--expose-gc', '--import', 'tsx', file, JSON.stringify(loading)]
  const { stdout } = await promisify(execFile)(process.execPath, args)
  return Number(stdout)
}
