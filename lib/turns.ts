/** One at a time of those who name the same thing. Of a name that nobody holds or waits for nothing is kept. */
export class Turns<Name = string> {
  /** The turn of who came last, by name. */
  readonly #last = new Map<Name, Promise<void>>()

  /** How many names somebody holds or waits for. */
  get size(): number {
    return this.#last.size
  }

  /** Runs when all who came before with the same name are through. */
  async run<T>(name: Name, work: () => Promise<T>): Promise<T> {
    const before = this.#last.get(name)
    let end!: () => void
    const turn = new Promise<void>((resolve) => (end = resolve))
    this.#last.set(name, turn)
    if (before) await before
    try {
      return await work()
    } finally {
      if (this.#last.get(name) === turn) this.#last.delete(name)
      end()
    }
  }
}
