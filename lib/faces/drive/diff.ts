import type { Entry, ReadOptions } from '../../drive.ts'
import { differences } from '../../overlay/diff.ts'
import type { MountedView } from '../../overlay/mounted.ts'
import type { MergedView } from '../../overlay/view.ts'
import { folderRange, toFolder } from '../../path.ts'
import { toEntry } from './entry.ts'
import { generated } from './generated.ts'
import type { ReadableOf } from './readable.ts'

/** What stands at a key now (left) and stood there at another version (right); null where nothing does. */
export interface EntryDifference {
  left: Entry | null
  right: Entry | null
}

/** Both views of a comparison, taken when it begins. */
export type Views = () => Promise<{ now: View; before: View; close: () => Promise<void> }>

type View = MergedView | MountedView

/** Where the entries below a folder differ between two views, in the order of keys. */
export function diff(
  views: Views,
  folder: string | undefined,
  opts: ReadOptions
): ReadableOf<EntryDifference> {
  const run = async function* (): AsyncGenerator<EntryDifference, void, void> {
    const range = folderRange(toFolder(folder, 'diff'))
    const both = await views()
    const { now, before } = both
    try {
      for await (const change of differences(now, before, range, opts)) {
        yield {
          left: change.now && toEntry(change.now, now),
          right: change.before && toEntry(change.before, before)
        }
      }
    } finally {
      await both.close()
    }
  }
  return generated(run)
}
