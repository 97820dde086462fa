import type { Readable } from 'streamx'
import type { ReadOptions } from '../../drive.ts'
import { historyOf } from '../../overlay/history.ts'
import type { MergedView } from '../../overlay/view.ts'
import { toKey } from '../../path.ts'
import { toHistoryItem, type HistoryItem } from './entry.ts'
import { generated } from './generated.ts'

export interface HistoryOptions extends ReadOptions {
  /** The most versions to give; -1, the default, for all. */
  limit?: number
}

/** The versions of one path over all drives, the newest first. */
export function history(reader: () => Promise<MergedView>, path: string, opts: HistoryOptions): Readable {
  const { limit = -1, ...read } = opts
  const run = async function* (): AsyncGenerator<HistoryItem, void, void> {
    const key = toKey(path, 'history')
    if (limit === 0) return
    const view = await reader()
    let left = limit < 0 ? Infinity : limit
    for await (const past of historyOf(view, key, read)) {
      yield toHistoryItem(key, past, view)
      if (--left === 0) return
    }
  }
  return generated(run)
}
