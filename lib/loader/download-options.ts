import { hasMethods, invalid, isObject, toOptions, toTimeout } from './arguments.ts'
import type { DownloadReport, ProgressReporter } from './progress.ts'

export interface LoaderDownloadOptions {
  /** The folder on the disk that the files go to. Default: none, they are kept in the store. */
  readonly diskPath?: string | undefined
  /**
   * Whether files that are saved to `diskPath` stay in the store too; else they are removed from there, unless they were there before.
   * Default: true, but false where the store is a temporary one.
   */
  readonly keep?: boolean | undefined
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

/** The options of a download when they were checked. */
export interface DownloadPlan {
  /** Null where the files stay in the store. */
  readonly diskPath: string | null
  readonly keep: boolean
  readonly reporter: ProgressReporter | null
  readonly callback: ((report: DownloadReport) => void) | null
  /** In milliseconds; undefined for the default. */
  readonly interval: number | undefined
  readonly concurrency: number
  /** As the calls of a drive take it. */
  readonly patience: { readonly timeout?: number }
}

/** So many files are fetched at once where nobody says. */
export const CONCURRENCY = 4

/**
 * @param keep - its default
 * @throws EINVAL for an option that is none; null is for what is not given
 */
export function toPlan(
  opts: LoaderDownloadOptions | ProgressReporter | null | undefined,
  keep: boolean
): DownloadPlan {
  const given: { readonly [name in keyof LoaderDownloadOptions]?: unknown } =
    isObject(opts) && 'update' in opts ? { progressReporter: opts } : toOptions<LoaderDownloadOptions>(opts)
  const { progressReporter, progressCallback, concurrency, diskPath } = given
  if (progressReporter != null && !hasMethods(progressReporter, ['update', 'completeFile']))
    throw invalid('progressReporter has update() and completeFile()')
  if (progressCallback != null && typeof progressCallback !== 'function')
    throw invalid('progressCallback is a function')
  if (concurrency != null && !(Number.isInteger(concurrency) && Number(concurrency) >= 1))
    throw invalid('concurrency is a whole number from 1 on')
  if (diskPath != null && !(typeof diskPath === 'string' && diskPath !== '' && !diskPath.includes('\0')))
    throw invalid('diskPath is the path of a folder')
  if (given.keep != null && typeof given.keep !== 'boolean') throw invalid('keep is true or false')
  const reporter = (progressReporter ?? null) as ProgressReporter | null
  const interval = toTimeout(given.progressReportInterval, 'progressReportInterval')
  const own = toTimeout(reporter?.progressReportInterval, 'progressReportInterval')
  const timeout = toTimeout(given.timeout)
  return {
    diskPath: diskPath ?? null,
    keep: given.keep ?? keep,
    reporter,
    callback: (progressCallback ?? null) as DownloadPlan['callback'],
    interval: own ?? interval,
    concurrency: (concurrency as number | null | undefined) ?? CONCURRENCY,
    patience: timeout === undefined ? {} : { timeout }
  }
}
