import { ancestors, compareKeys, type KeyRange } from '../path.ts'
import type { Mount } from '../sources/source.ts'

/** What is mounted in one view, to be looked up. */
export class MountTable {
  static readonly #tables = new WeakMap<ReadonlyMap<string, Mount>, MountTable>()

  /** Those that are not hidden by another one above them, in the order of what lies below them: `/a!b/c` is before `/a/b`. */
  readonly mounts: ReadonlyMap<string, Mount>
  readonly #paths: readonly string[]

  private constructor(mounts: ReadonlyMap<string, Mount>) {
    this.#paths = [...mounts.keys()]
      .filter((path) => !ancestors(path).some((folder) => mounts.has(folder)))
      .sort((a, b) => compareKeys(a + '/', b + '/'))
    this.mounts = new Map(this.#paths.map((path) => [path, mounts.get(path)!]))
  }

  static of(mounts: ReadonlyMap<string, Mount>): MountTable {
    let table = this.#tables.get(mounts)
    if (!table) this.#tables.set(mounts, (table = new MountTable(mounts)))
    return table
  }

  /** The mount that a key is at or below, null for none. */
  over(key: string): string | null {
    if (this.mounts.has(key)) return key
    return ancestors(key).find((folder) => this.mounts.has(folder)) ?? null
  }

  /** Mounts below a folder, in order. */
  below(folder: string): readonly string[] {
    return this.#paths.slice(this.#first(folder + '/'), this.#first(folder + '0'))
  }

  /** Mounts that may have something to do with a range, in order. */
  in({ gt, gte = gt, lt, lte = lt }: KeyRange): readonly string[] {
    let start = 0
    if (gte !== undefined) {
      const over = this.over(gte.replace(/\/$/, ''))
      start = Math.min(this.#first(gte), over === null ? Infinity : this.#first(over + '/'))
    }
    const end = lte === undefined ? this.#paths.length : this.#first(lte)
    return this.#paths.slice(start, end + 1)
  }

  /** The place of the first mount of which what lies below is not before a key. */
  #first(key: string): number {
    let [low, high] = [0, this.#paths.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if (compareKeys(this.#paths[middle]! + '/', key) < 0) low = middle + 1
      else high = middle
    }
    return low
  }
}
