import type { Mount } from '../sources/source.ts'
import { newestByName } from './newest-by-name.ts'
import type { Rules } from './resolve.ts'

type Records = readonly Mount[]

/** What mounts come to under one horizon. */
interface Known {
  readonly points: ReadonlyMap<string, Mount>
  readonly horizon: number
  /** The first date behind the horizon; until that is believed nothing changes. */
  readonly next: number
}

/**
 * What the records of mounts in several sources come to, kept as long as none of them changes: a write seldom changes one, and there may be
 * thousands.
 */
export class MountPoints {
  #given: readonly Records[] = []
  #lists: readonly Records[] = []
  #all: Records = []
  #known: Known | null = null

  /** All records, in the order of the sources: one array for the same ones. */
  all(lists: readonly Records[]): Records {
    if (lists === this.#given) return this.#all
    this.#given = lists
    const filled = lists.filter(({ length }) => length > 0)
    const own = this.#lists
    if (filled.length === own.length && filled.every((list, i) => list === own[i])) return this.#all
    this.#lists = filled
    this.#all = filled.length === 1 ? filled[0]! : filled.flat()
    this.#known = null
    return this.#all
  }

  /** The newest record of each path that is not the end of a mount. */
  of(lists: readonly Records[], rules: Rules): ReadonlyMap<string, Mount> {
    const all = this.all(lists)
    const { horizon } = rules
    const known = this.#known
    const isKept = known && horizon >= known.horizon && (horizon < known.next || known.next === Infinity)
    if (isKept) return known.points
    const points = newestByName(
      all,
      ({ path }) => path,
      rules,
      ({ mount }) => mount !== null
    )
    this.#known = { points, horizon, next: nextDate(all, horizon) }
    return points
  }
}

function nextDate(records: Records, horizon: number): number {
  if (horizon === Infinity) return Infinity
  let next = Infinity
  for (const { stamp } of records) {
    if (stamp.mtime !== null && stamp.mtime > horizon) next = Math.min(next, stamp.mtime)
  }
  return next
}
