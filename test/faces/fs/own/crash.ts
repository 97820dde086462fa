import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type Hyperdrive from 'hyperdrive'
import test from 'tape'
import type { Drive } from '../../../../index.ts'
import { random } from '../../../availability/links.ts'
import { folder } from '../../../helpers/drives.ts'
import { openAll, START, step, type State } from './crash-writer.ts'
import { WRITERS } from './helpers.ts'

const WRITER = join(import.meta.dirname, 'crash-writer.ts')
const ROOT = join(import.meta.dirname, '../../../..')

/**
 * Kills a process at some moment of what it does, again and again, and looks at what it left. The seed says when:
 *
 *   CRASH_SEED=7 npx tsx test/faces/fs/own/crash.test.ts
 */
export function crashSuite(rounds: number): void {
  const seed = Number(process.env['CRASH_SEED'] ?? 5)
  for (const [kind] of WRITERS) {
    test(
      `a process killed while it renames, copies and writes leaves what was before or what is after (${kind}, seed ${seed})`,
      { timeout: rounds * 60_000 },
      async (t) => {
        const next = random(seed)
        const path = await folder(t)
        await prepare(kind, path)
        let [n, state] = [0, START]
        const seen = { before: 0, after: 0 }
        for (let round = 0; round < rounds; round++) {
          const { begun, done } = await killed(kind, path, n, 1 + Math.floor(next() * 15), next() * 12)
          for (; n <= done; n++) state = step(n).of(state)
          const { multi, close } = await openAll(kind, path)
          const found = await contents(multi)
          const after = begun > done ? step(begun).of(state) : state
          const same = (a: State, b: State) => JSON.stringify(sorted(a)) === JSON.stringify(sorted(b))
          const what = `round ${round}, killed in step ${begun}`
          if (same(found, state)) {
            seen.before++
            t.pass(`${what}: as before`)
          } else if (same(found, after)) {
            seen.after++
            t.pass(`${what}: as after`)
            state = after
            n = begun + 1
          } else {
            t.fail(`${what}: neither`)
            t.same(sorted(short(found)), sorted(short(state)))
            await close()
            return
          }
          const names = await multi.promises.readdir('/', { recursive: true })
          if (String(names.sort()) !== String(namesOf(found)))
            t.fail(`${what}: folders that nothing is in: ${names.join()}`)
          await close()
        }
        t.comment(`${seen.before} times as before, ${seen.after} times as after`)
      }
    )
  }
}

/** What stands at the start: half of it in the drive of somebody else. */
async function prepare(kind: string, path: string): Promise<void> {
  const { multi, close } = await openAll(kind, path)
  const [, other] = multi.drives as [Drive, Hyperdrive]
  for (const [i, [key, text]] of Object.entries(START).entries()) {
    if (i % 2 === 0) await other.put(key, Buffer.from(text))
    else await multi.put(key, text)
  }
  await close()
}

/** Runs the writer until it has done so many steps, and a while longer, and says how far it came. */
async function killed(
  kind: string,
  path: string,
  from: number,
  steps: number,
  ms: number
): Promise<{ begun: number; done: number }> {
  const child = spawn(process.execPath, ['--import', 'tsx', WRITER, kind, path, String(from)], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'inherit']
  })
  let out = ''
  let dying = false
  child.stdout.on('data', (data) => {
    out += String(data)
    if (dying || !out.includes(`done ${from + steps - 1}\n`)) return
    dying = true
    setTimeout(() => child.kill('SIGKILL'), ms)
  })
  const [code] = (await once(child, 'close')) as [number | null]
  if (code !== null) throw new Error(`the writer ended with ${code} after ${out.slice(-200)}`)
  const last = (word: string) =>
    Number([...out.matchAll(new RegExp(`^${word} (\\d+)$`, 'gm'))].at(-1)?.[1] ?? from - 1)
  return { begun: last('begin'), done: last('done') }
}

async function contents(multi: any): Promise<State> {
  const state: Record<string, string> = {}
  for await (const { key } of multi.list('/')) state[key] = String(await multi.get(key))
  return state
}

/** The files and the folders that they are in. */
function namesOf(state: State): string[] {
  const names = new Set<string>()
  for (const path of Object.keys(state)) {
    const parts = path.split('/').slice(1)
    for (let i = 1; i <= parts.length; i++) names.add(parts.slice(0, i).join('/'))
  }
  return [...names].sort()
}

const sorted = (state: State) => Object.entries(state).sort(([a], [b]) => (a < b ? -1 : 1))

const short = (state: State): State =>
  Object.fromEntries(
    Object.entries(state).map(([path, text]) => [path, `${text.length}: ${text.slice(0, 20)}`])
  )
