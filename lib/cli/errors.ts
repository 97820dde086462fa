import { MultiDriveError } from '../../index.ts'
import { printable } from './printable.ts'

/** What every command ends with (README, "The command line"). */
export const EXIT = {
  ok: 0,
  failure: 1,
  usage: 2,
  /** By signal: 128 and its number, as shells have it. */
  SIGINT: 130,
  /** Whoever read the output went away. */
  SIGPIPE: 141,
  SIGTERM: 143
} as const

/** A failure of the command itself; the library's and the system's are of their own classes. */
export class CliError extends Error {
  readonly code: string
  readonly hint: string | undefined

  constructor(code: string, message: string, opts: { hint?: string; cause?: unknown } = {}) {
    super(message, opts.cause === undefined ? undefined : { cause: opts.cause })
    this.name = 'CliError'
    this.code = code
    this.hint = opts.hint
  }
}

/** The command line says what cannot be meant: exit code 2. */
export class UsageError extends CliError {
  constructor(message: string, hint?: string) {
    super('USAGE', message, hint === undefined ? {} : { hint })
  }
}

/** What can be done about an error, by its code. */
const HINTS: Record<string, string> = {
  BLOCK_NOT_AVAILABLE: 'no peer that has it was found; try again later, or with a longer --timeout',
  CONNECTION_FAILED: 'is it shared at the moment? A longer --timeout waits longer',
  DOWNLOAD_FAILED: 'run it again: it goes on where it was',
  DRIVE_NOT_READY: 'nobody who has it was found; is it shared at the moment? A longer --timeout waits longer',
  DEVICE_FILE:
    'the folder of --storage was copied or moved, which could make two of one drive; use it where it was, or name another one',
  EACCES: 'the rights of the folder or the file on disk do not allow it',
  EBUSY: 'the root itself stays; name what is in it',
  EEXIST: 'remove what is there first, or choose another name',
  EISDIR: 'name a file in it, or a command for whole folders: ls, cp -r, rm -r',
  ENOENT: '`multidrive ls` and `multidrive find` show what is there',
  ENOSPC: 'the disk is full; make room and run it again',
  ENOTDIR: 'a part of the path is a file; `multidrive ls` shows what is there',
  ENOTEMPTY: 'remove what is in it first: `multidrive rm -r`',
  ERR_FS_EISDIR: 'add -r for a folder with all that is in it',
  EROFS: 'add one, such as -d ./folder; the first that can be written to takes all',
  EXDEV: 'copy it with `multidrive cp -r`, then remove it',
  FILE_NOT_FOUND: '`multidrive ls` and `multidrive find` show what is there',
  REQUEST_TIMEOUT: 'no peer gave it in time; is it shared at the moment? A longer --timeout waits longer',
  STORAGE_IN_FOLDER: 'name another folder with --storage',
  VERSION_NOT_AVAILABLE: 'name the same drives with -d as when the version was taken'
}

/** The same of what the disk itself says, where that means another thing than what a drive says. */
const DISK_HINTS: Record<string, string> = {
  EROFS: 'the disk takes no changes; name a folder elsewhere'
}

/** What can be done about an error; undefined where nobody knows. */
export function hintOf(err: unknown): string | undefined {
  if (err instanceof CliError) return err.hint
  const code = codeOf(err) ?? ''
  return (err instanceof MultiDriveError ? undefined : DISK_HINTS[code]) ?? HINTS[code]
}

/** An error as it is told: on one line, with what can be done about it. */
export interface Told {
  error: string
  message: string
  path?: string
  drive?: string
  hint?: string
}

/** What names drives as the command line did. */
export interface Labels {
  labelOf(drive: object): string | null
  readonly labels: readonly string[]
}

export function tell(err: unknown, drives: Labels | null = null): Told {
  const told = err instanceof Error ? err : new Error(String(err))
  const { code = 'FAILED', path, drive } = told as { code?: unknown; path?: unknown; drive?: unknown }
  const error = String(code)
  const hint = hintOf(err)
  const label = typeof drive === 'object' && drive !== null ? (drives?.labelOf(drive) ?? null) : null
  return {
    error,
    message: printable(messageOf(told, error, drives)),
    ...(typeof path === 'string' ? { path } : {}),
    ...(label === null ? {} : { drive: label }),
    ...(hint === undefined ? {} : { hint })
  }
}

function messageOf(err: Error & { path?: unknown }, code: string, drives: Labels | null): string {
  // What Node says of it says it three times.
  if (code === 'ERR_FS_EISDIR' && typeof err.path === 'string') return `${code}: a folder: ${err.path}`
  return relabelled(err.message, drives)
}

/** What says which drives were tried, with the names that they have here. */
function relabelled(message: string, drives: Labels | null): string {
  if (!drives) return message
  return message.replace(
    /\(no writable drive among .*\)$/,
    `(no writable drive among ${drives.labels.join(', ')})`
  )
}

/** @param name - of the command */
export function toLine(name: string, { error, message, hint }: Told): string {
  const begins = error === 'USAGE' || error === 'FAILED' || message.startsWith(`${error}: `)
  const text = begins ? message : `${error}: ${message}`
  return `${name}: ${text}${hint === undefined ? '' : ` (${hint})`}\n`
}

export function codeOf(err: unknown): string | undefined {
  const code = (err as { code?: unknown } | null | undefined)?.code
  return typeof code === 'string' ? code : undefined
}
