import type { Written } from '../source.ts'

/** So many keys and names are remembered. */
const MAX_NAMES = 8192

/** What one step from version to version wrote. */
interface Step {
  readonly from: number
  readonly to: number
  readonly written: Written
}

/** What the last steps of a drive wrote. */
export class WrittenSteps {
  readonly #steps: Step[] = []
  #count = 0

  add(step: Step): void {
    if (this.#steps.at(-1)?.to !== step.from) this.clear()
    this.#steps.push(step)
    this.#count += countOf(step)
    while (this.#count > MAX_NAMES) this.#count -= countOf(this.#steps.shift()!)
  }

  clear(): void {
    this.#steps.length = 0
    this.#count = 0
  }

  /** All that was written between two versions, and maybe more; null where that is not remembered. */
  between(from: number, to: number): Written | null {
    if (from >= to) return NOTHING
    // From the end: it is mostly the last steps that are asked for.
    const last = this.#steps.findLastIndex((step) => step.from < to && to <= step.to)
    const first = this.#steps.findLastIndex((step) => step.from <= from && from < step.to)
    if (first === -1 || last === -1) return null
    if (first === last) return this.#steps[first]!.written
    const steps = this.#steps.slice(first, last + 1).map(({ written }) => written)
    return {
      keys: steps.flatMap(({ keys }) => keys),
      tombstones: steps.flatMap(({ tombstones }) => tombstones),
      directories: steps.flatMap(({ directories }) => directories)
    }
  }
}

const NOTHING: Written = { keys: [], tombstones: [], directories: [] }

/** A step without anything takes room too. */
function countOf({ written: { keys, tombstones, directories } }: Step): number {
  return 1 + keys.length + tombstones.length + directories.length
}
