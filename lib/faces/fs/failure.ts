import { constants } from 'node:os'
import type { ReadOptions } from '../../drive.ts'
import type { Host } from './host.ts'
import { ERRORS, failure, MultiDriveError, type ErrorCode } from '../../errors.ts'

/** What an error of a call is said to be about. */
export interface About {
  readonly syscall: string
  readonly path?: string
  readonly dest?: string
}

/** An error of Node's that tells of the system's in its own words (docs of `errors`, "Class: SystemError"). */
export function systemError(
  code:
    | 'ERR_FS_EISDIR'
    | 'ERR_FS_CP_EINVAL'
    | 'ERR_FS_CP_EEXIST'
    | 'ERR_FS_CP_DIR_TO_NON_DIR'
    | 'ERR_FS_CP_NON_DIR_TO_DIR',
  about: { syscall: string; path: string },
  detail: string
): MultiDriveError {
  const { message, errno } = ERRORS[code]
  const name = Object.entries(constants.errno).find(([, number]) => number === errno)![0]
  const text = `${message}: ${about.syscall} returned ${name} (${detail}) ${about.path}`
  return Object.assign(new MultiDriveError(code, text, about), { name: 'SystemError', errno })
}

const finals = new WeakSet<object>()

/** An error that is said to be about what it says itself. */
export function final(err: MultiDriveError): MultiDriveError {
  finals.add(err)
  return err
}

export function isFinal(err: unknown): boolean {
  return typeof err === 'object' && err !== null && finals.has(err)
}

/**
 * Runs a call of the fs face, once the MultiDrive is open: its errors name it and its paths, as the caller gave them.
 *
 * @param host - null where it is known to be open
 * @param read - how a call that only reads waits for that
 */
export async function named<T>(
  host: Host | null,
  about: About,
  call: () => Promise<T>,
  read?: ReadOptions
): Promise<T> {
  try {
    const opening = host?.ready(about.syscall, read)
    if (opening) await opening
    return await call()
  } catch (err) {
    throw rename(err, about)
  }
}

/** A step of a call that Node names by itself: its errors say so, and not to which path it belongs. */
export async function step<T>(syscall: string, call: () => Promise<T>): Promise<T> {
  try {
    return await named(null, { syscall }, call)
  } catch (err) {
    throw err instanceof MultiDriveError ? final(err) : err
  }
}

function rename(err: unknown, about: About): unknown {
  if (!(err instanceof MultiDriveError) || !isSystemCode(err.code) || finals.has(err)) return err
  const { detail, cause, drive, path } = err
  const more = {
    ...(path === undefined ? {} : { path }),
    ...about,
    ...(detail === undefined ? {} : { detail }),
    ...(cause === undefined ? {} : { cause })
  }
  if (!drive) return failure(err.code, more)
  // What a drive has said stays as it said it.
  return new MultiDriveError(err.code, err.message, { ...more, drive })
}

/** Whether a code is one of the system's, which every call can meet; what else there is names its call already. */
function isSystemCode(code: string): code is ErrorCode {
  return Object.hasOwn(ERRORS, code) && /^E[A-Z0-9]+$/.test(code)
}
