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
  /** Paths in the drive that somebody has written there by its key, which stay: the folder has nothing, or nothing newer, of that name. */
  readonly kept: readonly string[]
}

/**
 * Makes a drive hold what a folder holds. What was written into the drive otherwise, by its key, is nobody's to lose: it stays, unless the
 * folder has a newer file there. A file with the same length, date and executable bit as the last time is taken for the same without being
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
  const kept: string[] = []
  const seen = new Set<string>()
  for await (const entry of source.list('/')) {
    signal.throwIfAborted()
    seen.add(entry.key)
    counts.files++
    const known = await drive.entry(entry.key)
    if (known && isSame(entry, known)) {
      // From now on it is the folder's, and goes with it.
      if (!isMirrored(known))
        await drive.putEntry(entry.key, { ...(known.value as EntryValue), metadata: datedBy(entry) })
      continue
    }
    if (known && !isMirrored(known) && !(dateOf(known) < (entry.mtime ?? 0))) {
      kept.push(entry.key)
      continue
    }
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
    counts[known ? 'changed' : 'added']++
  }
  for await (const entry of drive.list('/')) {
    signal.throwIfAborted()
    if (seen.has(entry.key)) continue
    if (isMirrored(entry)) {
      await drive.del(entry.key)
      counts.removed++
    } else kept.push(entry.key)
  }
  return { ...counts, kept: kept.sort() }
}

async function copy(source: MultiDrive, drive: KeyedDrive, entry: Entry, signal: AbortSignal): Promise<void> {
  const { key, value } = entry
  const metadata = datedBy(entry)
  if (value.linkname !== null) return drive.symlink(key, value.linkname, { metadata })
  const { executable } = value
  await pipeline(source.createReadStream(entry), drive.createWriteStream(key, { executable, metadata }), {
    signal
  })
}

function datedBy({ mtime }: Entry): { mtime: number } | null {
  return mtime === null ? null : { mtime }
}

/** Whether an entry is one that a mirror has written: it has a date, and nothing of what MultiDrive or others put beside it. */
function isMirrored({ value }: DriveEntry): boolean {
  const { metadata = null } = (value ?? {}) as { metadata?: object | null }
  return metadata !== null && Object.keys(metadata).join() === 'mtime'
}

/** Infinity where there is none. */
function dateOf({ value }: DriveEntry): number {
  const { mtime } = ((value as EntryValue).metadata ?? {}) as { mtime?: unknown }
  return typeof mtime === 'number' ? mtime : Infinity
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
