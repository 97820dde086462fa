import { rmSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A folder for what has no other place, gone with the process at the latest. */
export interface TemporaryFolder {
  readonly path: string
  remove(): Promise<void>
}

const folders = new Set<string>()

/** A process may end without closing what it has open, and a model is large. */
function leave(): void {
  for (const path of folders) rmSync(path, { recursive: true, force: true })
}

/** @param prefix - what its path begins with */
export async function temporaryFolder(prefix = join(tmpdir(), 'multidrive-')): Promise<TemporaryFolder> {
  const path = await mkdtemp(prefix)
  // One listener for all of them: an emitter takes many for a leak.
  if (folders.size === 0) process.on('exit', leave)
  folders.add(path)
  return {
    path,
    async remove() {
      await rm(path, { recursive: true, force: true })
      folders.delete(path)
      if (folders.size === 0) process.off('exit', leave)
    }
  }
}

/** Whether a folder is one of this process. */
export function isTemporary(path: string): boolean {
  return folders.has(path)
}
