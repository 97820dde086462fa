import type { Json } from '../../drive.ts'
import { failure } from '../../errors.ts'
import { toJson } from '../../format/json.ts'
import { isTime } from '../../format/stamp.ts'
import type { Operation } from '../../overlay/operation.ts'
import { worst } from '../../overlay/failure.ts'
import type { Overlay } from '../../overlay/overlay.ts'
import type { Spool } from '../../overlay/spool.ts'
import { commitIn, placeAt } from '../../overlay/place.ts'
import { toKey } from '../../path.ts'
import type { Staged, WritableLeaf } from '../../sources/source.ts'

export interface PutOptions {
  /** Default false. */
  executable?: boolean
  /** Anything that JSON can hold; `mtime`, in milliseconds since the epoch, dates the file. Default null. */
  metadata?: unknown
  /**
   * The date of the file in milliseconds since the epoch, which the metadata then need not say. Default null: that of the metadata, or
   * now.
   */
  mtime?: number | null
}

export interface DelOptions {
  /** Delete everything below the path as well. Default false. */
  recursive?: boolean
}

/** A put, checked and on its way: what has to be known before its bytes come. */
export interface FileHead {
  readonly key: string
  readonly executable: boolean
  readonly metadata: Json
  /** The date that the caller gave, null for none. */
  readonly time: number | null
}

export function fileHead(path: string, opts: PutOptions = {}, syscall: string): FileHead {
  const key = toKey(path, syscall)
  const { executable, metadata, mtime: time = null } = opts
  if (time !== null && !isTime(time))
    throw failure('EINVAL', { syscall, path: key, detail: 'mtime is in milliseconds since the epoch' })
  return { key, executable: executable === true, metadata: toJson(metadata, syscall, key), time }
}

/** Bytes that are brought into the drive while it is found out what there is: nobody waits long for so few. */
const FEW = 65_536

/** Writes one file. */
export async function putFile(
  overlay: Overlay,
  head: FileHead,
  data: Uint8Array | Spool,
  syscall: string
): Promise<void> {
  const stage = (writer: WritableLeaf) =>
    writer.stage(data instanceof Uint8Array ? data : data.stream()).catch((error: unknown) => {
      throw worst([{ source: writer, error }], head.key)
    })
  const likely = data instanceof Uint8Array && data.byteLength <= FEW ? overlay.likelyWriter : null
  let staged = likely && stage(likely)
  // It is looked at when all else is known.
  staged?.catch(() => undefined)
  try {
    // The disk is to be at work by then.
    if (staged !== null) await new Promise(setImmediate)
    const place = await placeAt(overlay, syscall, head.key)
    if (staged === null || place.writer !== likely) {
      await discard(staged)
      staged = stage(place.writer)
      await staged
    }
    await commitIn(place, { syscall, operations: [{ type: 'file', ...head, staged }] })
  } catch (err) {
    await discard(staged)
    throw err
  }
}

/** Gives back what may still be on its way. What failed on its way has left nothing. */
async function discard(staged: Promise<Staged> | null): Promise<void> {
  const bytes = await staged?.catch(() => null)
  await bytes?.discard()
}

export async function symlink(
  overlay: Overlay,
  path: string,
  linkname: string,
  opts: PutOptions = {}
): Promise<void> {
  if (typeof opts === 'function')
    throw failure('EINVAL', { syscall: 'symlink', path, detail: 'it takes no callback' })
  const { key, metadata, time } = fileHead(path, opts, 'symlink')
  const operation: Operation = { type: 'link', key, linkname: toLinkname(linkname, key), metadata, time }
  await commitIn(await placeAt(overlay, 'symlink', key), {
    syscall: 'symlink',
    operations: [operation]
  })
}

export async function del(overlay: Overlay, path: string, opts: DelOptions = {}): Promise<void> {
  const key = toKey(path, 'del')
  const operation: Operation = { type: 'remove', key, tree: opts.recursive === true }
  await commitIn(await placeAt(overlay, 'del', key), { syscall: 'del', operations: [operation] })
}

export function toLinkname(linkname: unknown, path: string): string {
  if (typeof linkname === 'string' && linkname !== '' && !linkname.includes('\0'))
    return linkname.toWellFormed()
  throw failure('EINVAL', { syscall: 'symlink', path, detail: 'a link points to a path' })
}
