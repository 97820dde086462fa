import pLimit from 'p-limit'
import { TransferError, type TransferErrorCode } from '../share/errors.ts'
import { loaderError } from './failure.ts'
import { FileProgress, type ProgressReporter } from './progress.ts'

/** What became of one file. */
export interface DownloadResult {
  /** Its path in the drive. */
  readonly file: string
  /** Null where it is whole. */
  readonly error: TransferError | null
  /** Whether it was there, whole, before. */
  readonly cached: boolean
}

/** A file on its way. */
export interface DownloadTracker {
  /** Its path in the drive. */
  readonly file: string
  /** In bytes. */
  readonly size: number
  /** How many of them are here; never fewer than before. */
  readonly loaded: number
  /** Whether it is through, whole or not. */
  readonly done: boolean
}

/** One file to be fetched. */
export interface DownloadJob {
  readonly file: string
  /** In bytes. */
  readonly size: number
  /**
   * Fetches it.
   *
   * @param onprogress - to be told how many of its bytes are here
   * @returns whether it was there before
   */
  run(signal: AbortSignal, onprogress: (bytes: number) => void): Promise<boolean>
}

interface DownloadSettings {
  /** How many files are fetched at once. */
  readonly concurrency: number
  readonly reporter: ProgressReporter | null
  /** Between two reports of one file, in milliseconds. */
  readonly interval: number | undefined
  /** What is done when all are through. */
  readonly end: () => Promise<void>
}

class Tracker implements DownloadTracker {
  readonly file: string
  readonly size: number
  readonly progress: FileProgress
  done = false

  constructor({ file, size }: DownloadJob, { reporter, interval }: DownloadSettings) {
    this.file = file
    this.size = size
    this.progress = new FileProgress(file, size, reporter, interval)
  }

  get loaded(): number {
    return this.progress.loaded
  }
}

/** Files on their way, so many at once; one that fails does not stop the others. */
export class LoaderDownload {
  /** One for each file, in the order of their keys. */
  readonly trackers: readonly DownloadTracker[]
  readonly #over = new AbortController()
  readonly #results: Promise<DownloadResult[]>
  #stopped: (file: string) => TransferError = (path) => new TransferError('DOWNLOAD_FAILED', { path })

  /** @internal */
  constructor(jobs: readonly DownloadJob[], settings: DownloadSettings) {
    const { concurrency, end } = settings
    const trackers = jobs.map((job) => new Tracker(job, settings))
    this.trackers = trackers
    const limit = pLimit(concurrency)
    const fetching = jobs.map((job, i) => limit(() => this.#fetch(job, trackers[i]!)))
    this.#results = Promise.all(fetching).finally(end)
    // Whoever waits for it hears of a failure to close what it read from.
    this.#results.catch(() => undefined)
  }

  /** What became of each file, in the order of `trackers`, when all are through. What kept one from being fetched is in its result. */
  await(): Promise<DownloadResult[]> {
    return this.#results
  }

  /**
   * Stops at once. What is whole stays, and what has come of the others is there for the next time; these have DOWNLOAD_FAILED in their
   * results.
   */
  cancel(): Promise<void> {
    return this.stop('DOWNLOAD_FAILED', 'it was cancelled')
  }

  /** @internal */
  async stop(code: TransferErrorCode, detail: string): Promise<void> {
    this.#stopped = (path) => new TransferError(code, { path, detail })
    this.#over.abort()
    await this.#results
  }

  async #fetch(job: DownloadJob, tracker: Tracker): Promise<DownloadResult> {
    const { file } = job
    const { signal } = this.#over
    const { progress } = tracker
    try {
      signal.throwIfAborted()
      const cached = await job.run(signal, (bytes) => progress.reach(bytes))
      progress.complete()
      return { file, error: null, cached }
    } catch (cause) {
      const error = signal.aborted ? this.#stopped(file) : loaderError(cause, file)
      return { file, error, cached: false }
    } finally {
      tracker.done = true
    }
  }
}
