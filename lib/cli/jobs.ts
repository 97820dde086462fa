import { CONCURRENCY } from '../loader/download-options.ts'
import type { Option } from './command.ts'
import { atLeast } from './numbers.ts'

/** Of commands that bring several files at once. */
export const JOBS_OPTION: Option = [
  '-j, --jobs <count>',
  `so many files at once (default: ${CONCURRENCY})`,
  atLeast(1)
]

/** Files that come side by side. When one fails, the others stop and none is begun any more. */
export class Jobs {
  readonly #atOnce: number
  readonly #stopping = new AbortController()
  readonly #signal: AbortSignal
  readonly #running = new Set<Promise<void>>()
  #failure: { readonly error: unknown } | null = null

  private constructor(signal: AbortSignal, atOnce: number) {
    this.#atOnce = atOnce
    this.#signal = AbortSignal.any([signal, this.#stopping.signal])
  }

  /**
   * Has files added, and resolves when they are through.
   *
   * @param signal - stops all of them
   * @param atOnce - how many there are at a time, at most; undefined for the default
   * @throws what failed first, be it one of them or what adds them, when none is at work any more
   */
  static async run(
    signal: AbortSignal,
    atOnce: number | undefined,
    adding: (jobs: Jobs) => Promise<void>
  ): Promise<void> {
    const jobs = new Jobs(signal, atOnce ?? CONCURRENCY)
    try {
      await adding(jobs)
      await jobs.drain()
    } catch (error) {
      jobs.#fail(error)
    }
    await Promise.all(jobs.#running)
    if (jobs.#failure) throw jobs.#failure.error
  }

  /** Ends with them. */
  get signal(): AbortSignal {
    return this.#signal
  }

  /**
   * Begins a file. Resolves when there is room for the next one.
   *
   * @param work - to be stopped by its signal
   * @throws what one that was added before has failed with
   */
  async add(work: (signal: AbortSignal) => Promise<void>): Promise<void> {
    this.#check()
    const running = work(this.#signal)
      .catch((error: unknown) => this.#fail(error))
      .finally(() => this.#running.delete(running))
    this.#running.add(running)
    while (this.#running.size >= this.#atOnce) await Promise.race(this.#running)
    this.#check()
  }

  /**
   * Resolves when all that were added are through.
   *
   * @throws what one of them has failed with
   */
  async drain(): Promise<void> {
    await Promise.all(this.#running)
    this.#check()
  }

  /** What ends because of it, fails after it. */
  #fail(error: unknown): void {
    this.#failure ??= { error }
    this.#stopping.abort()
  }

  #check(): void {
    if (this.#failure) throw this.#failure.error
    this.#signal.throwIfAborted()
  }
}
