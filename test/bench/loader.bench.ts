/** What loading costs beside reading a drive, and beside mirroring it. */
import { execFile, fork } from 'node:child_process'
import { once } from 'node:events'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import createTestnet from '@hyperswarm/testnet'
import Corestore from 'corestore'
import Hyperdrive from 'hyperdrive'
import { formatLink } from '../../lib/share/key.ts'
import type { Bench, Cost } from './harness.ts'
import type { Saving } from './loader-disk.ts'
import type { Loading } from './loader-memory.ts'
import type { Serving } from './loader-peer.ts'
import { shippedLoader } from './shipped.ts'

const MiB = 1 << 20
const STREAMED = 300
const SAVED = 200

const DRIVE = 'the drive itself'
export const LOADER = 'HyperDriveDL'
const MIRROR = 'mirror-drive'

export const LOADER_COSTS = {
  stream: `memory above the start while ${STREAMED} MiB are streamed`,
  disk: `memory above the start while ${SAVED} MiB are saved`
} as const

export const bench: Bench = {
  title: `Loading: ${STREAMED} MiB through a stream, ${SAVED} MiB over loopback to the disk; for each MiB`,
  async prepare(folder) {
    const { HyperDriveDL } = await shippedLoader()
    const near = new Corestore(join(folder, 'here'))
    const drive = new Hyperdrive(near.session())
    await write(drive, '/streamed.bin', STREAMED)
    const { key, discoveryKey } = await fill(join(folder, 'theirs'))
    const testnet = await createTestnet(3)
    const { bootstrap } = testnet
    const local = new HyperDriveDL({ drive })
    await local.ready()
    let rounds = 0

    const serving = async <T>(job: () => Promise<T>) => {
      const stop = await serve({ storage: join(folder, 'theirs'), discoveryKey, bootstrap })
      return job().finally(stop)
    }
    /** Both ends are processes of their own, as they are for those who load: what one leaves behind is no burden of the next. */
    const save = (by: Saving['by']) =>
      serving(async () => {
        const root = join(folder, `round-${rounds++}`)
        const saving: Saving = { key: key.toString('hex'), bootstrap, path: '/saved.bin', by, folder: root }
        const micros = await run('loader-disk.ts', [], saving)
        await rm(root, { recursive: true, force: true })
        return { units: SAVED, micros }
      })
    return {
      subjects: [
        {
          name: DRIVE,
          jobs: { getStream: () => drain(drive.createReadStream('/streamed.bin')) }
        },
        {
          name: MIRROR,
          jobs: { toDisk: () => save('mirror-drive') }
        },
        {
          name: LOADER,
          jobs: {
            getStream: async () => drain(await local.getStream('/streamed.bin')),
            toDisk: () => save('loader')
          }
        }
      ],
      fewer: { getStream: { warmup: 1, measured: 7 }, toDisk: { warmup: 0, measured: 8 } },
      turns: { toDisk: 3 },
      async costs(): Promise<Cost[]> {
        const memory = (path: string, diskPath: string | null) => {
          const loading: Loading = { key: formatLink(key), bootstrap, path, diskPath }
          return serving(() => run('loader-memory.ts', ['--expose-gc'], loading))
        }
        const streaming = await memory('/streamed.bin', null)
        const saving = await memory('/saved.bin', join(folder, 'memory'))
        return [
          { what: LOADER_COSTS.stream, value: streaming, unit: 'MiB' },
          { what: LOADER_COSTS.disk, value: saving, unit: 'MiB' }
        ]
      },
      async close() {
        await local.close()
        await drive.close()
        await near.close()
        await testnet.destroy()
      }
    }
  }
}

/** Makes a store with a drive of what others load. */
async function fill(storage: string): Promise<{ key: Buffer; discoveryKey: string }> {
  const store = new Corestore(storage)
  const drive = new Hyperdrive(store.session())
  await write(drive, '/streamed.bin', STREAMED)
  await write(drive, '/saved.bin', SAVED)
  const [key, discoveryKey] = [drive.key, drive.discoveryKey.toString('hex')]
  await drive.close()
  await store.close()
  return { key, discoveryKey }
}

/** @returns what ends it */
async function serve(serving: Serving): Promise<() => Promise<void>> {
  const file = join(import.meta.dirname, 'loader-peer.ts')
  const child = fork(file, [JSON.stringify(serving)], { execArgv: ['--import', 'tsx'] })
  const exit = once(child, 'exit')
  const [first] = (await Promise.race([once(child, 'message'), exit])) as unknown[]
  if (first !== 'serving') throw new Error(`what is to serve ended with ${String(first)}`)
  return async () => {
    child.disconnect()
    await exit
  }
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

/** Runs a file in a process of its own, and gives the number that it prints. */
async function run(name: string, flags: readonly string[], task: Loading | Saving): Promise<number> {
  const args = [...flags, '--import', 'tsx', join(import.meta.dirname, name), JSON.stringify(task)]
  const { stdout } = await promisify(execFile)(process.execPath, args)
  return Number(stdout)
}
