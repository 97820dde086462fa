import type { Readable } from 'streamx'

/** JSON as it lies in drives. */
export type Json = null | boolean | number | string | Json[] | { [name: string]: Json }

/** Where the bytes of a file lie in the blobs of its drive; `byteLength` is always the size of the file in bytes. */
export interface Blob {
  blockOffset: number
  blockLength: number
  byteOffset: number
  byteLength: number
}

export interface EntryValue {
  executable: boolean
  /** What a symbolic link points to; null for a file. */
  linkname: string | null
  /** Null for a symbolic link only. */
  blob: Blob | null
  /** What the author of the file gave, without what MultiDrive adds. */
  metadata: Json
}

/** An entry of the merged view. */
export interface Entry extends Stale {
  /** The sequence number in the drive that won, null where that drive has no history. */
  seq: number | null
  key: string
  value: EntryValue
  /** Milliseconds since the epoch, null when the entry carries no valid date. */
  mtime: number | null
  /** The drive of the set that the entry comes from; not enumerable. */
  readonly drive: Drive
}

/** What a comparator is given: an entry, and the second date to compare by. */
export interface EntryStat extends Entry {
  /** When the version was written, in milliseconds since the epoch; null where the drive does not say. */
  ctime: number | null
}

/**
 * Which of two versions of one path is newer: negative when `a` is, positive when `b` is, 0 when they are the same version
 * (design, "How a read resolves").
 */
export type Comparator = (a: EntryStat, b: EntryStat) => number

export interface ReadOptions {
  /**
   * Wait for blocks that are not on this machine, and for drives that are being added; default true. With false: BLOCK_NOT_AVAILABLE, and
   * what those drives hold is not seen.
   */
  wait?: boolean
  /** Wait at most that many milliseconds, then REQUEST_TIMEOUT; 0, the default, waits without bound. */
  timeout?: number
}

/** Reads that need the bytes of a file. */
export interface FallbackOptions extends ReadOptions {
  /**
   * When the bytes of the newest version cannot be had within the timeout (3000 ms when there is none), give the newest older version whose
   * bytes can, marked `stale`. Default: what the MultiDrive was made with.
   */
  fallback?: boolean
}

/** What may stand in for a newer version, whose bytes could not be had: see {@link FallbackOptions}. */
export interface Stale {
  /** Only there when it does. */
  readonly stale?: true
}

export interface RangeOptions extends ReadOptions {
  /** First byte. */
  start?: number
  /** Last byte, inclusive. */
  end?: number
  /** Bytes to read; wins over `end`. */
  length?: number
}

/**
 * What any object needs to be added as a drive. Hyperdrives, Localdrives, their checkouts and MultiDrives have it; an object of
 * another kind is read through these three and never written to.
 */
export interface Drive {
  // Written as methods, so that a class fits whose parameters are narrower or wider.
  /** The entry at a path, null when there is none. */
  entry(path: string, opts?: ReadOptions): Promise<DriveEntry | null>
  /** Every entry below a folder. */
  list(folder: string, opts?: object): AsyncIterable<unknown>
  /** The bytes of the file at a path. */
  createReadStream(
    path: string,
    opts?: RangeOptions
  ): AsyncIterable<Uint8Array> | Readable | NodeJS.ReadableStream
}

/** An entry as a drive gives it; everything in it is checked before it is believed. */
export interface DriveEntry {
  key: string
  seq?: number | null
  value: unknown
  mtime?: number | null
}
