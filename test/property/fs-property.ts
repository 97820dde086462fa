import fc from 'fast-check'
import test from 'tape'
import { folder, store } from '../helpers/drives.ts'
import { KINDS } from './fs-kinds.ts'
import { plans } from './fs-steps.ts'
import { play } from './fs-world.ts'

/** The part of all runs that each kind of MultiDrive gets, by the time that one takes. */
const SHARES: Readonly<Record<string, number>> = {
  'one Hyperdrive': 1,
  'a writer over two others': 0.3,
  'a Localdrive over a Hyperdrive': 0.8,
  'two who take turns': 0.15
}

/** Holds MultiDrives of all kinds against `node:fs`, for a number of runs and a seed. */
export function properties(runs: number, seed: number): void {
  // What is made here is made with the modes that a MultiDrive gives.
  process.umask(0o022)
  for (const kind of KINDS) {
    for (const odd of [false, true]) {
      const numRuns = Math.max(1, Math.round(runs * SHARES[kind.name]!))
      const title = `${kind.name} does as node:fs does${odd ? ', with odd paths' : ''}`
      test(title, { timeout: 3_600_000 }, async (t) => {
        const place = { stores: [await store(t), await store(t)], folder: await folder(t) }
        const holds = fc.asyncProperty(plans(kind.phases, kind.plain, 16, odd), (plan) =>
          play(place, kind, plan)
        )
        await fc.assert(holds, { seed, numRuns, includeErrorInReport: true })
        t.pass(`${numRuns} plans, seed ${seed}`)
      })
    }
  }
}
