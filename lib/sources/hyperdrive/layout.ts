import type { ReadOptions } from '../../drive.ts'
import { failure } from '../../errors.ts'
import { decodeMap, type Block } from './map.ts'
import type { Blobs, BlobId } from './types.ts'

/** The size of a block of bytes in a drive, as Hyperblobs cuts them. */
export const BLOCK_SIZE = 65_536

/** So many blocks are looked at side by side. */
const PARALLEL = 16

/** How many layouts are remembered of a drive. */
const REMEMBERED = 64

/** Which blocks a file is made of, in order. */
export class Layout {
  readonly blocks: readonly Block[]
  /** Where each block begins in the file, and behind the last one where the file ends. */
  readonly starts: Float64Array

  constructor(blocks: readonly Block[]) {
    this.blocks = blocks
    this.starts = new Float64Array(blocks.length + 1)
    let start = 0
    blocks.forEach(({ byteLength }, i) => {
      this.starts[i] = start
      start += byteLength
    })
    this.starts[blocks.length] = start
  }

  get byteLength(): number {
    return this.starts[this.blocks.length]!
  }

  /** The place of the block that a byte lies in; that of no block when the file is shorter. */
  at(byte: number): number {
    let low = 0
    let high = this.blocks.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.starts[middle + 1]! > byte) high = middle
      else low = middle + 1
    }
    return low
  }
}

/** Finds out of which blocks files are made. */
export class Layouts {
  readonly #known = new Map<string, Layout>()

  /** Tells of a file that was just written. */
  add(blobs: Blobs, blob: BlobId, layout: Layout): void {
    this.#remember(nameOf(blobs, blob), layout)
  }

  /**
   * The layout of a file of one's own; null when a block of it is not here. A file without a map may be cut in any way, and only its
   * blocks can tell.
   */
  async of(blobs: Blobs, blob: BlobId): Promise<Layout | null> {
    const name = nameOf(blobs, blob)
    const known = this.#known.get(name)
    if (known) return known
    const layout = blob.blockMap ? await readMap(blobs, blob) : await measure(blobs, blob)
    if (layout) this.#remember(name, layout)
    return layout
  }

  #remember(name: string, layout: Layout): void {
    this.#known.delete(name)
    this.#known.set(name, layout)
    for (const oldest of this.#known.keys()) {
      if (this.#known.size <= REMEMBERED) break
      this.#known.delete(oldest)
    }
  }
}

/** The layout that the map of a file tells; null when a block of it is not here and may not be waited for. */
export async function readMap({ core }: Blobs, blob: BlobId, opts: ReadOptions = {}): Promise<Layout | null> {
  const indexes = Array.from({ length: blob.blockLength }, (_, i) => blob.blockOffset + i)
  const found = await Promise.all(indexes.map((index) => core.get(index, opts)))
  const blocks: Block[] = []
  for (const bytes of found) {
    if (bytes === null) return null
    const listed = decodeMap(bytes)
    if (listed === null) throw failure('DRIVE_FAILED', { detail: 'the map of a file is none' })
    for (const block of listed) blocks.push(block)
  }
  return new Layout(blocks)
}

async function measure({ core }: Blobs, { blockOffset, blockLength }: BlobId): Promise<Layout | null> {
  const blocks: Block[] = []
  for (let i = 0; i < blockLength; i += PARALLEL) {
    const indexes = Array.from({ length: Math.min(PARALLEL, blockLength - i) }, (_, j) => blockOffset + i + j)
    const found = await Promise.all(indexes.map((index) => core.get(index, { wait: false })))
    for (const [j, block] of found.entries()) {
      if (block === null) return null
      blocks.push({ index: indexes[j]!, byteLength: block.byteLength })
    }
  }
  return new Layout(blocks)
}

/** A core that was truncated can hold other blocks in the same place; then it has another fork. */
function nameOf({ core }: Blobs, { blockOffset, blockLength, byteLength, blockMap }: BlobId): string {
  return [core.fork, blockOffset, blockLength, byteLength, blockMap === true].join(':')
}
