import type Corestore from 'corestore'
import Hyperdrive from 'hyperdrive'
import type { Test } from 'tape'
import type { OpenDrive } from '../../index.ts'
import { recordKeys } from '../../lib/sources/hyperdrive/keys.ts'
import { cleanup, store } from './drives.ts'

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

/** Hyperdrives of one's own, all in one corestore. */
export async function hyperdrives(t: Test, count: number, corestore?: Corestore): Promise<Hyperdrive[]> {
  const home = corestore ?? (await store(t))
  const drives = Array.from({ length: count }, (_, i) => new Hyperdrive(home.namespace(`drive ${i}`)))
  cleanup(t, () => Promise.all(drives.map((drive) => drive.close())))
  await Promise.all(drives.map((drive) => drive.ready()))
  return drives
}
