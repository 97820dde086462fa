import type { ReadOptions } from '../../drive.ts'
import { errorCode } from '../../errors.ts'
import { isSeq } from '../../format/clock.ts'
import { onAbort, within } from '../../wait.ts'
import type { ByteRange, Content, Draft } from '../source.ts'
import { amend } from './amend.ts'
import { Arrivals } from './arrivals.ts'
import { BlobReader } from './blob-reader.ts'
import { inBlocks } from './blocks.ts'
import { BlobContent } from './content.ts'
import { unavailable, timedOut } from './failure.ts'
import { hold } from './holds.ts'
import { BLOCK_SIZE, Layouts, readMap } from './layout.ts'
import { putBlock } from './put-block.ts'
import { BlobRuns, type FilePart, type WrittenBlob } from './runs.ts'
import type { Blobs, BlobId, Core, HyperdriveLike } from './types.ts'

/** So many maps are fetched at once. */
const MAX_FETCHES = 1024

/** Files of more blocks are read one after another, so that a forged length cannot ask for them all at once. */
const MAX_PARALLEL_BLOCKS = 4096

/** So many bytes are written at once: one append of Hyperblobs'. Others that write need not wait long, and blocks are soon measured. */
const MAX_AT_ONCE = 1 << 20

/** A file whose bytes are written, and its size in bytes. */
export interface WrittenFile {
  readonly blob: BlobId
  readonly byteLength: number
}

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
      if (!blob.blockMap) return yield* new BlobReader(blobs.core, blob, opts, this.arrivals).read()
      const stream = blobs.createReadStream(blob, range)
      const forget = onAbort(signal, () => stream.destroy())
      try {
        if (signal?.aborted) return
        yield* stream as AsyncIterable<Uint8Array>
      } finally {
        forget()
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
    const release = hold(this.#drive, blob)
    return new BlobContent(() => this.blobs(opts), this.#layouts, blob, size, opts, release)
  }

  /** @returns the blob and the size of the file, in bytes: that of a blob with a map is the map's */
  async write(data: Uint8Array | AsyncIterable<Uint8Array>): Promise<WrittenFile> {
    const blobs = await this.#drive.getBlobs()
    if (data instanceof Uint8Array && data.byteLength <= MAX_AT_ONCE) {
      const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength)
      const isBlock = bytes.byteLength > 0 && bytes.byteLength <= BLOCK_SIZE
      const blob = await (isBlock ? putBlock(blobs, bytes) : blobs.put(bytes))
      return { blob, byteLength: blob.byteLength }
    }
    const runs = new BlobRuns(blobs)
    const blocks: FilePart[] = []
    for await (const block of inBlocks(data instanceof Uint8Array ? [data] : data)) {
      blocks.push({ index: await runs.put(block), byteLength: block.byteLength })
    }
    return this.#written(blobs, await runs.end(blocks))
  }

  /** @param blob - of the draft's base, where its blocks lie in this drive; null where they do not */
  async amend(draft: Draft, blob: BlobId | null): Promise<WrittenFile> {
    const blobs = await this.#drive.getBlobs()
    const isWorthIt =
      blob !== null && blob.byteLength > 0 && draft.pieces().some(({ from }) => from === 'base')
    const layout = isWorthIt ? await this.#layouts.of(blobs, blob) : null
    const amended = await amend(blobs, draft, layout)
    return amended ? this.#written(blobs, amended) : this.write(draft.read(0, draft.byteLength))
  }

  #written(blobs: Blobs, { blob, layout }: WrittenBlob): WrittenFile {
    this.#layouts.add(blobs, blob, layout)
    return { blob, byteLength: layout.byteLength }
  }

  /** Where the bytes are, null while nobody has told. */
  get opened(): Blobs | null {
    return this.#drive.blobs
  }

  async blobs({ wait, timeout = 0 }: ReadOptions): Promise<Blobs> {
    const drive = this.#drive
    if (drive.blobs !== null) return drive.blobs
    if (wait === false) throw unavailable()
    return within(drive.getBlobs(), timeout, timedOut)
  }
}
