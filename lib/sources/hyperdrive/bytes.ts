import { once } from 'node:events'
import type { ReadOptions } from '../../drive.ts'
import { errorCode, MultiDriveError } from '../../errors.ts'
import { isSeq } from '../../format/clock.ts'
import type { ByteRange } from '../source.ts'
import type { BlobReader } from './candidate.ts'
import type { Blobs, BlobId, Core, HyperdriveLike } from './types.ts'

/** The size of a block of bytes in a drive, as Hyperblobs cuts them. */
const BLOCK_SIZE = 65_536

/** So many maps are fetched at once. */
const MAX_FETCHES = 1024

/** Files of more blocks are read one after another, so that a forged length cannot ask for them all at once. */
const MAX_PARALLEL_BLOCKS = 4096

/** The bytes of a Hyperdrive's files. */
export class HyperdriveBytes implements BlobReader {
  readonly #drive: HyperdriveLike
  /** Maps that are on their way, by their first block. */
  readonly #fetching = new Set<number>()

  constructor(drive: HyperdriveLike) {
    this.#drive = drive
  }

  async *read(blob: BlobId, opts: ByteRange): AsyncIterable<Uint8Array> {
    if (blob.byteLength === 0 || opts.length === 0) return
    const { signal, ...range } = opts
    const blobs = await this.#blobs(opts)
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
  }

  async readAll(blob: BlobId, { wait = true, timeout = 0 }: ReadOptions): Promise<Buffer> {
    if (blob.byteLength === 0) return Buffer.alloc(0)
    const opts = { wait, timeout }
    if (!blob.blockMap && blob.blockLength > MAX_PARALLEL_BLOCKS) {
      const chunks: Uint8Array[] = []
      for await (const chunk of this.read(blob, opts)) chunks.push(chunk)
      return Buffer.concat(chunks)
    }
    const data = await (await this.#blobs(opts)).get(blob, opts)
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

  async write(data: Uint8Array | AsyncIterable<Uint8Array>): Promise<BlobId> {
    const blobs = await this.#drive.getBlobs()
    if (data instanceof Uint8Array)
      return blobs.put(Buffer.from(data.buffer, data.byteOffset, data.byteLength))
    const stream = blobs.createWriteStream()
    const closed = new Promise<void>((resolve, reject) => {
      stream.once('error', reject)
      stream.once('close', () => resolve())
    })
    closed.catch(() => undefined)
    try {
      for await (const block of cut(data)) {
        if (!stream.write(block)) await Promise.race([once(stream, 'drain'), closed])
      }
    } catch (err) {
      stream.destroy()
      throw err
    }
    stream.end(undefined)
    await closed
    return stream.id
  }

  async #blobs({ wait, timeout = 0 }: ReadOptions): Promise<Blobs> {
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

/** The codes are Hypercore's, which callers of a Hyperdrive know. */
export function unavailable(): MultiDriveError {
  return new MultiDriveError('BLOCK_NOT_AVAILABLE', 'BLOCK_NOT_AVAILABLE: the block is not on this machine')
}

export function timedOut(): MultiDriveError {
  return new MultiDriveError('REQUEST_TIMEOUT', 'REQUEST_TIMEOUT: no peer answered in time')
}

async function* cut(data: AsyncIterable<Uint8Array>): AsyncIterable<Buffer> {
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
