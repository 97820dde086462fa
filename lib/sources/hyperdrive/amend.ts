import { failure } from '../../errors.ts'
import type { Draft } from '../source.ts'
import { inBlocks } from './blocks.ts'
import { BLOCK_SIZE, type Layout } from './layout.ts'
import { LISTED, MAX_MAP_BLOCKS } from './map.ts'
import { BlobRuns, isKept, type FilePart, type KeptBlocks, type WrittenBlob } from './runs.ts'
import type { Blobs } from './types.ts'

/** A file that keeps less than this of what is there is written anew: its blob then says its size to everybody. */
const LEAST_KEPT = 2 * BLOCK_SIZE

/** Zeros for which blocks are shared, and the size of such a block. Shorter runs are written as any other bytes. */
const LEAST_ZEROS = 1 << 20
const ZEROS = 1 << 18

/** A part of the file to be: blocks that are there, or bytes to be written. */
type Part = KeptBlocks | { start: number; end: number } | { zeros: number }

/**
 * Writes what is new of a file, and a map of all its blocks, behind everything else. What is written is a block map of Hyperblobs, which
 * every Hyperdrive reads.
 *
 * @param layout - of the draft's base; null when there is none, or its blocks may not be used
 * @returns null when the file has to be written anew
 * @throws EFBIG for a file of more blocks than a map can list
 */
export async function amend(blobs: Blobs, draft: Draft, layout: Layout | null): Promise<WrittenBlob | null> {
  const parts = cut(draft, layout)
  const kept = parts.reduce((sum, part) => sum + (isKept(part) ? lengthOf(part) : 0), 0)
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
  const keep = (layout: Layout, place: number) => {
    const last = parts.at(-1)
    if (last && isKept(last) && last.to === place) last.to++
    else parts.push({ of: layout, from: place, to: place + 1 })
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
      for (let place = layout.at(start); place < layout.count; place++) {
        const first = layout.starts[place]!
        const next = layout.starts[place + 1]!
        if (next > end) break
        // A short block in the middle would stay short for ever; with what follows it, it becomes a whole one.
        const isShort = next - first < BLOCK_SIZE && next === end && end < draft.byteLength
        if (first < at || isShort) continue
        add(at, first)
        keep(layout, place)
        at = next
      }
    }
    add(at, end)
  }
  return parts
}

function blocksOf(part: Part): number {
  if (isKept(part)) return part.to - part.from
  return 'zeros' in part ? part.zeros / ZEROS : Math.ceil((part.end - part.start) / BLOCK_SIZE)
}

function lengthOf({ of, from, to }: KeptBlocks): number {
  return of.starts[to]! - of.starts[from]!
}

async function write(blobs: Blobs, draft: Draft, parts: readonly Part[]): Promise<WrittenBlob> {
  const runs = new BlobRuns(blobs)
  const blocks: FilePart[] = []
  let zeros = -1
  for (const part of parts) {
    if (isKept(part)) {
      blocks.push(part)
    } else if ('zeros' in part) {
      if (zeros === -1) zeros = await runs.put(Buffer.alloc(ZEROS))
      for (let left = part.zeros; left > 0; left -= ZEROS) {
        blocks.push({ index: zeros, byteLength: ZEROS })
      }
    } else {
      for await (const block of inBlocks(draft.read(part.start, part.end))) {
        blocks.push({ index: await runs.put(block), byteLength: block.byteLength })
      }
    }
  }
  return runs.end(blocks)
}
