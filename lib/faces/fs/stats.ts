import { hash } from 'node:crypto'
import * as fs from 'node:fs'
import { decode } from 'hypercore-id-encoding'
import type { Drive, Json, Stale } from '../../drive.ts'
import type { MountPoint } from '../../format/records.ts'
import type { Node } from '../../overlay/tree.ts'
import type { Located } from '../../overlay/view.ts'

/** What a path that is a mount leads to. */
export interface Mount {
  /** Of the drive that is mounted. */
  key: Buffer
  version: number | null
  hash: Buffer | null
}

/** What stands at a path, as numbers. */
export interface Facts {
  readonly key: string
  readonly type: number
  /** Permission bits. */
  readonly permissions: number
  /** In bytes. */
  readonly size: number
  /** Milliseconds since the epoch. */
  readonly mtime: number
  readonly ctime: number
  readonly linkname: string | null
  readonly mount: MountPoint | null
  readonly metadata: Json
  /** Where the bytes begin in the blobs of their drive: the block, and the byte. */
  readonly offset: number
  readonly byteOffset: number
  readonly drive: Drive | null
  /** Whether it stands in for a newer version. */
  readonly isStale: boolean
}

/** What is mounted, as callers know it from Hyperdrive. */
export function toMount({ id, version, hash }: MountPoint): Mount {
  return { key: Buffer.from(decode(id)), version, hash: hash === null ? null : Buffer.from(hash, 'hex') }
}

const { S_IFMT, S_IFREG, S_IFDIR, S_IFLNK } = fs.constants

/** What a file or a folder may be done with when nobody has said. */
export const FILE_MODE = 0o644
export const EXECUTABLE_MODE = 0o755
export const DIRECTORY_MODE = 0o755

/** The block that sizes are told in, and the one that drives cut files into. */
const STAT_BLOCK = 512
const BLOCK_SIZE = 65_536

const NANOSECONDS = 1_000_000n

/** What only a drive knows of a file, in the words of Hyperdrive's stats. */
class DriveStats implements Stale {
  /** What a symbolic link points to, else null. */
  readonly linkname: string | null
  /** What is mounted here, null when nothing is. */
  readonly mount: Mount | null
  /** What `setMetadata` and the drive face have set. */
  readonly metadata: { [name: string]: Json } | Json
  /** The block in its drive's blobs that the file begins in. */
  readonly offset: number
  /** The byte in its drive's blobs that the file begins at. */
  readonly byteOffset: number
  /** Only there where a descriptor stands in for a newer version, whose bytes could not be had when it was opened. */
  declare readonly stale?: true
  readonly #facts: Facts

  constructor(facts: Facts) {
    this.#facts = facts
    this.linkname = facts.linkname
    this.mount = facts.mount && toMount(facts.mount)
    this.metadata = facts.metadata ?? {}
    this.offset = facts.offset
    this.byteOffset = facts.byteOffset
    if (facts.isStale) this.stale = true
  }

  /** The drive of the set that it comes from; null for a folder that stands only for what is in it. */
  get drive(): Drive | null {
    return this.#facts.drive
  }

  isFile(): boolean {
    return this.is(S_IFREG)
  }

  isDirectory(): boolean {
    return this.is(S_IFDIR)
  }

  isSymbolicLink(): boolean {
    return this.is(S_IFLNK)
  }

  isBlockDevice(): boolean {
    return false
  }

  isCharacterDevice(): boolean {
    return false
  }

  isFIFO(): boolean {
    return false
  }

  isSocket(): boolean {
    return false
  }

  protected is(type: number): boolean {
    const { mode } = this as unknown as { mode: number | bigint }
    return (Number(mode) & S_IFMT) === type
  }
}

/** Node's `fs.Stats` with what only a drive knows. */
export class Stats extends DriveStats {
  readonly dev = 0
  /** The same for a path whatever becomes of it. */
  readonly ino: number
  readonly nlink = 1
  readonly uid = 0
  readonly gid = 0
  readonly rdev = 0
  readonly blksize = BLOCK_SIZE
  readonly mode: number
  /** In bytes. */
  readonly size: number
  /** In units of 512 bytes, as everywhere. */
  readonly blocks: number
  readonly atimeMs: number
  readonly mtimeMs: number
  readonly ctimeMs: number
  readonly birthtimeMs: number
  atime: Date
  mtime: Date
  ctime: Date
  birthtime: Date

  constructor(facts: Facts) {
    super(facts)
    this.ino = inodeOf(facts.key)
    this.mode = facts.type | facts.permissions
    this.size = facts.size
    this.blocks = Math.ceil(facts.size / STAT_BLOCK)
    this.atimeMs = facts.mtime
    this.mtimeMs = facts.mtime
    this.ctimeMs = facts.ctime
    this.birthtimeMs = Math.min(facts.mtime, facts.ctime)
    this.atime = dateOf(this.atimeMs)
    this.mtime = dateOf(this.mtimeMs)
    this.ctime = dateOf(this.ctimeMs)
    this.birthtime = dateOf(this.birthtimeMs)
  }
}

// Node's constructor is no part of its public face, but `instanceof` is; Stats in bigints are none of its `fs.Stats`.
Object.setPrototypeOf(
  Stats.prototype,
  Object.create(fs.Stats.prototype, Object.getOwnPropertyDescriptors(DriveStats.prototype)) as object
)

/** Node's `fs.BigIntStats` with what only a drive knows. */
export class BigIntStats extends DriveStats {
  readonly dev = 0n
  readonly ino: bigint
  readonly nlink = 1n
  readonly uid = 0n
  readonly gid = 0n
  readonly rdev = 0n
  readonly blksize = BigInt(BLOCK_SIZE)
  readonly mode: bigint
  readonly size: bigint
  readonly blocks: bigint
  readonly atimeMs: bigint
  readonly mtimeMs: bigint
  readonly ctimeMs: bigint
  readonly birthtimeMs: bigint
  readonly atimeNs: bigint
  readonly mtimeNs: bigint
  readonly ctimeNs: bigint
  readonly birthtimeNs: bigint
  atime: Date
  mtime: Date
  ctime: Date
  birthtime: Date

  constructor(facts: Facts) {
    super(facts)
    this.ino = BigInt(inodeOf(facts.key))
    this.mode = BigInt(facts.type | facts.permissions)
    this.size = BigInt(facts.size)
    this.blocks = BigInt(Math.ceil(facts.size / STAT_BLOCK))
    this.mtimeNs = nanoseconds(facts.mtime)
    this.ctimeNs = nanoseconds(facts.ctime)
    this.atimeNs = this.mtimeNs
    this.birthtimeNs = nanoseconds(Math.min(facts.mtime, facts.ctime))
    this.atimeMs = this.atimeNs / NANOSECONDS
    this.mtimeMs = this.mtimeNs / NANOSECONDS
    this.ctimeMs = this.ctimeNs / NANOSECONDS
    this.birthtimeMs = this.birthtimeNs / NANOSECONDS
    this.atime = dateOf(this.atimeMs)
    this.mtime = dateOf(this.mtimeMs)
    this.ctime = dateOf(this.ctimeMs)
    this.birthtime = dateOf(this.birthtimeMs)
  }
}

/** A date of the object's own, so that copies have it, and can be set, as Node's. */
function dateOf(ms: number | bigint): Date {
  return new Date(Math.round(Number(ms)))
}

/** 48 bits of the path's hash: what a number holds without loss. */
function inodeOf(key: string): number {
  return Number.parseInt(hash('sha1', key).slice(0, 12), 16)
}

/** @param date - that of a folder, which only the whole tree can tell, in milliseconds since the epoch */
export function factsOf(node: Node, date: number): Facts {
  if (node.kind !== 'directory') return fileFacts(node.located)
  const { key, record } = node
  return {
    key,
    type: S_IFDIR,
    permissions: record?.record.mode ?? DIRECTORY_MODE,
    size: 0,
    mtime: date,
    ctime: record?.stamp.ctime ?? date,
    linkname: null,
    mount: record?.mount ?? null,
    metadata: record?.record.metadata ?? null,
    offset: 0,
    byteOffset: 0,
    drive: record?.leaf.drive ?? null,
    isStale: false
  }
}

/** The permission bits of a file. */
export function modeOf({ candidate }: Located): number {
  const { value, stamp } = candidate
  return stamp.mode ?? (value.executable ? EXECUTABLE_MODE : FILE_MODE)
}

function fileFacts(located: Located): Facts {
  const { candidate, source } = located
  const { value, stamp, key } = candidate
  const mtime = stamp.mtime ?? 0
  const isLink = value.linkname !== null
  return {
    key,
    type: isLink ? S_IFLNK : S_IFREG,
    permissions: isLink ? 0o777 : modeOf(located),
    size: isLink ? Buffer.byteLength(value.linkname!) : (value.blob?.byteLength ?? 0),
    mtime,
    ctime: stamp.ctime ?? mtime,
    linkname: value.linkname,
    mount: null,
    metadata: value.metadata,
    offset: value.blob?.blockOffset ?? 0,
    byteOffset: value.blob?.byteOffset ?? 0,
    drive: source.drive,
    isStale: located.stale === true
  }
}

function nanoseconds(ms: number): bigint {
  // Beyond the whole milliseconds a double keeps little; what it keeps is told.
  const whole = Math.floor(ms)
  return BigInt(whole) * NANOSECONDS + BigInt(Math.round((ms - whole) * 1e6))
}
