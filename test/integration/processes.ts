import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { pipeline } from 'node:stream/promises'
import type { Test } from 'tape'
import type { Bootstrap } from '../../lib/share/peers.ts'
import { cleanup } from '../helpers/drives.ts'
import type { Task, Told } from './loader-process.ts'

const root = join(import.meta.dirname, '..', '..')

/** A process of Node, ended with the test. Its temporary folders are in one that is given: it may be killed. */
export function start(
  t: Test,
  tmp: string,
  file: string,
  args: readonly string[],
  stderr: 'inherit' | 'pipe' = 'inherit'
): ChildProcess {
  const child = spawn(process.execPath, ['--import', 'tsx', join(root, file), ...args], {
    cwd: root,
    env: { ...process.env, TMPDIR: tmp },
    stdio: ['ignore', 'pipe', stderr]
  })
  cleanup(t, () => kill(child))
  return child
}

/** Ends a process as nobody can expect it. */
export async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  child.kill('SIGKILL')
  await exited
}

/** `npm run hd-provider`, with its key. */
export async function provider(
  t: Test,
  tmp: string,
  bootstrap: readonly Bootstrap[],
  args: readonly string[]
): Promise<{ child: ChildProcess; link: string }> {
  const nodes = bootstrap.flatMap((node) => [
    '--bootstrap',
    typeof node === 'string' ? node : `${node.host}:${node.port}`
  ])
  const child = start(t, tmp, 'lib/share/hd-provider.ts', [...args, ...nodes])
  for await (const line of createInterface(child.stdout!))
    if (line.startsWith('hd://')) return { child, link: line }
  throw new Error('the provider ended')
}

/** What it tells at last. */
type Final = Extract<Told, { results: unknown }>

/** A loader at work, what it tells, and what it told at last. */
export interface LoaderProcess {
  readonly child: ChildProcess
  /** Resolves when so many bytes are here. */
  reaches(bytes: number): Promise<void>
  /** Resolves when it sees nobody any more. */
  readonly alone: Promise<void>
  /** Resolves when it has ended. */
  readonly ended: Promise<Final | null>
}

export function loader(t: Test, tmp: string, task: Task): LoaderProcess {
  const child = start(t, tmp, 'test/integration/loader-process.ts', [JSON.stringify(task)])
  const waiting = new Map<() => void, number>()
  let last: Final | null = null
  let isAlone!: () => void
  const alone = new Promise<void>((resolve) => (isAlone = resolve))
  const lines = createInterface(child.stdout!).on('line', (line) => {
    const told = JSON.parse(line) as Told
    if ('results' in told) last = told
    else if ('alone' in told) isAlone()
    else for (const [resolve, bytes] of waiting) if (told.loaded >= bytes) resolve()
  })
  return {
    child,
    alone,
    reaches: (bytes) => new Promise((resolve) => waiting.set(resolve, bytes)),
    ended: Promise.all([once(child, 'exit'), once(lines, 'close')]).then(() => last)
  }
}

/** Writes a file of bytes that repeat nowhere soon, the same for the same seed. */
export async function writeLarge(path: string, size: number, seed: number): Promise<void> {
  const chunk = Buffer.alloc(1 << 20)
  async function* chunks() {
    let state = seed
    for (let left = size; left > 0; left -= chunk.length) {
      for (let i = 0; i < chunk.length; i += 4) {
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0
        chunk.writeUInt32LE(state, i)
      }
      yield Buffer.from(chunk.subarray(0, Math.min(left, chunk.length)))
    }
  }
  await pipeline(chunks, createWriteStream(path))
}
