import type { EventEmitter } from 'node:events'
import ReadyResource from 'ready-resource'

/** What opens once and closes once. Declared here, since without `esModuleInterop` nobody can import what the package declares. */
// eslint-disable-next-line @typescript-eslint/no-unused-vars -- a type with protected members is a class
declare abstract class OpenedOnce extends EventEmitter {
  /** Null until it is first asked to open. */
  opening: Promise<void> | null
  /** Null until it is first asked to close. */
  closing: Promise<void> | null
  /** True from when it is open on. */
  opened: boolean
  /** True from when it is closed on. */
  closed: boolean
  /** Opens it, once; resolves when it is open. */
  ready(): Promise<void>
  /** Closes it, once; resolves when it is closed. */
  close(): Promise<void>
  protected _open(): Promise<void>
  protected _close(): Promise<void>
}

export const Resource = ReadyResource as unknown as typeof OpenedOnce
