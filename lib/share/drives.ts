import type { EventEmitter } from 'node:events'
import Corestore from 'corestore'
import Hyperdrive from 'hyperdrive'
import CorestoreStorage from 'hypercore-storage'
import type { Writable } from 'streamx'
import type { Drive, DriveEntry } from '../../index.ts'

/** A Corestore, as far as loading and sharing take. */
export interface Store {
  ready(): Promise<void>
  close(): Promise<void>
  session(opts?: { writable?: boolean }): Store
  replicate(stream: object): object
  createKeyPair(name: string): Promise<object>
}

/** The core of a drive, as far as loading and sharing take. */
export interface DriveCore extends EventEmitter {
  readonly length: number
  readonly peers: readonly unknown[]
  /** What is kept with the core, on this machine alone. */
  getUserData(name: string): Promise<Buffer | null>
  setUserData(name: string, value: Buffer): Promise<void>
}

/** A Hyperdrive, as far as loading and sharing take. */
export interface KeyedDrive extends Drive {
  readonly key: Buffer
  readonly discoveryKey: Buffer
  readonly core: DriveCore
  readonly version: number
  ready(): Promise<void>
  close(): Promise<void>
  update(opts?: { wait?: boolean }): Promise<boolean>
  /** Makes reads of what never has come wait, until the returned function is called. */
  findingPeers(): () => void
  get(path: string): Promise<Buffer | null>
  checkout(version: number): KeyedDrive
  list(folder: string): AsyncIterable<DriveEntry>
  diff(version: number, folder: string): AsyncIterable<{ left: DriveEntry | null; right: DriveEntry | null }>
  createReadStream(path: string): AsyncIterable<Uint8Array>
  del(path: string): Promise<void>
  symlink(path: string, target: string, opts?: { metadata?: object | null }): Promise<void>
  createWriteStream(path: string, opts?: { executable?: boolean; metadata?: object | null }): Writable
  once(event: 'close', listener: () => void): unknown
}

/** So many bytes of what was written last are kept in memory. With RocksDB's own 64 MiB, a large file takes some 140 MiB while it comes. */
const WRITE_BUFFER = 1 << 24

/** A Corestore in a folder of the disk. */
export function createStore(folder: string): Store {
  return new Corestore(new CorestoreStorage(folder, { writeBufferSize: WRITE_BUFFER })) as Store
}

/**
 * A Hyperdrive in a session of a store; closing it closes that.
 *
 * @param key - default: that of the store's own drive
 */
export function createDrive(session: Store, key: Uint8Array | null = null): KeyedDrive {
  return new Hyperdrive(session, key) as KeyedDrive
}

/** Whether the bytes of a drive may be nowhere else. */
export function isOwn(drive: Drive): boolean {
  const { core, writable } = drive as {
    writable?: boolean
    core?: { core?: { header?: { keyPair?: { secretKey?: unknown } | null } | null } | null }
  }
  // A session that cannot be written to may be of a core that can.
  return writable === true || Boolean(core?.core?.header?.keyPair?.secretKey)
}
