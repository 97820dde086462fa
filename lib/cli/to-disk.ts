import type MultiDrive from '../../index.ts'
import { Transit } from '../share/transit.ts'
import type { Session } from './command.ts'

/**
 * Brings files to the disk: as they are at one moment, whatever comes meanwhile, or with `--at` as they were then. What only goes through
 * the storage for that is not kept there.
 */
export async function toDisk(
  { multi, view, out, signal }: Session,
  bring: (view: MultiDrive, transit: Transit) => Promise<void>
): Promise<void> {
  const transit = new Transit(multi, (err) => {
    // Stopped, the drives are closed under it.
    if (!signal.aborted) out.warn(`The storage keeps a copy: ${(err as Error).message}`)
  })
  const present = view === multi ? multi.checkout(multi.version) : null
  try {
    await bring(present ?? view, transit)
  } finally {
    await transit.end()
    await present?.close()
  }
}
