import type { Drive } from '../../index.ts'
import { TransferError } from '../share/errors.ts'
import type { Store } from '../share/drives.ts'
import { parseKey, PREFIX } from '../share/key.ts'
import type { Bootstrap, Swarm } from '../share/peers.ts'
import { hasMethods, invalid, isObject, toTimeout } from './arguments.ts'
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
  /** Told what it does. Default: nobody. */
  readonly logger?: Logger | undefined
}

/** Where the files come from, as the options say. */
export type Origin = { readonly drive: Drive } | { readonly keys: readonly Buffer[] }

/** The options when they were checked; what is not given is undefined. */
export interface Settings {
  readonly origin: Origin
  readonly version: number | string | undefined
  readonly store: Store | undefined
  readonly swarm: Swarm | undefined
  readonly bootstrap: readonly Bootstrap[] | undefined
  /** In milliseconds; 0 for without bound. */
  readonly timeout: number
}

/** They may come from untyped code; null is for what is not given. */
type Untyped = { readonly [name in keyof HyperDriveDLOptions]?: unknown }

const TIMEOUT = 30_000

/** What the files are read through. */
const OF_DRIVES = ['entry', 'list', 'createReadStream']
const OF_STORES = ['ready', 'close', 'session', 'replicate']
const OF_SWARMS = ['join', 'flush', 'on', 'off']
const OF_LOGGERS = ['debug', 'info', 'warn', 'error']

/** @throws KEY_OR_DRIVE_REQUIRED, KEY_INVALID; EINVAL for any other option that is none */
export function settingsOf(opts: HyperDriveDLOptions): Settings {
  const { version, store, swarm, bootstrap, timeout }: Untyped = opts
  if (store != null && !hasMethods(store, OF_STORES)) throw invalid('store is a Corestore')
  if (swarm != null && !isSwarm(swarm)) throw invalid('swarm is a Hyperswarm')
  if (bootstrap != null && !(Array.isArray(bootstrap) && bootstrap.every(isNode)))
    throw invalid('bootstrap is an array of host:port, or { host, port }')
  const isVersion = typeof version === 'string' || (Number.isSafeInteger(version) && Number(version) > 0)
  if (version != null && !isVersion) throw invalid('version is a number from 1 on, or a text')
  const origin = originOf(opts)
  if (typeof version === 'number' && 'keys' in origin && origin.keys.length > 1)
    throw invalid('the version of several drives is a text')
  return {
    origin,
    version: (version ?? undefined) as number | string | undefined,
    store: (store ?? undefined) as Store | undefined,
    swarm: (swarm ?? undefined) as Swarm | undefined,
    bootstrap: (bootstrap ?? undefined) as readonly Bootstrap[] | undefined,
    timeout: toTimeout(timeout) ?? TIMEOUT
  }
}

/** @throws EINVAL: BaseDL, which takes it, throws an Error without a code */
export function checkLogger(opts: HyperDriveDLOptions): void {
  const logger = isObject(opts) ? (opts as Untyped).logger : null
  if (logger != null && !hasMethods(logger, OF_LOGGERS))
    throw invalid('logger has debug(), info(), warn() and error()')
}

function originOf({ drive, key, keys, prefix }: Untyped): Origin {
  if (prefix != null && typeof prefix !== 'string') throw invalid('prefix is a text')
  if (drive != null) {
    if (!hasMethods(drive, OF_DRIVES)) throw invalid('drive is a drive')
    return { drive: drive as Drive }
  }
  if (keys != null && !Array.isArray(keys)) throw invalid('keys is an array')
  const links = [...(key == null ? [] : [key]), ...((keys ?? []) as readonly unknown[])]
  if (links.length === 0) throw new TransferError('KEY_OR_DRIVE_REQUIRED')
  const ids = links.map((link) => parseKey(link, prefix ?? PREFIX))
  return { keys: [...new Map(ids.map((id) => [id.toString('hex'), id])).values()] }
}

function isSwarm(value: unknown): boolean {
  return hasMethods(value, OF_SWARMS) && isObject((value as Partial<Swarm>).connections)
}

function isNode(value: unknown): boolean {
  if (typeof value === 'string') {
    const port = /^.+:(\d{1,5})$/.exec(value)?.[1]
    return port !== undefined && isPort(Number(port))
  }
  if (!isObject(value)) return false
  const { host, port } = value as { host?: unknown; port?: unknown }
  return typeof host === 'string' && host !== '' && isPort(port)
}

function isPort(value: unknown): boolean {
  return Number.isInteger(value) && Number(value) >= 1 && Number(value) <= 65_535
}
