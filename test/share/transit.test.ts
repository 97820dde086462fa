import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setImmediate, setTimeout as sleep } from 'node:timers/promises'
import Corestore from 'corestore'
import test, { type Test } from 'tape'
import type { Drive, Entry } from '../../index.ts'
import { giveBack, Transit } from '../../lib/share/transit.ts'
import { cleanup, failureOf, folder, hyperdrive, link, localdrive, multidrive } from '../helpers/drives.ts'

const limit = { timeout: 60_000 }
const MiB = 1 << 20

/** How many bytes the files of a folder have. */
async function sizeOf(root: string): Promise<number> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile())
  const sizes = await Promise.all(
    files.map(async ({ parentPath, name }) => {
      try {
        return (await stat(join(parentPath, name))).size
      } catch (err) {
        // The store removes files of its own in the meantime.
        if ((err as NodeJS.ErrnoException).code === 'ENOENT') return 0
        throw err
      }
    })
  )
  return sizes.reduce((sum, size) => sum + size, 0)
}

/** The store may remove files of its own only a moment after it has said that they are of no more use. */
async function shrinks(t: Test, root: string, below: number): Promise<void> {
  let size = await sizeOf(root)
  for (let i = 0; i < 100 && size >= below; i++) {
    await sleep(50)
    size = await sizeOf(root)
  }
  t.ok(size < below, `${size} bytes`)
}

/** A drive of somebody else's with files of so many MiB, and where what comes of it is stored. */
async function remote(t: Test, files: Record<string, number>) {
  const theirs = await hyperdrive(t)
  for (const [path, size] of Object.entries(files)) await theirs.put(path, randomBytes(Math.ceil(size * MiB)))
  const root = await folder(t)
  const store = new Corestore(root)
  cleanup(t, () => store.close())
  const copy = await hyperdrive(t, { store, key: theirs.key })
  link(theirs.corestore, store)
  await once(copy.core, 'append')
  const multi = await multidrive(t, [copy])
  return { copy, multi, root }
}

const fail = (err: unknown) => {
  throw err
}

test(
  'carry(view, entry, work), end(): what came for the work is removed, and the disk has its room',
  limit,
  async (t) => {
    const { copy, multi, root } = await remote(t, { '/a': 40, '/b': 1, '/c': 1 })
    for (const path of ['/b', '/c']) await copy.get(path)
    const transit = new Transit(multi, fail)
    for (const path of ['/a', '/b', '/c']) {
      const entry = (await multi.entry(path))!
      const work = async () => (await multi.get(path))!.byteLength
      t.is(await transit.carry(multi, entry, work, { isBegun: path === '/c' }), entry.value.blob!.byteLength)
    }
    t.ok((await sizeOf(root)) > 40 * MiB)
    await transit.end()
    t.is(await copy.has('/a'), false)
    t.is(await copy.has('/b'), true, 'what was there stays')
    t.is(await copy.has('/c'), false, 'unless it is of a time that was broken off')
    await shrinks(t, root, 30 * MiB)
    t.is((await copy.get('/a'))!.byteLength, 40 * MiB, 'it comes again')
  }
)

test('carry() of what fails leaves what has come', limit, async (t) => {
  const { copy, multi } = await remote(t, { '/a': 1 })
  const broken = new Error('broken')
  const work = async () => {
    await multi.get('/a')
    throw broken
  }
  const transit = new Transit(multi, fail)
  t.is(await failureOf(transit.carry(multi, (await multi.entry('/a'))!, work)), broken)
  await transit.end()
  t.is(await copy.has('/a'), true)
})

test('carry() leaves drives of one’s own alone', limit, async (t) => {
  const own = await hyperdrive(t)
  await own.put('/a', 'text')
  const local = await localdrive(t)
  await local.put('/b', 'text')
  const multi = await multidrive(t, [own, local])
  const transit = new Transit(multi, fail)
  for (const path of ['/a', '/b'])
    await transit.carry(multi, (await multi.entry(path))!, () => Promise.resolve(), { isBegun: true })
  await transit.end()
  t.is((await own.get('/a'))!.toString(), 'text')
  t.is((await local.get('/b'))!.toString(), 'text')
})

test('end() tells of room that cannot be had back, and does not fail', limit, async (t) => {
  const { multi } = await remote(t, { '/a': 20 })
  const entry = (await multi.entry('/a'))!
  const broken = new Error('the disk is full')
  const failures: unknown[] = []
  const transit = new Transit(multi, (err) => failures.push(err))
  const { core } = await (entry.drive as unknown as { getBlobs(): Promise<{ core: object }> }).getBlobs()
  await transit.carry(multi, entry, () => multi.get('/a'))
  Object.assign(core, { compact: () => Promise.reject(broken) })
  await transit.end()
  await setImmediate()
  t.same(failures, [broken])
  t.is(
    await transit.carry(multi, entry, () => multi.close().then(() => 'result'), { isBegun: true }),
    'result'
  )
  await transit.end()
  await setImmediate()
  t.is(failures.length, 2)
})

test('carry() of many files side by side: nothing is removed while others come', limit, async (t) => {
  const files = Object.fromEntries(Array.from({ length: 400 }, (_, i) => [`/${i}`, 0.002]))
  const { copy, multi } = await remote(t, files)
  const transit = new Transit(multi, fail)
  const entries: Entry[] = []
  for await (const entry of multi.list()) entries.push(entry)
  const read = async () => {
    for (let entry = entries.pop(); entry; entry = entries.pop()) {
      const { key } = entry
      await transit.carry(multi, entry, () => multi.get(key, { timeout: 5000 }))
    }
  }
  await Promise.all([read(), read(), read(), read()])
  t.ok(await copy.has('/'))
  await transit.end()
  let left = 0
  for await (const { key } of multi.list()) if (await copy.has(key)) left++
  t.is(left, 0)
})

test('carry() of more than is to wait in the store', limit, async (t) => {
  const { copy, multi, root } = await remote(t, { '/1': 100, '/2': 100, '/3': 100, '/4': 30 })
  const transit = new Transit(multi, fail)
  const carry = async (path: string) =>
    transit.carry(multi, (await multi.entry(path))!, () => multi.get(path))
  await Promise.all(['/1', '/2', '/3'].map(carry))
  await carry('/4')
  t.same([await copy.has('/1'), await copy.has('/2'), await copy.has('/3')], [false, false, false])
  await shrinks(t, root, 150 * MiB)
})

test('one drive whose peers are away holds up no other', limit, async (t) => {
  const [one, two] = [await remote(t, { '/1': 200, '/2': 100 }), await remote(t, { '/3': 1 })]
  const multi = await multidrive(t, [one.copy, two.copy])
  const transit = new Transit(multi, fail)
  const entries = new Map<string, Entry>()
  for await (const entry of multi.list()) entries.set(entry.key, entry)
  let comes: () => void = () => undefined
  const away = new Promise<void>((resolve) => (comes = resolve))
  const waiting = transit.carry(multi, entries.get('/1')!, () => away)
  await transit.carry(multi, entries.get('/1')!, () => multi.get('/1'))
  await transit.carry(multi, entries.get('/2')!, () => multi.get('/2'))
  // Of that drive, the next ones wait for the one that is read.
  const order: string[] = []
  const next = transit.carry(multi, entries.get('/2')!, async () => order.push('/2'))
  await transit.carry(multi, entries.get('/3')!, async () => order.push('/3'))
  t.same(order, ['/3'])
  comes()
  await Promise.all([waiting, next])
  t.same(order, ['/3', '/2'])
  t.is(await one.copy.has('/2'), false)
  await transit.end()
  t.is(await two.copy.has('/3'), false)
})

test('isLast: what is read again stays until then', limit, async (t) => {
  const { copy, multi } = await remote(t, { '/a': 1 })
  const transit = new Transit(multi, fail)
  const entry = (await multi.entry('/a'))!
  const read = async (result: boolean) => {
    await multi.get('/a')
    return result
  }
  await transit.carry(multi, entry, () => read(false), { isLast: (result) => result })
  await transit.end()
  t.is(await copy.has('/a'), true)
  await transit.carry(multi, entry, () => read(true), { isLast: (result) => result, isBegun: true })
  await transit.end()
  t.is(await copy.has('/a'), false)
})

test('giveBack(drives) of drives without a store, and of closed ones', limit, async (t) => {
  const closed = await hyperdrive(t)
  await closed.put('/a', 'text')
  await closed.close()
  await giveBack([{} as Drive, closed as Drive])
  t.pass('does nothing')
})
