import type { Tombstone, Version } from '../sources/source.ts'
import { newest } from './compare.ts'

/** How versions are told apart; a part of the MultiDrive's options. */
export interface Rules {
  /** The latest mtime that is believed, in milliseconds since the epoch. */
  readonly horizon: number
  /** Told of what is dated later, when it is compared. */
  readonly meet?: (version: Version) => void
}

/**
 * The version of a path that a read returns, null when there is none or it is deleted (design, "How a read resolves" 2 to 5).
 *
 * @param versions - files and symlinks, or directory records, in the order of adding
 * @param tombstones - those that cover the path, in any order
 * @param compare - a comparator of the user's, deciding alone over what no tombstone covers; null for the design's own rule
 */
export function resolve<T extends Version>(
  versions: readonly T[],
  tombstones: readonly Tombstone[],
  rules: Rules,
  compare: ((a: T, b: T) => number) | null = null
): T | null {
  if (versions.length === 0) return null
  if (tombstones.length === 0 && versions.length === 1) return versions[0]!
  if (compare !== null) return fold(living(versions, tombstones, rules), compare)

  const all: readonly Version[] = [...versions, ...tombstones]
  const current = concurrent(all)
  const winner = fold(
    versions.filter((version) => current.has(version)),
    (a, b) => order(a, b, rules)
  )
  if (winner === null) return null
  const buried = tombstones.some((tombstone) => current.has(tombstone) && later(tombstone, winner, rules))
  return buried ? null : winner
}

/**
 * The versions that would show if the winner did not, the newest first: those that nothing supersedes, then the others. What is deleted
 * is not among them.
 *
 * @param versions - all of the path, with the winner
 * @param compare - as for {@link resolve}; it decides alone
 */
export function older<T extends Version>(
  winner: T,
  versions: readonly T[],
  tombstones: readonly Tombstone[],
  rules: Rules,
  compare: ((a: T, b: T) => number) | null = null
): T[] {
  const left = new Set(living(versions, tombstones, rules))
  left.delete(winner)
  if (compare !== null) return [...left].sort(compare)
  const sorted: T[] = []
  // Of those that are superseded too, one that saw another is the newer, whatever the dates say.
  let current: ReadonlySet<T> = concurrent(versions)
  while (left.size > 0) {
    const next = [...left].filter((version) => current.has(version))
    for (const version of next.sort((a, b) => order(a, b, rules))) {
      sorted.push(version)
      left.delete(version)
    }
    current = concurrent([...left])
  }
  return sorted
}

/** Whether the author of `a` had seen `b`. */
export function saw(a: Version, b: Version): boolean {
  if (a.origin.id === b.origin.id) return a.origin.seq > b.origin.seq
  const seen = a.stamp.clock.get(b.origin.id)
  return seen !== undefined && seen >= b.origin.seq
}

/** Whether `b` is an older version of what `a` is: two that each claim to have seen the other are not. */
export function supersedes(a: Version, b: Version): boolean {
  return saw(a, b) && !saw(b, a)
}

/** The mtime that is believed, null for none. */
export function believed(version: Version, rules: Rules): number | null {
  const { mtime } = version.stamp
  if (mtime === null || mtime <= rules.horizon) return mtime
  rules.meet?.(version)
  return null
}

/** The versions that no other one supersedes. Forged clocks can make a ring; then all are taken as concurrent. */
export function concurrent<T extends Version>(versions: readonly T[]): ReadonlySet<T> {
  const left = versions.filter((version) => !versions.some((other) => supersedes(other, version)))
  return new Set(left.length > 0 ? left : versions)
}

/** What no tombstone covers: neither by having seen it nor, where neither saw the other, by a later date. */
function living<T extends Version>(
  versions: readonly T[],
  tombstones: readonly Tombstone[],
  rules: Rules
): T[] {
  return versions.filter(
    (version) =>
      !tombstones.some(
        (tombstone) =>
          supersedes(tombstone, version) ||
          (!supersedes(version, tombstone) && later(tombstone, version, rules))
      )
  )
}

/** Whether a tombstone is later than a version; on a tie the version stays, whatever else tells them apart. */
function later(tombstone: Tombstone, version: Version, rules: Rules): boolean {
  return newest(believed(tombstone, rules), believed(version, rules)) < 0
}

function byDate(a: Version, b: Version, rules: Rules): number {
  return newest(believed(a, rules), believed(b, rules)) || newest(a.stamp.ctime, b.stamp.ctime)
}

/** The later date; of two stamped versions of one date the greater drive id, so that all readers agree. */
export function order(a: Version, b: Version, rules: Rules): number {
  const date = byDate(a, b, rules)
  if (date !== 0 || !a.stamp.stamped || !b.stamp.stamped || a.origin.id === b.origin.id) return date
  return a.origin.id > b.origin.id ? -1 : 1
}

/** The first of the newest. */
function fold<T>(versions: readonly T[], compare: (a: T, b: T) => number): T | null {
  let best: T | null = null
  for (const version of versions) if (best === null || compare(best, version) > 0) best = version
  return best
}
