import test from 'tape'
import { contents, hyperdrive, keys, link, localdrive, multidrive, store } from '../helpers/drives.ts'
import { alone, cutAfter, together, unsynced, until, whole, within } from './links.ts'
import { sparse } from './sparse.ts'

/** What a write may wait for a drive that is read on demand, and then some for a slow machine. */
const PATIENCE = 8000

test('a write waits about 3 s for a sparse drive that is out of reach, and lands without it', async (t) => {
  const { own, multi, cut } = await sparse(t)
  await cut()
  const started = performance.now()
  await within(PATIENCE, 'put', multi.put('/f/100', 'ours'))
  const took = performance.now() - started
  t.ok(took > 2500, `it was given time: ${Math.round(took)} ms`)
  t.same(await keys(own), ['/f/100'])
})

test('a write waits about 3 s in all, however much it has to look up', async (t) => {
  const { own, multi, cut } = await sparse(t)
  // The drive's hidden records are known from here on: each file and folder is a question of its own.
  await multi.entry('/f/000')
  await cut()
  await within(PATIENCE, 'put', multi.put('/f/100/deep/er', 'ours'))
  t.same(await keys(own), ['/f/100/deep/er'])
})

test('a batch waits about 3 s in all for a sparse drive that is out of reach', async (t) => {
  const { own, multi, cut } = await sparse(t)
  await multi.entry('/f/000')
  await cut()
  const batch = multi.batch()
  await batch.put('/f/101', 'ours')
  await batch.del('/f/102')
  await batch.symlink('/f/103', '/f/101')
  await within(PATIENCE, 'flush', batch.flush())
  t.same(await keys(own), ['/f/101', '/f/103'])
})

test('a batch does not hang on a sparse drive of which nothing was read before', async (t) => {
  const { own, multi, cut } = await sparse(t)
  await cut()
  const batch = multi.batch()
  await batch.put('/f/101', 'ours')
  await within(PATIENCE, 'flush', batch.flush())
  t.same(await keys(own), ['/f/101'])
})

test('del(path) leaves a tombstone when a drive could not be asked', async (t) => {
  const { theirs, ours, author, copy, own, multi, cut } = await sparse(t)
  await own.put('/f/100', 'ours')
  await cut()
  await within(PATIENCE, 'del', multi.del('/f/100'))
  t.same(await keys(own), [])
  const others = await multidrive(t, [await hyperdrive(t), own, author])
  t.equal(await others.entry('/f/100'), null, 'it hides what the drive was found to hold')
  t.ok(await others.entry('/f/102'))

  link(theirs, ours)
  await together(copy)
  t.same(
    [await multi.entry('/f/100'), (await multi.entry('/f/102'))?.key],
    [null, '/f/102'],
    'also when it is back'
  )
  await author.put('/f/100', 'again', { metadata: { mtime: Date.now() + 1000 } })
  await until(copy.core, ['append'], () => copy.core.length === author.core.length)
  t.equal(String(await multi.get('/f/100')), 'again', 'and what is written after that is there')
})

test('del(folder, { recursive: true }) leaves a tombstone when a drive could not be asked', async (t) => {
  const { author, own, multi, cut } = await sparse(t)
  await own.put('/f/100', 'ours')
  await cut()
  await within(2 * PATIENCE, 'del', multi.del('/f', { recursive: true }))
  t.same(await keys(own), [])
  const others = await multidrive(t, [await hyperdrive(t), own, author])
  t.same(await keys(others), [], 'it hides all that the drive was found to hold')
})

test('del(path) leaves a tombstone when a drive never was whole here', async (t) => {
  const [theirs, ours] = [await store(t), await store(t)]
  const author = await hyperdrive(t, { store: theirs })
  await author.put('/x', 'theirs', { metadata: { mtime: Date.now() - 60_000 } })
  const copy = await hyperdrive(t, { store: ours, key: author.key })
  const own = await hyperdrive(t, { store: ours })
  await own.put('/x', 'ours')
  const multi = await multidrive(t, [own, copy])
  t.same(unsynced(multi), [copy.id])
  await within(PATIENCE, 'del', multi.del('/x'))
  link(theirs, ours)
  await whole(copy, author)
  t.equal(await multi.entry('/x'), null, 'the older file that comes later stays deleted')
})

test('del(path) leaves a tombstone when only a part of a drive came', async (t) => {
  const [theirs, ours] = [await store(t), await store(t)]
  const author = await hyperdrive(t, { store: theirs })
  const mtime = Date.now() - 60_000
  for (let i = 0; i < 200; i++) await author.put(`/f/${i}`, 'theirs', { metadata: { mtime } })
  const copy = await hyperdrive(t, { store: ours, key: author.key })
  const own = await hyperdrive(t, { store: ours })
  const multi = await multidrive(t, [own, copy])
  const half = () => copy.core.length > 1 && copy.core.contiguousLength < copy.core.length
  for (let bytes = 2000; !half() && copy.core.contiguousLength < author.core.length; bytes += 500) {
    await cutAfter(theirs, ours, bytes).closed
    await alone(copy)
  }
  t.ok(half(), 'the head is here, and not all blocks')
  for (let i = 0; i < 200; i += 20) {
    await own.put(`/f/${i}`, 'ours')
    await within(PATIENCE, 'del', multi.del(`/f/${i}`))
  }
  link(theirs, ours)
  await whole(copy, author)
  const left = await keys(multi)
  t.same(
    Array.from({ length: 10 }, (_, i) => `/f/${i * 20}`).filter((key) => left.includes(key)),
    [],
    'the older files that come later stay deleted'
  )
})

test('writes go on while a followed drive has not all come and a peer is connected', async (t) => {
  const [theirs, ours] = [await store(t), await store(t)]
  const author = await hyperdrive(t, { store: theirs })
  for (let i = 0; i < 200; i++) await author.put(`/f/${i}`, 'x')
  const half = await hyperdrive(t, { store: ours, key: author.key })
  const first = await multidrive(t, [await hyperdrive(t, { store: ours }), half])
  for (
    let bytes = 2000;
    half.core.length < 2 || half.core.contiguousLength >= half.core.length;
    bytes += 500
  ) {
    await cutAfter(theirs, ours, bytes).closed
    await alone(half)
    if (half.core.contiguousLength === author.core.length) break
  }
  t.same(unsynced(first), [half.id], 'the only peer has the head and not all blocks')
  const second = await store(t)
  const copy = await hyperdrive(t, { store: second, key: author.key })
  const own = await hyperdrive(t, { store: second })
  const multi = await multidrive(t, [own, copy])
  link(ours, second)
  await together(copy)
  await within(2 * PATIENCE, 'put', multi.put('/f/100', 'ours'))
  await within(2 * PATIENCE, 'del', multi.del('/f/100'))
  t.same(await keys(own), [])
})

test('a Localdrive writes over a remote Hyperdrive that is out of reach', async (t) => {
  const author = await hyperdrive(t)
  await author.put('/x', 'theirs')
  const ours = await store(t)
  const copy = await hyperdrive(t, { store: ours, key: author.key })
  const multi = await multidrive(t, [await localdrive(t), copy])
  await within(PATIENCE, 'put', multi.put('/y', 'ours'))
  t.same(await contents(multi), { '/y': 'ours' })
  link(author.corestore, ours)
  await whole(copy, author)
  t.same(await contents(multi), { '/x': 'theirs', '/y': 'ours' })
})
