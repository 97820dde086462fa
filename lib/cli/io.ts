import type { Readable, Writable } from 'node:stream'

/** A stream to write to, which may be a terminal. */
export type Sink = Writable & { readonly isTTY?: boolean; readonly columns?: number }

/** What a run of the command has to do with the world, so that tests can run it without a process of its own. */
export interface Io {
  readonly stdin: Readable
  readonly stdout: Sink
  readonly stderr: Sink
  readonly env: Readonly<Record<string, string | undefined>>
  /** Aborted with the exit code when it is to stop. */
  readonly signal: AbortSignal
}
