/** What is on the disk when the storage of a set was removed. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import Corestore from 'corestore'
import Hyperdrive from 'hyperdrive'
import Localdrive from 'localdrive'
import test, { type Test } from 'tape'
import MultiDrive, { type MultiDriveError } from '../index.ts'
import { until, whole } from './availability/links.ts'
import {
  calledBack,
  cleanup,
  collect,
  failureOf,
  folder,
  hyperdrive,
  indexes,
  link,
  localdrive,
  multidrive
} from './helpers/drives.ts'

const limit = { timeout: 60_000 }

/** The cores that a store has on the disk, by what can be told of them once it is opened again. */
async function stored(t: Test, path: string): Promise<string[]> {
  const corestore = new Corestore(path)
  cleanup(t, () => corestore.close())
  await corestore.ready()
  const keys = await collect<Buffer>(corestore.list())
  return keys.map((key) => key.toString('hex')).sort()
}

const coresOf = (drives: any[]): string[] =>
  drives
    .flatMap(({ core, blobs }) => [core, blobs.core].map(({ discoveryKey }) => discoveryKey.toString('hex')))
    .sort()

for (const how of ['purge', 'destroyStorage'] as const) {
  test(
    `${how}() removes both cores of every Hyperdrive, and nothing else of their stores`,
    limit,
    async (t) => {
      const path = await folder(t)
      const corestore = new Corestore(path)
      const [own, other, kept] = ['own', 'other', 'kept'].map(
        (name) => new Hyperdrive(corestore.namespace(name))
      )
      for (const drive of [own, other, kept]) await drive.put('/file', 'bytes')
      const author = await hyperdrive(t)
      await author.put('/far', 'bytes')
      const copy = new Hyperdrive(corestore.session(), author.key)
      await copy.ready()
      const unlink = link(corestore, author.corestore)
      await until(copy.core, ['append'], () => copy.core.length > 1)
      t.equal(String(await copy.get('/far')), 'bytes', 'bytes of others are here too')
      await unlink()
      const local = await localdrive(t)
      const multi = await multidrive(t, [local, own, copy, other])
      await multi.put('/mine', 'mine')
      const keep = coresOf([kept])

      t.same(await multi[how](), [own, copy, other], 'it says which')
      t.same(
        [multi, own, copy, other].map(({ closed }) => closed),
        [true, true, true, true],
        'all are closed'
      )
      t.equal((await failureOf(multi[how]())).code, 'CLOSED')
      await corestore.close()
      t.same(await stored(t, path), keep)
      t.equal(await readFile(join(local.root, 'mine'), 'utf8'), 'mine', 'a Localdrive is left alone')
    }
  )
}

test('purge() where a drive was given the store itself, which closes with it', limit, async (t) => {
  const path = await folder(t)
  const corestore = new Corestore(path)
  const first = new Hyperdrive(corestore)
  const second = new Hyperdrive(corestore.namespace('second'))
  await first.put('/file', 'bytes')
  await second.put('/file', 'bytes')
  // The slower of the two to be removed, as slow as it may be.
  const { storage } = corestore
  const slow = second.core.core.state.storage.core.corePointer
  const deleteCore = storage.deleteCore.bind(storage)
  let passed = 0
  storage.deleteCore = async (place: { corePointer: number }) => {
    if (place.corePointer === slow) while (!first.closed && passed++ < 1000) await new Promise(setImmediate)
    return deleteCore(place)
  }
  const multi = await multidrive(t, [first, second])
  t.same(await multi.purge(), [first, second])
  t.equal(corestore.closed, true)
  t.same(await stored(t, path), [])
})

test('purge() of a MultiDrive in a MultiDrive', limit, async (t) => {
  const path = await folder(t)
  const corestore = new Corestore(path)
  const inner = new Hyperdrive(corestore)
  const outer = new Hyperdrive(corestore.namespace('outer'))
  await inner.put('/file', 'bytes')
  await outer.put('/file', 'bytes')
  const nested = await multidrive(t, [inner, await localdrive(t)])
  const multi = await multidrive(t, [nested, outer])
  t.same(await multi.purge(), [inner, outer])
  t.same([nested.closed, inner.closed, outer.closed], [true, true, true])
  t.same(await stored(t, path), [])
})

test('purge() leaves the drive of a checkout alone', limit, async (t) => {
  const path = await folder(t)
  const corestore = new Corestore(path)
  const drive = new Hyperdrive(corestore.session())
  await drive.put('/file', 'bytes')
  const other = await hyperdrive(t)
  const checkout = drive.checkout(drive.version)
  const multi = await multidrive(t, [other, checkout])
  t.same(await multi.purge(), [other])
  t.equal(checkout.closed, true)
  t.equal(String(await drive.get('/file')), 'bytes')
  const cores = coresOf([drive])
  await corestore.close()
  t.same(await stored(t, path), cores)
})

test('purge() of a drive that was opened by its key, with the bytes that were fetched', limit, async (t) => {
  const author = await hyperdrive(t)
  await author.put('/far', Buffer.alloc(200_000, 1))
  const path = await folder(t)
  const corestore = new Corestore(path)
  const own = new Hyperdrive(corestore.session())
  await own.put('/near', 'x')
  const multi = await multidrive(t, [own])
  const copy: Hyperdrive = await multi.addDrive(author.key)
  link(multi, author.corestore)
  await whole(copy, author)
  t.equal((await multi.get('/far'))!.byteLength, 200_000)
  t.same(await multi.purge(), [own, copy])
  t.equal(copy.closed, true)
  await corestore.close()
  t.same(await stored(t, path), [])
})

test('purge() in the middle of reads and of a download', limit, async (t) => {
  const author = await hyperdrive(t)
  for (let i = 0; i < 50; i++) await author.put(`/${i}`, Buffer.alloc(100_000, i))
  const path = await folder(t)
  const corestore = new Corestore(path)
  const copy = new Hyperdrive(corestore.session(), author.key)
  const multi = await multidrive(t, [copy])
  link(multi, author.corestore)
  await whole(copy, author)
  const reads = Promise.allSettled(Array.from({ length: 50 }, (_, i) => multi.get(`/${i}`)))
  await multi.get('/7')
  t.same(await multi.purge(), [copy])
  t.equal((await reads).length, 50, 'no read hangs')
  await corestore.close()
  t.same(await stored(t, path), [])
})

/** A Hyperdrive in a store of its own, of which nothing can be removed. */
async function unremovable(t: Test) {
  const drive = await hyperdrive(t)
  await drive.put('/file', 'bytes')
  drive.corestore.storage.deleteCore = () =>
    Promise.reject(Object.assign(new Error('the disk fails'), { code: 'EIO' }))
  return drive
}

test('purge() that one drive fails tells on its error what was removed', limit, async (t) => {
  const path = await folder(t)
  const corestore = new Corestore(path)
  const [first, last] = ['first', 'last'].map((name) => new Hyperdrive(corestore.namespace(name)))
  for (const drive of [first, last]) await drive.put('/file', 'bytes')
  const broken = await unremovable(t)
  const multi = await multidrive(t, [first, broken, await localdrive(t), last])
  const err = await failureOf(multi.purge())
  t.same([err.code, err.drive === broken], ['EIO', true])
  t.same(err.purged, [first, last])
  t.same(
    [multi, first, last, broken].map(({ closed }) => closed),
    [true, true, true, true],
    'all are closed'
  )
  await corestore.close()
  t.same(await stored(t, path), [])
  t.equal((await failureOf(multi.purge())).purged, undefined, 'what is closed removed nothing')
})

test(
  'destroyStorage(cb) gives an error that tells what was removed, in MultiDrives in the set too',
  limit,
  async (t) => {
    const [first, inner] = [await hyperdrive(t), await hyperdrive(t)]
    for (const drive of [first, inner]) await drive.put('/file', 'bytes')
    const [broken, other] = [await unremovable(t), await unremovable(t)]
    const nested = await multidrive(t, [broken, inner])
    const multi = await multidrive(t, [nested, first, other])
    const err = await new Promise<MultiDriveError>((resolve) =>
      multi.destroyStorage((failed) => resolve(failed as MultiDriveError))
    )
    t.same(err.purged, [inner, first])
    t.same(
      err.failures?.map(({ drive }) => drive),
      [broken, other],
      'and which drives failed'
    )
  }
)

test('purge() of drives that do not close tells on its error what was removed', limit, async (t) => {
  const drive = await hyperdrive(t)
  await drive.put('/file', 'bytes')
  const local = await localdrive(t)
  // It cannot be closed, so nobody does at the end.
  const multi = new MultiDrive(drive)
  await multi.addDrive(local)
  local.close = () => Promise.reject(Object.assign(new Error('the disk fails'), { code: 'EIO' }))
  const err = await failureOf(multi.purge())
  t.same([err.code, err.drive === local, err.purged], ['EIO', true, [drive]])
})

test('destroyStorage(cb)', limit, async (t) => {
  const drive = await hyperdrive(t)
  const multi = await multidrive(t, [await localdrive(t), drive])
  const { returned, args } = await calledBack((cb) => multi.destroyStorage(cb))
  t.equal(returned, undefined)
  t.same(args, [null, [drive]])
  const failed = await calledBack((cb) => multi.destroyStorage(cb))
  t.equal(failed.args[0].code, 'CLOSED')
})

test('purge() gives the drives whose storage it removed', limit, async (t) => {
  const path = await folder(t)
  const { default: Corestore } = await import('corestore')
  const first = new Hyperdrive(new Corestore(path))
  await first.put('/file', 'bytes')
  const local = await localdrive(t)
  await local.put('/kept', 'kept')
  const multi = await multidrive(t, [first, local])
  const purged = await multi.purge()
  t.same(indexes(purged, [first]), [0])
  t.equal(multi.closed, true)
  t.equal(String(await new Localdrive(local.root).get('/kept')), 'kept', 'a Localdrive is left alone')
  const again = new Corestore(path)
  cleanup(t, () => again.close())
  const drive = new Hyperdrive(again.session())
  await drive.ready()
  t.equal(await drive.get('/file'), null)
})

test('purge() that fails for one drive names it, and closes the others', async (t) => {
  const [own, other] = [await hyperdrive(t), await hyperdrive(t)]
  const multi = await multidrive(t, [own, other])
  const { storage } = other.corestore
  const { deleteCore } = storage
  storage.deleteCore = () => Promise.reject(Object.assign(new Error('no space'), { code: 'EIO' }))
  cleanup(t, () => (storage.deleteCore = deleteCore))
  const err = await failureOf(multi.purge())
  t.same([err.code, err.drive === other], ['EIO', true])
  t.same([multi.closed, own.closed], [true, true])
})
