import pLimit from 'p-limit'
import type { Option } from './command.ts'
import { atLeast } from './numbers.ts'

/** So many files come at once where nobody says. */
const AT_ONCE = 4

/** So many more are looked for while those come. */
const AHEAD = 64

export const JOBS: Option = ['-j, --jobs <count>', `so many files at once (default: ${AT_ONCE})`, atLeast(1)]

interface Job {
  readonly done: Promise<void>
  readonly tell: () => Promise<void>
}

/** Files that are copied side by side, and told of one after another. When one fails, the others stop and none is begun any more. */
export class Jobs {
  readonly #limit
  readonly #failed = new AbortController()
  readonly #signal: AbortSignal
  readonly #jobs: Job[] = []

  private constructor(signal: AbortSignal, atOnce: number) {
    this.#limit = pLimit(atOnce)
    this.#signal = AbortSignal.any([signal, this.#failed.signal])
  }

  /**
   * Has files added, and resolves when they are through and told of.
   *
   * @param signal - stops all of them
   * @throws what the first has failed with, when none is at work any more
   */
  static async run(
    signal: AbortSignal,
    atOnce: number | undefined,
    adding: (jobs: Jobs) => Promise<void>
  ): Promise<void> {
    const jobs = new Jobs(signal, atOnce ?? AT_ONCE)
    try {
      await adding(jobs)
      await jobs.drain()
    } finally {
      jobs.#failed.abort()
      await Promise.allSettled(jobs.#jobs.map(({ done }) => done))
    }
  }

  /**
   * Begins a file as soon as there is room. Resolves when the next one may be added.
   *
   * @param work - to be stopped by its signal
   * @param tell - when it is through, and all that were added before are told of
   * @throws what one of those before has failed with
   */
  async add(work: (signal: AbortSignal) => Promise<void>, tell: () => Promise<void>): Promise<void> {
    if (this.#failed.signal.aborted) await this.drain()
    const done = this.#limit(async () => {
      this.#signal.throwIfAborted()
      try {
        await work(this.#signal)
      } catch (err) {
        this.#failed.abort(err)
        throw err
      }
    })
    // Its turn to be waited for may be later.
    done.catch(() => undefined)
    this.#jobs.push({ done, tell })
    while (this.#jobs.length > AHEAD) await this.#next()
  }

  /**
   * Resolves when all that were added are through and told of.
   *
   * @throws what the first has failed with
   */
  async drain(): Promise<void> {
    while (this.#jobs.length > 0) await this.#next()
  }

  async #next(): Promise<void> {
    const { done, tell } = this.#jobs.shift()!
    await done
    await tell()
  }
}
