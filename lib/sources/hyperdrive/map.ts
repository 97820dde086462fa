import c from 'compact-encoding'

/** How many blocks one block of a map lists, and how many such a map may have (Hyperblobs' `lib/block-map.js`). */
export const LISTED = 8192
export const MAX_MAP_BLOCKS = 64

/** A block in the blobs core, with its size in bytes. */
export interface Block {
  index: number
  byteLength: number
}

const blockEncoding: c.Encoder<Block> = {
  preencode(state, block) {
    c.uint.preencode(state, block.index)
    c.uint.preencode(state, block.byteLength)
  },
  encode(state, block) {
    c.uint.encode(state, block.index)
    c.uint.encode(state, block.byteLength)
  },
  decode: (state) => ({ index: c.uint.decode(state), byteLength: c.uint.decode(state) })
}

const listEncoding = c.array(blockEncoding)

/** A block of a map: its version, and the blocks that it lists. */
export function encodeMap(blocks: Block[]): Buffer {
  return Buffer.concat([c.encode(c.uint, 0), c.encode(listEncoding, blocks)])
}

/**
 * The blocks that a block of a map lists.
 *
 * @returns null for what is no map
 */
export function decodeMap(bytes: Uint8Array): Block[] | null {
  const state = c.state(0, bytes.byteLength, bytes)
  try {
    if (c.uint.decode(state) !== 0) return null
    const blocks = listEncoding.decode(state)
    const isSound = ({ index, byteLength }: Block) =>
      Number.isSafeInteger(index) && Number.isSafeInteger(byteLength)
    return blocks.length <= LISTED && blocks.every(isSound) ? blocks : null
  } catch {
    return null
  }
}
