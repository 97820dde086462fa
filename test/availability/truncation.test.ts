import Corestore from 'corestore'
import Hyperdrive from 'hyperdrive'
import test from 'tape'
import MultiDrive from '../../index.ts'
import { cleanup, contents, folder, hyperdrive, keys, link, multidrive, store } from '../helpers/drives.ts'
import { alone, cutAfter, together, unsynced, until, whole, within } from './links.ts'

const QUICK = 5000

async function pair(t: test.Test) {
  const [theirs, ours] = [await store(t), await store(t)]
  const author = await hyperdrive(t, { store: theirs })
  const copy = await hyperdrive(t, { store: ours, key: author.key })
  const multi = await multidrive(t, [await hyperdrive(t, { store: ours }), copy])
  return { theirs, ours, author, copy, multi }
}

test('the first sync of a drive that was truncated', async (t) => {
  const { theirs, ours, author, copy, multi } = await pair(t)
  await author.put('/a', 'a')
  const { version } = author
  await author.put('/b', 'b')
  await author.truncate(version)
  await author.put('/c', 'c')
  const synced = new Promise((resolve) => multi.once('drive-sync', resolve))
  const unlink = link(theirs, ours)
  await within(5000, 'drive-sync', synced)
  await whole(copy, author)
  await unlink()
  await alone(copy)
  t.same(await within(QUICK, 'list', keys(multi)), ['/a', '/c'])
  t.same(unsynced(multi), [])
})

test('a truncation while the drive is followed', async (t) => {
  const { theirs, ours, author, copy, multi } = await pair(t)
  const writer = await multidrive(t, [author])
  await writer.put('/a', 'a')
  const other = await hyperdrive(t)
  await other.put('/o', 'o')
  await writer.addDrive(other)
  await multi.addDrive(other)
  const { version } = author
  await author.put('/b', 'b')
  await writer.del('/o')
  link(theirs, ours)
  await whole(copy, author)
  t.same(await keys(multi), ['/a', '/b'])

  await author.truncate(version)
  await until(copy.core, ['truncate', 'append'], () => copy.core.fork === author.core.fork)
  t.same(await keys(multi), ['/a', '/o'], 'what was cut off is gone, files and tombstones')
  t.same(await keys(writer), ['/a', '/o'], 'for its author too')

  await author.put('/c', 'c')
  await whole(copy, author)
  t.same(await contents(multi), { '/a': 'a', '/c': 'c', '/o': 'o' })
  t.same(unsynced(multi), [])
})

test('a truncation to a version of the same length as before', async (t) => {
  const { theirs, ours, author, copy, multi } = await pair(t)
  await author.put('/a', 'a')
  const { version } = author
  await author.put('/b', 'old')
  link(theirs, ours)
  await whole(copy, author)
  t.same(await contents(multi), { '/a': 'a', '/b': 'old' })
  await author.truncate(version)
  await author.put('/c', 'new')
  await whole(copy, author)
  t.equal(copy.core.fork, author.core.fork)
  t.same(await contents(multi), { '/a': 'a', '/c': 'new' })
})

test('a truncation behind the last whole version leaves that visible, also after a restart', async (t) => {
  const theirs = await store(t)
  const author = await hyperdrive(t, { store: theirs })
  await author.put('/a', 'a')
  const path = await folder(t)
  const start = async () => {
    const corestore = new Corestore(path)
    const multi = new MultiDrive(new Hyperdrive(corestore.session()))
    const copy: Hyperdrive = await multi.addDrive(author.key)
    const end = async () => {
      await multi.close()
      await corestore.close()
    }
    return { corestore, multi, copy, end }
  }
  let reader = await start()
  cleanup(t, () => reader.end())
  const unlink = link(theirs, reader.corestore)
  await whole(reader.copy, author)
  await unlink()
  await alone(reader.copy)

  const { version } = author
  for (let i = 0; i < 100; i++) await author.put(`/n/${i}`, 'x')
  const halfway = () =>
    reader.copy.core.length > version && reader.copy.core.contiguousLength < reader.copy.core.length
  for (let bytes = 1500; !halfway(); bytes += 500) {
    await cutAfter(theirs, reader.corestore, bytes).closed
    await alone(reader.copy)
  }
  await author.truncate(Number(version) + 10)
  for (let i = 0; i < 300; i++) await author.put(`/m/${i}`, 'x')
  for (let bytes = 1500; reader.copy.core.fork !== author.core.fork; bytes += 500) {
    await cutAfter(theirs, reader.corestore, bytes).closed
    await alone(reader.copy)
  }
  t.ok(
    reader.copy.core.contiguousLength < reader.copy.core.length,
    'the truncation came, the new blocks did not'
  )
  t.same(await within(QUICK, 'list', keys(reader.multi)), ['/a'])
  t.same(unsynced(reader.multi), [])
  await reader.end()
  reader = await start()
  t.same(await within(QUICK, 'list', keys(reader.multi)), ['/a'], 'after a restart')
  t.same(unsynced(reader.multi), [])
})

test('a truncation before the last whole version, cut off from its peers, hangs no read', async (t) => {
  const { theirs, ours, author, copy, multi } = await pair(t)
  await author.put('/a', 'a')
  const unlink = link(theirs, ours)
  await whole(copy, author)
  const { version } = author
  for (let i = 0; i < 20; i++) await author.put(`/b${i}`, 'b')
  await whole(copy, author)
  await unlink()
  await alone(copy)
  await author.truncate(version)
  for (let i = 0; i < 300; i++) await author.put(`/c${i}`, 'c')
  for (let bytes = 1500; copy.core.fork !== author.core.fork; bytes += 500) {
    await cutAfter(theirs, ours, bytes).closed
    await alone(copy)
  }
  t.ok(copy.core.contiguousLength < copy.core.length, 'the truncation came, the new blocks did not')
  t.same(await within(QUICK, 'list', keys(multi)), ['/a'], 'the last whole version that is left')
  t.equal(await within(QUICK, 'entry', multi.entry('/b1')), null)
  await within(5000, 'put', multi.put('/own', 'x'))
  link(theirs, ours)
  await together(copy)
  await whole(copy, author)
  t.equal((await keys(multi)).length, 302)
})
