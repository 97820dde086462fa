import { readBlocks } from './core-blocks.ts'
import type { BlobId, Core } from './types.ts'

/** So many bytes, about, are read from the disk at once. */
const AT_ONCE = 1 << 19

/** So many blocks at most: the first ones soon, those behind them together. */
const MOST_BLOCKS = 8

/**
 * Reads bytes of a blob as long as its blocks are on this machine: many at once, and the next ones while the last are used. Hyperblobs
 * reads one block after another.
 *
 * @param blob - one without a map
 * @param start - the first byte, of the blob
 * @param end - the byte behind the last one, of the blob
 * @returns where it ended: at `end`, or before a block that is not here
 * @throws what Hypercore throws
 */
export async function* readLocalBytes(
  core: Core,
  blob: BlobId,
  start: number,
  end: number
): AsyncGenerator<Buffer, number, void> {
  const { blockOffset, blockLength, byteOffset, byteLength } = blob
  const behind = blockOffset + blockLength
  if (start >= end || !(await core.has(blockOffset, behind))) return start
  const first = await placeOf(core, blob, byteOffset + start)
  if (first === null) return start
  const most = Math.min(MOST_BLOCKS, Math.max(1, Math.floor((AT_ONCE * blockLength) / byteLength)))
  let [index, skip] = first
  let position = start
  let next = readRun(core, index, Math.min(behind, index + 1))
  for (let count = 1; ;) {
    const blocks = await next
    if (blocks === null) return position
    index += blocks.length
    count = Math.min(most, 2 * count)
    const isLast = index >= behind || position - skip + sizeOf(blocks) >= end
    if (!isLast) next = readRun(core, index, Math.min(behind, index + count))
    for (const block of blocks) {
      const bytes = block.subarray(skip, skip + end - position)
      skip = 0
      position += bytes.byteLength
      if (bytes.byteLength > 0) yield bytes
    }
    if (isLast) return position
  }
}

/** The block that a byte of a core lies in, and where in it; null where that is not known here. */
async function placeOf(
  core: Core,
  blob: BlobId,
  byte: number
): Promise<[index: number, skip: number] | null> {
  if (byte === blob.byteOffset) return [blob.blockOffset, 0]
  return core.seek(byte, { wait: false })
}

/** Blocks one behind the other; null where one of them is not here. It never rejects before it is waited for. */
function readRun(core: Core, from: number, to: number): Promise<Buffer[] | null> {
  const indexes = Array.from({ length: to - from }, (_, i) => from + i)
  const reading = readBlocks(core, indexes).catch((err: unknown) => {
    if ((err as NodeJS.ErrnoException).code === 'BLOCK_NOT_AVAILABLE') return null
    throw err
  })
  reading.catch(() => undefined)
  return reading
}

function sizeOf(blocks: readonly Buffer[]): number {
  return blocks.reduce((sum, { byteLength }) => sum + byteLength, 0)
}
