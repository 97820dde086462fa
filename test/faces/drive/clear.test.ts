import test from 'tape'
import type { Cleared, MultiDrive } from '../../../index.ts'
import { within } from '../../availability/links.ts'
import { copyOf } from '../../helpers/copies.ts'
import {
  collect,
  contents,
  failureOf,
  hyperdrive,
  localdrive,
  multidrive,
  store
} from '../../helpers/drives.ts'

const QUICK = 5000
const BIG = Buffer.alloc(150_000, 3)
const OLD = { metadata: { mtime: 1000 } }
const NEW = { metadata: { mtime: 2000 } }

test('clear(path) takes the winner’s bytes from this machine, and no others', async (t) => {
  const ours = await store(t)
  const older = await copyOf(t, (author) => author.put('/a', 'older', OLD), { ours })
  const newer = await copyOf(
    t,
    async (author) => {
      await author.put('/a', BIG, NEW)
      await author.put('/b', 'b')
      await author.symlink('/link', '/a')
    },
    { ours }
  )
  const multi = await multidrive(t, [older.copy, newer.copy])
  await Promise.all([older.copy.get('/a'), multi.download().done()])
  t.same(await multi.clear('/a', { diff: true }), { blocks: 3 })
  t.same([await multi.has('/a'), await multi.has('/b'), await older.copy.has('/a')], [false, true, true])
  t.same(await multi.clear('/a', { diff: true }), { blocks: 0 }, 'once')
  t.equal(await multi.clear('/b'), null, 'as Hyperdrive it says so only when it is asked')
  t.equal(await multi.has('/b'), false)
  t.ok((await within(QUICK, 'get', multi.get('/a')))!.equals(BIG), 'and it is fetched again')
  const entry = (await multi.entry('/a'))!
  t.same(await multi.clear(entry, { diff: true }), { blocks: 3 }, 'by its entry')
  for (const path of ['/missing', '/link', '/'])
    t.same(
      path === '/' ? (await failureOf(multi.clear(path))).code : await multi.clear(path, { diff: true }),
      path === '/' ? 'EINVAL' : { blocks: 0 },
      path
    )
  t.equal(await multi.clear('/missing'), null)
})

test('clear(path) of one’s own file leaves what other files of the drive are made of', async (t) => {
  const own = await hyperdrive(t)
  const multi = await multidrive(t, [own])
  await multi.put('/a', BIG)
  await multi.promises.copyFile('/a', '/b')
  t.same(await multi.clear('/a', { diff: true }), { blocks: 0 })
  t.ok((await multi.get('/b', { wait: false }))!.equals(BIG))
  await multi.del('/b')
  t.same(await multi.clear('/a', { diff: true }), { blocks: 3 }, 'until they are gone')
  t.equal(
    (await failureOf(multi.get('/a', { wait: false }))).code,
    'BLOCK_NOT_AVAILABLE',
    'it is gone for good'
  )
  await multi.put('/a', 'again')
  t.equal(String(await multi.get('/a')), 'again')
})

test('copies that are made while clear() is at work have their bytes, or say that they have none', async (t) => {
  const own = await hyperdrive(t)
  const multi = await multidrive(t, [own])
  for (let round = 0; round < 20; round++) {
    await multi.put('/a', Buffer.alloc(70_000, round))
    const copying = multi.promises.copyFile('/a', `/copy${round}`)
    for (let i = 0; i < round; i++) await Promise.resolve()
    const cleared = await multi.clear('/a', { diff: true })
    await copying
    const there = await multi.get(`/copy${round}`, { wait: false }).then(
      (bytes) => bytes!.equals(Buffer.alloc(70_000, round)),
      () => false
    )
    t.equal(there, cleared!.blocks === 0, `round ${round}`)
  }
})

test('clearAll() takes the bytes of all that is shown', async (t) => {
  const ours = await store(t)
  const theirs = await copyOf(
    t,
    async (author) => {
      await author.put('/a', 'a', NEW)
      await author.put('/deep/b', BIG)
    },
    { ours }
  )
  const own = await hyperdrive(t, { store: ours })
  const multi = await multidrive(t, [own, theirs.copy])
  await multi.put('/mine', 'mine')
  await own.put('/a', 'hidden', OLD)
  await multi.download().done()
  t.same(await multi.clearAll({ diff: true }), { blocks: 5 })
  t.equal(await multi.clearAll(), null)
  t.same(await multi.stats(), { files: 3, blocks: 5, bytes: BIG.length + 5, localBlocks: 0, localBytes: 0 })
  t.equal(String(await own.get('/a', { wait: false })), 'hidden', 'what lost is left alone')
})

/** Every block another one, so that none stands in for its neighbour. */
const ROW = Buffer.from(Array.from({ length: 300_000 }, (_, i) => i >> 16))

for (const [name, clear] of Object.entries<(multi: MultiDrive) => Promise<Cleared | null>>({
  'clear(path)': (multi) => multi.clear('/a', { diff: true }),
  'clear(entry)': async (multi) => multi.clear((await multi.entry('/a'))!, { diff: true }),
  'clearAll()': (multi) => multi.clearAll({ diff: true })
})) {
  test(`${name} leaves what open descriptors of one’s own file still need`, async (t) => {
    const multi = await multidrive(t, [await hyperdrive(t)])
    await multi.put('/a', ROW)
    await multi.writeFile('/a', 'x', { flag: 'r+' })
    const [reading, writing, appending] = [
      await multi.open('/a', 'r'),
      await multi.open('/a', 'r+'),
      await multi.open('/a', 'a')
    ]
    await multi.write(writing, 'y', 70_000)
    await multi.write(appending, 'z')
    t.same(await clear(multi), { blocks: 0 })
    const read = await within(QUICK, 'readFile', multi.readFile(reading))
    t.equal(read.byteLength, ROW.length)
    t.ok(read.subarray(1).equals(ROW.subarray(1)), 'it reads on')
    await within(QUICK, 'close', multi.close(writing))
    await within(QUICK, 'close', multi.close(appending))
    const now = (await multi.get('/a', { wait: false }))!
    t.same([now.byteLength, now[0], now[70_000], now.at(-1)], [300_001, 120, 121, 122], 'and they land')
    await multi.close(reading)
    t.ok((await clear(multi))!.blocks > 0, 'until they are closed')
  })
}

test('clear(path) leaves what a stream of one’s own file still reads', async (t) => {
  const multi = await multidrive(t, [await hyperdrive(t)])
  await multi.put('/a', ROW)
  const stream = multi.createReadStream('/a')
  const chunks = stream[Symbol.asyncIterator]() as AsyncIterator<Buffer>
  const parts = [(await chunks.next()).value as Buffer]
  t.same(await multi.clear('/a', { diff: true }), { blocks: 0 })
  const rest = async () => {
    for (let next = await chunks.next(); next.done !== true; next = await chunks.next())
      parts.push(next.value)
  }
  await within(QUICK, 'the rest', rest())
  t.ok(Buffer.concat(parts).equals(ROW))
  t.same(await multi.clear('/a', { diff: true }), { blocks: 5 })
  const late = multi.createReadStream('/a', { timeout: 100 })
  t.equal((await within(QUICK, 'the stream', failureOf(collect(late)))).code, 'REQUEST_TIMEOUT')
})

test('clear(path) leaves what a descriptor that was synced goes on from', async (t) => {
  const multi = await multidrive(t, [await hyperdrive(t)])
  const fd = await multi.open('/a', 'w+')
  await multi.write(fd, ROW)
  await multi.fsync(fd)
  t.same(await multi.clear('/a', { diff: true }), { blocks: 0 })
  await multi.write(fd, 'x', 70_000)
  await within(QUICK, 'close', multi.close(fd))
  t.equal((await multi.get('/a', { wait: false }))![70_000], 120)
})

test('changing a part of one’s own file that was cleared, and that nobody has, fails in its time', async (t) => {
  const multi = await multidrive(t, [await hyperdrive(t)])
  await multi.put('/a', ROW)
  await multi.clear('/a')
  const appended = multi.appendFile('/a', 'x', { timeout: 100 })
  const err = await within(QUICK, 'appendFile', failureOf(appended))
  t.same([err.code, err.path], ['REQUEST_TIMEOUT', '/a'])
  await within(QUICK, 'writeFile', multi.writeFile('/a', 'again'))
  t.equal(await multi.readFile('/a', 'utf8'), 'again')
})

test('clear() of a checkout takes the bytes of that version, but not what its drive still names', async (t) => {
  const own = await hyperdrive(t)
  const multi = await multidrive(t, [own])
  await multi.put('/a', BIG)
  await multi.put('/b', 'b')
  const past = multi.checkout(multi.version)
  await multi.put('/a', 'new')
  await multi.rename('/b', '/c')
  t.same(await past.clearAll({ diff: true }), { blocks: 3 })
  t.same([await past.has('/a'), await past.has('/b')], [false, true])
  t.same(await contents(multi), { '/a': 'new', '/c': 'b' })
})

test('clear() leaves a Hyperdrive that is a checkout of one’s own alone', async (t) => {
  const own = await hyperdrive(t)
  await own.put('/a', BIG)
  const multi = await multidrive(t, [await hyperdrive(t), own.checkout(own.version)])
  t.same(await multi.clear('/a', { diff: true }), { blocks: 0 })
  t.same(await multi.clearAll({ diff: true }), { blocks: 0 })
  t.ok((await multi.get('/a', { wait: false }))!.equals(BIG))
})

test('clear() and clearAll() leave Localdrives and drives of other kinds alone', async (t) => {
  const local = await localdrive(t)
  const other = {
    entry: local.entry.bind(local),
    list: local.list.bind(local),
    createReadStream: local.createReadStream.bind(local)
  }
  for (const drive of [local, other]) {
    const multi = await multidrive(t, [drive])
    await local.put('/a', 'a')
    t.same(await multi.clear('/a', { diff: true }), { blocks: 0 })
    t.same(await multi.clearAll({ diff: true }), { blocks: 0 })
    t.same(await contents(multi), { '/a': 'a' })
  }
})

test('clear(path, opts?, cb) calls back', async (t) => {
  const multi = await multidrive(t, [await hyperdrive(t)])
  await multi.put('/file', 'bytes')
  const called = (call: (cb: (...args: unknown[]) => void) => unknown) =>
    new Promise((resolve) => call((...args) => resolve(args)))
  t.same(await called((cb) => multi.clear('/file', { diff: true }, cb)), [null, { blocks: 1 }])
  t.equal(await multi.has('/file'), false)
  t.same(await called((cb) => multi.clear('/file', cb)), [null, null])
})
