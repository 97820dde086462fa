import { lstat } from 'node:fs/promises'
import { join } from 'node:path'
import type { MultiDrive } from '../../index.ts'
import { isPartial } from '../share/partial.ts'
import type { Transit } from '../share/transit.ts'
import { copyIn, copyOut } from './copying.ts'
import { DiskFolder } from './disk.ts'
import { Jobs } from './jobs.ts'
import { obstacleAt, obstacleError, type Look } from './obstacles.ts'
import { below } from './paths.ts'
import { compareTrees, type CompareOptions, type Difference, type Tree } from './trees.ts'

export interface SyncJob extends CompareOptions {
  /** Told of each difference when it is settled, or with `dryRun` when it is seen. */
  readonly tell: (difference: Difference) => Promise<void>
  /** Whether what the left one does not have is removed. */
  readonly prune: boolean
  readonly dryRun: boolean
  readonly atOnce: number | undefined
}

/** Makes a tree hold what another one holds. */
export async function syncTrees(left: Tree, right: Tree, goal: Target, job: SyncJob): Promise<void> {
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
export interface Target {
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

/** A folder of the disk as the target. */
export function outward({ view, folder }: Tree, root: string, transit: Transit): Target {
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

/** A folder in the drives as the target. */
export function inward(multi: MultiDrive, local: MultiDrive, folder: string): Target {
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
