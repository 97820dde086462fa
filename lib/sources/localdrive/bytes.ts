import { constants, type Stats } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'
import type { RangeOptions } from '../../drive.ts'
import { failure } from '../../errors.ts'
import type { Content } from '../source.ts'
import { parentOf, type Root } from './root.ts'

const CHUNK = 256 * 1024
// A pipe that took the place of the file must not hold up the open. Windows has neither flag; undefined adds no bit.
const FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK

/** The bytes of a file, read as they are asked for; the file stays open until the consumer is through or stops. */
export async function* readBytes(
  root: Root,
  key: string,
  opts: RangeOptions = {}
): AsyncGenerator<Uint8Array> {
  const start = Math.max(0, opts.start ?? 0)
  let left = opts.length ?? (opts.end === undefined ? Infinity : opts.end - start + 1)
  if (!(left > 0)) return
  const handle = await openFile(root, key)
  try {
    for (let position = start; left > 0;) {
      const buffer = Buffer.allocUnsafeSlow(Math.min(CHUNK, left))
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, position)
      if (bytesRead === 0) return
      position += bytesRead
      left -= bytesRead
      yield buffer.subarray(0, bytesRead)
    }
  } finally {
    await handle.close()
  }
}

export async function readWhole(root: Root, key: string): Promise<Buffer> {
  const handle = await openFile(root, key)
  try {
    return await handle.readFile()
  } finally {
    await handle.close()
  }
}

/**
 * The file held open: whoever replaces it by another one leaves this one as it is.
 *
 * @param found - what stood there when the file was found
 * @throws ESTALE when another one stands there by now
 */
export async function openContent(root: Root, key: string, found: Stats): Promise<Content> {
  const handle = await openFile(root, key)
  const { ino, size, mtimeMs } = await handle.stat()
  if (ino !== found.ino || size !== found.size || mtimeMs !== found.mtimeMs) {
    await handle.close()
    throw failure('ESTALE', { syscall: 'open', path: key })
  }
  return {
    read: async (into, start) => {
      let filled = 0
      while (filled < into.byteLength) {
        const { bytesRead } = await handle.read(into, filled, into.byteLength - filled, start + filled)
        if (bytesRead === 0) break
        filled += bytesRead
      }
      return filled
    },
    byteLength: async () => (await handle.stat()).size,
    close: () => handle.close()
  }
}

async function openFile(root: Root, key: string): Promise<FileHandle> {
  const handle = (await root.hasFolder(parentOf(key))) ? await root.answer(open(root.path(key), FLAGS)) : null
  if (handle && (await handle.stat()).isFile()) return handle
  await handle?.close()
  throw failure('ENOENT', { syscall: 'open', path: key })
}
