import { unlink } from 'node:fs/promises'
import { Mutex } from 'async-mutex'
import { errorCode, failure } from '../../errors.ts'
import type { DriveVersion } from '../../format/version.ts'
import { SourceAt } from '../at.ts'
import type {
  Candidate,
  Change,
  Commit,
  Draft,
  Source,
  SourceEvents,
  Staged,
  WritableLeaf
} from '../source.ts'
import { apply, type Applied } from './apply.ts'
import { LocalCandidate, type Host } from './candidate.ts'
import { metadataHooks, type LocaldriveLike } from './drive.ts'
import type { LogChange } from './line.ts'
import { withLock, withLockUnlessHeld } from './lock.ts'
import { RecordLog } from './log.ts'
import { check, checkPaths, plan, settle, type Plan } from './plan.ts'
import { prepare, type Prepared } from './prepare.ts'
import { NO_RECORDS, type Records } from './records.ts'
import { HIDDEN, Root } from './root.ts'
import { amend, givenUp, makeHiddenFolders, randomName, reuse, stage, stagedPath } from './staging.ts'
import { LocaldriveView } from './view.ts'

/**
 * A folder on the disk. It works on the folder itself and not through the Localdrive, which takes every error for an absence
 * and follows links out of its root.
 */
export class LocaldriveSource implements WritableLeaf {
  readonly drive: LocaldriveLike
  readonly name: string
  readonly identity: string
  readonly writable = true
  readonly unsynced = false
  readonly versioned = false
  readonly #root: Root
  readonly #host: Host
  readonly #commits = new Mutex()
  #events: SourceEvents | null = null
  readonly #log: RecordLog
  #records: Records = NO_RECORDS
  #view: LocaldriveView

  constructor(drive: LocaldriveLike) {
    this.drive = drive
    this.name = drive.root
    this.#root = new Root(drive.root)
    this.identity = 'local:' + this.#root.real
    this.#host = {
      leaf: this,
      root: this.#root,
      hooks: metadataHooks(drive),
      file: { id: this.identity, seq: 1 },
      record: { id: this.identity, seq: 0 }
    }
    this.#log = new RecordLog(this.#root, (kind, path, version) => this.#events?.format(kind, path, version))
    this.#view = new LocaldriveView(this.#host, this.#records)
  }

  async open(events: SourceEvents): Promise<void> {
    this.#events = events
    await this.#log.refresh()
    this.#renew()
    const abandoned = await givenUp(this.#root)
    if (this.#log.pending.size === 0 && !this.#log.isBloated() && abandoned.length === 0) return
    try {
      await makeHiddenFolders(this.#root)
      // A commit of this thread may wait for the set that this is a part of; and what was left half done it has seen to.
      await withLockUnlessHeld(this.#lock, async () => {
        await this.#recoverAll()
        for (const name of abandoned) {
          if (!this.#isPending(name)) await unlink(stagedPath(this.#root, name)).catch(() => undefined)
        }
        if (this.#log.isBloated()) await this.#log.compact()
      })
    } catch (err) {
      // A folder that cannot be written to can still be read, without what a crash left half done.
      if (!['EROFS', 'EACCES', 'EPERM'].includes(errorCode(err) ?? '')) throw err
    }
    this.#renew()
  }

  async close(): Promise<void> {
    await this.#commits.waitForUnlock()
    this.#events = null
  }

  view(): LocaldriveView | Promise<LocaldriveView> {
    return this.#log.isCurrent() ? this.#view : this.#refreshed()
  }

  writer(): this {
    return this
  }

  update(): Promise<boolean> {
    return Promise.resolve(false)
  }

  versions(): readonly DriveVersion[] {
    return []
  }

  at(): Source {
    return new SourceAt(this, () => this.view())
  }

  stage(data: Uint8Array | AsyncIterable<Uint8Array>): Promise<Staged> {
    return stage(this.#root, data)
  }

  amend(draft: Draft): Promise<Staged> {
    return amend(this.#root, draft)
  }

  reuse(candidate: Candidate): Promise<Staged> {
    if (!(candidate instanceof LocalCandidate) || candidate.leaf !== this)
      return stage(this.#root, candidate.read())
    return reuse(this.#root, candidate.path, candidate.value.blob?.byteLength ?? 0)
  }

  get storage(): string {
    return this.#root.real
  }

  async commit(changes: readonly Change[]): Promise<void> {
    const events = this.#events
    if (events === null) throw failure('CLOSED', { drive: this.drive })
    checkPaths(changes)
    if (changes.length === 0) return
    await this.#commits.runExclusive(() => this.#exclusive(() => this.#commit(changes)))
    events.change()
  }

  exclusively<T>(work: (commit: Commit) => Promise<T>): Promise<T> {
    return this.#commits.runExclusive(async () => {
      const rehearsed = await this.#rehearsed(work)
      if (rehearsed) return rehearsed.result
      return this.#exclusive(() =>
        work(async (changes) => {
          const events = this.#events
          if (events === null) throw failure('CLOSED', { drive: this.drive })
          checkPaths(changes)
          await this.#commit(changes)
          this.#renew()
          events.change()
        })
      )
    })
  }

  /** What becomes of work in a folder that has no lock yet; null when it comes to a commit. What changes nothing leaves nothing there. */
  async #rehearsed<T>(work: (commit: Commit) => Promise<T>): Promise<{ result: T } | null> {
    if (await this.#root.hasFolder(HIDDEN)) return null
    const seen = { commit: false }
    try {
      const result = await work(() => {
        seen.commit = true
        return Promise.reject(new Error('not yet'))
      })
      return seen.commit ? null : { result }
    } catch (err) {
      if (seen.commit) return null
      throw err
    }
  }

  async #refreshed(): Promise<LocaldriveView> {
    await this.#log.refresh()
    if (this.#renew()) this.#events?.change()
    return this.#view
  }

  #renew(): boolean {
    if (this.#log.records === this.#records) return false
    this.#records = this.#log.records
    this.#view = new LocaldriveView(this.#host, this.#records, this.#view)
    return true
  }

  /** Runs with the folder to itself, and with everything behind it that was left to do. */
  async #exclusive<T>(work: () => Promise<T>): Promise<T> {
    await makeHiddenFolders(this.#root)
    const result = await withLock(this.#lock, async () => {
      await this.#recoverAll()
      if (this.#renew()) this.#events?.change()
      return work()
    })
    this.#renew()
    return result
  }

  get #lock(): string {
    return this.#root.path(HIDDEN + '/lock')
  }

  /** Does what was left to do. Under the lock. */
  async #recoverAll(): Promise<void> {
    await this.#log.refresh()
    await this.#log.cutTorn()
    if (this.#log.pending.size > 0) await this.#recover()
  }

  // Whoever wrote these lines died before it could end them, else it would hold the lock.
  async #recover(): Promise<void> {
    for (const [n, changes] of [...this.#log.pending]) {
      const applied = await this.#apply(n, changes, true).catch(() => null)
      await this.#log.end(n, applied ? 'done' : 'undone')
      await applied?.finish()
    }
    await this.#log.refresh()
  }

  async #commit(given: readonly Change[]): Promise<void> {
    const changes = settle(given)
    const todo = plan(changes)
    const makesFolders = await check(this.#root, todo, this.#recordedAfter(todo))
    const prepared = await this.#prepare(changes)
    try {
      // One rename is atomic by itself.
      const [only, ...others] = prepared.changes
      const isPlain =
        (only?.type === 'file' || only?.type === 'link') && !only.sidecar && !this.#isKnown(only)
      if (isPlain && others.length === 0 && !makesFolders) {
        await this.#apply(randomName(), prepared.changes, false)
      } else {
        await this.#land(prepared.changes)
      }
    } catch (err) {
      await this.#drop(prepared.made)
      throw err
    }
    for (const staged of prepared.used) staged.committed = true
    const landed = new Set(changes)
    for (const change of given) {
      if (change.type === 'file' && !landed.has(change)) await change.staged.discard()
    }
    // The commit has landed, whatever becomes of this.
    if (this.#log.isBloated(1)) await this.#log.compact().catch(() => undefined)
  }

  async #land(changes: readonly LogChange[]): Promise<void> {
    const n = randomName()
    await this.#log.begin(n, changes)
    let applied: Applied | null = null
    try {
      applied = await this.#apply(n, changes, false)
      await this.#log.end(n, 'done')
    } catch (err) {
      await applied?.undo()
      await this.#log.end(n, 'undone').catch(() => this.#log.withdraw().catch(() => undefined))
      await this.#log.refresh()
      throw err
    }
    await applied.finish()
    await this.#log.refresh()
  }

  #prepare(changes: readonly Change[]): Promise<Prepared> {
    return prepare(this.#root, changes, this.#host.hooks === null)
  }

  #apply(n: string, changes: readonly LogChange[], again: boolean): Promise<Applied> {
    const isRecorded = this.#recordedAfter(plan(changes))
    return apply(this.#root, changes, { n, hooks: this.#host.hooks, isRecorded, again })
  }

  #recordedAfter({ made, unmade }: Plan): (path: string) => boolean {
    const { directories } = this.#log.records
    return (path) => made.has(path) || (directories.has(path) && !unmade.has(path))
  }

  async #drop(names: readonly string[]): Promise<void> {
    for (const name of names) await unlink(stagedPath(this.#root, name)).catch(() => undefined)
  }

  #isKnown({ key }: { key: string }): boolean {
    return this.#host.hooks !== null || this.#log.records.sidecars.has(key)
  }

  #isPending(name: string): boolean {
    for (const changes of this.#log.pending.values()) {
      if (changes.some((change) => 'staged' in change && change.staged === name)) return true
    }
    return false
  }
}
