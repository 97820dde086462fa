/** What the best known overlay before costs. */
import { execFile, fork } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { drain, fill, lookUp, over, SMALL } from './corpus.ts'
import type { Bench, Subject, Work } from './harness.ts'
import type { Request } from './peer/peer.ts'

export const COUNTS = [1, 4, 16, 64]
export const ONE = 'one Hyperdrive'
export const ours = (count: number) => `MultiDrive, ${count}`
export const theirs = (count: number) => `multi-hyperdrive, ${count}`

const OURS = 64
const FOLDERS = 16
const FILES = 100
const LOOKUPS = 50

const home = fileURLToPath(new URL('peer/', import.meta.url))

const paths = Array.from(
  { length: FOLDERS * FILES },
  (_, i) => `/folder-${String(Math.floor(i / FILES)).padStart(3, '0')}/file-${i % FILES}.bin`
)
const folderOf = (round: number) => `/folder-${String(round % FOLDERS).padStart(3, '0')}`

export const bench: Bench = {
  title: `multi-hyperdrive 1.1.4, over Hyperdrives 10 in memory: ${paths.length} files in ${FOLDERS} folders`,
  async prepare(folder) {
    const missing = await install()
    if (missing !== null)
      return { subjects: [], notes: async () => [`left out: ${missing}`], close: async () => undefined }

    const peer = startPeer()
    const plain = await fill(join(folder, 'one'), paths, { drives: 1 })
    const many = await fill(join(folder, 'many'), paths, { drives: OURS })
    const [one] = plain.drives
    const multi = await over(many.drives)
    await multi.warmUp()
    const subjects: Subject[] = [
      {
        name: ONE,
        jobs: {
          stat: (round) => lookUp(paths, round, LOOKUPS, async (path) => there(path, await one.entry(path))),
          readdir: (round) => drain(one.readdir(folderOf(round)))
        }
      },
      {
        name: ours(OURS),
        jobs: {
          stat: (round) => lookUp(paths, round, LOOKUPS, async (path) => there(path, await multi.stat(path))),
          readdir: (round) => drain(multi.readdir(folderOf(round)))
        }
      }
    ]
    for (const count of COUNTS) {
      await peer.ask({ do: 'fill', drives: count, paths, bytes: SMALL })
      const stat = async (round: number) => {
        const asked: string[] = []
        await lookUp(paths, round, LOOKUPS, async (path) => void asked.push(path))
        return peer.ask({ do: 'stat', drives: count, paths: asked })
      }
      const readdir = (round: number) => peer.ask({ do: 'readdir', drives: count, paths: [folderOf(round)] })
      subjects.push({ name: theirs(count), jobs: { stat, readdir } })
    }
    return {
      subjects,
      async close() {
        await peer.close()
        await one.close()
        await multi.close()
        await plain.store.close()
        await many.store.close()
      }
    }
  }
}

function there(path: string, found: unknown): void {
  if (found === null) throw new Error(`no ${path}`)
}

/** @returns why its packages are not to be had; null when they are there */
async function install(): Promise<string | null> {
  if (existsSync(join(home, 'node_modules', 'multi-hyperdrive'))) return null
  const args = ['install', '--ignore-scripts', '--no-package-lock', '--no-audit', '--no-fund']
  try {
    await promisify(execFile)('npm', args, { cwd: home, shell: process.platform === 'win32' })
    return null
  } catch (err) {
    return `npm install in test/bench/peer failed: ${String(err).split('\n').slice(0, 2).join(' ')}`
  }
}

/** A process that does one thing after another. */
function startPeer(): { ask(request: Request): Promise<Work>; close(): Promise<void> } {
  const child = fork(join(home, 'peer.ts'), { execArgv: ['--import', 'tsx'] })
  const exited = once(child, 'exit')
  return {
    async ask(request) {
      child.send(request)
      const [answer] = (await Promise.race([
        once(child, 'message'),
        exited.then(() => [{ error: 'the process of the peer is gone' }])
      ])) as [Work | { readonly error: string }]
      if (typeof answer === 'object' && 'error' in answer) throw new Error(answer.error)
      return answer
    },
    async close() {
      child.disconnect()
      await exited
    }
  }
}
