import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import Corestore from 'corestore'
import test, { type Test } from 'tape'
import type { Drive } from '../../index.ts'
import { giveBack, Transit } from '../../lib/share/transit.ts'
import { cleanup, folder, hyperdrive, link, multidrive } from '../helpers/drives.ts'

const limit = { timeout: 60_000 }
const MiB = 1 << 20

/** How many bytes the files of a folder have. */
async function sizeOf(root: string): Promise<number> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile())
  const sizes = await Promise.all(
    files.map(async ({ parentPath, name }) => (await stat(join(parentPath, name))).size)
  )
  return sizes.reduce((sum, size) => sum + size, 0)
}

/** A drive of somebody else's with files of so many MiB, and where what comes of it is stored. */
async function remote(t: Test, files: Record<string, number>) {
  const theirs = await hyperdrive(t)
  for (const [path, size] of Object.entries(files)) await theirs.put(path, randomBytes(size * MiB))
  const root = await folder(t)
  const store = new Corestore(root)
  cleanup(t, () => store.close())
  const copy = await hyperdrive(t, { store, key: theirs.key })
  link(theirs.corestore, store)
  await once(copy.core, 'append')
  const multi = await multidrive(t, [copy])
  return { copy, multi, root }
}

test(
  'carry(view, entry, work): what comes for the work does not stay, and the disk has it back',
  limit,
  async (t) => {
    const { copy, multi, root } = await remote(t, { '/a': 40, '/b': 1, '/c': 1 })
    await copy.get('/b')
    const transit = new Transit()
    for (const path of ['/a', '/b', '/c']) {
      const entry = (await multi.entry(path))!
      t.is(
        await transit.carry(multi, entry, async () => (await multi.get(path))!.byteLength),
        entry.value.blob!.byteLength
      )
    }
    t.same([await copy.has('/a'), await copy.has('/b'), await copy.has('/c')], [false, true, false])
    t.ok((await sizeOf(root)) > 30 * MiB, 'the store keeps the room for itself')
    await transit.end()
    const size = await sizeOf(root)
    t.ok(size < 30 * MiB, `${size} bytes`)
    t.is((await copy.get('/a'))!.byteLength, 40 * MiB, 'it comes again')
  }
)

test('carry() of what fails leaves what has come', limit, async (t) => {
  const { copy, multi } = await remote(t, { '/a': 1 })
  const entry = (await multi.entry('/a'))!
  const broken = new Error('broken')
  const work = async () => {
    await multi.get('/a')
    throw broken
  }
  const err = await new Transit().carry(multi, entry, work).catch((err: unknown) => err)
  t.is(err, broken)
  t.is(await copy.has('/a'), true)
})

test('carry() leaves drives of one’s own alone', limit, async (t) => {
  const own = await hyperdrive(t)
  await own.put('/a', 'text')
  const multi = await multidrive(t, [own])
  const transit = new Transit()
  await transit.carry(multi, (await multi.entry('/a'))!, async () => undefined)
  await transit.end()
  t.is((await own.get('/a'))!.toString(), 'text')
})

test('giveBack(drives) of drives without a store, and of closed ones', limit, async (t) => {
  const closed = await hyperdrive(t)
  await closed.put('/a', 'text')
  await closed.close()
  await giveBack([{} as Drive, closed as Drive])
  t.pass('does nothing')
})
