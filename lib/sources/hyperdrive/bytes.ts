import type { ReadOptions } from '../../drive.ts'
import { errorCode } from '../../errors.ts'
import { isSeq } from '../../format/clock.ts'
import type { ByteRange, Content, Draft } from '../source.ts'
import { amend, inBlocks } from './amend.ts'
import { Arrivals } from './arrivals.ts'
import { BlobContent } from './content.ts'
import { unavailable, timedOut } from './failure.ts'
import { hold } from './holds.ts'
import { Layouts, readMap } from './layout.ts'
import { BlobRun } from './run.ts'
import type { Blobs, BlobId, Core, HyperdriveLike } from './types.ts'

/** So many maps are fetched at once. */
const MAX_FETCHES = 1024

/** Files of more blocks are read one after another, so that a forged length cannot ask for them all at once. */
const MAX_PARALLEL_BLOCKS = 4096

/** The blocks of shorter files are as soon measured as remembered. */
const MEASURED = 16

const EMPTY: Content = {
  read: () => Promise.resolve(0),
  byteLength: () => Promise.resolve(0),
  close: () => Promise.resolve()
}

/** The bytes of a Hyperdrive's files. */
export class HyperdriveBytes {
  readonly arrivals = new Arrivals()
  readonly #drive: HyperdriveLike
  readonly #layouts = new Layouts()
  /** Maps that are on their way, by their first block. */
  readonly #fetching = new Set<number>()

  constructor(drive: HyperdriveLike) {
    this.#drive = drive
  }

  async *read(blob: BlobId, opts: ByteRange): AsyncIterable<Uint8Array> {
    if (blob.byteLength === 0 || opts.length === 0) return
    const { signal, ...range } = opts
    const release = hold(this.#drive, blob)
    try {
      const blobs = await this.blobs(opts)
      const stream = blobs.createReadStream(blob, range)
      const end = () => stream.destroy()
      signal?.addEventListener('abort', end)
      try {
        if (signal?.aborted) return
        yield* stream as AsyncIterable<Uint8Array>
      } finally {
        signal?.removeEventListener('abort', end)
        stream.destroy()
      }
    } finally {
      release()
    }
  }

  async readAll(blob: BlobId, { wait = true, timeout = 0 }: ReadOptions): Promise<Buffer> {
    if (blob.byteLength === 0) return Buffer.alloc(0)
    const opts = { wait, timeout }
    if (!blob.blockMap && blob.blockLength > MAX_PARALLEL_BLOCKS) {
      const chunks: Uint8Array[] = []
      for await (const chunk of this.read(blob, opts)) chunks.push(chunk)
      return Buffer.concat(chunks)
    }
    const blobs = await this.blobs(opts)
    // Without its map a file cannot be read, and Hyperblobs would not say so.
    if (blob.blockMap && (await readMap(blobs, blob, opts)) === null) throw unavailable()
    const data = await blobs.get(blob, opts)
    if (data === null) throw unavailable()
    return data
  }

  /**
   * The true size in bytes of a block-map file that carries none, null while its map is not here: what is told of a file never waits
   * for the network, so the map is fetched for the next time.
   */
  async size(blob: BlobId): Promise<number | null> {
    const blobs = this.#drive.blobs
    if (blobs === null) return null
    const range = { start: blob.blockOffset, end: blob.blockOffset + blob.blockLength }
    if (!(await blobs.core.has(range.start, range.end))) {
      this.#fetch(blobs.core, range)
      return null
    }
    try {
      const size = await blobs.getByteLength(blob)
      return isSeq(size) ? size : null
    } catch (err) {
      // What is no map fails in many ways, none of which has a code; a disk that fails has one.
      if (errorCode(err) === undefined) return null
      throw err
    }
  }

  /** Asks the peers of now for blocks, once. */
  #fetch(core: Core, range: { start: number; end: number }): void {
    if (core.peers.length === 0 || this.#fetching.has(range.start) || this.#fetching.size >= MAX_FETCHES)
      return
    this.#fetching.add(range.start)
    const download = core.download(range)
    const done = () => this.#fetching.delete(range.start)
    download.done().then(done, done)
  }

  /**
   * Waits for nobody: an open file of a drive whose peers are away is only stuck when it is read. Until it is closed, its bytes stay where
   * nobody else may have them.
   */
  open(blob: BlobId, size: number, opts: ReadOptions): Content {
    if (blob.byteLength === 0) return EMPTY
    return new BlobContent(() => this.blobs(opts), blob, size, opts, hold(this.#drive, blob))
  }

  async write(data: Uint8Array | AsyncIterable<Uint8Array>): Promise<BlobId> {
    const blobs = await this.#drive.getBlobs()
    if (data instanceof Uint8Array) {
      const blob = await blobs.put(Buffer.from(data.buffer, data.byteOffset, data.byteLength))
      if (blob.blockLength > MEASURED) this.#layouts.add(blobs, blob)
      return blob
    }
    const run = new BlobRun(blobs)
    try {
      for await (const block of inBlocks(data)) await run.put(block)
    } catch (err) {
      run.abort()
      throw err
    }
    const blob = await run.end()
    this.#layouts.add(blobs, blob)
    return blob
  }

  /** @param blob - of the draft's base, where its blocks lie in this drive; null where they do not */
  async amend(draft: Draft, blob: BlobId | null): Promise<BlobId> {
    const blobs = await this.#drive.getBlobs()
    const isWorthIt =
      blob !== null && blob.byteLength > 0 && draft.pieces().some(({ from }) => from === 'base')
    const layout = isWorthIt ? await this.#layouts.of(blobs, blob) : null
    return (await amend(blobs, draft, layout)) ?? this.write(draft.read(0, draft.byteLength))
  }

  /** Where the bytes are, null while nobody has told. */
  get opened(): Blobs | null {
    return this.#drive.blobs
  }

  async blobs({ wait, timeout = 0 }: ReadOptions): Promise<Blobs> {
    const drive = this.#drive
    if (drive.blobs !== null) return drive.blobs
    if (wait === false) throw unavailable()
    if (timeout === 0) return drive.getBlobs()
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(timedOut()), timeout)
    })
    return Promise.race([drive.getBlobs(), late]).finally(() => clearTimeout(timer))
  }
}
