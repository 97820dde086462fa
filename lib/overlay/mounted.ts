import type { ReadOptions } from '../drive.ts'
import { errorCode } from '../errors.ts'
import { compareKeys, type KeyRange } from '../path.ts'
import { atMost } from '../wait.ts'
import type { BelowOptions, Directory, Mount, Source } from '../sources/source.ts'
import { MountTable } from './mount-table.ts'
import type { Overlay } from './overlay.ts'
import {
  newestIn,
  type Located,
  type LocatedCursor,
  type MergedView,
  type TreeView,
  type ViewRules,
  type WinnerOptions
} from './view.ts'
import { Way } from './way.ts'

/** How long a listing waits at least for one mounted drive to open, in milliseconds. */
const LEAST_PATIENCE = 250

/** How many mounted drives a listing opens side by side, the one that it needs and those that come next. */
export const SIDE_BY_SIDE = 16

/** A mounted drive that is opened. */
interface Opening {
  readonly view: Promise<MergedView | MountedView>
  /** When it was begun, by `performance.now()`. */
  readonly begun: number
}

/** Where a path lies: in an overlay, under what is left of its key. */
export interface Place {
  readonly overlay: Overlay
  /** The path where that overlay is mounted; empty for the set itself. */
  readonly prefix: string
}

/**
 * The merged view of now, with what is mounted in it.
 *
 * @param way - to the overlay, where it is mounted
 * @throws ELOOP when the way has no end
 */
export function readerOf(
  overlay: Overlay,
  opts: ReadOptions = {},
  way: Way | null = null
): MergedView | MountedView | Promise<MergedView | MountedView> {
  const view = overlay.view(opts)
  if (view instanceof Promise) return view.then((all) => withMounts(all, overlay, opts, way))
  return withMounts(view, overlay, opts, way)
}

function withMounts(
  view: MergedView,
  overlay: Overlay,
  opts: ReadOptions,
  way: Way | null
): MergedView | MountedView {
  const { size } = view.mountPoints()
  way?.spend(1 + size)
  return size === 0 ? view : new MountedView(view, overlay, way ?? Way.begin(), opts)
}

/** A merged view with what is mounted in it (design, "Directories, links, mounts"): below a mount there is the other drive and nothing else. */
export class MountedView implements TreeView {
  readonly rules: ViewRules
  readonly isStable = false
  readonly base: MergedView
  readonly #overlay: Overlay
  readonly #opts: ReadOptions
  readonly #way: Way
  readonly #table: MountTable
  readonly #inner = new Map<string, Opening>()

  constructor(base: MergedView, overlay: Overlay, way: Way, opts: ReadOptions) {
    this.rules = base.rules
    this.base = base
    this.#overlay = overlay
    this.#way = way
    this.#opts = opts
    this.#table = MountTable.of(base.mountPoints())
  }

  /** What is mounted here, not hidden by another mount: by path, in order. */
  get mounts(): ReadonlyMap<string, Mount> {
    return this.#table.mounts
  }

  /**
   * What shows a mounted drive.
   *
   * @param path - of one of {@link mounts}
   * @throws ELOOP when it is a drive that this one lies in, DRIVE_FAILED and the like when it cannot be opened
   */
  inner(path: string): Promise<MergedView | MountedView> {
    return this.#opening(path).view
  }

  #opening(path: string): Opening {
    let opening = this.#inner.get(path)
    if (!opening) {
      opening = { view: this.#open(path), begun: performance.now() }
      this.#inner.set(path, opening)
    }
    return opening
  }

  /** Begins to open what a listing comes to next, as far as not too many are under way. */
  openAhead(paths: Iterable<string>): void {
    const { ahead } = this.#way
    for (const path of paths) {
      if (ahead.size >= SIDE_BY_SIDE - 1) return
      if (this.#inner.has(path)) continue
      const { view } = this.#opening(path)
      ahead.add(view)
      view.catch(() => undefined).finally(() => ahead.delete(view))
    }
  }

  /** As {@link innerInListing}, of many in their order: those that come next are opened meanwhile. */
  async *innersInListing(
    paths: readonly string[]
  ): AsyncGenerator<readonly [string, MergedView | MountedView | null], void, void> {
    for (const [i, path] of paths.entries()) {
      yield [path, await this.innerInListing(path, paths.slice(i + 1, i + SIDE_BY_SIDE))]
    }
  }

  /**
   * As {@link inner}, null for what cannot be opened: nobody who can mount a drive may keep others from listing what else there is.
   *
   * @param next - what the listing comes to next
   */
  async innerInListing(path: string, next: Iterable<string> = []): Promise<MergedView | MountedView | null> {
    const { ahead, patience } = this.#way
    const asked = performance.now()
    const { view, begun } = this.#opening(path)
    ahead.delete(view)
    this.openAhead(next)
    // It has had the time since it was begun.
    const left = Math.max(LEAST_PATIENCE, patience.left) - (asked - begun)
    const inner = view.catch((err: unknown) => {
      if (errorCode(err) === 'CLOSED') throw err
      return null
    })
    const found = await atMost(inner, Math.max(0, left), null)
    if (found === null) patience.spend(asked)
    return found
  }

  /** Where a key lies; a mount itself is the root of the drive that is mounted. */
  async place(key: string): Promise<Place> {
    const path = this.#table.over(key)
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
    const path = this.#table.over(key)
    if (path === null) return this.base.locate(key, opts)
    if (path === key) return null
    const located = await (await this.inner(path)).locate(key.slice(path.length), opts)
    return located && seenBelow(path, located)
  }

  /** As {@link locate}, null below what cannot be opened, as listings have it. */
  async locateListed(key: string, opts?: ReadOptions): Promise<Located | null> {
    const path = this.#table.over(key)
    if (path === null) return this.base.locate(key, opts)
    const inner = path === key ? null : await this.innerInListing(path)
    const rest = key.slice(path.length)
    const located = await (inner instanceof MountedView
      ? inner.locateListed(rest, opts)
      : inner?.locate(rest, opts))
    return located ? seenBelow(path, located) : null
  }

  async older(key: string, winner: Located, opts?: ReadOptions): Promise<Located[]> {
    const path = this.#table.over(key)
    if (path === null) return this.base.older(key, winner, opts)
    const older = await (await this.inner(path)).older(key.slice(path.length), winner, opts)
    return older.map((located) => seenBelow(path, located))
  }

  winners(range: KeyRange, opts: WinnerOptions = {}): LocatedCursor {
    return new MountedCursor(this, this.#segments(range, opts), opts)
  }

  async directoryAt(folder: string, opts?: ReadOptions): Promise<Directory | null> {
    const path = this.#table.over(folder)
    if (path === null) return this.base.directoryAt(folder, opts)
    if (path === folder) return this.#mountPoint(path)
    const directory = await (await this.inner(path)).directoryAt(folder.slice(path.length), opts)
    return directory && directoryBelow(path, directory)
  }

  /** As {@link directoryAt}, null below what cannot be opened, as listings have it. */
  async directoryListed(folder: string, opts?: ReadOptions): Promise<Directory | null> {
    const path = this.#table.over(folder)
    if (path === null) return this.base.directoryAt(folder, opts)
    if (path === folder) return this.#mountPoint(path)
    const inner = await this.innerInListing(path)
    const rest = folder.slice(path.length)
    const directory = await (inner instanceof MountedView
      ? inner.directoryListed(rest, opts)
      : inner?.directoryAt(rest, opts))
    return directory ? directoryBelow(path, directory) : null
  }

  async directoriesBelow(folder: string, opts: BelowOptions = {}): Promise<readonly Directory[]> {
    const over = this.#table.over(folder)
    if (over !== null) {
      const below = await (await this.inner(over)).directoriesBelow(folder.slice(over.length), opts)
      return below.map((directory) => directoryBelow(over, directory))
    }
    const found = await this.#directoriesOutside(folder, opts)
    if (opts.shallow !== true) {
      for await (const [path, inner] of this.innersInListing(this.#below(folder))) {
        const below = (await inner?.directoriesBelow('', opts)) ?? []
        for (const directory of below) found.push(directoryBelow(path, directory))
      }
    }
    return found.sort((a, b) => compareKeys(a.record.path, b.record.path))
  }

  /** The directories below a folder that is not in a mounted drive, with the mounts, but without what is in those. */
  async #directoriesOutside(folder: string, opts?: BelowOptions): Promise<Directory[]> {
    const own = await this.base.directoriesBelow(folder, opts)
    const found = own.filter(({ record }) => !this.isMounted(record.path))
    for (const path of this.#below(folder)) found.push(this.#mountPoint(path))
    return found
  }

  async hasBelow(folder: string, opts?: ReadOptions): Promise<boolean> {
    const path = this.#table.over(folder)
    if (path !== null) return (await this.inner(path)).hasBelow(folder.slice(path.length), opts)
    return this.#below(folder).length > 0 || this.base.hasBelow(folder, opts)
  }

  /** What lies in mounted drives has no part in it: a folder is looked at without opening all that is mounted below it. */
  async newestBelow(folder: string, opts: ReadOptions = {}): Promise<number> {
    const path = this.#table.over(folder)
    if (path !== null) return (await this.inner(path)).newestBelow(folder.slice(path.length), opts)
    if (this.#below(folder).length === 0) return this.base.newestBelow(folder, opts)
    const known = datesOf(this.base).get(folder)
    if (known !== undefined) return known
    const newest = await newestIn(
      {
        rules: this.rules,
        winners: (range, options) => this.winners(range, options),
        directoriesBelow: (at, options) => this.#directoriesOutside(at, options)
      },
      folder,
      opts
    )
    if (this.base.isStable) datesOf(this.base).set(folder, newest)
    return newest
  }

  async findIn(source: Source, key: string, opts?: ReadOptions): Promise<Located | null> {
    // What is mounted is no drive of the set.
    return this.#table.over(key) === null ? this.base.findIn(source, key, opts) : null
  }

  async canList(folder: string, next: readonly string[]): Promise<boolean> {
    const path = this.#table.over(folder)
    if (path === null) return true
    if (path === folder)
      return (
        (await this.innerInListing(
          path,
          next.filter((key) => this.mounts.has(key))
        )) !== null
      )
    const isInside = (key: string) => key.startsWith(path + '/')
    const inside = next.filter(isInside).map((key) => key.slice(path.length))
    return (await this.inner(path)).canList(folder.slice(path.length), inside)
  }

  /** Whether a key lies at a mount or below one. */
  isMounted(key: string): boolean {
    return this.#table.over(key) !== null
  }

  /** The view of the drives that a key lies in, and the path where they are mounted. */
  async baseOf(key: string): Promise<{ view: MergedView; prefix: string }> {
    const path = this.#table.over(key)
    if (path === null) return { view: this.base, prefix: '' }
    const inner = await this.inner(path)
    if (!(inner instanceof MountedView)) return { view: inner, prefix: path }
    const { view, prefix } = await inner.baseOf(key.slice(path.length))
    return { view, prefix: path + prefix }
  }

  #below(folder: string): readonly string[] {
    return this.#table.below(folder)
  }

  #overlayAt(path: string): Promise<Overlay> {
    const { mount } = this.mounts.get(path)!.record
    return this.#overlay.openMount(mount!, this.#opts, this.#way.patience)
  }

  async #open(path: string): Promise<MergedView | MountedView> {
    const { origin, record } = this.mounts.get(path)!
    const { id, version } = record.mount!
    const way = this.#way.into(origin.id, version === null ? id : `${id}@${version}`)
    return readerOf(await this.#overlayAt(path), this.#opts, way)
  }

  #mountPoint(path: string): Directory {
    const { origin, stamp, leaf, record } = this.mounts.get(path)!
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
  #segments(range: KeyRange, { reverse = false, mounted = true }: WinnerOptions): Segment[] {
    const segments: Segment[] = []
    let rest: KeyRange | null = range
    for (const path of this.#table.in(range)) {
      if (rest === null) break
      const [start, end] = [path + '/', path + '0']
      const before = clip(rest, { lt: start })
      const within = clip(rest, { gte: start, lt: end })
      if (before) segments.push({ mount: null, range: before })
      if (within && (mounted || range.gt?.startsWith(start))) segments.push({ mount: path, range: within })
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
  readonly #opts: WinnerOptions
  readonly #segments: Segment[]
  #cursor: LocatedCursor | null = null

  constructor(view: MountedView, segments: Segment[], opts: WinnerOptions) {
    this.#view = view
    this.#segments = segments
    this.#opts = opts
  }

  async page(limit: number): Promise<Located[]> {
    for (let segment = this.#segments[0]; segment; segment = this.#segments[0]) {
      if (this.#opts.signal?.aborted) return []
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
          ? // The file that a mount stands over is not to be seen.
            page.filter(({ candidate }) => !this.#view.mounts.has(candidate.key))
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
    const inner = await this.#view.innerInListing(mount, this.#next())
    return inner?.winners(stripped(range, mount), this.#opts) ?? null
  }

  /** The mounts behind the one that is read. */
  *#next(): Generator<string, void, void> {
    for (let i = 1; i < this.#segments.length; i++) {
      const { mount } = this.#segments[i]!
      if (mount !== null) yield mount
    }
  }
}

/** What is known of the dates of folders with mounts below them. */
const dates = new WeakMap<MergedView, Map<string, number>>()

function datesOf(view: MergedView): Map<string, number> {
  let known = dates.get(view)
  if (!known) dates.set(view, (known = new Map<string, number>()))
  return known
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
