import type MultiDrive from '../../index.ts'
import type { EntryValue } from '../../index.ts'
import type { KeyedDrive } from './drives.ts'
import { sameBytes } from './same-bytes.ts'

/**
 * What was written to a drive by its key since a folder was taken over, and the folder does not have: taking it over again would undo that.
 *
 * @param since - the version of the drive when the folder was taken over last
 * @returns paths, in the order of the drive
 */
export async function changedByKey(
  source: MultiDrive,
  drive: KeyedDrive,
  since: number,
  signal: AbortSignal
): Promise<string[]> {
  if (drive.version <= since) return []
  const paths: string[] = []
  for await (const { left, right } of drive.diff(Math.max(since, 1), '/')) {
    const key = (left ?? right)!.key
    if (!(await isAlike(source, drive, key, signal))) paths.push(key)
  }
  return paths
}

/** Whether a folder and a drive have the same at a path; dates do not count. */
async function isAlike(
  source: MultiDrive,
  drive: KeyedDrive,
  key: string,
  signal: AbortSignal
): Promise<boolean> {
  const [here, there] = [await source.entry(key), await drive.entry(key)]
  if (!here || !there) return !here && !there
  const [a, b] = [here.value, there.value as EntryValue]
  if (a.linkname !== b.linkname || a.executable !== b.executable) return false
  if (a.blob?.byteLength !== b.blob?.byteLength) return false
  if (a.linkname !== null) return true
  const [one, two] = [source.createReadStream(here), drive.createReadStream(key)]
  return sameBytes(
    one as AsyncIterable<unknown> as AsyncIterable<Buffer>,
    two as AsyncIterable<Buffer>,
    signal
  )
}
