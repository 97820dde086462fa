import type { ReadOptions } from '../../drive.ts'
import { historyOf } from '../../overlay/history.ts'
import { MountedView } from '../../overlay/mounted.ts'
import { toKey } from '../../path.ts'
import type { View } from '../body.ts'
import { toHistoryItem, type HistoryItem } from './entry.ts'
import { generated } from './generated.ts'
import type { ReadableOf } from './readable.ts'

export interface HistoryOptions extends ReadOptions {
  /** The most versions to give; -1, the default, for all. */
  limit?: number
}

/** The versions of one path over all drives, the newest first. */
export function history(
  reader: () => View | Promise<View>,
  path: string,
  opts: HistoryOptions
): ReadableOf<HistoryItem> {
  const { limit = -1, ...read } = opts
  const run = async function* (): AsyncGenerator<HistoryItem, void, void> {
    const key = toKey(path, 'history')
    if (limit === 0) return
    const all = await reader()
    const { view, prefix } = all instanceof MountedView ? await all.baseOf(key) : { view: all, prefix: '' }
    let left = limit < 0 ? Infinity : limit
    for await (const past of historyOf(view, key.slice(prefix.length), read)) {
      const seen = past.type === 'put' ? { ...past, version: past.version.seenAt(key) } : past
      yield toHistoryItem(key, seen, view)
      if (--left === 0) return
    }
  }
  return generated(run)
}
