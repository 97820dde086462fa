/** What a MultiDrive costs as its drives grow many, beside one Hyperdrive with all the files. */
import { once } from 'node:events'
import { join } from 'node:path'
import { drain, fill, largestFolder, lookUp, MIB, over, pathsOf, SMALL, type Filled } from './corpus.ts'
import type { Bench, Job, Subject } from './harness.ts'
import { scaleCosts } from './scale-costs.ts'

export const COUNTS = [1, 4, 16, 64, 256, 1024]
export const ONE = 'one Hyperdrive'
export const IN_THREE = '64, each path in 3'
export const drives = (count: number) => (count === 1 ? '1 drive' : `${count} drives`)

/** So many of the files that are read whole are in a big one. */
const BIG_MIB = 256
const WITH_ALL_FILES = 100_000

const LOOKUPS = 500
/** A put goes through much code, which is compiled only after some thousand of them: so many in one turn, of so many turns in a round. */
const PUTS = 50
const PUT_TURNS = 4
const FIRSTS = 10

/** Where they say nothing new, jobs that take long are left out. */
const LISTED = COUNTS
const READDIRS = [1, 16, 64]
const WRITTEN = [1, 64]
const STREAMED = [64]

/** What is called of a drive, by the names that Hyperdrive and MultiDrive share. */
interface DriveFace {
  entry(path: string): Promise<unknown>
  get(path: string): Promise<Uint8Array | null>
  list(folder: string): AsyncIterable<unknown>
  readdir(folder: string): AsyncIterable<unknown>
  put(path: string, data: Uint8Array): Promise<unknown>
  createReadStream(path: string): AsyncIterable<unknown>
}

export const bench: Bench = {
  title: `The drive face at scale: ${SMALL} bytes a file, folders of 100 to 10,000 names, drives all over them`,
  async prepare(folder, { files }) {
    const paths = pathsOf(files)
    const bigMib = Math.max(1, Math.round(BIG_MIB * Math.min(1, files / WITH_ALL_FILES)))
    const filled: Filled[] = []
    const ends: { close(): Promise<void> }[] = []
    const make = async (name: string, opts: { drives: number; copies?: number }) => {
      const made = await fill(join(folder, name), paths, opts)
      filled.push(made)
      return made.drives
    }

    const one = (await make('one', { drives: 1 }))[0]
    await writeBig(one, bigMib)
    ends.push(one)
    // It has no `stat`: what comes nearest is `entry`.
    const plain = { ...lookups(paths, one), stat: entries(paths, one, 2), ...listings(paths, one) }
    const subjects: Subject[] = [
      {
        name: ONE,
        jobs: { ...plain, readdir: readdir(paths, one), put: put(one), stream: stream(one, bigMib) }
      }
    ]
    for (const count of COUNTS) {
      const made = await make(`multi-${count}`, { drives: count })
      if (STREAMED.includes(count)) await writeBig(made[count >> 1], bigMib)
      const multi = await over(made)
      await multi.warmUp()
      ends.push(multi)
      const jobs: Record<string, Job> = lookups(paths, multi)
      jobs.stat = (round) =>
        lookUp(paths, seed(round, 2), LOOKUPS, async (path) => {
          await multi.stat(path)
        })
      if (LISTED.includes(count)) Object.assign(jobs, listings(paths, multi))
      if (READDIRS.includes(count)) jobs.readdir = readdir(paths, multi)
      if (WRITTEN.includes(count)) jobs.put = put(multi)
      if (STREAMED.includes(count)) jobs.stream = stream(multi, bigMib)
      subjects.push({ name: drives(count), jobs })
    }
    const three = await over(await make('three', { drives: 64, copies: 3 }))
    await three.warmUp()
    ends.push(three)
    subjects.push({ name: IN_THREE, jobs: lookups(paths, three) })

    return {
      subjects,
      fewer: {
        list: { warmup: 1, measured: 3 },
        readdir: { warmup: 1, measured: 5 },
        stream: { warmup: 1, measured: 5 }
      },
      turns: { put: PUT_TURNS },
      costs: () => scaleCosts(join(folder, 'costs'), files),
      async close() {
        for (const end of ends) await end.close()
        for (const { store } of filled) await store.close()
      }
    }
  }
}

/** Other paths for each job and round: what was just read is in a cache. */
function seed(round: number, job: number): number {
  return round * 16 + job
}

function lookups(paths: readonly string[], drive: DriveFace): Record<string, Job> {
  return {
    entry: entries(paths, drive, 0),
    miss: (round) =>
      lookUp(paths, seed(round, 1), LOOKUPS, async (path) => {
        if ((await drive.entry(path + 'x')) !== null) throw new Error(`there is ${path}x`)
      }),
    get: (round) =>
      lookUp(paths, seed(round, 3), LOOKUPS, async (path) => {
        if ((await drive.get(path))?.byteLength !== SMALL) throw new Error(`not the bytes of ${path}`)
      })
  }
}

function entries(paths: readonly string[], drive: DriveFace, job: number): Job {
  return (round) =>
    lookUp(paths, seed(round, job), LOOKUPS, async (path) => {
      if ((await drive.entry(path)) === null) throw new Error(`no ${path}`)
    })
}

function listings(paths: readonly string[], drive: DriveFace): Record<string, Job> {
  return {
    list: async () => {
      const count = await drain(drive.list('/'))
      if (count < paths.length) throw new Error('files are missing')
      return count
    },
    first: async () => {
      for (let i = 0; i < FIRSTS; i++) {
        for await (const entry of drive.list('/')) {
          if (entry) break
        }
      }
      return FIRSTS
    }
  }
}

function readdir(paths: readonly string[], drive: DriveFace): Job {
  const { folder, names } = largestFolder(paths)
  return async () => {
    const count = await drain(drive.readdir(folder))
    if (count !== names) throw new Error(`${count} names`)
    return count
  }
}

function put(drive: DriveFace): Job {
  return async (round) => {
    const data = Buffer.alloc(SMALL, String(round))
    for (let i = 0; i < PUTS; i++) await drive.put(`/new/file-${i}.bin`, data)
    return PUTS
  }
}

function stream(drive: DriveFace, mib: number): Job {
  return async () => {
    let total = 0
    for await (const chunk of drive.createReadStream('/big.bin')) total += (chunk as Uint8Array).byteLength
    if (total !== mib * MIB) throw new Error(`${total} bytes`)
    return mib
  }
}

async function writeBig(drive: any, mib: number): Promise<void> {
  const to = drive.createWriteStream('/big.bin')
  for (let i = 0; i < mib; i++) if (!to.write(Buffer.alloc(MIB, `${i} `))) await once(to, 'drain')
  to.end()
  await once(to, 'close')
}
