import { isDeepStrictEqual } from 'node:util'
import TinyQueue from 'tinyqueue'
import type { ReadOptions } from '../drive.ts'
import { tombstoneKey } from '../format/records.ts'
import { compareKeys, folderRange, inRange, isIn, type KeyRange } from '../path.ts'
import type { Candidate, Cursor, Leaf, LeafView, Tombstone } from '../sources/source.ts'
import { worst } from './failure.ts'
import { MountedView, stripped } from './mounted.ts'
import type { Located, LocatedCursor, MergedView } from './view.ts'

/** How many keys are read at once. */
const PAGE = 256

/** What stands at a key in two views; null where nothing does. */
export interface Difference {
  readonly key: string
  readonly now: Located | null
  readonly before: Located | null
}

/**
 * Where two merged views differ in a range of keys, in order. It costs what has changed in the drives, not what they hold, but for drives
 * that are in one of the views only.
 */
export async function* differences(
  now: MergedView | MountedView,
  before: MergedView | MountedView,
  range: KeyRange,
  opts: ReadOptions = {}
): AsyncGenerator<Difference, void, void> {
  const keys = merged(changedInAll(now, before, range, opts))
  for await (const key of keys) {
    const [left, right] = await Promise.all([locate(now, key, opts), locate(before, key, opts)])
    if (!isSameVersion(left?.candidate, right?.candidate)) yield { key, now: left, before: right }
  }
}

/** As {@link changedKeys}, with what is mounted. */
export function changedInAll(
  now: MergedView | MountedView,
  before: MergedView | MountedView,
  range: KeyRange,
  opts: ReadOptions
): AsyncIterable<string>[] {
  const [left, right] = [mountsOf(now), mountsOf(before)]
  const isHidden = (key: string) => covers(now, key) && covers(before, key)
  const own = changedKeys(baseOf(now), baseOf(before), range, opts)
  const rows: AsyncIterable<string>[] = [without(own, isHidden)]
  for (const path of new Set([...left.keys(), ...right.keys()])) {
    const below = intersection(range, path)
    if (inRange(path, range)) rows.push(each([path]))
    if (below === null) continue
    const isSame = isDeepStrictEqual(left.get(path)?.record.mount, right.get(path)?.record.mount)
    if (isSame) rows.push(changedBelow(now as MountedView, before as MountedView, path, below, opts))
    else {
      rows.push(keysOf(now.winners(below, opts)), keysOf(before.winners(below, opts)))
      rows.push(mountsBelow(now, path, below), mountsBelow(before, path, below))
    }
  }
  return rows
}

/** All keys at which a view shows something in a range, the paths of mounts among them, in order. */
export function standingKeys(
  view: MergedView | MountedView,
  range: KeyRange,
  opts: ReadOptions
): AsyncIterable<string> {
  return merged([keysOf(view.winners(range, opts)), mountKeys(view, range)])
}

/** The paths of the mounts in a range, those in mounted drives too, in order. */
async function* mountKeys(
  view: MergedView | MountedView,
  range: KeyRange
): AsyncGenerator<string, void, void> {
  if (!(view instanceof MountedView)) return
  const rows: AsyncIterable<string>[] = []
  for (const path of view.mounts.keys()) {
    if (inRange(path, range)) rows.push(each([path]))
    const inside = intersection(range, path)
    if (inside) rows.push(mountsBelow(view, path, inside))
  }
  yield* merged(rows)
}

/** The paths of the mounts in what is mounted at a path, in order; of those that are no change the comparison says so. */
async function* mountsBelow(
  view: MergedView | MountedView,
  path: string,
  range: KeyRange
): AsyncGenerator<string, void, void> {
  const inner = view instanceof MountedView && view.mounts.has(path) ? await view.innerInListing(path) : null
  if (inner === null) return
  for await (const key of mountKeys(inner, stripped(range, path))) yield path + key
}

async function* changedBelow(
  now: MountedView,
  before: MountedView,
  path: string,
  range: KeyRange,
  opts: ReadOptions
): AsyncGenerator<string, void, void> {
  const [left, right] = await Promise.all([now, before].map((view) => view.innerInListing(path)))
  if (left && right) {
    for await (const key of merged(changedInAll(left, right, stripped(range, path), opts))) yield path + key
    return
  }
  // One mount may go round in a loop where one drive says it, and not where another does.
  const rows = [now, before].flatMap((view) => [
    keysOf(view.winners(range, opts)),
    mountsBelow(view, path, range)
  ])
  yield* merged(rows)
}

const NO_MOUNTS: MountedView['mounts'] = new Map()

function mountsOf(view: MergedView | MountedView): MountedView['mounts'] {
  return view instanceof MountedView ? view.mounts : NO_MOUNTS
}

/** What is mounted and cannot be opened is empty, as in listings. */
export function locate(
  view: MergedView | MountedView,
  key: string,
  opts: ReadOptions
): Promise<Located | null> {
  return view instanceof MountedView ? view.locateListed(key, opts) : view.locate(key, opts)
}

function covers(view: MergedView | MountedView, key: string): boolean {
  return view instanceof MountedView && view.isMounted(key)
}

async function* without(
  keys: AsyncIterable<string>,
  isLeftOut: (key: string) => boolean
): AsyncGenerator<string, void, void> {
  for await (const key of keys) if (!isLeftOut(key)) yield key
}

export function baseOf(view: MergedView | MountedView): MergedView {
  return view instanceof MountedView ? view.base : view
}

/** The keys at which two merged views may differ, each once and in order. */
export async function* changedKeys(
  now: MergedView,
  before: MergedView,
  range: KeyRange,
  opts: ReadOptions = {}
): AsyncGenerator<string, void, void> {
  const inputs: AsyncIterable<string>[] = []
  const add = (cursor: Cursor | LocatedCursor) => void inputs.push(keysOf(cursor))
  const addOf = ({ leaf }: LeafView, keys: AsyncIterable<string>) => void inputs.push(naming(leaf, keys))
  const addWhole = (view: LeafView) => addOf(view, keysOf(view.scan(range, opts)))
  const left = leavesOf(now)
  const right = leavesOf(before)
  for (const [identity, view] of left) {
    const other = right.get(identity)
    const changed = other && view.changedKeys(other, range, opts)
    if (changed) addOf(view, changed)
    else for (const whole of other ? [view, other] : [view]) addWhole(whole)
    // Deletions change what is visible of other drives.
    for (const { path, tree } of changedTombstones(view, other)) {
      if (inRange(path, range)) inputs.push(each([path]))
      const below = tree ? intersection(range, path) : null
      if (below) for (const view of [now, before]) add(view.winners(below, opts))
    }
  }
  for (const [identity, view] of right) {
    if (left.has(identity)) continue
    addWhole(view)
    for (const { path, tree } of changedTombstones(view, undefined)) {
      if (inRange(path, range)) inputs.push(each([path]))
      const below = tree ? intersection(range, path) : null
      if (below) for (const view of [now, before]) add(view.winners(below, opts))
    }
  }
  yield* merged(inputs)
}

/** Keys that one leaf gives; a failure names it. */
async function* naming(source: Leaf, keys: AsyncIterable<string>): AsyncGenerator<string, void, void> {
  try {
    yield* keys
  } catch (error) {
    throw worst([{ source, error }])
  }
}

/** Whether two candidates are one version of a path. Where a drive has no history, one that looks the same is taken for the same. */
export function isSameVersion(a: Candidate | undefined, b: Candidate | undefined): boolean {
  if (!a || !b) return a === b
  if (a.leaf.identity !== b.leaf.identity || a.key !== b.key) return false
  if (a.leaf.versioned) return a.origin.id === b.origin.id && a.origin.seq === b.origin.seq
  return isDeepStrictEqual([a.value, a.stamp], [b.value, b.stamp])
}

export function leavesOf(view: MergedView): Map<string, LeafView> {
  return new Map(view.leaves().map((leaf) => [leaf.leaf.identity, leaf]))
}

/** The paths of tombstones that only one of two views of a leaf has, or that are others in each. */
export function changedTombstones(
  view: LeafView,
  other: LeafView | undefined
): { path: string; tree: boolean }[] {
  const [left, right] = [tombstonesOf(view), other ? tombstonesOf(other) : new Map<string, Tombstone>()]
  const changed = (a: Map<string, Tombstone>, b: Map<string, Tombstone>) =>
    [...a]
      .filter(([key, tombstone]) => !isSameTombstone(tombstone, b.get(key)))
      .map(([, { record }]) => record)
  return [...changed(left, right), ...changed(right, left)]
}

function tombstonesOf(view: LeafView): Map<string, Tombstone> {
  return new Map(view.tombstonesBelow('').map((tombstone) => [tombstoneKey(tombstone.record), tombstone]))
}

function isSameTombstone(a: Tombstone, b: Tombstone | undefined): boolean {
  return b !== undefined && a.origin.seq === b.origin.seq && isDeepStrictEqual(a.stamp, b.stamp)
}

/** What of a range lies below a folder, null for nothing; the range is of one folder, or of everything. */
function intersection(range: KeyRange, folder: string): KeyRange | null {
  const { gt } = range
  if (gt === undefined || !gt.endsWith('/')) return folderRange(folder)
  const within = gt.slice(0, -1)
  if (within === '' || isIn(folder, within)) return folderRange(folder)
  return isIn(within, folder) ? range : null
}

/** What is known already, as a row to be merged. */
export async function* each(keys: Iterable<string>): AsyncGenerator<string, void, void> {
  yield* await Promise.resolve(keys)
}

export async function* keysOf(cursor: Cursor | LocatedCursor): AsyncGenerator<string, void, void> {
  try {
    for (let page = await cursor.page(PAGE); page.length > 0; page = await cursor.page(PAGE)) {
      for (const item of page) yield 'candidate' in item ? item.candidate.key : item.key
    }
  } finally {
    await cursor.close()
  }
}

/** Many rows of keys, each in order, as one, without any key twice. */
export async function* merged(inputs: readonly AsyncIterable<string>[]): AsyncGenerator<string, void, void> {
  interface Row {
    key: string
    readonly rest: AsyncIterator<string>
  }
  const rows = inputs.map((input) => input[Symbol.asyncIterator]())
  const queue = new TinyQueue<Row>([], (a, b) => compareKeys(a.key, b.key))
  const take = async (rest: AsyncIterator<string>) => {
    const next = await rest.next()
    if (next.done !== true) queue.push({ key: next.value, rest })
  }
  try {
    await Promise.all(rows.map(take))
    let last: string | null = null
    for (let row = queue.pop(); row; row = queue.pop()) {
      if (row.key !== last) yield (last = row.key)
      await take(row.rest)
    }
  } finally {
    await Promise.all(rows.map(async (row) => row.return?.()))
  }
}
