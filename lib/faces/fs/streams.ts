import fs, { type ReadStream, type WriteStream } from 'node:fs'
import type { OpenFiles } from './open-files.ts'
import { readAll, writeViews } from './transfer.ts'

type Done = (err: Error | null, count?: number, data?: unknown) => void

/**
 * Node's own stream over a descriptor, which takes its `open`, `read` and `close` from whoever gives them (docs of `fs`,
 * "fs.createReadStream").
 */
export function readStreamOf(
  files: OpenFiles,
  fd: number,
  options: object,
  close: () => Promise<void>
): ReadStream {
  const read = onPart((part, position) => readAll(files.get(fd), [part], position))
  return fs.createReadStream('', { ...options, fd, fs: { ...closing(close), read } })
}

export function writeStreamOf(
  files: OpenFiles,
  fd: number,
  options: object,
  close: () => Promise<void>
): WriteStream {
  const write = onPart((part, position) => writeViews(files.get(fd), [part], position))
  const writev = (_fd: number, buffers: Uint8Array[], position: unknown, cb: Done) => {
    settle(() => writeViews(files.get(fd), buffers, position), buffers, cb)
  }
  const sync = () => files.get(fd).sync()
  const fsync = (_fd: number, cb: Done) => settle(sync, undefined, cb as () => void)
  const stream = fs.createWriteStream('', {
    ...options,
    fd,
    fs: { ...closing(close), write, writev, fsync }
  } as object)
  return landingAtFinish(stream, sync)
}

/** A stream whose bytes have landed when it tells that it has finished: whoever reads the file then finds them there. */
export function landingAtFinish(stream: WriteStream, sync: () => Promise<unknown>): WriteStream {
  stream._final = (cb) => settle(sync, undefined, cb)
  return stream
}

/** A call in which Node's streams tell by offset and length which part of a buffer they mean. */
function onPart(call: (part: Uint8Array, position: unknown) => Promise<number>) {
  return (
    _fd: number,
    buffer: Uint8Array,
    offset: number,
    length: number,
    position: unknown,
    cb: Done
  ): void => settle(() => call(buffer.subarray(offset, offset + length), position), buffer, cb)
}

function closing(close: () => Promise<void>): object {
  return {
    open: () => undefined,
    close: (_fd: number, cb: Done) => settle(close, undefined, cb as () => void)
  }
}

function settle<T>(
  call: () => Promise<T>,
  data: unknown,
  cb: (err: Error | null, count?: T, data?: unknown) => void
): void {
  Promise.resolve()
    .then(call)
    .then(
      (count) => process.nextTick(cb, null, count, data),
      (err: unknown) => process.nextTick(cb, err)
    )
}
