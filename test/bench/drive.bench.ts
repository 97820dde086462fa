import { join } from 'node:path'
import Corestore from 'corestore'
import Hyperdrive from 'hyperdrive'
import { randoms } from '../helpers/randoms.ts'
import type { Bench, Subject } from './harness.ts'
import { shipped } from './shipped.ts'

const COUNTS = [1, 4, 16, 64]
const FOLDERS = 64
const FILES = 64
const LOOKUPS = 100
const PUTS = 25

/** What is called of a drive, by the names that Hyperdrive and MultiDrive share. */
interface DriveFace {
  entry(path: string): Promise<unknown>
  get(path: string): Promise<Buffer | null>
  list(folder: string): AsyncIterable<unknown>
  readdir(folder: string): AsyncIterable<unknown>
  put(path: string, data: Buffer): Promise<unknown>
}

const paths = Array.from(
  { length: FOLDERS * FILES },
  (_, i) => `/folder-${pad(Math.floor(i / FILES))}/file-${pad(i % FILES)}.txt`
)

export const bench: Bench = {
  title: `The drive face: ${paths.length} files of 100 bytes in ${FOLDERS} folders, spread over the drives`,
  async prepare(folder) {
    const stores: Corestore[] = []
    const drives: { close(): Promise<void> }[] = []
    const subjects: Subject[] = []
    const { default: MultiDrive } = await shipped()

    const [one] = await fill(folder, 'one', 1, stores)
    drives.push(one)
    subjects.push({ name: 'one Hyperdrive', jobs: jobs(one) })
    for (const count of COUNTS) {
      const [first, ...others] = await fill(folder, `multi-${count}`, count, stores)
      const multi = new MultiDrive(first)
      for (const drive of others) await multi.addDrive(drive)
      drives.push(multi)
      subjects.push({ name: count === 1 ? '1 drive' : `${count} drives`, jobs: jobs(multi) })
    }
    return {
      subjects,
      async close() {
        for (const end of [...drives, ...stores]) await end.close()
      }
    }
  }
}

/** So many drives in a store of their own, each with its share of the files. */
async function fill(folder: string, name: string, count: number, stores: Corestore[]): Promise<any[]> {
  const store = new Corestore(join(folder, name))
  stores.push(store)
  const data = Buffer.alloc(100, 'x')
  return Promise.all(
    Array.from({ length: count }, async (_, place) => {
      const drive = new Hyperdrive(store.namespace(`drive-${place}`))
      await drive.ready()
      const batch = drive.batch()
      for (let i = place; i < paths.length; i += count) {
        await batch.put(paths[i], data, { metadata: { mtime: 1_700_000_000_000 + i } })
      }
      await batch.flush()
      return drive
    })
  )
}

function jobs(drive: DriveFace): Subject['jobs'] {
  return {
    entry: (round) =>
      lookups(round, async (path) => {
        if ((await drive.entry(path)) === null) throw new Error(`no ${path}`)
      }),
    get: (round) =>
      lookups(round, async (path) => {
        if ((await drive.get(path))?.byteLength !== 100) throw new Error(`not the bytes of ${path}`)
      }),
    list: async () => {
      const count = (await drain(drive.list('/folder-00'))) + (await drain(drive.list('/')))
      if (count < paths.length) throw new Error('files are missing')
      return count
    },
    readdir: async (round) => {
      let count = await drain(drive.readdir('/'))
      for (let i = 0; i < 4; i++)
        count += await drain(drive.readdir(`/folder-${pad((round + i * 7) % FOLDERS)}`))
      if (count < FOLDERS + 4 * FILES) throw new Error('names are missing')
      return count
    },
    put: async (round) => {
      const data = Buffer.alloc(100, String(round))
      for (let i = 0; i < PUTS; i++) await drive.put(`/new/file-${pad(i)}.txt`, data)
      return PUTS
    }
  }
}

/** Looks random paths up, the same ones for every subject of a round. */
async function lookups(round: number, look: (path: string) => Promise<void>): Promise<number> {
  const random = randoms(round)
  for (let i = 0; i < LOOKUPS; i++) await look(paths[Math.floor(random.next().value * paths.length)]!)
  return LOOKUPS
}

async function drain(stream: AsyncIterable<unknown>): Promise<number> {
  const iterator = stream[Symbol.asyncIterator]()
  let count = 0
  while ((await iterator.next()).done !== true) count++
  return count
}

function pad(number: number): string {
  return String(number).padStart(2, '0')
}
