import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { Test } from 'tape'
import { cleanup, folder } from './drives.ts'

const run = promisify(execFile)

/** A disk of its own in memory, null where this process may not have one. */
export async function smallDisk(t: Test, size: string): Promise<string | null> {
  const path = await folder(t)
  try {
    await run('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'none', path])
  } catch (err) {
    t.comment(`no disk could be mounted: ${(err as Error).message}`)
    return null
  }
  cleanup(t, () => run('umount', ['-l', path]))
  return path
}

/** @param options - as `mount` has them, such as `remount,ro` */
export async function remount(path: string, options: string): Promise<void> {
  await run('mount', ['-o', options, path])
}
