/** So many keys are remembered. */
const MAX_KEYS = 8192

/** What one step from version to version wrote. */
interface Step {
  readonly from: number
  readonly to: number
  readonly keys: readonly string[]
}

/** Which keys the last steps of a drive wrote. */
export class WrittenKeys {
  readonly #steps: Step[] = []
  #count = 0

  add(step: Step): void {
    if (this.#steps.at(-1)?.to !== step.from) this.clear()
    this.#steps.push(step)
    this.#count += step.keys.length
    // A step without keys takes room too.
    while (this.#count + this.#steps.length > MAX_KEYS) this.#count -= this.#steps.shift()!.keys.length
  }

  clear(): void {
    this.#steps.length = 0
    this.#count = 0
  }

  /** Every key that was written between two versions, and maybe others; null where that is not remembered. */
  between(from: number, to: number): string[] | null {
    if (from >= to) return []
    // From the end: it is mostly the last steps that are asked for.
    const last = this.#steps.findLastIndex((step) => step.from < to && to <= step.to)
    const first = this.#steps.findLastIndex((step) => step.from <= from && from < step.to)
    if (first === -1 || last === -1) return null
    return this.#steps.slice(first, last + 1).flatMap(({ keys }) => keys)
  }
}
