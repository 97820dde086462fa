import { mergeClock, raiseClock, type Clock } from '../format/clock.ts'
import { isTime, MAX_TIME, type NewStamp } from '../format/stamp.ts'
import type { Leaf, Version } from '../sources/source.ts'
import { believed, type Rules } from './resolve.ts'

/**
 * The clock of a write: what its author could see at the path, and what the authors of that had seen (design, "How a write lands" 3).
 * The writer's own records are left out, for a later one of the same drive had seen an earlier one by its place alone.
 */
export function clockOver(seen: readonly Version[], writer: Leaf): Map<string, number> {
  const clock = new Map<string, number>()
  for (const { leaf, origin, stamp } of seen) {
    mergeClock(clock, stamp.clock)
    if (leaf.versioned && leaf !== writer) raiseClock(clock, origin.id, origin.seq)
  }
  if (writer.versioned) clock.delete(writer.identity)
  return clock
}

/** A time later than now and than everything seen, in milliseconds since the epoch (design, "How a write lands" 2). */
export function timeOver(seen: readonly Version[], rules: Rules, now: number): number {
  return seen.reduce((time, version) => Math.max(time, after(believed(version, rules))), now)
}

/**
 * The stamp of a write.
 *
 * @param seen - all candidates and tombstones at the path
 * @param explicit - the mtime that the caller gave, null for none. It is kept as given, but where a source without sequence numbers holds
 *   something as new: against that only the date can make the write win
 */
export function stampOver(
  seen: readonly Version[],
  writer: Leaf,
  rules: Rules,
  explicit: number | null
): NewStamp {
  const now = Date.now()
  const clock: Clock = clockOver(seen, writer)
  if (explicit === null) return { mtime: timeOver(seen, rules, now), ctime: now, clock, explicit: false }
  const undated = seen.filter(({ leaf }) => !leaf.versioned && leaf !== writer)
  const mtime = timeOver(undated, rules, explicit)
  return { mtime, ctime: now, clock, explicit: mtime === explicit }
}

/** The mtime that the caller's metadata asks for, null when it asks for none. */
export function explicitTime(metadata: unknown): number | null {
  if (typeof metadata !== 'object' || metadata === null || !('mtime' in metadata)) return null
  return isTime(metadata.mtime) ? metadata.mtime : null
}

function after(time: number | null): number {
  return time === null ? 0 : Math.min(MAX_TIME, Math.floor(time) + 1)
}
