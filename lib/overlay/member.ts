import type { ReadOptions } from '../drive.ts'
import type { KeyRange } from '../path.ts'
import type {
  BelowOptions,
  Candidate,
  Cursor,
  Directory,
  Keyed,
  Leaf,
  LeafView,
  Mount,
  Origin,
  Past,
  ScanOptions,
  Source,
  Tag,
  Tombstone,
  View
} from '../sources/source.ts'

/** A source in the set, with how it was added. */
export interface Member {
  readonly source: Source
  /** Whether its deletions count (design, "Trust"). */
  readonly tombstones: boolean
}

/** A member at one version. */
export interface MemberView {
  readonly source: Source
  readonly view: View
}

/** The view of a member; a source that cannot give one gives its error to whoever reads. */
export function viewOf(member: Member, opts: ReadOptions): MemberView | Promise<MemberView> {
  const { source } = member
  const wrap = (view: View): MemberView => ({
    source,
    view: member.tombstones ? view : withoutTombstones(view)
  })
  let view: View | Promise<View>
  try {
    view = source.view(opts)
  } catch (error) {
    return { source, view: new FailedView(source as Leaf, error) }
  }
  if (!(view instanceof Promise)) return wrap(view)
  return view.then(wrap, (error: unknown) => ({ source, view: new FailedView(source as Leaf, error) }))
}

/** Whether a source could not give a view. */
export function isFailed({ view }: MemberView): boolean {
  return view instanceof FailedView
}

/** A source that could not even say which version it is at: every question to it fails. */
class FailedView implements LeafView {
  readonly leaf: Leaf
  readonly head = null
  readonly #error: unknown

  constructor(leaf: Leaf, error: unknown) {
    this.leaf = leaf
    this.#error = error
  }

  find(): Promise<never> {
    return this.#fail()
  }

  scan(): Cursor {
    return { page: () => this.#fail(), seek: () => undefined, close: () => Promise.resolve() }
  }

  tombstonesOver(): readonly Tombstone[] {
    return []
  }

  tombstonesBelow(): readonly Tombstone[] {
    return []
  }

  directoryAt(): Promise<never> {
    return this.#fail()
  }

  directoriesBelow(): Promise<never> {
    return this.#fail()
  }

  mounts(): readonly Mount[] {
    return []
  }

  tags(): readonly Tag[] {
    return []
  }

  leaves(): readonly LeafView[] {
    return [this]
  }

  changedKeys(): null {
    return null
  }

  async *history(): AsyncGenerator<never, void, void> {
    yield this.#fail()
  }

  #fail(): Promise<never> {
    // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- the drive's own error, whatever it is
    return Promise.reject(this.#error)
  }
}

const left = new WeakMap<readonly Mount[], readonly Mount[]>()

/** The records of mounts but for those that end one: one array for the same records, so that they can be known again. */
function withoutEnds(mounts: readonly Mount[]): readonly Mount[] {
  const known = left.get(mounts)
  if (known) return known
  const made = mounts.filter(({ record }) => record.mount !== null)
  left.set(mounts, made)
  return made
}

const wrapped = new WeakMap<View, WithoutTombstones>()

/** The same wrapper for the same view, so that a merged view can be known again by its parts. */
function withoutTombstones(view: View): WithoutTombstones {
  const known = wrapped.get(view)
  if (known) return known
  const made = new WithoutTombstones(view)
  wrapped.set(view, made)
  return made
}

/** A view whose deletions are not believed. */
class WithoutTombstones implements View {
  readonly hasTombstones = false
  protected readonly view: View

  constructor(view: View) {
    this.view = view
  }

  get keyed(): Keyed | null {
    return this.view.keyed ?? null
  }

  get hasDirectories(): boolean {
    return this.view.hasDirectories !== false
  }

  find(key: string, opts?: ReadOptions): Promise<Candidate | null> {
    return this.view.find(key, opts)
  }

  scan(range: KeyRange, opts?: ScanOptions): Cursor {
    return this.view.scan(range, opts)
  }

  tombstonesOver(): readonly Tombstone[] {
    return []
  }

  directoryAt(folder: string, opts?: ReadOptions): Promise<Directory | null> {
    return this.view.directoryAt(folder, opts)
  }

  directoriesBelow(folder: string, opts?: BelowOptions): Promise<readonly Directory[]> {
    return this.view.directoriesBelow(folder, opts)
  }

  mounts(): readonly Mount[] {
    return withoutEnds(this.view.mounts())
  }

  tags(): readonly Tag[] {
    return this.view.tags().filter(({ record }) => record.version !== null)
  }

  leaves(): readonly LeafView[] {
    return this.view.leaves().map((leaf) => new LeafWithoutTombstones(leaf))
  }
}

class LeafWithoutTombstones extends WithoutTombstones implements LeafView {
  readonly leaf: Leaf
  readonly head: Origin | null
  readonly partial: boolean
  readonly #whole: LeafView

  constructor(view: LeafView) {
    super(view)
    this.#whole = view
    this.leaf = view.leaf
    this.head = view.head
    this.partial = view.partial === true
  }

  changedKeys(since: LeafView, range: KeyRange, opts?: ReadOptions): AsyncIterable<string> | null {
    return this.#whole.changedKeys(since instanceof LeafWithoutTombstones ? since.#whole : since, range, opts)
  }

  async *history(key: string, opts?: ReadOptions): AsyncGenerator<Past, void, void> {
    for await (const past of this.#whole.history(key, opts)) if (past.type !== 'bury') yield past
  }

  tombstonesBelow(): readonly Tombstone[] {
    return []
  }
}
