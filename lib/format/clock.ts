import { isObject } from './json.ts'

/** For each drive, by id, the highest sequence number that an author had seen (design, "How a write lands" 3). */
export type Clock = ReadonlyMap<string, number>

export const NO_CLOCK: Clock = new Map()

/** A clock as it lies in a drive. One that is not an object of sequence numbers is no clock. */
export function parseClock(value: unknown): Clock {
  if (!isObject(value)) return NO_CLOCK
  const clock = new Map<string, number>()
  for (const [id, seq] of Object.entries(value)) {
    if (!isSeq(seq)) return NO_CLOCK
    clock.set(id, seq)
  }
  return clock
}

export function formatClock(clock: Clock): { [id: string]: number } {
  return Object.fromEntries([...clock].sort(([a], [b]) => (a < b ? -1 : 1)))
}

/** Raises `into` to what `from` had seen. */
export function mergeClock(into: Map<string, number>, from: Clock): void {
  for (const [id, seq] of from) raiseClock(into, id, seq)
}

export function raiseClock(clock: Map<string, number>, id: string, seq: number): void {
  const seen = clock.get(id)
  if (seen === undefined || seen < seq) clock.set(id, seq)
}

export function isSeq(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}
