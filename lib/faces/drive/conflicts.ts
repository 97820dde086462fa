import type { Entry, ReadOptions } from '../../drive.ts'
import { conflictsIn, type Conflict } from '../../overlay/conflicts.ts'
import type { Reader } from '../../overlay/view.ts'
import { folderRange, toFolder } from '../../path.ts'
import type { View } from '../body.ts'
import { toEntry } from './entry.ts'
import { generated } from './generated.ts'
import type { ReadableOf } from './readable.ts'

export interface ConflictsOptions extends ReadOptions {
  /** Only what lies below it. Default the root. */
  folder?: string
}

/** A path with versions of which no author had seen another's. */
export interface PathConflict {
  key: string
  /** The newest first; two or more. */
  candidates: Entry[]
}

export function toPathConflict({ key, rivals }: Conflict, reader: Reader): PathConflict {
  return { key, candidates: rivals.map((located) => toEntry(located, reader)) }
}

/** Every path below a folder that has a conflict, in the order of keys. */
export function conflicts(
  reader: () => View | Promise<View>,
  opts: ConflictsOptions
): ReadableOf<PathConflict> {
  const { folder, ...read } = opts
  const run = async function* (): AsyncGenerator<PathConflict, void, void> {
    const range = folderRange(toFolder(folder, 'conflicts'))
    const view = await reader()
    for await (const conflict of conflictsIn(view, range, read)) yield toPathConflict(conflict, view)
  }
  return generated(run)
}
