import { ERRORS, MultiDriveError, type ErrorCode } from '../../index.ts'

/** An error as the library would make it, about a path in the drives. */
export function failure(code: ErrorCode, path: string, detail?: string): MultiDriveError {
  const more = detail === undefined ? '' : ` (${detail})`
  return new MultiDriveError(code, `${code}: ${ERRORS[code].message} '${path}'${more}`, { path })
}
