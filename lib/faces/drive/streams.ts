import { Readable, Writable } from 'streamx'
import type { Entry, RangeOptions, Stale } from '../../drive.ts'
import { driveFailure, failure, type MultiDriveError } from '../../errors.ts'
import { believed } from '../../overlay/resolve.ts'
import type { Located, Reader } from '../../overlay/view.ts'
import type { Spool } from '../../overlay/spool.ts'
import type { ByteRange } from '../../sources/source.ts'
import { toBytes } from './bytes.ts'
import { findReadableBytes, type EntryOptions } from './entry.ts'
import { tellDate } from './mirrored.ts'

/**
 * The bytes of a file. The version is found when the stream is opened and stays the same to the end.
 *
 * @throws (as `error` of the stream) ENOENT when there is no file; the drive's own error
 */
export function readStream(
  reader: () => Reader | Promise<Reader>,
  target: string | Entry,
  opts: RangeOptions & EntryOptions = {}
): Readable & Stale {
  let iterator: AsyncIterator<Uint8Array> | null = null
  let located: Located | null = null
  let date: number | null = null
  const abort = new AbortController()
  let cancel: (err: Error) => void = () => undefined
  const unlessDestroyed = <T>(promise: Promise<T>): Promise<T> => {
    return new Promise((resolve, reject) => {
      cancel = reject
      promise.then(resolve, reject)
    })
  }
  const stream: Readable & Stale = new Readable({
    open(cb) {
      const open = async () => {
        const range = toRange(opts, target)
        const from = await reader()
        located = await findReadableBytes(from, target, opts)
        if (located === null) {
          throw failure('ENOENT', { syscall: 'open', path: typeof target === 'string' ? target : target.key })
        }
        markStale(stream, located)
        date = believed(located.candidate, from.rules)
        iterator = located.candidate.read({ ...range, signal: abort.signal })[Symbol.asyncIterator]()
      }
      unlessDestroyed(open()).then(() => cb(null), cb)
    },
    read(cb) {
      const read = async () => {
        const next = await iterator!.next()
        stream.push(next.done ? null : next.value)
      }
      unlessDestroyed(read()).then(
        () => cb(null),
        (err: unknown) => cb(nameDrive(err, located!, 'read'))
      )
    },
    predestroy() {
      abort.abort()
      cancel(failure('CLOSED', { detail: 'the stream was destroyed' }))
    },
    destroy(cb) {
      // The bytes may still be on their way: what reads them ends by the signal, and is not waited for.
      Promise.resolve(iterator?.return?.()).catch(() => undefined)
      cb(null)
    }
  })
  tellDate(stream, () => date)
  return stream
}

/** All the bytes of one version. */
export async function readAll(located: Located, opts: RangeOptions): Promise<Buffer & Stale> {
  try {
    return markStale(await located.candidate.readAll(opts), located)
  } catch (err) {
    throw nameDrive(err, located, 'read')
  }
}

/**
 * A stream whose bytes wait aside until it ends, and land in one write then.
 *
 * @param spool - where they wait
 * @param path - named in errors
 * @param land - puts the whole file in its place
 * @param onclose - the stream is through, whether it landed or not
 */
export function writeStream(
  spool: Spool,
  path: string,
  land: (spool: Spool) => Promise<void>,
  onclose: () => Promise<void> = () => Promise.resolve()
): Writable {
  return new Writable({
    // Nothing is buffered for its length, which only bytes have.
    byteLength: (data: unknown) => (data instanceof Uint8Array ? data.byteLength : 1024),
    write(data, cb) {
      const write = async () => spool.write(toBytes(data, 'write', path))
      write().then(() => cb(null), cb)
    },
    final(cb) {
      land(spool).then(() => cb(null), cb)
    },
    destroy(cb) {
      onclose().then(() => cb(null), cb)
    }
  })
}

/** Says of what was read that it stands in for a newer version, where it does. */
export function markStale<T extends object>(read: T, { stale }: Stale): T & Stale {
  return stale ? Object.assign(read, { stale }) : read
}

/** The error of the drive that a version lies in. */
export function nameDrive(err: unknown, { candidate, source }: Located, syscall: string): MultiDriveError {
  return driveFailure(err, candidate.leaf.name, { drive: source.drive, path: candidate.key, syscall })
}

/** Hyperdrive's range options as bytes from a start: `length` wins over `end`, and -1 means "to the end" as it does there. */
function toRange(
  { start = 0, end = -1, length = -1, wait, timeout }: RangeOptions,
  target: string | Entry
): ByteRange {
  for (const [name, value, least] of [
    ['start', start, 0] as const,
    ['end', end, -1] as const,
    ['length', length, -1] as const
  ]) {
    if (Number.isSafeInteger(value) && value >= least) continue
    const path = typeof target === 'string' ? target : target.key
    throw failure('EINVAL', { syscall: 'read', path, detail: `${name} is a number of bytes` })
  }
  const range: ByteRange = { start }
  if (wait !== undefined) range.wait = wait
  if (timeout !== undefined) range.timeout = timeout
  if (length !== -1) range.length = length
  else if (end !== -1) range.length = Math.max(0, end - start + 1)
  return range
}
