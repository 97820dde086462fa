import { pipeline } from 'node:stream/promises'
import type MultiDrive from '../../index.ts'
import type { DriveEntry, Entry, EntryValue } from '../../index.ts'
import type { KeyedDrive } from './drives.ts'

/** How many files of a folder have been taken over. */
export interface Mirrored {
  readonly files: number
  readonly added: number
  readonly changed: number
  readonly removed: number
}

/** What the version is kept by that a drive had when a folder was taken over into it last. */
const VERSION = 'multidrive/mirrored'

/** The version that a drive had when a folder was taken over into it last, 0 before the first time. */
export async function mirroredVersion(drive: KeyedDrive): Promise<number> {
  const kept = await drive.core.getUserData(VERSION)
  return kept === null ? 0 : Number(String(kept))
}

/** What is written from then on by others can be told from what mirroring has written, also where that ends half-way. */
async function keepVersion(drive: KeyedDrive): Promise<void> {
  if ((await mirroredVersion(drive)) === drive.version) return
  await drive.core.setUserData(VERSION, Buffer.from(String(drive.version)))
}

/**
 * Makes a drive hold what a folder holds. A file with the same length, date and executable bit as the last time is taken for the same without being
 * read, which mirror-drive would do.
 *
 * @throws the reason of the signal; what reading the folder or writing the drive throws
 */
export async function mirrorFolder(
  source: MultiDrive,
  drive: KeyedDrive,
  signal: AbortSignal
): Promise<Mirrored> {
  const counts = { files: 0, added: 0, changed: 0, removed: 0 }
  const seen = new Set<string>()
  for await (const entry of source.list('/')) {
    signal.throwIfAborted()
    seen.add(entry.key)
    counts.files++
    const known = await drive.entry(entry.key)
    if (known && isSame(entry, known)) continue
    try {
      await copy(source, drive, entry, signal)
    } catch (err) {
      signal.throwIfAborted()
      // It was removed meanwhile, as files that programs write aside are.
      if (await source.entry(entry.key)) throw err
      seen.delete(entry.key)
      counts.files--
      continue
    }
    await keepVersion(drive)
    counts[known ? 'changed' : 'added']++
  }
  for await (const { key } of drive.list('/')) {
    signal.throwIfAborted()
    if (seen.has(key)) continue
    await drive.del(key)
    await keepVersion(drive)
    counts.removed++
  }
  await keepVersion(drive)
  return counts
}

async function copy(source: MultiDrive, drive: KeyedDrive, entry: Entry, signal: AbortSignal): Promise<void> {
  const { key, mtime, value } = entry
  const metadata = mtime === null ? null : { mtime }
  if (value.linkname !== null) return drive.symlink(key, value.linkname, { metadata })
  const { executable } = value
  await pipeline(source.createReadStream(entry), drive.createWriteStream(key, { executable, metadata }), {
    signal
  })
}

function isSame(here: Entry, there: DriveEntry): boolean {
  const [a, b] = [here.value, there.value as EntryValue]
  return (
    a.linkname === b.linkname &&
    a.executable === b.executable &&
    a.blob?.byteLength === b.blob?.byteLength &&
    here.mtime === ((b.metadata as { mtime?: number } | null)?.mtime ?? null)
  )
}
