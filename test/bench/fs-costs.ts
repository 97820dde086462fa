/** What copies and edits of large files cost beside time: memory while they run, and bytes appended to the drive. Prints a line for each. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Corestore from 'corestore'
import Hyperdrive from 'hyperdrive'
import type { default as Multi } from '../../index.ts'
import { shipped } from './shipped.ts'

const MIB = 1 << 20
const COPIED = 1024 * MIB
const EDITED = 256 * MIB
const STEP = 65_536

const folder = mkdtempSync(join(tmpdir(), 'multidrive-bench-'))
const stores = ['own', 'other'].map((name) => new Corestore(join(folder, name)))
const [own, other] = stores.map((store) => new Hyperdrive(store)) as [any, any]
await own.ready()
await other.ready()
const { default: MultiDrive } = await shipped()
const theirs = new MultiDrive(other)
const readOnly = other.checkout.bind(other)
try {
  await write(theirs, '/theirs', COPIED)
  const multi = new MultiDrive(own)
  await multi.addDrive(readOnly(other.version))
  await multi.ready()

  await memory(`writing ${COPIED / MIB} MiB in steps of 64 KiB`, () => write(multi, '/written', COPIED))
  await memory(`copying ${COPIED / MIB} MiB of one’s own in steps of 64 KiB`, async () => {
    const from = await multi.promises.open('/written')
    const to = await multi.promises.open('/copied', 'w')
    const buffer = Buffer.alloc(STEP)
    for (;;) {
      const { bytesRead } = await from.read(buffer, 0, STEP, null)
      if (bytesRead === 0) break
      await to.write(buffer, 0, bytesRead, null)
    }
    await from.close()
    await to.close()
  })
  await memory(`copyFile of ${COPIED / MIB} MiB of another drive`, () =>
    multi.promises.copyFile('/theirs', '/theirs-copied')
  )
  await memory(`appending a line to ${COPIED / MIB} MiB of another drive`, () =>
    multi.promises.appendFile('/theirs', 'line\n')
  )

  await write(multi, '/edited', EDITED)
  const blobs = (await own.getBlobs()).core
  for (const [what, edit] of [
    [
      '4 KiB in the middle of 256 MiB',
      async () => {
        const handle = await multi.promises.open('/edited', 'r+')
        await handle.write(Buffer.alloc(4096, 'x'), 0, 4096, EDITED / 2 + 100)
        await handle.close()
      }
    ],
    ['a line appended to 256 MiB', () => multi.promises.appendFile('/edited', 'one more line\n')],
    ['256 MiB renamed', () => multi.promises.rename('/edited', '/renamed')]
  ] as const) {
    const before = blobs.byteLength
    await edit()
    console.log(`${what}: ${Math.round((blobs.byteLength - before) / 1024)} KiB appended to the blobs`)
  }
  await multi.close()
} finally {
  await theirs.close()
  for (const store of stores) await store.close()
  rmSync(folder, { recursive: true, force: true })
}

async function write(multi: Multi, path: string, size: number): Promise<void> {
  const handle = await multi.promises.open(path, 'w')
  const buffer = Buffer.alloc(STEP)
  for (let at = 0; at < size; at += STEP) {
    buffer.writeUInt32LE(at / STEP, 0)
    await handle.write(buffer, 0, STEP, null)
  }
  await handle.close()
}

async function memory(what: string, work: () => Promise<unknown>): Promise<void> {
  globalThis.gc?.()
  const before = process.memoryUsage.rss()
  let most = before
  const sampler = setInterval(() => (most = Math.max(most, process.memoryUsage.rss())), 20)
  const started = performance.now()
  await work()
  clearInterval(sampler)
  most = Math.max(most, process.memoryUsage.rss())
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  console.log(`${what}: ${Math.round((most - before) / MIB)} MiB above the start, ${seconds} s`)
}
