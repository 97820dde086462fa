import type { ReadOptions } from '../drive.ts'
import { errorCode, failure } from '../errors.ts'
import { ancestors, compareKeys, isIn, type KeyRange } from '../path.ts'
import type { BelowOptions, Directory, Mount, ScanOptions, Source } from '../sources/source.ts'
import type { Overlay } from './overlay.ts'
import { MAX_LINKS } from './tree.ts'
import {
  newestIn,
  type Located,
  type LocatedCursor,
  type MergedView,
  type TreeView,
  type ViewRules
} from './view.ts'

/** Where a path lies: in an overlay, under what is left of its key. */
export interface Place {
  readonly overlay: Overlay
  /** The path where that overlay is mounted; empty for the set itself. */
  readonly prefix: string
}

/**
 * The merged view of now, with what is mounted in it.
 *
 * @param chain - the drives that the overlay is mounted in, by id
 */
export async function readerOf(
  overlay: Overlay,
  opts: ReadOptions = {},
  chain: readonly string[] = []
): Promise<MergedView | MountedView> {
  const view = await overlay.view(opts)
  return view.mountPoints().size === 0 ? view : new MountedView(view, overlay, chain, opts)
}

/** A merged view with what is mounted in it (design, "Directories, links, mounts"): below a mount there is the other drive and nothing else. */
export class MountedView implements TreeView {
  readonly rules: ViewRules
  readonly isStable = false
  readonly base: MergedView
  readonly #overlay: Overlay
  readonly #opts: ReadOptions
  /** The drives on the way here: those that hold the mounts, and those that are mounted. */
  readonly #chain: readonly string[]
  readonly #mounts: ReadonlyMap<string, Mount>
  /** Mounts that are not hidden by another one above them, in order. */
  readonly #paths: readonly string[]
  readonly #inner = new Map<string, Promise<MergedView | MountedView>>()

  constructor(base: MergedView, overlay: Overlay, chain: readonly string[], opts: ReadOptions) {
    this.rules = base.rules
    this.base = base
    this.#overlay = overlay
    this.#chain = chain
    this.#opts = opts
    this.#mounts = base.mountPoints()
    this.#paths = [...this.#mounts.keys()]
      .filter((path) => !ancestors(path).some((folder) => this.#mounts.has(folder)))
      .sort(compareKeys)
  }

  /** What is mounted here, not hidden by another mount: by path. */
  get mounts(): ReadonlyMap<string, Mount> {
    return new Map(this.#paths.map((path) => [path, this.#mounts.get(path)!]))
  }

  /**
   * What shows a mounted drive.
   *
   * @param path - of one of {@link mounts}
   * @throws ELOOP when it is a drive that this one lies in, DRIVE_FAILED and the like when it cannot be opened
   */
  inner(path: string): Promise<MergedView | MountedView> {
    let inner = this.#inner.get(path)
    if (!inner) {
      inner = this.#open(path)
      this.#inner.set(path, inner)
    }
    return inner
  }

  /** Where a key lies; a mount itself is the root of the drive that is mounted. */
  async place(key: string): Promise<Place> {
    const path = this.#over(key)
    if (path === null) return { overlay: this.#overlay, prefix: '' }
    const view = await this.inner(path)
    const rest = key.slice(path.length)
    if (view instanceof MountedView) {
      const { overlay, prefix } = await view.place(rest)
      return { overlay, prefix: path + prefix }
    }
    return { overlay: await this.#overlayAt(path), prefix: path }
  }

  async locate(key: string, opts?: ReadOptions): Promise<Located | null> {
    const path = this.#over(key)
    if (path === null) return this.base.locate(key, opts)
    if (path === key) return null
    const located = await (await this.inner(path)).locate(key.slice(path.length), opts)
    return located && seenBelow(path, located)
  }

  async older(key: string, winner: Located, opts?: ReadOptions): Promise<Located[]> {
    const path = this.#over(key)
    if (path === null) return this.base.older(key, winner, opts)
    const older = await (await this.inner(path)).older(key.slice(path.length), winner, opts)
    return older.map((located) => seenBelow(path, located))
  }

  winners(range: KeyRange, opts: ScanOptions = {}): LocatedCursor {
    return new MountedCursor(this, this.#segments(range, opts.reverse === true), opts)
  }

  async directoryAt(folder: string, opts?: ReadOptions): Promise<Directory | null> {
    const path = this.#over(folder)
    if (path === null) return this.base.directoryAt(folder, opts)
    if (path === folder) return this.#mountPoint(path)
    const directory = await (await this.inner(path)).directoryAt(folder.slice(path.length), opts)
    return directory && directoryBelow(path, directory)
  }

  async directoriesBelow(folder: string, opts: BelowOptions = {}): Promise<readonly Directory[]> {
    const over = this.#over(folder)
    if (over !== null) {
      const below = await (await this.inner(over)).directoriesBelow(folder.slice(over.length), opts)
      return below.map((directory) => directoryBelow(over, directory))
    }
    const own = await this.base.directoriesBelow(folder, opts)
    const found = own.filter(({ record }) => this.#over(record.path) === null)
    for (const path of this.#below(folder)) {
      found.push(this.#mountPoint(path))
      if (opts.shallow === true) continue
      const inner = await this.inner(path).catch(absentInListings)
      const below = (await inner?.directoriesBelow('', opts)) ?? []
      found.push(...below.map((directory) => directoryBelow(path, directory)))
    }
    return found.sort((a, b) => compareKeys(a.record.path, b.record.path))
  }

  async hasBelow(folder: string, opts?: ReadOptions): Promise<boolean> {
    const path = this.#over(folder)
    if (path !== null) return (await this.inner(path)).hasBelow(folder.slice(path.length), opts)
    return this.#below(folder).length > 0 || this.base.hasBelow(folder, opts)
  }

  async newestBelow(folder: string, opts: ReadOptions = {}): Promise<number> {
    const path = this.#over(folder)
    if (path !== null) return (await this.inner(path)).newestBelow(folder.slice(path.length), opts)
    return this.#below(folder).length > 0 ? newestIn(this, folder, opts) : this.base.newestBelow(folder, opts)
  }

  async findIn(source: Source, key: string, opts?: ReadOptions): Promise<Located | null> {
    // What is mounted is no drive of the set.
    return this.#over(key) === null ? this.base.findIn(source, key, opts) : null
  }

  /** Whether a key lies at a mount or below one. */
  isMounted(key: string): boolean {
    return this.#over(key) !== null
  }

  /** The view of the drives that a key lies in, and the path where they are mounted. */
  async baseOf(key: string): Promise<{ view: MergedView; prefix: string }> {
    const path = this.#over(key)
    if (path === null) return { view: this.base, prefix: '' }
    const inner = await this.inner(path)
    if (!(inner instanceof MountedView)) return { view: inner, prefix: path }
    const { view, prefix } = await inner.baseOf(key.slice(path.length))
    return { view, prefix: path + prefix }
  }

  /** The mount that a key is at or below, null for none. */
  #over(key: string): string | null {
    if (this.#mounts.has(key) && !ancestors(key).some((folder) => this.#mounts.has(folder))) return key
    return ancestors(key).findLast((folder) => this.#mounts.has(folder)) ?? null
  }

  #below(folder: string): string[] {
    return this.#paths.filter((path) => path !== folder && isIn(path, folder))
  }

  #overlayAt(path: string): Promise<Overlay> {
    const { mount } = this.#mounts.get(path)!.record
    return this.#overlay.openMount(mount!)
  }

  async #open(path: string): Promise<MergedView | MountedView> {
    const { origin, record } = this.#mounts.get(path)!
    const mount = record.mount!
    const chain = [...this.#chain, origin.id]
    const name = mount.version === null ? mount.id : `${mount.id}@${mount.version}`
    if (chain.includes(name) || chain.length > MAX_LINKS)
      throw failure('ELOOP', { path, detail: 'a mount in itself' })
    return readerOf(await this.#overlayAt(path), this.#opts, [...chain, name])
  }

  #mountPoint(path: string): Directory {
    const { origin, stamp, leaf, record } = this.#mounts.get(path)!
    const { mtime, ctime, clock, mount } = record
    return {
      origin,
      stamp,
      leaf,
      mount: mount!,
      record: { path, mtime, ctime, clock, mode: null, metadata: null }
    }
  }

  /** A range of keys as the ranges of this view and of what is mounted, in their order. */
  #segments(range: KeyRange, reverse: boolean): Segment[] {
    const segments: Segment[] = []
    let rest: KeyRange | null = range
    for (const path of this.#paths) {
      if (rest === null) break
      const [start, end] = [path + '/', path + '0']
      const before = clip(rest, { lt: start })
      const within = clip(rest, { gte: start, lt: end })
      // The file that the mount stands over is not to be seen.
      if (before) segments.push({ mount: null, range: before })
      if (within) segments.push({ mount: path, range: within })
      rest = clip(rest, { gte: end })
    }
    if (rest) segments.push({ mount: null, range: rest })
    return reverse ? segments.reverse() : segments
  }
}

interface Segment {
  /** Null for what is not mounted. */
  readonly mount: string | null
  readonly range: KeyRange
}

/** Reads segments one after another. */
class MountedCursor implements LocatedCursor {
  readonly #view: MountedView
  readonly #opts: ScanOptions
  readonly #segments: Segment[]
  #cursor: LocatedCursor | null = null

  constructor(view: MountedView, segments: Segment[], opts: ScanOptions) {
    this.#view = view
    this.#segments = segments
    this.#opts = opts
  }

  async page(limit: number): Promise<Located[]> {
    for (let segment = this.#segments[0]; segment; segment = this.#segments[0]) {
      this.#cursor ??= await this.#open(segment)
      const page = (await this.#cursor?.page(limit)) ?? []
      const { mount } = segment
      if (page.length === 0) {
        await this.close()
        this.#segments.shift()
        continue
      }
      const seen =
        mount === null
          ? page.filter(({ candidate }) => !this.#view.mounts.has(candidate.key))
          : page.map((located) => seenBelow(mount, located))
      if (seen.length > 0) return seen
    }
    return []
  }

  seek(key: string): void {
    for (let segment = this.#segments[0]; segment; segment = this.#segments[0]) {
      const range = clip(segment.range, { gte: key })
      if (range) {
        this.#segments[0] = { ...segment, range }
        const { mount } = segment
        if (mount === null) this.#cursor?.seek(key)
        else if (key.startsWith(mount + '/')) this.#cursor?.seek(key.slice(mount.length))
        return
      }
      void this.#cursor?.close()
      this.#cursor = null
      this.#segments.shift()
    }
  }

  async close(): Promise<void> {
    const cursor = this.#cursor
    this.#cursor = null
    await cursor?.close()
  }

  async #open({ mount, range }: Segment): Promise<LocatedCursor | null> {
    if (mount === null) return this.#view.base.winners(range, this.#opts)
    const inner = await this.#view.inner(mount).catch(absentInListings)
    return inner?.winners(stripped(range, mount), this.#opts) ?? null
  }
}

/** Nobody who can mount a drive may keep others from listing what else there is: whoever reads below the mount is told why it cannot be. */
function absentInListings(err: unknown): null {
  if (errorCode(err) === 'CLOSED') throw err
  return null
}

function seenBelow(path: string, located: Located): Located {
  const { candidate } = located
  return { ...located, candidate: candidate.seenAt(path + candidate.key) }
}

function directoryBelow(path: string, directory: Directory): Directory {
  return { ...directory, record: { ...directory.record, path: path + directory.record.path } }
}

/** The part of a range that is in another one too, null for none. */
function clip(range: KeyRange, by: KeyRange): KeyRange | null {
  const low = later(lower(range), lower(by))
  const high = earlier(upper(range), upper(by))
  if (low && high) {
    const order = compareKeys(low.key, high.key)
    if (order > 0 || (order === 0 && !(low.inclusive && high.inclusive))) return null
  }
  return {
    ...(low && (low.inclusive ? { gte: low.key } : { gt: low.key })),
    ...(high && (high.inclusive ? { lte: high.key } : { lt: high.key }))
  }
}

interface Bound {
  readonly key: string
  readonly inclusive: boolean
}

function lower({ gt, gte }: KeyRange): Bound | null {
  if (gt !== undefined) return { key: gt, inclusive: false }
  return gte === undefined ? null : { key: gte, inclusive: true }
}

function upper({ lt, lte }: KeyRange): Bound | null {
  if (lt !== undefined) return { key: lt, inclusive: false }
  return lte === undefined ? null : { key: lte, inclusive: true }
}

function later(a: Bound | null, b: Bound | null): Bound | null {
  if (!a || !b) return a ?? b
  return compareKeys(a.key, b.key) > 0 || (a.key === b.key && !a.inclusive) ? a : b
}

function earlier(a: Bound | null, b: Bound | null): Bound | null {
  if (!a || !b) return a ?? b
  return compareKeys(a.key, b.key) < 0 || (a.key === b.key && !a.inclusive) ? a : b
}

/** A range that lies below a path, as seen from there. */
export function stripped(range: KeyRange, path: string): KeyRange {
  const bounds = Object.entries(range) as [keyof KeyRange, string][]
  return Object.fromEntries(
    bounds.map(([name, key]) => [name, key === path + '0' ? '0' : key.slice(path.length)])
  )
}
