// What the packages below do that an overlay must not pass on. Each test first shows the trap, so that it says when it is gone.
import Corestore from 'corestore'
import Hyperdrive from 'hyperdrive'
import test from 'tape'
import MultiDrive from '../index.ts'
import { alone, until, within } from './availability/links.ts'
import {
  cleanup,
  collect,
  contents,
  failureOf,
  folder,
  hyperdrive,
  keys,
  link,
  localdrive,
  multidrive,
  store
} from './helpers/drives.ts'

const QUICK = 5000

const names = (drive: any, path = '/') => collect<string>(drive.readdir(path))

test('readdir(folder) keeps the name that Hyperdrive loses', async (t) => {
  const drive = await hyperdrive(t)
  for (const key of ['/a/x', '/a0', '/b', '/d/a/x', '/d/a0', '/d/a-1', '/d/a']) await drive.put(key, 'x')
  t.notOk((await names(drive)).includes('a0'), 'Hyperdrive loses a0')
  const multi = await multidrive(t, [drive])
  t.same(await names(multi), ['a', 'a0', 'b', 'd'])
  t.same(await names(multi, '/d'), ['a', 'a-1', 'a0'], 'a file and a folder of one name come once')
  const shallow = await collect(multi.list('/', { recursive: false }))
  t.same(
    shallow.map((entry) => entry.key),
    ['/a/x', '/a0', '/b', '/d/a']
  )

  const spread = [await hyperdrive(t), await hyperdrive(t), await hyperdrive(t)]
  for (const [i, key] of ['/a/x', '/a0', '/b', '/a/y', '/a0/z'].entries()) await spread[i % 3].put(key, 'x')
  t.same(await names(await multidrive(t, spread)), ['a', 'a0', 'b'], 'also when they lie in several drives')
})

test('addDrive(drive) of a second object of one key does not hang', async (t) => {
  const theirs = await hyperdrive(t)
  await theirs.put('/x', 'x')
  const ours = await store(t)
  const first = await hyperdrive(t, { store: ours, key: theirs.key })
  const second = new Hyperdrive(ours.session(), theirs.key)
  // It opens when the first is closed, and cannot be closed before.
  cleanup(t, () => second.close())
  const multi = await multidrive(t, [await hyperdrive(t, { store: ours }), first])
  link(theirs.corestore, ours)
  const opened = within(300, 'ready', second.ready()).then(
    () => true,
    () => false
  )
  t.equal(await opened, false, 'the second object never opens by itself')
  t.equal(
    await within(QUICK, 'addDrive', multi.addDrive(second)),
    first,
    'adding it gives the one that is there'
  )
  t.equal(await within(QUICK, 'addDrive', multi.addDrive(theirs.key)), first, 'so does its key')
  t.equal(multi.drives.length, 2)
  t.ok(multi.hasDrive(second))
})

test('addDrive(key) of a drive that is open elsewhere in the store does not hang', async (t) => {
  const ours = await store(t)
  const own = await hyperdrive(t, { store: ours })
  const elsewhere = new Hyperdrive(ours.namespace('elsewhere'))
  cleanup(t, () => elsewhere.close())
  await elsewhere.put('/x', 'x')
  const multi = await multidrive(t, [own])
  const added: Hyperdrive = await within(QUICK, 'addDrive', multi.addDrive(elsewhere.key))
  t.ok(added.key.equals(elsewhere.key) && added !== elsewhere)
  t.same(await contents(multi), { '/x': 'x' })
  await elsewhere.put('/y', 'y')
  t.same(await contents(multi), { '/x': 'x', '/y': 'y' }, 'what is written through the other object is seen')
  await within(QUICK, 'removeDrive', multi.removeDrive(added))
  t.ok(added.closed, 'what addDrive opened, removeDrive closes')
  t.equal(String(await elsewhere.get('/x')), 'x', 'the other object is unharmed')
  await elsewhere.put('/z', 'z')
})

test('metadata that locks a Hyperdrive is refused before it gets there', async (t) => {
  const cycle: any = {}
  cycle.self = cycle
  const trap = await hyperdrive(t)
  await failureOf(trap.put('/f', 'x', { metadata: { big: 1n } }))
  const locked = await within(300, 'put', trap.put('/g', 'x')).then(
    () => false,
    () => true
  )
  t.ok(locked, 'a Hyperdrive is locked for good')

  const drive = await hyperdrive(t)
  const multi = await multidrive(t, [drive, await hyperdrive(t)])
  for (const metadata of [{ big: 1n }, cycle, { deep: [{ big: 1n }] }]) {
    const batch = multi.batch()
    const calls: [string, () => unknown][] = [
      ['put', () => multi.put('/f', 'x', { metadata })],
      ['symlink', () => multi.symlink('/f', '/x', { metadata })],
      ['createWriteStream', () => multi.createWriteStream('/f', { metadata })],
      ['batch.put', () => batch.put('/f', 'x', { metadata })]
    ]
    for (const [name, call] of calls) t.equal((await failureOf(async () => call())).code, 'EINVAL', name)
    await batch.close()
  }
  await within(QUICK, 'put', multi.put('/g', 'x'))
  await within(QUICK, 'put', drive.put('/h', 'x'))
  t.same(await keys(drive), ['/g', '/h'], 'the drive is not locked')
})

test('a bounded read is not held up by an unbounded one', async (t) => {
  const [theirs, ours] = [await store(t), await store(t)]
  const author = await hyperdrive(t, { store: theirs })
  for (let i = 0; i < 100; i++) await author.put(`/f${i}`, 'x')
  const copy = await hyperdrive(t, { store: ours, key: author.key })
  const unlink = link(theirs, ours)
  await until(copy.core, ['append'], () => copy.core.length === author.core.length)
  await unlink()
  await alone(copy)
  const multi = await multidrive(t, [await hyperdrive(t, { store: ours })])
  await multi.addDrive(copy, { sparse: true })

  const hanging = [copy.exists('/f50'), multi.exists('/f50')].map((read) => read.catch(() => undefined))
  await new Promise(setImmediate)
  const held = await within(300, 'entry', copy.entry('/f50', { wait: false })).then(
    () => 'absent',
    (err: unknown) => (err as { code?: string }).code ?? 'held up'
  )
  t.equal(held, 'held up', 'a Hyperdrive holds it up')
  const err = await within(QUICK, 'entry', failureOf(multi.entry('/f50', { wait: false })))
  t.equal(err.code, 'BLOCK_NOT_AVAILABLE', 'even behind the unbounded read of the Hyperdrive itself')
  await copy.close()
  await Promise.all(hanging)
})

test('createWriteStream(path) that stays open holds up no other write', async (t) => {
  const trap = await hyperdrive(t)
  const blobs = (await trap.getBlobs()) as unknown as { locked: boolean }
  const blocking = trap.createWriteStream('/slow')
  blocking.on('error', () => undefined)
  blocking.write(Buffer.from('x'))
  while (!blobs.locked) await new Promise(setImmediate)
  const blocked = await within(300, 'put', trap.put('/g', 'x')).then(
    () => false,
    () => true
  )
  blocking.destroy()
  t.ok(blocked, 'in a Hyperdrive it does')

  const drive = await hyperdrive(t)
  const multi = await multidrive(t, [drive, await hyperdrive(t)])
  const slow = multi.createWriteStream('/slow')
  const batch = multi.batch()
  const slower = batch.createWriteStream('/slower')
  slow.write(Buffer.alloc(3 << 20, 1))
  slower.write(Buffer.from('x'))
  await within(QUICK, 'put', multi.put('/a', 'a'))
  await within(QUICK, 'put', drive.put('/b', 'b'))
  const quick = multi.createWriteStream('/c')
  quick.end(Buffer.from('c'))
  await within(QUICK, 'a second stream', new Promise<void>((resolve) => quick.once('close', resolve)))
  await within(QUICK, 'del', multi.del('/a'))
  t.same(await contents(multi), { '/b': 'b', '/c': 'c' }, 'nothing of it shows before its end')
  slow.end(Buffer.from('end'))
  await within(QUICK, 'the end', new Promise<void>((resolve) => slow.once('close', resolve)))
  t.equal((await multi.get('/slow'))?.byteLength, (3 << 20) + 3)
  slower.destroy()
  await batch.close()
})

test('a drive that never synced looks empty, and is told of', async (t) => {
  const author = await hyperdrive(t)
  await author.put('/x', 'x')
  const copy = await hyperdrive(t, { key: author.key })
  t.equal(await copy.entry('/x'), null, 'a Hyperdrive says that there is nothing')
  const multi = await multidrive(t, [await hyperdrive(t), copy])
  t.equal(await within(QUICK, 'entry', multi.entry('/x')), null)
  const stream = failureOf(collect(multi.createReadStream('/x')))
  t.equal(
    (await within(QUICK, 'createReadStream', stream)).code,
    'ENOENT',
    'a stream does not hang, as it does there'
  )
  t.same(
    multi.unsynced.map((drive: any) => drive.id),
    [copy.id]
  )
})

test('hidden records are invisible to a plain Hyperdrive', async (t) => {
  const own = await hyperdrive(t)
  const other = await hyperdrive(t)
  for (const key of ['/a', '/tree/b', '/tree/c']) await other.put(key, 'x')
  const multi = await multidrive(t, [own, other])
  await multi.put('/kept', 'x')
  const before = own.version
  const watcher = own.watch('/')
  const woken = watcher[Symbol.asyncIterator]().next()
  await multi.del('/a')
  await multi.del('/tree', { recursive: true })
  t.ok(own.version > before, 'they are there')
  t.same(await keys(multi), ['/kept'])

  t.same(await keys(own), ['/kept'], 'list')
  t.same(await names(own), ['kept'], 'readdir')
  t.same(
    (await collect(own.entries())).map((entry) => entry.key),
    ['/kept'],
    'entries'
  )
  t.same(
    (await collect(own.entries({}, { reverse: true }))).map((entry) => entry.key),
    ['/kept'],
    'reversed'
  )
  t.same(
    (await collect(own)).map((entry) => entry.key),
    ['/kept'],
    'for await'
  )
  t.same(await collect(own.diff(before, '/')), [], 'diff')
  const out = await localdrive(t)
  await own.mirror(out).done()
  t.same(await keys(out), ['/kept'], 'mirror')
  const checkout = own.checkout(own.version)
  t.same(await keys(checkout), ['/kept'], 'a checkout')
  await checkout.close()

  let awake = false
  void woken.then(() => (awake = true))
  await new Promise(setImmediate)
  t.notOk(awake, 'watch stays silent')
  await own.put('/new', 'x')
  const [current, previous] = (await within<any>(QUICK, 'watch', woken)).value
  t.same([(await keys(current)).length, (await keys(previous)).length], [2, 1], 'and tells of a file')
  await watcher.destroy()
})

test('a checkout says that it is writable, and is not', async (t) => {
  const drive = await hyperdrive(t)
  await drive.put('/x', 'old')
  const checkout = drive.checkout(drive.version)
  await checkout.ready()
  await drive.put('/x', 'new')
  t.ok(checkout.writable, 'Hyperdrive says so')
  const multi = await multidrive(t, [checkout])
  t.notOk(multi.writable)
  t.equal(multi.writer, null)
  const { blobs } = drive
  const { length } = blobs.core
  for (const write of [() => multi.put('/y', 'y'), () => multi.del('/x'), () => multi.symlink('/y', '/x')])
    t.equal((await failureOf(write())).code, 'EROFS')
  t.equal(blobs.core.length, length, 'no bytes were appended to the drive')
  t.same(await contents(multi), { '/x': 'old' })

  await multi.addDrive(drive)
  t.equal(multi.writer, drive, 'the drive itself beside its checkout takes the writes')
  await multi.put('/y', 'y')
  t.same(await keys(drive), ['/x', '/y'])
})

test('entries of block-map files carry the size of the file, not of its map', async (t) => {
  const drive = await hyperdrive(t)
  const blobs = await drive.getBlobs()
  const bytes = Buffer.alloc(200_000, 'block maps ')
  const blob = await blobs.put(bytes, { blockMap: true })
  await drive.putEntry('/mapped', { blob })
  t.ok((await drive.entry('/mapped')).value.blob.byteLength < 1000, 'Hyperdrive gives that of the map')

  const multi = await multidrive(t, [await hyperdrive(t), drive])
  const entry = (await multi.entry('/mapped'))!
  t.equal(entry.value.blob!.byteLength, bytes.byteLength)
  t.notOk('blockMap' in entry.value.blob!, 'tools that know no block maps are not led astray')
  const [listed] = await collect(multi.list('/'))
  t.equal(listed.value.blob.byteLength, bytes.byteLength, 'in a listing too')
  t.ok((await multi.get('/mapped'))!.equals(bytes))
  const part = Buffer.concat(
    await collect(multi.createReadStream('/mapped', { start: 65_530, length: 70_000 }))
  )
  t.ok(part.equals(bytes.subarray(65_530, 135_530)), 'a range across its blocks')
  const out = await localdrive(t)
  await multi.mirror(out).done()
  t.ok((await out.get('/mapped')).equals(bytes), 'mirrored whole')
})

test('a block-map file whose map is not here does not hold up its entry', async (t) => {
  const [theirs, ours] = [await store(t), await store(t)]
  const author = await hyperdrive(t, { store: theirs })
  const blob = await (await author.getBlobs()).put(Buffer.alloc(200_000, 1), { blockMap: true })
  await author.putEntry('/mapped', { blob })
  const copy = await hyperdrive(t, { store: ours, key: author.key })
  const multi = await multidrive(t, [await hyperdrive(t, { store: ours }), copy])
  const unlink = link(theirs, ours)
  await within(QUICK, 'drive-sync', new Promise((resolve) => multi.once('drive-sync', resolve)))
  await copy.getBlobs()
  await unlink()
  await alone(copy)
  t.ok(await within(QUICK, 'entry', multi.entry('/mapped')))
  t.same(await within(QUICK, 'list', keys(multi)), ['/mapped'])
})

test('close() ends every drive, also where they share one store', async (t) => {
  const corestore = new Corestore(await folder(t))
  const first = new Hyperdrive(corestore.namespace('first'))
  const second = new Hyperdrive(corestore.namespace('second'))
  const multi = new MultiDrive(first)
  await multi.addDrive(second)
  await multi.put('/x', 'x')
  await within(QUICK, 'close', multi.close())
  t.ok(first.closed && second.closed && multi.closed)
  const third = new Hyperdrive(corestore.namespace('third'))
  await third.put('/y', 'y')
  t.ok(await third.entry('/y'), 'sessions end, the store stays open')
  await third.close()
  await corestore.close()
})

test('close() of drives that were given the root store', async (t) => {
  // Closing the first closes the store, and with it the second, which does not say so.
  const corestore = new Corestore(await folder(t))
  const first = new Hyperdrive(corestore)
  await first.ready()
  const second = new Hyperdrive(corestore.namespace('second'))
  const multi = new MultiDrive(first)
  await multi.addDrive(second)
  await multi.put('/x', 'x')
  await within(QUICK, 'close', multi.close())
  t.ok(first.closed && second.closed)
})

test('a store that closes before its MultiDrive: nothing hangs, writes fail with a code, and close() ends', async (t) => {
  const corestore = new Corestore(await folder(t))
  const drive = new Hyperdrive(corestore.session())
  const multi = new MultiDrive(drive)
  await multi.put('/x', 'x')
  const removed = new Promise((resolve) => multi.once('drive-remove', resolve))
  await corestore.close()
  t.notOk(drive.closed, 'the drive does not say that it is closed')
  t.equal(await within(QUICK, 'drive-remove', removed), drive)
  t.equal(await within(QUICK, 'entry', multi.entry('/x')), null)
  t.same(await within(QUICK, 'list', keys(multi)), [])
  const err = await within(QUICK, 'put', failureOf(multi.put('/y', 'y')))
  t.equal(err.code, 'EROFS', err.message)
  await within(QUICK, 'close', multi.close())
  t.ok(multi.closed)
})

test('a drive whose store is closed leaves the set', async (t) => {
  const corestore = new Corestore(await folder(t))
  const closing = new Hyperdrive(corestore.session())
  const own = await hyperdrive(t)
  await own.put('/own', 'x')
  const multi = await multidrive(t, [own, closing])
  const removed = new Promise((resolve) => multi.once('drive-remove', resolve))
  await corestore.close()
  t.equal(await within(QUICK, 'drive-remove', removed), closing)
  t.same(await within(QUICK, 'list', keys(multi)), ['/own'], 'the others go on')
})

test('a drive that is closed leaves the set', async (t) => {
  const [own, other] = [await hyperdrive(t), await hyperdrive(t)]
  await own.put('/own', 'x')
  await other.put('/other', 'x')
  const multi = await multidrive(t, [own, other])
  const removed = new Promise((resolve) => multi.once('drive-remove', resolve))
  await other.close()
  t.equal(await within(QUICK, 'drive-remove', removed), other)
  t.same(await keys(multi), ['/own'])
  t.same(multi.drives, [own])
})
