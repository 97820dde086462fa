/**
 * What open drives and the locator over them cost: memory, and how fast it is built. Measured in a process of its own, where nothing else
 * has happened:
 *
 *   node --expose-gc --import tsx test/bench/scale-costs.ts FOLDER DRIVES
 */
import { execFile } from 'node:child_process'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type MultiDrive from '../../index.ts'
import type { LocatorStats } from '../../index.ts'
import { fill, MIB, openFilled, over, pathsOf } from './corpus.ts'
import { median, type Cost } from './harness.ts'
import { shipped } from './shipped.ts'

const DRIVES = 64
const KIB = 1024
/** How often it is looked whether the loop is held up, in milliseconds. */
const STEP = 1
/** So many times it is built after the first. */
const BUILDS = 5

export const COSTS = {
  rssPerDrive: 'memory per open drive (RSS)',
  rssPerEntries: 'memory per 100,000 entries of the locator, with what reading them leaves in caches (RSS)',
  bytesPerEntry: 'locator, per path and source',
  rate: 'locator, built per second of CPU time',
  firstRate: 'the same, of the first one that a process builds',
  heldUp: 'loop held up at most while it is built, median of builds',
  opening: 'opening a MultiDrive over open drives, per drive'
} as const

const script = fileURLToPath(import.meta.url)

/** Fills drives in an empty folder, and measures them. */
export async function scaleCosts(folder: string, files: number): Promise<readonly Cost[]> {
  const { store, drives } = await fill(folder, pathsOf(files), { drives: DRIVES })
  for (const drive of drives) await drive.close()
  await store.close()
  const args = ['--expose-gc', '--import', 'tsx', script, folder, String(DRIVES)]
  const { stdout } = await promisify(execFile)(process.execPath, args)
  return JSON.parse(stdout) as Cost[]
}

async function measured(folder: string, count: number): Promise<Cost[]> {
  // What the process needs whatever the number of drives is there before.
  await shipped()
  const rss = () => (globalThis.gc?.(), process.memoryUsage.rss())
  const before = rss()
  const { store, drives } = await openFilled(folder, count)
  const opened = rss()

  const opening = performance.now()
  const multi = await over(drives)
  const perDrive = (performance.now() - opening) / count

  const first = await built(multi)
  const warm = rss()

  // As with all that is measured, what is compiled on the way is in the first time alone.
  const later: Built[] = []
  while (later.length < BUILDS) later.push(await built(await over(drives)))
  await multi.close()
  await store.close()
  const { entries, byteLength } = first
  return [
    { what: COSTS.rssPerDrive, value: (opened - before) / count / KIB, unit: 'KiB' },
    { what: COSTS.rssPerEntries, value: ((warm - opened) / entries / MIB) * 100_000, unit: 'MiB' },
    { what: COSTS.bytesPerEntry, value: byteLength / entries, unit: 'bytes' },
    { what: COSTS.rate, value: median(later.map(({ rate }) => rate)), unit: 'entries' },
    { what: COSTS.firstRate, value: first.rate, unit: 'entries' },
    { what: COSTS.heldUp, value: median([first, ...later].map(({ heldUp }) => heldUp)), unit: 'ms' },
    { what: COSTS.opening, value: perDrive, unit: 'ms' }
  ]
}

interface Built extends LocatorStats {
  /** The entries that were taken in for each second of CPU time, of all threads. */
  readonly rate: number
  /** The longest time that nothing else had its turn, in milliseconds. */
  readonly heldUp: number
}

/** Waits until the locator knows all drives. */
async function built(multi: MultiDrive): Promise<Built> {
  const delay = monitorEventLoopDelay({ resolution: STEP })
  const cpu = process.cpuUsage()
  delay.enable()
  const stats = await multi.warmUp()
  delay.disable()
  const { user, system } = process.cpuUsage(cpu)
  return {
    ...stats,
    rate: stats.entries / ((user + system) / 1e6),
    heldUp: Math.max(0, delay.max / 1e6 - STEP)
  }
}

const [, main, folder, count] = process.argv
if (main === script && folder !== undefined) {
  process.stdout.write(JSON.stringify(await measured(folder, Number(count))))
}
