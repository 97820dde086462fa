import type { Drive } from '../drive.ts'
import { failure } from '../errors.ts'
import { HyperdriveSource } from './hyperdrive/source.ts'
import type { HyperdriveLike } from './hyperdrive/types.ts'
import type { LocaldriveLike } from './localdrive/drive.ts'
import { LocaldriveSource } from './localdrive/source.ts'
import { OtherSource } from './other.ts'
import type { Leaf } from './source.ts'

/** Whether a key in a folder is one of the files that MultiDrive keeps there for itself. */
export { isHidden as isOwnRecord } from './localdrive/root.ts'

/** What every drive must have; see `Drive`. */
const REQUIRED = ['entry', 'list', 'createReadStream'] as const

export interface SourceOptions {
  /** Read a Hyperdrive's metadata only where it is asked for. Default false. */
  sparse?: boolean
}

/**
 * The source for a drive, by what it has rather than by its class: copies of one package may meet in an app.
 *
 * @throws DRIVE_INVALID, naming the method that is missing
 */
export function sourceOf(drive: unknown, opts: SourceOptions = {}): Leaf {
  if (typeof drive !== 'object' || drive === null)
    throw failure('DRIVE_INVALID', { detail: `it is ${String(drive)}` })
  for (const method of REQUIRED) {
    if (!has(drive, method, 'function'))
      throw failure('DRIVE_INVALID', { detail: `it has no method ${method}()` })
  }
  if (isHyperdrive(drive)) return new HyperdriveSource(drive, opts)
  if (isLocaldrive(drive)) return new LocaldriveSource(drive)
  return new OtherSource(drive as Drive)
}

function isHyperdrive(drive: object): drive is HyperdriveLike {
  return (
    has(drive, 'getBlobs', 'function') && has(drive, 'core', 'object') && 'db' in drive && isBee(drive.db)
  )
}

function isBee(db: unknown): boolean {
  return (
    typeof db === 'object' &&
    db !== null &&
    has(db, 'checkout', 'function') &&
    has(db, 'createHistoryStream', 'function')
  )
}

/** Whether a drive is a folder on the disk. */
export function isLocaldrive(drive: object): drive is LocaldriveLike {
  return has(drive, 'root', 'string') && has(drive, 'toPath', 'function')
}

function has(object: object, name: string, type: string): boolean {
  return name in object && typeof (object as Record<string, unknown>)[name] === type
}
