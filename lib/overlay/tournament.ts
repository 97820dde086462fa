/**
 * Which of some players comes first, known anew after each change at the cost of one comparison for each round: the number of
 * rounds is the logarithm of that of the players.
 */
export class Tournament<T> {
  readonly #players: readonly T[]
  readonly #isBefore: (a: T, b: T) => boolean
  /** The winner of each match: that of the last round at 1, those that lead to a match `n` at `2n` and `2n + 1`. */
  readonly #winners: T[]

  /** @param isBefore - a strict order, in which no two are the same */
  constructor(players: readonly T[], isBefore: (a: T, b: T) => boolean) {
    this.#players = players
    this.#isBefore = isBefore
    this.#winners = [...players, ...players]
    this.replayAll()
  }

  /** Undefined where there are no players. */
  get winner(): T | undefined {
    return this.#winners[1]
  }

  /** One of the players, by its place, has another place in the order now. */
  replay(place: number): void {
    for (let match = (this.#players.length + place) >> 1; match > 0; match >>= 1) this.#play(match)
  }

  replayAll(): void {
    for (let match = this.#players.length - 1; match > 0; match--) this.#play(match)
  }

  #play(match: number): void {
    const winners = this.#winners
    const [a, b] = [winners[2 * match]!, winners[2 * match + 1]!]
    winners[match] = this.#isBefore(b, a) ? b : a
  }
}
