import { spawn, type ChildProcess } from 'node:child_process'
import { basename } from 'node:path'
import { PassThrough, Readable, Writable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tape'
import { run } from '../../lib/cli/program.ts'
import { Storage } from '../../lib/cli/storage.ts'
import { cleanup, folder } from './drives.ts'

const MAIN = fileURLToPath(new URL('../../lib/cli/main.ts', import.meta.url))

export interface Ran {
  readonly code: number
  readonly out: string
  readonly err: string
}

export interface RunOptions {
  /** What is on the input. */
  readonly input?: string | Readable
  /** Whether stderr is a terminal. */
  readonly terminal?: boolean
  readonly signal?: AbortSignal
  /** Where its output goes, which it then does not give. */
  readonly stdout?: Writable
}

/** Runs a command line in this process. */
export async function cli(argv: readonly string[], opts: RunOptions = {}): Promise<Ran> {
  const { input = '', terminal = false, signal = new AbortController().signal } = opts
  const [heard, stderr] = [new PassThrough(), new PassThrough()]
  const said = Promise.all([text(heard), text(stderr)])
  const code = await run(argv, {
    stdin: typeof input === 'string' ? Readable.from([Buffer.from(input)]) : input,
    stdout: opts.stdout ?? heard,
    stderr: Object.assign(stderr, { isTTY: terminal, columns: 100 }),
    env: {},
    signal
  })
  heard.end()
  stderr.end()
  const [out, err] = await said
  return { code, out, err }
}

/** The same, of a command that must not fail; gives its lines. */
export async function lines(t: Test, ...argv: string[]): Promise<string[]> {
  const { code, out, err } = await cli(argv)
  if (code !== 0 || err !== '') t.fail(`multidrive ${argv.join(' ')}: ${code} ${err}`)
  return out.split('\n').slice(0, -1)
}

/** The same with `--json`; gives its values. */
export async function values(t: Test, ...argv: string[]): Promise<any[]> {
  return (await lines(t, ...argv, '--json')).map((line) => JSON.parse(line))
}

/** A process that runs a command line, killed when the test is over if it still runs. */
export function start(t: Test, argv: readonly string[], env: Record<string, string> = {}): Running {
  const child = spawn(process.execPath, ['--import', import.meta.resolve('tsx'), MAIN, ...argv], {
    stdio: 'pipe',
    env: { ...process.env, NODE_NO_WARNINGS: '1', ...env }
  })
  const running = new Running(child)
  cleanup(t, async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
    await running.ended
  })
  return running
}

export class Running {
  readonly child: ChildProcess
  /** What it has said so far. */
  out = ''
  err = ''
  readonly ended: Promise<Ran & { signal: NodeJS.Signals | null }>

  constructor(child: ChildProcess) {
    this.child = child
    child.stdout!.setEncoding('utf8').on('data', (said: string) => (this.out += said))
    child.stderr!.setEncoding('utf8').on('data', (said: string) => (this.err += said))
    this.ended = new Promise((resolve) =>
      child.once('close', (code, signal) =>
        resolve({ code: code ?? -1, signal, out: this.out, err: this.err })
      )
    )
  }

  /** Resolves when it has said something, with what was found; fails when it ends without. */
  says(pattern: RegExp, stream: 'out' | 'err' = 'out'): Promise<string> {
    const source = stream === 'out' ? this.child.stdout! : this.child.stderr!
    return new Promise((resolve, reject) => {
      const look = () => {
        const found = pattern.exec(this[stream])
        if (!found) return
        source.off('data', look)
        resolve(found[0])
      }
      source.on('data', look)
      look()
      void this.ended.then(({ code, err }) =>
        reject(new Error(`it ended with ${code} before it said ${pattern}: ${err}`))
      )
    })
  }
}

/** A storage with drives of one's own, named by their links. */
export async function ownDrives(t: Test, count: number): Promise<{ storage: string; links: string[] }> {
  const storage = await folder(t)
  const links: string[] = []
  for (let i = 0; i < count; i++)
    links.push(`hd://${basename(await new Storage(storage).shareOf(await folder(t)))}`)
  return { storage, links }
}

/** A stream whose reader takes its time; tells how many bytes it took, and how many waited at most. */
export function slowSink(): Writable & { readonly taken: number; readonly waiting: number } {
  const counts = { taken: 0, waiting: 0 }
  const sink = new Writable({
    highWaterMark: 1,
    write(chunk: Buffer, _encoding, cb) {
      counts.taken += chunk.length
      counts.waiting = Math.max(counts.waiting, sink.writableLength)
      setTimeout(cb, 1)
    }
  })
  return Object.defineProperties(sink, {
    taken: { get: () => counts.taken },
    waiting: { get: () => counts.waiting }
  }) as ReturnType<typeof slowSink>
}
