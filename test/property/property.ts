import fc from 'fast-check'
import test from 'tape'
import { store } from '../helpers/drives.ts'
import type { WorldOptions } from './account.ts'
import { plans, type PlanOptions } from './plans.ts'
import { play } from './world.ts'

export interface Share {
  /** The part of all runs that one property gets. */
  share: number
  plans?: PlanOptions
  world?: WorldOptions
}

/** What holds for every plan, as often as `runs` says. */
export function property(title: string, runs: number, seed: number, how: Share): void {
  test(title, async (t) => {
    const stores = [await store(t), await store(t), await store(t), await store(t)]
    const numRuns = Math.max(1, Math.round(runs * how.share))
    let hasFailed = false
    const holds = fc.asyncProperty(plans(how.plans), async ({ looks, ...plan }) => {
      // To make a plan shorter that goes wrong, what goes wrong has to be seen in the shorter one.
      const played = play(stores, hasFailed ? plan : { ...plan, looks }, how.world)
      await played.catch((err: unknown) => {
        hasFailed = true
        throw err
      })
    })
    await fc.assert(holds, { seed, numRuns, includeErrorInReport: true })
    t.pass(`${numRuns} plans, seed ${seed}`)
  })
}

/** The properties of the whole, for a number of runs and a seed. */
export function properties(runs: number, seed: number): void {
  property('authors, honest and careless, see what the rules say', runs, seed, { share: 1 })
  property('longer plans', runs, seed, { share: 0.2, plans: { steps: 60 } })
  property('forged clocks hide files, but all readers agree', runs, seed, {
    share: 0.5,
    plans: { forged: true },
    world: { ownWins: false }
  })
  property('a locator that knows of no drive', runs, seed, { share: 0.2, world: { locator: 'none' } })
  property('a locator that is half built', runs, seed, { share: 0.4, world: { locator: 'some' } })
  property('maxClockSkew: a date ahead of the local clock is none', runs, seed, {
    share: 0.3,
    world: { maxClockSkew: 60_000 }
  })
}
