/** What one drive takes from this machine. */
export interface ClearingPart {
  /** @returns how many blocks were here and are not any more */
  run(): Promise<number>
}

/** Versions whose bytes are to leave this machine, gathered by drive: each looks only once at what has to stay. */
export class Clearing {
  readonly #parts = new Map<object, ClearingPart>()

  /** The part of a drive, made when it is first asked for. */
  of<P extends ClearingPart>(drive: object, make: () => P): P {
    const known = this.#parts.get(drive)
    if (known) return known as P
    const made = make()
    this.#parts.set(drive, made)
    return made
  }

  /** @returns how many blocks were here and are not any more */
  async run(): Promise<number> {
    let blocks = 0
    for (const part of this.#parts.values()) blocks += await part.run()
    return blocks
  }
}
