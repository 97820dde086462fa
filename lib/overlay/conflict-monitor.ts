import { createHash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import type { ReadOptions } from '../drive.ts'
import { folderRange, isIn } from '../path.ts'
import type { Candidate, LeafView } from '../sources/source.ts'
import { conflictsAmong, rivalsIn, type Conflict } from './conflicts.ts'
import { baseOf, each, keysOf, leavesOf, merged } from './diff.ts'
import { joined } from './joined.ts'
import type { MountedView } from './mounted.ts'
import type { MergedView, Reader } from './view.ts'

/** How many sets of rivals are remembered. One that comes again after so many others is told again. */
const REMEMBERED = 4096

const EVERYTHING = folderRange('')

/** What a monitor looks at. */
export interface Monitored {
  /** The merged view of now, as far as it is known at once; null before it is open. */
  readonly view: MergedView | Promise<MergedView> | null
  /** Waits for what is being added. */
  next(): Promise<MergedView | MountedView>
}

/**
 * Finds the conflicts that come with a drive that is added or has changed, from what has changed since it last looked. A drive that fails
 * is looked at again at the next change.
 */
export class ConflictMonitor {
  readonly #next: () => Promise<MergedView | MountedView>
  readonly #tell: (conflict: Conflict, view: Reader) => void
  readonly #opts: ReadOptions
  readonly #told = new LRUCache<string, true>({ max: REMEMBERED })
  #before: Promise<MergedView | null>
  #ended = false
  /** Looks at what has changed. */
  readonly update: () => void

  /** @param opts - how long a drive that is read on demand is waited for */
  constructor(of: Monitored, tell: (conflict: Conflict, view: Reader) => void, opts: ReadOptions) {
    this.#before = Promise.resolve(of.view).catch(() => null)
    this.#next = () => of.next()
    this.#tell = tell
    this.#opts = opts
    this.update = joined(
      () => this.#look(),
      () => undefined
    )
  }

  end(): void {
    this.#ended = true
  }

  async #look(): Promise<void> {
    const before = await this.#before
    const now = await this.#next()
    const own = baseOf(now)
    const known = new Map([...(before ? leavesOf(before) : [])].filter(([, { leaf }]) => leaf.versioned))
    const keys: AsyncIterable<string>[] = []
    // What a mount stood over is seen when it goes, though no file has changed.
    const hid = [...(before?.mountPoints().keys() ?? [])]
    const shown = hid.filter((path) => !isUnder(path, own.mountPoints().keys()))
    for (const { view } of own.places()) {
      if (!view.leaf.versioned) continue
      const { identity } = view.leaf
      const other = known.get(identity)
      const changed = other && !other.partial ? view.changedKeys(other, EVERYTHING, this.#opts) : null
      // What cannot be compared is as good as new.
      if (changed === null) known.delete(identity)
      // After a truncation the same place in a drive is another version.
      if (changed === null && other?.head && !other.partial) this.#told.clear()
      keys.push(changed ?? keysOf(view.scan(EVERYTHING, this.#opts)))
      for (const path of shown) keys.push(each([path]), keysOf(view.scan(folderRange(path), this.#opts)))
    }
    if (keys.length > 1) {
      for await (const conflict of conflictsAmong(now, merged(keys), this.#opts)) {
        if (this.#ended) return
        const others = isUnder(conflict.key, hid) ? [] : [...known.values()]
        if (await this.#isNew(conflict, others, own)) this.#tell(conflict, now)
      }
    }
    this.#before = Promise.resolve(own)
  }

  /** Whether these were no rivals before, or not all of them, and they have not been told of together. */
  async #isNew({ key, rivals }: Conflict, known: readonly LeafView[], now: MergedView): Promise<boolean> {
    const drives = leavesOf(now)
    const found = await Promise.all(
      known.map((view) =>
        view.find(key, this.#opts).catch((err: unknown) => {
          if (drives.has(view.leaf.identity)) throw err
          // A drive that has left may be closed, and will never tell.
          return null
        })
      )
    )
    const were = rivalsIn(
      found.flatMap((candidate) => (candidate ? { candidate } : [])),
      () => known.flatMap((leaf) => leaf.tombstonesOver(key)),
      now.rules
    )
    const before = new Set(were.map(versionOf))
    if (rivals.every((rival) => before.has(versionOf(rival)))) return false
    const set = rivals.map(versionOf).sort()
    const digest = createHash('sha256')
      .update(JSON.stringify([key, ...set]))
      .digest('base64')
    if (this.#told.has(digest)) return false
    this.#told.set(digest, true)
    return true
  }
}

function isUnder(key: string, paths: Iterable<string>): boolean {
  return [...paths].some((path) => isIn(key, path))
}

function versionOf({ candidate: { origin } }: { candidate: Candidate }): string {
  return `${origin.id} ${origin.seq}`
}
