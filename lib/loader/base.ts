import type { EventEmitter } from 'node:events'
import BaseDL from '@qvac/dl-base'

/** What a loader tells of what it does. */
export interface Logger {
  debug(...args: unknown[]): void
  info(...args: unknown[]): void
  warn(...args: unknown[]): void
  error(...args: unknown[]): void
}

/** BaseDL as it is: the declarations that it comes with leave out most of it. */
// eslint-disable-next-line @typescript-eslint/no-unused-vars -- a class that is extended
declare abstract class TypedBaseDL<Options, Client> extends EventEmitter {
  constructor(opts: Options)
  readonly opts: Options
  /** What the files are read from, null until it is open. */
  client: Client | null
  logger: Logger
  /** Null until it is first asked to open. */
  opening: Promise<void> | null
  /** Null until it is first asked to close. */
  closing: Promise<void> | null
  opened: boolean
  closed: boolean
  /** Opens it, once; resolves when it is open. */
  ready(): Promise<void>
  /** Closes it, once; resolves when it is closed. */
  close(): Promise<void>
  protected _open(): Promise<void>
  protected _close(): Promise<void>
}

export const Base = BaseDL as unknown as typeof TypedBaseDL
