import type { Json, ReadOptions } from '../drive.ts'
import { failure, type ErrorCode } from '../errors.ts'
import { raiseClock } from '../format/clock.ts'
import {
  tombstoneKey,
  type DirectoryRecord,
  type MountPoint,
  type MountRecord,
  type TagRecord,
  type TombstoneRecord
} from '../format/records.ts'
import { unstamped, type NewStamp } from '../format/stamp.ts'
import { ancestors, folderRange, isIn } from '../path.ts'
import type {
  Change,
  Leaf,
  LeafView,
  Staged,
  Survey,
  Tombstone,
  Version,
  WritableLeaf
} from '../sources/source.ts'
import { worst } from './failure.ts'
import { takeInventory } from './inventory.ts'
import { MountTable } from './mount-table.ts'
import type { Operation } from './operation.ts'
import { Pending } from './pending.ts'
import { clockOver, explicitTime, stampOver, timeOver } from './stamp.ts'
import type { MergedView } from './view.ts'

/** How many candidates are read at once in search of one that is visible. */
const PAGE = 64

type FileChange =
  | Extract<Change, { type: 'link' }>
  | (Omit<Extract<Change, { type: 'file' }>, 'staged'> & { staged: Staged | Promise<Staged> })

/**
 * A write in the making. Operations are taken one after another, each seeing what those before it did; what comes of them is one
 * list of changes.
 */
export class Plan {
  readonly #view: MergedView
  readonly #writer: WritableLeaf
  readonly #syscall: string
  readonly #patience: () => ReadOptions
  readonly #pending = new Pending()
  readonly #surveys = new Map<string, Promise<Survey>>()
  /** Sources that failed once in this write are not waited for again. */
  readonly #dead = new Map<Leaf, unknown>()
  /** What becomes of the writer's own records: null removes. */
  readonly #files = new Map<string, FileChange | null>()
  readonly #directories = new Map<string, DirectoryRecord | null>()
  readonly #tombstones = new Map<string, { record: TombstoneRecord; gone: boolean }>()
  readonly #mounts = new Map<string, MountRecord>()
  readonly #tags = new Map<string, TagRecord>()

  /** @param patience - the time that is left for asking sources on demand */
  constructor(view: MergedView, writer: WritableLeaf, syscall: string, patience: () => ReadOptions) {
    this.#view = view
    this.#writer = writer
    this.#syscall = syscall
    this.#patience = patience
  }

  /**
   * Takes one operation in. Kinds do not mix (design, "How a write lands" 5), yet what is visible as a file may always be written again:
   * two authors apart can have made a file and a folder of one name.
   */
  async take(operation: Operation): Promise<void> {
    const { key } = operation
    if ('exclusive' in operation && operation.exclusive) await this.#checkFree(key)
    switch (operation.type) {
      case 'file':
      case 'link':
        if (!(await this.#hasFile(key))) {
          if (await this.#hasDirectory(key)) throw this.#failure('EISDIR', key)
          await this.#checkAncestors(key)
        }
        return this.#put(operation)
      case 'remove':
        return operation.tree ? this.#removeTree(key) : this.#removeFile(key, operation.hidden === true)
      case 'make-directory':
        if (await this.#hasFile(key)) throw this.#failure('EEXIST', key)
        await this.#checkAncestors(key)
        return this.#makeDirectory(operation)
      case 'remove-directory':
        if (await this.#hasBelow(key)) throw this.#failure('ENOTEMPTY', key)
        return this.#removeDirectory(key)
      case 'keep-directory':
        return this.#keepDirectory(key)
      case 'mount':
        // What is there may always be taken away: two authors apart can have made a file above it.
        if (operation.mount) {
          if (await this.#hasFile(key)) throw this.#failure('ENOTDIR', key)
          await this.#checkAncestors(key)
        }
        this.#mount(key, operation.mount)
        return
      case 'tag':
        this.#tag(key, operation.version)
        return
    }
  }

  /**
   * What is to be done, deletions first: what is written after a deletion in the same drive had seen it.
   *
   * @throws what the bytes of a file failed with on their way into the drive
   */
  async changes(): Promise<Change[]> {
    const changes: Change[] = []
    for (const { record, gone } of this.#tombstones.values()) {
      changes.push(gone ? { type: 'unbury', record } : { type: 'bury', record })
    }
    // The deepest first, so that real folders are empty when their turn comes.
    for (const [path, record] of [...this.#directories].reverse()) {
      if (record === null) changes.push({ type: 'remove-directory', path })
    }
    for (const [key, change] of this.#files) if (change === null) changes.push({ type: 'remove', key })
    for (const record of this.#directories.values())
      if (record) changes.push({ type: 'make-directory', record })
    for (const change of this.#files.values()) {
      if (change?.type === 'link') changes.push(change)
      else if (change) changes.push({ ...change, staged: await change.staged })
    }
    for (const record of this.#mounts.values()) changes.push({ type: 'mount', record })
    for (const record of this.#tags.values()) changes.push({ type: 'tag', record })
    return changes
  }

  async #put(operation: Extract<Operation, { type: 'file' | 'link' }>): Promise<void> {
    const { key, metadata } = operation
    const { candidates, tombstones } = await this.#survey(key)
    const stamp = this.#stamp(operation, [...candidates, ...tombstones, ...this.#plannedOver(key)])
    this.#pending.put(key)
    if (operation.type === 'link') {
      this.#files.set(key, { type: 'link', key, linkname: operation.linkname, metadata, stamp })
    } else {
      const { executable, staged } = operation
      this.#files.set(key, { type: 'file', key, executable, staged, metadata, stamp })
    }
  }

  /** A tombstone is left only where another source holds a candidate or could not be asked (design, "How a write lands" 4). */
  async #removeFile(key: string, hidden: boolean): Promise<void> {
    const { candidates, tombstones, failures } = await this.#survey(key)
    const isThere = (hidden && candidates.length > 0) || (await this.#hasFile(key))
    if (!isThere && (failures.length === 0 || this.#pending.file(key) === false)) return
    if (failures.length > 0 || candidates.some(({ leaf }) => leaf !== this.#writer)) {
      const seen = [...candidates, ...tombstones, ...this.#plannedOver(key)]
      this.#bury({ path: key, tree: false }, seen)
    }
    this.#pending.remove(key)
    if (candidates.some(({ leaf }) => leaf === this.#writer)) this.#files.set(key, null)
    else this.#files.delete(key)
  }

  async #removeTree(folder: string): Promise<void> {
    // What lies in another drive is not ours to remove.
    if (this.#hasMountBelow(folder)) throw this.#failure('EBUSY', folder)
    const inventories = await Promise.all(
      this.#view
        .leavesSpeakingOf(folder)
        .map((view) => takeInventory(view, folder, this.#view.rules, this.#patience))
    )
    const own = inventories.find(({ view }) => view.leaf === this.#writer)
    if (own?.failure) throw worst([{ source: this.#writer, error: own.failure.error }], folder)
    const others = inventories.filter((inventory) => inventory !== own)
    if (others.some(({ holds, failure }) => holds || failure)) {
      const over = [...this.#view.tombstonesOver(folder), ...this.#plannedOver(folder)].filter(isTree)
      const below = [...inventories.flatMap(({ tombstones }) => tombstones), ...this.#plannedBelow(folder)]
      // A tombstone over the folder speaks for all of it. One of a single path below says nothing of its neighbours: what its author
      // had seen is no part of this clock, but the drive that it lies in has been seen to its end.
      const clock = clockOver(over, this.#writer)
      for (const { leaf, origin } of below) {
        if (leaf.versioned && leaf !== this.#writer) raiseClock(clock, origin.id, origin.seq)
      }
      for (const { view, holds } of others) {
        if (holds && view.head) raiseClock(clock, view.head.id, view.head.seq)
      }
      const latest = inventories.flatMap((inventory) => inventory.latest)
      const at = { path: folder, tree: true }
      this.#bury(at, [...over, ...below, ...latest, ...this.#plannedBelow(folder)], clock)
      this.#dropNeedless(at, own?.tombstones ?? [], clock)
    }
    this.#pending.removeTree(folder)
    for (const key of this.#files.keys()) if (isIn(key, folder)) this.#files.delete(key)
    for (const path of this.#directories.keys()) if (isIn(path, folder)) this.#directories.delete(path)
    for (const key of own?.keys ?? []) this.#files.set(key, null)
    for (const path of own?.directories ?? []) this.#directories.set(path, null)
  }

  async #makeDirectory(operation: Extract<Operation, { type: 'make-directory' }>): Promise<void> {
    const { key, metadata, mode = null } = operation
    const { directories, tombstones } = await this.#survey(key)
    const seen = [...directories, ...tombstones, ...this.#plannedOver(key)]
    const { mtime, ctime, clock } = this.#stamp(operation, seen)
    this.#pending.setDirectory(key, true)
    this.#directories.set(key, { path: key, mtime, ctime, clock, mode, metadata })
  }

  async #keepDirectory(key: string): Promise<void> {
    if (
      key === '' ||
      this.#pending.directory(key) ||
      (await this.#hasFile(key)) ||
      (await this.#showsBelow(key))
    )
      return
    const { directories, tombstones } = await this.#survey(key)
    const there =
      this.#pending.directory(key) === undefined ? this.#view.winningDirectory(directories, tombstones) : null
    // A real folder without a record goes with the last file in it.
    if (there && (there.leaf !== this.#writer || there.leaf.versioned)) return
    const { mode = null, metadata = null, mtime = null } = there?.record ?? {}
    await this.#makeDirectory({ type: 'make-directory', key, mode, metadata, time: mtime })
  }

  #mount(path: string, mount: MountPoint | null): void {
    const seen = this.#view.mounts().filter(({ record }) => record.path === path)
    const { mtime, ctime, clock } = stampOver(seen, this.#writer, this.#view.rules, null)
    this.#mounts.set(path, { path, mtime, ctime, clock, mount })
  }

  #tag(name: string, version: string | null): void {
    const seen = this.#view.tags().filter(({ record }) => record.name === name)
    const { mtime, ctime, clock } = stampOver(seen, this.#writer, this.#view.rules, null)
    this.#tags.set(name, { name, mtime, ctime, clock, version })
  }

  /** Whether a drive is mounted below a folder. */
  #hasMountBelow(folder: string): boolean {
    return MountTable.of(this.#view.mountPoints()).below(folder).length > 0
  }

  #stamp(
    { metadata, time = null, mode = null }: { metadata: Json; time?: number | null; mode?: number | null },
    seen: readonly Version[]
  ): NewStamp {
    const stamp = stampOver(seen, this.#writer, this.#view.rules, time ?? explicitTime(metadata))
    // Only what stands in the metadata is the caller's own there.
    return { ...stamp, mode, explicit: stamp.explicit && time === null }
  }

  async #removeDirectory(path: string): Promise<void> {
    const { directories, tombstones, failures } = await this.#survey(path)
    if (!(await this.#hasDirectory(path)) && failures.length === 0) return
    if (failures.length > 0 || directories.some(({ leaf }) => leaf !== this.#writer)) {
      this.#bury({ path, tree: false }, [...directories, ...tombstones, ...this.#plannedOver(path)])
    }
    this.#pending.setDirectory(path, false)
    if (directories.some(({ leaf }) => leaf === this.#writer)) this.#directories.set(path, null)
    else this.#directories.delete(path)
  }

  #bury(
    at: { path: string; tree: boolean },
    seen: readonly Version[],
    clock = clockOver(seen, this.#writer)
  ): void {
    const now = Date.now()
    const record = { ...at, mtime: timeOver(seen, this.#view.rules, now), ctime: now, clock }
    this.#tombstones.set(tombstoneKey(at), { record, gone: false })
  }

  /** Drops the writer's tombstones below one that says all that they say. */
  #dropNeedless(
    at: { path: string; tree: boolean },
    own: readonly Tombstone[],
    clock: ReadonlyMap<string, number>
  ): void {
    const planned = [...this.#tombstones.values()].map(({ record }) => record)
    for (const record of [...own.map((tombstone) => tombstone.record), ...planned]) {
      if (!isIn(record.path, at.path) || tombstoneKey(record) === tombstoneKey(at)) continue
      const covered = [...record.clock].every(([id, seq]) => (clock.get(id) ?? -1) >= seq)
      if (covered) this.#tombstones.set(tombstoneKey(record), { record, gone: true })
    }
  }

  /** What this write has already made that bears on a path, as versions of the writer's. */
  #plannedOver(key: string): PlannedVersion[] {
    if (this.#tombstones.size === 0 && this.#files.size === 0) return []
    const keys = [key, ...[key, ...ancestors(key)].map((path) => path + '/')]
    const planned = keys.flatMap((name) => this.#tombstones.get(name) ?? [])
    const versions = planned.flatMap(({ record, gone }) => (gone ? [] : [this.#planned(record, record.tree)]))
    const file = this.#files.get(key)
    return file ? [...versions, this.#planned(file.stamp, false)] : versions
  }

  #plannedBelow(folder: string): PlannedVersion[] {
    const files = [...this.#files].flatMap(([key, change]) =>
      change && isIn(key, folder) ? [change.stamp] : []
    )
    const tombstones = [...this.#tombstones.values()].flatMap(({ record, gone }) =>
      !gone && isIn(record.path, folder) ? [record] : []
    )
    return [...files, ...tombstones].map((stamp) => this.#planned(stamp, false))
  }

  #planned(
    { mtime, ctime, clock }: { mtime: number; ctime: number | null; clock: ReadonlyMap<string, number> },
    tree: boolean
  ): PlannedVersion {
    const stamp = { ...unstamped(mtime), ctime, clock, stamped: true }
    return { origin: { id: this.#writer.identity, seq: 0 }, leaf: this.#writer, stamp, tree }
  }

  async #hasFile(key: string): Promise<boolean> {
    const pending = this.#pending.file(key)
    if (pending !== undefined) return pending
    const { candidates, tombstones } = await this.#survey(key)
    return this.#view.shows(candidates, tombstones)
  }

  async #hasDirectory(path: string): Promise<boolean> {
    return (await this.#hasDirectoryRecord(path)) || this.#hasBelow(path)
  }

  async #hasDirectoryRecord(path: string): Promise<boolean> {
    const pending = this.#pending.directory(path)
    if (pending !== undefined) return pending
    const { directories, tombstones } = await this.#survey(path)
    return this.#view.winningDirectory(directories, tombstones) !== null
  }

  async #hasBelow(folder: string): Promise<boolean> {
    if (this.#pending.hasBelow(folder) || this.#hasMountBelow(folder)) return true
    return (
      (await this.#isAny(this.#view.leavesWithDirectoriesBelow(folder), folder, (view) =>
        this.#leafHasDirectory(view, folder)
      )) ||
      (await this.#isAny(this.#view.leavesHoldingBelow(folder), folder, (view) =>
        this.#leafHasFile(view, folder)
      ))
    )
  }

  /** Whether it is so for any of some leaves; who cannot tell holds no write up, but for the writer. */
  async #isAny(
    views: readonly LeafView[],
    folder: string,
    question: (view: LeafView) => Promise<boolean>
  ): Promise<boolean> {
    for (const view of views) {
      if (this.#dead.has(view.leaf)) continue
      try {
        if (await question(view)) return true
      } catch (err) {
        if (view.leaf === this.#writer) throw worst([{ source: view.leaf, error: err }], folder)
        this.#dead.set(view.leaf, err)
      }
    }
    return false
  }

  /** As {@link #hasBelow}, from what is visible: it need not look at what has been deleted one by one. */
  async #showsBelow(folder: string): Promise<boolean> {
    if (this.#pending.hasBelow(folder) || this.#hasMountBelow(folder)) return true
    const isLeft = (key: string) => this.#pending.file(key) !== false
    const cursor = this.#view.winners(folderRange(folder), this.#patience())
    try {
      if (await this.#view.surelyHasBelow(folder, this.#patience(), isLeft)) return true
      for (let page = await cursor.page(PAGE); page.length > 0; page = await cursor.page(PAGE)) {
        if (page.some(({ candidate }) => isLeft(candidate.key))) return true
      }
      const below = await this.#view.directoriesBelow(folder, this.#patience())
      return below.some(({ record }) => this.#pending.directory(record.path) !== false)
    } catch {
      // A source that cannot tell holds no write up.
      return await this.#hasBelow(folder)
    } finally {
      await cursor.close()
    }
  }

  async #leafHasDirectory(view: LeafView, folder: string): Promise<boolean> {
    for (const { record } of await view.directoriesBelow(folder, this.#patience())) {
      if (await this.#hasDirectoryRecord(record.path)) return true
    }
    return false
  }

  async #leafHasFile(view: LeafView, folder: string): Promise<boolean> {
    const cursor = view.scan(folderRange(folder), this.#patience())
    try {
      for (let page = await cursor.page(PAGE); page.length > 0; page = await cursor.page(PAGE)) {
        for (const { key } of page) if (await this.#hasFile(key)) return true
      }
    } finally {
      await cursor.close()
    }
    return false
  }

  async #checkFree(key: string): Promise<void> {
    if ((await this.#hasFile(key)) || (await this.#hasDirectory(key))) throw this.#failure('EEXIST', key)
  }

  async #checkAncestors(key: string): Promise<void> {
    for (const folder of ancestors(key)) if (await this.#hasFile(folder)) throw this.#failure('ENOTDIR', key)
  }

  #survey(key: string): Promise<Survey> {
    let survey = this.#surveys.get(key)
    if (!survey) {
      survey = this.#view.survey(key, this.#patience(), this.#dead).then((found) => {
        for (const { source, error } of found.failures) {
          if (source === this.#writer) throw worst([{ source, error }], key)
          this.#dead.set(source as Leaf, error)
        }
        return found
      })
      this.#surveys.set(key, survey)
    }
    return survey
  }

  #failure(code: ErrorCode, path: string): Error {
    return failure(code, { syscall: this.#syscall, path })
  }
}

/** Something that this write has already made, and whether it is a tombstone over a tree. */
interface PlannedVersion extends Version {
  readonly tree: boolean
}

function isTree(version: Tombstone | PlannedVersion): boolean {
  return 'tree' in version ? version.tree : version.record.tree
}
