import { dirname, join, relative, resolve } from 'node:path'
import type MultiDrive from '../../index.ts'
import type { Drive, Entry, RangeOptions, ReadableOf } from '../../index.ts'
import { destinationOf } from '../share/destination.ts'
import { isOwn } from '../share/drives.ts'
import { fileOf } from '../share/entry-file.ts'
import { TransferError } from '../share/errors.ts'
import { isBegun } from '../share/partial.ts'
import { isSaved, saveFile, saveLink } from '../share/save.ts'
import { giveBack, Transit } from '../share/transit.ts'
import { checkPath, invalid, toOptions, toRange } from './arguments.ts'
import { Base } from './base.ts'
import { LoaderDownload, type DownloadJob } from './download.ts'
import { toPlan, type DownloadPlan, type LoaderDownloadOptions } from './download-options.ts'
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
import { checkLogger, settingsOf, type HyperDriveDLOptions, type Settings } from './options.ts'
import { CallbackReporter, type ProgressReporter } from './progress.ts'
import { openSource, type LoaderSource } from './source.ts'
import { inTurn } from './turns.ts'

/** A file of a listing. */
export interface ListedFile {
  /** Its path in the drive. */
  readonly key: string
  /** Whether all its bytes are on this machine. */
  readonly cached: boolean
}

/**
 * Loads files from Hyperdrives, such as the weights of a model for what runs it. It opens by itself when it is first asked for something,
 * and all that it is asked for after it was closed rejects with DRIVE_NOT_READY.
 */
export class HyperDriveDL extends Base<HyperDriveDLOptions, MultiDrive> {
  readonly #settings: Settings
  readonly #patience: Patience
  readonly #downloads = new Set<LoaderDownload>()
  readonly #ending = new AbortController()
  #source: LoaderSource | null = null
  #transit: Transit | null = null

  /** @throws KEY_OR_DRIVE_REQUIRED, KEY_INVALID; EINVAL for any other option that is none */
  constructor(opts: HyperDriveDLOptions) {
    checkLogger(opts)
    super(opts)
    this.#settings = settingsOf(opts)
    this.#patience = { timeout: this.#settings.timeout }
  }

  /**
   * The bytes of a file, or some of them, as a stream; links are followed. It stays on the version that is newest now.
   *
   * @param opts - `start`, `end` (inclusive) or `length`, in bytes; `wait` and `timeout`, in milliseconds, for bytes that are not here
   * @throws FILE_NOT_FOUND when there is none, or a folder; CONNECTION_FAILED, DRIVE_NOT_READY; EINVAL for a path or an option that is none
   */
  async getStream(path: string, opts?: RangeOptions | null): Promise<ReadableOf<Buffer>> {
    const range = toRange(opts)
    const { multi, entry } = await this.#file(path)
    return multi.createReadStream(entry, range) as ReadableOf<Buffer>
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
   * @throws FILE_NOT_FOUND when there is no such folder; CONNECTION_FAILED, DRIVE_NOT_READY; EINVAL for a path or an option that is none
   */
  list(folder: string | undefined, opts: { readonly names: true }): Promise<string[]>
  list(folder?: string, opts?: { readonly names?: false | undefined } | null): Promise<ListedFile[]>
  async list(folder = '/', opts: { readonly names?: boolean | undefined } | null = null): Promise<unknown> {
    checkPath(folder)
    const { names = false } = toOptions(opts)
    if (typeof names !== 'boolean') throw invalid('names is true or false')
    const multi = await this.#open()
    const found = await this.#asked(
      folder,
      filesAt(multi, folder.endsWith('/') ? folder : `${folder}/`, this.#patience)
    )
    requireAnswers(multi, folder)
    const files = found.filter((file) => 'entry' in file || ('target' in file && file.leadsTo === 'file'))
    if (names) return files.map(({ name }) => name)
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
   * @throws DRIVE_NOT_READY; EINVAL for what is no path; what keeps it from being known
   */
  async cached(path: string): Promise<boolean> {
    checkPath(path)
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
   * @throws FILE_NOT_FOUND when there is neither; CONNECTION_FAILED, DRIVE_NOT_READY; EINVAL for a path or an option that is none
   */
  async download(
    path: string,
    opts: LoaderDownloadOptions | ProgressReporter | null = {}
  ): Promise<LoaderDownload> {
    checkPath(path)
    const plan = toPlan(opts, keepsFetched(this.#settings))
    const { concurrency, callback, interval } = plan
    const multi = await this.#open()
    // All files of one version, whatever is written meanwhile.
    const view = multi.checkout(multi.version)
    try {
      const found = await this.#asked(path, filesAt(view, path, this.#patience))
      if (found.length !== 1 || found[0]!.key !== toKey(path)) requireAnswers(multi, path)
      const transit = plan.keep ? null : this.#transitOf(multi)
      const jobs = found.map((file) => jobOf(view, file, plan, transit))
      const reporter =
        plan.reporter ??
        (callback && new CallbackReporter(new Map(jobs.map(({ file, size }) => [file, size])), callback))
      // It may have been closed while it looked.
      this.#require()
      const download = new LoaderDownload(jobs, {
        concurrency,
        reporter,
        interval,
        end: async () => {
          this.#downloads.delete(download)
          await transit?.end()
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
   * @throws FILE_NOT_FOUND, CONNECTION_FAILED, DRIVE_NOT_READY; EINVAL for what is no path
   */
  async deleteLocal(path = '/'): Promise<boolean> {
    checkPath(path)
    const multi = await this.#open()
    const remove = async () => {
      const cleared = new Set<Drive>()
      for (const file of await filesAt(multi, path, this.#patience)) {
        if (!('entry' in file) || isOwn(file.entry.drive)) continue
        const gone = await multi.clear(file.entry, { diff: true })
        if (gone !== null && gone.blocks > 0) cleared.add(file.entry.drive)
      }
      await giveBack(cleared)
      return cleared.size > 0
    }
    return this.#asked(path, remove())
  }

  protected override async _open(): Promise<void> {
    const { signal } = this.#ending
    try {
      this.#source = await openSource(this.#settings, signal)
    } catch (cause) {
      throw signal.aborted ? closed(cause) : openingError(cause)
    }
    this.client = this.#source.multi
  }

  /**
   * Opens it, once; resolves when it is open.
   *
   * @throws CONNECTION_FAILED when nobody has answered in time, or has told of the version; DRIVE_NOT_READY when it was closed, and when the
   *   drive that was given is closed or has not come to the version; EINVAL for a version that the drive cannot have
   */
  override ready(): Promise<void> {
    // Where it did not open, that says why.
    const isOver = this.closing !== null && (this.opened || this.opening === null)
    return isOver ? Promise.reject(closed()) : super.ready()
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
    await this.ready()
    return this.#require()
  }

  /** One for all downloads, as they read from the same stores. */
  #transitOf(multi: MultiDrive): Transit {
    return (this.#transit ??= new Transit(multi, (err) => this.logger.warn(err)))
  }

  #require(): MultiDrive {
    if (this.closing !== null || this.client === null) throw closed()
    return this.client
  }

  async #file(path: string): Promise<{ multi: MultiDrive; entry: Entry }> {
    checkPath(path)
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

/** A store that is removed at close would only take room. */
function keepsFetched({ origin, store }: Settings): boolean {
  return 'drive' in origin || store !== undefined
}

function closed(cause?: unknown): TransferError {
  return new TransferError('DRIVE_NOT_READY', { detail: 'the loader was closed', cause })
}

function jobOf(view: MultiDrive, found: Found, plan: DownloadPlan, transit: Transit | null): DownloadJob {
  const { key: file } = found
  if ('error' in found) return { file, size: 0, run: () => Promise.reject(found.error) }
  if ('target' in found) return { file, size: 0, run: linkTo(found, plan) }
  const size = found.entry.value.blob!.byteLength
  const run =
    plan.diskPath === null ? toStore(view, found, plan) : toDisk(view, found, plan.diskPath, plan, transit)
  return { file, size, run }
}

/** What a link in the folder leads to comes with the folder. */
function linkTo(found: FoundLink, { diskPath }: DownloadPlan): DownloadJob['run'] {
  return async (signal) => {
    // It has no bytes that could be elsewhere.
    if (diskPath === null) return true
    const target = await destinationOf(diskPath, found.name)
    const to = join(resolve(diskPath), ...found.targetName.split('/'))
    return inTurn(target, signal, () => saveLink(relative(dirname(target), to) || '.', target))
  }
}

function toStore(view: MultiDrive, { entry }: FoundFile, { patience }: DownloadPlan): DownloadJob['run'] {
  return async (signal, onprogress) => {
    if (await view.has(entry.key)) return true
    const download = view.download(entry.key, patience)
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
  { key, name, entry }: FoundFile,
  to: string,
  { patience }: DownloadPlan,
  transit: Transit | null
): DownloadJob['run'] {
  const file = fileOf(view, entry, { key, ...patience })
  return async (signal, onprogress) => {
    const target = await destinationOf(to, name)
    return inTurn(target, signal, async () => {
      const isThere = () => isSaved(file, target, signal)
      // By its date: nothing is read for that.
      if (file.mtime !== null && (await isThere())) return true
      const save = async () => {
        if (file.mtime === null && (await isThere())) return true
        await saveFile(file, target, { signal, onprogress })
        return false
      }
      return transit ? transit.carry(view, entry, save, { isBegun: isBegun(file, target) }) : save()
    })
  }
}
