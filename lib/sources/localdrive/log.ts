import { constants, lstatSync, type Stats } from 'node:fs'
import { appendFile, lstat, open, rename, truncate, unlink, writeFile } from 'node:fs/promises'
import type { SourceEvents } from '../source.ts'
import { formatCommit, formatEnd, parseLine, type LogChange } from './line.ts'
import { asChanges, countRecords, NO_RECORDS, withChanges, type Records } from './records.ts'
import { absentAsNull, HIDDEN, isAbsence, type Root } from './root.ts'
import { randomName, stagedPath } from './staging.ts'

const SUPERSEDED = 1000
const NEWLINE = 0x0a
const READ = constants.O_RDONLY | constants.O_NOFOLLOW
const APPEND = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW
const BATCH = 500

/**
 * `.multidrive/log`: what the records are, and which commits must be applied again. It is only ever appended to, or replaced by
 * another file; so whoever shares the folder reads on where it stopped, or from the start of another file.
 */
export class RecordLog {
  records: Records = NO_RECORDS
  /** Commits that have been written but neither done nor undone, in their order. */
  readonly pending = new Map<string, LogChange[]>()
  readonly #root: Root
  readonly #tell: SourceEvents['format']
  readonly #file: string
  /** Which file was read, and up to where; a line without its end is not read. */
  #identity: string | null = null
  #offset = 0
  /** Its size, as long as the lock is held. */
  #size = 0
  /** Its size before the last commit was begun. */
  #before = 0
  #items = 0
  /** A later release wrote here, so what is not understood must not be compacted away. */
  #newer = false
  #reading: Promise<void> = Promise.resolve()

  constructor(root: Root, tell: SourceEvents['format']) {
    this.#root = root
    this.#file = root.path(HIDDEN + '/log')
    this.#tell = (kind, path, version) => {
      this.#newer = true
      tell(kind, path, version)
    }
  }

  /** Whether the records are those of the file as it is now. Not a promise, since every read of a view asks it. */
  isCurrent(): boolean {
    try {
      return this.#matches(lstatSync(this.#file, { throwIfNoEntry: false }) ?? null)
    } catch (err) {
      if (isAbsence(err)) return this.#matches(null)
      throw err
    }
  }

  /** Brings the records up to date with the file. */
  refresh(): Promise<void> {
    const next = this.#reading.then(() => this.#refresh())
    this.#reading = next.catch(() => undefined)
    return next
  }

  /** Writes a commit down, before it is applied. Under the lock. */
  async begin(n: string, changes: readonly LogChange[]): Promise<void> {
    this.#before = this.#size
    await this.#append(formatCommit(n, changes))
  }

  /** Writes down that a commit was applied, or taken back. Under the lock. */
  async end(n: string, kind: 'done' | 'undone'): Promise<void> {
    await this.#append(formatEnd(n, kind))
  }

  /** Takes back the last `begin` without a word, for when there is no room for one. Under the lock. */
  async withdraw(): Promise<void> {
    await truncate(this.#file, this.#before)
    this.#size = this.#before
  }

  /** Drops the rest of a line whose author died while writing it. Under the lock, after a refresh. */
  async cutTorn(): Promise<void> {
    const stat = await absentAsNull(lstat(this.#file))
    if (stat && identityOf(stat) === this.#identity && stat.size > this.#offset) {
      await truncate(this.#file, this.#offset)
    }
    this.#size = this.#offset
  }

  /** Whether the log says much more than is still true. */
  isBloated(allowance = 0): boolean {
    const live = countRecords(this.records)
    return !this.#newer && this.pending.size === 0 && this.#items - live > SUPERSEDED + allowance * live
  }

  /** Replaces the log by one that holds only what is still true. Under the lock, after a refresh. */
  async compact(): Promise<void> {
    const changes = [...asChanges(this.records)]
    const lines: string[] = []
    for (let i = 0; i < changes.length; i += BATCH) {
      const n = randomName()
      lines.push(formatCommit(n, changes.slice(i, i + BATCH)), formatEnd(n, 'done'))
    }
    const name = stagedPath(this.#root, randomName())
    try {
      await writeFile(name, lines.join(''), { flag: 'wx' })
      await rename(name, this.#file)
    } catch (err) {
      await unlink(name).catch(() => undefined)
      throw err
    }
    await this.refresh()
  }

  async #append(line: string): Promise<void> {
    try {
      // The types know flags by name only.
      await appendFile(this.#file, line, { flag: APPEND as unknown as string, mode: 0o644 })
      this.#size += Buffer.byteLength(line)
    } catch (err) {
      // Half a line would swallow the one that comes after it.
      await truncate(this.#file, this.#size).catch(() => undefined)
      throw err
    }
  }

  #matches(stat: Stats | null): boolean {
    if (stat === null) return this.#identity === null
    return identityOf(stat) === this.#identity && stat.size === this.#offset
  }

  async #refresh(): Promise<void> {
    const handle = (await this.#root.hasFolder(HIDDEN))
      ? await this.#root.answer(open(this.#file, READ))
      : null
    if (handle === null) {
      this.#forget(null)
      return
    }
    try {
      const stat = await handle.stat()
      if (!stat.isFile()) {
        this.#forget(null)
        return
      }
      const identity = identityOf(stat)
      if (identity !== this.#identity || stat.size < this.#offset) this.#forget(identity)
      const tail = Buffer.alloc(stat.size - this.#offset)
      let length = 0
      while (length < tail.length) {
        const { bytesRead } = await handle.read(tail, length, tail.length - length, this.#offset + length)
        if (bytesRead === 0) break
        length += bytesRead
      }
      this.#take(tail.subarray(0, length))
    } finally {
      await handle.close()
    }
  }

  #forget(identity: string | null): void {
    this.#identity = identity
    this.#offset = 0
    this.#items = 0
    this.#newer = false
    this.records = NO_RECORDS
    this.pending.clear()
  }

  #take(tail: Buffer): void {
    const landed: LogChange[] = []
    let start = 0
    for (let end = tail.indexOf(NEWLINE); end !== -1; end = tail.indexOf(NEWLINE, start)) {
      const line = parseLine(tail.toString('utf8', start, end), this.#tell)
      start = end + 1
      this.#items++
      if (line === null) continue
      if (line.kind === 'commit') {
        this.pending.set(line.n, line.changes)
        this.#items += line.changes.length
        continue
      }
      const changes = this.pending.get(line.n)
      this.pending.delete(line.n)
      if (changes && line.kind === 'done') for (const change of changes) landed.push(change)
    }
    this.#offset += start
    if (landed.length > 0) this.records = withChanges(this.records, landed)
  }
}

// Numbers of inodes are used again at once by some file systems; the time of birth tells the files apart.
function identityOf({ dev, ino, birthtimeMs }: Stats): string {
  return `${dev}:${ino}:${birthtimeMs}`
}
