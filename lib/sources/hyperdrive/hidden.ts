import type { ReadOptions } from '../../drive.ts'
import { parseDirectory, parseTombstone, tombstoneKey } from '../../format/records.ts'
import { unstamped, type Stamp } from '../../format/stamp.ts'
import { Records } from '../records.ts'
import type { Directory, Leaf, SourceEvents, Tombstone } from '../source.ts'
import { HIDDEN_RANGE, parseRecordKey } from './keys.ts'
import type { TreeReader } from './reader.ts'
import type { Bee } from './types.ts'

/** Beyond so many blocks it is cheaper to read the records again than what was written since. */
const MAX_HISTORY = 1024

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

  /** All records at one version; none where the reader has none. */
  async load(reader: TreeReader, version: number, opts: ReadOptions): Promise<Records> {
    const found = await reader.run(opts, async (bee, options) => {
      const changes = new Changes()
      const iterator = bee.createRangeIterator(HIDDEN_RANGE, {
        ...options,
        checkout: version,
        keyEncoding: 'binary',
        valueEncoding: 'binary'
      })
      try {
        await iterator.open()
        for (let node = await iterator.next(); node !== null; node = await iterator.next()) {
          this.#read(node.key as unknown as Buffer, node.value, node.seq, changes)
        }
      } finally {
        await iterator.close()
      }
      return changes
    })
    return found ? Records.EMPTY.with(found.tombstones, found.directories) : Records.EMPTY
  }

  /** The records at `version`, given those at an earlier one; both whole. */
  async advance(
    bee: Bee,
    from: { records: Records; version: number },
    version: number
  ): Promise<Records | null> {
    if (version < from.version || version - from.version > MAX_HISTORY) return null
    const changes = new Changes()
    const history = bee.createHistoryStream({
      gte: from.version,
      lt: version,
      checkout: version,
      wait: false,
      keyEncoding: 'binary',
      valueEncoding: 'binary'
    })
    for await (const { type, key, value, seq } of history)
      this.#read(key, type === 'put' ? value : null, seq, changes)
    if (changes.tombstones.size + changes.directories.size === 0) return from.records
    return from.records.with(changes.tombstones, changes.directories)
  }

  #read(key: Buffer, bytes: Buffer | null, seq: number, changes: Changes): void {
    const found = parseRecordKey(key)
    if (found === null) return
    const { kind, name } = found
    const value = parseJson(bytes)
    const origin = { id: this.#id, seq }
    const leaf = this.#leaf
    if (kind === 'tombstones') {
      const { record, newer } = parseTombstone(name, value)
      if (newer !== null) this.#events.format(kind, name, newer)
      const tombstone = record && { origin, leaf, record, stamp: stampOf(record) }
      changes.tombstones.set(record ? tombstoneKey(record) : name, tombstone)
    } else {
      const { record, newer } = parseDirectory(name, value)
      if (newer !== null) this.#events.format(kind, name, newer)
      changes.directories.set(name, record && { origin, leaf, record, stamp: stampOf(record) })
    }
  }
}

class Changes {
  readonly tombstones = new Map<string, Tombstone | null>()
  readonly directories = new Map<string, Directory | null>()
}

function stampOf(record: { mtime: number; ctime: number | null; clock: Stamp['clock'] }): Stamp {
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
