import fsp from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import os from 'node:os'
import path from 'node:path'
import Localdrive from 'localdrive'
import type { Test } from 'tape'
import type { Json } from '../../lib/drive.ts'
import { NO_CLOCK, type Clock } from '../../lib/format/clock.ts'
import type { DirectoryRecord, TombstoneRecord } from '../../lib/format/records.ts'
import { folderRange, type KeyRange } from '../../lib/path.ts'
import { LocaldriveSource } from '../../lib/sources/localdrive/source.ts'
import type { Candidate, Change, SourceEvents } from '../../lib/sources/source.ts'

/** An empty folder that goes away with the test, by its real path. */
export async function temporary(t: Test): Promise<string> {
  const root = await fsp.realpath(await fsp.mkdtemp(path.join(os.tmpdir(), 'multidrive-local-')))
  t.teardown(() => fsp.rm(root, { recursive: true, force: true }))
  return root
}

export interface Told {
  readonly events: SourceEvents
  readonly formats: [string, string, number][]
  changes: number
}

export function listener(): Told {
  const told: Told = {
    formats: [],
    changes: 0,
    events: {
      change: () => {
        told.changes++
      },
      sync: () => undefined,
      close: () => undefined,
      format: (...args) => {
        told.formats.push(args)
      }
    }
  }
  return told
}

export async function openSource(
  root: string,
  opts: object = {},
  told = listener()
): Promise<LocaldriveSource> {
  const source = new LocaldriveSource(new Localdrive(root, opts))
  await source.open(told.events)
  return source
}

/** Writes files the way anybody would, by key. */
export async function fill(root: string, files: { [key: string]: string }): Promise<void> {
  for (const [key, text] of Object.entries(files)) {
    await fsp.mkdir(path.dirname(path.join(root, key)), { recursive: true })
    await fsp.writeFile(path.join(root, key), text)
  }
}

export async function scan(
  source: LocaldriveSource,
  range: KeyRange = folderRange(''),
  { reverse = false, limit = 3 } = {}
): Promise<Candidate[]> {
  const cursor = (await source.view()).scan(range, { reverse })
  const found: Candidate[] = []
  for (let page; (page = await cursor.page(limit)).length > 0;) found.push(...page)
  await cursor.close()
  return found
}

export async function keys(source: LocaldriveSource, range?: KeyRange, opts?: object): Promise<string[]> {
  return (await scan(source, range, opts)).map(({ key }) => key)
}

export async function find(source: LocaldriveSource, key: string): Promise<Candidate | null> {
  return (await source.view()).find(key)
}

export async function text(source: LocaldriveSource, key: string): Promise<string | null> {
  const candidate = await find(source, key)
  return candidate && (await candidate.readAll()).toString()
}

export interface FileOptions {
  mtime?: number
  clock?: Clock
  metadata?: Json
  executable?: boolean
  mode?: number | null
}

export const NOW = 1_700_000_000_000

function stamp({ mtime = NOW, clock = NO_CLOCK, mode = null }: FileOptions) {
  return { mtime, ctime: NOW + 5, clock, explicit: false, mode }
}

export async function file(
  source: LocaldriveSource,
  key: string,
  content: string,
  opts: FileOptions = {}
): Promise<Change> {
  const staged = await source.stage(Buffer.from(content))
  const { executable = false, metadata = null } = opts
  return { type: 'file', key, executable, staged, metadata, stamp: stamp(opts) }
}

export function link(key: string, linkname: string, opts: FileOptions = {}): Change {
  return { type: 'link', key, linkname, metadata: opts.metadata ?? null, stamp: stamp(opts) }
}

export function tombstone(path: string, tree = false, mtime = NOW): TombstoneRecord {
  return { path, tree, mtime, ctime: NOW, clock: new Map([['drive', 3]]) }
}

export function directory(path: string, mode: number | null = null): DirectoryRecord {
  return { path, mtime: NOW, ctime: NOW, clock: NO_CLOCK, mode, metadata: { a: 1 } }
}

/** Everything below a folder that is no hidden record: files with their text, folders with a slash at their end. */
export async function snapshot(root: string): Promise<string[]> {
  const found: string[] = []
  const dirents = await fsp.readdir(root, { withFileTypes: true, recursive: true })
  for (const dirent of dirents) {
    const full = path.join(dirent.parentPath, dirent.name)
    const key = full.slice(root.length)
    if (key.startsWith('/.multidrive')) continue
    if (dirent.isDirectory()) found.push(key + '/')
    else if (dirent.isSymbolicLink()) found.push(`${key} -> ${await fsp.readlink(full)}`)
    else found.push(`${key} ${await fsp.readFile(full, 'utf8')}`)
  }
  return found.sort()
}

type Patched = { [name: string]: (...args: unknown[]) => Promise<unknown> }

/** Has the named functions of `node:fs/promises` ask `before` first, which may throw in their place. */
export function intercept(
  names: readonly string[],
  before: (name: string, args: unknown[]) => void
): () => void {
  const patched = fsp as unknown as Patched
  const originals = names.map((name) => [name, patched[name]!] as const)
  for (const [name, original] of originals) {
    patched[name] = async (...args) => {
      before(name, args)
      return original(...args)
    }
  }
  syncBuiltinESMExports()
  return () => {
    for (const [name, original] of originals) patched[name] = original
    syncBuiltinESMExports()
  }
}

export function ioError(code: string): Error {
  return Object.assign(new Error(`${code}: injected`), { code, errno: -5, syscall: 'test' })
}

/** What changes the file system in a commit. */
export const WRITES = [
  'appendFile',
  'chmod',
  'link',
  'lutimes',
  'mkdir',
  'rename',
  'rmdir',
  'symlink',
  'truncate',
  'unlink',
  'utimes',
  'writeFile'
]
