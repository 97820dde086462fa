/** What listing costs where each block is a round trip away. */
import { join } from 'node:path'
import Corestore from 'corestore'
import Hyperdrive from 'hyperdrive'
import type { Duplex } from 'streamx'
import { drain, fill, type Filled } from './corpus.ts'
import type { Bench, Subject } from './harness.ts'
import { shipped } from './shipped.ts'

const DRIVES = 4
const FOLDERS = 100
const FILES = 10
/** In milliseconds. */
const ONE_WAY = 25

export const ONE_AWAY = 'one Hyperdrive'
export const DRIVES_AWAY = `${DRIVES} drives`

const paths = Array.from(
  { length: FOLDERS * FILES },
  (_, i) => `/folder-${String(Math.floor(i / FILES)).padStart(3, '0')}/file-${i % FILES}.bin`
)

interface Listing {
  list(folder: string): AsyncIterable<unknown>
  readdir(folder: string): AsyncIterable<unknown>
  close(): Promise<void>
}

export const bench: Bench = {
  title: `Sparse drives ${2 * ONE_WAY} ms away: '/' of ${FOLDERS} folders of ${FILES} files, none of it here yet`,
  async prepare(folder) {
    const one = await fill(join(folder, 'one'), paths, { drives: 1 })
    const four = await fill(join(folder, 'four'), paths, { drives: DRIVES })
    let copies = 0

    /** Times a listing of copies that know of the heads of their drives, and of nothing else. */
    const timed = async (
      theirs: Filled,
      open: (copies: Hyperdrive[], store: Corestore) => Promise<Listing>,
      list: (drive: Listing) => AsyncIterable<unknown>
    ) => {
      const store = new Corestore(join(folder, `copy-${copies++}`))
      const unlink = linkFromAfar(store, theirs.store)
      const near = await Promise.all(theirs.drives.map(({ key }) => copyOf(store, key)))
      const drive = await open(near, store)
      const started = performance.now()
      const names = await drain(list(drive))
      const micros = (performance.now() - started) * 1000
      if (names < FOLDERS) throw new Error(`${names} names`)
      await drive.close()
      await unlink()
      await store.close()
      return { units: 1, micros }
    }
    const { default: MultiDrive } = await shipped()
    const plain = async ([drive]: Hyperdrive[]) => drive as Listing
    const together = async (near: Hyperdrive[], store: Corestore) => {
      const multi = new MultiDrive(new Hyperdrive(store.namespace('own')))
      await multi.ready()
      await Promise.all(near.map((drive) => multi.addDrive(drive, { sparse: true })))
      return multi
    }
    const subjects: Subject[] = [
      {
        name: ONE_AWAY,
        jobs: {
          list: () => timed(one, plain, (drive) => drive.list('/')),
          readdir: () => timed(one, plain, (drive) => drive.readdir('/'))
        }
      },
      {
        name: DRIVES_AWAY,
        jobs: { readdir: () => timed(four, together, (drive) => drive.readdir('/')) }
      }
    ]
    return {
      subjects,
      // Waiting makes the most of it, which differs little.
      fewer: { list: { warmup: 0, measured: 3 }, readdir: { warmup: 0, measured: 3 } },
      async close() {
        for (const { store, drives } of [one, four]) {
          for (const drive of drives) await drive.close()
          await store.close()
        }
      }
    }
  }
}

async function copyOf(store: Corestore, key: Uint8Array): Promise<Hyperdrive> {
  const drive = new Hyperdrive(store.session(), key)
  await drive.ready()
  const found = drive.findingPeers()
  await drive.update({ wait: true })
  found()
  if (drive.core.length === 0) throw new Error('its head did not come')
  return drive
}

/** Two corestores that exchange everything, each byte some time after it was sent, until the returned function is called. */
function linkFromAfar(a: Corestore, b: Corestore): () => Promise<void> {
  const streams: Duplex[] = [a.replicate(true), b.replicate(false)]
  const [left, right] = streams as [Duplex, Duplex]
  for (const [from, to] of [
    [left, right],
    [right, left]
  ] as const) {
    from.on('error', () => undefined)
    from.on('data', (bytes) => {
      setTimeout(() => {
        if (!to.destroying) to.write(bytes)
      }, ONE_WAY)
    })
  }
  return async () => {
    const closed = streams.map((stream) => new Promise<void>((resolve) => stream.once('close', resolve)))
    for (const stream of streams) stream.destroy()
    await Promise.all(closed)
  }
}
