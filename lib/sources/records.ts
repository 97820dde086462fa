import { Map as ImmutableMap } from 'immutable'
import { tombstoneKey, type RecordKind } from '../format/records.ts'
import { ancestors, compareKeys, isIn } from '../path.ts'
import type { Directory, Mount, PathRecordKind, Tag, Tombstone } from './source.ts'

/** What lies under each kind of hidden record: tombstones by `tombstoneKey`, the others by path or name. */
interface Kinds {
  tombstones: Tombstone
  directories: Directory
  mounts: Mount
  tags: Tag
}

/** With so many directories changed at once, they are sorted anew. */
const MANY = 64

/** What becomes of records; null removes. */
export type RecordChanges = { readonly [K in RecordKind]: Map<string, Kinds[K] | null> }

export function noChanges(): RecordChanges {
  return { tombstones: new Map(), directories: new Map(), mounts: new Map(), tags: new Map() }
}

type RecordMaps = { readonly [K in RecordKind]: ImmutableMap<string, Kinds[K]> }

/**
 * The hidden records of one source at one version. Immutable, with shared structure: a listing keeps the records that it began
 * with while writes go on.
 */
export class Records {
  static readonly EMPTY = new Records({
    tombstones: ImmutableMap(),
    directories: ImmutableMap(),
    mounts: ImmutableMap(),
    tags: ImmutableMap()
  })

  readonly #maps: RecordMaps
  /** The directories in order of path, null until somebody asks. */
  #sorted: readonly Directory[] | null
  #mounts: readonly Mount[] | null

  private constructor(
    maps: RecordMaps,
    sorted: readonly Directory[] | null = null,
    mounts: readonly Mount[] | null = null
  ) {
    this.#maps = maps
    this.#sorted = sorted
    this.#mounts = mounts
  }

  /** A copy with the changes made; itself where there are none. */
  with(changes: RecordChanges): Records {
    if (Object.values(changes).every(({ size }) => size === 0)) return this
    const mounts = apply(this.#maps.mounts, changes.mounts)
    return new Records(
      {
        tombstones: apply(this.#maps.tombstones, changes.tombstones),
        directories: apply(this.#maps.directories, changes.directories),
        mounts,
        tags: apply(this.#maps.tags, changes.tags)
      },
      this.#sorted && applySorted(this.#sorted, changes.directories),
      mounts === this.#maps.mounts ? this.#mounts : null
    )
  }

  get hasTombstones(): boolean {
    return this.#maps.tombstones.size > 0
  }

  get hasDirectories(): boolean {
    return this.#maps.directories.size > 0
  }

  /** The names of those of one kind, in no order. */
  names(kind: PathRecordKind): Iterable<string> {
    return { [Symbol.iterator]: () => this.#maps[kind].keys() }
  }

  /** The tombstones that cover a key: its own, and the trees it lies in. */
  tombstonesOver(key: string): Tombstone[] {
    const { tombstones } = this.#maps
    const over: Tombstone[] = []
    if (tombstones.size === 0) return over
    for (const name of namesOver(key)) {
      const tombstone = tombstones.get(name)
      if (tombstone) over.push(tombstone)
    }
    return over
  }

  /** The tombstones at a folder and below it. */
  tombstonesBelow(folder: string): Tombstone[] {
    return [...this.#maps.tombstones.values()].filter(({ record: { path } }) => isIn(path, folder))
  }

  directoryAt(folder: string): Directory | null {
    return this.#maps.directories.get(folder) ?? null
  }

  /** The directory records below a folder, in order of path. */
  directoriesBelow(folder: string): Directory[] {
    const { directories } = this.#maps
    if (directories.size === 0) return []
    this.#sorted ??= [...directories.values()].sort((a, b) => compareKeys(a.record.path, b.record.path))
    return this.#sorted.slice(placeOf(this.#sorted, folder + '/'), placeOf(this.#sorted, folder + '0'))
  }

  mounts(): readonly Mount[] {
    return (this.#mounts ??= [...this.#maps.mounts.values()])
  }

  tags(): readonly Tag[] {
    return [...this.#maps.tags.values()]
  }
}

/** Under what the tombstones lie that cover a key. */
function namesOver(key: string): readonly string[] {
  const names = [tombstoneKey({ path: key, tree: false })]
  for (const path of [key, ...ancestors(key)]) names.push(tombstoneKey({ path, tree: true }))
  return names
}

function apply<T>(
  map: ImmutableMap<string, T>,
  changes: Iterable<[string, T | null]>
): ImmutableMap<string, T> {
  return map.withMutations((mutable) => {
    for (const [key, value] of changes) {
      if (value === null) mutable.delete(key)
      else mutable.set(key, value)
    }
  })
}

/** As {@link apply}, of a list in order of path; null where it is to be sorted anew. */
function applySorted(
  sorted: readonly Directory[],
  changes: ReadonlyMap<string, Directory | null>
): readonly Directory[] | null {
  if (changes.size === 0) return sorted
  if (changes.size > MANY) return null
  const changed = [...sorted]
  for (const [path, directory] of changes) {
    const at = placeOf(changed, path)
    const before = changed[at]?.record.path === path ? 1 : 0
    changed.splice(at, before, ...(directory ? [directory] : []))
  }
  return changed
}

/** The place of the first directory of which the path is not before a key. */
function placeOf(sorted: readonly Directory[], key: string): number {
  let [low, high] = [0, sorted.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (compareKeys(sorted[middle]!.record.path, key) < 0) low = middle + 1
    else high = middle
  }
  return low
}
