import type { ReadOptions } from '../../drive.ts'
import { parseDirectory, parseMount, parseTag, parseTombstone, type Parsed } from '../../format/records.ts'
import { unstamped, type Stamp } from '../../format/stamp.ts'
import { noChanges, Records, type RecordChanges } from '../records.ts'
import type { Leaf, SourceEvents, Tombstone, Written } from '../source.ts'
import { UNBOUNDED } from './bounds.ts'
import { HIDDEN, parseEntryKey, parseRecordKey } from './keys.ts'
import type { TreeReader } from './reader.ts'
import type { StoredTree } from './tree.ts'

/** Beyond so many blocks it is cheaper to read the records again than what was written since. */
const MAX_HISTORY = 1024

/** So many records are read at once. */
const PAGE = 256

/** Reads the hidden records of a Hyperdrive. */
export class HiddenRecords {
  readonly #leaf: Leaf
  readonly #id: string
  readonly #events: SourceEvents

  constructor(leaf: Leaf, id: string, events: SourceEvents) {
    this.#leaf = leaf
    this.#id = id
    this.#events = events
  }

  /** All records; none where the reader has none. */
  async load(reader: TreeReader, opts: ReadOptions): Promise<Records> {
    if (reader.whole && !(await this.#mayHaveAny(reader))) return Records.EMPTY
    const changes = noChanges()
    const pages = reader.range(HIDDEN, opts)
    for (;;) {
      const entries = await pages.next(PAGE)
      if (entries === null) return Records.EMPTY
      for (const { key, value, seq } of entries) this.#read(key, value, seq, changes)
      if (entries.length < PAGE) return Records.EMPTY.with(changes)
    }
  }

  /** They come behind all files: where the last key of all is none of theirs, few blocks tell so. */
  async #mayHaveAny(reader: TreeReader): Promise<boolean> {
    const [last] = (await reader.range(UNBOUNDED, { reverse: true }).next(1)) ?? []
    return last !== undefined && Buffer.compare(last.key, HIDDEN.lower) >= 0
  }

  /** The records at `version`, given those at an earlier one, both whole, and what was written between them. */
  async advance(
    tree: StoredTree,
    from: { records: Records; version: number },
    version: number
  ): Promise<{ records: Records; written: Written } | null> {
    if (version < from.version || version - from.version > MAX_HISTORY) return null
    const changes = noChanges()
    const keys: string[] = []
    for (const { seq, key, value, isDeletion } of await tree.since(from.version)) {
      const entry = parseEntryKey(key)
      if (entry === null) this.#read(key, isDeletion ? null : value, seq, changes)
      else if (!isDeletion) keys.push(entry)
    }
    // What was removed again stood there at a version between the two.
    const [tombstones, directories] = [[...changes.tombstones.keys()], [...changes.directories.keys()]]
    return { records: from.records.with(changes), written: { keys, tombstones, directories } }
  }

  #read(key: Buffer, bytes: Buffer | null, seq: number, changes: RecordChanges): void {
    const found = parseRecordKey(key)
    if (found === null) return
    const { kind, name } = found
    const value = parseJson(bytes)
    const place = { origin: { id: this.#id, seq }, leaf: this.#leaf }
    const take = <T extends Dated>({ record, newer }: Parsed<T>) => {
      if (newer !== null) this.#events.format(kind, name, newer)
      return record && { ...place, record, stamp: stampOf(record) }
    }
    switch (kind) {
      case 'tombstones':
        return void changes.tombstones.set(name, take(parseTombstone(name, value)))
      case 'directories':
        return void changes.directories.set(name, take(parseDirectory(name, value)))
      case 'mounts':
        return void changes.mounts.set(name, take(parseMount(name, value)))
      case 'tags':
        return void changes.tags.set(name, take(parseTag(name, value)))
    }
  }
}

/** A tombstone as it once stood in a drive, null for what is none. */
export function toTombstone(
  host: { leaf: Leaf; id: string },
  key: Buffer,
  value: Buffer,
  seq: number
): Tombstone | null {
  const { record } = parseTombstone(parseRecordKey(key)?.name ?? '', parseJson(value))
  return record && { origin: { id: host.id, seq }, leaf: host.leaf, record, stamp: stampOf(record) }
}

interface Dated {
  mtime: number
  ctime: number | null
  clock: Stamp['clock']
}

function stampOf(record: Dated): Stamp {
  const { mtime, ctime, clock } = record
  return { ...unstamped(mtime), ctime, clock, stamped: true }
}

function parseJson(bytes: Buffer | null): unknown {
  if (bytes === null) return null
  try {
    return JSON.parse(bytes.toString()) as unknown
  } catch {
    return null
  }
}
