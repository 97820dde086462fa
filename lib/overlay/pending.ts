import { ancestors, isIn } from '../path.ts'

/** What a write in the making has already decided about paths: the merged view as it will be. */
export class Pending {
  /** The last word on each path: whether there will be a file. */
  readonly #files = new Map<string, boolean>()
  readonly #directories = new Map<string, boolean>()
  readonly #trees: string[] = []
  /** How many of the files and directories to be lie below each folder. */
  readonly #below = new Map<string, number>()

  put(key: string): void {
    if (this.#files.get(key) !== true) this.#count(key, 1)
    this.#files.set(key, true)
  }

  remove(key: string): void {
    if (this.#files.get(key) === true) this.#count(key, -1)
    this.#files.set(key, false)
  }

  removeTree(folder: string): void {
    for (const key of this.#files.keys()) if (isIn(key, folder)) this.remove(key)
    for (const path of this.#directories.keys()) if (isIn(path, folder)) this.setDirectory(path, false)
    this.#trees.push(folder)
  }

  setDirectory(path: string, there: boolean): void {
    const before = this.#directories.get(path) === true
    if (before !== there) this.#count(path, there ? 1 : -1)
    this.#directories.set(path, there)
  }

  /** Whether a file will be at a key; undefined where the merged view decides. */
  file(key: string): boolean | undefined {
    return this.#files.get(key) ?? (this.#covered(key) ? false : undefined)
  }

  /** Whether a directory record will be at a path; undefined where the merged view decides. */
  directory(path: string): boolean | undefined {
    return this.#directories.get(path) ?? (this.#covered(path) ? false : undefined)
  }

  hasBelow(folder: string): boolean {
    return (this.#below.get(folder) ?? 0) > 0
  }

  #covered(key: string): boolean {
    return this.#trees.some((tree) => isIn(key, tree))
  }

  #count(key: string, by: number): void {
    for (const folder of ancestors(key)) this.#below.set(folder, (this.#below.get(folder) ?? 0) + by)
  }
}
