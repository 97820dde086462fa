import type { Blobs, BlobId } from './types.ts'

/**
 * Writes a blob of one block. Hyperblobs makes a stream for each that it puts, which takes longer than what a small one is written with; so
 * the block is appended without one, in the turn that a stream would have, for a blob that others are writing must not have it among its own.
 *
 * @param block - 1 to {@link BLOCK_SIZE} bytes, not to be changed any more
 * @throws what Hypercore throws
 */
export async function putBlock(blobs: Blobs, block: Buffer): Promise<BlobId> {
  const { core, _lock: lock } = blobs
  if (!lock) return blobs.put(block)
  const release = await new Promise<() => void>((resolve) => lock(resolve))
  try {
    const { length, byteLength } = core
    await core.append(block)
    return { blockOffset: length, blockLength: 1, byteOffset: byteLength, byteLength: block.byteLength }
  } finally {
    release()
  }
}
