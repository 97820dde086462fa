import { readFileSync } from 'node:fs'
import {
  Command as Commander,
  CommanderError,
  InvalidArgumentError,
  Option as CommanderOption
} from 'commander'
import type { Command } from './command.ts'
import { COMMANDS } from './commands/index.ts'
import { EXIT, toLine } from './errors.ts'
import type { Io } from './io.ts'
import { perform, TIMEOUT, type CommonOptions } from './perform.ts'
import { printable } from './printable.ts'
import { DEFAULT_STORAGE } from './storage.ts'

const ABOUT =
  'Reads many drives as one: folders of the disk and Hyperdrives from afar.\n\n' +
  'A SPEC names a drive: a folder, or the key of a Hyperdrive as hd://KEY or hyper://KEY. With :ro behind it, nothing is ' +
  'written to it. The first drive that can be written to takes all that is written.'

const EXIT_CODES = `
Exit codes: 0 done, 1 failed or not there (of diff: they differ), 2 a command line that cannot be meant (of diff: any
failure), 130 Ctrl-C, 141 the reader of the output went away, 143 terminated.
`

/**
 * Runs a command line.
 *
 * @param argv - without the program
 * @returns the exit code
 */
export async function run(argv: readonly string[], io: Io): Promise<number> {
  let code: number = EXIT.ok
  const program = new Commander('multidrive')
    .description(ABOUT)
    .version(version(), '-V, --version', 'print the version')
    .helpCommand('help [command]', 'explain a command')
    .addHelpText('after', EXIT_CODES)
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void io.stdout.write(text),
      writeErr: (text) => void io.stderr.write(text),
      getOutHelpWidth: () => Math.min(io.stdout.columns ?? 100, 100),
      outputError: () => undefined
    })
  for (const command of COMMANDS) add(program, command, io, (result) => (code = result))
  try {
    await program.parseAsync(argv, { from: 'user' })
    return code
  } catch (err) {
    if (!(err instanceof CommanderError)) throw err
    if (err.exitCode === 0) return EXIT.ok
    // With nothing said, commander has shown the help.
    if (err.code !== 'commander.help') io.stderr.write(complaint(argv, err))
    return EXIT.usage
  }
}

function add(program: Commander, command: Command, io: Io, done: (code: number) => void): void {
  const sub = program
    .command(`${command.name} ${command.args ?? ''}`.trim())
    .summary(command.summary)

    .description(`${sentence(command.summary)}${command.more === undefined ? '' : `\n\n${command.more}`}`)
    .addHelpText(
      'after',
      `\nExamples:\n${command.examples.map((line) => `  $ multidrive ${line}\n`).join('')}`
    )
  if (command.over === 'drives') {
    sub.option('-d, --drive <spec>', 'a drive: a folder, hd://KEY or hyper://KEY; once for each', collect)
    if (command.at === true)
      sub.option('--at <version>', 'as it was at a version, or at the tag of that name')
  }
  for (const [flags, text, read] of command.options ?? []) {
    if (read) sub.option(flags, text, read)
    else sub.option(flags, text)
  }
  sub
    .option('--storage <folder>', `where drives of others are kept (default: ${DEFAULT_STORAGE})`)
    .addOption(
      new CommanderOption(
        '--bootstrap <host:port>',
        'a node of the network to begin with; once for each'
      ).argParser(collectAddress)
    )
    .option('--timeout <seconds>', `how long peers are waited for (default: ${TIMEOUT})`, seconds)
    .option('--json', 'print one JSON value a line, errors too')
    .option('--verbose', 'say more of an error')
    .action(async (...given: unknown[]) => {
      // commander gives the arguments, then the options, then itself.
      const [args, opts] = [given.slice(0, -2), given.at(-2) as CommonOptions]
      done(await perform(command, args, opts, io))
    })
}

/** What commander complains of, on one line, or with `--json` as one value, and with where to look. */
function complaint(argv: readonly string[], err: CommanderError): string {
  const name = argv.find((word) => COMMANDS.some((command) => command.name === word))
  const text = err.message.replace(/^error: /, '').replace(/\s*\n\s*/g, ' ')
  const program = name === undefined ? 'multidrive' : `multidrive ${name}`
  const told = { error: 'USAGE', message: printable(text), hint: `see ${program} --help` }
  return argv.includes('--json') ? `${JSON.stringify(told)}\n` : toLine(program, told)
}

function sentence(text: string): string {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}.`
}

function collect(text: string, before: readonly string[] = []): string[] {
  return [...before, text]
}

function collectAddress(text: string, before: readonly string[] = []): string[] {
  const port = Number(/^[^\s:]+:(\d{1,5})$/.exec(text)?.[1])
  if (!(port >= 1 && port <= 65_535)) throw new InvalidArgumentError('It is HOST:PORT.')
  return [...before, text]
}

function seconds(text: string): number {
  const number = Number(text)
  // Timers hold no more milliseconds than 31 bits.
  if (text.trim() === '' || !(number > 0 && number <= 2_000_000))
    throw new InvalidArgumentError('It is a number of seconds, above 0.')
  return number
}

function version(): string {
  // From the sources it is two folders up, in what is built three.
  for (const up of ['../../package.json', '../../../package.json']) {
    try {
      return (JSON.parse(readFileSync(new URL(up, import.meta.url), 'utf8')) as { version: string }).version
    } catch {
      continue
    }
  }
  return 'unknown'
}
