import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import test from 'tape'
import { folder } from '../../../helpers/drives.ts'
import { WRITERS } from './helpers.ts'

const ROOT = join(import.meta.dirname, '../../../..')

/** Runs a script in a process of its own, over drives that lie in a folder. */
async function run(path: string, kind: string, body: string): Promise<string> {
  const script = `
    import Corestore from 'corestore'
    import Hyperdrive from 'hyperdrive'
    import Localdrive from 'localdrive'
    import MultiDrive from './index.ts'
    const [, path, kind] = process.argv
    const store = new Corestore(path + '/store')
    const own = kind === 'a Localdrive' ? new Localdrive(path + '/own') : new Hyperdrive(store.namespace('own'))
    const other = new Hyperdrive(store.namespace('other'))
    const multi = new MultiDrive(own)
    await multi.addDrive(other)
    const MIB = 1 << 20
    const chunk = Buffer.alloc(MIB)
    const write = async (path, mib) => {
      const fd = await multi.open(path, 'w')
      for (let i = 0; i < mib; i++) {
        chunk.fill(i % 251)
        await multi.write(fd, chunk)
      }
      await multi.close(fd)
    }
    const put = async (path, mib) => {
      const stream = other.createWriteStream(path)
      const closed = new Promise((resolve) => stream.once('close', resolve))
      for (let i = 0; i < mib * 16; i++) {
        if (!stream.write(Buffer.alloc(MIB / 16, i % 251))) await new Promise((resolve) => stream.once('drain', resolve))
      }
      stream.end()
      await closed
    }
    let peak = 0
    const look = () => (peak = Math.max(peak, process.memoryUsage().rss))
    const measure = async (work) => {
      global.gc()
      const start = process.memoryUsage().rss
      peak = start
      const timer = setInterval(look, 5)
      await work()
      look()
      clearInterval(timer)
      process.stdout.write(String((peak - start) / MIB))
    }
    ${body}
    await multi.close()
    await store.close()`
  const child = spawn(
    process.execPath,
    ['--expose-gc', '--import', 'tsx', '--input-type=module', '-e', script, path, kind],
    { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'] }
  )
  let out = ''
  child.stdout.on('data', (data) => (out += String(data)))
  const [code] = (await once(child, 'close')) as [number | null]
  if (code !== 0) throw new Error(`the process ended with ${code}`)
  return out
}

interface Case {
  /** Done beforehand, in another process, since it leaves its own mark. */
  readonly before?: string
  readonly work: string
  /** So many MiB that a Hyperdrive writes: its storage keeps some of them in memory by itself. */
  readonly written: number
}

const CASES: Record<string, Case> = {
  'a descriptor that 512 MiB are written to': {
    work: `const fd = await multi.open('/file', 'w')
      for (let i = 0; i < 512; i++) await multi.write(fd, chunk)`,
    written: 0
  },
  'writing 512 MiB and closing': { work: `await write('/file', 512)`, written: 512 },
  'appending to a file of 256 MiB of another drive': {
    before: `await put('/theirs', 256)`,
    work: `await multi.appendFile('/theirs', 'line')`,
    written: 256
  },
  'copying a file of 256 MiB of another drive': {
    before: `await put('/theirs', 256)`,
    work: `await multi.copyFile('/theirs', '/mine')`,
    written: 256
  },
  'changing 4 KiB of 256 MiB at many places': {
    before: `await write('/file', 256)`,
    work: `for (let i = 0; i < 50; i++) {
      const fd = await multi.open('/file', 'r+')
      await multi.write(fd, chunk, 0, 4096, i * 5 * MIB)
      await multi.close(fd)
    }`,
    written: 0
  }
}

const WARM = `await write('/warm', 4); await put('/warm-too', 4); await multi.appendFile('/warm-too', 'x')`

for (const [kind] of WRITERS) {
  for (const [what, { before, work, written }] of Object.entries(CASES)) {
    test(`${what} takes less than 64 MiB of memory (${kind})`, { timeout: 120_000 }, async (t) => {
      const measured = async (body: string) => {
        const path = await folder(t)
        if (before) await run(path, kind, before)
        return Number(await run(path, kind, `${WARM}; await measure(async () => { ${body} })`))
      }
      const storage =
        kind === 'a Hyperdrive' && written > 0 ? await measured(`await put('/plain', ${written})`) : 0
      const mib = await measured(work)
      t.ok(mib - storage < 64, `${Math.round(mib)} MiB, ${Math.round(storage)} of them the storage's`)
    })
  }
}
