import type MultiDrive from '../../index.ts'
import type { Bootstrap } from '../share/peers.ts'
import type { Drives } from './drives.ts'
import type { Io } from './io.ts'
import type { Output } from './output.ts'

/** What every command is given. */
export interface Setting {
  readonly io: Io
  readonly out: Output
  readonly storage: string
  readonly bootstrap: readonly Bootstrap[] | undefined
  /** In milliseconds. */
  readonly timeout: number
  readonly signal: AbortSignal
}

/** What a command over drives is given. */
export interface Session extends Setting {
  readonly drives: Drives
  /** What takes writes. */
  readonly multi: MultiDrive
  /** What is read: the same, or with `--at` as it was then. */
  readonly view: MultiDrive
}

/** An option as commander knows it: its flags, what it says, and how its text is read. */
export type Option = readonly [flags: string, text: string, read?: (text: string) => unknown]

interface About {
  readonly name: string
  /** What it takes, as commander writes it: `<path> [folder]`. */
  readonly args?: string
  /** In one line, without a full stop. */
  readonly summary: string
  /** What else there is to say. */
  readonly more?: string
  readonly options?: readonly Option[]
  /** Its exit code when it fails, where 1 means something else. */
  readonly failure?: number
  /** Of the command line, without `multidrive`. */
  readonly examples: readonly string[]
}

/** A command over the drives that `-d` names. What `run` gives is the exit code, 0 for nothing. */
export interface OverDrives<Args, Options = object> extends About {
  readonly over: 'drives'
  /** Whether it can read an older version, by `--at`. */
  readonly at?: boolean
  run(session: Session, args: Args, opts: Options): Promise<void> | Promise<number>
}

/** A command that needs no drives of `-d`. */
export interface OverNothing<Args, Options = object> extends About {
  readonly over: 'nothing'
  run(setting: Setting, args: Args, opts: Options): Promise<void> | Promise<number>
}

/** What commander gives them is what they say that they take. */
export type Command = OverDrives<never, never> | OverNothing<never, never>
