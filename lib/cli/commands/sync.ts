import { mkdir, stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Entry, MultiDrive } from '../../../index.ts'
import type { OverDrives } from '../command.ts'
import { CliError, codeOf, UsageError } from '../errors.ts'
import { failure } from '../failures.ts'
import { readingFolder } from '../folder.ts'
import { JOBS_OPTION } from '../jobs.ts'
import { folderNamed, placeNamed } from '../named.ts'
import { count, size } from '../output.ts'
import { placeOf } from '../paths.ts'
import { printable } from '../printable.ts'
import { inward, outward, syncTrees } from '../syncing.ts'
import { toDisk } from '../to-disk.ts'
import type { Difference, Tree } from '../trees.ts'

interface Options {
  checksum?: boolean
  delete?: boolean
  dryRun?: boolean
  jobs?: number
}

const SIGNS = { add: '+', change: '~', remove: '-' }

export const sync: OverDrives<[from: string, to: string], Options> = {
  over: 'drives',
  name: 'sync',
  args: '<from> <to>',
  summary: 'make a folder hold what another one holds, in the drives (drive:/path) or on the disk',
  more:
    'Files with the same size and date are taken for the same; others of the same size are compared byte by byte. Dates ' +
    'are kept. Files that only <to> has stay, unless --delete is given.',
  options: [
    ['-n, --dry-run', 'say what would be done, and do nothing'],
    ['--delete', 'remove what <from> does not have, also where it is in the way of what it has'],
    ['--checksum', 'compare the bytes of all files of the same size'],
    JOBS_OPTION
  ],
  examples: [
    'sync -d hd://KEY drive:/ ./copy',
    'sync -d ./notes --delete --dry-run ./more drive:/more',
    'sync -d hd://KEY --at v1 drive:/docs ./docs-v1'
  ],
  at: true,
  async run(
    session,
    [source, target],
    { checksum = false, delete: prune = false, dryRun = false, jobs: atOnce }
  ) {
    const { multi, view, out, signal } = session
    const [from, to] = [placeOf(source), placeOf(target)]
    if (from.inside === to.inside)
      throw new UsageError(
        from.inside ? 'both are in the drives' : 'neither is in the drives',
        'one of them is a folder of the disk, the other one is written drive:/path'
      )
    if (to.inside && view !== multi) throw new UsageError('--at reads: it goes with a sync to the disk')
    if (to.inside && !multi.writable) throw failure('EROFS', to.path)
    const root = resolve(from.inside ? to.path : from.path)
    const isThere = await isFolder(root)
    if (!isThere && !from.inside)
      throw new CliError('ENOENT', `ENOENT: no such folder: ${from.given}`, {
        hint: 'name a folder of the disk'
      })
    const folder = from.inside ? await folderNamed(view, from.path) : await placeNamed(multi, to.path)
    const counts = { add: 0, change: 0, remove: 0, bytes: 0 }
    const tell = (difference: Difference) => {
      const { op, path } = difference
      const bytes = (difference.left ?? difference.right)!.value.blob?.byteLength ?? 0
      counts[op]++
      if (op !== 'remove') counts.bytes += bytes
      return out.item({ op, path, size: bytes }, () => {
        return `${SIGNS[op]} ${printable(path)}${op === 'remove' ? '' : `  ${size(bytes).trim()}`}`
      })
    }
    const job = { tell, prune, dryRun, atOnce, checksum, signal }
    const onDisk = (local: MultiDrive | null): Tree => ({ view: local, folder: '/' })
    const read = async (local: MultiDrive | null) => {
      if (!from.inside)
        return syncTrees(onDisk(local), { view: multi, folder }, inward(multi, local!, folder), job)
      await toDisk(session, async (present, transit) => {
        const left = { view: present, folder }
        const carry = (entry: Entry, read: () => Promise<boolean>) =>
          // What differs is copied next.
          transit.carry(present, entry, read, { isLast: (isSame) => isSame })
        await syncTrees(left, onDisk(local), outward(left, root, transit), { ...job, carry })
      })
    }
    await (isThere ? readingFolder(root, read) : read(null))
    const { add, change, remove, bytes } = counts
    await out.line(
      `${count(add, 'file')} added, ${change} changed, ${remove} removed, ${size(bytes).trim()}` +
        (dryRun ? ' (nothing was done)' : '')
    )
    if (!isThere && !dryRun) await mkdir(root, { recursive: true })
  }
}

/** False for what is not there. */
async function isFolder(path: string): Promise<boolean> {
  try {
    if ((await stat(path)).isDirectory()) return true
  } catch (err) {
    if (codeOf(err) === 'ENOENT') return false
    throw err
  }
  throw new CliError('ENOTDIR', `ENOTDIR: not a folder: ${path}`, {
    hint: 'sync is of folders; cp copies a file'
  })
}
