import type { ReadOptions } from '../../drive.ts'
import type { Content } from '../source.ts'
import { unavailable } from './failure.ts'
import type { Layout, Layouts } from './layout.ts'
import type { Blobs, BlobId, Core } from './types.ts'

/** How many blocks are fetched from peers ahead of one who reads on and on. */
const AHEAD = 32

/** A block: its place in the file and in the core, and where in the file it begins. */
interface Place {
  place: number
  index: number
  start: number
}

/** A block on its way from the disk; null where it is not here. */
interface Ahead {
  index: number
  block: Promise<Uint8Array | null>
}

/** The blocks of a file, read one by one; the last one is kept, since who reads a part of it mostly reads the next part too. */
export class BlobContent implements Content {
  readonly #open: () => Promise<Blobs>
  readonly #layouts: Layouts
  readonly #blob: BlobId
  readonly #size: number
  readonly #opts: ReadOptions
  readonly #release: () => void
  #layout: Layout | null = null
  #last: (Place & { block: Uint8Array }) | null = null
  #fetched = -1
  /** The block that is read next by one who reads on and on. */
  #next: Ahead | null = null

  /**
   * @param size - of the file in bytes; Infinity where nobody can tell
   * @param release - lets go of the bytes, once they are no longer needed
   */
  constructor(
    blobs: () => Promise<Blobs>,
    layouts: Layouts,
    blob: BlobId,
    size: number,
    opts: ReadOptions,
    release: () => void
  ) {
    this.#open = blobs
    this.#layouts = layouts
    this.#blob = blob
    this.#size = size
    this.#opts = opts
    this.#release = release
  }

  async read(into: Uint8Array, start: number): Promise<number> {
    const end = Math.min(this.#size, start + into.byteLength)
    let at = start
    while (at < end) {
      const found = await this.#at(at)
      if (found === null) break
      const part = found.block.subarray(at - found.start, end - found.start)
      if (part.byteLength === 0) break
      into.set(part, at - start)
      at += part.byteLength
    }
    return at - start
  }

  async byteLength(): Promise<number> {
    if (this.#size !== Infinity) return this.#size
    if (!this.#blob.blockMap) return this.#blob.byteLength
    return (await this.#map()).byteLength
  }

  close(): Promise<void> {
    this.#release()
    this.#last = null
    this.#next = null
    this.#layout = null
    return Promise.resolve()
  }

  /** The block that a byte lies in, null behind the end. */
  async #at(byte: number): Promise<{ start: number; block: Uint8Array } | null> {
    const last = this.#last
    if (last && byte >= last.start && byte < last.start + last.block.byteLength) return last
    const place = this.#blob.blockMap ? await this.#inMap(byte) : await this.#inRun(byte)
    if (place === null) return null
    const isNext = place.place === (last?.place ?? -1) + 1
    const block = await this.#get(place, isNext)
    this.#next = isNext ? await this.#fetchNext(place) : null
    return (this.#last = { ...place, block })
  }

  async #inMap(byte: number): Promise<Place | null> {
    const layout = await this.#map()
    const place = layout.at(byte)
    return place < layout.count
      ? { place, index: layout.indexes[place]!, start: layout.starts[place]! }
      : null
  }

  async #map(): Promise<Layout> {
    this.#layout ??= await this.#layouts.mapOf(await this.#open(), this.#blob, this.#opts)
    if (this.#layout === null) throw unavailable()
    return this.#layout
  }

  async #inRun(byte: number): Promise<Place | null> {
    const { blockOffset, blockLength, byteOffset } = this.#blob
    const last = this.#last
    let index = blockOffset
    let start = 0
    if (last && byte === last.start + last.block.byteLength) {
      index = last.index + 1
      start = byte
    } else if (byte > 0) {
      const found = await (await this.#open()).core.seek(byteOffset + byte, this.#opts)
      if (found === null) throw unavailable()
      index = found[0]
      start = byte - found[1]
    }
    if (index < blockOffset || index >= blockOffset + blockLength) return null
    return { place: index - blockOffset, index, start }
  }

  async #get({ place, index }: Place, isNext: boolean): Promise<Uint8Array> {
    const { core } = await this.#open()
    const here = await (this.#next?.index === index ? this.#next.block : core.get(index, { wait: false }))
    if (here) return here
    if (this.#opts.wait === false) throw unavailable()
    if (isNext) this.#fetch(core, place, index)
    const block = await core.get(index, this.#opts)
    if (block === null) throw unavailable()
    return block
  }

  async #fetchNext({ place, index }: Place): Promise<Ahead | null> {
    const { blockOffset, blockLength } = this.#blob
    const next = this.#layout ? this.#layout.indexes[place + 1] : index + 1
    if (next === undefined || (!this.#layout && next >= blockOffset + blockLength)) return null
    const { core } = await this.#open()
    // Whoever needs it asks again when it could not be read.
    return { index: next, block: core.get(next, { wait: false }).catch(() => null) }
  }

  /** Asks the peers for more blocks than the one that is waited for. */
  #fetch(core: Core, place: number, index: number): void {
    if (place <= this.#fetched) return
    this.#fetched = place + AHEAD
    const indexes = this.#layout?.indexes.subarray(place, place + AHEAD)
    const end = Math.min(index + AHEAD, this.#blob.blockOffset + this.#blob.blockLength)
    const range = indexes ? { blocks: [...indexes] } : { start: index, end, linear: true }
    // Nobody waits for this; whoever needs a block asks for it again.
    core
      .download(range)
      .done()
      .catch(() => undefined)
  }
}
