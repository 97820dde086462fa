import type { Candidate, Content, Draft, Piece } from '../sources/source.ts'
import type { ReadOptions } from '../drive.ts'
import { failure } from '../errors.ts'
import { unreadable } from './failure.ts'
import { Ranges } from './ranges.ts'
import { Spool } from './spool.ts'

const CHUNK = 1 << 18

/** The longest file that can be made out of zeros, in bytes: as many as a map of Hyperblobs can list blocks for. */
const MAX_SIZE = 2 ** 37

/** A file in the making: an old version, and what has been written over it. The old version is only read where it still shows. */
export class FileDraft implements Draft {
  #base: Candidate | null
  #content: Promise<Content> | null = null
  /** So much of the base still shows, where nothing was written over it. */
  #baseLength: number
  #byteLength: number
  readonly #written = new Ranges()
  #spool = new Spool()
  readonly #opts: ReadOptions

  /**
   * @param base - null for an empty file
   * @param opts - how its bytes are waited for
   */
  constructor(base: Candidate | null, opts: ReadOptions = {}) {
    this.#base = base
    this.#baseLength = sizeOf(base)
    this.#byteLength = this.#baseLength
    this.#opts = opts
  }

  get base(): Candidate | null {
    return this.#base
  }

  get byteLength(): number {
    return this.#byteLength
  }

  /** Holds the base's bytes, whatever becomes of the path that it was found at. */
  async open(): Promise<void> {
    if (this.#base === null) return
    // The file itself knows best how long it is.
    const size = await (await this.#open()).byteLength()
    if (this.#baseLength === this.#byteLength) this.#byteLength = size
    this.#baseLength = size
  }

  /** Brings what still shows of the base to where the rest waits: what comes from a peer must not keep a drive waiting that is written to. */
  async detach(): Promise<void> {
    for (const piece of this.#piecesIn(0, this.#byteLength)) {
      if (piece.from !== 'base') continue
      for (let at = piece.start; at < piece.end; at += CHUNK) {
        const chunk = Buffer.alloc(Math.min(CHUNK, piece.end - at))
        await this.#fill(chunk, at)
        await this.#spool.write(chunk, at)
      }
      this.#written.add(piece)
    }
  }

  /** @throws EFBIG */
  async write(chunk: Uint8Array, position: number): Promise<void> {
    if (chunk.byteLength === 0) return
    checkSize(position + chunk.byteLength)
    await this.#spool.write(chunk, position)
    const end = position + chunk.byteLength
    this.#written.add({ start: position, end })
    this.#byteLength = Math.max(this.#byteLength, end)
  }

  /**
   * Cuts the file off, or makes it longer by zeros.
   *
   * @throws EFBIG
   */
  truncate(size: number): void {
    checkSize(size)
    this.#baseLength = Math.min(this.#baseLength, size)
    this.#written.cut(size)
    this.#byteLength = size
  }

  /** Fills `into` with the bytes from `start` on, and tells how many there were. */
  async readInto(into: Uint8Array, start: number): Promise<number> {
    const end = Math.min(this.#byteLength, start + into.byteLength)
    if (start >= end) return 0
    for (const piece of this.#piecesIn(start, end)) {
      const part = into.subarray(piece.start - start, piece.end - start)
      if (piece.from === 'zeros') part.fill(0)
      else if (piece.from === 'draft') await this.#spool.read(part, piece.start)
      else await this.#fill(part, piece.start)
    }
    return end - start
  }

  pieces(): readonly Piece[] {
    return this.#piecesIn(0, this.#byteLength)
  }

  async *read(start: number, end: number): AsyncIterable<Uint8Array> {
    for (const piece of this.#piecesIn(start, end)) {
      for (let at = piece.start; at < piece.end; at += CHUNK) {
        const chunk = Buffer.alloc(Math.min(CHUNK, piece.end - at))
        if (piece.from === 'draft') await this.#spool.read(chunk, at)
        else if (piece.from === 'base') await this.#fill(chunk, at)
        yield chunk
      }
    }
  }

  /** Goes on from a version that holds all that this draft did. */
  async rebase(base: Candidate): Promise<void> {
    await this.close()
    this.#base = base
    this.#baseLength = sizeOf(base)
    this.#byteLength = this.#baseLength
    this.#written.clear()
    this.#spool = new Spool()
    await this.open()
  }

  async close(): Promise<void> {
    const content = this.#content
    this.#content = null
    await Promise.all([
      this.#spool.close(),
      content?.then(
        (opened) => opened.close(),
        () => undefined
      )
    ])
  }

  #open(): Promise<Content> {
    // One that failed is tried again: what is not here now may be a moment later.
    const base = this.#base!
    // One that failed is tried again: what is not here now may be a moment later.
    this.#content ??= base.open(this.#opts).catch((err: unknown) => {
      this.#content = null
      throw unreadable(err, base)
    })
    return this.#content
  }

  async #fill(into: Uint8Array, start: number): Promise<void> {
    const base = this.#base!
    const content = await this.#open()
    const bytesRead = await content.read(into, start).catch((err: unknown) => {
      throw unreadable(err, base)
    })
    // A drive that gives less than it said it had is no ground to write zeros.
    if (bytesRead < into.byteLength) {
      throw unreadable(failure('DRIVE_FAILED', { detail: 'the file is shorter than its drive says' }), base)
    }
  }

  #piecesIn(start: number, end: number): Piece[] {
    const pieces: Piece[] = []
    const between = (from: number, to: number) => {
      const kept = Math.min(to, Math.max(from, this.#baseLength))
      if (from < kept) pieces.push({ from: 'base', start: from, end: kept })
      if (kept < to) pieces.push({ from: 'zeros', start: kept, end: to })
    }
    let at = start
    for (const range of this.#written.between(start, end)) {
      between(at, range.start)
      pieces.push({ from: 'draft', ...range })
      at = range.end
    }
    between(at, end)
    return pieces
  }
}

function checkSize(size: number): void {
  if (size > MAX_SIZE) throw failure('EFBIG')
}

function sizeOf(candidate: Candidate | null): number {
  return candidate?.value.blob?.byteLength ?? 0
}
