import { once } from 'node:events'
import type { Writable } from 'streamx'
import type { Blobs, BlobId } from './types.ts'

/** Blocks written one behind the other, with nobody else's between them. Until its end no other run of the drive begins. */
export class BlobRun {
  readonly #stream: Writable & { readonly id: BlobId }
  readonly #opened: Promise<unknown>
  readonly #closed: Promise<void>
  #count = 0
  #byteLength = 0

  constructor(blobs: Blobs) {
    const stream = blobs.createWriteStream()
    this.#stream = stream
    this.#opened = new Promise((resolve) => stream.once('open', resolve))
    this.#closed = new Promise((resolve, reject) => {
      stream.once('error', reject)
      stream.once('close', () => resolve())
    })
    this.#closed.catch(() => undefined)
  }

  get count(): number {
    return this.#count
  }

  get byteLength(): number {
    return this.#byteLength
  }

  /** @returns the block's place in the run */
  async put(block: Buffer): Promise<number> {
    const place = this.#count++
    this.#byteLength += block.byteLength
    if (!this.#stream.write(block)) await Promise.race([once(this.#stream, 'drain'), this.#closed])
    return place
  }

  /** The index of the first block in the core, once something has been put. */
  async first(): Promise<number> {
    await Promise.race([this.#opened, this.#closed])
    return this.#stream.id.blockOffset
  }

  async end(): Promise<BlobId> {
    this.#stream.end(undefined)
    await this.#closed
    return this.#stream.id
  }

  /** Leaves what was written without a name. */
  abort(): void {
    this.#stream.destroy()
  }
}
