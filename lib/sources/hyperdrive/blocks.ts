import { BLOCK_SIZE } from './layout.ts'

/** Files that go on behind so many blocks go on in longer ones, so that a map can list them: 16 GiB, and up to 256 GiB behind. */
const SHORT_BLOCKS = 2 ** 18
const LONG_BLOCK_SIZE = 2 ** 20

/**
 * Bytes in blocks of one size, but for the last and, of a huge file, the later ones.
 *
 * @param shortBlocks - how many blocks come before the longer ones
 */
export async function* inBlocks(
  data: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  shortBlocks: number = SHORT_BLOCKS
): AsyncIterable<Buffer> {
  let parts: Uint8Array[] = []
  let length = 0
  let count = 0
  for await (const chunk of data) {
    parts.push(chunk)
    length += chunk.byteLength
    let size = count < shortBlocks ? BLOCK_SIZE : LONG_BLOCK_SIZE
    if (length < size) continue
    const joined = parts.length === 1 ? toBuffer(chunk) : Buffer.concat(parts)
    let at = 0
    while (length - at >= size) {
      yield joined.subarray(at, at + size)
      at += size
      size = ++count < shortBlocks ? BLOCK_SIZE : LONG_BLOCK_SIZE
    }
    parts = [joined.subarray(at)]
    length -= at
  }
  if (length > 0) yield Buffer.concat(parts)
}

function toBuffer({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength)
}
