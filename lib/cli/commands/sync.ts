import { mkdir, stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { MultiDrive } from '../../../index.ts'
import type { OverDrives, Session } from '../command.ts'
import { copyIn, copyOut } from '../copying.ts'
import { DiskFolder } from '../disk.ts'
import { CliError, codeOf, UsageError } from '../errors.ts'
import { failure } from '../failures.ts'
import { readingFolder } from '../folder.ts'
import { count, size } from '../output.ts'
import { below, placeOf } from '../paths.ts'
import { printable } from '../printable.ts'
import { compareTrees, type Difference, type Tree } from '../trees.ts'

interface Options {
  checksum?: boolean
  delete?: boolean
  dryRun?: boolean
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
    ['--delete', 'remove files that <from> does not have'],
    ['--checksum', 'compare the bytes of all files of the same size']
  ],
  examples: [
    'sync -d hd://KEY drive:/ ./copy',
    'sync -d ./notes --delete --dry-run ./more drive:/more',
    'sync -d hd://KEY --at v1 drive:/docs ./docs-v1'
  ],
  at: true,
  async run(session, [source, target], { checksum = false, delete: prune = false, dryRun = false }) {
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
    if (from.inside && !(await view.promises.stat(from.path)).isDirectory())
      throw failure('ENOTDIR', from.path)
    const run = async (local: MultiDrive | null) => {
      const onDisk: Tree = { view: local, folder: '/' }
      const inDrives: Tree = { view: from.inside ? view : multi, folder: from.inside ? from.path : to.path }
      const apply = from.inside ? outward(session, inDrives, root) : inward(session, local!, inDrives.folder)
      const [left, right] = from.inside ? [inDrives, onDisk] : [onDisk, inDrives]
      const counts = { add: 0, change: 0, remove: 0, bytes: 0 }
      for await (const difference of compareTrees(left, right, { checksum, signal })) {
        const { op, path } = difference
        if (op === 'remove' && !prune) continue
        if (!dryRun) await apply(difference)
        const bytes = difference.left?.value.blob?.byteLength ?? 0
        counts[op]++
        counts.bytes += bytes
        await out.item({ op, path, size: bytes }, () => {
          return `${SIGNS[op]} ${printable(path)}${op === 'remove' ? '' : `  ${size(bytes).trim()}`}`
        })
      }
      const { add, change, remove, bytes } = counts
      await out.line(
        `${count(add, 'file')} added, ${change} changed, ${remove} removed, ${size(bytes).trim()}` +
          (dryRun ? ' (nothing was done)' : '')
      )
    }
    await (isThere ? readingFolder(root, run) : run(null))
    if (!isThere && !dryRun) await mkdir(root, { recursive: true })
  }
}

type Apply = (difference: Difference) => Promise<void>

function outward({ signal }: Session, { view, folder }: Tree, root: string): Apply {
  const disk = new DiskFolder(root)
  return ({ path, left }) => {
    if (left === null) return disk.remove(path)
    return copyOut(view!, left, folder, disk, path, { keepDate: true, signal })
  }
}

function inward({ multi, signal }: Session, local: MultiDrive, folder: string): Apply {
  return async ({ path, left }) => {
    const at = below(folder, path)
    if (left === null) await multi.del(at)
    else await copyIn(local, left, multi, at, { keepDate: true, signal })
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
