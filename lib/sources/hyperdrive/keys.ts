import SubEncoder from 'sub-encoder'
import type { RecordKind } from '../../format/records.ts'
import type { KeyRange } from '../../path.ts'
import type { Bounds } from './bounds.ts'

/** Where Hyperdrive keeps its entries. */
const entries = new SubEncoder('files', 'utf-8')

/** Where MultiDrive keeps its records, out of sight of Hyperdrive (FORMAT.md, "Hidden records"). */
const hidden = new SubEncoder('multidrive', 'binary')

const kinds: Readonly<Record<RecordKind, SubEncoder>> = {
  tombstones: new SubEncoder('multidrive', 'utf-8').sub('tombstones', 'utf-8'),
  directories: new SubEncoder('multidrive', 'utf-8').sub('directories', 'utf-8'),
  mounts: new SubEncoder('multidrive', 'utf-8').sub('mounts', 'utf-8'),
  tags: new SubEncoder('multidrive', 'utf-8').sub('tags', 'utf-8')
}

/** All hidden records. */
export const HIDDEN = under(hidden.prefix)

/**
 * The encoding of file keys. A stored key that is not UTF-8, or begins with a NUL, comes out as a NUL and its bytes, which is no key, but
 * tells where a listing goes on: otherwise two such keys could come out as one.
 */
export const entryKeys = {
  encode: (key: string): Buffer =>
    key.startsWith('\0')
      ? Buffer.concat([entries.prefix, Buffer.from(key.slice(1), 'latin1')])
      : entries.encode(key),
  decode: (bytes: Buffer): string => {
    const key = entries.decode(bytes)
    const isText = !key.includes('\ufffd') || entries.encode(key).equals(bytes)
    if (isText && !key.startsWith('\0')) return key
    return '\0' + bytes.subarray(entries.prefix.length).toString('latin1')
  }
}

/** The bytes of a range of file keys. */
export function entryBounds({ gt, gte, lt, lte }: KeyRange): Bounds {
  const all = under(entries.prefix)
  const lower = gt ?? gte
  const upper = lt ?? lte
  return {
    lower: lower === undefined ? all.lower : entryKeys.encode(lower),
    upper: upper === undefined ? all.upper : entryKeys.encode(upper),
    includesLower: gt === undefined,
    includesUpper: lt === undefined && lte !== undefined
  }
}

/** The key of an entry, null for any other key of the drive. */
export function parseEntryKey(bytes: Buffer): string | null {
  const { prefix } = entries
  return bytes.subarray(0, prefix.length).equals(prefix) ? entryKeys.decode(bytes) : null
}

export function recordKeys(kind: RecordKind): SubEncoder {
  return kinds[kind]
}

/** The kind and the name of a hidden record, null for any other key. */
export function parseRecordKey(bytes: Buffer): { kind: RecordKind; name: string } | null {
  for (const kind of Object.keys(kinds) as RecordKind[]) {
    const encoder = kinds[kind]
    if (bytes.subarray(0, encoder.prefix.length).equals(encoder.prefix))
      return { kind, name: encoder.decode(bytes) }
  }
  return null
}

function under(prefix: Buffer): Bounds & { readonly lower: Buffer } {
  return { lower: prefix, upper: bump(prefix), includesLower: true, includesUpper: false }
}

function bump(prefix: Buffer): Buffer {
  const next = Buffer.from(prefix)
  next[next.length - 1]! += 1
  return next
}
