import type { Stats } from 'node:fs'
import { lstat } from 'node:fs/promises'
import { NO_CLOCK, type Clock } from '../../format/clock.ts'
import type { DirectoryRecord, TombstoneRecord } from '../../format/records.ts'
import { isTime, unstamped, type Stamp } from '../../format/stamp.ts'
import { ancestors, compareKeys, isIn, isKey, type KeyRange } from '../../path.ts'
import type {
  BelowOptions,
  Candidate,
  Cursor,
  Directory,
  Leaf,
  LeafView,
  Mount,
  Past,
  ScanOptions,
  Tag,
  Tombstone,
  Version
} from '../source.ts'
import { nothing } from '../nothing.ts'
import { toCandidate, type Host } from './candidate.ts'
import { LocaldriveCursor } from './cursor.ts'
import { listFolder } from './listing.ts'
import type { Records } from './records.ts'
import { isHidden } from './root.ts'
import { diskTime } from './sidecar.ts'

const PARALLEL = 16

/** The folder as it is when it is asked, with the records as they were when the view was taken. */
export class LocaldriveView implements LeafView {
  readonly head = null
  readonly #host: Host
  readonly #records: Records
  #mounts: readonly Mount[] | null

  /** @param before - the view that it takes the place of */
  constructor(host: Host, records: Records, before: LocaldriveView | null = null) {
    this.#host = host
    this.#records = records
    this.#mounts = before && before.#records.mounts === records.mounts ? before.#mounts : null
  }

  get leaf(): Leaf {
    return this.#host.leaf
  }

  mounts(): readonly Mount[] {
    return (this.#mounts ??= [...this.#records.mounts.values()].map((record) => this.#recorded(record)))
  }

  tags(): readonly Tag[] {
    return [...this.#records.tags.values()].map((record) => this.#recorded(record))
  }

  leaves(): readonly LeafView[] {
    return [this]
  }

  async find(key: string): Promise<Candidate | null> {
    if (!isKey(key) || isHidden(key)) return null
    const stat = await this.#host.root.lstat(key)
    return stat && toCandidate(this.#host, key, stat, this.#records)
  }

  scan(range: KeyRange, { reverse = false }: ScanOptions = {}): Cursor {
    return new LocaldriveCursor(this.#host, this.#records, range, reverse)
  }

  tombstonesOver(key: string): readonly Tombstone[] {
    const { tombstones } = this.#records
    if (tombstones.size === 0) return []
    const names = [key, ...[key, ...ancestors(key)].map((path) => path + '/')]
    return names.flatMap((name) => this.#tombstone(tombstones.get(name)))
  }

  tombstonesBelow(folder: string): readonly Tombstone[] {
    const found: Tombstone[] = []
    for (const record of this.#records.tombstones.values()) {
      if (isIn(record.path, folder)) found.push(...this.#tombstone(record))
    }
    return found
  }

  changedKeys(): AsyncIterable<string> {
    // A folder has no other version than the one of now.
    return nothing()
  }

  async *history(key: string): AsyncIterable<Past> {
    const version = await this.find(key)
    if (version) yield { type: 'put', version }
    for (const tombstone of this.tombstonesOver(key)) yield { type: 'bury', version: tombstone }
  }

  async directoryAt(folder: string): Promise<Directory | null> {
    if (!isKey(folder) || isHidden(folder)) return null
    const stat = await this.#host.root.lstat(folder)
    return stat?.isDirectory() ? this.#directory(folder, stat) : null
  }

  async directoriesBelow(
    folder: string,
    { shallow = false }: BelowOptions = {}
  ): Promise<readonly Directory[]> {
    if (folder !== '' && (!isKey(folder) || isHidden(folder))) return []
    const found: Directory[] = []
    let level = [folder]
    while (level.length > 0) {
      const below: string[] = []
      for (let i = 0; i < level.length; i += PARALLEL) {
        const lists = level.slice(i, i + PARALLEL).map((parent) => this.#foldersIn(parent))
        for (const directories of await Promise.all(lists)) {
          for (const directory of directories) {
            found.push(directory)
            below.push(directory.record.path)
          }
        }
      }
      level = shallow ? [] : below
    }
    return found.sort((a, b) => compareKeys(a.record.path, b.record.path))
  }

  async #foldersIn(parent: string): Promise<Directory[]> {
    const found: Directory[] = []
    for (const tag of await listFolder(this.#host.root, parent)) {
      if (!tag.endsWith('/')) continue
      const path = `${parent}/${tag.slice(0, -1)}`
      const stat = await this.#host.root.answer(lstat(this.#host.root.path(path)))
      if (stat?.isDirectory()) found.push(this.#directory(path, stat))
    }
    return found
  }

  #tombstone(record: TombstoneRecord | undefined): Tombstone[] {
    return record ? [this.#recorded(record)] : []
  }

  #recorded<T extends { mtime: number; ctime: number | null; clock: Clock }>(
    record: T
  ): Version & { record: T } {
    const { mtime, ctime, clock } = record
    const stamp: Stamp = { ...unstamped(mtime), ctime, clock }
    return { origin: this.#host.record, leaf: this.#host.leaf, stamp, record }
  }

  #directory(path: string, stat: Stats): Directory {
    const stored = this.#records.directories.get(path)
    const record = stored ?? folderRecord(path, stat)
    const { mtime, ctime, clock, mode } = record
    const stamp: Stamp = { ...unstamped(mtime), ctime, clock, mode }
    return { origin: this.#host.file, leaf: this.#host.leaf, stamp, record, isBare: !stored }
  }
}

function folderRecord(path: string, stat: Stats): DirectoryRecord {
  const disk = diskTime(stat)
  return {
    path,
    mtime: isTime(disk) ? disk : 0,
    ctime: null,
    clock: NO_CLOCK,
    mode: stat.mode & 0o7777,
    metadata: null
  }
}
