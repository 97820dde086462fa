import { MultiDriveError } from '../../errors.ts'

/** The codes are Hypercore's, which callers of a Hyperdrive know. */
export function unavailable(): MultiDriveError {
  return new MultiDriveError('BLOCK_NOT_AVAILABLE', 'BLOCK_NOT_AVAILABLE: the block is not on this machine')
}

export function timedOut(): MultiDriveError {
  return new MultiDriveError('REQUEST_TIMEOUT', 'REQUEST_TIMEOUT: no peer answered in time')
}

export function sessionClosed(): MultiDriveError {
  return new MultiDriveError('SESSION_CLOSED', 'SESSION_CLOSED: the drive was closed')
}

export function undecodable(seq: number, cause?: unknown): MultiDriveError {
  return new MultiDriveError('DECODING_ERROR', `DECODING_ERROR: block ${seq} of the tree is damaged`, {
    cause
  })
}
