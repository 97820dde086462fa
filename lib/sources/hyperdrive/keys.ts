import SubEncoder from 'sub-encoder'
import type { RecordKind } from '../../format/records.ts'

/** Where Hyperdrive keeps its entries. */
const entries = new SubEncoder('files', 'utf-8')

/** Where MultiDrive keeps its records, out of sight of Hyperdrive (FORMAT.md, "Hidden records"). */
const hidden = new SubEncoder('multidrive', 'binary')

const kinds: Readonly<Record<RecordKind, SubEncoder>> = {
  tombstones: new SubEncoder('multidrive', 'utf-8').sub('tombstones', 'utf-8'),
  directories: new SubEncoder('multidrive', 'utf-8').sub('directories', 'utf-8')
}

/** The range of all hidden records, for an iterator with `keyEncoding: 'binary'`. */
export const HIDDEN_RANGE = { gte: hidden.prefix, lt: bump(hidden.prefix) }

/**
 * The encoding of file keys. A stored key that is not UTF-8 decodes to the empty string, which is no key: otherwise two such keys
 * could come out as one.
 */
export const entryKeys = {
  encode: (key: string) => entries.encode(key),
  encodeRange: (range: object) => entries.encodeRange(range),
  decode: (bytes: Buffer) => {
    const key = entries.decode(bytes)
    return key.includes('\ufffd') && !entries.encode(key).equals(bytes) ? '' : key
  }
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

function bump(prefix: Buffer): Buffer {
  const next = Buffer.from(prefix)
  next[next.length - 1]! += 1
  return next
}
