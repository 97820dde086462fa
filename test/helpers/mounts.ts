import type Hyperdrive from 'hyperdrive'
import type { OpenDrive } from '../../index.ts'
import { recordKeys } from '../../lib/sources/hyperdrive/keys.ts'

/** What every hidden record has beside its own. */
export const stamp = { v: 1, mtime: 1, ctime: 1, clock: {} }

/** Opens keys as drives that can be written to where they are one's own. */
export function opener(drives: Hyperdrive[]): { openDrive: OpenDrive } {
  return {
    openDrive: (key) =>
      drives.find((drive) => drive.key.equals(key)) ?? Promise.reject(new Error('unknown drive'))
  }
}

/** Writes records as no MultiDrive would, in one step. */
export async function forge(
  drive: Hyperdrive,
  kind: 'mounts' | 'tags',
  records: Record<string, unknown>
): Promise<void> {
  const batch = drive.db.batch()
  for (const [name, value] of Object.entries(records)) {
    const bytes = Buffer.from(typeof value === 'string' ? value : JSON.stringify(value))
    await batch.put(name, bytes, { keyEncoding: recordKeys(kind), valueEncoding: 'binary' })
  }
  await batch.flush()
}
