import type { ReadOptions } from '../drive.ts'
import type { KeyRange } from '../path.ts'
import { worst } from './failure.ts'
import { LaneFailures, Merge } from './merge.ts'
import { MountedView } from './mounted.ts'
import { concurrent, order } from './resolve.ts'
import { gather, type Located, type MergedView, type Place } from './view.ts'

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
  // What is mounted is one drive, and a drive has no rival in itself.
  if (all instanceof MountedView && all.isMounted(key)) return []
  const view = all instanceof MountedView ? all.base : all
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
  const view = all instanceof MountedView ? all.base : all
  const isHidden = (key: string) => all instanceof MountedView && all.isMounted(key)
  const merge = new Merge(
    versioned(view).map(({ source, view: leaf }) => ({ source, cursor: leaf.scan(range, opts) })),
    false
  )
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

function versioned(view: MergedView): Place[] {
  return view.places().filter((place) => place.view.leaf.versioned)
}

function rivals(view: MergedView, key: string, found: readonly Located[]): readonly Located[] {
  if (found.length < 2) return []
  const tombstones = view.leaves().flatMap((leaf) => (leaf.leaf.versioned ? leaf.tombstonesOver(key) : []))
  const current = concurrent([...found.map(({ candidate }) => candidate), ...tombstones])
  // A drive and a checkout of it may hold the very same version.
  const versions = new Map<string, Located>()
  for (const located of found) {
    const { id, seq } = located.candidate.origin
    const version = `${id} ${seq}`
    if (current.has(located.candidate) && !versions.has(version)) versions.set(version, located)
  }
  if (versions.size < 2) return []
  return [...versions.values()].sort((a, b) => order(a.candidate, b.candidate, view.rules))
}
