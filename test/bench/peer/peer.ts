/**
 * multi-hyperdrive over Hyperdrives 10 in memory, with the paths that it is sent spread over them. A process of its own: these packages
 * are as old as they are. Does a job for each message and answers with the work.
 */
import { createRequire } from 'node:module'

/** What is asked of it. */
export type Request =
  | {
      readonly do: 'fill'
      readonly drives: number
      readonly paths: readonly string[]
      readonly bytes: number
    }
  | {
      readonly do: 'stat' | 'readdir'
      readonly drives: number
      readonly paths: readonly string[]
    }

const load = createRequire(import.meta.url)
const hyperdrive = load('hyperdrive')
const MultiHyperdrive = load('multi-hyperdrive')
const memory = load('random-access-memory')

const multis = new Map<number, any>()

/** Calls a method that calls back. */
const call = (of: any, method: string, ...args: unknown[]) =>
  new Promise<any>((resolve, reject) => {
    of[method](...args, (err: Error | null, value: unknown) => (err ? reject(err) : resolve(value)))
  })

async function fill(count: number, paths: readonly string[], bytes: number): Promise<void> {
  const drives = Array.from({ length: count }, () => hyperdrive(memory, null))
  for (const drive of drives) await call(drive, 'ready')
  const data = Buffer.alloc(bytes, 'x')
  for (const [i, path] of paths.entries()) await call(drives[(i * 7) % count], 'writeFile', path, data)
  const multi = new MultiHyperdrive(drives[0])
  for (const drive of drives.slice(1)) await call(multi, 'addDrive', drive)
  multis.set(count, multi)
}

async function answer(request: Request): Promise<number> {
  const { drives, paths } = request
  if (request.do === 'fill') {
    await fill(drives, paths, request.bytes)
    return paths.length
  }
  const multi = multis.get(drives)
  let names = 0
  for (const path of paths) {
    const found = await call(multi, request.do, path)
    names += request.do === 'readdir' ? (found as string[]).length : 1
  }
  return names
}

process.on('message', (request: Request) => {
  const started = performance.now()
  answer(request).then(
    (units) => process.send!({ units, micros: (performance.now() - started) * 1000 }),
    (err: unknown) => process.send!({ error: String(err) })
  )
})
