import { MultiDriveError, type Drive } from '../../index.ts'
import { TransferError } from '../share/errors.ts'
import { parseKey, PREFIX } from '../share/key.ts'
import type { Bootstrap, Swarm } from '../share/peers.ts'
import type { Logger } from './base.ts'

/** A Corestore. */
export interface LoaderStore {
  ready(): Promise<void>
  close(): Promise<void>
  session(opts?: object): LoaderStore
}

export interface HyperDriveDLOptions {
  /** A link to a Hyperdrive: `prefix` and its key, in z-base-32 or in hexadecimal digits, these also behind `0x`. */
  readonly key?: string | undefined
  /** Links to several, which are read as one MultiDrive: the newest version of each path counts. Together with `key`, after that. */
  readonly keys?: readonly string[] | undefined
  /** A Hyperdrive, a MultiDrive or any other drive. It wins over keys, is found by nobody's search but its owner's, and stays open. */
  readonly drive?: Drive | undefined
  /** What a link begins with. Default `hd://`. */
  readonly prefix?: string | undefined
  /**
   * What is read, as of then: of one drive the number of its version, of several or a MultiDrive the text that `multi.version` gave.
   * Default: the newest.
   */
  readonly version?: number | string | undefined
  /** A Corestore to keep what is fetched in; it stays open. Default: a temporary one, removed at close. */
  readonly store?: LoaderStore | undefined
  /** A Hyperswarm to find peers with; it stays open. Default: one of its own. */
  readonly swarm?: Swarm | undefined
  /** The nodes that a swarm of its own enters the DHT by. Default: the public ones. */
  readonly bootstrap?: readonly Bootstrap[] | undefined
  /** How long a drive, or what it says of a path, is waited for, in milliseconds. Default 30,000; 0 for without bound. */
  readonly timeout?: number | undefined
  readonly logger?: Partial<Logger> | undefined
}

/** Where the files come from, as the options say. */
export type Origin = { readonly drive: Drive } | { readonly keys: readonly Buffer[] }

interface Untyped extends Omit<HyperDriveDLOptions, 'drive' | 'key' | 'keys'> {
  readonly drive?: Drive | null | undefined
  readonly key?: unknown
  readonly keys?: unknown
}

/** @throws KEY_OR_DRIVE_REQUIRED, KEY_INVALID; EINVAL for any other option that is none */
export function originOf(opts: HyperDriveDLOptions): Origin {
  // It may come from untyped code.
  const { drive = null, key = null, keys = [], prefix = PREFIX, timeout = 0, version }: Untyped = opts
  if (typeof prefix !== 'string') throw invalid('prefix is a text')
  if (!(timeout >= 0)) throw invalid('timeout is in milliseconds')
  const isVersion = typeof version === 'string' || (Number.isSafeInteger(version) && Number(version) > 0)
  if (version !== undefined && !isVersion) throw invalid('version is a number from 1 on, or a text')
  if (drive !== null) return { drive }
  if (!isArray(keys)) throw invalid('keys is an array')
  const links = key === null ? keys : [key, ...keys]
  if (links.length === 0) throw new TransferError('KEY_OR_DRIVE_REQUIRED')
  const all = new Map(links.map((link) => parseKey(link, prefix)).map((id) => [id.toString('hex'), id]))
  return { keys: [...all.values()] }
}

function isArray(value: unknown): value is readonly unknown[] {
  return Array.isArray(value)
}

/** The longest time that a timer has, in milliseconds; with more it ends at once. */
const LONGEST = 2 ** 31 - 1

/** Milliseconds as timers take them: 0 for without bound, where nobody would see the end. */
export function bounded(timeout: number): number {
  return timeout > LONGEST ? 0 : timeout
}

export function invalid(detail: string): MultiDriveError {
  return new MultiDriveError('EINVAL', `EINVAL: invalid argument (${detail})`)
}
