import { lstat } from 'node:fs/promises'
import { compareKeys, inRange, isKey, type KeyRange } from '../../path.ts'
import type { Candidate, Cursor } from '../source.ts'
import { toCandidate, type Host } from './candidate.ts'
import { listFolder } from './listing.ts'
import type { Records } from './records.ts'
import { isHidden } from './root.ts'

const PARALLEL = 32

interface Level {
  readonly folder: string
  readonly tags: readonly string[]
  /** The next tag to take. */
  at: number
}

/** Walks the tree of folders in the order of keys, and reads a folder only when it can hold a key that is wanted. */
export class LocaldriveCursor implements Cursor {
  readonly #host: Host
  readonly #records: Records
  readonly #range: KeyRange
  readonly #reverse: boolean
  /** From the folder that the range lies in down to the one being read; null until the first page. */
  #levels: Level[] | null = null
  #from: string
  #closed = false

  constructor(host: Host, records: Records, range: KeyRange, reverse: boolean) {
    this.#host = host
    this.#records = records
    this.#range = range
    this.#reverse = reverse
    this.#from = lowest(range)
  }

  async page(limit: number): Promise<Candidate[]> {
    const found: Candidate[] = []
    while (found.length < limit && !this.#closed) {
      const keys: string[] = []
      const wanted = Math.min(PARALLEL, limit - found.length)
      for (let key; keys.length < wanted && (key = await this.#next()) !== null;) keys.push(key)
      if (keys.length === 0) break
      for (const candidate of await Promise.all(keys.map((key) => this.#look(key)))) {
        if (candidate) found.push(candidate)
      }
    }
    return found
  }

  seek(key: string): void {
    if (compareKeys(key, this.#from) <= 0) return
    this.#from = key
    const levels = this.#levels ?? []
    while (levels.length > 0 && isBefore(levels.at(-1)!.folder + '/', key)) levels.pop()
    const level = levels.at(-1)
    if (level) level.at = Math.max(level.at, firstFrom(level, key))
  }

  close(): Promise<void> {
    this.#closed = true
    this.#levels = []
    return Promise.resolve()
  }

  async #look(key: string): Promise<Candidate | null> {
    const stat = await this.#host.root.answer(lstat(this.#host.root.path(key)))
    return stat && toCandidate(this.#host, key, stat, this.#records)
  }

  async #next(): Promise<string | null> {
    this.#levels ??= await this.#start()
    for (let level; (level = this.#levels.at(-1));) {
      const tag = level.tags[level.at]
      if (tag === undefined) {
        this.#levels.pop()
        continue
      }
      level.at += this.#reverse ? -1 : 1
      const path = `${level.folder}/${tag}`
      if (this.#isPast(path)) {
        // All that follows, here and in the folders above, is past the range as well.
        this.#levels.length = 0
      } else if (!tag.endsWith('/')) {
        if (inRange(path, this.#range) && compareKeys(path, this.#from) >= 0) return path
      } else if (this.#mayHold(path)) {
        this.#levels.push(await this.#enter(path.slice(0, -1)))
      }
    }
    return null
  }

  async #start(): Promise<Level[]> {
    const folder = commonFolder(this.#range)
    if (folder !== '' && (!isKey(folder) || isHidden(folder))) return []
    return [await this.#enter(folder)]
  }

  async #enter(folder: string): Promise<Level> {
    const tags = await listFolder(this.#host.root, folder)
    const level = { folder, tags, at: 0 }
    level.at = this.#reverse ? tags.length - 1 : firstFrom(level, this.#from)
    return level
  }

  #isPast(path: string): boolean {
    if (this.#reverse) return isBefore(path, lowest(this.#range))
    const { lt, lte } = this.#range
    return (
      (lt !== undefined && compareKeys(path, lt) >= 0) || (lte !== undefined && compareKeys(path, lte) > 0)
    )
  }

  // Whether a folder, given with its slash, can hold a key of the range.
  #mayHold(path: string): boolean {
    const { lt, lte } = this.#range
    if (isBefore(path, this.#from)) return false
    return (
      (lt === undefined || compareKeys(path, lt) < 0) && (lte === undefined || compareKeys(path, lte) < 0)
    )
  }
}

function lowest({ gt, gte }: KeyRange): string {
  if (gt === undefined || gte === undefined) return gt ?? gte ?? ''
  return compareKeys(gt, gte) > 0 ? gt : gte
}

/** Whether a key, or every key in a folder given with its slash, comes before `from`. */
function isBefore(path: string, from: string): boolean {
  if (!path.endsWith('/')) return compareKeys(path, from) < 0
  return path !== '/' && compareKeys(path.slice(0, -1) + '0', from) <= 0
}

function firstFrom({ folder, tags }: Level, from: string): number {
  let low = 0
  let high = tags.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (isBefore(`${folder}/${tags[middle]!}`, from)) low = middle + 1
    else high = middle
  }
  return low
}

/** The deepest folder that all keys of a range lie in, so that the folders above it need not be read. */
function commonFolder(range: KeyRange): string {
  const from = lowest(range)
  const { lt, lte } = range
  for (let i = from.lastIndexOf('/'); i > 0; i = from.lastIndexOf('/', i - 1)) {
    const folder = from.slice(0, i)
    const end = folder + '0'
    if (lt !== undefined && compareKeys(lt, end) <= 0) return folder
    if (lte !== undefined && compareKeys(lte, end) < 0) return folder
  }
  return ''
}
