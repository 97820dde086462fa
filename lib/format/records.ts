import type { Json } from '../drive.ts'
import { isKey } from '../path.ts'
import { formatClock, isSeq, parseClock, type Clock } from './clock.ts'
import { isObject } from './json.ts'
import { FORMAT_VERSION, isMode, isNewer, isTime } from './stamp.ts'
import { isId, isVersion } from './version.ts'

/** 32 bytes in hex. */
const HASH = /^[0-9a-f]{64}$/

/** The kinds of hidden records, each under a name of its own (FORMAT.md, "Hidden records"). */
export type RecordKind = 'tombstones' | 'directories' | 'mounts' | 'tags'

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

/** Another drive at a path; the last word there when it says that there is none any more. */
export interface MountRecord {
  path: string
  mtime: number
  ctime: number | null
  clock: Clock
  /** Null: unmounted. */
  mount: MountPoint | null
}

/** Which drive is mounted. */
export interface MountPoint {
  /** The drive's id. */
  readonly id: string
  /** The version that is shown; null for the newest. */
  readonly version: number | null
  /** The hash of the drive's tree at that version, in hex; null when nobody asked for it to be checked. */
  readonly hash: string | null
}

/** A name for a version. */
export interface TagRecord {
  name: string
  mtime: number
  ctime: number | null
  clock: Clock
  /** Null: deleted. */
  version: string | null
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

export function formatMount({ mtime, ctime, clock, mount }: MountRecord): Json {
  const value: { [name: string]: Json } = { v: FORMAT_VERSION, mtime, ctime, clock: formatClock(clock) }
  if (mount === null) return { ...value, id: null }
  value.id = mount.id
  if (mount.version !== null) value.version = mount.version
  if (mount.hash !== null) value.hash = mount.hash
  return value
}

export function parseMount(path: string, value: unknown): Parsed<MountRecord> {
  const parsed = parse<MountRecord | null>(path, value, (member, mtime, ctime) => {
    const mount = parseMountPoint(member)
    return mount === undefined ? null : { path, mtime, ctime, clock: parseClock(member.clock), mount }
  })
  return parsed
}

/** Undefined for what is neither a mount nor the end of one. */
function parseMountPoint({
  id,
  version = null,
  hash = null
}: {
  [name: string]: unknown
}): MountPoint | null | undefined {
  if (id === null) return null
  if (!isId(id)) return undefined
  if (version !== null && !(isSeq(version) && version > 0)) return undefined
  if (hash !== null && !(version !== null && typeof hash === 'string' && HASH.test(hash))) return undefined
  return { id, version, hash }
}

export function formatTag({ mtime, ctime, clock, version }: TagRecord): Json {
  return { v: FORMAT_VERSION, mtime, ctime, clock: formatClock(clock), version }
}

export function parseTag(name: string, value: unknown): Parsed<TagRecord> {
  // A name is no path, and may be any text but an empty one.
  const parsed = parse<TagRecord | null>('/name', value, (member, mtime, ctime) => {
    const { version } = member
    if (name === '' || (version !== null && !isVersion(version))) return null
    return { name, mtime, ctime, clock: parseClock(member.clock), version }
  })
  return parsed
}

function parse<T>(
  path: string,
  value: unknown,
  make: (member: { [name: string]: unknown }, mtime: number, ctime: number | null) => T
): Parsed<NonNullable<T>> {
  if (!isKey(path) || !isObject(value)) return { record: null, newer: null }
  if (isNewer(value.v)) return { record: null, newer: value.v }
  if (value.v !== FORMAT_VERSION || !isTime(value.mtime)) return { record: null, newer: null }
  return { record: make(value, value.mtime, isTime(value.ctime) ? value.ctime : null) ?? null, newer: null }
}
