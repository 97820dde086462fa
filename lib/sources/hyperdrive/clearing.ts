import type { ClearingPart } from '../clearing.ts'
import { heldIn, turns } from './holds.ts'
import { rangeOf } from './bounds.ts'
import { entryBounds } from './keys.ts'
import { readMap } from './layout.ts'
import { difference, overlaps, union, type Span } from './spans.ts'
import type { Blobs, BlobId, Core, HyperdriveLike, TreeEntry } from './types.ts'

/** A version, and where its bytes lie. */
interface Version {
  readonly origin: { readonly seq: number }
  readonly blob: BlobId
}

/** Takes the bytes of versions from this machine. */
export class HyperdriveClearing implements ClearingPart {
  readonly #drive: HyperdriveLike
  readonly #parse: (entry: TreeEntry) => Version | null
  readonly #blobs: BlobId[] = []
  readonly #seqs = new Set<number>()

  /** @param parse - the version in an entry of the drive's tree */
  constructor(drive: HyperdriveLike, parse: (entry: TreeEntry) => Version | null) {
    this.#drive = drive
    this.#parse = parse
  }

  add({ blob, origin }: Version): void {
    this.#blobs.push(blob)
    this.#seqs.add(origin.seq)
  }

  async run(): Promise<number> {
    const { blobs, core } = this.#drive
    // A checkout of one's own drive shows what the drive still names, and cannot tell what else it names by now.
    if (blobs === null || (core.writable && core.snapshotted)) return 0
    return turns.run(this.#drive, async () => {
      const spans = await this.#spans(blobs)
      const rest = core.writable ? difference(spans, await this.#kept(blobs, spans)) : spans
      let count = 0
      for (const { start, end } of rest) {
        const local = await countLocal(blobs.core, start, end)
        if (local > 0) await blobs.core.clear(start, end)
        count += local
      }
      return count
    })
  }

  async #spans(blobs: Blobs): Promise<Span[]> {
    const spans: Span[] = []
    for (const blob of this.#blobs) for (const span of await spansOf(blobs, blob)) spans.push(span)
    return union(spans)
  }

  /** Of one's own bytes, what other current entries are made of too, or somebody still reads: nobody else may have it. */
  async #kept(blobs: Blobs, spans: readonly Span[]): Promise<Span[]> {
    const kept: Span[] = []
    const keep = async (blob: BlobId) => {
      for (const span of await spansOf(blobs, blob)) if (overlaps(spans, span)) kept.push(span)
    }
    const iterator = this.#drive.db.createRangeIterator(rangeOf(entryBounds({})), {
      keyEncoding: 'binary',
      valueEncoding: 'binary'
    })
    try {
      await iterator.open()
      for (let node = await iterator.next(); node !== null; node = await iterator.next()) {
        const version = this.#seqs.has(node.seq) ? null : this.#parse(node)
        if (version) await keep(version.blob)
      }
    } finally {
      await iterator.close()
    }
    for (const blob of [...heldIn(this.#drive)]) await keep(blob)
    return union(kept)
  }
}

/** The blocks of a file that are known here. */
async function spansOf(blobs: Blobs, blob: BlobId): Promise<Span[]> {
  const { blockOffset, blockLength, blockMap } = blob
  const { length } = blobs.core
  const spans = [{ start: blockOffset, end: Math.min(blockOffset + blockLength, length) }]
  if (!blockMap) return spans
  const layout = await readMap(blobs, blob, { wait: false }).catch(() => null)
  for (const index of layout?.indexes ?? []) if (index < length) spans.push({ start: index, end: index + 1 })
  return spans
}

async function countLocal(core: Core, start: number, end: number): Promise<number> {
  if (await core.has(start, end)) return end - start
  let count = 0
  for (let index = start; index < end; index++) if (await core.has(index)) count++
  return count
}
