import type { Core } from './types.ts'

type OnBlock = (index: number, byteLength: number) => void

/** Tells many of the blocks that come from peers, with one listener on the core. */
export class Arrivals {
  readonly #listeners = new Set<OnBlock>()

  /** @returns what ends the listening */
  listen(core: Core, onblock: OnBlock): () => void {
    if (this.#listeners.size === 0) core.on('download', this.#tell)
    this.#listeners.add(onblock)
    return () => {
      if (this.#listeners.delete(onblock) && this.#listeners.size === 0) core.off('download', this.#tell)
    }
  }

  readonly #tell: OnBlock = (index, byteLength) => {
    for (const listener of this.#listeners) listener(index, byteLength)
  }
}
