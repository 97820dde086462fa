import type { Entry, Stats } from '../../index.ts'
import type { Drives } from './drives.ts'
import { date, isoDate, size } from './output.ts'
import { printable } from './printable.ts'

/** What stands at a path, as `--json` tells it. */
export interface Info {
  readonly path: string
  readonly type: 'file' | 'folder' | 'link'
  /** In bytes; null of folders and links. */
  readonly size: number | null
  /** In ISO 8601; null when there is none. */
  readonly mtime: string | null
  /** The SPEC of the drive that it comes from; null of a folder that is there only by what is in it. */
  readonly drive: string | null
  /** What a link points to. */
  readonly link?: string
}

export function infoOfEntry({ key, value, mtime, drive }: Entry, drives: Drives): Info {
  const { blob, linkname } = value
  return {
    path: key,
    type: linkname === null ? 'file' : 'link',
    size: linkname === null ? (blob?.byteLength ?? 0) : null,
    mtime: isoDate(mtime),
    drive: drives.labelOf(drive),
    ...(linkname === null ? {} : { link: linkname })
  }
}

export function infoOfStats(path: string, stats: Stats, drives: Drives): Info {
  const { drive, linkname, mtimeMs } = stats
  const type = stats.isDirectory() ? 'folder' : stats.isSymbolicLink() ? 'link' : 'file'
  return {
    path,
    type,
    size: type === 'file' ? stats.size : null,
    // A folder without a date has that of the epoch.
    mtime: mtimeMs === 0 ? null : isoDate(mtimeMs),
    drive: drive ? drives.labelOf(drive) : null,
    ...(linkname === null ? {} : { link: linkname })
  }
}

/** A line of columns: size, date, drive, and whatever it is to be called by. */
export function infoLine(info: Info, drive: object | null, drives: Drives, name: string): string {
  const mtime = info.mtime === null ? null : Date.parse(info.mtime)
  const from = (drive === null ? null : drives.shortOf(drive)) ?? '-'
  return `${size(info.size)}  ${date(mtime)}  ${printable(from).padEnd(drives.width)}  ${named(info, name)}`
}

/** A name with what shows its kind: a slash behind a folder, where a link leads. */
export function named(info: Info, name: string): string {
  const shown = printable(name)
  if (info.type === 'folder') return shown.endsWith('/') ? shown : `${shown}/`
  return info.link === undefined ? shown : `${shown} -> ${printable(info.link)}`
}
