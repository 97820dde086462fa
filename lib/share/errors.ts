/** Every code of the errors of loading and sharing, with what it says. */
export const TRANSFER_ERRORS = {
  KEY_OR_DRIVE_REQUIRED: 'a key, keys or a drive is required',
  KEY_INVALID: 'not a key of a drive',
  FILE_NOT_FOUND: 'no such file',
  CONNECTION_FAILED: 'the drive could not be reached',
  DRIVE_NOT_READY: 'the drive is not open',
  DOWNLOAD_FAILED: 'the download failed'
} as const

export type TransferErrorCode = keyof typeof TRANSFER_ERRORS

export interface TransferErrorInfo {
  /** The path in the drive, or of the file on the disk, that it is about. */
  readonly path?: string | undefined
  /** What is said after the message, in parentheses; default: what the cause says. */
  readonly detail?: string | undefined
  readonly cause?: unknown
}

/** What loading and sharing throw. `cause` is what the drive, the disk or the network said. */
export class TransferError extends Error {
  readonly code: TransferErrorCode
  /** Undefined where it is about no path. */
  readonly path: string | undefined

  constructor(code: TransferErrorCode, { path, detail, cause }: TransferErrorInfo = {}) {
    const where = path === undefined ? '' : `: ${JSON.stringify(path)}`
    const more = detail ?? (cause instanceof Error ? cause.message : undefined)
    super(
      `${code}: ${TRANSFER_ERRORS[code]}${where}${more === undefined ? '' : ` (${more})`}`,
      cause === undefined ? undefined : { cause }
    )
    this.name = 'TransferError'
    this.code = code
    this.path = path
  }
}
