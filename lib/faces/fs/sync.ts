import { failure } from '../../errors.ts'
import { toPath } from './arguments.ts'

/** The calls of Node's `fs` that wait for nobody, also of releases of Node after 20. */
export const SYNC_CALLS = [
  'accessSync',
  'appendFileSync',
  'chmodSync',
  'chownSync',
  'closeSync',
  'copyFileSync',
  'cpSync',
  'existsSync',
  'fchmodSync',
  'fchownSync',
  'fdatasyncSync',
  'fstatSync',
  'fsyncSync',
  'ftruncateSync',
  'futimesSync',
  'globSync',
  'lchmodSync',
  'lchownSync',
  'linkSync',
  'lstatSync',
  'lutimesSync',
  'mkdirSync',
  'mkdtempDisposableSync',
  'mkdtempSync',
  'openSync',
  'opendirSync',
  'readFileSync',
  'readSync',
  'readdirSync',
  'readlinkSync',
  'readvSync',
  'realpathSync',
  'renameSync',
  'rmSync',
  'rmdirSync',
  'statSync',
  'statfsSync',
  'symlinkSync',
  'truncateSync',
  'unlinkSync',
  'utimesSync',
  'writeFileSync',
  'writeSync',
  'writevSync'
] as const

type SyncName = (typeof SYNC_CALLS)[number]

/** A call that a MultiDrive cannot answer; it always throws ENOSYS. */
export type SyncCall = (...args: unknown[]) => never

/**
 * The calls that wait for nobody, which a MultiDrive has only to say no: an adapter that was laid over Node's own `fs`
 * (`{ ...fs, ...multi }`) would ask the disk behind its back.
 */
export type SyncCalls = {
  readonly [K in SyncName]: K extends 'realpathSync' ? SyncCall & { readonly native: SyncCall } : SyncCall
}

/** Every call of {@link SYNC_CALLS}. */
export function syncCalls(): SyncCalls {
  const calls = Object.fromEntries(SYNC_CALLS.map((name) => [name, refusing(name)])) as Record<
    SyncName,
    SyncCall
  >
  return { ...calls, realpathSync: Object.assign(calls.realpathSync, { native: refusing('realpathSync') }) }
}

function refusing(name: SyncName): SyncCall {
  const call = (path: unknown): never => {
    const isPath = typeof path === 'string' || path instanceof Uint8Array || path instanceof URL
    throw failure('ENOSYS', { syscall: name, ...(isPath ? { path: toPath(path).given } : {}) })
  }
  Object.defineProperty(call, 'name', { value: name })
  return call
}
