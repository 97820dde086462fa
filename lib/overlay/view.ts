import type { Comparator, EntryStat, ReadOptions } from '../drive.ts'
import { folderRange, type KeyRange } from '../path.ts'
import type {
  BelowOptions,
  Candidate,
  Cursor,
  Directory,
  Leaf,
  LeafView,
  Mount,
  ScanOptions,
  Source,
  SourceFailure,
  Survey,
  Tag,
  Tombstone,
  Version,
  View
} from '../sources/source.ts'
import { answers, ask, gather } from './ask.ts'
import { unsynced, worst } from './failure.ts'
import type { MemberView } from './member.ts'
import type { MemberViews } from './member-views.ts'
import { MountPoints } from './mount-points.ts'
import { LaneFailures, Merge, type Merged } from './merge.ts'
import type { HorizonNow } from './horizon.ts'
import { believed, older, resolve, type Rules } from './resolve.ts'

/** How many winners are read at once. */
const PAGE = 256

/** How many drives are asked one after another for anything below a folder, before all of them are. */
const TRIED = 4

/** A winner, and the drive of the set that it comes from. */
export interface Located {
  readonly candidate: Candidate
  readonly source: Source
  /** Whether it stands in for a newer version, whose bytes could not be had. */
  readonly stale?: true
}

/** A leaf of a merged view, and the drive of the set that shows it. */
export interface Place {
  readonly source: Source
  readonly view: LeafView
}

/** Reads winners in order. */
export interface LocatedCursor {
  page(limit: number): Promise<Located[]>
  seek(key: string): void
  close(): Promise<void>
}

export interface WinnerOptions extends ScanOptions {
  /** False to leave out what lies in drives that are mounted below the place where the range begins. Default true. */
  mounted?: boolean
  /** Says that nobody needs the rest: what is mounted further on is not opened for it. */
  signal?: AbortSignal
}

/** What the faces read from. */
export interface Reader {
  readonly rules: ViewRules
  locate(key: string, opts?: ReadOptions): Promise<Located | null>
  /** What would show at a key if its winner did not, the newest first, and nothing that is deleted. */
  older(key: string, winner: Located, opts?: ReadOptions): Promise<Located[]>
  winners(range: KeyRange, opts?: WinnerOptions): LocatedCursor
}

/** A view that has folders too: what trees are read from. */
export interface TreeView extends Reader {
  directoryAt(folder: string, opts?: ReadOptions): Promise<Directory | null>
  directoriesBelow(folder: string, opts?: BelowOptions): Promise<readonly Directory[]>
  /** Whether anything visible lies below a folder. */
  hasBelow(folder: string, opts?: ReadOptions): Promise<boolean>
  /** The date of the newest thing that is visible below a folder, in milliseconds since the epoch; 0 where none has one. */
  newestBelow(folder: string, opts?: ReadOptions): Promise<number>
  /** What one drive of the set shows at a key, whatever the others hold; null when that is nothing. */
  findIn(source: Source, key: string, opts?: ReadOptions): Promise<Located | null>
  /**
   * Whether a listing can go into a folder: not where a drive is mounted that cannot be opened in time.
   *
   * @param next - the mounts that the listing comes to next
   */
  canList(folder: string, next: readonly string[]): Promise<boolean>
  /** Whether it answers alike for ever. */
  readonly isStable: boolean
}

export interface ViewRules extends HorizonNow {
  /** The user's comparator, null for the design's own rule. */
  readonly comparator: Comparator | null
  /** Whether an older version is given where the bytes of the newest cannot be had, when a read does not say. */
  readonly fallback: boolean
}

/** The merged view of all sources, each at one version. */
export class MergedView implements View, TreeView {
  readonly rules: ViewRules
  readonly #members: MemberViews
  readonly #newest = new Map<string, number>()
  readonly #points: MountPoints
  #mounts: ReadonlyMap<string, Mount> | null = null

  /**
   * @param members - in the order of adding
   * @param points - keeps what is mounted for the next view of the same drives
   */
  constructor(members: MemberViews, rules: ViewRules, points = new MountPoints()) {
    this.#members = members
    this.rules = rules
    this.#points = points
  }

  /** The winner at a key, null when there is none or it is deleted. Rejects when a source cannot tell. */
  async locate(key: string, opts: ReadOptions = {}): Promise<Located | null> {
    const members = this.#members.holding(key)
    const [first] = members
    if (first === undefined) return null
    if (members.length === 1) {
      const candidate = await ask(first, (view) => view.find(key, opts), key)
      return candidate && this.#winner(key, [{ candidate, source: first.source }])
    }
    const candidates = await this.#members.givingWay(gather(members, (view) => view.find(key, opts), key))
    const found: Located[] = []
    candidates.forEach((candidate, i) => {
      if (candidate) found.push({ candidate, source: members[i]!.source })
    })
    return this.#winner(key, found)
  }

  async older(key: string, winner: Located, opts: ReadOptions = {}): Promise<Located[]> {
    const places = this.places()
    // Who cannot tell now has nothing to stand in.
    const candidates = await Promise.all(places.map(({ view }) => view.find(key, opts).catch(() => null)))
    const found = candidates.flatMap((candidate, i): Located[] => {
      if (candidate === null) return []
      if (candidate.leaf === winner.candidate.leaf) return [winner]
      return [{ candidate, source: places[i]!.source }]
    })
    const sorted = older(
      winner.candidate,
      found.map(({ candidate }) => candidate),
      this.tombstonesOver(key),
      this.rules,
      this.#comparison(found)
    )
    return sorted.map((candidate) => found.find((located) => located.candidate === candidate)!)
  }

  winners(range: KeyRange, opts: WinnerOptions = {}): LocatedCursor {
    const { reverse = false } = opts
    const inputs = this.#members.holdingIn(range).map((member) => {
      const { source, view } = member
      const first = reverse ? null : this.#members.firstIn(range, member)
      return { source, first, open: () => view.scan(range, opts) }
    })
    return new WinnerCursor(new Merge(inputs, reverse), ({ key, found }) => this.#winner(key, found))
  }

  /** Whether this is the view of these members too. */
  isOf(members: MemberViews, rules: ViewRules): boolean {
    const { comparator, horizon } = this.rules
    return members === this.#members && rules.comparator === comparator && rules.horizon === horizon
  }

  async find(key: string, opts?: ReadOptions): Promise<Candidate | null> {
    return (await this.locate(key, opts))?.candidate ?? null
  }

  scan(range: KeyRange, opts?: ScanOptions): Cursor {
    const cursor = this.winners(range, opts)
    return {
      page: async (limit) => (await cursor.page(limit)).map(({ candidate }) => candidate),
      seek: (key) => cursor.seek(key),
      close: () => cursor.close()
    }
  }

  tombstonesOver(key: string): readonly Tombstone[] {
    const over: Tombstone[] = []
    for (const { view } of this.#members.withTombstonesOver(key)) over.push(...view.tombstonesOver(key))
    return over
  }

  /** The directory record that wins at a folder, null when there is none or it is deleted. */
  async directoryAt(folder: string, opts: ReadOptions = {}): Promise<Directory | null> {
    const directories = await gather(
      this.#members.withDirectoryAt(folder),
      (view) => view.directoryAt(folder, opts),
      folder
    )
    const found = directories.filter((directory) => directory !== null)
    return this.winningDirectory(found, this.tombstonesOver(folder))
  }

  async directoriesBelow(folder: string, opts: BelowOptions = {}): Promise<readonly Directory[]> {
    const lists = await gather(
      this.#members.withDirectoriesBelow(folder),
      (view) => view.directoriesBelow(folder, opts),
      folder
    )
    const paths = new Map<string, Directory[]>()
    for (const directory of lists.flat()) {
      const at = paths.get(directory.record.path)
      if (at) at.push(directory)
      else paths.set(directory.record.path, [directory])
    }
    return [...paths].flatMap(
      ([path, found]) => this.winningDirectory(found, this.tombstonesOver(path)) ?? []
    )
  }

  mounts(): readonly Mount[] {
    return this.#points.all(this.#members.mounts)
  }

  tags(): readonly Tag[] {
    return this.#members.all.flatMap(({ view }) => view.tags())
  }

  get isStable(): boolean {
    return this.leaves().every(({ leaf }) => leaf.versioned)
  }

  /** What is mounted, by path: the newest record of each path that is not the end of a mount. */
  mountPoints(): ReadonlyMap<string, Mount> {
    return (this.#mounts ??= this.#points.of(this.#members.mounts, this.rules))
  }

  leaves(): readonly LeafView[] {
    return leavesOf(this.#members.all)
  }

  /** The leaves that may hold files or links below a folder. */
  leavesHoldingBelow(folder: string): readonly LeafView[] {
    return leavesOf(this.#members.holdingBelow(folder))
  }

  /** The leaves that may have directories below a folder. */
  leavesWithDirectoriesBelow(folder: string): readonly LeafView[] {
    return leavesOf(this.#members.withDirectoriesBelow(folder))
  }

  /** The leaves that may hold or have deleted anything at a folder or below it. */
  leavesSpeakingOf(folder: string): readonly LeafView[] {
    return leavesOf(this.#members.speakingOf(folder))
  }

  /** Every leaf once, with the drive of the set that it is shown by: the first one, where two show the same. */
  places(): readonly Place[] {
    const places = new Map<string, Place>()
    for (const { source, view } of this.#members.all) {
      for (const leaf of view.leaves()) {
        const { identity } = leaf.leaf
        if (!places.has(identity)) places.set(identity, { source, view: leaf })
      }
    }
    return [...places.values()]
  }

  /** What one drive of the set shows at a key, whatever the others hold; null when that is nothing. */
  async findIn(source: Source, key: string, opts: ReadOptions = {}): Promise<Located | null> {
    const members = this.#members.holding(key).filter((member) => member.source === source)
    const [candidate = null] = await gather(members, (view) => view.find(key, opts), key)
    return candidate && { candidate, source }
  }

  canList(): Promise<boolean> {
    return Promise.resolve(true)
  }

  /** Whether anything visible lies below a folder. */
  async hasBelow(folder: string, opts: ReadOptions = {}): Promise<boolean> {
    if (await this.surelyHasBelow(folder, opts)) return true
    const cursor = this.winners(folderRange(folder), opts)
    try {
      if ((await cursor.page(1)).length > 0) return true
    } finally {
      await cursor.close()
    }
    return (await this.directoriesBelow(folder, { ...opts, shallow: true })).length > 0
  }

  /**
   * Whether anything visible lies below a folder, as far as that is soon known: one of the first drives that are all here mostly has
   * something there which nobody has deleted, where a merge gives nothing before it has read all of them. When it says no, there may be.
   *
   * @param counts - whether a key is one to look for. Default: all are
   */
  async surelyHasBelow(
    folder: string,
    opts: ReadOptions,
    counts: (key: string) => boolean = () => true
  ): Promise<boolean> {
    const here = this.#members.holdingBelow(folder).filter(({ view }) => view.keyed)
    for (const { source, view } of here.slice(0, TRIED)) {
      const cursor = view.scan(folderRange(folder), opts)
      try {
        const [first] = await cursor.page(1)
        if (first && counts(first.key) && this.tombstonesOver(first.key).length === 0) return true
      } catch (error) {
        throw worst([{ source, error }], folder)
      } finally {
        await cursor.close()
      }
    }
    return false
  }

  /**
   * The date of the newest file, link or directory record that is visible below a folder, in milliseconds since the epoch; 0 where none has
   * one. Remembered where nothing can change without another view being taken.
   */
  async newestBelow(folder: string, opts: ReadOptions = {}): Promise<number> {
    const known = this.#newest.get(folder)
    if (known !== undefined) return known
    const newest = await newestIn(this, folder, opts)
    if (this.isStable) this.#newest.set(folder, newest)
    return newest
  }

  /**
   * All that any source holds at a key. A source that cannot tell is listed, not thrown: a write goes on without it.
   *
   * @param dead - sources that are not asked, with the errors that they gave before
   */
  async survey(
    key: string,
    opts: ReadOptions = {},
    dead: ReadonlyMap<Leaf, unknown> = new Map()
  ): Promise<Survey> {
    const failed = new Map<Source, unknown>(dead)
    const among = (members: readonly MemberView[]) =>
      dead.size === 0 ? leavesOf(members) : leavesOf(members).filter(({ leaf }) => !dead.has(leaf))
    const holding = among(this.#members.holding(key))
    const asked = answers(
      among(this.#members.withDirectoryAt(key)),
      (view) => view.directoryAt(key, opts),
      failed
    )
    const candidates = await answers(holding, (view) => view.find(key, opts), failed)
    const directories = await asked
    for (const { leaf } of holding) {
      const isSilent = leaf.unsynced && !failed.has(leaf)
      if (isSilent && !candidates.some((candidate) => candidate.leaf === leaf))
        failed.set(leaf, unsynced(leaf))
    }
    const tombstones = among(this.#members.withTombstonesOver(key)).flatMap((view) =>
      view.tombstonesOver(key)
    )
    const failures = [...failed].map(([source, error]): SourceFailure => ({ source, error }))
    return { candidates, directories, tombstones, failures }
  }

  /** Whether any of the candidates of a path is there to be read. */
  shows(candidates: readonly Candidate[], tombstones: readonly Tombstone[]): boolean {
    return resolve(candidates, tombstones, this.rules, this.rules.comparator && (() => 0)) !== null
  }

  /**
   * The one of a folder's records that a read returns, null when there is none or it is deleted. A folder that only happens to be there, on
   * somebody's disk, does not hide what another drive says of it.
   */
  winningDirectory(found: readonly Directory[], tombstones: readonly Tombstone[]): Directory | null {
    const told = found.filter(({ isBare }) => !isBare)
    return resolve(told, tombstones, this.rules) ?? resolve(found, tombstones, this.rules)
  }

  #winner(key: string, found: readonly Located[]): Located | null {
    if (found.length === 0) return null
    const tombstones = this.tombstonesOver(key)
    if (found.length === 1 && tombstones.length === 0) return found[0]!
    const winner = resolve(
      found.map(({ candidate }) => candidate),
      tombstones,
      this.rules,
      this.#comparison(found)
    )
    return found.find(({ candidate }) => candidate === winner) ?? null
  }

  /** The user's comparator over candidates, null where there is none. */
  #comparison(found: readonly Located[]): ((a: Candidate, b: Candidate) => number) | null {
    const { comparator } = this.rules
    if (comparator === null) return null
    const stat = (sought: Candidate) =>
      toStat(
        found.find(({ candidate }) => candidate === sought)!,
        this.rules
      )
    return (a, b) => comparator(stat(a), stat(b))
  }
}

function leavesOf(members: readonly MemberView[]): readonly LeafView[] {
  // As it mostly is: nobody, or one alone.
  if (members.length < 2) return members[0]?.view.leaves() ?? NO_LEAVES
  return members.flatMap(({ view }) => view.leaves())
}

const NO_LEAVES: readonly LeafView[] = []

/** The date of the newest thing below a folder of any view; of a mount it is that of the mount. */
export async function newestIn(
  view: Pick<TreeView, 'rules' | 'winners' | 'directoriesBelow'>,
  folder: string,
  opts: ReadOptions
): Promise<number> {
  let newest = 0
  const take = (version: Version) => void (newest = Math.max(newest, believed(version, view.rules) ?? 0))
  const cursor = view.winners(folderRange(folder), { ...opts, mounted: false })
  try {
    for (let page = await cursor.page(PAGE); page.length > 0; page = await cursor.page(PAGE)) {
      for (const { candidate } of page) take(candidate)
    }
  } finally {
    await cursor.close()
  }
  for (const directory of await view.directoriesBelow(folder, opts)) take(directory)
  return newest
}

/** A winner as comparators see it. */
export function toStat({ candidate, source }: Located, rules: Rules): EntryStat {
  const { key, value, origin, leaf, stamp } = candidate
  const seq = leaf.versioned ? origin.seq : null
  return { seq, key, value, mtime: believed(candidate, rules), ctime: stamp.ctime, drive: source.drive }
}

class WinnerCursor implements LocatedCursor {
  readonly #merge: Merge
  readonly #winner: (merged: Merged) => Located | null

  constructor(merge: Merge, winner: (merged: Merged) => Located | null) {
    this.#merge = merge
    this.#winner = winner
  }

  async page(limit: number): Promise<Located[]> {
    const page: Located[] = []
    try {
      // A page is full, or ends where a source would have to be asked again: what is known is given at once.
      while (page.length < limit) {
        const merged = this.#merge.take() ?? (page.length === 0 ? await this.#merge.next() : null)
        if (merged === null) break
        const winner = this.#winner(merged)
        if (winner) page.push(winner)
      }
    } catch (err) {
      throw err instanceof LaneFailures ? worst(err.failures) : err
    }
    return page
  }

  seek(key: string): void {
    this.#merge.seek(key)
  }

  close(): Promise<void> {
    return this.#merge.close()
  }
}
