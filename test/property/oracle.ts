/**
 * The rules of the design in their plainest form: maps in memory, nothing lazy, nothing shared with the library. What an author's
 * drive holds is a list of whole states, one for each write; who has received which is a number.
 */

/** What a version of a path and a tombstone have in common. */
export interface Dated {
  readonly drive: string
  /** Where it lies in its drive; known only when it has been written. */
  seq: number
  readonly mtime: number | null
  readonly ctime: number | null
  readonly clock: ReadonlyMap<string, number>
}

/** A file or a symlink. */
export interface File extends Dated {
  readonly path: string
  readonly stamped: boolean
  readonly text: string | null
  readonly linkname: string | null
  /** As a reader of the merged view gets it. */
  readonly metadata: unknown
}

/** Under the key `path` it covers the path, under `path/` everything below it too. */
export interface Tombstone extends Dated {
  readonly key: string
}

/** A name for a version; null: it has the name no more. */
export interface Tag extends Dated {
  readonly name: string
  readonly version: string | null
}

/** A drive at a path, at one of its lengths or, with null, at its newest; without an id nothing is mounted any more. */
export interface Mount extends Dated {
  readonly path: string
  readonly id: string | null
  readonly version: number | null
}

/** A drive at one of its versions. */
export interface State {
  /** How many records it has had; 0 for a drive that nobody has written to or received. */
  readonly length: number
  readonly files: ReadonlyMap<string, File>
  readonly tombstones: ReadonlyMap<string, Tombstone>
  readonly tags: ReadonlyMap<string, Tag>
  readonly mounts: ReadonlyMap<string, Mount>
}

export type Operation =
  | { type: 'put'; path: string; text: string; metadata?: unknown }
  | { type: 'symlink'; path: string; linkname: string }
  | { type: 'del'; path: string }
  | { type: 'deltree'; path: string }

/** What a write would leave. The records are those of which the seq is to be learned. */
export interface Written {
  readonly state: State
  readonly records: readonly (File | Tombstone)[]
  /** Whether anything at all is written. */
  readonly changed: boolean
}

export class Refused extends Error {
  readonly code: string

  constructor(code: string) {
    super(code)
    this.code = code
  }
}

export const NOTHING: State = {
  length: 0,
  files: new Map(),
  tombstones: new Map(),
  tags: new Map(),
  mounts: new Map()
}

const MAX = 8.64e15

export function isTime(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 && value <= MAX
}

/** The winner at a path, null when there is none (design, "How a read resolves"). The states are in the order of adding. */
export function read(states: readonly State[], path: string, horizon = Infinity): File | null {
  const files = candidatesAt(states, path)
  const tombstones = tombstonesOver(states, path)
  const rest = current([...files, ...tombstones])
  let winner: File | null = null
  for (const file of files) {
    if (rest.includes(file) && (winner === null || beats(file, winner, horizon))) winner = file
  }
  if (winner === null) return null
  const date = trusted(winner, horizon)
  const deleted = tombstones.some((tombstone) => {
    return rest.includes(tombstone) && isLater(trusted(tombstone, horizon), date)
  })
  return deleted ? null : winner
}

/** Every visible file, by path. */
export function view(states: readonly State[], horizon = Infinity): Map<string, File> {
  const paths = new Set(states.flatMap((state) => [...state.files.keys()]))
  const visible = new Map<string, File>()
  for (const path of [...paths].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))) {
    const file = read(states, path, horizon)
    if (file) visible.set(path, file)
  }
  return visible
}

/** The versions of a path of which none had seen another; none when there is but one (design, "How a write lands" 3). */
export function conflicts(states: readonly State[], path: string): File[] {
  const files = candidatesAt(states, path)
  const rest = current([...files, ...tombstonesOver(states, path)])
  const rivals = files.filter((file) => rest.includes(file))
  return rivals.length < 2 ? [] : rivals
}

/** The newest of the records of one name, each in a drive of its own (design, "Versions"). */
export function newest<T extends Dated>(records: readonly T[], horizon: number): T | null {
  const rest = current(records)
  let winner: T | null = null
  for (const record of records) {
    if (rest.includes(record) && (winner === null || beats(record, winner, horizon))) winner = record
  }
  return winner
}

/** Which paths a drive is mounted at, one below another among them. */
export function mountsOf(states: readonly State[], horizon: number): Map<string, Mount> {
  const mounts = new Map<string, Mount>()
  for (const path of new Set(states.flatMap((state) => [...state.mounts.keys()]))) {
    const records = states.flatMap((state) => state.mounts.get(path) ?? [])
    const mount = newest(records, horizon)
    if (mount && mount.id !== null) mounts.set(path, mount)
  }
  return mounts
}

/**
 * What a write of one author leaves in its drive (design, "How a write lands"), its operations one after another.
 *
 * @param states - the drives as the author has them
 * @param own - which of them is the author's
 * @throws Refused when kinds do not fit
 */
export function write(
  states: readonly State[],
  own: number,
  drives: readonly string[],
  operations: readonly Operation[],
  now: number,
  horizon = Infinity
): Written {
  let state = states[own]!
  const drive = drives[own]!
  const records: (File | Tombstone)[] = []
  let changed = false
  for (const operation of operations) {
    const sofar = states.map((other, i) => (i === own ? state : other))
    const next = operate(sofar, states, own, drive, operation, now, horizon)
    if (next === null) continue
    changed = true
    state = next.state
    if (next.record) records.push(next.record)
  }
  const kept = new Set<unknown>([...state.files.values(), ...state.tombstones.values()])
  return { state, records: records.filter((record) => kept.has(record)), changed }
}

function operate(
  states: readonly State[],
  before: readonly State[],
  own: number,
  drive: string,
  operation: Operation,
  now: number,
  horizon: number
): { state: State; record: File | Tombstone | null } | null {
  const state = states[own]!
  const { path } = operation
  const files = new Map(state.files)
  const tombstones = new Map(state.tombstones)
  // One operation after another; the true seq is learned when all have been written.
  const length = state.length + 1
  const place = { drive, seq: state.length, ctime: now }
  // A drive that has never been here cannot be asked what it holds.
  const unasked = states.some((other, i) => i !== own && other.length === 0)

  if (operation.type === 'put' || operation.type === 'symlink') {
    checkKind(states, path, horizon)
    // What its author could see: what was there before the write, and what the write itself has deleted by now.
    const seen: Dated[] = [before, states].flatMap((all) => {
      return [...candidatesAt(all, path), ...tombstonesOver(all, path)]
    })
    const metadata = operation.type === 'put' ? (operation.metadata ?? null) : null
    const given: unknown = Object(metadata).mtime
    const record: File = {
      ...place,
      path,
      mtime: isTime(given) ? given : later(seen, now, horizon),
      clock: clockOf(seen, drive),
      stamped: true,
      text: operation.type === 'put' ? operation.text : null,
      linkname: operation.type === 'symlink' ? operation.linkname : null,
      metadata
    }
    files.set(path, record)
    return { state: { ...state, length, files, tombstones }, record }
  }

  if (operation.type === 'del') {
    const candidates = candidatesAt(states, path)
    const gone = tombstonesOver([state], path).some((one) => !tombstonesOver(before, path).includes(one))
    if (read(states, path, horizon) === null && (gone || !unasked)) return null
    files.delete(path)
    if (candidates.every((file) => file.drive === drive) && !unasked)
      return { state: { ...state, length, files, tombstones }, record: null }
    const seen: Dated[] = [...candidates, ...tombstonesOver(states, path)]
    const record = { ...place, key: path, mtime: later(seen, now, horizon), clock: clockOf(seen, drive) }
    tombstones.set(path, record)
    return { state: { ...state, length, files, tombstones }, record }
  }

  if (hasMountBelow(states, path, horizon)) throw new Refused('EBUSY')
  const covered = [...files.keys()].filter((key) => isIn(key, path))
  for (const key of covered) files.delete(key)
  const holders = states.filter((other, i) => {
    return i !== own && [...other.files.keys()].some((key) => isIn(key, path))
  })
  if (holders.length === 0 && !unasked)
    return covered.length === 0 ? null : { state: { ...state, length, files, tombstones }, record: null }
  const buried = states.flatMap((other) => [...other.tombstones.values()])
  const over = buried.filter(({ key }) => key.endsWith('/') && isIn(path, key.slice(0, -1)))
  const below = buried.filter(({ key }) => isIn(key.replace(/\/$/, ''), path))
  const clock = new Map<string, number>()
  // A tombstone that covers the folder whole speaks for all of it. One of a single path below says nothing of its neighbours, so
  // what its author had seen is no part of this clock; the drive that it lies in has been seen to its end.
  for (const { clock: seen } of over) for (const [id, seq] of seen) raise(clock, id, seq)
  for (const tombstone of [...over, ...below]) raise(clock, tombstone.drive, tombstone.seq)
  for (const holder of holders) raise(clock, [...holder.files.values()][0]!.drive, holder.length - 1)
  clock.delete(drive)
  const filesBelow = states.flatMap((other) =>
    [...other.files.values()].filter((file) => isIn(file.path, path))
  )
  const record = {
    ...place,
    key: path + '/',
    mtime: later([...filesBelow, ...over, ...below], now, horizon),
    clock
  }
  // The author’s older ones below say nothing more, but where one had seen more of some drive.
  for (const [key, older] of tombstones) {
    const covered = [...older.clock].every(([id, seq]) => seq <= (clock.get(id) ?? -1))
    if (covered && isIn(key.replace(/\/$/, ''), path)) tombstones.delete(key)
  }
  tombstones.set(record.key, record)
  return { state: { ...state, length, files, tombstones }, record }
}

/** Kinds do not mix. What is visible as a file may always be written again. */
function checkKind(states: readonly State[], path: string, horizon: number): void {
  const visible = [...view(states, horizon).keys()]
  if (visible.includes(path)) return
  const isFolder = visible.some((other) => other.startsWith(path + '/'))
  if (isFolder || hasMountBelow(states, path, horizon)) throw new Refused('EISDIR')
  if (visible.some((other) => path.startsWith(other + '/'))) throw new Refused('ENOTDIR')
}

function hasMountBelow(states: readonly State[], folder: string, horizon: number): boolean {
  return [...mountsOf(states, horizon).keys()].some((path) => path.startsWith(folder + '/'))
}

function candidatesAt(states: readonly State[], path: string): File[] {
  return states.flatMap((state) => state.files.get(path) ?? [])
}

function tombstonesOver(states: readonly State[], path: string): Tombstone[] {
  return states.flatMap((state) => {
    return [...state.tombstones.values()].filter(({ key }) => {
      return key === path || (key.endsWith('/') && isIn(path, key.slice(0, -1)))
    })
  })
}

export function isIn(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder + '/')
}

/** Whether the author of one version had seen another. */
export function hasSeen(a: Dated, b: Dated): boolean {
  if (a.drive === b.drive) return a.seq > b.seq
  return (a.clock.get(b.drive) ?? -1) >= b.seq
}

/** What nothing supersedes; all, where forged clocks go round in a ring. */
function current(all: readonly Dated[]): readonly Dated[] {
  const rest = all.filter((one) => !all.some((other) => isNewer(other, one)))
  return rest.length === 0 ? all : rest
}

function isNewer(a: Dated, b: Dated): boolean {
  return hasSeen(a, b) && !hasSeen(b, a)
}

/** Records are MultiDrive's own and stamped, files may not be. */
type MaybeStamped = Dated & { readonly stamped?: boolean }

/** Whether one that was added later takes the place of the best so far. */
function beats(a: MaybeStamped, b: MaybeStamped, horizon: number): boolean {
  const [one, other] = [trusted(a, horizon), trusted(b, horizon)]
  if (one !== other) return isLater(one, other)
  if (a.ctime !== b.ctime) return isLater(a.ctime, b.ctime)
  return a.stamped !== false && b.stamped !== false && a.drive > b.drive
}

function isLater(a: number | null, b: number | null): boolean {
  return a !== null && (b === null || a > b)
}

function trusted({ mtime }: Dated, horizon: number): number | null {
  return mtime !== null && mtime <= horizon ? mtime : null
}

export function later(seen: readonly Dated[], now: number, horizon: number): number {
  const dates = seen.flatMap((one) => trusted(one, horizon) ?? [])
  return Math.min(MAX, Math.max(now, ...dates.map((date) => date + 1)))
}

export function clockOf(seen: readonly Dated[], drive: string): Map<string, number> {
  const clock = new Map<string, number>()
  for (const one of seen) {
    for (const [id, seq] of one.clock) raise(clock, id, seq)
    raise(clock, one.drive, one.seq)
  }
  clock.delete(drive)
  return clock
}

function raise(clock: Map<string, number>, id: string, seq: number): void {
  clock.set(id, Math.max(seq, clock.get(id) ?? -1))
}
