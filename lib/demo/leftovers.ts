/** What has to be ended when the demo ends, however it ends. */
export class Leftovers {
  readonly #ends: (() => unknown)[] = []
  #clearing: Promise<void> | null = null

  /** Whether it is ending or has ended. */
  get cleared(): boolean {
    return this.#clearing !== null
  }

  /** @param end - ends what was begun; runs before those that were added earlier */
  add(end: () => unknown): void {
    if (this.cleared) throw new Error('the demo was stopped')
    this.#ends.push(end)
  }

  /** Ends everything, once. What cannot be ended does not keep the rest. */
  clear(): Promise<void> {
    this.#clearing ??= this.#clear()
    return this.#clearing
  }

  async #clear(): Promise<void> {
    const failures: unknown[] = []
    for (const end of this.#ends.splice(0).reverse()) {
      try {
        await end()
      } catch (err) {
        failures.push(err)
      }
    }
    if (failures.length > 0) throw failures[0]
  }
}
