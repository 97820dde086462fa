/** Bytes `start` to `end` of a file. */
export interface Range {
  readonly start: number
  readonly end: number
}

/** Ranges of a file in their order, of which no two touch. */
export class Ranges {
  #ranges: Range[] = []

  add({ start, end }: Range): void {
    if (start >= end) return
    const first = this.#firstEndingFrom(start)
    let next = first
    let joined = { start, end }
    for (; next < this.#ranges.length && this.#ranges[next]!.start <= end; next++) {
      const touched = this.#ranges[next]!
      joined = { start: Math.min(joined.start, touched.start), end: Math.max(joined.end, touched.end) }
    }
    this.#ranges.splice(first, next - first, joined)
  }

  /** Drops what lies from `end` on. */
  cut(end: number): void {
    const first = this.#firstEndingFrom(end)
    const touched = this.#ranges[first]
    this.#ranges.length = Math.min(first, this.#ranges.length)
    if (touched && touched.start < end) this.#ranges.push({ start: touched.start, end })
  }

  clear(): void {
    this.#ranges = []
  }

  /** The parts of the ranges between `start` and `end`. */
  *between(start: number, end: number): Generator<Range> {
    for (let i = this.#firstEndingFrom(start + 1); i < this.#ranges.length; i++) {
      const range = this.#ranges[i]!
      if (range.start >= end) return
      yield { start: Math.max(start, range.start), end: Math.min(end, range.end) }
    }
  }

  /** The place of the first range that ends at `position` or behind it. */
  #firstEndingFrom(position: number): number {
    let low = 0
    let high = this.#ranges.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#ranges[middle]!.end < position) low = middle + 1
      else high = middle
    }
    return low
  }
}
