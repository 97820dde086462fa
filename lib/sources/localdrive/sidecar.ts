import type { Stats } from 'node:fs'
import type { Json } from '../../drive.ts'
import { formatClock, parseClock, type Clock } from '../../format/clock.ts'
import { isObject } from '../../format/json.ts'
import type { Parsed } from '../../format/records.ts'
import {
  FORMAT_VERSION,
  isMode,
  isNewer,
  isTime,
  unstamped,
  type NewStamp,
  type Stamp
} from '../../format/stamp.ts'

/** What the file system cannot keep of a file or link that was written through MultiDrive. */
export interface Sidecar {
  mtime: number
  ctime: number | null
  clock: Clock
  explicit: boolean
  mode: number | null
  metadata: Json
  /** The mtime that the file system kept, and the size: while both stand, nobody else wrote the file. */
  disk: number
  size: number
}

/** The sidecar of what was just written, null when the file system keeps all there is to know. */
export function makeSidecar(stamp: NewStamp, metadata: Json, written: Stats): Sidecar | null {
  const disk = diskTime(written)
  const bits = written.mode & 0o7777
  const mode = stamp.mode != null && stamp.mode !== bits ? stamp.mode : null
  if (stamp.clock.size === 0 && metadata === null && mode === null && Math.abs(disk - stamp.mtime) < 1)
    return null
  const { mtime, ctime, clock, explicit } = stamp
  return { mtime, ctime, clock, explicit, mode, metadata, disk, size: written.size }
}

/** Whether a file is still as it was when its sidecar was made. */
export function isValid(sidecar: Sidecar, stat: Stats): boolean {
  return stat.size === sidecar.size && Math.abs(diskTime(stat) - sidecar.disk) < 1
}

/** The stamp of what stands on the disk. Never `stamped`: the path of a folder says nothing on another machine. */
export function stampOf(stat: Stats, sidecar: Sidecar | null): Stamp {
  const executable = isExecutable(stat)
  if (sidecar === null) {
    const disk = diskTime(stat)
    return { ...unstamped(isTime(disk) ? disk : null), mode: bitsOf(stat) }
  }
  const { mtime, ctime, clock, mode } = sidecar
  // A chmod leaves the mtime, so a mode that contradicts the file is out of date.
  const kept = mode !== null && (stat.isSymbolicLink() || executable === ((mode & 0o100) !== 0))
  return { mtime, ctime, clock, stamped: false, mode: kept ? mode : bitsOf(stat), size: null }
}

/** The permission bits of a file; those of a link mean nothing. */
function bitsOf(stat: Stats): number | null {
  return stat.isSymbolicLink() ? null : stat.mode & 0o7777
}

export function isExecutable(stat: Stats): boolean {
  return (stat.mode & 0o100) !== 0
}

/** The mtime of a file. Dates go through seconds in a double, so a whole millisecond comes back up to 0.3 µs off. */
export function diskTime({ mtimeMs }: Stats): number {
  const whole = Math.round(mtimeMs)
  return Math.abs(mtimeMs - whole) < 0.001 ? whole : mtimeMs
}

export function formatSidecar(sidecar: Sidecar): Json {
  const { mtime, ctime, clock, explicit, mode, metadata, disk, size } = sidecar
  const value: { [name: string]: Json } = {
    v: FORMAT_VERSION,
    mtime,
    ctime,
    clock: formatClock(clock),
    explicit,
    disk,
    size
  }
  if (mode !== null) value.mode = mode
  if (metadata !== null) value.metadata = metadata
  return value
}

export function parseSidecar(value: unknown): Parsed<Sidecar> {
  if (!isObject(value)) return { record: null, newer: null }
  if (isNewer(value.v)) return { record: null, newer: value.v }
  const { v, mtime, ctime, clock, explicit, mode, metadata, disk, size } = value
  if (v !== FORMAT_VERSION || !isTime(mtime) || typeof disk !== 'number' || typeof size !== 'number') {
    return { record: null, newer: null }
  }
  const record: Sidecar = {
    mtime,
    ctime: isTime(ctime) ? ctime : null,
    clock: parseClock(clock),
    explicit: explicit === true,
    mode: isMode(mode) ? mode : null,
    metadata: (metadata ?? null) as Json,
    disk,
    size
  }
  return { record, newer: null }
}
