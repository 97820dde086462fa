import { chmod, lstat, lutimes, symlink, unlink, utimes } from 'node:fs/promises'
import type { Stats } from 'node:fs'
import { failure } from '../../errors.ts'
import type { Change } from '../source.ts'
import type { LogChange } from './line.ts'
import type { Root } from './root.ts'
import { diskTime, makeSidecar } from './sidecar.ts'
import { detach, randomName, StagedFile, stagedPath } from './staging.ts'

/** The changes as the log takes them, and the staged files that they use up. */
export interface Prepared {
  readonly changes: LogChange[]
  readonly used: readonly StagedFile[]
  /** Staged links, which nobody else knows of. */
  readonly made: readonly string[]
}

/**
 * Gives staged files their dates and modes and stages the links, so that a rename is all that is left to do for each, and what
 * the file system made of the dates can be written down beforehand.
 *
 * @param keepsMetadata - whether sidecars hold the metadata
 */
export async function prepare(
  root: Root,
  changes: readonly Change[],
  keepsMetadata: boolean
): Promise<Prepared> {
  const prepared: LogChange[] = []
  const used = new Set<StagedFile>()
  const made: string[] = []
  const removed = new Set(changes.flatMap((change) => (change.type === 'remove' ? change.key : [])))
  try {
    for (const change of changes) {
      if (change.type !== 'file' && change.type !== 'link') {
        prepared.push(change)
        continue
      }
      const { type, key, metadata, stamp } = change
      let name: string
      if (type === 'file') {
        const { staged } = change
        if (
          !(staged instanceof StagedFile) ||
          staged.root.real !== root.real ||
          staged.committed ||
          used.has(staged)
        ) {
          throw failure('EINVAL', { syscall: 'put', path: key, detail: 'not staged here, or used up' })
        }
        used.add(staged)
        name = staged.name
        // A second name stays one only where the first one goes: two files of one would change together.
        if (staged.linkOf !== null && !removed.has(staged.linkOf)) await detach(staged)
        await setMode(staged, change)
      } else {
        name = randomName()
        await symlink(root.linkText(change.linkname), stagedPath(root, name))
        made.push(name)
      }
      const written = await setTime(stagedPath(root, name), stamp.mtime, type === 'link')
      const sidecar = makeSidecar(stamp, keepsMetadata ? metadata : null, written)
      prepared.push({ type, key, staged: name, metadata, sidecar })
    }
  } catch (err) {
    for (const name of made) await unlink(stagedPath(root, name)).catch(() => undefined)
    throw err
  }
  return { changes: prepared, used: [...used], made }
}

/** The bits are as the stamp has them, but that the owner can always read and write: the rest is for the sidecar. */
async function setMode(staged: StagedFile, change: Extract<Change, { type: 'file' }>): Promise<void> {
  const file = stagedPath(staged.root, staged.name)
  const { stamp } = change
  const mode = 0o600 | ((stamp.mode ?? (change.executable ? 0o755 : 0o644)) & 0o777)
  const before = await lstat(file)
  // Through a second name the first one would change before the commit.
  const isChanged = (before.mode & 0o7777) !== mode || Math.abs(diskTime(before) - stamp.mtime) >= 1
  if (isChanged) await detach(staged)
  await chmod(file, mode)
}

// A date that the file system refuses is left to the sidecar.
async function setTime(file: string, mtime: number, isLink: boolean): Promise<Stats> {
  try {
    await (isLink ? lutimes : utimes)(file, mtime / 1000, mtime / 1000)
  } catch (err) {
    const stat = await lstat(file)
    if (diskTime(stat) === mtime) throw err
    return stat
  }
  return lstat(file)
}
