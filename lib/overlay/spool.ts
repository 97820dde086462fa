import { open, rm, type FileHandle } from 'node:fs/promises'
import { randomUUID } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { failure } from '../errors.ts'
import type { ByteRange } from '../sources/source.ts'

/** So many bytes wait in memory; what is longer waits in a temporary file. */
const IN_MEMORY = 1 << 20

const CHUNK = 1 << 16

/**
 * Bytes on their way into a drive. They wait aside, so that a stream or a descriptor that is open for long never holds up another
 * write (design, "How a read resolves" 7). What was never written between two places reads as zeros.
 */
export class Spool {
  readonly #limit: number
  #memory: Buffer = Buffer.alloc(0)
  #file: { handle: FileHandle; path: string } | null = null
  #byteLength = 0
  #closed = false

  /** @param limit - bytes kept in memory */
  constructor(limit: number = IN_MEMORY) {
    this.#limit = limit
  }

  get byteLength(): number {
    return this.#byteLength
  }

  /** @param position - where in the spool, in bytes; at its end when left out */
  async write(chunk: Uint8Array, position: number = this.#byteLength): Promise<void> {
    if (this.#closed) throw failure('CLOSED', { syscall: 'write' })
    const end = position + chunk.byteLength
    if (this.#file === null && end <= this.#limit) {
      this.#grow(end)
      // A copy: the caller may use its buffer again.
      this.#memory.set(chunk, position)
    } else {
      const file = this.#file ?? (await this.#spill())
      for (let done = 0; done < chunk.byteLength;) {
        const { bytesWritten } = await file.handle.write(
          chunk,
          done,
          chunk.byteLength - done,
          position + done
        )
        done += bytesWritten
      }
    }
    this.#byteLength = Math.max(this.#byteLength, end)
  }

  /** Fills `into` from byte `start` on; fewer bytes only at the end. */
  async read(into: Uint8Array, start: number): Promise<number> {
    const length = Math.max(0, Math.min(into.byteLength, this.#byteLength - start))
    if (this.#file === null) {
      into.set(this.#memory.subarray(start, start + length))
      return length
    }
    for (let done = 0; done < length;) {
      const { bytesRead } = await this.#file.handle.read(into, done, length - done, start + done)
      if (bytesRead === 0) return done
      done += bytesRead
    }
    return length
  }

  /** The bytes from the start, or a part of them. May be read more than once. */
  async *stream({ start = 0, length = Infinity }: ByteRange = {}): AsyncIterable<Uint8Array> {
    const end = Math.min(start + length, this.#byteLength)
    if (this.#file === null) {
      if (start < end) yield Buffer.from(this.#memory.subarray(start, end))
      return
    }
    for (let at = start; at < end;) {
      const buffer = Buffer.allocUnsafe(Math.min(CHUNK, end - at))
      const bytesRead = await this.read(buffer, at)
      if (bytesRead === 0) return
      yield buffer.subarray(0, bytesRead)
      at += bytesRead
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#memory = Buffer.alloc(0)
    const file = this.#file
    if (file === null) return
    await file.handle.close()
    await rm(file.path, { force: true })
  }

  #grow(end: number): void {
    if (end <= this.#memory.byteLength) return
    const memory = Buffer.alloc(Math.min(this.#limit, Math.max(end, 2 * this.#memory.byteLength)))
    memory.set(this.#memory)
    this.#memory = memory
  }

  async #spill(): Promise<{ handle: FileHandle; path: string }> {
    const path = join(tmpdir(), `multidrive-${randomUUID()}`)
    const handle = await open(path, 'wx+', 0o600)
    // Nothing is left behind, even by a process that is killed; where an open file cannot be removed, `close` does it.
    await rm(path).catch(() => undefined)
    try {
      await handle.writeFile(this.#memory.subarray(0, this.#byteLength))
    } catch (err) {
      await handle.close()
      throw err
    }
    this.#memory = Buffer.alloc(0)
    return (this.#file = { handle, path })
  }
}
