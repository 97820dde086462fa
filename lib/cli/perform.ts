import { raceSignal } from 'race-signal'
import type MultiDrive from '../../index.ts'
import type { Bootstrap } from '../share/peers.ts'
import type { Command, Session, Setting } from './command.ts'
import { Drives } from './drives.ts'
import { EXIT, tell, toLine, UsageError } from './errors.ts'
import type { Io } from './io.ts'
import { Output } from './output.ts'
import { DEFAULT_STORAGE } from './storage.ts'
import { versionNamed } from './versions.ts'

/** The options that every command has, as commander gives them. */
export interface CommonOptions {
  readonly drive?: readonly string[]
  readonly storage?: string
  readonly bootstrap?: readonly Bootstrap[]
  /** In seconds. */
  readonly timeout?: number
  readonly at?: string
  readonly json?: boolean
  readonly verbose?: boolean
}

/** How long a drive that no peer has is waited for, in seconds. */
export const TIMEOUT = 30

/** Opens what a command needs, runs it, and closes everything in every case. */
export async function perform(
  command: Command,
  args: unknown[],
  opts: CommonOptions,
  io: Io
): Promise<number> {
  const { signal } = io
  const out = new Output(io, opts.json === true)
  const setting: Setting = {
    io,
    out,
    storage: opts.storage ?? DEFAULT_STORAGE,
    bootstrap: opts.bootstrap,
    timeout: (opts.timeout ?? TIMEOUT) * 1000,
    signal
  }
  const drives =
    command.over === 'drives'
      ? new Drives({ ...setting, warn: (text, drive) => out.warn(text, drive) })
      : null
  const work = async () => {
    if (command.over === 'nothing') return command.run(setting, args as never, opts as never)
    const { drive = [] } = opts
    if (drive.length === 0)
      throw new UsageError('no drive is named', 'add -d FOLDER or -d hd://KEY, once for each drive')
    await drives!.open(drive)
    const { multi } = drives!
    const session: Session = { ...setting, drives: drives!, multi, view: await viewOf(multi, opts.at) }
    return command.run(session, args as never, opts as never)
  }
  const working = work()
  let code: number = EXIT.ok
  try {
    // Stopped, it may go on until what it uses is closed.
    code = (await raceSignal(working, signal)) ?? EXIT.ok
  } catch (err) {
    code = report(err)
  }
  try {
    await drives?.close()
  } catch (err) {
    code = report(err)
  }
  // One that was stopped ends by what was closed under it.
  await working.catch(() => undefined)
  return code

  function report(err: unknown): number {
    // What fails because it was stopped is no news.
    if (signal.aborted) return signal.reason as number
    const told = tell(err, drives)
    io.stderr.write(out.json ? `${JSON.stringify(told)}\n` : toLine(`multidrive ${command.name}`, told))
    const verbose = opts.verbose === true || Boolean(io.env.DEBUG)
    if (verbose && err instanceof Error) io.stderr.write(`${stackOf(err)}\n`)
    if (told.error === 'USAGE' || told.error === 'KEY_INVALID') return EXIT.usage
    return command.failure ?? EXIT.failure
  }
}

async function viewOf(multi: MultiDrive, at: string | undefined): Promise<MultiDrive> {
  return at === undefined ? multi : multi.checkout(await versionNamed(multi, at))
}

function stackOf(err: Error): string {
  const cause = err.cause instanceof Error ? `\ncaused by: ${stackOf(err.cause)}` : ''
  return `${err.stack ?? err.message}${cause}`
}
