import type { Entry, MultiDrive } from '../../index.ts'
import { watchFolder } from '../share/watching.ts'

export interface Change {
  readonly op: 'add' | 'change' | 'remove'
  /** What is there now, or was there before it was removed. */
  readonly entry: Entry
}

interface Options {
  readonly signal: AbortSignal
  /** Called when nothing that happens from then on is lost. */
  readonly watching: () => void
}

/** What belongs to one change comes within so many milliseconds. */
const QUIET = 100

/** Watchers of folders lose what happens in a folder that is new. So often it is looked by itself, in milliseconds. */
const LOOK = 5000

/**
 * The changes of what is shown below a folder, as they come. What other programs do in folders of the disk no drive tells of: there the
 * disk does. What is shown then is compared with what was shown before, so that a change that makes no difference is none.
 *
 * @param folders - of the disk, among the drives
 */
export async function* changesBelow(
  multi: MultiDrive,
  folders: readonly string[],
  folder: string,
  { signal, watching }: Options
): AsyncGenerator<Change, void, void> {
  const news = new News(signal)
  const watchers = folders.map((root) => watchFolder(root, news.tell, news.fail))
  const timer = folders.length > 0 ? setInterval(news.tell, LOOK) : undefined
  multi.on('update', news.tell)
  try {
    let before = await shown(multi, folder)
    watching()
    while (await news.come()) {
      const now = await shown(multi, folder)
      for (const [key, { entry, mark }] of now) {
        const old = before.get(key)
        if (!old) yield { op: 'add', entry }
        else if (old.mark !== mark) yield { op: 'change', entry }
      }
      for (const [key, { entry }] of before) if (!now.has(key)) yield { op: 'remove', entry }
      before = now
    }
  } finally {
    multi.off('update', news.tell)
    clearInterval(timer)
    for (const watcher of watchers) watcher.close()
  }
}

/** Whether something may have changed since it was asked the last time. */
class News {
  readonly #signal: AbortSignal
  #isThere = false
  #failure: { error: unknown } | null = null
  #wake: () => void = () => undefined

  constructor(signal: AbortSignal) {
    this.#signal = signal
    signal.addEventListener('abort', this.tell)
  }

  readonly tell = (): void => {
    this.#isThere = true
    this.#wake()
  }

  readonly fail = (error: unknown): void => {
    this.#failure = { error }
    this.tell()
  }

  /** Resolves when there is something, and nothing more has come for a moment: whether to look. */
  async come(): Promise<boolean> {
    if (!this.#isThere) await new Promise<void>((resolve) => (this.#wake = resolve))
    while (this.#isThere && !this.#signal.aborted) {
      this.#isThere = false
      await new Promise((resolve) => setTimeout(resolve, QUIET))
    }
    if (this.#failure) throw this.#failure.error
    return !this.#signal.aborted
  }
}

/** What is shown below a folder, with what tells two versions apart. */
async function shown(
  multi: MultiDrive,
  folder: string
): Promise<Map<string, { entry: Entry; mark: string }>> {
  const all = new Map<string, { entry: Entry; mark: string }>()
  const ids = new Map<object, number>()
  for await (const entry of multi.list(folder)) {
    const { drive, key, mtime, seq, value } = entry
    if (!ids.has(drive)) ids.set(drive, multi.drives.indexOf(drive))
    const mark = [ids.get(drive), seq, mtime, value.blob?.byteLength, value.linkname, value.executable]
    all.set(key, { entry, mark: JSON.stringify(mark) })
  }
  return all
}
