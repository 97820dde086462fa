import type { EventEmitter } from 'node:events'
import type { Drive, ReadOptions } from '../drive.ts'
import { MultiDriveError } from '../errors.ts'
import type { RecordKind } from '../format/records.ts'
import type { DriveVersion, Versions } from '../format/version.ts'
import { SourceAt } from '../sources/at.ts'
import type { Source, SourceEvents, View, WritableLeaf } from '../sources/source.ts'
import { within } from '../wait.ts'
import type { Overlay } from './overlay.ts'

/** What a MultiDrive shows of itself to another one that it is added to. */
export interface Nestable {
  readonly drive: Drive & EventEmitter & { ready(): Promise<void> }
  readonly overlay: Overlay
  /** Resolves when the drives being added are in; null when none are. */
  settled(): Promise<unknown> | null
  /** Keeps its drives of now readable when they leave it, until the returned function is called. */
  hold(): () => Promise<void>
  /** Removes what its drives have stored, without closing them. */
  purge(): Promise<Drive[]>
}

let count = 0

/** A MultiDrive inside another one. Its winners are candidates with their own drives' places and clocks; its tombstones count too. */
export class NestedSource implements Source {
  readonly drive: Drive
  readonly identity = `multidrive:${++count}`
  readonly overlay: Overlay
  readonly #nested: Nestable
  #forget: () => void = () => undefined

  constructor(nested: Nestable) {
    this.drive = nested.drive
    this.overlay = nested.overlay
    this.#nested = nested
  }

  get name(): string {
    return `MultiDrive(${this.overlay.sources.map(({ name }) => name).join(', ')})`
  }

  get writable(): boolean {
    return this.overlay.writer !== null
  }

  get unsynced(): boolean {
    return this.overlay.sources.some(({ unsynced }) => unsynced)
  }

  async open(events: SourceEvents): Promise<void> {
    const { drive } = this.#nested
    await drive.ready()
    const change = () => events.change()
    const sync = () => events.sync()
    const close = () => events.close()
    const format = (record: { kind: RecordKind | 'entries'; path: string; version: number }) =>
      events.format(record.kind, record.path, record.version)
    drive.on('update', change).on('drive-sync', sync).on('close', close).on('format', format)
    this.#forget = () => {
      drive.off('update', change).off('drive-sync', sync).off('close', close).off('format', format)
    }
  }

  close(): Promise<void> {
    this.#forget()
    return Promise.resolve()
  }

  view(opts?: ReadOptions): View | Promise<View> {
    const settled = opts?.wait === false ? null : this.#nested.settled()
    if (!settled) return this.overlay.view(opts)
    return within(settled, opts?.timeout ?? 0, timedOut).then(() => this.overlay.view(opts))
  }

  writer(): WritableLeaf | null {
    return this.overlay.writer?.leaf ?? null
  }

  hold(): () => Promise<void> {
    return this.#nested.hold()
  }

  purge(): Promise<Drive[]> {
    return this.#nested.purge()
  }

  update(opts: { wait: boolean }): Promise<boolean> {
    return this.overlay.update(opts)
  }

  versions(): readonly DriveVersion[] {
    return this.overlay.versions()
  }

  at(versions: Versions): Source {
    const overlay = this.overlay.at(versions)
    return new SourceAt(this, (opts) => overlay.view(opts), overlay.versions())
  }
}

function timedOut(): MultiDriveError {
  const message = 'REQUEST_TIMEOUT: a drive that is being added to it did not open in time'
  return new MultiDriveError('REQUEST_TIMEOUT', message)
}

/** An overlay, and those of the MultiDrives in it. */
export function overlaysIn(overlay: Overlay, found = new Set<Overlay>()): ReadonlySet<Overlay> {
  found.add(overlay)
  for (const source of overlay.sources) {
    if (source instanceof NestedSource && !found.has(source.overlay)) overlaysIn(source.overlay, found)
  }
  return found
}
