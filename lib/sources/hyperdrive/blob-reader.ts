import type { ByteRange } from '../source.ts'
import { errorCode } from '../../errors.ts'
import { onAbort, startTimer } from '../../wait.ts'
import { Arrivals } from './arrivals.ts'
import { readBlocks } from './core-blocks.ts'
import { timedOut, unavailable } from './failure.ts'
import type { BlobId, Core, CoreSession, Download } from './types.ts'

/** So many bytes, about, are read from the disk at once, and so many blocks at most: the first ones soon, those behind them together. */
const READ = { bytes: 1 << 19, blocks: 8 }

/**
 * So many are waited for at once: what comes is used as it comes, and not read from the disk again. No more of them than Hypercore has on
 * their way at the least, in their order: those that it has not yet asked a peer for, it asks for in any order.
 */
const AWAITED = { bytes: 1 << 22, blocks: 16 }

/** Blocks that are asked for. */
type Asked = { readonly indexes: readonly number[] } & (
  | { readonly isAway: true; readonly blocks: Promise<Buffer[]> }
  /** Null where they have been removed meanwhile. */
  | { readonly isAway: false; readonly blocks: Promise<Buffer[] | null> }
)

/**
 * Reads bytes of a blob: of what is here many blocks at once, and the next ones while the last are used. What is not here is asked for as
 * a whole, and many blocks of it are waited for. Hyperblobs reads one block after another, and what has come meanwhile from the disk.
 */
export class BlobReader {
  readonly #core: Core
  readonly #blob: BlobId
  readonly #opts: ByteRange
  readonly #arrivals: Arrivals
  /** Of the blob, in bytes. */
  readonly #start: number
  readonly #end: number
  /** The block behind the last one. */
  readonly #behind: number
  readonly #mostRead: number
  readonly #mostAwaited: number
  /** So many blocks are read next, and so many are waited for: one at first. */
  #atOnce = 1
  #awaited = 1
  /** The next block to be asked for. */
  #index: number
  /** What is asked for, in its order, and how many blocks those are. */
  readonly #asked: Asked[] = []
  #pending = 0
  /** What asks others, once something is not here. */
  #session: CoreSession | null = null
  #download: Download | null = null
  /** The block behind the last one that is wanted, once that is known. */
  #wanted = 0
  #isAhead = false
  #isOver = false

  /**
   * @param blob - one without a map
   * @param arrivals - what tells of the blocks that come into the core
   */
  constructor(core: Core, blob: BlobId, opts: ByteRange, arrivals = new Arrivals()) {
    const { blockOffset, blockLength, byteLength } = blob
    const { start = 0, length = Infinity } = opts
    const blocksOf = ({ bytes, blocks }: typeof READ) =>
      Math.min(blocks, Math.max(1, Math.floor((bytes * blockLength) / byteLength)))
    this.#core = core
    this.#blob = blob
    this.#opts = opts
    this.#arrivals = arrivals
    this.#start = start
    this.#end = Math.min(byteLength, start + length)
    this.#behind = blockOffset + blockLength
    this.#mostRead = blocksOf(READ)
    this.#mostAwaited = blocksOf(AWAITED)
    this.#index = blockOffset
  }

  /**
   * Ends without an error when the signal is aborted.
   *
   * @throws BLOCK_NOT_AVAILABLE for what is not here and may not be waited for; REQUEST_TIMEOUT when something is waited for and nothing of
   *   the blob came for so long; and what Hypercore throws
   */
  async *read(): AsyncGenerator<Buffer, void, void> {
    const { signal } = this.#opts
    const forget = onAbort(signal, () => void this.#close())
    try {
      if (this.#start < this.#end && !this.#isOver) yield* this.#bytes()
    } catch (err) {
      if (!signal?.aborted) throw err
    } finally {
      forget()
      await this.#close()
    }
  }

  async *#bytes(): AsyncGenerator<Buffer, void, void> {
    let position = this.#start
    let skip = 0
    if (position > 0) [this.#index, skip] = await this.#placeOf(position)
    await this.#ask()
    for (let asked = this.#asked.shift(); asked !== undefined; asked = this.#asked.shift()) {
      const blocks = await this.#come(asked)
      this.#pending -= blocks.length
      if (asked.isAway) this.#awaited = Math.min(this.#mostAwaited, 1 + this.#awaited)
      if (position - skip + sizeOf(blocks) < this.#end) await this.#ask()
      for (const block of blocks) {
        const bytes = block.subarray(skip, skip + this.#end - position)
        skip = 0
        position += bytes.byteLength
        if (bytes.byteLength > 0) yield bytes
      }
    }
  }

  /** The block that a byte lies in, and where in it. */
  async #placeOf(position: number): Promise<[index: number, skip: number]> {
    const byte = this.#blob.byteOffset + position
    const found =
      (await this.#core.seek(byte, { wait: false })) ?? (await this.#patiently(this.#others().seek(byte)))
    if (found === null) throw unavailable()
    return found
  }

  /** Asks for the next blocks: for some that are here, or for many that are not. */
  async #ask(): Promise<void> {
    while (this.#index < this.#behind && !this.#isOver) {
      if (await this.#core.has(this.#index)) {
        if (this.#pending > 0) return
        const here = await this.#here()
        this.#push({ indexes: here, blocks: this.#readHere(here), isAway: false })
        return
      }
      // One is, whatever it is that is wanted.
      if (this.#pending > 0 && (this.#pending >= this.#awaited || this.#index >= this.#wanted)) return
      this.#askAhead(this.#index)
      const next = [this.#index]
      this.#push({ indexes: next, blocks: this.#fetch(next), isAway: true })
    }
  }

  /** Blocks that are here, one behind the other from the next one on. */
  async #here(): Promise<number[]> {
    const [index, most] = [this.#index, Math.min(this.#atOnce, this.#behind - this.#index)]
    this.#atOnce = Math.min(this.#mostRead, 2 * this.#atOnce)
    let count = (await this.#core.has(index, index + most)) ? most : 1
    while (count < most && (await this.#core.has(index + count))) count++
    return Array.from({ length: count }, (_, i) => index + i)
  }

  #push(asked: Asked): void {
    // Perhaps nobody waits for them any more when they fail.
    asked.blocks.catch(() => undefined)
    this.#asked.push(asked)
    this.#pending += asked.indexes.length
    this.#index += asked.indexes.length
  }

  /** What was asked for, when it is there. */
  async #come(asked: Asked): Promise<Buffer[]> {
    if (asked.isAway) return this.#patiently(asked.blocks)
    const here = await asked.blocks
    if (here !== null) return here
    this.#askAhead(asked.indexes[0]!)
    return this.#patiently(this.#fetch(asked.indexes))
  }

  /** As long as blocks of it come, another one is not given up, which may be with a slower peer. */
  async #patiently<T>(answer: Promise<T>): Promise<T> {
    let giveUp: (err: Error) => void = () => undefined
    const late = new Promise<never>((_, reject) => (giveUp = reject))
    const timer = startTimer(this.#opts.timeout ?? 0, () => giveUp(timedOut()))
    if (timer === undefined) return answer
    const forget = this.#arrivals.listen(this.#core, (index) => {
      if (index >= this.#blob.blockOffset && index < this.#behind) timer.refresh()
    })
    return Promise.race([answer, late]).finally(() => {
      clearTimeout(timer)
      forget()
    })
  }

  async #readHere(indexes: readonly number[]): Promise<Buffer[] | null> {
    try {
      return await readBlocks(this.#core, indexes)
    } catch (err) {
      if (errorCode(err) === 'BLOCK_NOT_AVAILABLE') return null
      throw err
    }
  }

  async #fetch(indexes: readonly number[]): Promise<Buffer[]> {
    const session = this.#others()
    const blocks = await Promise.all(indexes.map((index) => session.get(index, { valueEncoding: 'binary' })))
    return blocks.map((block) => {
      if (block === null) throw unavailable()
      return block
    })
  }

  #others(): CoreSession {
    // Nobody would close it any more.
    if (this.#isOver) throw unavailable()
    return (this.#session ??= this.#core.session({ wait: this.#opts.wait !== false }))
  }

  /** Asks others for all that is wanted, for it to be on its way before it is waited for. */
  #askAhead(start: number): void {
    if (this.#isAhead || this.#opts.wait === false) return
    this.#isAhead = true
    const ask = (end: number) => {
      this.#wanted = end
      if (!this.#isOver) this.#download = this.#core.download({ start, end, linear: true })
    }
    const { byteOffset, byteLength } = this.#blob
    if (this.#end === byteLength) {
      ask(this.#behind)
      return
    }
    const last = this.#others().seek(byteOffset + this.#end - 1)
    // Whatever fails of it fails where it is waited for too.
    last.then((found) => ask(found === null ? start : found[0] + 1)).catch(() => undefined)
  }

  #close(): Promise<void> {
    this.#isOver = true
    this.#download?.destroy()
    return this.#session?.close() ?? Promise.resolve()
  }
}

function sizeOf(blocks: readonly Buffer[]): number {
  return blocks.reduce((sum, { byteLength }) => sum + byteLength, 0)
}
