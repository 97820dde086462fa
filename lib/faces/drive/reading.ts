import MirrorDrive from 'mirror-drive'
import type { Readable } from 'streamx'
import { callback, type Callback } from '../../callback.ts'
import type { Entry, RangeOptions, ReadOptions, Stale } from '../../drive.ts'
import { newest } from '../../overlay/compare.ts'
import type { Reader } from '../../overlay/view.ts'
import { toKey, type KeyRange } from '../../path.ts'
import { budget } from '../../wait.ts'
import { Resource } from '../resource.ts'
import { Download, type DownloadOptions } from './download.ts'
import { findReadable, toEntry, type EntryOptions } from './entry.ts'
import { entries, list, readdir, type EntriesOptions, type ListOptions } from './list.ts'
import { has, stats, type ContentStats } from './presence.ts'
import { mirrorEnds, type Mirror } from './mirror.ts'
import type { ReadableOf } from './readable.ts'
import { readAll, readStream } from './streams.ts'
import { winnersIn } from './winners.ts'

/** What reads of a drive: Hyperdrive 13's methods, answered from a merged view. */
export abstract class ReadingFace extends Resource {
  /** The view that a call reads from, taken when the call is made. */
  protected abstract reader(opts?: ReadOptions): Reader | Promise<Reader>

  /** The options of a call that may have to wait for the bytes of a file. */
  protected abstract waiting<T extends ReadOptions>(opts: T): T

  /**
   * The entry at a path, null when there is none. An entry is given back as it is.
   *
   * @throws EINVAL for a bad path, ELOOP when `follow` meets more than 40 links; the error of a drive that cannot tell
   */
  async entry(path: string | Entry, opts?: EntryOptions | null): Promise<Entry | null> {
    if (typeof path !== 'string') return path
    const left = budget(opts ?? {})
    const reader = await this.reader(left())
    const located = await findReadable(reader, path, 'entry', () => this.waiting(left()))
    return located && toEntry(located, reader)
  }

  /**
   * Whether there is an entry at a path.
   *
   * @throws as {@link entry}
   */
  async exists(path: string, opts: ReadOptions = {}): Promise<boolean> {
    return (await this.entry(path, { ...opts, fallback: false })) !== null
  }

  /**
   * The bytes of a file, null when there is none or it is a link. By an entry: the bytes of the version that it was made from.
   *
   * @throws as {@link entry}; BLOCK_NOT_AVAILABLE or REQUEST_TIMEOUT when the bytes cannot be had
   */
  async get(path: string | Entry, opts?: EntryOptions | null): Promise<(Buffer & Stale) | null> {
    const left = budget(this.waiting(opts ?? {}))
    const located = await findReadable(await this.reader(left()), path, 'get', left)
    return located === null || located.candidate.value.blob === null ? null : readAll(located, left())
  }

  /** Every entry below a folder in the order of keys, as a stream; see {@link ListOptions}. */
  list(folder?: string | ListOptions | null, opts?: ListOptions | null): ReadableOf<Entry> {
    if (typeof folder === 'object' && folder) return this.list(undefined, folder)
    const options = opts ?? {}
    return list(() => this.reader(options), folder ?? undefined, options)
  }

  /** The names in a folder, as a stream. */
  readdir(folder?: string, opts: ReadOptions = {}): ReadableOf<string> {
    return readdir(() => this.reader(opts), folder, opts)
  }

  /** The entries in a range of keys, as a stream; see {@link EntriesOptions}. */
  entries(range?: (KeyRange & EntriesOptions) | null, opts: EntriesOptions = {}): ReadableOf<Entry> {
    return entries(() => this.reader(opts), range, opts)
  }

  /** All entries. */
  [Symbol.asyncIterator](): AsyncIterator<Entry> {
    return this.entries()[Symbol.asyncIterator]()
  }

  /**
   * The bytes of a file as a stream, of the version that is newest when the stream opens. Links on the way to a path are followed; an
   * entry of a link has no bytes.
   *
   * @throws (as `error`) ENOENT when there is no file, ELOOP after 40 links, EINVAL for a bad range, else as {@link get}
   */
  createReadStream(path: string | Entry, opts: RangeOptions & EntryOptions = {}): Readable & Stale {
    return readStream(() => this.reader(opts), path, this.waiting(opts))
  }

  /**
   * Fetches the bytes of the file at a path, or of all files below a folder: those of the version that is newest now, and no others.
   *
   * @param path - default: the root
   * @returns the download at work: `done()`, `destroy()`, `progress`
   */
  download(opts?: DownloadOptions): Download
  download(path?: string, opts?: DownloadOptions): Download
  download(path: string, cb: Callback): Download
  download(path: string, opts: DownloadOptions, cb: Callback): Download
  download(...args: unknown[]): Download {
    const cb = typeof args.at(-1) === 'function' ? (args.pop() as Callback) : undefined
    const [path, opts] = typeof args[0] === 'object' ? [undefined, args[0]] : args
    const folder = path as string | undefined
    const options = (opts ?? {}) as DownloadOptions
    const reader = (async () => this.reader(options))()
    // The download tells of it.
    reader.catch(() => undefined)
    const download = new Download(
      async (signal, from) => winnersIn(await reader, folder, 'download', options, signal, from),
      options,
      folder
    )
    if (cb) void callback(download.done(), cb)
    return download
  }

  /**
   * Whether all bytes of a file, or of all files below a folder, are on this machine; false where there is none. Asks nobody for them.
   *
   * @param path - one with a slash at its end is a folder; default: the root
   * @throws as {@link entry}
   */
  async has(path?: string, opts: ReadOptions = {}): Promise<boolean> {
    return has(await this.reader(opts), path, opts)
  }

  /**
   * How many blocks and bytes a file has, or all files below a folder, and how many of them are on this machine.
   *
   * @param path - as for {@link has}
   * @throws as {@link entry}
   */
  async stats(path?: string, opts: ReadOptions = {}): Promise<ContentStats> {
    return stats(await this.reader(opts), path, opts)
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
