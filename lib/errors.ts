import { constants } from 'node:os'
import type { Drive } from './drive.ts'

/**
 * Every error that MultiDrive makes itself: its code, what it says, and its errno where Node has one (`os.constants.errno`).
 * An error of a drive keeps the code that the drive gave it; `DRIVE_FAILED` stands in where it gave none.
 */
export const ERRORS = {
  EACCES: { message: 'permission denied', errno: constants.errno.EACCES },
  EBADF: { message: 'bad file descriptor', errno: constants.errno.EBADF },
  EBUSY: { message: 'resource busy or locked', errno: constants.errno.EBUSY },
  EEXIST: { message: 'file already exists', errno: constants.errno.EEXIST },
  EFBIG: { message: 'file too large', errno: constants.errno.EFBIG },
  EINVAL: { message: 'invalid argument', errno: constants.errno.EINVAL },
  EISDIR: { message: 'illegal operation on a directory', errno: constants.errno.EISDIR },
  ELOOP: { message: 'too many symbolic links encountered', errno: constants.errno.ELOOP },
  ENAMETOOLONG: { message: 'name too long', errno: constants.errno.ENAMETOOLONG },
  ENOENT: { message: 'no such file or directory', errno: constants.errno.ENOENT },
  ENOSYS: { message: 'function not implemented', errno: constants.errno.ENOSYS },
  ENOTDIR: { message: 'not a directory', errno: constants.errno.ENOTDIR },
  ENOTEMPTY: { message: 'directory not empty', errno: constants.errno.ENOTEMPTY },
  EPERM: { message: 'operation not permitted', errno: constants.errno.EPERM },
  EROFS: { message: 'read-only file system', errno: constants.errno.EROFS },
  ESTALE: { message: 'stale file handle', errno: constants.errno.ESTALE },
  EXDEV: { message: 'cross-device link not permitted', errno: constants.errno.EXDEV },
  ABORT_ERR: { message: 'The operation was aborted', errno: null },
  ERR_DIR_CLOSED: { message: 'Directory handle was closed', errno: null },
  ERR_FS_CP_DIR_TO_NON_DIR: {
    message: 'Cannot overwrite non-directory with directory',
    errno: constants.errno.EISDIR
  },
  ERR_FS_CP_EEXIST: { message: 'Target already exists', errno: constants.errno.EEXIST },
  ERR_FS_CP_EINVAL: { message: 'Invalid src or dest', errno: constants.errno.EINVAL },
  ERR_FS_CP_NON_DIR_TO_DIR: {
    message: 'Cannot overwrite directory with non-directory',
    errno: constants.errno.ENOTDIR
  },
  ERR_FS_EISDIR: { message: 'Path is a directory', errno: constants.errno.EISDIR },
  ERR_FS_INVALID_SYMLINK_TYPE: {
    message: 'Symlink type must be one of "dir", "file", or "junction"',
    errno: null
  },
  ERR_INCOMPATIBLE_OPTION_PAIR: { message: 'options that cannot be used together', errno: null },
  ERR_INVALID_ARG_TYPE: { message: 'an argument of a wrong type', errno: null },
  ERR_INVALID_ARG_VALUE: { message: 'an argument of a wrong value', errno: null },
  ERR_INVALID_STATE: { message: 'Invalid state', errno: null },
  ERR_OUT_OF_RANGE: { message: 'an argument out of range', errno: null },
  CLOSED: { message: 'closed', errno: null },
  DRIVE_FAILED: { message: 'a drive could not answer', errno: null },
  DRIVE_INVALID: { message: 'not a drive', errno: null },
  VERSION_NOT_AVAILABLE: { message: 'a version that cannot be read here', errno: null }
} as const

export type ErrorCode = keyof typeof ERRORS

export interface ErrorDetails {
  /** The call that failed, as in Node's system errors. */
  syscall?: string
  /** The path that it was about. */
  path?: string
  /** The drive that failed. */
  drive?: Drive | null
  /** The second path, of a call with two. */
  dest?: string
  /** What is said after the message, in parentheses. */
  detail?: string
  cause?: unknown
}

/**
 * The one error class of MultiDrive. `code`, `errno`, `syscall` and `path` are Node's (docs of `errors`, "Class: SystemError");
 * `drive` is the drive that failed, `cause` what it said, `failures` all that failed in the same call, in the order of adding; `purged` what
 * a `purge()` that failed has removed.
 */
export class MultiDriveError extends Error {
  readonly code: string
  declare readonly errno?: number
  declare readonly syscall?: string
  declare readonly path?: string
  /** The second path, of a call with two. */
  declare readonly dest?: string
  /** What else there is to say, which the message has in parentheses. */
  declare readonly detail?: string
  declare readonly drive?: Drive
  declare readonly failures?: readonly MultiDriveError[]
  /** Of a `purge()` that failed: the drives whose storage was removed all the same. */
  declare readonly purged?: readonly Drive[]

  constructor(
    code: string,
    message: string,
    details: ErrorDetails & { failures?: readonly MultiDriveError[] } = {}
  ) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.name = 'MultiDriveError'
    this.code = code
    const errno = code in ERRORS ? ERRORS[code as ErrorCode].errno : causeErrno(details.cause)
    if (typeof errno === 'number') this.errno = -Math.abs(errno)
    if (details.syscall !== undefined) this.syscall = details.syscall
    if (details.path !== undefined) this.path = details.path
    if (details.dest !== undefined) this.dest = details.dest
    if (details.detail !== undefined) this.detail = details.detail
    if (details.drive) this.drive = details.drive
    if (details.failures && details.failures.length > 1) this.failures = details.failures
  }
}

/** An error of our own, with a message of the form that Node prints. */
export function failure(code: ErrorCode, details: ErrorDetails = {}): MultiDriveError {
  const { syscall, path, dest, detail } = details
  // Node's own errors, unlike the system's, do not begin with their code.
  let message: string = code.startsWith('ERR_') ? ERRORS[code].message : `${code}: ${ERRORS[code].message}`
  if (syscall !== undefined) message += `, ${syscall}`
  if (path !== undefined) message += ` '${printable(path)}'`
  if (dest !== undefined) message += ` -> '${printable(dest)}'`
  if (detail !== undefined) message += ` (${detail})`
  return new MultiDriveError(code, message, details)
}

/** The error of one drive, naming it and the path, with the code of its cause. */
export function driveFailure(cause: unknown, name: string, details: ErrorDetails = {}): MultiDriveError {
  if (cause instanceof MultiDriveError && cause.drive) return cause
  const code = errorCode(cause) ?? 'DRIVE_FAILED'
  if (cause instanceof MultiDriveError && code in ERRORS && code !== 'DRIVE_FAILED') {
    // The drive did answer, and says no.
    const { path = details.path, syscall = details.syscall } = cause
    const rest = { ...(path === undefined ? {} : { path }), ...(syscall === undefined ? {} : { syscall }) }
    return new MultiDriveError(code, `${cause.message} (drive ${name})`, { ...details, ...rest, cause })
  }
  const where = details.path === undefined ? '' : ` at '${printable(details.path)}'`
  const said = cause instanceof Error ? cause.message : String(cause)
  const message = `${code}: drive ${name} could not answer${where}: ${said.startsWith(`${code}: `) ? said.slice(code.length + 2) : said}`
  return new MultiDriveError(code, message, { ...details, cause })
}

export function errorCode(err: unknown): string | undefined {
  if (typeof err !== 'object' || err === null || !('code' in err)) return undefined
  return typeof err.code === 'string' ? err.code : undefined
}

/** A path as it can be printed: not without end, and without what a terminal would obey. */
function printable(path: string): string {
  const short = path.length > 512 ? `${path.slice(0, 512)}…` : path
  return short.replace(/[\u0000-\u001f\u007f-\u009f]/g, (char) => JSON.stringify(char).slice(1, -1))
}

function causeErrno(err: unknown): number | undefined {
  if (typeof err !== 'object' || err === null || !('errno' in err)) return undefined
  return typeof err.errno === 'number' ? err.errno : undefined
}
