/** What a callback is told of a download. Nothing in it is ever less than it was, but for what is of the one file. */
export interface DownloadReport {
  readonly action: 'loadingFile'
  /** The path in the drive of the file that came further. */
  readonly currentFile: string
  /** Of that file, in percent, 0 to 100. */
  readonly currentFileProgress: number
  /** Of all files, in percent of their bytes. */
  readonly overallProgress: number
  /** Of all files, in bytes. */
  readonly totalSize: number
  /** How many of them are here, those that were before among them. */
  readonly loadedSize: number
  readonly totalFiles: number
  /** How many files are whole. */
  readonly filesProcessed: number
}

/** What is told how far files are. */
export interface ProgressReporter {
  /** So many bytes of a file came since it was last told, those that were here before the first time. */
  update(file: string, bytes: number): void
  /** A file is whole. */
  completeFile(file: string): void
  /** There are so many milliseconds at least between two updates of one file. Default 100. */
  readonly progressReportInterval?: number | undefined
}

const INTERVAL = 100

/** Makes reports for a callback. */
export class CallbackReporter implements ProgressReporter {
  readonly #sizes: ReadonlyMap<string, number>
  readonly #loaded = new Map<string, number>()
  readonly #report: (report: DownloadReport) => void
  readonly #totalSize: number
  #loadedSize = 0
  #complete = 0

  /** @param sizes - of every file, in bytes */
  constructor(sizes: ReadonlyMap<string, number>, report: (report: DownloadReport) => void) {
    this.#sizes = sizes
    this.#report = report
    this.#totalSize = [...sizes.values()].reduce((sum, size) => sum + size, 0)
  }

  update(file: string, bytes: number): void {
    this.#loadedSize += bytes
    const loaded = (this.#loaded.get(file) ?? 0) + bytes
    this.#loaded.set(file, loaded)
    this.#tell(file, percent(loaded, this.#sizes.get(file) ?? 0))
  }

  completeFile(file: string): void {
    this.#complete++
    this.#tell(file, 100)
  }

  #tell(file: string, currentFileProgress: number): void {
    const totalFiles = this.#sizes.size
    const isWhole = this.#complete === totalFiles
    this.#report({
      action: 'loadingFile',
      currentFile: file,
      currentFileProgress,
      overallProgress: isWhole ? 100 : percent(this.#loadedSize, this.#totalSize),
      totalSize: this.#totalSize,
      loadedSize: this.#loadedSize,
      totalFiles,
      filesProcessed: this.#complete
    })
  }
}

function percent(part: number, whole: number): number {
  return whole === 0 ? 0 : (part / whole) * 100
}

/** Tells a reporter of one file, not too often, and never that it went back. */
export class FileProgress {
  readonly #file: string
  readonly #size: number
  readonly #reporter: ProgressReporter | null
  readonly #interval: number
  #loaded = 0
  #told = 0
  #toldAt = -Infinity

  /** @param interval - between two reports, in milliseconds */
  constructor(file: string, size: number, reporter: ProgressReporter | null, interval = INTERVAL) {
    this.#interval = interval
    this.#file = file
    this.#size = size
    this.#reporter = reporter
  }

  /** How many bytes are here. */
  get loaded(): number {
    return this.#loaded
  }

  /** @param bytes - how many of all are here */
  reach(bytes: number): void {
    this.#loaded = Math.max(this.#loaded, Math.min(bytes, this.#size))
    const now = performance.now()
    if (now - this.#toldAt >= this.#interval) this.#tell(now)
  }

  complete(): void {
    this.#loaded = this.#size
    this.#tell(performance.now())
    call(() => this.#reporter?.completeFile(this.#file))
  }

  #tell(now: number): void {
    const more = this.#loaded - this.#told
    if (more === 0) return
    this.#told = this.#loaded
    this.#toldAt = now
    call(() => this.#reporter?.update(this.#file, more))
  }
}

/** What a reporter throws is its own affair: here it would look like a failure of the file. */
function call(report: () => void): void {
  try {
    report()
  } catch (err) {
    process.nextTick(() => {
      throw err
    })
  }
}
