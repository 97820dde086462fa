/**
 * Where a play looks closely. To look everywhere in one play costs more than to play the next plan, so a play with a seed looks at some
 * of what there is, at random; a run of many looks everywhere. Without a seed, as in plans that went wrong, it looks everywhere itself.
 */
export class Looks {
  #state: number | null

  /** @param seed - null to look everywhere */
  constructor(seed: number | null) {
    this.#state = seed
  }

  /**
   * @param count - how many at most, where not all are looked at
   * @returns in their order
   */
  some<T>(all: readonly T[], count: number): T[] {
    if (this.#state === null) return [...all]
    const places = [...all.keys()]
    while (places.length > count) places.splice(this.#below(places.length), 1)
    return places.map((i) => all[i]!)
  }

  /** A number from 0 (mulberry32). */
  #below(end: number): number {
    this.#state = (this.#state! + 0x6d2b79f5) | 0
    let bits = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state)
    bits = (bits + Math.imul(bits ^ (bits >>> 7), 61 | bits)) ^ bits
    return Math.floor((((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32) * end)
  }
}
