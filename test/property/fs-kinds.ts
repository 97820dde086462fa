import { mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import type Corestore from 'corestore'
import Hyperdrive from 'hyperdrive'
import Localdrive from 'localdrive'
import MultiDrive, { type Drive } from '../../index.ts'
import type { Core } from '../../lib/sources/hyperdrive/types.ts'
import { until } from '../availability/links.ts'
import { link } from '../helpers/drives.ts'
import { peered } from './exchange.ts'

/** Where the runs of a test keep their drives. */
export interface Place {
  /** Two, of which each has what the other has not. */
  readonly stores: readonly Corestore[]
  readonly folder: string
}

/** The drives of one run, and the MultiDrives over them. */
export interface World {
  /** The drives that other programs have written into before. */
  readonly plain: readonly Hyperdrive[]
  /** The MultiDrive of those who act in a phase. */
  readonly begin: (phase: number) => Promise<MultiDrive>
  /** Makes everybody see what anybody has written. */
  readonly settle: () => Promise<void>
  /** A MultiDrive over all the drives, added in another order. */
  readonly reordered: () => Promise<MultiDrive>
  readonly close: () => Promise<void>
}

export interface Kind {
  readonly name: string
  readonly phases: number
  /** How many drives other programs have written into. */
  readonly plain: number
  /** Whether those of all phases act by turns, rather than one after another. */
  readonly turns?: true
  /** @param run - another text each time */
  readonly open: (place: Place, run: string) => Promise<World>
}

export const KINDS: readonly Kind[] = [
  {
    name: 'one Hyperdrive',
    phases: 1,
    plain: 1,
    async open({ stores: [store] }, run) {
      const all = new Opened()
      const drive = await all.own(store, run)
      return {
        plain: [drive],
        begin: async () => all.over([drive]),
        settle: () => Promise.resolve(),
        reordered: async () => all.over([drive]),
        close: () => all.close()
      }
    }
  },
  {
    name: 'a writer over two others',
    phases: 3,
    plain: 2,
    async open({ stores: [here, there] }, run) {
      const all = new Opened()
      const one = await all.own(here, `${run}-one`)
      const other = await all.own(there, `${run}-other`)
      const writer = await all.own(here, `${run}-writer`)
      all.link(here, there)
      const onesThere = await all.replica(there, one)
      const othersHere = await all.replica(here, other)
      const begin = [
        async () => all.over([one]),
        async () => all.over([other, onesThere]),
        async () => all.over([writer, await all.checkout(one), othersHere])
      ]
      return {
        plain: [one, other],
        begin: async (phase) => updated(await begin[phase]!()),
        settle: () => Promise.resolve(),
        reordered: async () => updated(await all.over([othersHere, one, writer])),
        close: () => all.close()
      }
    }
  },
  {
    name: 'a Localdrive over a Hyperdrive',
    phases: 2,
    plain: 1,
    async open({ stores: [store], folder }, run) {
      const all = new Opened()
      const other = await all.own(store, run)
      const root = await mkdtemp(join(folder, 'localdrive-'))
      const begin = [
        async () => all.over([other]),
        async () => all.over([new Localdrive(root), await all.checkout(other)])
      ]
      return {
        plain: [other],
        begin: (phase) => begin[phase]!(),
        settle: () => Promise.resolve(),
        reordered: async () => all.over([await all.checkout(other), new Localdrive(root)]),
        close: () => all.close()
      }
    }
  },
  {
    name: 'two who take turns',
    phases: 2,
    plain: 2,
    turns: true,
    async open({ stores: [here, there] }, run) {
      const all = new Opened()
      const one = await all.own(here, `${run}-one`)
      const other = await all.own(there, `${run}-other`)
      all.link(here, there)
      const onesThere = await all.replica(there, one)
      const othersHere = await all.replica(here, other)
      const multis: MultiDrive[] = []
      const begin = [async () => all.over([one, othersHere]), async () => all.over([other, onesThere])]
      return {
        plain: [one, other],
        begin: async (phase) => (multis[phase] = await begin[phase]!()),
        async settle() {
          await Promise.all([caughtUp(onesThere.core, one.core), caughtUp(othersHere.core, other.core)])
          await Promise.all(multis.map(updated))
        },
        reordered: async () => updated(await all.over([othersHere, one])),
        close: () => all.close()
      }
    }
  }
]

/** What is closed when a run is over. */
class Opened {
  readonly #ends: (() => unknown)[] = []

  async own(store: Corestore, run: string): Promise<Hyperdrive> {
    return this.#ready(new Hyperdrive(store.namespace(run)))
  }

  async replica(store: Corestore, drive: Hyperdrive): Promise<Hyperdrive> {
    const replica = await this.#ready(new Hyperdrive(store.session(), drive.key))
    await peered(replica.core)
    return replica
  }

  async checkout(drive: Hyperdrive): Promise<Hyperdrive> {
    return this.#ready(drive.checkout(drive.version))
  }

  async over(drives: readonly [Drive, ...Drive[]]): Promise<MultiDrive> {
    const multi = new MultiDrive(drives[0])
    this.#ends.push(() => multi.close())
    for (const drive of drives.slice(1)) await multi.addDrive(drive)
    await multi.ready()
    return multi
  }

  link(one: Corestore, other: Corestore): void {
    this.#ends.push(link(one, other))
  }

  async close(): Promise<void> {
    for (const end of this.#ends.reverse()) await end()
  }

  async #ready(drive: Hyperdrive): Promise<Hyperdrive> {
    this.#ends.push(() => drive.close())
    await drive.ready()
    return drive
  }
}

async function updated(multi: MultiDrive): Promise<MultiDrive> {
  await multi.update({ wait: true })
  return multi
}

/** Resolves when a replica has heard of all that its original has. */
function caughtUp(replica: Core, original: Core): Promise<void> {
  return until(replica, ['append'], () => replica.length >= original.length)
}
