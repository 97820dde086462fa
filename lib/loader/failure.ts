import { MultiDriveError } from '../../index.ts'
import { TransferError, type TransferErrorCode } from '../share/errors.ts'

/** What kept a file from being read or saved, as an error of the loader. */
export function loaderError(cause: unknown, path: string): TransferError {
  if (cause instanceof TransferError) return cause
  return new TransferError(codeOf(cause), { path, cause })
}

/** What kept a loader from being opened, as an error of it; options that are none stay EINVAL. */
export function openingError(cause: unknown): Error {
  if (cause instanceof TransferError) return cause
  if (cause instanceof MultiDriveError && cause.code === 'EINVAL' && !cause.drive) return cause
  return new TransferError('DRIVE_NOT_READY', { cause })
}

const ABSENT = new Set(['ENOENT', 'ENOTDIR', 'ELOOP', 'EINVAL', 'ERR_INVALID_ARG_VALUE'])

/**
 * Whether an error says that nothing is at a path. What a drive fails with may have the same code, such as ENOENT of a disk that is gone:
 * it names the drive.
 */
export function isAbsence(err: unknown): boolean {
  const { code, drive } = err as { code?: string; drive?: unknown }
  return !drive && code !== undefined && ABSENT.has(code)
}

function codeOf(cause: unknown): TransferErrorCode {
  const { code } = cause as { code?: unknown }
  if (code === 'REQUEST_TIMEOUT') return 'CONNECTION_FAILED'
  if (!(cause instanceof MultiDriveError)) return 'DOWNLOAD_FAILED'
  // No drive holds a path that is none.
  if (isAbsence(cause)) return 'FILE_NOT_FOUND'
  return ['CLOSED', 'VERSION_NOT_AVAILABLE'].includes(cause.code) ? 'DRIVE_NOT_READY' : 'DOWNLOAD_FAILED'
}
