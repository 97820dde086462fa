import Hyperdrive from 'hyperdrive'
import type { Drive } from '../drive.ts'
import { failure } from '../errors.ts'
import { unlessAborted } from '../wait.ts'

/** Opens the drive of a key. */
export type OpenDrive = (key: Buffer, opts: { primary: Drive }) => Drive | Promise<Drive>

interface Store {
  session(opts: { writable: boolean }): unknown
}

/**
 * Opens a key through the primary's corestore. The session is a read-only one: of several writable or plain sessions of one key the
 * second never opens, of read-only ones any number do.
 *
 * @throws DRIVE_INVALID when the primary has no corestore
 */
export const openThroughPrimary: OpenDrive = (key, { primary }) => {
  const store = 'corestore' in primary ? (primary.corestore as Store) : null
  if (store === null)
    throw failure('DRIVE_INVALID', {
      detail: 'the primary has no corestore to open a key with; give openDrive'
    })
  return new Hyperdrive(store.session({ writable: false }), key) as Drive
}

/**
 * The drive of a key. Where the signal comes first nobody waits for it: should it still be given, it goes to `late`.
 *
 * @throws CLOSED when the signal came first; what `openDrive` throws
 */
export async function givenBy(
  openDrive: OpenDrive,
  key: Buffer,
  primary: Drive,
  closing: AbortSignal,
  late: (drive: Drive) => Promise<void>
): Promise<Drive> {
  const asked = (async () => ({ drive: await openDrive(key, { primary }) }))()
  const given = await unlessAborted(asked, closing)
  if (given) return given.drive
  asked.then(({ drive }) => late(drive)).catch(() => undefined)
  throw failure('CLOSED', { detail: 'the MultiDrive was closed' })
}
