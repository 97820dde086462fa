import { encode } from 'hypercore-id-encoding'
import { LRUCache } from 'lru-cache'
import type { Drive, ReadOptions } from '../../drive.ts'
import {
  formatDirectory,
  formatMount,
  formatTag,
  formatTombstone,
  tombstoneKey
} from '../../format/records.ts'
import { formatMetadata } from '../../format/stamp.ts'
import { failure } from '../../errors.ts'
import { Records } from '../records.ts'
import type { DriveVersion, Versions } from '../../format/version.ts'
import { SourceAt } from '../at.ts'
import type {
  Candidate,
  Change,
  Draft,
  LeafView,
  Source,
  SourceEvents,
  Staged,
  WritableLeaf
} from '../source.ts'
import { HyperdriveBytes } from './bytes.ts'
import { HyperdriveCandidate, type CandidateHost } from './candidate.ts'
import { HiddenRecords } from './hidden.ts'
import { hold, turns } from './holds.ts'
import { entryKeys, recordKeys } from './keys.ts'
import { purge, type PurgeableHyperdrive } from './purge.ts'
import { DemandReader, PendingReads, WholeReader } from './reader.ts'
import { StoredTree } from './tree.ts'
import { cacheOf } from './tree-cache.ts'
import { TreeNodes } from './tree-nodes.ts'
import type { BeeBatch, BlobId, Core, HyperdriveLike } from './types.ts'
import { atMost } from '../../wait.ts'
import { HyperdriveView } from './view.ts'
import { WholeVersion } from './whole.ts'
import { WrittenSteps } from './written.ts'

/** So long no block comes, in milliseconds, before it is asked whether any peer has the next one. */
const STALL = 1000

interface StagedBlob extends Staged {
  readonly blob: BlobId
}

/** A Hyperdrive, or a checkout of one. */
export class HyperdriveSource implements WritableLeaf {
  readonly drive: HyperdriveLike
  readonly versioned = true
  readonly #sparse: boolean
  readonly #bytes: HyperdriveBytes
  readonly #pending = new PendingReads()
  /** Waits for the drive to be whole, to be ended with the source. */
  readonly #waits = new Set<() => void>()
  #closed = false
  #id = ''
  #whole: WholeVersion | null = null
  #hidden: HiddenRecords | null = null
  #events: SourceEvents | null = null
  #view: HyperdriveView | null = null
  #advancing: Promise<HyperdriveView> | null = null
  #demanded: { version: number; fork: number; records: Records } | null = null
  readonly #written = new WrittenSteps()
  readonly #listeners = new Set<() => void>()
  /** The views of old versions that were asked for last. */
  readonly #past = new LRUCache<number, HyperdriveView>({ max: 16 })

  /** @param sparse - never download metadata ahead of its use */
  constructor(drive: HyperdriveLike, opts: { sparse?: boolean } = {}) {
    this.drive = drive
    this.#sparse = opts.sparse === true
    this.#bytes = new HyperdriveBytes(drive)
  }

  get name(): string {
    return this.#id || 'Hyperdrive'
  }

  get identity(): string {
    const { core, version } = this.drive
    return core.snapshotted ? `${this.#id}@${version}` : this.#id
  }

  get writable(): boolean {
    // A checkout says that it is writable, yet every write to it fails.
    return this.drive.core.writable && !this.drive.core.snapshotted
  }

  get unsynced(): boolean {
    if (this.writable) return false
    return this.#sparse ? this.drive.core.length === 0 : this.#whole?.version == null
  }

  async open(events: SourceEvents): Promise<void> {
    const { drive } = this
    await drive.ready()
    this.#events = events
    this.#id = encode(drive.core.key)
    this.#hidden = new HiddenRecords(this, this.#id, events)
    this.#whole = new WholeVersion(drive.core, (advanced) => {
      this.#stir()
      events.change()
      if (advanced && !this.writable) events.sync()
    })
    const end = drive.core.snapshotted ? drive.version : -1
    await this.#whole.open(this.writable || this.#sparse ? null : { start: 0, end })
    drive.on('close', this.#onclose)
    // A store that closes takes the cores with it, of which the drive does not tell.
    drive.core.on('close', this.#onclose)
    drive.core.on('peer-remove', this.#onpeerless)
  }

  async close(): Promise<void> {
    this.#closed = true
    this.drive.off('close', this.#onclose)
    this.drive.core.off('close', this.#onclose)
    this.drive.core.off('peer-remove', this.#onpeerless)
    this.#pending.end('closed')
    for (const end of this.#waits) end()
    await this.#whole?.close()
    await this.#advancing?.catch(() => undefined)
  }

  view(opts: ReadOptions = {}): LeafView | Promise<LeafView> {
    const { core } = this.drive
    const version = this.#wholeVersion()
    if (version === null) return this.#demand(opts)
    if (this.#view?.version === version && this.#view.fork === core.fork) return this.#view
    return this.#advance(version)
  }

  get steady(): boolean {
    const { core } = this.drive
    const version = this.#wholeVersion()
    return version !== null && (core.snapshotted || version >= core.length)
  }

  listen(onchange: () => void): () => void {
    this.#listeners.add(onchange)
    return () => void this.#listeners.delete(onchange)
  }

  #stir(): void {
    for (const tell of this.#listeners) tell()
  }

  writer(): WritableLeaf | null {
    return this.writable ? this : null
  }

  async update({ wait }: { wait: boolean }): Promise<boolean> {
    const { core } = this.drive
    if (core.snapshotted) return false
    if (!wait) return core.update()
    const updated = await this.#unlessClosed(core.update({ wait }), false)
    if (!this.#sparse && !this.writable) await this.#untilWhole()
    return updated
  }

  async purge(): Promise<Drive[]> {
    if (this.drive.core.snapshotted) return []
    await purge(this.drive as PurgeableHyperdrive)
    return [this.drive]
  }

  async stage(data: Uint8Array | AsyncIterable<Uint8Array>): Promise<Staged> {
    const { blob, byteLength } = await this.#bytes.write(data)
    return this.#staged(blob, byteLength)
  }

  async amend(draft: Draft): Promise<Staged> {
    const { base } = draft
    if (base && isWhole(draft, base)) return this.reuse(base)
    const blob = base && this.#blobOf(base)
    const release = blob ? hold(this.drive, blob) : () => undefined
    try {
      const written = await this.#bytes.amend(draft, blob)
      return this.#staged(written.blob, written.byteLength, release)
    } catch (err) {
      release()
      throw err
    }
  }

  async reuse(candidate: Candidate): Promise<Staged> {
    const blob = this.#blobOf(candidate)
    if (blob === null) return this.stage(candidate.read())
    return this.#staged(blob, candidate.value.blob?.byteLength, hold(this.drive, blob))
  }

  get storage(): string | null {
    const storage = this.drive.corestore?.storage
    return storage && 'path' in storage && typeof storage.path === 'string' ? storage.path : null
  }

  /** Where a version's bytes lie in the blobs of this drive; null for one of another drive. */
  #blobOf(candidate: Candidate): BlobId | null {
    return candidate instanceof HyperdriveCandidate && candidate.origin.id === this.#id
      ? candidate.blob
      : null
  }

  #staged(blob: BlobId, byteLength = blob.byteLength, release: () => void = () => undefined): StagedBlob {
    // Blocks that no entry names stay in the append-only core; nothing can be given back.
    const discard = () => {
      release()
      return Promise.resolve()
    }
    return { blob, byteLength, discard }
  }

  async commit(changes: readonly Change[]): Promise<void> {
    await turns.run(this.drive, () => this.#commit(changes))
  }

  async #commit(changes: readonly Change[]): Promise<void> {
    const batch = this.drive.db.batch()
    try {
      for (const change of changes) await write(batch, change)
      const { core } = this.drive.db
      const { length, fork } = core
      const blocks = batch.toBlocks()
      await batch.flush()
      // Nobody else has written meanwhile: they are where they were meant to be, and need not be read.
      if (core.length === length + blocks.length && core.fork === fork)
        cacheOf(core).keepLatest(length, blocks)
    } finally {
      await batch.close()
    }
  }

  #host(): CandidateHost {
    const format: SourceEvents['format'] = (...told) => this.#events?.format(...told)
    return { leaf: this, id: this.#id, drive: this.drive, bytes: this.#bytes, format }
  }

  readonly #onclose = (): void => {
    cacheOf(this.drive.db.core).clear()
    const events = this.#events
    this.#events = null
    this.#stir()
    events?.close()
  }

  readonly #onpeerless = (): void => {
    if (this.drive.core.peers.length === 0) this.#pending.end('alone')
  }

  versions(): readonly DriveVersion[] {
    if (this.#id === '') return []
    const { core, version } = this.drive
    const at = Math.max(1, this.#wholeVersion() ?? version)
    return [{ id: this.identity, version: at, fork: core.fork }]
  }

  at(versions: Versions): Source | null {
    const at = versions.get(this.identity)
    return at ? new SourceAt(this, (opts) => this.#viewAt(at, opts), [at]) : null
  }

  async #viewAt({ version, fork }: DriveVersion, opts: ReadOptions = {}): Promise<LeafView> {
    const { core } = this.drive
    if (core.length < version && version > 1 && opts.wait !== false) await askPeers(core, opts.timeout)
    if (core.fork !== fork || (core.length < version && version > 1)) {
      const detail = core.fork === fork ? 'its peers have not told of it yet' : 'it was truncated since'
      throw failure('VERSION_NOT_AVAILABLE', { drive: this.drive, detail })
    }
    if (this.#view?.version === version && this.#view.fork === fork) return this.#view
    const known = this.#past.get(version)
    if (known?.fork === fork) return known
    const isHere = version < 2 || core.contiguousLength >= version
    const reader = isHere
      ? this.#wholeReader(version)
      : new DemandReader(this.drive, version, this.#sparse, this.#pending)
    const records = version < 2 ? Records.EMPTY : await this.#hidden!.load(reader, opts)
    const view = new HyperdriveView(this.#host(), { version, fork }, records, reader, this.#bytes)
    if (isHere) this.#past.set(version, view)
    return view
  }

  /** The version that can be read without the network; a drive of one's own is always whole. */
  #wholeVersion(): number | null {
    const { core, version } = this.drive
    if (core.snapshotted) return core.contiguousLength >= version || version < 2 ? version : null
    if (core.writable && core.length === 0) return 1
    return this.#sparse && !core.writable ? null : (this.#whole?.version ?? null)
  }

  /** A view at least as new as `wanted`: it need not run after a drive that is written all the time. */
  async #advance(wanted: number): Promise<HyperdriveView> {
    const { core } = this.drive
    for (;;) {
      const current = this.#view
      if (current && current.fork === core.fork && current.version >= wanted) return current
      const version = this.#wholeVersion()
      if (version === null || version < wanted) {
        throw failure('DRIVE_FAILED', {
          drive: this.drive,
          detail: 'what was read is gone, as it was truncated'
        })
      }
      this.#advancing ??= this.#load(version, core.fork).finally(() => (this.#advancing = null))
      await this.#advancing
    }
  }

  async #load(version: number, fork: number): Promise<HyperdriveView> {
    const reader = this.#wholeReader(version)
    const previous = this.#view?.fork === fork ? this.#view : null
    const advanced = previous && (await this.#hidden!.advance(reader.tree, previous, version))
    const records = advanced ? advanced.records : await this.#hidden!.load(reader, {})
    if (advanced) this.#written.add({ from: previous.version, to: version, written: advanced.written })
    else this.#written.clear()
    const at = { version, fork, written: this.#written }
    this.#view = new HyperdriveView(this.#host(), at, records, reader, this.#bytes)
    return this.#view
  }

  #wholeReader(version: number): WholeReader {
    const { db } = this.drive
    return new WholeReader(db, new StoredTree(new TreeNodes(this.drive, cacheOf(db.core)), version))
  }

  async #demand(opts: ReadOptions): Promise<LeafView> {
    const { drive } = this
    const { core } = drive
    if (!core.snapshotted && opts.wait !== false) await askPeers(core, opts.timeout)
    const version = Math.max(1, drive.version)
    const { fork } = core
    const reader = new DemandReader(drive, version, this.#sparse, this.#pending)
    const view = (records: Records) =>
      new HyperdriveView(this.#host(), { version, fork }, records, reader, this.#bytes)
    if (version < 2) return view(Records.EMPTY)
    const known = this.#demanded
    if (known?.version === version && known.fork === fork) return view(known.records)
    const records = await this.#hidden!.load(reader, opts)
    // What was read alone, without peers, may lack records that a peer would have given.
    if (core.peers.length > 0) this.#demanded = { version, fork, records }
    return view(records)
  }

  /** Waits until the head of now is whole, or cannot become so with the peers of now. */
  #untilWhole(): Promise<void> {
    const { core } = this.drive
    const { length } = core
    const events = ['append', 'download', 'peer-remove', 'truncate', 'close']
    let stall: NodeJS.Timeout | undefined
    let check: () => void = () => undefined
    const whole = new Promise<void>((resolve) => {
      check = () => {
        clearTimeout(stall)
        if (this.#closed || core.closed || core.peers.length === 0 || (this.#whole?.version ?? 0) >= length)
          resolve()
        else stall = setTimeout(() => (isInReach(core) ? check() : resolve()), STALL)
      }
    })
    for (const event of events) core.on(event, check)
    check()
    return this.#unlessClosed(whole, undefined).finally(() => {
      clearTimeout(stall)
      for (const event of events) core.off(event, check)
    })
  }

  #unlessClosed<T>(promise: Promise<T>, otherwise: T): Promise<T> {
    return new Promise((resolve, reject) => {
      const end = () => resolve(otherwise)
      this.#waits.add(end)
      promise.then(resolve, reject).finally(() => this.#waits.delete(end))
    })
  }
}

/** Whether a peer has the first block that is missing. */
function isInReach(core: Core): boolean {
  const missing = core.contiguousLength
  return core.peers.some((peer) => peer.remoteContiguousLength > missing || peer.remoteBitfield.get(missing))
}

/** Whether a draft is its base and nothing else. */
function isWhole(draft: Draft, base: Candidate): boolean {
  const size = base.value.blob?.byteLength ?? 0
  return draft.byteLength === size && draft.pieces().every(({ from }) => from === 'base')
}

async function write(batch: BeeBatch, change: Change): Promise<void> {
  switch (change.type) {
    case 'file': {
      const { blob, byteLength } = change.staged as StagedBlob
      const { key, executable } = change
      // The length of a map says nothing of the file's.
      const stamp = blob.blockMap ? { ...change.stamp, size: byteLength } : change.stamp
      const value = {
        executable,
        linkname: null,
        blob,
        metadata: formatMetadata(change.metadata, stamp)
      }
      return batch.put(key, value, { keyEncoding: entryKeys })
    }
    case 'link': {
      const { key, linkname } = change
      const value = {
        executable: false,
        linkname,
        blob: null,
        metadata: formatMetadata(change.metadata, change.stamp)
      }
      return batch.put(key, value, { keyEncoding: entryKeys })
    }
    case 'remove':
      return batch.del(change.key, { keyEncoding: entryKeys })
    case 'bury':
      return batch.put(tombstoneKey(change.record), formatTombstone(change.record), {
        keyEncoding: recordKeys('tombstones')
      })
    case 'unbury':
      return batch.del(tombstoneKey(change.record), { keyEncoding: recordKeys('tombstones') })
    case 'make-directory':
      return batch.put(change.record.path, formatDirectory(change.record), {
        keyEncoding: recordKeys('directories')
      })
    case 'remove-directory':
      return batch.del(change.path, { keyEncoding: recordKeys('directories') })
    case 'mount':
      return batch.put(change.record.path, formatMount(change.record), { keyEncoding: recordKeys('mounts') })
    case 'tag':
      return batch.put(change.record.name, formatTag(change.record), { keyEncoding: recordKeys('tags') })
  }
}

/** Asks the peers for the head, no longer than a read may take: what is here by then is read. */
async function askPeers(core: Core, timeout = 0): Promise<void> {
  await (timeout === 0 ? core.update() : atMost(core.update(), timeout, null))
}
