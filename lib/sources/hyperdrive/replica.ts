import { onAbort, startTimer, unlessAborted } from '../../wait.ts'
import type { Clearing } from '../clearing.ts'
import type { FetchOptions, Presence, Replica } from '../source.ts'
import type { HyperdriveBytes } from './bytes.ts'
import { sessionClosed, timedOut, unavailable } from './failure.ts'
import { BLOCK_SIZE, readMap, type Layout } from './layout.ts'
import type { Blobs, BlobId, Core } from './types.ts'

/**
 * So many blocks are asked for at once. A Hypercore goes through all that a range spans, so that one of a forged length would hold up the
 * whole process.
 */
const WINDOW = 1024

/** The bytes of a Hyperdrive's file on this machine. */
export class HyperdriveReplica implements Replica {
  readonly #bytes: HyperdriveBytes
  readonly #blob: BlobId
  readonly #size: number | null
  readonly #clear: (clearing: Clearing) => void

  /**
   * @param size - of the file in bytes; null where only its map can tell
   * @param clear - adds the file to what is to leave
   */
  constructor(
    bytes: HyperdriveBytes,
    blob: BlobId,
    size: number | null,
    clear: (clearing: Clearing) => void
  ) {
    this.#bytes = bytes
    this.#blob = blob
    this.#size = size
    this.#clear = clear
  }

  async isWhole(): Promise<boolean> {
    const { opened: blobs } = this.#bytes
    if (blobs === null) return false
    const { blockOffset, blockLength, blockMap } = this.#blob
    if (!(await blobs.core.has(blockOffset, blockOffset + blockLength))) return false
    if (!blockMap) return true
    const layout = await this.#layout(blobs)
    if (layout === null) return false
    for (const index of layout.indexes) if (!(await blobs.core.has(index))) return false
    return true
  }

  async presence(): Promise<Presence> {
    const { opened: blobs } = this.#bytes
    return this.#blob.blockMap ? this.#presenceInMap(blobs) : this.#presenceInRun(blobs)
  }

  async fetch({ wait, timeout = 0, signal, onbytes }: FetchOptions = {}): Promise<void> {
    if (await this.isWhole()) return
    if (wait === false) throw unavailable()
    const ended = new AbortController()
    const forget = onAbort(signal, () => ended.abort(signal!.reason))
    const timer = startTimer(timeout, () => ended.abort(timedOut()))
    try {
      await this.#fetch(ended.signal, onbytes)
    } finally {
      clearTimeout(timer)
      forget()
    }
  }

  clear(clearing: Clearing): void {
    this.#clear(clearing)
  }

  async #fetch(signal: AbortSignal, onbytes: FetchOptions['onbytes']): Promise<void> {
    const { blockOffset, blockLength, blockMap } = this.#blob
    const blobs = await unlessAborted(this.#bytes.blobs({}), signal)
    if (blobs === null) throw signal.reason as Error
    const { core } = blobs
    const end = blockOffset + blockLength
    const tell = onbytes ?? (() => undefined)
    const isOurs = (index: number) => index >= blockOffset && index < end
    const stop = this.#bytes.arrivals.listen(core, (index, byteLength) => {
      if (!blockMap && isOurs(index)) tell(byteLength)
    })
    try {
      for (let start = blockOffset; start < end; start += WINDOW)
        await download(core, { start, end: Math.min(end, start + WINDOW) }, signal)
    } finally {
      stop()
    }
    if (blockMap) await this.#fetchListed(blobs, signal, tell)
    if (!(await this.isWhole())) throw core.closed ? sessionClosed() : unavailable()
  }

  async #fetchListed(blobs: Blobs, signal: AbortSignal, tell: (count: number) => void): Promise<void> {
    const layout = await readMap(blobs, this.#blob, { wait: false })
    if (layout === null) throw unavailable()
    const lengths = lengthsOf(layout)
    const blocks = [...lengths.keys()].sort((a, b) => a - b)
    const stop = this.#bytes.arrivals.listen(blobs.core, (index) => {
      const listed = lengths.get(index)
      if (listed !== undefined) tell(listed)
    })
    try {
      for (let i = 0; i < blocks.length; i += WINDOW)
        await download(blobs.core, { blocks: blocks.slice(i, i + WINDOW) }, signal)
    } finally {
      stop()
    }
  }

  /** The blocks that the map lists; null when it is not here, or is none. */
  async #layout(blobs: Blobs): Promise<Layout | null> {
    try {
      return await readMap(blobs, this.#blob, { wait: false })
    } catch {
      return null
    }
  }

  async #presenceInRun(blobs: Blobs | null): Promise<Presence> {
    const { blockOffset, blockLength, byteLength } = this.#blob
    const whole = { blocks: blockLength, bytes: byteLength, localBlocks: blockLength, localBytes: byteLength }
    if (blobs === null) return { ...whole, localBlocks: 0, localBytes: 0 }
    const { core } = blobs
    const end = blockOffset + blockLength
    if (await core.has(blockOffset, end)) return whole
    // Only a run as Hyperblobs cuts it tells how long its blocks are; of any other they are looked at.
    const isRegular = blockLength === Math.ceil(byteLength / BLOCK_SIZE)
    let localBlocks = 0
    let localBytes = 0
    // What an entry says of its length is not believed beyond what there is.
    for (let index = blockOffset; index < Math.min(end, core.length); index++) {
      if (!(await core.has(index))) continue
      localBlocks++
      if (isRegular) localBytes += Math.min(BLOCK_SIZE, byteLength - (index - blockOffset) * BLOCK_SIZE)
      else localBytes += (await core.get(index, { wait: false }))?.byteLength ?? 0
    }
    return { ...whole, localBlocks, localBytes: Math.min(localBytes, byteLength) }
  }

  async #presenceInMap(blobs: Blobs | null): Promise<Presence> {
    const { blockOffset, blockLength } = this.#blob
    const size = this.#size ?? this.#blob.byteLength
    const layout = blobs && (await this.#layout(blobs))
    // Without its map nobody knows how many blocks a file has; at least as many as its bytes fill.
    const listed = layout ? lengthsOf(layout) : null
    const blocks = blockLength + (listed?.size ?? Math.ceil(size / BLOCK_SIZE))
    const bytes = this.#size ?? layout?.byteLength ?? size
    let localBlocks = 0
    let localBytes = 0
    if (blobs) {
      for (let i = 0; i < blockLength; i++) if (await blobs.core.has(blockOffset + i)) localBlocks++
      for (const [index, byteLength] of listed ?? []) {
        if (!(await blobs.core.has(index))) continue
        localBlocks++
        localBytes += byteLength
      }
    }
    return {
      blocks,
      bytes,
      localBlocks,
      localBytes: localBlocks === blocks ? bytes : Math.min(localBytes, bytes)
    }
  }
}

/** How many bytes of the file lie in each block: one that is listed more than once has them more than once. */
function lengthsOf(layout: Layout): Map<number, number> {
  const lengths = new Map<number, number>()
  for (const { index, byteLength } of layout.blocks())
    lengths.set(index, (lengths.get(index) ?? 0) + byteLength)
  return lengths
}

async function download(core: Core, range: object, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted()
  const download = core.download(range)
  const forget = onAbort(signal, () => download.destroy())
  try {
    await download.done()
  } finally {
    forget()
  }
  signal.throwIfAborted()
}
