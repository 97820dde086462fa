import type { Located, LocatedCursor } from './view.ts'

/** The first entry of each name in a folder; what lies deeper is skipped by seeking. */
export class Shallow {
  readonly #cursor: LocatedCursor
  readonly #start: number
  /**
   * Files whose name a folder that is still to come may have: only names that begin with it sort between the two, so each of these begins
   * with the one before.
   */
  readonly #files: string[] = []

  /** @param start - the length of the folder's prefix, in characters */
  constructor(cursor: LocatedCursor, start: number) {
    this.#cursor = cursor
    this.#start = start
  }

  async page(limit: number): Promise<Located[]> {
    const firsts: Located[] = []
    while (firsts.length === 0) {
      const page = await this.#cursor.page(limit)
      if (page.length === 0) break
      let skip: string | null = null
      for (const located of page) {
        const { key } = located.candidate
        if (skip !== null && key.startsWith(skip)) continue
        const slash = key.indexOf('/', this.#start)
        skip = slash === -1 ? null : key.slice(0, slash + 1)
        if (slash === -1) this.#addFile(key.slice(this.#start))
        else if (this.#files.includes(key.slice(this.#start, slash))) continue
        firsts.push(located)
      }
      if (skip !== null) this.#cursor.seek(skip.slice(0, -1) + '0')
    }
    return firsts
  }

  #addFile(name: string): void {
    const files = this.#files
    while (files.length > 0 && !name.startsWith(files.at(-1)!)) files.pop()
    files.push(name)
  }
}
