import { rm, mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Corestore from 'corestore'
import Hyperdrive from 'hyperdrive'
import test from 'tape'
import MultiDrive from '../../index.ts'
import { cleanup, collect, failureOf, hyperdrive, keys, link, multidrive, store } from '../helpers/drives.ts'
import { alone, cutAfter, together, unsynced, until, whole, within } from './links.ts'

const QUICK = 5000

/** An author's drive, a reader's copy of it, and a MultiDrive of the reader's own drive over the copy. */
async function pair(t: test.Test, opts: { encryptionKey?: Buffer } = {}) {
  const [theirs, ours] = [await store(t), await store(t)]
  const author = new Hyperdrive(theirs.session(), null, opts)
  await author.ready()
  cleanup(t, () => author.close())
  await author.put('/a', 'a')
  const copy = new Hyperdrive(ours.session(), author.key, opts)
  await copy.ready()
  cleanup(t, () => copy.close())
  const own = await hyperdrive(t, { store: ours })
  const multi = await multidrive(t, [own, copy])
  return { theirs, ours, author, copy, own, multi }
}

test('a followed drive becomes whole and answers when its peers are gone', async (t) => {
  const { theirs, ours, author, copy, multi } = await pair(t)
  const writer = await multidrive(t, [author])
  await writer.put('/d/b', 'b', { metadata: { n: 1 } })
  await writer.symlink('/l', '/a')
  const foreign = await hyperdrive(t)
  await writer.addDrive(foreign)
  await foreign.put('/gone', 'x')
  await writer.del('/gone')
  const unlink = link(theirs, ours)
  await whole(copy, author)
  await unlink()
  await alone(copy)

  const entry = await within(QUICK, 'entry', multi.entry('/d/b'))
  t.same(entry?.value.metadata, { n: 1 }, 'entry')
  t.equal(await within(QUICK, 'entry of nothing', multi.entry('/none')), null, 'a miss')
  t.ok(await within(QUICK, 'exists', multi.exists('/a')), 'exists')
  t.same(await within(QUICK, 'list', keys(multi)), ['/a', '/d/b', '/l'], 'list')
  t.same(await within(QUICK, 'readdir', collect(multi.readdir('/'))), ['a', 'd', 'l'], 'readdir')
  t.equal((await within(QUICK, 'entry', multi.entry('/l', { follow: true })))?.key, '/a', 'a link followed')

  await multi.addDrive(foreign)
  t.equal(await within(QUICK, 'entry', multi.entry('/gone')), null, 'its hidden records came with it')
})

test('unsynced lists a drive that never was whole, and it reads as empty', async (t) => {
  const { theirs, ours, author, copy, multi } = await pair(t)
  t.same(unsynced(multi), [copy.id])
  t.same(await within(QUICK, 'list', keys(multi)), [])
  t.equal(await within(QUICK, 'entry', multi.entry('/a')), null)
  t.equal(await within(QUICK, 'get', multi.get('/a')), null)
  t.equal(await within(QUICK, 'exists', multi.exists('/a')), false)
  t.same(await within(QUICK, 'readdir', collect(multi.readdir('/'))), [])
  t.equal((await within(QUICK, 'read', failureOf(collect(multi.createReadStream('/a'))))).code, 'ENOENT')

  link(theirs, ours)
  await whole(copy, author)
  t.same(unsynced(multi), [], 'and no longer when it is')
  t.same(await keys(multi), ['/a'])
})

test('a drive of which only the head came is listed in unsynced and hangs no read without peers', async (t) => {
  const { theirs, ours, author, copy, multi } = await pair(t)
  await multi.removeDrive(copy)
  for (let i = 0; i < 40; i++) await author.put(`/f${i}`, 'x')
  await multi.addDrive(copy, { sparse: true })
  const unlink = link(theirs, ours)
  await until(copy.core, ['append'], () => copy.core.length === author.core.length)
  await unlink()
  await alone(copy)
  await multi.removeDrive(copy)

  await multi.addDrive(copy)
  t.ok(
    copy.core.length > 1 && copy.core.contiguousLength < copy.core.length,
    'the head is here, the rest is not'
  )
  t.same(unsynced(multi), [copy.id])
  t.equal(await within(QUICK, 'entry', multi.entry('/f1')), null)
  t.same(await within(QUICK, 'list', keys(multi)), [])
})

test('a newer head is not used before all its blocks are here', async (t) => {
  const { theirs, ours, author, copy, multi } = await pair(t)
  const unlink = link(theirs, ours)
  await whole(copy, author)
  await unlink()
  await alone(copy)
  const before = copy.core.length
  for (let i = 0; i < 200; i++) await author.put(`/n/${i}`, 'x')

  // Just behind the head and far from the end: a head is some hundred bytes, 200 entries are 30 KB and more.
  let caught = false
  for (let bytes = 2000; !caught && copy.core.contiguousLength < author.core.length; bytes += 500) {
    const { closed } = cutAfter(theirs, ours, bytes)
    await closed
    await alone(copy)
    caught = copy.core.length > before && copy.core.contiguousLength < copy.core.length
  }
  t.ok(caught, 'the link was cut between the head and its last block')
  t.same(await within(QUICK, 'list', keys(multi)), ['/a'], 'the last whole version is visible')
  t.ok(await within(QUICK, 'entry', multi.entry('/a')))
  t.equal(await within(QUICK, 'entry', multi.entry('/n/0')), null)
  t.same(unsynced(multi), [], 'it was whole once')

  link(theirs, ours)
  await whole(copy, author)
  t.equal((await keys(multi)).length, 201)
})

test('drive-sync tells when a drive reached a newer whole version, and which', async (t) => {
  const { theirs, ours, author, copy, own, multi } = await pair(t)
  const told: { drive: unknown; whole: number }[] = []
  multi.on('drive-sync', (drive) => told.push({ drive, whole: drive.core.contiguousLength }))
  const synced = () => new Promise((resolve) => multi.once('drive-sync', resolve))
  let next = synced()
  link(theirs, ours)
  await next
  await whole(copy, author)
  const first = told.length
  t.ok(told.every(({ drive }) => drive === copy))
  next = synced()
  await author.put('/b', 'b')
  await next
  await whole(copy, author)
  t.same(await keys(multi), ['/a', '/b'])
  t.ok(told.length > first)
  const count = told.length
  await own.put('/own', 'x')
  t.equal(told.length, count, 'a write of our own is no sync')
})

test('drive-sync tells a version that somebody had looked at already', async (t) => {
  const { theirs, ours, author, copy, multi } = await pair(t)
  // Before MultiDrive's own listeners: who asks at every block must not take the event from those who wait for it.
  for (const event of ['append', 'download']) copy.core.prependListener(event, () => multi.unsynced)
  const told: number[] = []
  multi.on('drive-sync', () => told.push(copy.core.contiguousLength))
  for (let i = 0; i < 20; i++) await author.put(`/f${i}`, 'x')
  link(theirs, ours)
  await whole(copy, author)
  await keys(multi)
  t.equal(told.at(-1), author.core.length)
})

test('update tells of every change that may show', async (t) => {
  const { theirs, ours, author, copy, own, multi } = await pair(t)
  const changed: unknown[] = []
  multi.on('update', (drive: unknown) => changed.push(drive))
  await multi.put('/own', 'x')
  t.ok(changed.includes(own), 'a write')
  changed.length = 0
  await own.put('/direct', 'x')
  t.ok(changed.includes(own), 'a write on the Hyperdrive itself')
  changed.length = 0
  link(theirs, ours)
  await whole(copy, author)
  await keys(multi)
  t.ok(changed.includes(copy), 'the first sync')
  changed.length = 0
  await author.put('/b', 'x')
  await whole(copy, author)
  t.ok(changed.includes(copy), 'what a peer wrote')
})

test('a local write is visible as soon as it resolves', async (t) => {
  const own = await hyperdrive(t)
  const multi = await multidrive(t, [own, await hyperdrive(t)])
  const missed: string[] = []
  for (let i = 0; i < 50; i++) {
    await multi.put(`/m${i}`, String(i))
    if (String(await multi.get(`/m${i}`)) !== String(i)) missed.push(`put ${i}`)
    await own.put(`/d${i}`, String(i))
    if (String(await multi.get(`/d${i}`)) !== String(i)) missed.push(`put ${i} on the Hyperdrive itself`)
    await own.del(`/d${i}`)
    if ((await multi.entry(`/d${i}`)) !== null) missed.push(`del ${i} on the Hyperdrive itself`)
  }
  t.same(missed, [])
  t.equal((await keys(multi)).length, 50)
  const batch = own.batch()
  await batch.put('/b1', '1')
  await batch.put('/b2', '2')
  t.equal(await multi.entry('/b1'), null, 'a batch that is open is not visible')
  await batch.flush()
  t.ok((await multi.entry('/b1')) && (await multi.entry('/b2')))
})

test('update({ wait: true }) resolves when the drives that can be reached are whole', async (t) => {
  const { theirs, ours, author, copy, multi } = await pair(t)
  for (let i = 0; i < 300; i++) await author.put(`/f${i}`, 'x')
  const away = await hyperdrive(t)
  const unreachable = await hyperdrive(t, { store: ours, key: away.key })
  await multi.addDrive(unreachable)
  link(theirs, ours)
  await together(copy)
  t.equal(await within(10_000, 'update', multi.update({ wait: true })), true)
  t.equal(copy.core.contiguousLength, author.core.length)
  t.equal((await keys(multi)).length, 301)
  t.same(unsynced(multi), [unreachable.id])
})

test('update({ wait: true }) without peers resolves at once', async (t) => {
  const { multi } = await pair(t)
  t.equal(await within(QUICK, 'update', multi.update({ wait: true })), false)
  t.equal(await within(QUICK, 'update', multi.update()), false)
})

test('update({ wait: true }) does not wait for ever for blocks that no peer has', async (t) => {
  const { theirs, ours, author, copy } = await pair(t)
  for (let i = 0; i < 200; i++) await author.put(`/f${i}`, 'x')
  const caught = () => copy.core.length > 1 && copy.core.contiguousLength < copy.core.length
  for (let bytes = 2000; !caught() && copy.core.contiguousLength < author.core.length; bytes += 500)
    await cutAfter(theirs, ours, bytes).closed
  t.ok(caught(), 'the first reader has the head and not all blocks')

  const second = await store(t)
  const other = await hyperdrive(t, { store: second, key: author.key })
  const multi = await multidrive(t, [await hyperdrive(t, { store: second }), other])
  link(ours, second)
  await together(other)
  await within(5000, 'update', multi.update({ wait: true }))
  t.same(unsynced(multi), [other.id])
})

test('findingPeers() makes the first read wait for a peer', async (t) => {
  const { theirs, ours, copy, multi } = await pair(t)
  const done = multi.findingPeers()
  let read: string[] | null = null
  const reading = keys(multi).then((found) => (read = found))
  await new Promise(setImmediate)
  t.equal(read, null, 'it waits')
  link(theirs, ours)
  await together(copy)
  done()
  t.same(await within(5000, 'list', reading), ['/a'])
  done()
})

test('findingPeers() lets a read go when nobody was found', async (t) => {
  const { multi } = await pair(t)
  const done = multi.findingPeers()
  const reading = multi.entry('/a')
  const bounded = within(
    QUICK,
    'a bounded entry',
    failureOf(multi.entry('/a', { timeout: 200 })).catch(() => null)
  )
  await bounded
  t.equal(
    await within(QUICK, 'entry', multi.entry('/a', { wait: false })),
    null,
    'wait: false waits for nobody'
  )
  done()
  t.equal(await within(QUICK, 'entry', reading), null)
})

test('opened again without peers, a drive answers as it did', async (t) => {
  const { theirs, author } = await pair(t)
  const path = await mkdtemp(join(tmpdir(), 'multidrive-test-'))
  cleanup(t, () => rm(path, { recursive: true, force: true }))
  {
    const reopened = new Corestore(path)
    const multi = new MultiDrive(new Hyperdrive(reopened.session()))
    const copy = await multi.addDrive(author.key)
    link(theirs, reopened)
    await whole(copy, author)
    await multi.close()
    await reopened.close()
  }
  const reopened = new Corestore(path)
  cleanup(t, () => reopened.close())
  const multi = new MultiDrive(new Hyperdrive(reopened.session()))
  cleanup(t, () => multi.close())
  await multi.addDrive(author.key)
  t.same(unsynced(multi), [])
  t.same(await within(QUICK, 'list', keys(multi)), ['/a'])
})

test('a drive that came here before MultiDrive was told of it is whole at once', async (t) => {
  const { theirs, author } = await pair(t)
  const other = await store(t)
  const copy = await hyperdrive(t, { store: other, key: author.key })
  const unlink = link(theirs, other)
  copy.core.download({ start: 0, end: -1 })
  await whole(copy, author)
  await unlink()
  const multi = await multidrive(t, [await hyperdrive(t, { store: other }), copy])
  t.same(unsynced(multi), [])
  t.same(await within(QUICK, 'list', keys(multi)), ['/a'])
})

test('encrypted drives are kept whole and read as any', async (t) => {
  const { theirs, ours, author, copy, multi } = await pair(t, { encryptionKey: Buffer.alloc(32, 5) })
  const writer = await multidrive(t, [author])
  await writer.put('/secret', 'tell nobody')
  const unlink = link(theirs, ours)
  await whole(copy, author)
  t.equal(String(await multi.get('/secret')), 'tell nobody')
  await unlink()
  await alone(copy)
  t.same(await within(QUICK, 'list', keys(multi)), ['/a', '/secret'])
  t.equal(String(await within(QUICK, 'get', multi.get('/secret'))), 'tell nobody')
  t.same(unsynced(multi), [])
})

test('removeDrive(drive) stops following and leaves no listener', async (t) => {
  const { theirs, ours, author, copy, multi } = await pair(t)
  await multi.removeDrive(copy)
  const count = (emitter: any) =>
    Object.fromEntries(emitter.eventNames().map((name: string) => [name, emitter.listenerCount(name)]))
  const before = [count(copy), count(copy.core)]
  await multi.addDrive(copy)
  t.notSame([count(copy), count(copy.core)], before, 'while it is there it is listened to')
  const unlink = link(theirs, ours)
  await whole(copy, author)
  await keys(multi)
  await multi.removeDrive(copy)
  t.same([count(copy), count(copy.core)], before)

  const length = copy.core.contiguousLength
  await author.put('/later', 'x')
  await until(copy.core, ['append'], () => copy.core.length === author.core.length)
  // A block asked for now comes after any that a download would have asked for.
  await author.put('/marker', 'x')
  await copy.core.update({ wait: true })
  await copy.core.get(author.core.length - 1)
  t.equal(copy.core.contiguousLength, length, 'no metadata comes unasked')
  await unlink()
})

test('removeDrive(drive) while it is read on demand leaves no listener', async (t) => {
  const { theirs, ours, author, copy, multi } = await pair(t)
  await multi.removeDrive(copy)
  const names = ['append', 'download', 'truncate', 'peer-add', 'peer-remove', 'close']
  const counts = () => names.map((name) => [copy.core.listenerCount(name), copy.listenerCount(name)])
  const before = counts()
  await multi.addDrive(copy, { sparse: true })
  link(theirs, ours)
  await until(copy.core, ['append'], () => copy.core.length === author.core.length)
  await Promise.all([multi.entry('/a'), keys(multi), multi.update({ wait: true })])
  await multi.removeDrive(copy)
  t.same(counts(), before)
})
