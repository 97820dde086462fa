import { setImmediate } from 'node:timers/promises'
import { compareKeys, folderRange, isKey } from '../path.ts'
import type { Keyed, PathRecordKind, Source, Written } from '../sources/source.ts'
import { atMost, unlessAborted } from '../wait.ts'
import { Fingerprints } from './fingerprints.ts'

/** So many keys of a drive are taken in before others have their turn. */
const PAGE = 256

/** So long it gives way to reads that do not end, in milliseconds. */
const PATIENCE = 100

/** With so many entries, some hundreds of megabytes, no further drives are taken in: those are asked. */
const MAX_ENTRIES = 2 ** 24

/**
 * Of a folder that is deeper, the one above it at this depth stands for it: whoever has written a drive can have put any number of
 * folders into one key.
 */
const MAX_DEPTH = 32

const EVERYTHING = folderRange('')

const RECORD_KINDS: readonly PathRecordKind[] = ['tombstones', 'directories']

/** What a name stands for: no key and no folder that holds one is taken for a record's. */
const MARKS = { keys: 0, tombstones: 1, directories: 2 } as const

/** As {@link MARKS}, of the folders above names. A tombstone's own name may end as that of a folder does. */
const MARKS_ABOVE = { keys: 0, tombstones: 3, directories: 2 } as const

/**
 * What is known of one drive: every key, and the name of every record that is asked for by path, that it held at one version, and all that
 * it was given since.
 */
interface Slot {
  readonly owner: number
  readonly fork: number
  /** The first version that it tells of. */
  base: number
  /** The last one, at which it was seen. */
  last: Keyed
  /** Whether every key of the first version is down. */
  isWhole: boolean
  /** The first of its keys; null while there are none. */
  first: string | null
}

/** How much a locator holds. */
export interface LocatorStats {
  /** How many drives it knows all keys of. */
  readonly drives: number
  /**
   * How many entries it has: one for each path, tombstone and directory record, and each folder with something of these in it,
   * of each drive.
   */
  readonly entries: number
  /** The memory that they take, in bytes. */
  readonly byteLength: number
}

/**
 * Knows which drives hold a path, and which have a tombstone or the record of a folder there, for the others not to be asked (design,
 * "Speed"). It may say yes wrongly, never no wrongly. It is filled in the background, one drive after another; whoever is not in it yet is
 * asked.
 */
export class Locator {
  /** Counts the times that a drive came in or left. */
  #generation = 0
  /** By owner; an owner that has left never comes again. */
  readonly #slots = new Map<number, Slot>()
  readonly #ofSource = new Map<Source, Slot>()
  readonly #names = new Fingerprints((owner) => !this.#slots.has(owner))
  /** What waits to be taken in. */
  readonly #wanted = new Map<Source, Keyed>()
  /** The drive that is being taken in, and what ends that: a tree that is closed in the middle of a read may never answer. */
  #reading: { readonly source: Source; readonly ended: AbortController } | null = null
  #owners = 0
  #filling: Promise<void> | null = null
  /** How many reads are under way that it gives way to. */
  #reads = 0
  /** Whether it has given way to those for long enough. */
  #hasWaited = false
  #onquiet: () => void = () => undefined
  readonly #patience: number
  #closed = false

  /** @param patience - how long it gives way to reads that do not end, in milliseconds */
  constructor(patience = PATIENCE) {
    this.#patience = patience
  }

  /** What was found out of {@link ownerOf} holds as long as this is the same. */
  get generation(): number {
    return this.#generation
  }

  get stats(): LocatorStats {
    const whole = [...this.#slots.values()].filter(({ isWhole }) => isWhole)
    return { drives: whole.length, entries: this.#names.size, byteLength: this.#names.byteLength }
  }

  /** The number that stands for a drive at one version; null where that is not known, and the drive is to be asked. */
  ownerOf(keyed: Keyed): number | null {
    return this.#known(keyed)?.owner ?? null
  }

  /** A key that none of the drive's is before; null where nothing is known, or where there are none. */
  firstOf(keyed: Keyed): string | null {
    return this.#known(keyed)?.first ?? null
  }

  #known(keyed: Keyed): Slot | null {
    const slot = this.#ofSource.get(keyed.leaf)
    const covers = slot?.isWhole && slot.fork === keyed.fork && keyed.version >= slot.base
    return covers && keyed.version <= slot.last.version ? slot : null
  }

  /** Calls `take` with each drive that may hold a file or a link at a key. */
  holders(key: string, take: (owner: number) => void): void {
    this.#names.owners(this.#names.of(key), take)
  }

  /** Calls `take` with each drive that may hold a file or a link below a folder. */
  holdersBelow(folder: string, take: (owner: number) => void): void {
    const name = folder + '/'
    this.#names.owners(this.#names.of(name, folderEnds(name).at(-1)), take)
  }

  /** Calls `take` with each drive that may have a tombstone that covers a key; with one drive more than once where it has several. */
  withTombstonesOver(key: string, take: (owner: number) => void): void {
    const name = key + '/'
    const ends: number[] = []
    for (let at = name.indexOf('/', 1); at !== -1; at = name.indexOf('/', at + 1)) ends.push(at + 1)
    ends.splice(-1, 0, key.length)
    this.#names.ownersOfEach(name, ends, MARKS.tombstones, take)
  }

  /** Calls `take` with each drive that may have a tombstone at or below a folder; as {@link withTombstonesOver}. */
  withTombstonesBelow(folder: string, take: (owner: number) => void): void {
    const name = folder + '/'
    this.#names.ownersOfEach(name, [folder.length, name.length], MARKS.tombstones, take)
    this.#names.owners(this.#names.of(name, folderEnds(name).at(-1), MARKS_ABOVE.tombstones), take)
  }

  /** Calls `take` with each drive that may have a directory record at a folder. */
  withDirectoryAt(folder: string, take: (owner: number) => void): void {
    this.#names.owners(this.#names.of(folder, folder.length, MARKS.directories), take)
  }

  /** Calls `take` with each drive that may have directory records below a folder. */
  withDirectoriesBelow(folder: string, take: (owner: number) => void): void {
    const name = folder + '/'
    this.#names.owners(this.#names.of(name, folderEnds(name).at(-1), MARKS_ABOVE.directories), take)
  }

  /** Takes in a drive as it is now: at once what was written since it was last seen, else when its turn comes. */
  see(keyed: Keyed): void {
    const { leaf, version, fork } = keyed
    const slot = this.#ofSource.get(leaf)
    // A reader that began before the drive was truncated comes late.
    if (slot && slot.fork > fork) return
    if (slot && slot.fork < fork) this.drop(leaf)
    else if (slot) {
      if (version <= slot.last.version) return
      const written = keyed.writtenSince(slot.last.version)
      if (written) {
        this.#add(slot, 'keys', written.keys)
        for (const kind of RECORD_KINDS) this.#add(slot, kind, written[kind])
        slot.last = keyed
        return
      }
    }
    if (this.#closed || this.#names.size >= MAX_ENTRIES) return
    this.#wanted.set(leaf, keyed)
    this.#filling ??= this.#fill()
  }

  /**
   * What a read of several drives gives. Meanwhile nothing is taken in: keys are read by the thousand, and each step of the read would
   * wait for some hundreds of them.
   */
  givingWay<T>(read: Promise<T>): Promise<T> {
    return this.#filling === null ? read : this.#first(read)
  }

  async #first<T>(read: Promise<T>): Promise<T> {
    this.#reads++
    try {
      return await read
    } finally {
      if (--this.#reads === 0) {
        this.#hasWaited = false
        this.#onquiet()
      }
    }
  }

  /** Forgets a drive. */
  drop(source: Source): void {
    this.#wanted.delete(source)
    if (this.#reading?.source === source) this.#reading.ended.abort()
    this.#forget(source)
  }

  #forget(source: Source): void {
    const slot = this.#ofSource.get(source)
    if (!slot) return
    this.#ofSource.delete(source)
    this.#slots.delete(slot.owner)
    this.#generation++
  }

  /** Resolves when nothing more is to be taken in for now. */
  async settled(): Promise<void> {
    while (this.#filling) await this.#filling
  }

  /** Takes nothing in any more. */
  close(): void {
    this.#closed = true
    this.#wanted.clear()
    this.#reading?.ended.abort()
  }

  /** Lets others have their turn, and reads that are under way come to their end. */
  async #giveWay(): Promise<void> {
    await setImmediate()
    if (this.#reads === 0 || this.#hasWaited) return
    const quiet = new Promise<void>((resolve) => (this.#onquiet = resolve))
    await atMost(quiet, this.#patience, undefined)
    this.#hasWaited = this.#reads > 0
  }

  async #fill(): Promise<void> {
    await this.#giveWay()
    for (;;) {
      const [next] = this.#wanted
      if (!next) {
        // At once: whoever comes from now on begins anew.
        this.#filling = null
        return
      }
      const [leaf, keyed] = next
      this.#wanted.delete(leaf)
      const slot = this.#ofSource.get(leaf)
      const ended = new AbortController()
      this.#reading = { source: leaf, ended }
      try {
        await unlessAborted(slot ? this.#catchUp(slot, keyed) : this.#fillIn(keyed), ended.signal)
      } catch {
        // A drive that cannot tell its keys tells its readers why. A newer version of it may be waiting meanwhile.
        this.#forget(leaf)
      } finally {
        this.#reading = null
      }
    }
  }

  async #fillIn(keyed: Keyed): Promise<void> {
    const { leaf, version, fork } = keyed
    const slot: Slot = {
      owner: ++this.#owners,
      fork,
      base: version,
      last: keyed,
      isWhole: false,
      first: null
    }
    this.#slots.set(slot.owner, slot)
    this.#ofSource.set(leaf, slot)
    await this.#addRecords(slot, keyed)
    for await (const keys of keyed.keys(PAGE)) {
      if (!this.#isKept(slot, leaf)) return
      this.#add(slot, 'keys', keys)
      await this.#giveWay()
    }
    if (!this.#isKept(slot, leaf)) return
    slot.isWhole = true
    this.#generation++
  }

  #isKept(slot: Slot, leaf: Source): boolean {
    return !this.#closed && this.#ofSource.get(leaf) === slot
  }

  /** Takes in all that a drive has of what is in memory there. */
  async #addRecords(slot: Slot, keyed: Keyed): Promise<void> {
    for (const kind of RECORD_KINDS) {
      for (const names of pagesOf(keyed.recordNames(kind))) {
        if (!this.#isKept(slot, keyed.leaf)) return
        this.#add(slot, kind, names)
        await this.#giveWay()
      }
    }
  }

  /** Takes in what was written since a drive was seen last, more than it remembers. */
  async #catchUp(slot: Slot, keyed: Keyed): Promise<void> {
    const changed = keyed.changedKeys(slot.last, EVERYTHING)
    if (changed === null) {
      this.#forget(keyed.leaf)
      return this.#fillIn(keyed)
    }
    await this.#addRecords(slot, keyed)
    let page: string[] = []
    for await (const key of changed) {
      if (!this.#isKept(slot, keyed.leaf)) return
      if (page.push(key) < PAGE) continue
      this.#add(slot, 'keys', page)
      page = []
      await this.#giveWay()
    }
    if (!this.#isKept(slot, keyed.leaf)) return
    this.#add(slot, 'keys', page)
    this.#generation++
    if (slot.last.version >= keyed.version) return
    // What came and went between the two is in neither of them: at a version between, the drive is asked.
    slot.base = keyed.version
    slot.last = keyed
  }

  #add(slot: Slot, kind: keyof Written, names: readonly string[]): void {
    const [mark, above] = [MARKS[kind], MARKS_ABOVE[kind]]
    let before = ''
    for (const name of names) {
      const isTree = kind === 'tombstones' && name.endsWith('/')
      const path = isTree ? name.slice(0, -1) : name
      if (!isKey(path)) continue
      if (kind === 'keys' && (slot.first === null || compareKeys(path, slot.first) < 0)) slot.first = path
      this.#names.add(this.#names.of(name, name.length, mark), slot.owner)
      // Names come in order, most of them in the folder of the one before.
      const folder = path.slice(0, path.lastIndexOf('/'))
      if (folder === before) continue
      before = folder
      for (const end of folderEnds(path)) this.#names.add(this.#names.of(path, end, above), slot.owner)
    }
  }
}

/** Names in pages, each in order. */
function* pagesOf(names: Iterable<string>): Generator<string[], void, void> {
  let page: string[] = []
  for (const name of names) {
    if (page.push(name) < PAGE) continue
    yield page.sort()
    page = []
  }
  if (page.length > 0) yield page.sort()
}

/** Where the folders above a key end, behind their slash: from the top down, {@link MAX_DEPTH} at most. */
function folderEnds(key: string): number[] {
  const ends: number[] = []
  for (let at = key.indexOf('/', 1); at !== -1 && ends.length < MAX_DEPTH; at = key.indexOf('/', at + 1))
    ends.push(at + 1)
  return ends
}
