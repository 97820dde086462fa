import type Hyperdrive from 'hyperdrive'
import type { Test } from 'tape'
import type { MultiDrive } from '../../../index.ts'
import { hyperdrive, multidrive } from '../../helpers/drives.ts'

/** A MultiDrive that reads a Hyperdrive on demand, behind an empty one of its own. */
export async function reading(t: Test, remote: Hyperdrive): Promise<MultiDrive> {
  const multi = await multidrive(t, [await hyperdrive(t)])
  await multi.addDrive(remote, { sparse: true })
  return multi
}

/** Leaves a drive that shows nothing, with files of others below its tombstones where the suite will write. */
export async function bury(multi: MultiDrive, others: readonly any[]): Promise<void> {
  const paths = ['/file', '/a/x', '/a/one', '/link', '/dir/file', '/big']
  for (const [i, other] of others.entries()) {
    for (const path of paths)
      await other.put(path, `${path} ${i}`, { executable: true, metadata: { buried: i } })
  }
  for (const path of paths) await multi.del(path)
}
