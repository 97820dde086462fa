import type { Drive, ReadOptions } from '../../drive.ts'
import { failure } from '../../errors.ts'
import type { Operation } from '../../overlay/operation.ts'
import type { Overlay } from '../../overlay/overlay.ts'
import { transact, type Preparation } from '../../overlay/transact.ts'
import { commitIn, placeAt } from '../../overlay/place.ts'
import { toKey } from '../../path.ts'
import { keptAttributes, modeOperation, withoutTime } from '../fs/attributes.ts'

/** How a path is settled: by new bytes, by what one drive of the set has there, or, with null, by deleting it. */
export type Resolution = string | NodeJS.ArrayBufferView | Keep | null

/** Keeps what a drive of the set has at the path. */
export interface Keep {
  keep: Drive
}

export function isKeep(how: Exclude<Resolution, null>): how is Keep {
  return typeof how === 'object' && 'keep' in how
}

/** Deletes what any drive has at a path, also what another deletion hides already: rivals below it are settled with it. */
export async function settleByDeletion(overlay: Overlay, path: string): Promise<void> {
  const key = toKey(path, 'resolve')
  await commitIn(await placeAt(overlay, 'resolve', key), {
    syscall: 'resolve',
    operations: [{ type: 'remove', key, tree: false, hidden: true }]
  })
}

/** Writes what one drive has at a path as a version that is newer than all others. */
export async function keepVersion(
  overlay: Overlay,
  path: string,
  drive: Drive,
  opts: ReadOptions
): Promise<void> {
  const key = toKey(path, 'resolve')
  const source = overlay.sources.find((other) => other.drive === drive)
  if (!source) throw failure('DRIVE_INVALID', { syscall: 'resolve', path, detail: 'it is not in the set' })
  const prepare = async (at: Preparation): Promise<Operation[]> => {
    const located = await at.lookIn(source, key)
    if (located === null) {
      throw failure('ENOENT', { syscall: 'resolve', path, drive, detail: `drive ${source.name}` })
    }
    const { candidate } = located
    const { mode, metadata } = keptAttributes(located)
    const given = { key, metadata: withoutTime(metadata) }
    const { linkname } = candidate.value
    if (linkname !== null) return [{ type: 'link', linkname, ...given }]
    const staged = await at.stage(key, candidate)
    return [{ type: 'file', staged, ...given, ...modeOperation(mode) }]
  }
  await transact(overlay, 'resolve', key, prepare, { read: opts })
}
