import { MultiDriveError } from '../../index.ts'
import { TransferError, type TransferErrorCode } from '../share/errors.ts'

/** What kept a file from being read or saved, as an error of the loader. */
export function loaderError(cause: unknown, path: string): TransferError {
  if (cause instanceof TransferError) return cause
  return new TransferError(codeOf(cause), { path, cause })
}

function codeOf(cause: unknown): TransferErrorCode {
  const { code } = cause as { code?: unknown }
  if (code === 'REQUEST_TIMEOUT') return 'CONNECTION_FAILED'
  if (!(cause instanceof MultiDriveError)) return 'DOWNLOAD_FAILED'
  // No drive holds a path that is none.
  if (['ENOENT', 'ENOTDIR', 'EINVAL'].includes(cause.code)) return 'FILE_NOT_FOUND'
  return cause.code === 'CLOSED' ? 'DRIVE_NOT_READY' : 'DOWNLOAD_FAILED'
}
