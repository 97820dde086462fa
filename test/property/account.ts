/** Who has what: the states that each drive has had, and how far each author has come in them. */
import type Corestore from 'corestore'
import type MultiDrive from '../../index.ts'
import type { FolderWatcher } from '../../index.ts'
import type { Looks } from './looks.ts'
import type { State } from './oracle.ts'
import type { Sight } from './oracle-mounts.ts'

export interface WorldOptions {
  /** Whether MultiDrives know which drives hold a path: all, none, or now this one and now that one. Default `all`. */
  locator?: 'all' | 'none' | 'some'
  maxClockSkew?: number
  /** Whether what an author wrote last is what it reads, whatever else there is. Forged clocks can take that away. */
  ownWins?: boolean
}

/** What an author's MultiDrive has told of itself. */
export interface Told {
  /** Where each version stood: how many states of each drive it shows. */
  readonly versions: Map<string, readonly number[]>
  /** The rivals of each conflict, by path. */
  readonly conflicts: { path: string; versions: ReadonlySet<string> }[]
  /** Null where dates are believed as time goes by: that nobody tells. */
  readonly watcher: FolderWatcher<MultiDrive> | null
  /** The step of the watcher that is waited for. */
  change: Promise<IteratorResult<[MultiDrive, MultiDrive]>> | null
  /** What the watcher gave last. */
  seen: Map<string, string>
  /** Whether a drive was not whole when it was last looked. */
  isOnItsWay: boolean
}

export interface Author {
  readonly index: number
  readonly name: string
  readonly store: Corestore
  readonly drives: any[]
  multi: MultiDrive
  now: number
  readonly told: Told
  /** How many states of each drive it has. */
  readonly held: number[]
}

/** A drive: of an author's set, or outside of all sets and only ever mounted. */
export interface Ledger {
  readonly id: string
  /** Which author writes to it. */
  readonly owner: number
  /** All that it has had, the first one empty. */
  readonly states: State[]
}

export class Account {
  /** The authors' own first, each at its author's place, then those outside. */
  readonly ledgers: Ledger[] = []
  readonly opts: WorldOptions
  /** How many drives are in the set. */
  readonly members: number
  readonly looks: Looks

  constructor(members: number, opts: WorldOptions, looks: Looks) {
    this.members = members
    this.looks = looks
    this.opts = opts
  }

  /** The drives of an author's set, its own first, as its MultiDrive has them. */
  order({ index }: Author): number[] {
    return [index, ...Array(this.members).keys()].filter((k, i) => i === 0 || k !== index)
  }

  horizon({ now }: Author): number {
    const { maxClockSkew } = this.opts
    return maxClockSkew === undefined ? Infinity : now + maxClockSkew
  }

  indexOf(id: string): number {
    return this.ledgers.findIndex((ledger) => ledger.id === id)
  }

  /** What an author sees, or saw at a version. */
  sight(author: Author, past: { version: string; held: readonly number[] } | null = null): Sight {
    const order = this.order(author)
    const { held } = past ?? author
    return {
      holdings: {
        horizon: this.horizon(author),
        isWritable: (id) => past === null && this.ledgers[this.indexOf(id)]!.owner === author.index,
        stateOf: (id, version) => {
          const k = this.indexOf(id)
          const { states } = this.ledgers[k]!
          const here = author.held[k]!
          if (version !== null)
            return states.slice(0, here + 1).find(({ length }) => length === version) ?? null
          // Of a drive outside of the set that was not open then, the version says nothing.
          const at = k < this.members || past?.version.includes(`~${id}:`) ? held[k]! : here
          return at <= here ? states[at]! : null
        }
      },
      states: order.map((k) => this.ledgers[k]!.states[held[k]!]!),
      ids: order.map((k) => this.ledgers[k]!.id),
      own: past === null ? 0 : null,
      isPast: past !== null,
      way: []
    }
  }

  /** The lengths of the drives that a version tells of; the first block of a drive holds nothing. */
  lengths(version: string, held: readonly number[]): (number | null)[] {
    return this.ledgers.map(({ id, states }, k) => {
      const isTold = k < this.members || version.includes(`~${id}:`)
      return isTold ? Math.max(1, states[held[k]!]!.length) : null
    })
  }
}

/** Runs with the clock standing at a moment. */
export async function at<T>(now: number, run: () => Promise<T>): Promise<T> {
  const real = Date.now
  Date.now = () => now
  try {
    return await run()
  } finally {
    Date.now = real
  }
}
