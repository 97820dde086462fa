import { EventEmitter } from 'node:events'
import { failure, MultiDriveError } from '../../errors.ts'
import type { ReadOptions } from '../../drive.ts'
import type { Located } from '../../overlay/view.ts'
import { compareKeys } from '../../path.ts'
import type { Leaf } from '../../sources/source.ts'
import { startTimer } from '../../wait.ts'
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

/**
 * When so many files of one drive wait for its peers, the rest of that drive's is left for later, so that it holds up no other drive. With
 * those that are fetched they are fewer than the ranges that a Hypercore asks for at a time.
 */
const WAITING = 40

/** So many failures are told of, at most. */
const TOLD = 64

/**
 * Gives the files of a download in the order of keys, the same at each call.
 *
 * @param signal - says that nobody wants any more
 * @param from - the first key that is wanted; who gives those before it as well does no harm
 */
export type FindFiles = (
  signal: AbortSignal,
  from?: string
) => AsyncIterable<Located> | Promise<AsyncIterable<Located>>

/** Where the rest of a drive's files begins. */
type Rest = ReadonlyMap<Leaf, string>

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
  #wake: () => void = () => undefined
  #fetching = 0
  readonly #waiting = new Map<Leaf, number>()
  #files = 0
  #filesDone = 0
  #bytes = 0
  #bytesDone = 0
  #isNews = false

  /**
   * @internal
   * @param path - as the caller named it, for errors
   */
  constructor(find: FindFiles, opts: ReadOptions, path = '/') {
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

  async #run(find: FindFiles): Promise<void> {
    const { signal } = this.#over
    let rest: Rest | null = null
    do {
      rest = await this.#beginAll(find, rest)
      while (
        !signal.aborted &&
        rest.size > 0 &&
        [...rest.keys()].every((leaf) => this.#waits(leaf) > WAITING / 2)
      )
        await this.#change()
    } while (!signal.aborted && rest.size > 0)
    await Promise.all(this.#running.keys())
    this.#emit()
    const [first] = this.#failures
    if (first) throw withOthers(first, this.#failures)
  }

  /**
   * Begins files as there is room.
   *
   * @param rest - the files to begin with, null for all
   * @returns those that are left, of drives whose peers do not give what they are asked for
   */
  async #beginAll(find: FindFiles, rest: Rest | null): Promise<Rest> {
    const { signal } = this.#over
    const left = new Map<Leaf, string>()
    const from = rest ? [...rest.values()].sort(compareKeys)[0] : undefined
    for await (const located of await find(signal, from)) {
      const { key, leaf } = located.candidate
      const start = rest?.get(leaf)
      if (rest && (start === undefined || compareKeys(key, start) < 0)) continue
      if (left.has(leaf)) continue
      while (!signal.aborted && this.#fetching >= FETCHING) await this.#change()
      if (signal.aborted) break
      if (this.#waits(leaf) < WAITING) this.#begin(located)
      else left.set(leaf, key)
      if (rest && left.size === rest.size) break
    }
    return left
  }

  /** How many files of a drive wait for its peers. */
  #waits(leaf: Leaf): number {
    return this.#waiting.get(leaf) ?? 0
  }

  /** Resolves when a file is through, makes room, or all is over. */
  #change(): Promise<void> {
    return new Promise((resolve) => (this.#wake = resolve))
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
    const room = this.#takeRoom(located.candidate.leaf)
    const stalled = setTimeout(room.wait, STALL)
    const late = startTimer(timeout, () => stopping.abort(timedOut()))
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
      room.leave()
    }
  }

  /** Counts a file as one that is fetched until it has to wait, and as that until it leaves. */
  #takeRoom(leaf: Leaf): { wait: () => void; leave: () => void } {
    let isWaiting = false
    this.#fetching++
    const wait = () => {
      if (isWaiting) return
      isWaiting = true
      this.#fetching--
      this.#waiting.set(leaf, this.#waits(leaf) + 1)
      this.#wake()
    }
    const leave = () => {
      if (isWaiting) this.#waiting.set(leaf, this.#waits(leaf) - 1)
      else this.#fetching--
      this.#wake()
    }
    return { wait, leave }
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
