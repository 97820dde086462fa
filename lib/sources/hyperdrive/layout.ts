import type { ReadOptions } from '../../drive.ts'
import { failure } from '../../errors.ts'
import { decodeMap, type Block } from './map.ts'
import type { Blobs, BlobId } from './types.ts'

/** The size of a block of bytes in a drive, as Hyperblobs cuts them. */
export const BLOCK_SIZE = 65_536

/** So many blocks are looked at side by side. */
const PARALLEL = 16

/** So many layouts are remembered of a drive, unless fewer already have so many blocks: files of 16 GiB. */
const REMEMBERED = 64
const REMEMBERED_BLOCKS = 2 ** 18

/** Which blocks a file is made of, in order. Plain numbers: a large file that is edited again and again has thousands of blocks each time. */
export class Layout {
  /** Where each block lies in the core. */
  readonly indexes: Float64Array
  /** Where each block begins in the file, and behind the last one where the file ends. */
  readonly starts: Float64Array

  /** @param count - how many blocks there are */
  constructor(blocks: Iterable<Block>, count: number) {
    this.indexes = new Float64Array(count)
    this.starts = new Float64Array(count + 1)
    let place = 0
    let start = 0
    for (const { index, byteLength } of blocks) {
      this.indexes[place++] = index
      this.starts[place] = start += byteLength
    }
  }

  get count(): number {
    return this.indexes.length
  }

  get byteLength(): number {
    return this.starts[this.count]!
  }

  /** The blocks from one place to before another. */
  *blocks(from: number = 0, to: number = this.count): Iterable<Block> {
    for (let place = from; place < to; place++) {
      yield { index: this.indexes[place]!, byteLength: this.starts[place + 1]! - this.starts[place]! }
    }
  }

  /** The place of the block that a byte lies in; that of no block when the file is shorter. */
  at(byte: number): number {
    let low = 0
    let high = this.count
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
  /** How many blocks all of them have. */
  #blocks = 0

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
    const layout = known ?? (await (blob.blockMap ? readMap(blobs, blob) : measure(blobs, blob)))
    if (layout) this.#remember(name, layout)
    return layout
  }

  /** The layout that the map of a file tells; null when a block of it is not here and may not be waited for. */
  async mapOf(blobs: Blobs, blob: BlobId, opts: ReadOptions): Promise<Layout | null> {
    const name = nameOf(blobs, blob)
    const layout = this.#known.get(name) ?? (await readMap(blobs, blob, opts))
    if (layout) this.#remember(name, layout)
    return layout
  }

  #remember(name: string, layout: Layout): void {
    this.#forget(name)
    this.#known.set(name, layout)
    this.#blocks += layout.count
    for (const oldest of this.#known.keys()) {
      if (oldest === name) break
      if (this.#known.size <= REMEMBERED && this.#blocks <= REMEMBERED_BLOCKS) break
      this.#forget(oldest)
    }
  }

  #forget(name: string): void {
    this.#blocks -= this.#known.get(name)?.count ?? 0
    this.#known.delete(name)
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
  return new Layout(blocks, blocks.length)
}

/** The layout of a file that has no map, null when a block of it is not here. */
async function measure(blobs: Blobs, blob: BlobId): Promise<Layout | null> {
  const { core } = blobs
  const end = blob.blockOffset + blob.blockLength
  // A core would go through all of a forged length.
  if (end > core.length || !(await core.has(blob.blockOffset, end))) return null
  return (await isRegular(blobs, blob)) ? regular(blob) : measureBlocks(blobs, blob)
}

/** The layout of a file that Hyperblobs would have cut. */
function regular({ blockOffset, blockLength, byteLength }: BlobId): Layout {
  const blocks = Array.from({ length: blockLength }, (_, i) => ({
    index: blockOffset + i,
    byteLength: Math.min(BLOCK_SIZE, byteLength - i * BLOCK_SIZE)
  }))
  return new Layout(blocks, blockLength)
}

/** Whether a file is cut as Hyperblobs does it. The core's tree tells, so that of a large file only the last block need be read. */
async function isRegular({ core }: Blobs, blob: BlobId): Promise<boolean> {
  const { blockOffset, blockLength, byteOffset, byteLength } = blob
  if (blockLength !== Math.ceil(byteLength / BLOCK_SIZE)) return false
  for (let i = 0; i < blockLength; i += PARALLEL) {
    const places = Array.from({ length: Math.min(PARALLEL, blockLength - i) }, (_, j) => i + j)
    const seeks = places.map((place) => core.seek(byteOffset + place * BLOCK_SIZE, { wait: false }))
    const found = await Promise.all(seeks)
    if (found.some((at, j) => at === null || at[0] !== blockOffset + i + j || at[1] !== 0)) return false
  }
  const last = await core.get(blockOffset + blockLength - 1, { wait: false })
  return last?.byteLength === byteLength - (blockLength - 1) * BLOCK_SIZE
}

async function measureBlocks({ core }: Blobs, { blockOffset, blockLength }: BlobId): Promise<Layout | null> {
  const blocks: Block[] = []
  for (let i = 0; i < blockLength; i += PARALLEL) {
    const indexes = Array.from({ length: Math.min(PARALLEL, blockLength - i) }, (_, j) => blockOffset + i + j)
    const found = await Promise.all(indexes.map((index) => core.get(index, { wait: false })))
    for (const [j, block] of found.entries()) {
      if (block === null) return null
      blocks.push({ index: indexes[j]!, byteLength: block.byteLength })
    }
  }
  return new Layout(blocks, blocks.length)
}

/** A core that was truncated can hold other blocks in the same place; then it has another fork. */
function nameOf({ core }: Blobs, { blockOffset, blockLength, byteLength, blockMap }: BlobId): string {
  return [core.fork, blockOffset, blockLength, byteLength, blockMap === true].join(':')
}
