import { createHash, randomUUID } from 'node:crypto'
import { constants, existsSync, type Stats } from 'node:fs'
import { open, unlink, type FileHandle } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { TransferError } from './errors.ts'

/** One version of a file, as it is to be saved. */
export interface SavedFile {
  /** Its path in the drive. */
  readonly key: string
  /** Its length in bytes. */
  readonly size: number
  /** Tells the version from every other one of any drive; null where nothing does. */
  readonly version: string | null
  /** The date that it is to have, in milliseconds since the epoch; null for that of the day. */
  readonly mtime: number | null
  readonly executable: boolean
  /** The bytes from one on. */
  read(start: number, signal: AbortSignal): AsyncIterable<Uint8Array>
}

export interface SaveOptions {
  readonly signal: AbortSignal
  /** Told of how many bytes of the file are on the disk, again and again. */
  readonly onprogress?: ((bytes: number) => void) | undefined
}

/** So many bytes are written at once: more of them take longer, since by then they have left the processor's cache. */
const WRITTEN_AT_ONCE = 1 << 18

/** So many bytes are sent on to the disk while the next ones come, for the last of them not to be waited for long. */
const SYNCED_AT_ONCE = 32 << 20

/** No name of a file is longer than 255 bytes, and a partial file has 22 more. */
const NAME = 200

/** So much of the end of a partial file is compared before it is gone on with. */
const CHECKED = 1 << 16

/**
 * What is there of a file that comes to the disk, under a name of its own beside it. It is named after the version: the next who saves that
 * goes on with what is there.
 *
 * Others may save the same version to the same place at the same time. A partial file is therefore never made shorter: all that is in it has
 * been written from its start on, and whoever goes on with it writes the same bytes.
 */
export class PartialFile {
  readonly path: string
  readonly #file: SavedFile
  readonly #handle: FileHandle
  readonly #length: number

  private constructor(file: SavedFile, path: string, handle: FileHandle, length: number) {
    this.#file = file
    this.path = path
    this.#handle = handle
    this.#length = length
  }

  /**
   * Opens the one of a file, to go on with what is there of it where that can be.
   *
   * @throws what the disk and the drive throw
   */
  static async open(file: SavedFile, target: string, signal: AbortSignal): Promise<PartialFile> {
    const path = pathOf(file, target)
    for (;;) {
      // A link in its place is not followed: it may lead anywhere.
      const handle = await open(path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW)
      try {
        const length = (await handle.stat()).size
        if (length === 0 || (length <= file.size && (await endsAsIn(file, handle, length, signal))))
          return new PartialFile(file, path, handle, length)
      } catch (err) {
        await handle.close()
        throw err
      }
      await handle.close()
      await removeFile(path)
    }
  }

  /**
   * Fetches what is not there yet. When it returns, the file is on the disk, whole, with its date and its rights.
   *
   * @returns what tells it from every other file of this machine
   * @throws DOWNLOAD_FAILED when it does not come to its length, the reason of the signal, and what the disk and the drive throw
   */
  async complete({ signal, onprogress }: SaveOptions): Promise<string> {
    const [file, handle, length] = [this.#file, this.#handle, this.#length]
    onprogress?.(length)
    if (length < file.size) await append(file, handle, length, { signal, onprogress })
    const { size } = await handle.stat()
    if (size !== file.size) {
      const detail = `${size} bytes came of ${file.size}`
      throw new TransferError('DOWNLOAD_FAILED', { path: file.key, detail })
    }
    if (file.executable) await handle.chmod(executableMode((await handle.stat()).mode))
    if (file.mtime !== null) await handle.utimes(Date.now() / 1000, file.mtime / 1000)
    await handle.sync()
    return inodeOf(await handle.stat())
  }

  close(): Promise<void> {
    return this.#handle.close()
  }
}

/**
 * Beside the file, for the one to become the other at once.
 *
 * @param version - what tells what is to be in it from all else
 */
export function partialPath(target: string, version: unknown): string {
  const tag = createHash('sha256').update(JSON.stringify(version)).digest('hex').slice(0, 16)
  const name = Buffer.from(basename(target))
    .subarray(0, NAME)
    .toString()
    .replace(/\uFFFD+$/, '')
  return join(dirname(target), `${name}.${tag}.part`)
}

function pathOf({ key, version }: SavedFile, target: string): string {
  return partialPath(target, version === null ? randomUUID() : [key, version])
}

/** Whether something is there of a file, of a time that was broken off. */
export function isBegun(file: SavedFile, target: string): boolean {
  return existsSync(pathOf(file, target))
}

/** Whether a path is that of a partial file. */
export function isPartial(path: string): boolean {
  return /\.[0-9a-f]{16}\.part$/.test(path)
}

export function inodeOf({ dev, ino }: Stats): string {
  return `${dev}:${ino}`
}

/** The rights of a file with which whoever may read it may run it. */
export function executableMode(mode: number): number {
  return mode | ((mode & 0o444) >> 2)
}

/** Removes a file that may be gone. */
export async function removeFile(path: string): Promise<void> {
  await unlink(path).catch((err: unknown) => {
    if ((err as NodeJS.ErrnoException).code !== 'ENOENT') throw err
  })
}

/** Whether what a partial file ends with has reached the disk: after the power failed, some have it as zeros. */
async function endsAsIn(
  file: SavedFile,
  handle: FileHandle,
  length: number,
  signal: AbortSignal
): Promise<boolean> {
  const start = Math.max(0, length - CHECKED)
  const here = Buffer.alloc(length - start)
  const { bytesRead } = await handle.read(here, 0, here.byteLength, start)
  if (bytesRead < here.byteLength) return false
  let done = 0
  for await (const chunk of file.read(start, signal)) {
    const part = chunk.subarray(0, here.byteLength - done)
    if (!here.subarray(done, done + part.byteLength).equals(part)) return false
    done += part.byteLength
    if (done === here.byteLength) return true
  }
  signal.throwIfAborted()
  return false
}

/** Writes the bytes from one on behind those that are there, while the next ones come. */
async function append(file: SavedFile, handle: FileHandle, from: number, opts: SaveOptions): Promise<void> {
  const { signal, onprogress } = opts
  let length = from
  let position = from
  let chunks: Uint8Array[] = []
  let waiting = 0
  let writing: Promise<void> = Promise.resolve()
  let syncing: Promise<void> = Promise.resolve()
  let isSyncing = false
  let synced = from
  const flush = async () => {
    await writing
    const [batch, at] = [chunks, position]
    position += waiting
    chunks = []
    waiting = 0
    writing = write(handle, batch, at).then(() => {
      length += batch.reduce((sum, { byteLength }) => sum + byteLength, 0)
      onprogress?.(length)
      if (isSyncing || length - synced < SYNCED_AT_ONCE) return
      synced = length
      isSyncing = true
      syncing = handle.datasync().then(() => {
        isSyncing = false
      })
      // It is waited for at the end.
      syncing.catch(() => undefined)
    })
    // It is waited for before the next one, when the source may have failed.
    writing.catch(() => undefined)
  }
  try {
    for await (const chunk of file.read(from, signal)) {
      signal.throwIfAborted()
      if (position + waiting + chunk.byteLength > file.size) {
        const detail = `more bytes came than its ${file.size}`
        throw new TransferError('DOWNLOAD_FAILED', { path: file.key, detail })
      }
      chunks.push(chunk)
      waiting += chunk.byteLength
      if (waiting >= WRITTEN_AT_ONCE) await flush()
    }
    signal.throwIfAborted()
  } catch (err) {
    // A stream that it ended says that it was ended, not why.
    signal.throwIfAborted()
    throw err
  } finally {
    // What has come is kept for the next time, whatever ended it.
    if (waiting > 0) await flush()
    await writing
    await syncing
  }
}

async function write(handle: FileHandle, chunks: readonly Uint8Array[], position: number): Promise<void> {
  let rest = [...chunks]
  for (let at = position; rest.length > 0;) {
    const { bytesWritten } = await handle.writev(rest, at)
    at += bytesWritten
    rest = without(rest, bytesWritten)
  }
}

/** What is left of chunks when so many of their bytes are taken away. */
function without(chunks: readonly Uint8Array[], bytes: number): Uint8Array[] {
  let over = bytes
  const next = chunks.findIndex(({ byteLength }) => {
    if (byteLength > over) return true
    over -= byteLength
    return false
  })
  return next === -1 ? [] : [chunks[next]!.subarray(over), ...chunks.slice(next + 1)]
}
