import type { Json } from '../drive.ts'
import { isKey } from '../path.ts'
import { formatClock, parseClock, type Clock } from './clock.ts'
import { isObject } from './json.ts'
import { FORMAT_VERSION, isMode, isNewer, isTime } from './stamp.ts'

/** The kinds of hidden records, each under a name of its own (FORMAT.md, "Hidden records"). */
export type RecordKind = 'tombstones' | 'directories'

/**
 * "Deleted up to this time". `tree` covers the path and everything below it, else only the path itself: deleting a file says
 * nothing of what others keep below a folder of the same name.
 */
export interface TombstoneRecord {
  path: string
  tree: boolean
  mtime: number
  ctime: number | null
  clock: Clock
}

export interface DirectoryRecord {
  path: string
  mtime: number
  ctime: number | null
  clock: Clock
  mode: number | null
  metadata: Json
}

/** The outcome of reading a record: the record, or null when it is malformed; `newer` as in `ParsedMetadata`. */
export interface Parsed<T> {
  record: T | null
  newer: number | null
}

/** The key of a tombstone: the path, with a slash at its end when it covers what is below. */
export function tombstoneKey({ path, tree }: { path: string; tree: boolean }): string {
  return tree ? path + '/' : path
}

export function formatTombstone(record: TombstoneRecord): Json {
  return { v: FORMAT_VERSION, mtime: record.mtime, ctime: record.ctime, clock: formatClock(record.clock) }
}

export function parseTombstone(key: string, value: unknown): Parsed<TombstoneRecord> {
  const tree = key.endsWith('/')
  const path = tree ? key.slice(0, -1) : key
  return parse(path, value, (member, mtime, ctime) => ({
    path,
    tree,
    mtime,
    ctime,
    clock: parseClock(member.clock)
  }))
}

export function formatDirectory(record: DirectoryRecord): Json {
  const value: { [name: string]: Json } = {
    v: FORMAT_VERSION,
    mtime: record.mtime,
    ctime: record.ctime,
    clock: formatClock(record.clock)
  }
  if (record.mode !== null) value.mode = record.mode
  if (record.metadata !== null) value.metadata = record.metadata
  return value
}

export function parseDirectory(path: string, value: unknown): Parsed<DirectoryRecord> {
  return parse(path, value, (member, mtime, ctime) => ({
    path,
    mtime,
    ctime,
    clock: parseClock(member.clock),
    mode: isMode(member.mode) ? member.mode : null,
    metadata: (member.metadata ?? null) as Json
  }))
}

function parse<T>(
  path: string,
  value: unknown,
  make: (member: { [name: string]: unknown }, mtime: number, ctime: number | null) => T
): Parsed<T> {
  if (!isKey(path) || !isObject(value)) return { record: null, newer: null }
  if (isNewer(value.v)) return { record: null, newer: value.v }
  if (value.v !== FORMAT_VERSION || !isTime(value.mtime)) return { record: null, newer: null }
  return { record: make(value, value.mtime, isTime(value.ctime) ? value.ctime : null), newer: null }
}
