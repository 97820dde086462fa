import type { EventEmitter } from 'node:events'
import type Rache from 'rache'
import type { Readable, Writable } from 'streamx'
import type { Drive } from '../../drive.ts'

/** Hypercore 11, as far as a source needs it. */
export interface Core extends EventEmitter {
  readonly key: Buffer
  readonly discoveryKey: Buffer
  readonly id: string
  readonly length: number
  readonly fork: number
  readonly contiguousLength: number
  readonly writable: boolean
  readonly closed: boolean
  /** A promise while it closes and afterwards. */
  readonly closing: object | null
  readonly encryption: object | null
  /** What keeps the blocks; Hypercore does not promise that there is any. */
  readonly state?: { readonly storage?: CoreStorage } | null
  readonly globalCache?: Rache | null
  /** Whether it is a checkout's. */
  readonly snapshotted: boolean
  readonly peers: readonly Peer[]
  update(opts?: { wait?: boolean }): Promise<boolean>
  has(start: number, end?: number): Promise<boolean>
  clear(start: number, end: number): Promise<unknown>
  download(range: object): Download
  get(index: number, opts?: object): Promise<Buffer | null>
  /** The block that a byte of the core lies in, and where in it; null when it is not here and may not be asked for. */
  seek(byte: number, opts?: object): Promise<[index: number, offset: number] | null>
  session(opts?: object): CoreSession
  getUserData(key: string): Promise<Buffer | null>
  setUserData(key: string, value: Buffer): Promise<void>
}

/** One that can be closed by itself: what it waits for ends with it. */
export interface CoreSession extends Core {
  close(): Promise<void>
}

/** Storage that can be asked for many blocks at once. */
export interface CoreStorage {
  read?(): {
    getBlock(index: number): Promise<Buffer | null>
    /** Begins what was asked for. */
    tryFlush(): void
  }
}

export interface Peer {
  /** All blocks before it are there. */
  readonly remoteContiguousLength: number
  readonly remoteBitfield: { get(index: number): boolean }
}

export interface Download {
  done(): Promise<unknown>
  destroy(): void
}

/** What a tree has at a key. */
export interface TreeEntry {
  /** The block that it is written in. */
  readonly seq: number
  readonly key: Buffer
  readonly value: Buffer | null
}

export interface BeeHistoryNode {
  type: 'put' | 'del'
  seq: number
  key: Buffer
  value: Buffer | null
}

export interface BeeDifference {
  left: TreeEntry | null
  right: TreeEntry | null
}

export interface BeeBatch {
  /** The blocks that a flush will append. Nothing more can be put into it then. */
  toBlocks(): Buffer[]
  put(key: string, value: unknown, opts: object): Promise<void>
  del(key: string, opts: object): Promise<void>
  flush(): Promise<void>
  close(): Promise<void>
}

export interface BeeIterator {
  open(): Promise<void>
  next(): Promise<TreeEntry | null>
  close(): Promise<void>
}

/** Hyperbee 2, as far as a source needs it. */
export interface Bee {
  readonly core: Core & { session(): object }
  /** What asks a peer for all blocks of a read at once. */
  readonly extension: object | null
  close(): Promise<void>
  get(key: Buffer, opts: object): Promise<TreeEntry | null>
  createRangeIterator(range: object, opts: object): BeeIterator
  createHistoryStream(opts: object): AsyncIterable<BeeHistoryNode>
  /** What the bee has (left) and the other one had (right), where they differ. */
  createDiffStream(other: Bee, range: object, opts: object): AsyncIterable<BeeDifference>
  checkout(version: number): Bee
  batch(): BeeBatch
}

/** Where bytes lie in the blobs core; with `blockMap` it is where the map of their blocks lies. */
export interface BlobId {
  blockOffset: number
  blockLength: number
  byteOffset: number
  byteLength: number
  blockMap?: boolean
}

/** Hyperblobs 2, as far as a source needs it. */
export interface Blobs {
  readonly core: Core & { readonly byteLength: number; append(block: Buffer): Promise<unknown> }
  /** Calls back when it is the caller's turn to write, until what it gives is called. */
  readonly _lock?: (turn: (release: () => void) => void) => void
  get(blob: BlobId, opts?: object): Promise<Buffer | null>
  put(data: Buffer): Promise<BlobId>
  getByteLength(blob: BlobId): Promise<number>
  getBlockMap(blob: BlobId): Promise<{ blocks: { index: number; byteLength: number }[] } | null>
  createReadStream(blob: BlobId, opts?: object): Readable
  createWriteStream(): Writable & { readonly id: BlobId }
}

/** Hyperdrive 13, as far as a source needs it. */
export interface HyperdriveLike extends Drive, EventEmitter {
  readonly db: Bee
  readonly core: Core
  readonly blobs: Blobs | null
  readonly corestore?: { readonly storage?: object }
  readonly version: number
  ready(): Promise<void>
  getBlobs(): Promise<Blobs>
}
