import { EventEmitter } from 'node:events'
import { failure, MultiDriveError } from '../../errors.ts'
import type { ReadOptions } from '../../drive.ts'
import type { Located } from '../../overlay/view.ts'
import type { ListOptions } from './list.ts'
import { presenceOf } from './presence.ts'
import { nameDrive } from './streams.ts'

export interface DownloadOptions extends ListOptions {
  /** Give a file up when no byte of it came for so many milliseconds; 0, the default, waits without bound. */
  timeout?: number
}

/** How far a download is. Files count from when they are found: the sums grow while the folder is gone through. */
export interface DownloadProgress {
  /** Found so far. */
  readonly files: number
  /** Of these, with all their bytes on this machine. */
  readonly filesDone: number
  /** Of the files found so far. */
  readonly bytes: number
  /** Of these, on this machine; never less than it was. */
  readonly bytesDone: number
}

/** So many files are fetched at once. */
const FETCHING = 16

/** A file of which no byte came for so long, in milliseconds, makes room for another: its peers may be away. */
const STALL = 1000

/** So many files wait for their peers beside those that are fetched, at most. */
const WAITING = 256

/** So many failures are told of, at most. */
const TOLD = 64

/**
 * Files on their way to this machine. One that fails holds up no other.
 *
 * Events: `progress` (DownloadProgress).
 */
export class Download extends EventEmitter<{ progress: [DownloadProgress] }> {
  readonly #path: string
  readonly #opts: ReadOptions
  readonly #done: Promise<void>
  readonly #running = new Map<Promise<void>, AbortController>()
  readonly #failures: MultiDriveError[] = []
  readonly #over = new AbortController()
  #stop: (err: Error) => void = () => undefined
  /** Wakes who waits for a file to make room. */
  #wake: () => void = () => undefined
  #fetching = 0
  #files = 0
  #filesDone = 0
  #bytes = 0
  #bytesDone = 0
  #isNews = false

  /**
   * @internal
   * @param find - gives the files, until the signal says that nobody wants any more
   * @param path - as the caller named it, for errors
   */
  constructor(
    find: (signal: AbortSignal) => AsyncIterable<Located> | Promise<AsyncIterable<Located>>,
    opts: ReadOptions,
    path = '/'
  ) {
    super()
    this.#path = path
    this.#opts = opts
    this.#done = new Promise((resolve, reject) => {
      this.#stop = reject
      this.#run(find).then(resolve, reject)
    })
    // Whoever waits for it hears of a failure.
    this.#done.catch(() => undefined)
  }

  get progress(): DownloadProgress {
    return {
      files: this.#files,
      filesDone: this.#filesDone,
      bytes: this.#bytes,
      bytesDone: this.#bytesDone
    }
  }

  /**
   * Resolves when all is on this machine.
   *
   * @throws ABORT_ERR when it was destroyed, EINVAL for a bad path; when all is through the first failure of a file, with its drive and its
   *   path and the others as `failures`: BLOCK_NOT_AVAILABLE, REQUEST_TIMEOUT, or the drive's own
   */
  done(): Promise<void> {
    return this.#done
  }

  /** Stops it at once; what has come stays. Does nothing once it is through. */
  destroy(): void {
    this.#stop(failure('ABORT_ERR', { syscall: 'download', path: this.#path }))
    this.#over.abort()
    for (const fetching of this.#running.values()) fetching.abort()
    this.#wake()
  }

  async #run(
    find: (signal: AbortSignal) => AsyncIterable<Located> | Promise<AsyncIterable<Located>>
  ): Promise<void> {
    const { signal } = this.#over
    for await (const located of await find(signal)) {
      while (this.#isFull) await new Promise<void>((resolve) => (this.#wake = resolve))
      if (signal.aborted) return
      this.#begin(located)
    }
    await Promise.all(this.#running.keys())
    this.#emit()
    const [first] = this.#failures
    if (first) throw withOthers(first, this.#failures)
  }

  get #isFull(): boolean {
    if (this.#over.signal.aborted) return false
    return this.#fetching >= FETCHING || this.#running.size >= FETCHING + WAITING
  }

  #begin(located: Located): void {
    const stopping = new AbortController()
    const running = this.#fetch(located, stopping)
      .catch((err: unknown) => {
        if (this.#failures.length < TOLD) this.#failures.push(nameDrive(err, located, 'download'))
      })
      .finally(() => {
        this.#running.delete(running)
        this.#wake()
      })
    this.#running.set(running, stopping)
  }

  async #fetch(located: Located, stopping: AbortController): Promise<void> {
    const { value, replica } = located.candidate
    const { wait, timeout = 0 } = this.#opts
    let size = value.blob!.byteLength
    let done = 0
    const count = (bytes: number) => {
      const more = Math.max(0, Math.min(bytes, size - done))
      done += more
      this.#bytesDone += more
      this.#tell()
    }
    this.#files++
    this.#bytes += size
    const makeRoom = this.#takeRoom()
    const stalled = setTimeout(makeRoom, STALL)
    const late = timeout > 0 ? setTimeout(() => stopping.abort(timedOut()), timeout) : null
    try {
      if (replica) {
        count((await replica.presence()).localBytes)
        await replica.fetch({
          ...(wait === undefined ? {} : { wait }),
          signal: stopping.signal,
          onbytes: (bytes) => {
            stalled.refresh()
            late?.refresh()
            count(bytes)
          }
        })
        // A file may say of its size what only its map can tell.
        const { bytes } = await presenceOf(located, 'download')
        this.#bytes += Math.max(done, bytes) - size
        size = Math.max(done, bytes)
      }
      this.#filesDone++
      count(size)
    } finally {
      clearTimeout(stalled)
      if (late) clearTimeout(late)
      makeRoom()
    }
  }

  /** @returns what gives the room back, once */
  #takeRoom(): () => void {
    let isTaken = true
    this.#fetching++
    return () => {
      if (!isTaken) return
      isTaken = false
      this.#fetching--
      this.#wake()
    }
  }

  #tell(): void {
    if (this.#isNews) return
    this.#isNews = true
    // Later: what a listener throws is not for the drive that the bytes come from.
    process.nextTick(() => this.#emit())
  }

  #emit(): void {
    if (this.#isNews && !this.#over.signal.aborted) this.emit('progress', this.progress)
    this.#isNews = false
  }
}

function timedOut(): MultiDriveError {
  return new MultiDriveError('REQUEST_TIMEOUT', 'REQUEST_TIMEOUT: nothing of it came in time')
}

function withOthers(first: MultiDriveError, failures: readonly MultiDriveError[]): MultiDriveError {
  const { code, message, cause, drive, path, syscall } = first
  return new MultiDriveError(code, message, {
    cause,
    drive: drive ?? null,
    ...(path === undefined ? {} : { path }),
    ...(syscall === undefined ? {} : { syscall }),
    failures
  })
}
