import { once } from 'node:events'
import type { Writable } from 'streamx'
import { failure } from '../../errors.ts'
import { Layout } from './layout.ts'
import { encodeMap, LISTED, MAX_MAP_BLOCKS, type Block } from './map.ts'
import type { Blobs, BlobId } from './types.ts'

/** So many bytes are written before others have their turn: as many as Hyperblobs appends at once. */
const RUN = 1 << 20

/** Blocks of another version of the file, from one place in it to before another. */
export interface KeptBlocks {
  readonly of: Layout
  readonly from: number
  to: number
}

/** A part of a file to be: blocks that it keeps, or one that was put, whose index is its place among those. */
export type FilePart = KeptBlocks | Block

export function isKept(part: object): part is KeptBlocks {
  return 'of' in part
}

/** A file that was written. */
export interface WrittenBlob {
  readonly blob: BlobId
  readonly layout: Layout
}

/** Fresh blocks that lie one behind the other: where the first one lies among those that were put, and where in the core. */
interface Run {
  readonly place: number
  readonly index: number
  readonly byteOffset: number
}

/**
 * Blocks written in short runs, each of which is gathered before it begins: a drive has one writer of blobs at a time, and a whole file
 * would keep it from everybody else. Where nobody came between two runs, they lie in the drive as one.
 */
export class BlobRuns {
  readonly #blobs: Blobs
  #blocks: Buffer[] = []
  #bytes = 0
  #count = 0
  #byteLength = 0
  readonly #runs: Run[] = []
  /** One run is written while the next one is gathered. */
  #writing: Promise<unknown> = Promise.resolve()

  constructor(blobs: Blobs) {
    this.#blobs = blobs
  }

  /**
   * @param block - not to be changed any more
   * @returns the block's place among those that were put
   */
  async put(block: Buffer): Promise<number> {
    if (this.#bytes >= RUN) {
      await this.#writing
      this.#writing = this.#begin().then((writing) => finish(writing, []))
      // Whoever puts the next run hears of a failure.
      this.#writing.catch(() => undefined)
    }
    this.#blocks.push(block)
    this.#bytes += block.byteLength
    this.#byteLength += block.byteLength
    return this.#count++
  }

  /**
   * Ends with a file: a plain one where it is all that was put and nobody came between, else one with a map.
   *
   * @param parts - of the file, in order
   * @throws EFBIG for a file of more blocks than a map can list
   */
  async end(parts: readonly FilePart[]): Promise<WrittenBlob> {
    await this.#writing
    const writing = await this.#begin()
    try {
      const count = parts.reduce((sum, part) => sum + (isKept(part) ? part.to - part.from : 1), 0)
      const layout = new Layout(this.#blocksOf(parts), count)
      const isPlain = this.#runs.length <= 1 && this.#isAll(parts)
      const map = isPlain ? [] : toMap(layout)
      const end = await finish(writing, map)
      return { blob: isPlain ? this.#plain(end) : mapIn(end, map), layout }
    } catch (err) {
      writing.stream.destroy()
      throw err
    }
  }

  /** Begins to write what was gathered, and finds out where it lies. */
  async #begin(): Promise<Writing> {
    const stream = this.#blobs.createWriteStream()
    const closed = new Promise<void>((resolve, reject) => {
      stream.once('error', reject)
      stream.once('close', () => resolve())
    })
    closed.catch(() => undefined)
    const blocks = this.#blocks
    const place = this.#count - blocks.length
    this.#blocks = []
    this.#bytes = 0
    if (blocks.length === 0) return { stream, closed }
    for (const block of blocks) stream.write(block)
    await Promise.race([once(stream, 'open'), closed])
    const { blockOffset: index, byteOffset } = stream.id
    const last = this.#runs.at(-1)
    if (last === undefined || index - last.index !== place - last.place)
      this.#runs.push({ place, index, byteOffset })
    return { stream, closed }
  }

  *#blocksOf(parts: readonly FilePart[]): Iterable<Block> {
    // Where there are kept blocks too, the fresh ones need not come in order: one of zeros is used again and again.
    const indexOf = (place: number) => {
      const run = this.#runs.findLast((run) => run.place <= place)!
      return run.index + place - run.place
    }
    for (const part of parts) {
      if (isKept(part)) yield* part.of.blocks(part.from, part.to)
      else yield { index: indexOf(part.index), byteLength: part.byteLength }
    }
  }

  #isAll(parts: readonly FilePart[]): boolean {
    return parts.length === this.#count && parts.every((part, i) => !isKept(part) && part.index === i)
  }

  /** @param end - of the last run, which tells where a file without bytes lies */
  #plain({ blockOffset, byteOffset }: BlobId): BlobId {
    const first = this.#runs[0]
    return {
      blockOffset: first?.index ?? blockOffset,
      blockLength: this.#count,
      byteOffset: first?.byteOffset ?? byteOffset,
      byteLength: this.#byteLength
    }
  }
}

/** A run under way. */
interface Writing {
  readonly stream: Writable & { readonly id: BlobId }
  readonly closed: Promise<void>
}

/** @returns where all of the run lies */
async function finish({ stream, closed }: Writing, behind: readonly Buffer[]): Promise<BlobId> {
  for (const block of behind) stream.write(block)
  stream.end(undefined)
  await closed
  return stream.id
}

/** @throws EFBIG */
function toMap(layout: Layout): Buffer[] {
  const { count } = layout
  if (count > LISTED * MAX_MAP_BLOCKS)
    throw failure('EFBIG', { detail: 'others wrote meanwhile, and a map cannot list so many blocks' })
  const map: Buffer[] = []
  for (let i = 0; i < count; i += LISTED)
    map.push(encodeMap([...layout.blocks(i, Math.min(i + LISTED, count))]))
  return map
}

/** Where a map lies, at the end of a run. */
function mapIn({ blockOffset, blockLength, byteOffset, byteLength }: BlobId, map: readonly Buffer[]): BlobId {
  const bytes = map.reduce((sum, block) => sum + block.byteLength, 0)
  return {
    blockOffset: blockOffset + blockLength - map.length,
    blockLength: map.length,
    byteOffset: byteOffset + byteLength - bytes,
    byteLength: bytes,
    blockMap: true
  }
}
