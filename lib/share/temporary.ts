import { rmSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A folder for what has no other place, gone with the process at the latest. */
export interface TemporaryFolder {
  readonly path: string
  remove(): Promise<void>
}

export async function temporaryFolder(): Promise<TemporaryFolder> {
  const path = await mkdtemp(join(tmpdir(), 'multidrive-'))
  // A process may end without closing what it has open, and a model is large.
  const leave = () => rmSync(path, { recursive: true, force: true })
  process.once('exit', leave)
  return {
    path,
    async remove() {
      process.off('exit', leave)
      await rm(path, { recursive: true, force: true })
    }
  }
}
