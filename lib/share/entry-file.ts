import type MultiDrive from '../../index.ts'
import type { Entry } from '../../index.ts'
import type { SavedFile } from './partial.ts'

interface FileOptions {
  /** Its path, for errors and for the name of what is there of it; default: that of the entry. */
  readonly key?: string | undefined
  /** The date that it is to have, in milliseconds since the epoch; default: that of the entry, null for that of the day. */
  readonly mtime?: number | null | undefined
  /** Give it up when no byte of it came for so many milliseconds; 0 for never. Default: as the view is told. */
  readonly timeout?: number | undefined
}

/** The file of an entry, as it is to be saved. */
export function fileOf(view: MultiDrive, entry: Entry, opts: FileOptions = {}): SavedFile {
  const { key = entry.key, mtime = entry.mtime, timeout } = opts
  const size = entry.value.blob!.byteLength
  const patience = timeout === undefined ? {} : { timeout }
  return {
    key,
    size,
    version: versionOf(entry),
    mtime,
    executable: entry.value.executable,
    async *read(start, signal) {
      const stream = view.createReadStream(entry, { start, ...patience })
      const stop = () => stream.destroy()
      signal.addEventListener('abort', stop)
      try {
        signal.throwIfAborted()
        yield* stream as AsyncIterable<Uint8Array>
      } finally {
        signal.removeEventListener('abort', stop)
        stream.destroy()
      }
    }
  }
}

/** What tells a version of a file from every other; null where nothing does. */
function versionOf({ drive, mtime, seq, value }: Entry): string | null {
  const { key = null, root = null } = drive as { key?: Buffer | null; root?: string }
  if (seq === null && mtime === null) return null
  return JSON.stringify([key?.toString('hex') ?? root, seq, mtime, value.blob])
}
