import { posix } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { Entry, MultiDrive } from '../../index.ts'
import { failure } from './failures.ts'
import type { DiskFolder } from './disk.ts'
import { fileOf } from '../share/entry-file.ts'
import { targetIn } from '../share/links.ts'
import type { Transit } from '../share/transit.ts'

/** What is at an entry goes into the drives. */
export async function copyIn(
  from: MultiDrive,
  entry: Entry,
  into: MultiDrive,
  path: string,
  opts: { keepDate: boolean; signal: AbortSignal }
): Promise<void> {
  const { executable, linkname } = entry.value
  if (linkname !== null) return into.symlink(path, relativeLink(entry.key, linkname))
  const date = opts.keepDate ? await dateFor(into, path, entry.mtime) : null
  const options = { executable, ...(date === null ? {} : { mtime: date }) }
  await pipeline(from.createReadStream(entry), into.createWriteStream(path, options), { signal: opts.signal })
}

interface CopyOutOptions {
  readonly keepDate: boolean
  /** Whether a file that is there by its length and date is left as it is. */
  readonly leaveSaved: boolean
  /** Whether it may have come into the store when it was compared. */
  readonly wasRead?: boolean
  readonly signal: AbortSignal
  readonly transit: Transit
}

/**
 * What is at an entry goes to the disk. A link stays one as long as it leads to what is copied too: on the disk it would lead elsewhere than
 * in the drives. Any other is followed.
 *
 * @param view - one that shows that version and will, such as a checkout
 * @param folder - what is copied, with all below it
 * @param path - from there on
 * @throws ENOENT, EISDIR for a link that leads out of the folder, and not to a file
 */
export async function copyOut(
  view: MultiDrive,
  entry: Entry,
  folder: string,
  disk: DiskFolder,
  path: string,
  opts: CopyOutOptions
): Promise<void> {
  const { linkname } = entry.value
  const mtime = opts.keepDate ? entry.mtime : null
  if (linkname !== null) {
    const target = targetIn(folder, entry.key, linkname)
    if (target !== null) return disk.link(path, relativeLink(`/${path}`, `/${target}`), mtime)
  }
  const file = linkname === null ? entry : await view.entry(entry.key, { follow: true })
  if (!file) throw failure('ENOENT', entry.key, `it links to ${linkname!}, where no file is`)
  const saved = fileOf(view, file, { key: entry.key, mtime })
  const { leaveSaved, signal, transit } = opts
  if (leaveSaved && (await disk.has(path, saved, signal))) return
  const isBegun = opts.wasRead === true || disk.isBegun(path, saved)
  await transit.carry(view, file, () => disk.save(path, saved, signal), { isBegun })
}

/** A link that leads to the same wherever the folder lies that it is in. */
function relativeLink(key: string, linkname: string): string {
  return linkname.startsWith('/') ? posix.relative(posix.dirname(key), linkname) || '.' : linkname
}

/** The date to keep, null where what is there already would then win over what is written. */
async function dateFor(into: MultiDrive, path: string, mtime: number | null): Promise<number | null> {
  if (mtime === null || into.drives.length === 1) return mtime
  const there = await into.entry(path)
  return there?.mtime != null && there.mtime >= mtime && there.drive !== into.writer ? null : mtime
}
