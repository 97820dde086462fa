import { posix } from 'node:path'
import type { ReadOptions } from '../drive.ts'
import { failure } from '../errors.ts'
import { compareKeys, folderRange } from '../path.ts'
import type { Candidate, Directory } from '../sources/source.ts'
import { Shallow } from './shallow.ts'
import type { Located, TreeView } from './view.ts'

/** What stands at a key: a file, a symbolic link, or a folder; the root is the folder with the empty key. */
export type Node =
  | { readonly kind: 'file' | 'link'; readonly key: string; readonly located: Located }
  | { readonly kind: 'directory'; readonly key: string; readonly record: Directory | null }

/** What stands in a folder, under its name there. */
export interface Child {
  readonly name: string
  readonly node: Node
}

/** Where a path leads: with every link on the way resolved, and null where nothing stands though its folder does. */
export interface Resolved {
  readonly key: string
  readonly node: Node | null
  /** Whether the text of a link at the path's end ends as only the path of a folder may. */
  readonly isFolder?: boolean
}

/** How deep links are followed before it is a loop (design, "Directories, links, mounts"). */
export const MAX_LINKS = 40

/** The longest path that is gone through folder by folder, in characters: PATH_MAX of POSIX on most systems. */
const LONGEST_PATH = 4096

/** The longest name of a file on most systems, in bytes: what is written here can be mirrored to any of them. */
const LONGEST_NAME = 255

const PAGE = 256

/** The merged view as POSIX sees it: folders, and links on the way to a path. */
export class Tree {
  readonly view: TreeView
  readonly #opts: ReadOptions

  constructor(view: TreeView, opts: ReadOptions = {}) {
    this.view = view
    this.#opts = opts
  }

  /** What stands at a key, links not followed. A file wins over a folder of its name, which two authors apart can have made. */
  async at(key: string): Promise<Node | null> {
    if (key === '') return { kind: 'directory', key, record: null }
    const located = await this.view.locate(key, this.#opts)
    if (located) return toNode(located)
    const record = await this.view.directoryAt(key, this.#opts)
    if (record || (await this.view.hasBelow(key, this.#opts))) return { kind: 'directory', key, record }
    return null
  }

  /**
   * Where a path leads.
   *
   * @param path - absolute; `..` after a link leads above the folder that the link leads to, as POSIX has it
   * @param follow - whether a link at its end is followed too
   * @throws ENOENT where a folder on the way is missing, ENOTDIR where it is a file, ELOOP after 40 links, ENAMETOOLONG where nothing has
   *   a name that no system knows
   */
  async resolve(path: string, follow: boolean): Promise<Resolved> {
    // What is visible at the path itself has no links on its way, for nothing lies below one.
    const key = posix.normalize(path).replace(/\/$/, '')
    if (!path.includes('/..')) {
      const node = await this.at(key)
      if (node && !(follow && node.kind === 'link')) return { key, node }
      const isLast = node === null && (await this.at(parentOf(key)))?.kind === 'directory'
      if (isLast && !isTooLong(key.slice(key.lastIndexOf('/') + 1))) return { key, node }
    }
    return this.#walk(path, follow)
  }

  /** What stands in a folder, in the order of names. */
  async children(folder: string): Promise<Child[]> {
    // What lies deeper can be read by its key; whoever goes through folders one by one would go on for ever.
    if (folder.length > LONGEST_PATH) throw failure('ENAMETOOLONG', { path: folder })
    const children = new Map<string, Node>()
    const prefix = folder.length + 1
    for (const directory of await this.view.directoriesBelow(folder, { ...this.#opts, shallow: true })) {
      const { path } = directory.record
      const name = path.slice(prefix).split('/', 1)[0]!
      const key = `${folder}/${name}`
      if (key === path || !children.has(name)) {
        children.set(name, { kind: 'directory', key, record: key === path ? directory : null })
      }
    }
    const cursor = this.view.winners(folderRange(folder), { ...this.#opts, mounted: false })
    try {
      const firsts = new Shallow(cursor, prefix)
      for (let page = await firsts.page(PAGE); page.length > 0; page = await firsts.page(PAGE)) {
        for (const located of page) {
          const rest = located.candidate.key.slice(prefix)
          const slash = rest.indexOf('/')
          const name = slash === -1 ? rest : rest.slice(0, slash)
          if (slash === -1) children.set(name, toNode(located))
          else if (!children.has(name)) {
            children.set(name, { kind: 'directory', key: `${folder}/${name}`, record: null })
          }
        }
      }
    } finally {
      await cursor.close()
    }
    return [...children].sort(([a], [b]) => compareKeys(a, b)).map(([name, node]) => ({ name, node }))
  }

  /**
   * The date of a folder in milliseconds since the epoch: its record's, else that of the newest thing visible below it
   * (design, "Directories, links, mounts").
   */
  async dateOf(node: Node & { kind: 'directory' }): Promise<number> {
    return node.record?.stamp.mtime ?? (await this.view.newestBelow(node.key, this.#opts))
  }

  async #walk(path: string, follow: boolean): Promise<Resolved> {
    let links = 0
    let isFolder = false
    let node: Node = { kind: 'directory', key: '', record: null }
    let names = namesOf(path)
    while (names.length > 0) {
      const name = names.shift()!
      if (node.kind !== 'directory') throw failure('ENOTDIR')
      if (name === '..') {
        node = { kind: 'directory', key: parentOf(node.key), record: null }
        continue
      }
      const key = `${node.key}/${name}`
      const next = await this.at(key)
      if (next === null) {
        if (isTooLong(name)) throw failure('ENAMETOOLONG')
        if (names.length > 0) throw failure('ENOENT')
        return { key, node: null, isFolder }
      }
      if (next.kind !== 'link' || (names.length === 0 && !follow)) {
        node = next
        continue
      }
      if (++links > MAX_LINKS) throw failure('ELOOP')
      const text = linknameOf(next.located.candidate)
      if (names.length === 0) isFolder ||= text.endsWith('/')
      if (text.startsWith('/')) node = { kind: 'directory', key: '', record: null }
      if (text.length > LONGEST_PATH) throw failure('ENAMETOOLONG')
      names = [...namesOf(text), ...names]
    }
    // Steps up lead to folders by their names alone.
    return node.kind === 'directory'
      ? { key: node.key, node: await this.at(node.key) }
      : { key: node.key, node, isFolder }
  }
}

/** The folder that a key lies in; the empty string for the root and what lies in it. */
export function parentOf(key: string): string {
  return key.slice(0, Math.max(0, key.lastIndexOf('/')))
}

function toNode(located: Located): Node {
  const { key, value } = located.candidate
  return { kind: value.linkname === null ? 'file' : 'link', key, located }
}

function namesOf(path: string): string[] {
  return path.split('/').filter((name) => name !== '' && name !== '.')
}

function isTooLong(name: string): boolean {
  // No character of UTF-16 becomes more than three bytes.
  return name.length * 3 > LONGEST_NAME && Buffer.byteLength(name) > LONGEST_NAME
}

function linknameOf({ value }: Candidate): string {
  return value.linkname!.replaceAll('\\', '/')
}
