import type { Json } from '../drive.ts'
import { formatClock, NO_CLOCK, parseClock, type Clock } from './clock.ts'
import { isObject } from './json.ts'

/** The version of every record that this release writes, and the highest it reads. */
export const FORMAT_VERSION = 1

/** The latest date that JavaScript has, in milliseconds since the epoch (ECMAScript, "Time Values and Time Range"). */
export const MAX_TIME = 8.64e15

/** The times and the clock that MultiDrive puts on what it writes. */
export interface Stamp {
  /** Milliseconds since the epoch; null when there is no valid date. */
  mtime: number | null
  ctime: number | null
  clock: Clock
  /** Whether MultiDrive wrote it. */
  stamped: boolean
  /** Permission bits, where they were set. */
  mode: number | null
  /** The true size in bytes of a file whose blob is a block map. */
  size: number | null
}

/** What the metadata of an entry says: the caller's own part, and the stamp. */
export interface ParsedMetadata {
  metadata: Json
  stamp: Stamp
  /** The version of a reserved member that this release cannot read, else null. */
  newer: number | null
}

/** A stamp to be written. `explicit` says that the caller gave the mtime. */
export interface NewStamp {
  mtime: number
  ctime: number
  clock: Clock
  explicit: boolean
  mode?: number | null
  size?: number | null
}

/** Whether a record was written by a later release. */
export function isNewer(version: unknown): version is number {
  return Number.isInteger(version) && (version as number) > FORMAT_VERSION
}

export function isTime(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= MAX_TIME
}

/**
 * The metadata of an entry as it lies in a drive (FORMAT.md, "Stamps"): the caller's members, `mtime`, and the reserved member
 * `multidrive`. What cannot lie beside those two is kept whole in the member's `metadata`.
 */
export function formatMetadata(metadata: Json, stamp: NewStamp): { [name: string]: Json } {
  const member: { [name: string]: Json } = { v: FORMAT_VERSION, ctime: stamp.ctime, stamped: !stamp.explicit }
  if (stamp.mode != null) member.mode = stamp.mode
  if (stamp.size != null) member.size = stamp.size
  if (stamp.clock.size > 0) member.clock = formatClock(stamp.clock)
  if (metadata === null) return { mtime: stamp.mtime, multidrive: member }
  if (fitsBeside(metadata, stamp)) return { ...metadata, mtime: stamp.mtime, multidrive: member }
  return { mtime: stamp.mtime, multidrive: { ...member, metadata } }
}

/** Reads what {@link formatMetadata} wrote, or what anybody else did. Never throws: what is malformed is absent. */
export function parseMetadata(raw: unknown): ParsedMetadata {
  if (!isObject(raw)) return { metadata: (raw ?? null) as Json, stamp: unstamped(null), newer: null }
  const mtime = isTime(raw.mtime) ? raw.mtime : null
  if (!Object.hasOwn(raw, 'multidrive'))
    return { metadata: raw as Json, stamp: unstamped(mtime), newer: null }

  const { multidrive: member, ...rest } = raw
  const v = isObject(member) ? member.v : null
  if (!isObject(member) || v !== FORMAT_VERSION) {
    const newer = isNewer(v) ? v : null
    return { metadata: orNull(rest), stamp: unstamped(mtime), newer }
  }
  const stamp: Stamp = {
    mtime,
    ctime: isTime(member.ctime) ? member.ctime : null,
    clock: parseClock(member.clock),
    stamped: true,
    mode: isMode(member.mode) ? member.mode : null,
    size: Number.isSafeInteger(member.size) && (member.size as number) >= 0 ? (member.size as number) : null
  }
  if (Object.hasOwn(member, 'metadata')) return { metadata: member.metadata as Json, stamp, newer: null }
  if (member.stamped === true) delete rest.mtime
  return { metadata: orNull(rest), stamp, newer: null }
}

export function unstamped(mtime: number | null): Stamp {
  return { mtime, ctime: null, clock: NO_CLOCK, stamped: false, mode: null, size: null }
}

export function isMode(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 0o7777
}

function fitsBeside(metadata: Json, stamp: NewStamp): metadata is { [name: string]: Json } {
  if (!isObject(metadata) || Object.hasOwn(metadata, 'multidrive')) return false
  if (stamp.explicit) return metadata.mtime === stamp.mtime
  return !Object.hasOwn(metadata, 'mtime') && Object.keys(metadata).length > 0
}

function orNull(rest: { [name: string]: unknown }): Json {
  return Object.keys(rest).length === 0 ? null : (rest as Json)
}
