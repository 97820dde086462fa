import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import MultiDrive from '../../index.ts'
import { collect } from '../helpers/drives.ts'

/** Everything that the golden vectors fix: the stored records as they lie there, and the merged view. */
export async function describe(drives: { ann: any; bob: any; local: any }): Promise<unknown> {
  const views: { [name: string]: unknown } = {}
  const sets: { [name: string]: any[] } = {
    ann: [drives.ann],
    'ann, bob': [drives.ann, drives.bob],
    'bob, ann': [drives.bob, drives.ann],
    'folder, ann, bob': [drives.local, drives.ann, drives.bob]
  }
  for (const [name, set] of Object.entries(sets)) {
    const multi = new MultiDrive(set[0])
    for (const drive of set.slice(1)) await multi.addDrive(drive)
    views[name] = await view(multi, drives)
    for (const drive of set) await multi.removeDrive(drive)
  }
  return {
    ids: { ann: drives.ann.id, bob: drives.bob.id },
    records: { ann: await records(drives.ann), bob: await records(drives.bob) },
    log: await log(drives.local.root),
    dates: await dates(drives.local.root),
    views
  }
}

async function view(multi: MultiDrive, drives: { [name: string]: any }): Promise<unknown[]> {
  const entries = await collect(multi.list('/'))
  return Promise.all(
    entries.map(async (entry) => ({
      key: entry.key,
      seq: entry.seq,
      mtime: entry.mtime,
      drive: Object.keys(drives).find((name) => drives[name] === entry.drive),
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
