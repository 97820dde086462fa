import { unavailable } from './failure.ts'
import type { Core } from './types.ts'

/**
 * Blocks of a core that are on this machine, all of them in one read of its storage: asked for one by one, each takes some five times as
 * long. Hypercore has no call for that, so its storage is asked, where it has one of that kind and the blocks are not encrypted.
 *
 * @throws BLOCK_NOT_AVAILABLE where one of them is not here, and what Hypercore throws
 */
export async function readBlocks(core: Core, indexes: readonly number[]): Promise<Buffer[]> {
  const storage = core.encryption || core.closing ? undefined : core.state?.storage
  if (!storage?.read) return Promise.all(indexes.map((index) => readBlock(core, index)))
  const reading = storage.read()
  const asked = indexes.map((index) => reading.getBlock(index))
  reading.tryFlush()
  const blocks: Buffer[] = []
  for (const [i, block] of (await Promise.all(asked)).entries()) {
    // What came after a snapshot was taken, or is moved at this moment, is not there: Hypercore knows where it is.
    blocks.push(block ?? (await readBlock(core, indexes[i]!)))
  }
  return blocks
}

async function readBlock(core: Core, index: number): Promise<Buffer> {
  const block = await core.get(index, { wait: false, valueEncoding: 'binary' })
  if (block === null) throw unavailable()
  return block
}
