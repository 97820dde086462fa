import { driveFailure, errorCode, MultiDriveError } from '../errors.ts'
import type { Candidate, Source, SourceFailure } from '../sources/source.ts'

/** What a peer or a block that is not there looks like: it may be otherwise a moment later. */
const PASSING = new Set([
  'BLOCK_NOT_AVAILABLE',
  'REQUEST_TIMEOUT',
  'REQUEST_CANCELLED',
  'SESSION_CLOSED',
  'SNAPSHOT_NOT_AVAILABLE'
])

/** The error of a drive that could not give the bytes of a version. */
export function unreadable(err: unknown, { key, leaf }: Candidate): MultiDriveError {
  return driveFailure(err, leaf.name, { drive: leaf.drive, path: key, syscall: 'read' })
}

/** What a drive that has never been whole here says when a write asks what it holds. */
export function unsynced({ name, drive }: Source): MultiDriveError {
  return new MultiDriveError(
    'BLOCK_NOT_AVAILABLE',
    `BLOCK_NOT_AVAILABLE: drive ${name} has not been synced yet`,
    { drive }
  )
}

/**
 * Does something with every source, whatever becomes of the others.
 *
 * @returns what each gave, in the order of adding
 * @throws the worst failure, once all are through
 */
export async function fromAll<S extends Source, T>(
  sources: readonly S[],
  call: (source: S) => Promise<T>
): Promise<T[]> {
  const settled = await Promise.allSettled(sources.map(call))
  const failures = settled.flatMap((result, i): SourceFailure[] =>
    result.status === 'rejected' ? [{ source: sources[i]!, error: result.reason }] : []
  )
  if (failures.length > 0) throw worst(failures)
  return settled.map((result) => (result as PromiseFulfilledResult<T>).value)
}

/**
 * The error of a call in which sources failed. A source that cannot tell is never taken for one that holds nothing, so one failure
 * is enough to fail the call. Of several, one that will not pass by itself (a disk, a bug) wins over one of the network, and the
 * source that was added first over the others; all are in `failures`.
 *
 * @param failures - in the order of adding
 */
export function worst(failures: readonly SourceFailure[], path?: string): MultiDriveError {
  const details = path === undefined ? {} : { path: path === '' ? '/' : path }
  const errors = failures.map(({ source, error }) =>
    driveFailure(error, source.name, { drive: source.drive, ...details })
  )
  const winner = errors.find((error) => !PASSING.has(errorCode(error) ?? '')) ?? errors[0]!
  if (errors.length === 1) return winner
  const { message, code, cause, drive } = winner
  return new MultiDriveError(code, message, {
    cause,
    drive: drive ?? null,
    failures: errors,
    ...details
  })
}
