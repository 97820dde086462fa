import type { ReadOptions } from '../drive.ts'
import { compareKeys, folderRange, type KeyRange } from '../path.ts'
import { gather } from './ask.ts'
import { worst } from './failure.ts'
import { LaneFailures, Merge, type Merged } from './merge.ts'
import { MountedView } from './mounted.ts'
import type { Candidate, Tombstone } from '../sources/source.ts'
import { concurrent, order, type Rules } from './resolve.ts'
import type { Located, MergedView, Place } from './view.ts'

/** A path with versions of which none had seen another. */
export interface Conflict {
  readonly key: string
  /** The newest first; two or more. */
  readonly rivals: readonly Located[]
}

/**
 * The candidates of a path of which none had seen another, the newest first; none when there is but one. Drives without history are left
 * out: of them nobody can tell what they had seen.
 */
export async function conflictAt(
  all: MergedView | MountedView,
  key: string,
  opts: ReadOptions = {}
): Promise<readonly Located[]> {
  const { view, isHidden } = ownOf(all)
  if (isHidden(key)) return []
  const places = versioned(view)
  const candidates = await gather(places, (leaf) => leaf.find(key, opts), key)
  const found = candidates.flatMap((candidate, i) =>
    candidate ? [{ candidate, source: places[i]!.source }] : []
  )
  return rivals(view, key, found)
}

/** Every path in a range with such candidates, in order. All drives are read side by side, a page of each at a time. */
export async function* conflictsIn(
  all: MergedView | MountedView,
  range: KeyRange,
  opts: ReadOptions = {}
): AsyncGenerator<Conflict, void, void> {
  const { view, isHidden } = ownOf(all)
  const merge = mergeOf(view, range, opts)
  try {
    for (let merged = await merge.next(); merged !== null; merged = await merge.next()) {
      const { key, found } = merged
      const at = rivals(view, key, found)
      if (at.length > 0 && !isHidden(key)) yield { key, rivals: at }
    }
  } catch (err) {
    throw err instanceof LaneFailures ? worst(err.failures) : err
  } finally {
    await merge.close()
  }
}

/** As {@link conflictsIn}, of some keys in order: every drive is read where these lie, and nowhere else. */
export async function* conflictsAmong(
  all: MergedView | MountedView,
  keys: AsyncIterable<string>,
  opts: ReadOptions = {}
): AsyncGenerator<Conflict, void, void> {
  const { view, isHidden } = ownOf(all)
  const merge = mergeOf(view, folderRange(''), opts)
  let merged: Merged | null = null
  try {
    for await (const key of keys) {
      if (merged === null || compareKeys(merged.key, key) < 0) {
        merge.seek(key)
        merged = await merge.next()
        if (merged === null) return
      }
      const at = merged.key === key ? rivals(view, key, merged.found) : []
      if (at.length > 0 && !isHidden(key)) yield { key, rivals: at }
    }
  } catch (err) {
    throw err instanceof LaneFailures ? worst(err.failures) : err
  } finally {
    await merge.close()
  }
}

/** The drives of the set. What is mounted is one drive, and a drive has no rival in itself. */
function ownOf(all: MergedView | MountedView): { view: MergedView; isHidden: (key: string) => boolean } {
  if (!(all instanceof MountedView)) return { view: all, isHidden: () => false }
  return { view: all.base, isHidden: (key) => all.isMounted(key) }
}

function mergeOf(view: MergedView, range: KeyRange, opts: ReadOptions): Merge {
  const inputs = versioned(view).map(({ source, view: leaf }) => ({
    source,
    open: () => leaf.scan(range, opts)
  }))
  return new Merge(inputs, false)
}

function versioned(view: MergedView): Place[] {
  return view.places().filter((place) => place.view.leaf.versioned)
}

function rivals(view: MergedView, key: string, found: readonly Located[]): readonly Located[] {
  const tombstones = () => view.tombstonesOver(key).filter(({ leaf }) => leaf.versioned)
  return rivalsIn(found, tombstones, view.rules)
}

/**
 * The rivals among what was found at a key in some drives, the newest first; none when there is but one.
 *
 * @param tombstones - gives those that cover the key in the same drives; not called when there is but one
 */
export function rivalsIn<T extends { readonly candidate: Candidate }>(
  found: readonly T[],
  tombstones: () => readonly Tombstone[],
  rules: Rules
): readonly T[] {
  if (found.length < 2) return []
  const current = concurrent([...found.map(({ candidate }) => candidate), ...tombstones()])
  // A drive and a checkout of it may hold the very same version.
  const versions = new Map<string, T>()
  for (const located of found) {
    const { id, seq } = located.candidate.origin
    const version = `${id} ${seq}`
    if (current.has(located.candidate) && !versions.has(version)) versions.set(version, located)
  }
  if (versions.size < 2) return []
  return [...versions.values()].sort((a, b) => order(a.candidate, b.candidate, rules))
}
