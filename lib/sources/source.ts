import type { Drive, EntryValue, ReadOptions } from '../drive.ts'
import type {
  DirectoryRecord,
  MountPoint,
  MountRecord,
  RecordKind,
  TagRecord,
  TombstoneRecord
} from '../format/records.ts'
import type { NewStamp, Stamp } from '../format/stamp.ts'
import type { Json } from '../drive.ts'
import type { DriveVersion, Versions } from '../format/version.ts'
import type { KeyRange } from '../path.ts'
import type { Clearing } from './clearing.ts'

/** Where a version stands in the history of its drive. */
export interface Origin {
  /** The drive, as clocks name it. */
  readonly id: string
  /** The place in its history; a later one of the same drive had seen an earlier one. */
  readonly seq: number
}

/** What takes part when versions of one path are compared. */
export interface Version {
  readonly origin: Origin
  readonly stamp: Stamp
  /** The source that it lies in. */
  readonly leaf: Leaf
}

/** What one source holds at a path: a file or a symlink. */
export interface Candidate extends Version {
  readonly key: string
  /** As handed out: the caller's metadata, a blob of the true size. */
  readonly value: EntryValue
  /** The bytes of this very version, whatever is written meanwhile; `signal` ends a read that waits for the network. */
  read(opts?: ByteRange): AsyncIterable<Uint8Array>
  /** All the bytes of this very version. */
  readAll(opts?: ReadOptions): Promise<Buffer>
  /** Opens the bytes of this very version, to be read at any place until they are closed. */
  open(opts?: ReadOptions): Promise<Content>
  /** This very version as it is seen where its drive is mounted: the same, at another key. */
  seenAt(key: string): Candidate
  /** What of its bytes is on this machine; left out where they always are. */
  readonly replica?: Replica
}

/** The bytes of one version on this machine, where they come from peers. */
export interface Replica {
  /** Whether all of them are here. Asks nobody. */
  isWhole(): Promise<boolean>
  /** How many of them are here. Asks nobody. */
  presence(): Promise<Presence>
  /**
   * Brings all of them here.
   *
   * @throws BLOCK_NOT_AVAILABLE, REQUEST_TIMEOUT, or what the signal gives as its reason
   */
  fetch(opts?: FetchOptions): Promise<void>
  /** Adds them to what is to leave this machine. */
  clear(clearing: Clearing): void
}

/** How much of a version is on this machine. */
export interface Presence {
  readonly blocks: number
  /** Of the file. */
  readonly bytes: number
  readonly localBlocks: number
  readonly localBytes: number
}

export interface FetchOptions extends ReadOptions {
  /** Ends the wait. */
  signal?: AbortSignal
  /** Told of bytes of the file as they come. */
  onbytes?: (count: number) => void
}

/** The bytes of one version, held open: whatever becomes of its path, they stay what they were. */
export interface Content {
  /**
   * Fills `into` with the bytes from `start` on.
   *
   * @returns how many bytes were read; fewer than asked for only at the end
   */
  read(into: Uint8Array, start: number): Promise<number>
  /** The bytes there are, told by the file itself; it may have to be asked of a peer. */
  byteLength(): Promise<number>
  close(): Promise<void>
}

/** New bytes of a file, told as what changes in an old version of it. */
export interface Draft {
  /** Null for a file that is new from its first byte. */
  readonly base: Candidate | null
  readonly byteLength: number
  /** What the file is made of, from the first byte to the last without a gap. */
  pieces(): readonly Piece[]
  /** The bytes of the new file from `start` to `end`. */
  read(start: number, end: number): AsyncIterable<Uint8Array>
}

/** Bytes `start` to `end` of a new file: those of its base at the same place, others, or zeros. */
export interface Piece {
  readonly from: 'base' | 'draft' | 'zeros'
  readonly start: number
  readonly end: number
}

/** Which bytes to read: `length` bytes from `start`, all that follow when it is left out. */
export interface ByteRange extends ReadOptions {
  start?: number
  length?: number
  signal?: AbortSignal
}

/** A tombstone with the place where it lies. */
export interface Tombstone extends Version {
  readonly record: TombstoneRecord
}

/** A directory record, or the real folder of a Localdrive, with the place where it lies. */
export interface Directory extends Version {
  readonly record: DirectoryRecord
  /** Whether it is a real folder that nobody wrote a record for: it says no more than that it is there. */
  readonly isBare?: boolean
  /** The drive that is mounted here. */
  readonly mount?: MountPoint
}

/** A record of what is mounted at a path, with the place where it lies. */
export interface Mount extends Version {
  readonly record: MountRecord
}

/** A name of a version, with the place where it lies. */
export interface Tag extends Version {
  readonly record: TagRecord
}

/** Reads a range of keys in the order of `compareKeys`, a page at a time. */
export interface Cursor {
  /** The next candidates, `limit` at most; none when the range is through. */
  page(limit: number): Promise<Candidate[]>
  /** Goes on at the first key that is not before `key`. Forward cursors only. */
  seek(key: string): void
  close(): Promise<void>
}

export interface BelowOptions extends ReadOptions {
  shallow?: boolean
}

export interface ScanOptions extends ReadOptions {
  reverse?: boolean
}

/** What is left of a source that could not answer. */
export interface SourceFailure {
  readonly source: Source
  readonly error: unknown
}

/** All that the sources hold at one path, losers included: what a write must have seen. */
export interface Survey {
  readonly candidates: readonly Candidate[]
  readonly tombstones: readonly Tombstone[]
  readonly directories: readonly Directory[]
  readonly failures: readonly SourceFailure[]
}

/** The kinds of records that reads ask for by path. */
export type PathRecordKind = 'tombstones' | 'directories'

/** What was written to a drive: the keys of entries; tombstones by `tombstoneKey`, directories by path. */
export type Written = { readonly [K in 'keys' | PathRecordKind]: readonly string[] }

/** A drive at one version, all of whose keys are here: what can be known of it without asking it for each. */
export interface Keyed {
  readonly leaf: Leaf
  readonly version: number
  readonly fork: number
  /** The keys of its entries, in order, so many at a time. */
  keys(limit: number): AsyncIterable<readonly string[]>
  /** The names of its records of one kind, in no order: they are in memory. */
  recordNames(kind: PathRecordKind): Iterable<string>
  /** All that was written since an earlier version, and maybe more; null where that is no longer known. */
  writtenSince(version: number): Written | null
  /** As {@link LeafView.changedKeys}, null where the two have no common history. */
  changedKeys(since: Keyed, range: KeyRange): AsyncIterable<string> | null
}

/** A source at one version: every answer of a view is about the same state of the drive. */
export interface View {
  /** The drive that it is of, where that is one alone and whole. */
  readonly keyed?: Keyed | null
  /** False where no tombstone is in it. */
  readonly hasTombstones?: boolean
  /** False where no directory is in it. */
  readonly hasDirectories?: boolean
  /** The candidate at a key, null when there is none. Rejects when the source cannot tell. */
  find(key: string, opts?: ReadOptions): Promise<Candidate | null>
  /** The candidates in a range, in order. */
  scan(range: KeyRange, opts?: ScanOptions): Cursor
  /** The tombstones that cover a key: its own, and those of the folders above it. */
  tombstonesOver(key: string): readonly Tombstone[]
  /** The directory record at a folder. */
  directoryAt(folder: string, opts?: ReadOptions): Promise<Directory | null>
  /** Directory records below a folder, in order of path; with `shallow` what is deeper may be left out where the folder above it is told. */
  directoriesBelow(folder: string, opts?: BelowOptions): Promise<readonly Directory[]>
  /** Every record of a mount that any of its drives holds: one array as long as none of them changes. */
  mounts(): readonly Mount[]
  /** Every name of a version that any of its drives holds. */
  tags(): readonly Tag[]
  /** What of this view lies in each leaf. */
  leaves(): readonly LeafView[]
}

export interface LeafView extends View {
  readonly leaf: Leaf
  /** The highest place in the drive's history that this view shows; null where the drive has none. */
  readonly head: Origin | null
  /** Whether it shows of the drive only what is on this machine, and may show more at the same version later. Default false. */
  readonly partial?: boolean
  /** Tombstones at or below a folder. */
  tombstonesBelow(folder: string): readonly Tombstone[]
  /**
   * The keys in a range, in order, at which this view may hold something else than another view of the same leaf; null where that cannot be
   * told without reading both.
   */
  changedKeys(since: LeafView, range: KeyRange, opts?: ReadOptions): AsyncIterable<string> | null
  /** What the drive held at a key, the newest first; a drive without history tells what it holds now. */
  history(key: string, opts?: ReadOptions): AsyncIterable<Past>
}

/** One version in the history of a path. */
export type Past =
  | { readonly type: 'put'; readonly version: Candidate }
  | { readonly type: 'bury'; readonly version: Tombstone }
  /** An entry was deleted; nobody wrote down when. */
  | { readonly type: 'del'; readonly version: Version }

export interface SourceEvents {
  /** What the source shows may have changed. */
  readonly change: () => void
  /** The source reached a newer whole version. */
  readonly sync: () => void
  /** The drive closed by itself. */
  readonly close: () => void
  /** A record that a later release wrote was met. */
  readonly format: (kind: RecordKind | 'entries', path: string, version: number) => void
}

/** A drive inside a MultiDrive, behind the same face for every kind. */
export interface Source {
  readonly drive: Drive
  /** How errors name it: the id of a Hyperdrive, the folder of a Localdrive. */
  readonly name: string
  /** Two sources of one identity show the same; a set holds it once. */
  readonly identity: string
  readonly writable: boolean
  /** Whether the drive has never been whole here; its view may miss what it holds. */
  readonly unsynced: boolean
  open(events: SourceEvents): Promise<void>
  /** Lets go of the drive without closing it. */
  close(): Promise<void>
  /** Ends the reads that wait for the drive with CLOSED, for good. Left out where closing the drive does. */
  end?(): void
  /** The newest version that can be read; a promise only when it must first be brought up to date. */
  view(opts?: ReadOptions): View | Promise<View>
  /** Whether its view stays what it is until those who listen are told. Default false. */
  readonly steady?: boolean
  /** Tells when there may be another view, until the returned function is called. */
  listen?(onchange: () => void): () => void
  /** Where a write to this source lands, null when it is read-only. */
  writer(): WritableLeaf | null
  /** Removes what the drive has stored on this machine; it can only be closed then. Left out where nothing is to be removed. */
  purge?(): Promise<Drive[]>
  /** Asks the peers for a newer head; with `wait` resolves when it is whole here. */
  update(opts: { wait: boolean }): Promise<boolean>
  /** Where each Hyperdrive in it stands, as a read of now takes it. */
  versions(): readonly DriveVersion[]
  /** This source at the versions given, read-only; without history as it is. Null when it is not among them. */
  at(versions: Versions): Source | null
}

/** A source that is one drive. */
export interface Leaf extends Source {
  /** Whether its records have sequence numbers that others can have seen. */
  readonly versioned: boolean
}

/** Bytes that are in a drive, or beside it, but in no entry yet. */
export interface Staged {
  readonly byteLength: number
  /** Gives up the bytes. Does nothing once they are committed. */
  discard(): Promise<void>
}

/** One step of a write. All steps of a commit land together or not at all. */
export type Change =
  | { type: 'file'; key: string; executable: boolean; staged: Staged; metadata: Json; stamp: NewStamp }
  | { type: 'link'; key: string; linkname: string; metadata: Json; stamp: NewStamp }
  | { type: 'remove'; key: string }
  | { type: 'bury'; record: TombstoneRecord }
  /** Drops a tombstone that another one makes needless. */
  | { type: 'unbury'; record: TombstoneRecord }
  | { type: 'make-directory'; record: DirectoryRecord }
  | { type: 'remove-directory'; path: string }
  | { type: 'mount'; record: MountRecord }
  | { type: 'tag'; record: TagRecord }

/** Writes all changes in one atomic step; what it resolved for is there after a crash. */
export type Commit = (changes: readonly Change[]) => Promise<void>

export interface WritableLeaf extends Leaf {
  /** Brings bytes to where a commit can use them. */
  stage(data: Uint8Array | AsyncIterable<Uint8Array>): Promise<Staged>
  /** As {@link stage}, for a file of which parts may be here already: those are not written again where the kind of drive allows it. */
  amend(draft: Draft): Promise<Staged>
  /** As {@link stage}, for the bytes of a version of this very drive, which are not written again where the kind of drive allows it. */
  reuse(candidate: Candidate): Promise<Staged>
  /** The folder or file on this machine that the drive is stored in; null when it is in memory or nobody knows. */
  readonly storage: string | null
  readonly commit: Commit
  /**
   * Runs `work` while nobody else commits, in no process: what it reads stays so until it has committed. Left out where nobody else can.
   *
   * @param work - commits with what it is given and nothing else; runs a second time when the drive has yet to be made ready for a commit
   */
  exclusively?<T>(work: (commit: Commit) => Promise<T>): Promise<T>
}
