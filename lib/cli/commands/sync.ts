import { lstat, mkdir, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { Entry, MultiDrive } from '../../../index.ts'
import { isPartial } from '../../share/partial.ts'
import type { Transit } from '../../share/transit.ts'
import type { OverDrives } from '../command.ts'
import { copyIn, copyOut } from '../copying.ts'
import { DiskFolder } from '../disk.ts'
import { CliError, codeOf, UsageError } from '../errors.ts'
import { failure } from '../failures.ts'
import { readingFolder } from '../folder.ts'
import { Jobs, JOBS_OPTION } from '../jobs.ts'
import { folderNamed, placeNamed } from '../named.ts'
import { obstacleAt, obstacleError, type Look } from '../obstacles.ts'
import { count, size } from '../output.ts'
import { below, placeOf } from '../paths.ts'
import { printable } from '../printable.ts'
import { toDisk } from '../to-disk.ts'
import { compareTrees, type CompareOptions, type Difference, type Tree } from '../trees.ts'

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
        return make(onDisk(local), { view: multi, folder }, inward(multi, local!, folder), job)
      await toDisk(session, async (present, transit) => {
        const left = { view: present, folder }
        const carry = (entry: Entry, read: () => Promise<boolean>) =>
          // What differs is copied next.
          transit.carry(present, entry, read, { isLast: (isSame) => isSame })
        await make(left, onDisk(local), outward(left, root, transit), { ...job, carry })
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

interface SyncJob extends CompareOptions {
  readonly tell: (difference: Difference) => Promise<void>
  readonly prune: boolean
  readonly dryRun: boolean
  readonly atOnce: number | undefined
}

/** Makes a tree hold what another one holds. */
async function make(left: Tree, right: Tree, goal: Target, job: SyncJob): Promise<void> {
  const { tell, prune, dryRun, atOnce, signal } = job
  // They come to where folders are: when all is removed that is in these.
  const waiting: Difference[] = []
  // What is there of files that may come yet.
  const partial: Difference[] = []
  await Jobs.run(signal, atOnce, async (jobs) => {
    for await (const difference of compareTrees(left, right, { ...job, signal: jobs.signal })) {
      const { op, path, left: entry } = difference
      if (entry === null) {
        if (!prune) continue
        if (goal.hasPartial && isPartial(path)) {
          partial.push(difference)
          continue
        }
        // What lies where it is may come next.
        await jobs.drain()
        if (!dryRun) await goal.remove(path)
        await tell(difference)
        continue
      }
      // What is in the way as a file is removed before, as it is only there.
      const obstacle =
        op === 'add' && !(prune && dryRun) ? await obstacleAt(goal.look, goal.folder, path) : null
      if (obstacle && !prune) throw obstacleError(obstacle)
      if (obstacle?.kind === 'folder') waiting.push(difference)
      else if (dryRun) await tell(difference)
      else
        await jobs.add(async (signal) => {
          await goal.put(path, difference, signal)
          await tell(difference)
        })
    }
    await jobs.drain()
    for (const difference of partial)
      if (dryRun || (await goal.remove(difference.path))) await tell(difference)
    for (const difference of waiting) {
      await goal.removeFolder(difference.path)
      await goal.put(difference.path, difference, signal)
      await tell(difference)
    }
  })
}

/** What is done to the target, by paths from its folder on. */
interface Target {
  readonly folder: string
  /** Whether there may be files in it of which only a part has come. */
  readonly hasPartial: boolean
  readonly put: (path: string, difference: Difference, signal: AbortSignal) => Promise<void>
  /** Gives whether it was there. */
  readonly remove: (path: string) => Promise<boolean>
  /** A folder in which no files are. */
  readonly removeFolder: (path: string) => Promise<void>
  readonly look: Look
}

function outward({ view, folder }: Tree, root: string, transit: Transit): Target {
  const disk = new DiskFolder(root)
  return {
    folder: '/',
    hasPartial: true,
    put: (path, { op, left }, signal) => {
      const wasRead = op === 'change'
      return copyOut(view!, left!, folder, disk, path, {
        keepDate: true,
        leaveSaved: false,
        wasRead,
        signal,
        transit
      })
    },
    remove: (path) => disk.remove(path),
    removeFolder: (path) => disk.removeFolder(path),
    look: (path) => lstat(join(root, path))
  }
}

function inward(multi: MultiDrive, local: MultiDrive, folder: string): Target {
  return {
    folder,
    hasPartial: false,
    put: (path, { left }, signal) =>
      copyIn(local, left!, multi, below(folder, path), { keepDate: true, signal }),
    remove: async (path) => {
      await multi.del(below(folder, path))
      return true
    },
    removeFolder: (path) => multi.promises.rm(below(folder, path), { recursive: true, force: true }),
    look: (path) => multi.promises.lstat(path)
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
