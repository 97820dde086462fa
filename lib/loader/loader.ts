import { join, resolve } from 'node:path'
import type MultiDrive from '../../index.ts'
import type { Drive, Entry, RangeOptions, ReadableOf } from '../../index.ts'
import { destinationOf } from '../share/destination.ts'
import { TransferError } from '../share/errors.ts'
import { Base } from './base.ts'
import { LoaderDownload, type DownloadJob } from './download.ts'
import { loaderError, openingError } from './failure.ts'
import {
  fileAt,
  folderAt,
  filesAt,
  requireAnswers,
  toKey,
  type Found,
  type FoundFile,
  type FoundLink,
  type Patience
} from './files.ts'
import { bounded, invalid, originOf, type HyperDriveDLOptions, type Origin } from './options.ts'
import { CallbackReporter, type DownloadReport, type ProgressReporter } from './progress.ts'
import { openSource, type LoaderSource } from './source.ts'
import { saveFile, saveLink, type SavedFile } from './to-disk.ts'
import { inTurn } from './turns.ts'

/** A file of a listing. */
export interface ListedFile {
  /** Its path in the drive. */
  readonly key: string
  /** Whether all its bytes are on this machine. */
  readonly cached: boolean
}

export interface LoaderDownloadOptions {
  /** The folder on the disk that the files go to. Default: none, they are kept in the store. */
  readonly diskPath?: string | undefined
  /** Told how far each file is. */
  readonly progressReporter?: ProgressReporter | null | undefined
  /** The same as one function; of the two, a reporter is told. What it throws is an uncaught exception, and fails no file. */
  readonly progressCallback?: ((report: DownloadReport) => void) | null | undefined
  /** There are so many milliseconds at least between two reports of one file; default 100. A reporter's own counts before it. */
  readonly progressReportInterval?: number | undefined
  /** How many files are fetched at once. Default 4. */
  readonly concurrency?: number | undefined
  /** Give a file up when no byte of it came for so many milliseconds; 0, the default, waits for peers that come back. */
  readonly timeout?: number | undefined
}

const TIMEOUT = 30_000
const CONCURRENCY = 4

/**
 * Loads files from Hyperdrives, such as the weights of a model for what runs it. It opens by itself when it is first asked for something,
 * and all that it is asked for after it was closed rejects with DRIVE_NOT_READY.
 */
export class HyperDriveDL extends Base<HyperDriveDLOptions, MultiDrive> {
  readonly #origin: Origin
  readonly #patience: Patience
  readonly #downloads = new Set<LoaderDownload>()
  readonly #ending = new AbortController()
  #source: LoaderSource | null = null

  /** @throws KEY_OR_DRIVE_REQUIRED, KEY_INVALID; EINVAL for any other option that is none */
  constructor(opts: HyperDriveDLOptions) {
    super(opts)
    this.#origin = originOf(opts)
    this.#patience = { timeout: bounded(opts.timeout ?? TIMEOUT) }
  }

  /**
   * The bytes of a file, or some of them, as a stream; links are followed. It stays on the version that is newest now.
   *
   * @param opts - `start`, `end` (inclusive) or `length`, in bytes; `wait` and `timeout`, in milliseconds, for bytes that are not here
   * @throws FILE_NOT_FOUND when there is none, or a folder; CONNECTION_FAILED, DRIVE_NOT_READY
   */
  async getStream(path: string, opts: RangeOptions = {}): Promise<ReadableOf<Buffer>> {
    const { multi, entry } = await this.#file(path)
    return multi.createReadStream(entry, opts) as ReadableOf<Buffer>
  }

  /**
   * The size of a file in bytes; links are followed.
   *
   * @throws as {@link getStream}
   */
  async getFileSize(path: string): Promise<number> {
    const { entry } = await this.#file(path)
    return entry.value.blob!.byteLength
  }

  /**
   * All files below a folder and in the folders there, in the order of their paths, links to files among them.
   *
   * @param folder - default: the root
   * @param opts - with `names: true`, their paths from the folder on
   * @throws FILE_NOT_FOUND when there is no such folder; CONNECTION_FAILED, DRIVE_NOT_READY
   */
  list(folder: string | undefined, opts: { readonly names: true }): Promise<string[]>
  list(folder?: string, opts?: { readonly names?: false | undefined }): Promise<ListedFile[]>
  async list(folder = '/', opts: { readonly names?: boolean | undefined } = {}): Promise<unknown> {
    const multi = await this.#open()
    const found = await this.#asked(
      folder,
      filesAt(multi, folder.endsWith('/') ? folder : `${folder}/`, this.#patience)
    )
    requireAnswers(multi, folder)
    const files = found.filter((file) => !('error' in file))
    if (opts.names === true) return files.map(({ name }) => name)
    const isCached = (file: Found) =>
      'target' in file ? this.cached(file.target) : multi.has((file as FoundFile).entry.key)
    return this.#asked(
      folder,
      Promise.all(
        files.map(async (file): Promise<ListedFile> => ({ key: file.key, cached: await isCached(file) }))
      )
    )
  }

  /**
   * Whether all bytes of a file, or of every file in a folder, are on this machine. Those of a drive that lies here always are.
   *
   * @returns false where there is nothing
   * @throws DRIVE_NOT_READY; what keeps it from being known
   */
  async cached(path: string): Promise<boolean> {
    const multi = await this.#open()
    const key = toKey(path)
    const has = async () => {
      const found = key === '/' ? null : await multi.entry(key, { follow: true, ...this.#patience })
      if (found) return multi.has(found.key)
      const folder = key === '/' ? key : await folderAt(multi, key, this.#patience)
      return folder !== null && multi.has(folder === '/' ? folder : `${folder}/`)
    }
    return this.#asked(key, has())
  }

  /**
   * Fetches a file, or all files of a folder, as they are now.
   *
   * @param path - one with a slash at its end is a folder
   * @param opts - or, as of old, a progress reporter
   * @returns the download at work: `trackers`, `await()`, `cancel()`
   * @throws FILE_NOT_FOUND when there is neither; CONNECTION_FAILED, DRIVE_NOT_READY; EINVAL for a bad option
   */
  async download(
    path: string,
    opts: LoaderDownloadOptions | ProgressReporter | null = {}
  ): Promise<LoaderDownload> {
    const options = isReporter(opts) ? { progressReporter: opts } : (opts ?? {})
    const { concurrency = CONCURRENCY, diskPath, progressCallback, progressReporter } = options
    if (!(Number.isInteger(concurrency) && concurrency >= 1))
      throw invalid('concurrency is a whole number from 1 on')
    if (diskPath !== undefined && typeof diskPath !== 'string') throw invalid('diskPath is a text')
    if (!((options.timeout ?? 0) >= 0)) throw invalid('timeout is in milliseconds')
    if (!((options.progressReportInterval ?? 0) >= 0))
      throw invalid('progressReportInterval is in milliseconds')
    const multi = await this.#open()
    // All files of one version, whatever is written meanwhile.
    const view = multi.checkout(multi.version)
    try {
      const found = await this.#asked(path, filesAt(view, path, this.#patience))
      if (found.length !== 1 || found[0]!.key !== toKey(path)) requireAnswers(multi, path)
      const jobs = found.map((file) => jobOf(view, file, options))
      const reporter =
        progressReporter ??
        (progressCallback
          ? new CallbackReporter(new Map(jobs.map(({ file, size }) => [file, size])), progressCallback)
          : null)
      // It may have been closed while it looked.
      this.#require()
      const download = new LoaderDownload(jobs, {
        concurrency,
        reporter,
        interval: progressReporter?.progressReportInterval ?? options.progressReportInterval,
        end: async () => {
          this.#downloads.delete(download)
          await view.close()
        }
      })
      this.#downloads.add(download)
      return download
    } catch (err) {
      await view.close()
      throw err
    }
  }

  /**
   * Removes the bytes of a file, or of all files in a folder, from this machine; they are fetched again when they are read. Files on the
   * disk, drives of one's own and drives that are no Hyperdrives are left alone.
   *
   * @param path - default: the root
   * @returns whether there was anything to remove
   * @throws FILE_NOT_FOUND, CONNECTION_FAILED, DRIVE_NOT_READY
   */
  async deleteLocal(path = '/'): Promise<boolean> {
    const multi = await this.#open()
    const remove = async () => {
      let blocks = 0
      for (const file of await filesAt(multi, path, this.#patience)) {
        if (!('entry' in file) || isOwn(file.entry.drive)) continue
        blocks += (await multi.clear(file.entry, { diff: true }))?.blocks ?? 0
      }
      return blocks > 0
    }
    return this.#asked(path, remove())
  }

  protected override async _open(): Promise<void> {
    const { signal } = this.#ending
    try {
      this.#source = await openSource(this.#origin, this.opts, signal)
    } catch (cause) {
      throw signal.aborted ? closed(cause) : openingError(cause)
    }
    this.client = this.#source.multi
  }

  /** Closes it, also while it opens: that then rejects with DRIVE_NOT_READY. */
  override close(): Promise<void> {
    this.#ending.abort()
    return super.close()
  }

  protected override async _close(): Promise<void> {
    const stopped = await Promise.allSettled(
      [...this.#downloads].map((download) => download.stop('DRIVE_NOT_READY', 'it was closed'))
    )
    await this.#source?.close()
    const failed = stopped.find((result) => result.status === 'rejected')
    if (failed) throw failed.reason
    this.client = null
  }

  async #open(): Promise<MultiDrive> {
    // Where it did not open, that says why.
    if (this.opening !== null || this.closing === null) await this.ready()
    return this.#require()
  }

  #require(): MultiDrive {
    if (this.closing !== null || this.client === null) throw closed()
    return this.client
  }

  async #file(path: string): Promise<{ multi: MultiDrive; entry: Entry }> {
    const multi = await this.#open()
    return { multi, entry: await this.#asked(path, fileAt(multi, path, this.#patience)) }
  }

  async #asked<T>(path: string, answer: Promise<T>): Promise<T> {
    return answer.catch((cause: unknown) => {
      const err = loaderError(cause, toKey(path))
      if (err.code === 'FILE_NOT_FOUND' && this.client) requireAnswers(this.client, path, err)
      throw err
    })
  }
}

function closed(cause?: unknown): TransferError {
  return new TransferError('DRIVE_NOT_READY', { detail: 'the loader was closed', cause })
}

function isReporter(opts: object | null): opts is ProgressReporter {
  return opts !== null && 'update' in opts && typeof opts.update === 'function'
}

function jobOf(view: MultiDrive, found: Found, opts: LoaderDownloadOptions): DownloadJob {
  const { key: file } = found
  if ('error' in found) return { file, size: 0, run: () => Promise.reject(found.error) }
  if ('target' in found) return { file, size: 0, run: linkTo(found, opts) }
  const size = found.entry.value.blob!.byteLength
  const run =
    opts.diskPath === undefined ? toStore(view, found, opts) : toDisk(view, found, opts.diskPath, opts)
  return { file, size, run }
}

/** What a link in the folder leads to comes with the folder. */
function linkTo(found: FoundLink, { diskPath }: LoaderDownloadOptions): DownloadJob['run'] {
  return async (signal) => {
    // It has no bytes that could be elsewhere.
    if (diskPath === undefined) return true
    const target = await destinationOf(diskPath, found.name)
    const to = join(resolve(diskPath), ...found.targetName.split('/'))
    return inTurn(target, signal, () => saveLink(to, target))
  }
}

function toStore(view: MultiDrive, { entry }: FoundFile, opts: LoaderDownloadOptions): DownloadJob['run'] {
  return async (signal, onprogress) => {
    if (await view.has(entry.key)) return true
    const download = view.download(entry.key, opts.timeout === undefined ? {} : { timeout: opts.timeout })
    download.on('progress', ({ bytesDone }) => onprogress(bytesDone))
    const stop = () => download.destroy()
    signal.addEventListener('abort', stop)
    try {
      if (signal.aborted) stop()
      await download.done()
      return false
    } finally {
      signal.removeEventListener('abort', stop)
    }
  }
}

function toDisk(
  view: MultiDrive,
  found: FoundFile,
  diskPath: string,
  opts: LoaderDownloadOptions
): DownloadJob['run'] {
  const { entry } = found
  const file: SavedFile = {
    key: found.key,
    size: entry.value.blob!.byteLength,
    version: versionOf(entry),
    mtime: entry.mtime,
    executable: entry.value.executable,
    async *read(start, signal) {
      const timeout = opts.timeout === undefined ? {} : { timeout: opts.timeout }
      const stream = view.createReadStream(entry, { start, ...timeout })
      const stop = () => stream.destroy()
      signal.addEventListener('abort', stop)
      try {
        signal.throwIfAborted()
        yield* stream as AsyncIterable<Uint8Array>
      } finally {
        signal.removeEventListener('abort', stop)
        stream.destroy()
      }
    }
  }
  return async (signal, onprogress) => {
    const target = await destinationOf(diskPath, found.name)
    return inTurn(target, signal, () => saveFile(file, target, { signal, onprogress }))
  }
}

/** What tells a version of a file from every other; null where nothing does. */
function versionOf({ drive, mtime, seq, value }: Entry): string | null {
  const { key = null, root = null } = drive as { key?: Buffer | null; root?: string }
  if (seq === null && mtime === null) return null
  return JSON.stringify([key?.toString('hex') ?? root, seq, mtime, value.blob])
}

/** Whether the bytes of a drive may be nowhere else. */
function isOwn(drive: Drive): boolean {
  const { core, writable } = drive as {
    writable?: boolean
    core?: { core?: { header?: { keyPair?: { secretKey?: unknown } | null } | null } | null }
  }
  // A session that cannot be written to may be of a core that can.
  return writable === true || Boolean(core?.core?.header?.keyPair?.secretKey)
}
