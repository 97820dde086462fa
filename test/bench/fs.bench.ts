import { execFile } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import Corestore from 'corestore'
import Hyperdrive from 'hyperdrive'
import { randoms } from '../helpers/randoms.ts'
import type { Bench, Subject } from './harness.ts'
import { shipped } from './shipped.ts'

const MIB = 1 << 20
const SIZE = 32 * MIB
const STEP = 65_536
const SMALL = 4096
const SMALL_FILES = 100
const RANDOM_WRITES = 200

const big = Buffer.alloc(SIZE, 'multidrive ')
const small = Buffer.alloc(SMALL, 'x')

export const bench: Bench = {
  title: `Node's fs: a file of ${SIZE / MIB} MiB, and ${SMALL_FILES} of 4 KiB; for each MiB, file or write`,
  async prepare(folder) {
    const stores = ['one', 'multi'].map((name) => new Corestore(join(folder, name)))
    const drive = new Hyperdrive(stores[0])
    await drive.ready()
    const { default: MultiDrive } = await shipped()
    const multi = new MultiDrive(new Hyperdrive(stores[1]))
    await multi.ready()
    const subjects = [
      { name: 'one Hyperdrive', jobs: await driveJobs(drive) },
      { name: 'MultiDrive', jobs: await fsJobs(multi, '') },
      { name: 'Node on disk', jobs: await fsJobs(fs, join(folder, 'disk')) }
    ]
    return {
      subjects,
      notes,
      async close() {
        await multi.close()
        await drive.close()
        for (const store of stores) await store.close()
      }
    }
  }
}

/** What comes nearest on a plain Hyperdrive: where it has no descriptors, a stream, and where it has no edits, the file written again. */
async function driveJobs(drive: any): Promise<Subject['jobs']> {
  await drive.put('/big', big)
  await drive.put('/edited', big)
  for (let i = 0; i < SMALL_FILES; i++) await drive.put(`/small/${i}`, small)
  return {
    readFile: async () => inMiB((await drive.get('/big')).byteLength),
    stream: async () => inMiB(await drain(drive.createReadStream('/big'))),
    read64K: async () => inMiB(await drain(drive.createReadStream('/big'))),
    readSmall: async () => {
      for (let i = 0; i < SMALL_FILES; i++) await drive.get(`/small/${i}`)
      return SMALL_FILES
    },
    writeFile: async (round) => {
      for (let i = 0; i < SMALL_FILES; i++) await drive.put(`/small/${i}`, Buffer.alloc(SMALL, round))
      return SMALL_FILES
    },
    write64K: async () => {
      const stream = drive.createWriteStream('/written')
      for (let at = 0; at < SIZE; at += STEP) {
        if (!stream.write(big.subarray(at, at + STEP))) await once(stream, 'drain')
      }
      stream.end()
      await once(stream, 'close')
      return inMiB(SIZE)
    },
    random4K: async (round) => {
      const bytes: Buffer = await drive.get('/edited')
      for (const place of places(round)) small.copy(bytes, place)
      await drive.put('/edited', bytes)
      return RANDOM_WRITES
    }
  }
}

async function fsJobs(of: any, root: string): Promise<Subject['jobs']> {
  const { promises } = of
  await promises.mkdir(`${root}/small`, { recursive: true })
  await promises.writeFile(`${root}/big`, big)
  await promises.writeFile(`${root}/edited`, big)
  for (let i = 0; i < SMALL_FILES; i++) await promises.writeFile(`${root}/small/${i}`, small)
  const [open, read, close] = [of.open, of.read, of.close].map((call) => promisify(call))
  return {
    readFile: async () => inMiB((await promises.readFile(`${root}/big`)).byteLength),
    stream: async () => inMiB(await drain(of.createReadStream(`${root}/big`))),
    read64K: async () => {
      const fd = await open!(`${root}/big`, 'r')
      const buffer = Buffer.alloc(STEP)
      let total = 0
      for (;;) {
        const { bytesRead } = (await read!(fd, buffer, 0, STEP, null)) as { bytesRead: number }
        if (bytesRead === 0) break
        total += bytesRead
      }
      await close!(fd)
      return inMiB(total)
    },
    readSmall: async () => {
      for (let i = 0; i < SMALL_FILES; i++) await promises.readFile(`${root}/small/${i}`)
      return SMALL_FILES
    },
    writeFile: async (round) => {
      for (let i = 0; i < SMALL_FILES; i++) {
        await promises.writeFile(`${root}/small/${i}`, Buffer.alloc(SMALL, round))
      }
      return SMALL_FILES
    },
    write64K: async () => {
      const handle = await promises.open(`${root}/written`, 'w')
      for (let at = 0; at < SIZE; at += STEP) await handle.write(big, at, STEP, null)
      await handle.close()
      return inMiB(SIZE)
    },
    random4K: async (round) => {
      const handle = await promises.open(`${root}/edited`, 'r+')
      for (const place of places(round)) await handle.write(small, 0, SMALL, place)
      await handle.close()
      return RANDOM_WRITES
    }
  }
}

/** Memory and bytes appended are measured in a process of their own, where nothing else has happened. */
async function notes(): Promise<string[]> {
  const script = fileURLToPath(new URL('fs-costs.ts', import.meta.url))
  const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', script])
  return stdout.trim().split('\n')
}

function places(round: number): number[] {
  const random = randoms(round)
  return Array.from({ length: RANDOM_WRITES }, () => Math.floor(random.next().value * (SIZE - SMALL)))
}

async function drain(stream: AsyncIterable<Uint8Array>): Promise<number> {
  let total = 0
  for await (const chunk of stream) total += chunk.byteLength
  return total
}

function inMiB(bytes: number): number {
  if (bytes !== SIZE) throw new Error(`${bytes} bytes`)
  return bytes / MIB
}
