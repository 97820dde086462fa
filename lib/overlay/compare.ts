import type { Comparator } from '../drive.ts'
import { isTime } from '../format/stamp.ts'

/** What {@link byMtime} looks at: milliseconds since the epoch, or Dates as in Node's `fs.Stats`. */
export interface Dated {
  mtime: number | Date | null
  ctime?: number | Date | null
}

/**
 * The default comparator: the later mtime is newer, then the later ctime. An entry with no valid mtime (a finite number from 0 to
 * 8.64e15) is older than any with one (design, "How a read resolves" 3 and 4).
 *
 * @returns negative when `a` is newer, positive when `b` is, 0 when they cannot be told apart by date
 */
export function byMtime(a: Dated, b: Dated): number {
  return newest(time(a.mtime), time(b.mtime)) || newest(time(a.ctime), time(b.ctime))
}

/** The comparator that finds all versions equal, so that the drive that was added first wins. */
export const byOrder: Comparator = () => 0

/** Two dates, null for none: negative when `a` is later. */
export function newest(a: number | null, b: number | null): number {
  if (a === b) return 0
  if (a === null) return 1
  return b === null ? -1 : Math.sign(b - a)
}

function time(value: number | Date | null | undefined): number | null {
  const ms = value instanceof Date ? value.getTime() : value
  return isTime(ms) ? ms : null
}
