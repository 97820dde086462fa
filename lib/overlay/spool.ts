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
 * Bytes on their way into a drive. They wait aside, so that a stream that is open for long never holds up another write
 * (design, "How a read resolves" 7).
 */
export class Spool {
  readonly #limit: number
  #memory: Uint8Array[] = []
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

  async write(chunk: Uint8Array): Promise<void> {
    if (this.#closed) throw failure('CLOSED', { syscall: 'write' })
    this.#byteLength += chunk.byteLength
    if (this.#file === null && this.#byteLength <= this.#limit) {
      // A copy: the caller may use its buffer again.
      this.#memory.push(Uint8Array.from(chunk))
      return
    }
    if (this.#file === null) {
      const path = join(tmpdir(), `multidrive-${randomUUID()}`)
      this.#file = { handle: await open(path, 'wx+', 0o600), path }
      // Nothing is left behind, even by a process that is killed; where an open file cannot be removed, `close` does it.
      await rm(path).catch(() => undefined)
      for (const waiting of this.#memory) await this.#file.handle.appendFile(waiting)
      this.#memory = []
    }
    await this.#file.handle.appendFile(chunk)
  }

  /** The bytes from the start, or a part of them. May be read more than once. */
  async *read({ start = 0, length = Infinity }: ByteRange = {}): AsyncIterable<Uint8Array> {
    const until = Math.min(start + length, this.#byteLength)
    if (this.#file === null) {
      const all = Buffer.concat(this.#memory).subarray(start, Math.max(start, until))
      if (all.byteLength > 0) yield all
      return
    }
    for (let at = start; at < until;) {
      const buffer = Buffer.allocUnsafe(Math.min(CHUNK, until - at))
      const { bytesRead } = await this.#file.handle.read(buffer, 0, buffer.byteLength, at)
      if (bytesRead === 0) return
      yield buffer.subarray(0, bytesRead)
      at += bytesRead
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#memory = []
    const file = this.#file
    if (file === null) return
    await file.handle.close()
    await rm(file.path, { force: true })
  }
}
