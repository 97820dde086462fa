import { failure } from '../../errors.ts'
import type { Draft } from '../source.ts'
import { BLOCK_SIZE, type Layout } from './layout.ts'
import { encodeMap, LISTED, MAX_MAP_BLOCKS, type Block } from './map.ts'
import { BlobRun } from './run.ts'
import type { Blobs, BlobId } from './types.ts'

/** A file that keeps less than this of what is there is written anew: its blob then says its size to everybody. */
const LEAST_KEPT = 2 * BLOCK_SIZE

/** Zeros for which blocks are shared, and the size of such a block. Shorter runs are written as any other bytes. */
const LEAST_ZEROS = 1 << 20
const ZEROS = 1 << 18

/** A part of the file to be: a block that is there, or bytes to be written. */
type Part = { kept: Block } | { start: number; end: number } | { zeros: number }

/**
 * Writes what is new of a file, and a map of all its blocks, in one run behind everything else. What is written is a block map of
 * Hyperblobs, which every Hyperdrive reads.
 *
 * @param layout - of the draft's base; null when there is none, or its blocks may not be used
 * @returns null when the file has to be written anew
 * @throws EFBIG for a file of more blocks than a map can list
 */
export async function amend(blobs: Blobs, draft: Draft, layout: Layout | null): Promise<BlobId | null> {
  const parts = cut(draft, layout)
  const kept = parts.reduce((sum, part) => sum + ('kept' in part ? part.kept.byteLength : 0), 0)
  const zeros = parts.reduce((sum, part) => sum + ('zeros' in part ? part.zeros : 0), 0)
  if (kept < LEAST_KEPT && zeros === 0) return null
  const count = parts.reduce((sum, part) => sum + blocksOf(part), 0)
  if (count > LISTED * MAX_MAP_BLOCKS) {
    if (zeros === 0) return null
    throw failure('EFBIG', { detail: 'so many zeros cannot be told' })
  }
  return write(blobs, draft, parts)
}

/** What the file is made of: blocks of the base that stay as they are, and what lies between them. */
function cut(draft: Draft, layout: Layout | null): Part[] {
  const parts: Part[] = []
  const add = (start: number, end: number) => {
    if (start >= end) return
    const last = parts.at(-1)
    if (last && 'start' in last && last.end === start) last.end = end
    else parts.push({ start, end })
  }
  for (const { from, start, end } of draft.pieces()) {
    if (from === 'zeros' && end - start >= LEAST_ZEROS) {
      const zeros = end - start - ((end - start) % ZEROS)
      parts.push({ zeros })
      add(start + zeros, end)
      continue
    }
    let at = start
    if (from === 'base' && layout) {
      for (let place = layout.at(start); place < layout.blocks.length; place++) {
        const first = layout.starts[place]!
        const next = layout.starts[place + 1]!
        if (next > end) break
        // A short block in the middle would stay short for ever; with what follows it, it becomes a whole one.
        const isShort = next - first < BLOCK_SIZE && next === end && end < draft.byteLength
        if (first < at || isShort) continue
        add(at, first)
        parts.push({ kept: layout.blocks[place]! })
        at = next
      }
    }
    add(at, end)
  }
  return parts
}

function blocksOf(part: Part): number {
  if ('kept' in part) return 1
  return 'zeros' in part ? part.zeros / ZEROS : Math.ceil((part.end - part.start) / BLOCK_SIZE)
}

async function write(blobs: Blobs, draft: Draft, parts: readonly Part[]): Promise<BlobId> {
  const run = new BlobRun(blobs)
  // A fresh block is named by its place in the run until that has its own place in the core.
  const blocks: (Block & { fresh: boolean })[] = []
  try {
    let zeros = -1
    for (const part of parts) {
      if ('kept' in part) {
        blocks.push({ ...part.kept, fresh: false })
      } else if ('zeros' in part) {
        if (zeros === -1) zeros = await run.put(Buffer.alloc(ZEROS))
        for (let left = part.zeros; left > 0; left -= ZEROS) {
          blocks.push({ index: zeros, byteLength: ZEROS, fresh: true })
        }
      } else {
        for await (const block of inBlocks(draft.read(part.start, part.end))) {
          blocks.push({ index: await run.put(block), byteLength: block.byteLength, fresh: true })
        }
      }
    }
    const { count, byteLength } = run
    const first = count === 0 ? 0 : await run.first()
    const listed = blocks.map((block) => ({
      index: block.fresh ? first + block.index : block.index,
      byteLength: block.byteLength
    }))
    for (let i = 0; i < listed.length; i += LISTED) await run.put(encodeMap(listed.slice(i, i + LISTED)))
    const whole = await run.end()
    return {
      blockOffset: whole.blockOffset + count,
      blockLength: run.count - count,
      byteOffset: whole.byteOffset + byteLength,
      byteLength: run.byteLength - byteLength,
      blockMap: true
    }
  } catch (err) {
    run.abort()
    throw err
  }
}

/** Bytes in blocks of one size, but for the last. */
export async function* inBlocks(data: AsyncIterable<Uint8Array>): AsyncIterable<Buffer> {
  let parts: Uint8Array[] = []
  let length = 0
  for await (const chunk of data) {
    parts.push(chunk)
    length += chunk.byteLength
    if (length < BLOCK_SIZE) continue
    const joined = Buffer.concat(parts)
    const whole = length - (length % BLOCK_SIZE)
    for (let i = 0; i < whole; i += BLOCK_SIZE) yield joined.subarray(i, i + BLOCK_SIZE)
    parts = [joined.subarray(whole)]
    length -= whole
  }
  if (length > 0) yield Buffer.concat(parts)
}
