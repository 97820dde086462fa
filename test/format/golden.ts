import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type Corestore from 'corestore'
import Hyperdrive from 'hyperdrive'
import MultiDrive, { type MultiDriveOptions } from '../../index.ts'
import { collect } from '../helpers/drives.ts'

interface Drives {
  ann: any
  bob: any
  local: any
}

/** Opens what is mounted out of a corestore. */
export function openFrom(store: Corestore): MultiDriveOptions {
  return { openDrive: (key) => new Hyperdrive(store.session({ writable: false }), key) }
}

/** Everything that the golden vectors fix of files: the stored records as they lie there, and the merged view. */
export async function describe(drives: Drives, opts: MultiDriveOptions = {}): Promise<object> {
  const views = await ofEach(drives, opts, (multi) => view(multi, drives))
  return {
    ids: { ann: drives.ann.id, bob: drives.bob.id },
    records: { ann: await records(drives.ann), bob: await records(drives.bob) },
    log: await log(drives.local.root),
    dates: await dates(drives.local.root),
    views
  }
}

/** What they fix of mounts and tags. */
export function describeNames(drives: Drives, opts: MultiDriveOptions): Promise<object> {
  return ofEach(drives, opts, async (multi) => {
    const mounts = await collect(multi.createMountStream())
    const tags = [...(await multi.getAllTags())].sort(([a], [b]) => (a < b ? -1 : 1))
    return {
      mounts: mounts.map(({ path, mount: { key, version, hash } }) => ({
        path,
        key: key.toString('hex'),
        version,
        hash: hash?.toString('hex') ?? null
      })),
      tags: Object.fromEntries(tags),
      version: multi.version
    }
  })
}

async function ofEach(
  drives: Drives,
  opts: MultiDriveOptions,
  what: (multi: MultiDrive) => Promise<unknown>
): Promise<object> {
  const found: { [name: string]: unknown } = {}
  const sets: { [name: string]: any[] } = {
    ann: [drives.ann],
    'ann, bob': [drives.ann, drives.bob],
    'bob, ann': [drives.bob, drives.ann],
    'folder, ann, bob': [drives.local, drives.ann, drives.bob]
  }
  for (const [name, set] of Object.entries(sets)) {
    const multi = new MultiDrive(set[0], opts)
    for (const drive of set.slice(1)) await multi.addDrive(drive)
    found[name] = await what(multi)
    for (const drive of set) await multi.removeDrive(drive)
  }
  return found
}

async function view(multi: MultiDrive, drives: Drives): Promise<unknown[]> {
  const entries = await collect(multi.list('/'))
  return Promise.all(
    entries.map(async (entry) => ({
      key: entry.key,
      seq: entry.seq,
      mtime: entry.mtime,
      drive: Object.entries(drives).find(([, drive]) => drive === entry.drive)?.[0] ?? entry.drive.id,
      executable: entry.value.executable,
      linkname: entry.value.linkname,
      metadata: entry.value.metadata,
      byteLength: entry.value.blob?.byteLength ?? null,
      text: String(await multi.get(entry))
    }))
  )
}

/** Every record of a drive as bytes: prefix and key as text with NUL written as `|`, the value as the text that lies there. */
async function records(drive: any): Promise<unknown[]> {
  const nodes = await collect(
    drive.db.createReadStream({}, { keyEncoding: 'binary', valueEncoding: 'binary' })
  )
  return nodes.map((node) => ({
    seq: node.seq,
    key: node.key.toString().replaceAll('\0', '|'),
    value: node.value.toString()
  }))
}

/** The log with its random names replaced by numbers in the order of their first appearance. */
async function log(root: string): Promise<string[]> {
  const text = await readFile(join(root, '.multidrive', 'log'), 'utf8')
  const names = new Map<string, string>()
  return text
    .replaceAll(/\b[0-9a-f]{32}\b/g, (name) => {
      if (!names.has(name)) names.set(name, `#${names.size + 1}`)
      return names.get(name)!
    })
    .trimEnd()
    .split('\n')
}

/** The mtimes of the files in a folder, in milliseconds. */
async function dates(root: string): Promise<{ [file: string]: number }> {
  const files = (await readdir(root, { withFileTypes: true })).filter((item) => item.isFile())
  const times = files.map(
    async ({ name }) => [name, Math.round((await stat(join(root, name))).mtimeMs)] as const
  )
  return Object.fromEntries(await Promise.all(times))
}
