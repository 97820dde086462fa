import { createHash } from 'node:crypto'
import nodeFs from 'node:fs'
import { join, posix, resolve } from 'node:path'
import type { Test } from 'tape'
import type { MultiDrive } from '../../index.ts'
import { cleanup, folder, hyperdrive, link, localdrive, multidrive, store } from '../helpers/drives.ts'

/** What stands at a path: a file, a symbolic link, or a folder that may be empty. */
export type Item =
  | { readonly bytes: Uint8Array | string; readonly mode?: number; readonly mtime?: number }
  | { readonly link: string }
  | { readonly folder: true; readonly mode?: number }

/** Items by their path below some folder. */
export type Tree = ReadonlyMap<string, Item>

/** A file system for programs to work on, with a tree that stands in one of its folders. */
export interface Ground {
  /** What programs take for `fs`. */
  readonly fs: any
  /** The folder of the tree. */
  readonly dir: string
  /** The same folder on disk, null where there is none. */
  readonly disk: string | null
  /** Null for Node's own `fs`. */
  readonly multi: MultiDrive | null
}

export interface GroundKind {
  readonly name: string
  /** @param at - the folder for the tree; on Node's `fs` one within a temporary folder */
  readonly make: (t: Test, tree: Tree, at?: string) => Promise<Ground>
}

export const onDisk: GroundKind = {
  name: 'node:fs',
  make: async (t, tree, at = '/tree') => {
    const dir = resolve(await folder(t), at.slice(1))
    await plant(nodeFs, dir, tree)
    return { fs: nodeFs, dir, disk: dir, multi: null }
  }
}

export const oneDrive: GroundKind = {
  name: 'a MultiDrive of one Hyperdrive',
  make: async (t, tree, at = '/tree') => {
    const multi = await multidrive(t, [await hyperdrive(t)])
    await plant(multi, at, tree)
    return { fs: multi, dir: at, disk: null, multi }
  }
}

/** Half of the tree is in another's drive, and outdated versions of some of it in a third. */
export const overTwo: GroundKind = {
  name: 'a MultiDrive of a writer over two others',
  make: async (t, tree, at = '/tree') => {
    const [given, missing] = [new Map<string, Item>(), new Map<string, Item>()]
    let i = 0
    for (const [path, item] of tree) (!('folder' in item) && i++ % 2 ? given : missing).set(path, item)

    const [theirStore, ownStore] = [await store(t), await store(t)]
    const theirs = await hyperdrive(t, { store: theirStore })
    await give(theirs, at, given)
    const other = await hyperdrive(t, { store: ownStore, key: theirs.key })
    const unlink = link(theirStore, ownStore)
    cleanup(t, unlink)

    const multi = await multidrive(t, [await hyperdrive(t), await outdated(t, at, tree), other])
    await multi.update({ wait: true })
    await plant(multi, at, missing)
    return { fs: multi, dir: at, disk: null, multi }
  }
}

export const onLocaldrive: GroundKind = {
  name: 'a MultiDrive of a Localdrive over a Hyperdrive',
  make: async (t, tree, at = '/tree') => {
    const drive = await localdrive(t)
    const multi = await multidrive(t, [drive, await outdated(t, at, tree)])
    await plant(multi, at, tree)
    return { fs: multi, dir: at, disk: resolve(drive.root, at.slice(1)), multi }
  }
}

export const grounds = [onDisk, oneDrive, overTwo, onLocaldrive]

/** Writes a tree, all of its files at once. */
export async function plant(fs: any, dir: string, tree: Tree): Promise<void> {
  const { promises } = fs
  const folders = [...tree].map(([path, item]) => join(dir, 'folder' in item ? path : posix.dirname(path)))
  for (const path of new Set([dir, ...folders])) await promises.mkdir(path, { recursive: true })
  await Promise.all(
    [...tree].map(async ([name, item]) => {
      const path = join(dir, name)
      if ('link' in item) await promises.symlink(item.link, path)
      if ('bytes' in item) {
        await promises.writeFile(path, item.bytes, { mode: item.mode ?? 0o644 })
        if (item.mtime !== undefined) await promises.utimes(path, item.mtime / 1000, item.mtime / 1000)
      }
      if ('folder' in item && item.mode !== undefined) await promises.chmod(path, item.mode)
    })
  )
}

/** A drive with versions of some files that nobody is to see. */
async function outdated(t: Test, at: string, tree: Tree): Promise<any> {
  const drive = await hyperdrive(t)
  let i = 0
  for (const [name, item] of tree) {
    if (i++ % 5 !== 0 || !('bytes' in item)) continue
    const executable = ((item.mode ?? 0) & 0o100) !== 0
    await drive.put(posix.join(at, name), 'outdated', { executable, metadata: { mtime: 1 } })
  }
  return drive
}

/** Puts files and links into a drive as its owner would, who knows no modes but that of programs. */
async function give(drive: any, at: string, tree: Tree): Promise<void> {
  const batch = drive.batch()
  for (const [name, item] of tree) {
    const path = posix.join(at, name)
    if ('link' in item) await batch.symlink(path, item.link)
    if ('bytes' in item) {
      const { bytes, mode = 0o644, mtime = Date.now() } = item
      await batch.put(path, Buffer.from(bytes), { executable: (mode & 0o111) !== 0, metadata: { mtime } })
    }
  }
  await batch.flush()
}

export interface SnapshotOptions {
  /** Whether modes are kept: all of them, what makes a program of a file, or none. Default all. */
  readonly modes?: 'all' | 'executable' | 'none'
  /** Whether the dates of files are kept. Default true. */
  readonly dates?: boolean
  /** What in the folder itself is left out. */
  readonly without?: string
}

/** Everything below a folder, as a line for each path: to compare with another by `t.same`. */
export async function snapshot(fs: any, dir: string, opts: SnapshotOptions = {}): Promise<string[]> {
  const { modes = 'all', dates = true, without } = opts
  const seen: string[] = []
  const visit = async (path: string): Promise<void> => {
    const names: string[] = await fs.promises.readdir(join(dir, path))
    await Promise.all(
      names.map(async (name) => {
        const below = posix.join(path, name)
        if (below === without) return
        const full = join(dir, below)
        const stat = await fs.promises.lstat(full)
        if (stat.isSymbolicLink()) {
          seen.push(`${below} -> ${await fs.promises.readlink(full)}`)
          return
        }
        const all = (stat.mode & 0o7777).toString(8)
        const mode = { all, executable: stat.mode & 0o100 ? 'x' : '-', none: '' }[modes]
        if (stat.isDirectory()) {
          seen.push(`${below}/ ${modes === 'all' ? all : ''}`)
          await visit(below)
          return
        }
        const bytes: Buffer = await fs.promises.readFile(full)
        if (bytes.length !== stat.size) seen.push(`${below} has ${bytes.length} bytes, not ${stat.size}`)
        const hash = createHash('sha256').update(bytes).digest('hex').slice(0, 16)
        seen.push(`${below} ${mode} ${dates ? Math.round(stat.mtimeMs) : ''} ${hash}`)
      })
    )
  }
  await visit('')
  return seen.sort()
}

/** The lines that only one of two lists has: a failing test shows them and not everything. */
export function difference(actual: readonly string[], expected: readonly string[]): string[] {
  const missing = [...expected]
  const extra = actual.filter((line) => {
    const i = missing.indexOf(line)
    if (i !== -1) missing.splice(i, 1)
    return i === -1
  })
  return [...extra.map((line) => `+ ${line}`), ...missing.map((line) => `- ${line}`)]
}

const own = ['index.ts', 'lib', 'test', 'types']

/** TypeScript files of this repository, then of the packages it has installed, as they are on disk. */
export function realFiles(count: number): Map<string, Item> {
  const root = join(import.meta.dirname, '../..')
  const files: string[] = []
  for (const place of [...own, 'node_modules']) {
    if (files.length >= count) break
    if (place.endsWith('.ts')) files.push(place)
    else {
      const names = nodeFs.readdirSync(join(root, place), { recursive: true, encoding: 'utf8' })
      files.push(
        ...names
          .filter((name) => name.endsWith('.ts'))
          .sort()
          .map((name) => join(place, name))
      )
    }
  }
  return new Map(
    files.slice(0, count).map((path) => [path, { bytes: nodeFs.readFileSync(join(root, path)) }])
  )
}
