import { createHash, randomUUID } from 'node:crypto'
import { constants, type Stats } from 'node:fs'
import { chmod, lstat, open, readlink, rename, symlink, unlink, type FileHandle } from 'node:fs/promises'
import { basename, dirname, join, relative } from 'node:path'
import { TransferError } from '../share/errors.ts'

/** One version of a file, as it is to be saved. */
export interface SavedFile {
  /** Its path in the drive. */
  readonly key: string
  /** Its length in bytes. */
  readonly size: number
  /** Tells the version from every other one of any drive; null where nothing does. */
  readonly version: string | null
  /** In milliseconds; null where it has no date. */
  readonly mtime: number | null
  readonly executable: boolean
  /** The bytes from one on. */
  read(start: number, signal: AbortSignal): AsyncIterable<Uint8Array>
}

export interface SaveOptions {
  readonly signal: AbortSignal
  /** Told of how many bytes of the file are on the disk, again and again. */
  readonly onprogress: (bytes: number) => void
}

/** So many bytes are written at once. */
const WRITTEN_AT_ONCE = 1 << 20

/** So many bytes are sent on to the disk while the next ones come, for the last of them not to be waited for long. */
const SYNCED_AT_ONCE = 32 << 20

/** A date that was set is not always kept to the last digit; in milliseconds. */
const DATES = 1

/** No name of a file is longer than 255 bytes, and a partial file has 22 more. */
const NAME = 200

/** So much of the end of a partial file is compared before it is gone on with. */
const CHECKED = 1 << 16

/**
 * Saves a file. Its bytes go into a partial file beside it, named after the version; what was there of it from a time before is kept, and
 * the file has its own name only when it is whole.
 *
 * Others may save the same version to the same place at the same time. A partial file is therefore never made shorter: all that is in it has
 * been written from its start on, and whoever goes on with it writes the same bytes.
 *
 * @returns whether it had been there, whole, before
 * @throws DOWNLOAD_FAILED when it does not come to its length, the reason of the signal, and what the disk and the drive throw
 */
export async function saveFile(file: SavedFile, target: string, opts: SaveOptions): Promise<boolean> {
  const { signal, onprogress } = opts
  for (let isFirst = true; ; isFirst = false) {
    signal.throwIfAborted()
    if (await isThere(file, target, signal)) {
      onprogress(file.size)
      return isFirst
    }
    if (await savePartial(file, target, opts)) return false
  }
}

/** @returns false where the partial file is not there any more under its name: another process has taken it */
async function savePartial(file: SavedFile, target: string, opts: SaveOptions): Promise<boolean> {
  const { signal, onprogress } = opts
  const isAnonymous = file.version === null
  const partial = partialOf(isAnonymous ? { key: file.key, version: randomUUID() } : file, target)
  try {
    const { handle, length } = await openPartial(file, partial, signal)
    let id: string
    try {
      onprogress(length)
      if (length < file.size) await append(file, handle, length, opts)
      const { size } = await handle.stat()
      if (size !== file.size) {
        const detail = `${size} bytes came of ${file.size}`
        throw new TransferError('DOWNLOAD_FAILED', { path: file.key, detail })
      }
      if (file.executable) await handle.chmod(0o755)
      if (file.mtime !== null) await handle.utimes(Date.now() / 1000, file.mtime / 1000)
      await handle.sync()
      id = idOf(await handle.stat())
    } finally {
      await handle.close()
    }
    const named = await statOf(partial)
    if (named === null || idOf(named) !== id) {
      const placed = await statOf(target)
      return placed !== null && idOf(placed) === id
    }
    await takePlace(partial, target)
    return true
  } catch (err) {
    // Nobody could ever go on with it.
    if (isAnonymous) await unlink(partial).catch(ignoreAbsence)
    throw err
  }
}

/** Opens a partial file to go on with it where it can be. */
async function openPartial(
  file: SavedFile,
  partial: string,
  signal: AbortSignal
): Promise<{ handle: FileHandle; length: number }> {
  for (;;) {
    // A link in its place is not followed: it may lead anywhere.
    const handle = await open(partial, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW)
    try {
      const length = (await handle.stat()).size
      if (length === 0 || (length <= file.size && (await endsAsIn(file, handle, length, signal))))
        return { handle, length }
    } catch (err) {
      await handle.close()
      throw err
    }
    await handle.close()
    await unlink(partial).catch(ignoreAbsence)
  }
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

function idOf({ dev, ino }: Stats): string {
  return `${dev}:${ino}`
}

/**
 * Makes a symbolic link, in the place of whatever file is there.
 *
 * @param to - the path on the disk that it leads to
 * @returns whether it had been there before
 */
export async function saveLink(to: string, target: string): Promise<boolean> {
  const text = relative(dirname(target), to) || '.'
  const known = await readlink(target).catch(() => null)
  if (known === text) return true
  const partial = partialOf({ key: target, version: randomUUID() }, target)
  await symlink(text, partial)
  try {
    await rename(partial, target)
  } catch (err) {
    await unlink(partial).catch(ignoreAbsence)
    throw err
  }
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
      onprogress((length += batch.reduce((sum, { byteLength }) => sum + byteLength, 0)))
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

/** Gives a partial file its name. */
async function takePlace(partial: string, target: string): Promise<void> {
  try {
    await rename(partial, target)
  } catch (err) {
    // Another process that saved the same version has been faster.
    const isTaken = (err as NodeJS.ErrnoException).code === 'ENOENT' && (await statOf(target)) !== null
    if (!isTaken) throw err
  }
}

/** Whether a file is on the disk: by its date as the drive has it, or by its bytes where that has none. */
async function isThere(file: SavedFile, target: string, signal: AbortSignal): Promise<boolean> {
  const found = await statOf(target)
  if (found?.isDirectory() === true) {
    const cause = Object.assign(new Error(`EISDIR: a folder is in its place: ${target}`), { code: 'EISDIR' })
    throw new TransferError('DOWNLOAD_FAILED', { path: file.key, cause })
  }
  if (!found?.isFile() || found.size !== file.size) return false
  const isSame =
    file.mtime === null ? await hasBytes(file, target, signal) : Math.abs(found.mtimeMs - file.mtime) < DATES
  if (isSame && file.executable && (found.mode & 0o100) === 0) await chmod(target, 0o755)
  return isSame
}

async function hasBytes(file: SavedFile, target: string, signal: AbortSignal): Promise<boolean> {
  const handle = await open(target, constants.O_RDONLY | constants.O_NOFOLLOW)
  try {
    let position = 0
    for await (const chunk of file.read(0, signal)) {
      const here = Buffer.alloc(chunk.byteLength)
      const { bytesRead } = await handle.read(here, 0, here.byteLength, position)
      if (!here.subarray(0, bytesRead).equals(chunk)) return false
      position += bytesRead
    }
    signal.throwIfAborted()
    return position === file.size
  } finally {
    await handle.close()
  }
}

async function statOf(path: string): Promise<Stats | null> {
  return lstat(path).catch((err: unknown) => ignoreAbsence(err))
}

function ignoreAbsence(err: unknown): null {
  if ((err as NodeJS.ErrnoException).code === 'ENOENT') return null
  throw err
}

/** Beside the file, for the one to become the other at once. */
function partialOf({ key, version }: Pick<SavedFile, 'key' | 'version'>, target: string): string {
  const tag = createHash('sha256')
    .update(JSON.stringify([key, version]))
    .digest('hex')
    .slice(0, 16)
  const name = Buffer.from(basename(target))
    .subarray(0, NAME)
    .toString()
    .replace(/\uFFFD+$/, '')
  return join(dirname(target), `${name}.${tag}.part`)
}
