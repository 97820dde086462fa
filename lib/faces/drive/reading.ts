import MirrorDrive from 'mirror-drive'
import ReadyResource from 'ready-resource'
import type { Readable } from 'streamx'
import type { Entry, RangeOptions, ReadOptions } from '../../drive.ts'
import { newest } from '../../overlay/compare.ts'
import type { Reader } from '../../overlay/view.ts'
import { toKey, type KeyRange } from '../../path.ts'
import { find, toEntry, type EntryOptions } from './entry.ts'
import { entries, list, readdir, type EntriesOptions, type ListOptions } from './list.ts'
import { mirrorEnds, type Mirror } from './mirror.ts'
import { readAll, readStream } from './streams.ts'

/** The options for what is left to do within the timeout of a call of several steps. */
function budget<T extends ReadOptions>(opts: T): () => T {
  if (!opts.timeout) return () => opts
  const end = performance.now() + opts.timeout
  return () => ({ ...opts, timeout: Math.max(1, end - performance.now()) })
}

/** What reads of a drive: Hyperdrive 13's methods, answered from a merged view. */
export abstract class ReadingFace extends ReadyResource {
  /** The view that a call reads from, taken when the call is made. */
  protected abstract reader(opts?: ReadOptions): Promise<Reader>

  /**
   * The entry at a path, null when there is none. An entry is given back as it is.
   *
   * @throws EINVAL for a bad path, ELOOP when `follow` meets more than 40 links; the error of a drive that cannot tell
   */
  async entry(path: string | Entry, opts: EntryOptions = {}): Promise<Entry | null> {
    if (typeof path !== 'string') return path
    const left = budget(opts)
    const reader = await this.reader(left())
    const located = await find(reader, path, 'entry', left())
    return located && toEntry(located, reader)
  }

  /**
   * Whether there is an entry at a path.
   *
   * @throws as {@link entry}
   */
  async exists(path: string, opts: ReadOptions = {}): Promise<boolean> {
    return (await this.entry(path, opts)) !== null
  }

  /**
   * The bytes of a file, null when there is none or it is a link. By an entry: the bytes of the version that it was made from.
   *
   * @throws as {@link entry}; BLOCK_NOT_AVAILABLE or REQUEST_TIMEOUT when the bytes cannot be had
   */
  async get(path: string | Entry, opts: EntryOptions = {}): Promise<Buffer | null> {
    const left = budget(opts)
    const located = await find(await this.reader(left()), path, 'get', left())
    return located === null || located.candidate.value.blob === null ? null : readAll(located, left())
  }

  /** Every entry below a folder in the order of keys, as a stream; see {@link ListOptions}. */
  list(folder?: string | ListOptions, opts: ListOptions = {}): Readable {
    if (typeof folder === 'object') return this.list(undefined, folder)
    return list(() => this.reader(opts), folder, opts)
  }

  /** The names in a folder, as a stream. */
  readdir(folder?: string, opts: ReadOptions = {}): Readable {
    return readdir(() => this.reader(opts), folder, opts)
  }

  /** The entries in a range of keys, as a stream; see {@link EntriesOptions}. */
  entries(range?: (KeyRange & EntriesOptions) | null, opts: EntriesOptions = {}): Readable {
    return entries(() => this.reader(opts), range, opts)
  }

  /** All entries. */
  [Symbol.asyncIterator](): AsyncIterator<Entry> {
    return this.entries()[Symbol.asyncIterator]() as AsyncIterator<Entry>
  }

  /**
   * The bytes of a file as a stream, of the version that is newest when the stream opens.
   *
   * @throws (as `error`) ENOENT when there is no file, EINVAL for a bad range, else as {@link get}
   */
  createReadStream(path: string | Entry, opts: RangeOptions = {}): Readable {
    return readStream(() => this.reader(opts), path, opts)
  }

  /** Which of two entries is newer by date: 1 when `a` is, -1 when `b` is, 0 when neither, with the sign of Hyperdrive's. */
  compare(a: Entry, b: Entry): number {
    return -newest(a.mtime, b.mtime) || 0
  }

  /**
   * Mirrors what is shown into another drive, dates and what links have beside their targets included; options are mirror-drive's. Dates
   * go onto the files of a Localdrive, and into `metadata.mtime` of a Hyperdrive.
   *
   * @throws DRIVE_INVALID when there is nothing to mirror into
   */
  mirror(out: object, opts: object = {}): Mirror {
    const { source, destination } = mirrorEnds(this, out, out instanceof ReadingFace)
    return new MirrorDrive(source, destination, opts) as Mirror
  }

  /** A path as the key of a file, as Hyperdrive normalises it. */
  static normalizePath(path: string): string {
    return toKey(path, 'normalizePath')
  }
}
