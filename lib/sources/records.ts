import { Map as ImmutableMap } from 'immutable'
import { tombstoneKey } from '../format/records.ts'
import { ancestors, compareKeys, isIn } from '../path.ts'
import type { Directory, Tombstone } from './source.ts'

/**
 * The hidden records of one source at one version. Immutable, with shared structure: a listing keeps the records that it began
 * with while writes go on.
 */
export class Records {
  static readonly EMPTY = new Records(ImmutableMap(), ImmutableMap())

  readonly #tombstones: ImmutableMap<string, Tombstone>
  readonly #directories: ImmutableMap<string, Directory>
  #sorted: Directory[] | null = null

  private constructor(
    tombstones: ImmutableMap<string, Tombstone>,
    directories: ImmutableMap<string, Directory>
  ) {
    this.#tombstones = tombstones
    this.#directories = directories
  }

  /** A copy with the changes made; null removes. Keys of tombstones are those of `tombstoneKey`. */
  with(
    tombstones: Iterable<[string, Tombstone | null]>,
    directories: Iterable<[string, Directory | null]>
  ): Records {
    return new Records(apply(this.#tombstones, tombstones), apply(this.#directories, directories))
  }

  /** The tombstones that cover a key: its own, and the trees it lies in. */
  tombstonesOver(key: string): Tombstone[] {
    const over: Tombstone[] = []
    if (this.#tombstones.size === 0) return over
    const add = (path: string, tree: boolean) => {
      const tombstone = this.#tombstones.get(tombstoneKey({ path, tree }))
      if (tombstone) over.push(tombstone)
    }
    add(key, false)
    add(key, true)
    for (const folder of ancestors(key)) add(folder, true)
    return over
  }

  /** The tombstones at a folder and below it. */
  tombstonesBelow(folder: string): Tombstone[] {
    return [...this.#tombstones.values()].filter(({ record: { path } }) => isIn(path, folder))
  }

  directoryAt(folder: string): Directory | null {
    return this.#directories.get(folder) ?? null
  }

  /** The directory records below a folder, in order of path. */
  directoriesBelow(folder: string): Directory[] {
    if (this.#directories.size === 0) return []
    this.#sorted ??= [...this.#directories.values()].sort((a, b) => compareKeys(a.record.path, b.record.path))
    return this.#sorted.filter(({ record: { path } }) => path.startsWith(folder + '/'))
  }
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
