import fs, { type Stats } from 'node:fs'
import { join, posix } from 'node:path'
import { isDeepStrictEqual } from 'node:util'

/** What stands at a path. */
export interface Item {
  readonly type: 'file' | 'link' | 'folder'
  /** Permission bits; null for a link, which has none of its own. */
  readonly mode: number | null
  readonly content: Buffer | string | null
  /** In milliseconds since the epoch. */
  readonly mtime: number
}

/** By path; the root is not in it. */
export type Snapshot = ReadonlyMap<string, Item>

/** Dates that steps set lie before this moment, dates of the clock after it. In milliseconds since the epoch. */
export const PAST = Date.UTC(2015, 0, 1)

/** So deep that no path of a test leads out of the folder that the test has to itself. */
const DEPTH = ['r', 'o', 'o', 't', 'o', 'f', 'a', 'l', 'l']

const MAX_LINKS = 40

/** A folder of `node:fs` that is taken for the whole of a file system. */
export class Disk {
  /** What stands before each path. */
  readonly root: string

  /** @param folder - an empty one */
  constructor(folder: string) {
    this.root = join(fs.realpathSync(folder), ...DEPTH)
    fs.mkdirSync(this.root, { recursive: true })
  }

  /** An argument of a call as `node:fs` takes it: what begins with a slash is a path. */
  given<T>(arg: T): T {
    if (typeof arg !== 'string' || !arg.startsWith('/')) return arg
    return (arg === '/' ? this.root : this.root + arg) as T
  }

  /** A text of `node:fs` as it would be if the folder were the root. */
  told(text: string): string {
    return text.replaceAll(`${this.root}/`, '/').replaceAll(this.root, '/')
  }

  /**
   * Where a path leads; null where nothing can stand.
   *
   * @param through - gets the places of the links on its way
   * @throws Outside when it, or a link on its way, leads above the root
   */
  locate(path: string, follow: boolean, through?: Set<string>): string | null {
    const names = namesOf(path)
    const keys: string[] = []
    let links = 0
    while (names.length > 0) {
      const name = names.shift()!
      if (name === '..') {
        if (keys.pop() === undefined) throw new Outside()
        continue
      }
      const key = `/${[...keys, name].join('/')}`
      const stat = this.lstat(key)
      if (stat?.isSymbolicLink() && (follow || names.length > 0)) {
        if (++links > MAX_LINKS) return null
        through?.add(key)
        const text = this.told(fs.readlinkSync(this.root + key))
        if (text.startsWith('/')) keys.length = 0
        names.unshift(...namesOf(text))
        continue
      }
      keys.push(name)
      if (names.length === 0 || stat?.isDirectory()) continue
      // What is behind it is never looked at, but may be by who takes the path for a text.
      if (isOutside(path)) throw new Outside()
      return null
    }
    return keys.length === 0 ? '' : `/${keys.join('/')}`
  }

  /** Where the nearest folder above a path is that is there. */
  locateNearest(path: string): string {
    const folder = posix.dirname(path)
    const key = this.locate(folder, true)
    return key !== null && this.lstat(key) ? key : this.locateNearest(folder)
  }

  lstat(key: string): Stats | undefined {
    try {
      return fs.lstatSync(this.root + key)
    } catch {
      return undefined
    }
  }

  /** All keys at a place and below it. */
  *walk(key: string): Generator<string> {
    const stat = this.lstat(key)
    if (stat === undefined) return
    yield key
    if (!stat.isDirectory()) return
    for (const name of fs.readdirSync(this.root + key)) yield* this.walk(`${key}/${name}`)
  }

  /** Whether there is a link at a place or below it whose text alone, from where the link is, leads above the root. */
  pointsOutside(key: string): boolean {
    for (const at of this.walk(key)) {
      if (!this.lstat(at)?.isSymbolicLink()) continue
      const text = this.told(fs.readlinkSync(this.root + at))
      if (isOutside(text.startsWith('/') ? text : `${posix.dirname(at)}/${text}`)) return true
    }
    return false
  }

  /** Whether a link at a place or below it has something at the same place of another tree. */
  wouldReplaceByLinks(from: string, to: string): boolean {
    for (const at of this.walk(from)) {
      if (this.lstat(at)?.isSymbolicLink() && this.lstat(to + at.slice(from.length))) return true
    }
    return false
  }

  snapshot(): Map<string, Item> {
    const items = new Map<string, Item>()
    for (const key of this.walk('')) {
      if (key === '') continue
      const [path, stat] = [this.root + key, this.lstat(key)!]
      const mtime = stat.mtimeMs
      if (stat.isSymbolicLink()) {
        const content = this.told(fs.readlinkSync(path))
        items.set(key, { type: 'link', mode: null, content, mtime })
      } else if (stat.isDirectory()) {
        items.set(key, { type: 'folder', mode: stat.mode & 0o7777, content: null, mtime })
      } else {
        items.set(key, { type: 'file', mode: stat.mode & 0o7777, content: fs.readFileSync(path), mtime })
      }
    }
    return items
  }

  /**
   * Makes everything as it was: a call of Node's that fails half-way leaves half of it, where a MultiDrive leaves nothing. What is as it was
   * stays the same file.
   */
  restore(items: Snapshot): void {
    const now = this.snapshot()
    const isAsItWas = (key: string) => {
      const [before, after] = [items.get(key), now.get(key)]
      return before?.type === after?.type && isDeepStrictEqual(before?.content, after?.content)
    }
    // What lies in a folder comes behind it.
    for (const key of [...now.keys()].reverse()) {
      if (!isAsItWas(key)) fs.rmSync(this.root + key, { recursive: true, force: true })
    }
    for (const [key, { type, content }] of items) {
      if (isAsItWas(key)) continue
      const path = this.root + key
      if (type === 'folder') fs.mkdirSync(path)
      else if (type === 'link') fs.symlinkSync(this.given(content as string), path)
      else fs.writeFileSync(path, content!)
    }
    for (const [key, { mode, mtime }] of [...items].reverse()) {
      if (mode !== null) fs.chmodSync(this.root + key, mode)
      fs.lutimesSync(this.root + key, mtime / 1000, mtime / 1000)
    }
  }

  /** What gives folders back the dates that were set, since what changes in a folder moves its date only here. */
  holdFolderTimes(): () => void {
    const before = new Map<number, number>()
    for (const [, { ino, mtimeMs }] of this.#folders()) if (mtimeMs < PAST) before.set(ino, mtimeMs)
    return () => {
      if (before.size === 0) return
      for (const [key, { ino, mtimeMs }] of this.#folders()) {
        const date = before.get(ino)
        if (date !== undefined && date !== mtimeMs) fs.utimesSync(this.root + key, date / 1000, date / 1000)
      }
    }
  }

  *#folders(): Generator<[string, Stats]> {
    for (const key of this.walk('')) {
      const stat = this.lstat(key)!
      if (stat.isDirectory()) yield [key, stat]
    }
  }
}

/** A path that leads above the root, where a MultiDrive has nothing and a folder on a disk has others'. */
export class Outside extends Error {}

/** Whether a path leads above the root when links are taken for folders. */
export function isOutside(path: string): boolean {
  let depth = 0
  for (const name of namesOf(path)) {
    depth += name === '..' ? -1 : 1
    if (depth < 0) return true
  }
  return false
}

function namesOf(path: string): string[] {
  return path.split('/').filter((name) => name !== '' && name !== '.')
}
