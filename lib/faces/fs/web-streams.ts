import { ReadableStream, type ReadableByteStreamController } from 'node:stream/web'

/** What is read: a FileHandle. */
interface Handle {
  read(part: Uint8Array): Promise<{ bytesRead: number }>
  once(event: 'close', listener: () => void): unknown
}

/** How many bytes are asked for where the reader brings no buffer, as in Node: of a stream of ArrayBuffers, and of one of bytes. */
const BUFFER_SIZE = 65_536
const BYTES_SIZE = 16_384

/** What is read from a handle, in ArrayBuffers. Nothing is read before it is asked for. */
export function bufferStreamOf(handle: Handle): ReadableStream<ArrayBuffer> {
  const reading = new Reading(handle)
  return new ReadableStream<ArrayBuffer>(
    {
      start: (controller) => reading.until(controller),
      async pull(controller) {
        const buffer = new ArrayBuffer(BUFFER_SIZE)
        const bytesRead = await reading.into(new Uint8Array(buffer))
        if (bytesRead > 0) controller.enqueue(buffer.slice(0, bytesRead))
      },
      cancel: () => reading.stop()
    },
    { highWaterMark: 0 }
  )
}

/** What is read from a handle, in bytes; a reader may bring the buffers (WHATWG Streams, "BYOB"). */
export function byteStreamOf(handle: Handle): ReadableStream<Uint8Array> {
  const reading = new Reading(handle)
  return new ReadableStream({
    type: 'bytes',
    autoAllocateChunkSize: BYTES_SIZE,
    start: (controller: ReadableByteStreamController) => reading.until(controller),
    async pull({ byobRequest }: ReadableByteStreamController) {
      const request = byobRequest!
      // A reader waits for its buffer also where the stream has ended.
      request.respond(await reading.into(request.view as Uint8Array))
    },
    cancel: () => reading.stop()
  })
}

/** A stream ends once: with the file, with its handle, by an error, or when nobody wants more. */
class Reading {
  readonly #handle: Handle
  #controller: { close(): void } | null = null

  constructor(handle: Handle) {
    this.#handle = handle
  }

  until(controller: { close(): void }): void {
    this.#controller = controller
    this.#handle.once('close', () => this.#end())
  }

  /** How many bytes there were; at the end none, and the stream has ended. */
  async into(part: Uint8Array): Promise<number> {
    const { bytesRead } = await this.#handle.read(part).catch((err: unknown) => {
      this.stop()
      throw err
    })
    if (bytesRead === 0) this.#end()
    return this.#controller === null ? 0 : bytesRead
  }

  stop(): void {
    this.#controller = null
  }

  #end(): void {
    this.#controller?.close()
    this.#controller = null
  }
}
