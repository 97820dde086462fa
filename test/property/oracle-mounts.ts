/** The rules for mounts, as plain as those of oracle.ts. */
import {
  clockOf,
  isIn,
  later,
  mountsOf,
  read,
  Refused,
  view,
  write,
  type File,
  type Mount,
  type Operation,
  type State,
  type Written
} from './oracle.ts'

/** How an author has the drives that may be mounted. */
export interface Holdings {
  readonly horizon: number
  /** A drive at one of its lengths or, for null, as it is shown where it is mounted; null where it is not here at that length. */
  stateOf(id: string, version: number | null): State | null
  isWritable(id: string): boolean
}

/** Some drives as they are shown together: those of the set, or the one that is mounted at a path. */
export interface Sight {
  readonly holdings: Holdings
  /** In the order of adding. */
  readonly states: readonly State[]
  readonly ids: readonly string[]
  /** Which of them is written to; null for none. */
  readonly own: number | null
  /** Whether it is shown as it was, with all that is mounted in it. */
  readonly isPast: boolean
  /** The drives on the way here, those at a length of their own with it. */
  readonly way: readonly string[]
}

/** Where a path lies: in a sight, under what is left of it. */
export interface Place {
  readonly sight: Sight
  readonly key: string
  /** Where the sight is mounted; empty for the set. */
  readonly prefix: string
}

/** @throws Refused ELOOP, or VERSION_NOT_AVAILABLE */
export function placeOf(sight: Sight, key: string, prefix = ''): Place {
  const at = over(sight, key)
  if (at === null) return { sight, key, prefix }
  return placeOf(enter(sight, at), key.slice(at.length), prefix + at)
}

/** What is at a path, a mount or nothing being no file. */
export function find(sight: Sight, key: string): File | null {
  const at = over(sight, key)
  if (at === null) return read(sight.states, key, sight.holdings.horizon)
  return at === key ? null : find(enter(sight, at), key.slice(at.length))
}

/** Every visible file by path, in order; what is mounted and cannot be opened shows nothing. */
export function show(sight: Sight): Map<string, File> {
  const files = [...view(sight.states, sight.holdings.horizon)].filter(([key]) => over(sight, key) === null)
  for (const at of outermost(sight).keys()) {
    const inner = attempt(() => enter(sight, at))
    if (inner instanceof Refused) continue
    for (const [key, file] of show(inner)) files.push([at + key, file])
  }
  return new Map(files.sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b))))
}

/** Every visible mount, those in mounted drives too. */
export function allMounts(sight: Sight): Map<string, Mount> {
  const mounts = outermost(sight)
  for (const at of [...mounts.keys()]) {
    const inner = attempt(() => enter(sight, at))
    if (inner instanceof Refused) continue
    for (const [key, mount] of allMounts(inner)) mounts.set(at + key, mount)
  }
  return mounts
}

/** Whether a path lies at a mount of the set or below one. */
export function isMounted(sight: Sight, key: string): boolean {
  return over(sight, key) !== null
}

/**
 * What a write leaves, in the place where its paths lie.
 *
 * @param operations - all in one place
 * @throws Refused
 */
export function writeAt(
  sight: Sight,
  operations: readonly Operation[],
  now: number
): { place: Place; written: Written } {
  const places = operations.map(({ path }) => placeOf(sight, path))
  const place = places[0]!
  const { states, ids, own, holdings } = place.sight
  if (own === null) throw new Refused('EROFS')
  const inside: Operation[] = []
  operations.forEach((operation, i) => {
    const path = places[i]!.key
    if (path !== '') inside.push({ ...operation, path })
    else if (operation.type === 'deltree') throw new Refused('EBUSY')
    else if (operation.type !== 'del') throw new Refused('EISDIR')
  })
  return { place, written: write(states, own, ids, inside, now, holdings.horizon) }
}

/**
 * What a mount, or the end of one, leaves in the place where its parent lies.
 *
 * @param id - null to take away what is mounted there
 * @throws Refused
 */
export function mountAt(
  sight: Sight,
  path: string,
  id: string | null,
  version: number | null,
  now: number
): { place: Place; state: State; record: Mount } {
  const parent = path.slice(0, path.lastIndexOf('/'))
  const place = placeOf(sight, parent)
  const { states, ids, own, holdings } = place.sight
  const { horizon } = holdings
  const key = place.key + path.slice(parent.length)
  if (own === null) throw new Refused('EROFS')
  const drive = ids[own]!
  const isThere = mountsOf(states, horizon).has(key)
  if (id === null) {
    if (!isThere) throw new Refused('EINVAL')
  } else {
    if (id === drive && version === null) throw new Refused('ELOOP')
    if (isThere) throw new Refused('EEXIST')
    if ([...view(states, horizon).keys()].some((file) => isIn(key, file))) throw new Refused('ENOTDIR')
  }
  const state = states[own]!
  const seen = states.flatMap((other) => other.mounts.get(key) ?? [])
  const record: Mount = {
    drive,
    seq: state.length,
    path: key,
    id,
    version,
    mtime: later(seen, now, horizon),
    ctime: now,
    clock: clockOf(seen, drive)
  }
  return { place, state: { ...state, mounts: new Map(state.mounts).set(key, record) }, record }
}

/** What something gives, or that it is refused. */
export function attempt<T>(run: () => T): T | Refused {
  try {
    return run()
  } catch (err) {
    if (err instanceof Refused) return err
    throw err
  }
}

/** The mounts that no other one is over. */
function outermost({ states, holdings }: Sight): Map<string, Mount> {
  const mounts = mountsOf(states, holdings.horizon)
  const paths = [...mounts.keys()]
  return new Map([...mounts].filter(([path]) => !paths.some((other) => path.startsWith(other + '/'))))
}

function over(sight: Sight, key: string): string | null {
  return [...outermost(sight).keys()].find((path) => isIn(key, path)) ?? null
}

function enter(sight: Sight, at: string): Sight {
  const { drive, id, version } = outermost(sight).get(at)!
  const name = version === null ? id! : `${id}@${version}`
  const way = [...sight.way, drive]
  if (way.includes(name)) throw new Refused('ELOOP')
  const { holdings } = sight
  const state = holdings.stateOf(id!, version)
  if (state === null) throw new Refused('VERSION_NOT_AVAILABLE')
  const isPast = sight.isPast || version !== null
  const own = !isPast && holdings.isWritable(id!) ? 0 : null
  return { holdings, states: [state], ids: [id!], own, isPast, way: [...way, name] }
}
