import { failure } from '../errors.ts'
import { MAX_LINKS } from './tree.ts'

/** How many mounts inside mounts one reader looks at: with a few records each, drives can fan out without an end. */
const MAX_MOUNTS = 20_000

/** How long one reader waits in all for mounted drives to hear from peers for the first time, in milliseconds. */
const PATIENCE = 4000

/** A time that many waits share; what passes for several of them at once counts once. */
export class Patience {
  #left: number
  /** What was before it has been counted. */
  #counted = 0

  /** @param ms - in milliseconds */
  constructor(ms: number) {
    this.#left = ms
  }

  get left(): number {
    return this.#left
  }

  /** @param since - when the wait began that is over, by `performance.now()` */
  spend(since: number): void {
    const now = performance.now()
    this.#left -= now - Math.max(since, this.#counted)
    this.#counted = now
  }
}

/** The way from the set to what is mounted in it, and what those who read along it have left to spend. */
export class Way {
  readonly #drives: readonly string[]
  readonly #depth: number
  readonly #left: { mounts: number }
  readonly patience: Patience
  /** Mounts that are opened ahead of their turn. */
  readonly ahead: Set<unknown>

  private constructor(
    drives: readonly string[],
    depth: number,
    left: { mounts: number },
    patience: Patience,
    ahead: Set<unknown>
  ) {
    this.#drives = drives
    this.#depth = depth
    this.#left = left
    this.patience = patience
    this.ahead = ahead
  }

  static begin(): Way {
    return new Way([], 0, { mounts: MAX_MOUNTS }, new Patience(PATIENCE), new Set())
  }

  /**
   * The way into a mounted drive.
   *
   * @param origin - the id of the drive that holds the mount
   * @param name - of the drive that is mounted: its id, with its version where it has one
   * @throws ELOOP when it lies in itself, or too deep
   */
  into(origin: string, name: string): Way {
    const drives = [...this.#drives, origin]
    if (drives.includes(name)) throw failure('ELOOP', { detail: 'a mount in itself' })
    if (this.#depth === MAX_LINKS) throw failure('ELOOP', { detail: 'too many mounts inside mounts' })
    return new Way([...drives, name], this.#depth + 1, this.#left, this.patience, this.ahead)
  }

  /** @throws ELOOP when more mounts have been seen than anybody would have made */
  spend(mounts: number): void {
    this.#left.mounts -= mounts
    if (this.#left.mounts < 0) throw failure('ELOOP', { detail: 'too many mounts inside mounts' })
  }
}
