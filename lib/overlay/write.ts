import { Mutex } from 'async-mutex'
import { failure, type ErrorCode } from '../errors.ts'
import { raiseClock } from '../format/clock.ts'
import { tombstoneKey, type TombstoneRecord } from '../format/records.ts'
import { ancestors, folderRange } from '../path.ts'
import type {
  Candidate,
  Change,
  LeafView,
  Survey,
  Tombstone,
  Version,
  WritableLeaf
} from '../sources/source.ts'
import { worst } from './failure.ts'
import type { Operation, Write } from './operation.ts'
import type { Overlay } from './overlay.ts'
import { Pending } from './pending.ts'
import { resolve } from './resolve.ts'
import { clockOver, explicitTime, stampOver, timeOver } from './stamp.ts'
import type { MergedView } from './view.ts'

/** How long a write waits for a drive that is read on demand, in milliseconds: a write never stands still because a peer is away. */
const PATIENCE = { timeout: 3000 }

/** How many candidates are read at once from a tree that is deleted. */
const PAGE = 256

/**
 * Lands one write in the writer: all of its operations in one atomic step, or none (design, "How a write lands").
 *
 * @param writer - the leaf that the operations' bytes were staged in
 * @throws EISDIR, ENOTDIR, EEXIST, ENOTEMPTY where kinds do not fit; the writer's own error when it fails
 */
export function commit(overlay: Overlay, writer: WritableLeaf, write: Write): Promise<void> {
  return exclusively(writer, async () => {
    const view = await overlay.view(PATIENCE)
    const plan = new Plan(view, writer, write.syscall)
    for (const operation of write.operations) await plan.check(operation)
    const changes = await plan.changes()
    if (changes.length === 0) return
    await writer.commit(changes).catch((error: unknown) => {
      throw worst([{ source: writer, error }], write.operations[0]?.key)
    })
  })
}

/** One write into a drive at a time, through whichever MultiDrive: each must see what the one before it left. */
const locks = new WeakMap<object, Mutex>()

function exclusively<T>({ drive }: WritableLeaf, write: () => Promise<T>): Promise<T> {
  let lock = locks.get(drive)
  if (!lock) locks.set(drive, (lock = new Mutex()))
  return lock.runExclusive(write)
}

type FileOperation = Extract<Operation, { type: 'file' | 'link' }>
type LastWord = FileOperation | 'removed'

class Plan {
  readonly #view: MergedView
  readonly #writer: WritableLeaf
  readonly #syscall: string
  readonly #pending = new Pending()
  readonly #surveys = new Map<string, Promise<Survey>>()
  readonly #files = new Map<string, LastWord>()
  readonly #directories = new Map<string, Extract<Operation, { type: 'make-directory' }> | 'removed'>()
  readonly #trees = new Set<string>()

  constructor(view: MergedView, writer: WritableLeaf, syscall: string) {
    this.#view = view
    this.#writer = writer
    this.#syscall = syscall
  }

  /** Takes one operation in, after those before it. Kinds do not mix (design, "How a write lands" 5). */
  async check(operation: Operation): Promise<void> {
    const { key } = operation
    switch (operation.type) {
      case 'file':
      case 'link':
        if (!(await this.#hasFile(key))) {
          if (await this.#hasDirectory(key)) throw this.#failure('EISDIR', key)
          await this.#checkAncestors(key)
        }
        this.#pending.put(key)
        this.#files.set(key, operation)
        return
      case 'remove':
        if (operation.tree) {
          this.#pending.removeTree(key)
          for (const path of [...this.#files.keys()])
            if (path === key || path.startsWith(key + '/')) this.#files.delete(path)
          for (const path of [...this.#directories.keys()]) {
            if (path === key || path.startsWith(key + '/')) this.#directories.delete(path)
          }
          this.#trees.add(key)
        } else {
          this.#pending.remove(key)
          this.#files.set(key, 'removed')
        }
        return
      case 'make-directory':
        if (await this.#hasFile(key)) throw this.#failure('EEXIST', key)
        await this.#checkAncestors(key)
        this.#pending.setDirectory(key, true)
        this.#directories.set(key, operation)
        return
      case 'remove-directory':
        if (await this.#hasBelow(key)) throw this.#failure('ENOTEMPTY', key)
        this.#pending.setDirectory(key, false)
        this.#directories.set(key, 'removed')
    }
  }

  /** The changes that make it so, deletions first: what is written after a deletion in the same drive had seen it. */
  async changes(): Promise<Change[]> {
    const changes: Change[] = []
    for (const folder of this.#trees) changes.push(...(await this.#removeTree(folder)))
    for (const [path, word] of this.#directories) {
      if (word === 'removed') changes.push(...(await this.#removeDirectory(path)))
    }
    for (const [key, word] of this.#files)
      if (word === 'removed') changes.push(...(await this.#removeFile(key)))
    for (const [path, word] of this.#directories) {
      if (word === 'removed') continue
      const survey = await this.#survey(path)
      const { mtime, ctime, clock } = stampOver(
        [...survey.directories, ...survey.tombstones],
        this.#writer,
        this.#view.rules,
        explicitTime(word.metadata)
      )
      const { mode, metadata } = word
      changes.push({ type: 'make-directory', record: { path, mtime, ctime, clock, mode, metadata } })
    }
    for (const [key, word] of this.#files) if (word !== 'removed') changes.push(await this.#put(key, word))
    return changes
  }

  async #put(key: string, operation: FileOperation): Promise<Change> {
    const survey = await this.#survey(key)
    const { metadata } = operation
    const seen = [...survey.candidates, ...survey.tombstones]
    const stamp = stampOver(seen, this.#writer, this.#view.rules, explicitTime(metadata))
    if (operation.type === 'link') return { type: 'link', key, linkname: operation.linkname, metadata, stamp }
    const { executable, staged } = operation
    return { type: 'file', key, executable, staged, metadata, stamp }
  }

  /** A tombstone is left only where another source holds a candidate or could not be asked (design, "How a write lands" 4). */
  async #removeFile(key: string): Promise<Change[]> {
    const { candidates, tombstones, failures } = await this.#survey(key)
    if (failures.length === 0 && !this.#view.shows(candidates, tombstones)) return []
    return this.#bury(
      candidates,
      tombstones,
      failures.length > 0,
      { path: key, tree: false },
      { type: 'remove', key }
    )
  }

  async #removeDirectory(path: string): Promise<Change[]> {
    const { directories, tombstones, failures } = await this.#survey(path)
    if (directories.length === 0 && failures.length === 0) return []
    return this.#bury(
      directories,
      tombstones,
      failures.length > 0,
      { path, tree: false },
      { type: 'remove-directory', path }
    )
  }

  #bury(
    versions: readonly Version[],
    tombstones: readonly Tombstone[],
    unsure: boolean,
    at: { path: string; tree: boolean },
    removal: Change
  ): Change[] {
    const changes: Change[] = []
    if (unsure || versions.some(({ leaf }) => leaf !== this.#writer)) {
      changes.push({ type: 'bury', record: this.#tombstone([...versions, ...tombstones], at) })
    }
    if (versions.some(({ leaf }) => leaf === this.#writer)) changes.push(removal)
    return changes
  }

  #tombstone(seen: readonly Version[], at: { path: string; tree: boolean }): TombstoneRecord {
    const now = Date.now()
    return {
      ...at,
      mtime: timeOver(seen, this.#view.rules, now),
      ctime: now,
      clock: clockOver(seen, this.#writer)
    }
  }

  async #removeTree(folder: string): Promise<Change[]> {
    const found = await Promise.all(this.#view.leaves().map((view) => this.#inventory(view, folder)))
    const failures = found.flatMap(({ failures }) => failures)
    const own = found.filter(({ view }) => view.leaf === this.#writer)
    const others = found.filter(({ view }) => view.leaf !== this.#writer)
    const changes: Change[] = []
    if (failures.length > 0 || others.some(({ holds }) => holds)) {
      const over = this.#view.tombstonesOver(folder)
      const tombstones = [...over, ...found.flatMap(({ tombstones }) => tombstones)]
      const clock = clockOver(tombstones, this.#writer)
      for (const { view, holds } of others) {
        if (holds && view.head !== null) raiseClock(clock, view.head.id, view.head.seq)
      }
      const latest = found.flatMap(({ latest }) => latest)
      const now = Date.now()
      const mtime = timeOver([...tombstones, ...latest], this.#view.rules, now)
      const record = { path: folder, tree: true, mtime, ctime: now, clock }
      changes.push({ type: 'bury', record })
      // What this tombstone covers, its author's older ones need not cover any more.
      for (const { record: older } of own.flatMap(({ tombstones }) => tombstones)) {
        if (tombstoneKey(older) !== tombstoneKey(record)) changes.push({ type: 'unbury', record: older })
      }
    }
    for (const { keys, directories } of own) {
      for (const key of keys) if (!this.#files.has(key)) changes.push({ type: 'remove', key })
      // The deepest first, so that real folders are empty when their turn comes.
      for (const path of directories.toReversed()) changes.push({ type: 'remove-directory', path })
    }
    return changes
  }

  /** What one leaf holds at a folder and below it. */
  async #inventory(view: LeafView, folder: string): Promise<Inventory> {
    const inventory: Inventory = {
      view,
      holds: false,
      keys: [],
      directories: [],
      latest: [],
      tombstones: view.tombstonesBelow(folder),
      failures: []
    }
    const own = view.leaf === this.#writer
    const take = (version: Version) => {
      inventory.holds = true
      const [latest] = inventory.latest
      if (!latest || (version.stamp.mtime ?? -1) > (latest.stamp.mtime ?? -1)) inventory.latest = [version]
    }
    const takeCandidate = (candidate: Candidate) => {
      take(candidate)
      if (own) inventory.keys.push(candidate.key)
    }
    const cursor = view.scan(folderRange(folder), PATIENCE)
    try {
      const at = await view.find(folder, PATIENCE)
      if (at) takeCandidate(at)
      const directories = await view.directoriesBelow(folder, PATIENCE)
      for (const directory of [await view.directoryAt(folder, PATIENCE), ...directories]) {
        if (directory === null) continue
        take(directory)
        if (own) inventory.directories.push(directory.record.path)
      }
      for (let page = await cursor.page(PAGE); page.length > 0; page = await cursor.page(PAGE))
        page.forEach(takeCandidate)
    } catch (error) {
      if (own) throw worst([{ source: view.leaf, error }], folder)
      inventory.failures.push(error)
    } finally {
      await cursor.close()
    }
    return inventory
  }

  #survey(key: string): Promise<Survey> {
    let survey = this.#surveys.get(key)
    if (!survey) {
      survey = this.#view.survey(key, PATIENCE).then((found) => {
        const own = found.failures.filter(({ source }) => source === this.#writer)
        if (own.length > 0) throw worst(own, key)
        return found
      })
      this.#surveys.set(key, survey)
    }
    return survey
  }

  async #hasFile(key: string): Promise<boolean> {
    const pending = this.#pending.file(key)
    if (pending !== undefined) return pending
    const { candidates, tombstones } = await this.#survey(key)
    return this.#view.shows(candidates, tombstones)
  }

  async #hasDirectory(path: string): Promise<boolean> {
    const pending = this.#pending.directory(path)
    if (pending === true) return true
    if (pending === undefined) {
      const { directories, tombstones } = await this.#survey(path)
      if (resolve(directories, tombstones, this.#view.rules)) return true
    }
    return this.#hasBelow(path)
  }

  async #hasBelow(folder: string): Promise<boolean> {
    if (this.#pending.hasBelow(folder)) return true
    for (const view of this.#view.leaves()) {
      // A source that cannot be asked does not hold up a write.
      if (await this.#leafHasBelow(view, folder).catch(() => false)) return true
    }
    return false
  }

  async #leafHasBelow(view: LeafView, folder: string): Promise<boolean> {
    const directories = await view.directoriesBelow(folder, PATIENCE)
    const candidates = directories.filter(
      (directory) => this.#pending.directory(directory.record.path) === undefined
    )
    for (const { record } of candidates) if (await this.#hasDirectoryRecord(record.path)) return true
    const cursor = view.scan(folderRange(folder), PATIENCE)
    try {
      for (let page = await cursor.page(16); page.length > 0; page = await cursor.page(PAGE)) {
        for (const { key } of page)
          if (this.#pending.file(key) === undefined && (await this.#hasFile(key))) return true
      }
    } finally {
      await cursor.close()
    }
    return false
  }

  async #hasDirectoryRecord(path: string): Promise<boolean> {
    const { directories, tombstones } = await this.#survey(path)
    return resolve(directories, tombstones, this.#view.rules) !== null
  }

  async #checkAncestors(key: string): Promise<void> {
    for (const folder of ancestors(key)) if (await this.#hasFile(folder)) throw this.#failure('ENOTDIR', key)
  }

  #failure(code: ErrorCode, path: string): Error {
    return failure(code, { syscall: this.#syscall, path })
  }
}

interface Inventory {
  readonly view: LeafView
  holds: boolean
  readonly keys: string[]
  readonly directories: string[]
  /** The version with the latest date, if there is any. */
  latest: Version[]
  readonly tombstones: readonly Tombstone[]
  readonly failures: unknown[]
}
