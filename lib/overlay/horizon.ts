import type { Drive } from '../drive.ts'
import type { Version } from '../sources/source.ts'
import { LONGEST } from '../wait.ts'
import type { Rules } from './resolve.ts'

/** The horizon of one view. */
export interface HorizonNow extends Rules {
  /**
   * Views of one epoch believe the same dates, of those that have been met; null for one that is compared with any other as if every date
   * may be believed by now.
   */
  readonly epoch: number | null
}

/** That of views which believe any date. */
export const ENDLESS: HorizonNow = { horizon: Infinity, epoch: 0 }

/**
 * The latest date that is believed (option `maxClockSkew`). It moves on with the local clock; an epoch ends when it reaches a date that a
 * read has met beyond it, which changes what is shown though no drive has changed.
 */
export class Horizon {
  readonly #maxClockSkew: number
  /** The soonest date that has been met beyond it. Those behind it are met again by whoever looks again when it is reached. */
  #next: { readonly mtime: number; readonly drive: Drive } | null = null
  #epoch = 0
  #tell: ((drive: Drive) => void) | null = null
  #timer: NodeJS.Timeout | undefined

  /** @param maxClockSkew - milliseconds that it is ahead of the local clock */
  constructor(maxClockSkew: number) {
    this.#maxClockSkew = maxClockSkew
  }

  now(): HorizonNow {
    const horizon = this.#advance()
    const epoch = this.#epoch
    return { horizon, epoch, meet: (version) => this.#meet(version, epoch) }
  }

  /** From now on tells of the drive whose date has been reached, until {@link ignore} is called. */
  listen(tell: (drive: Drive) => void): void {
    this.#tell = tell
    this.#wait()
  }

  ignore(): void {
    this.#tell = null
    clearTimeout(this.#timer)
  }

  #meet({ stamp, leaf }: Version, epoch: number): void {
    const mtime = stamp.mtime!
    if (this.#next && this.#next.mtime <= mtime) return
    // Whoever has a view of an epoch that is over has been told, or will be.
    if (epoch !== this.#epoch && mtime <= Date.now() + this.#maxClockSkew) return
    this.#next = { mtime, drive: leaf.drive }
    this.#wait()
  }

  #wait(): void {
    clearTimeout(this.#timer)
    if (this.#next === null || this.#tell === null) return
    const left = this.#next.mtime - this.#maxClockSkew - Date.now()
    this.#timer = setTimeout(
      () => {
        this.#advance()
        this.#wait()
      },
      Math.min(Math.max(left, 1), LONGEST)
    ).unref()
  }

  #advance(): number {
    const horizon = Date.now() + this.#maxClockSkew
    const reached = this.#next
    if (reached === null || reached.mtime > horizon) return horizon
    this.#epoch++
    this.#next = null
    // A read that comes upon it is not to run the listeners.
    process.nextTick(() => this.#tell?.(reached.drive))
    return horizon
  }
}
