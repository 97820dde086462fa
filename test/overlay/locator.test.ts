/** The locator over real drives: who is asked, and that every answer is what it is without one. */
import test from 'tape'
import { sparse } from '../availability/sparse.ts'
import { collect, failureOf, hyperdrive, keys, multidrive } from '../helpers/drives.ts'
import { drivesOf, fill, numbered, sameAnswers, unaided } from '../helpers/locator.ts'
import { NOBODY, witness } from '../helpers/reads.ts'
import { setImmediate as turn } from 'node:timers/promises'

test('once warm, a path that nobody holds asks no drive', async (t) => {
  const drives = await drivesOf(t, 5)
  const multi = await multidrive(t, drives)
  const asking = witness(drives)
  const { drives: known, entries, byteLength } = await multi.warmUp()
  // Of each drive two files, and two folders.
  t.same([known, entries], [5, 5 * 4])
  t.ok(byteLength > 0)
  const fs = multi.promises
  const calls: Record<string, () => Promise<unknown>> = {
    entry: () => multi.entry('/nobody'),
    'entry of a folder': () => multi.entry('/all'),
    'entry below a folder': () => multi.entry('/all/nobody'),
    exists: () => multi.exists('/no/body'),
    get: () => multi.get('/nobody 2'),
    stat: () => failureOf(fs.stat('/nobody 3')),
    'stat below what is not there': () => failureOf(fs.stat('/no/body/at/all')),
    list: () => keys(multi, '/nobody 4'),
    readdir: () => collect(multi.readdir('/nobody 5')),
    'fs.readdir': () => failureOf(fs.readdir('/nobody 6'))
  }
  for (const [name, call] of Object.entries(calls)) t.same(await asking(call), NOBODY, name)
})

test('once warm, a path that one drive holds asks that one only', async (t) => {
  const drives = await drivesOf(t, 5)
  const multi = await multidrive(t, drives)
  const asking = witness(drives)
  await multi.warmUp()
  t.same(await asking(() => multi.entry('/own 3/file')), { gets: [3], ranges: [] }, 'entry')
  t.same(await asking(() => multi.get('/own 2/file')), { gets: [2], ranges: [] }, 'get')
  t.same(await asking(() => multi.promises.stat('/own 1/file')), { gets: [1], ranges: [] }, 'stat')
  t.same(await asking(() => multi.put('/own 4/file', 'x')), { gets: [4], ranges: [] }, 'put')
  await multi.entry('/own 4/file')
  t.same(await asking(() => multi.entry('/all/2')), { gets: [2], ranges: [] }, 'in a folder of all')
  await drives[1].put('/all/3', '3')
  t.same(await asking(() => multi.entry('/all/3')), { gets: [1, 3], ranges: [] }, 'until two hold it')
})

test('once warm, a folder asks only those who have something below it', async (t) => {
  const drives = await drivesOf(t, 5)
  await drives[1].put('/some/deep/down/file', 'x')
  await drives[4].put('/some/deep/file', 'x')
  const multi = await multidrive(t, drives)
  const asking = witness(drives)
  await multi.warmUp()
  const fs = multi.promises
  t.same(await asking(() => fs.stat('/own 2')), { gets: [], ranges: [2] }, 'stat')
  t.same(await asking(() => keys(multi, '/own 3')), { gets: [], ranges: [3] }, 'list')
  t.same(await asking(() => collect(multi.readdir('/own 0'))), { gets: [], ranges: [0] }, 'readdir')
  t.same(await asking(() => keys(multi, '/some')), { gets: [], ranges: [1, 4] }, 'two of them')
  t.same(await asking(() => keys(multi, '/some/deep/down')), { gets: [], ranges: [1] }, 'deeper')
  t.same(await asking(() => keys(multi, '/all')), { gets: [], ranges: [0, 1, 2, 3, 4] }, 'all of them')
  t.same(
    await asking(() => collect(multi.entries({ gte: '/some/deep/file', lt: '/some/deep0' }))),
    { gets: [], ranges: [1, 4] },
    'a range that lies in a folder'
  )
})

test('once warm, whether a folder is there asks one of those who have something below it', async (t) => {
  const drives = await drivesOf(t, 5)
  const multi = await multidrive(t, drives)
  const asking = witness(drives)
  await multi.warmUp()
  const fs = multi.promises
  t.same(await asking(() => fs.access('/all')), { gets: [], ranges: [0] }, 'access')
  t.same(await asking(() => fs.writeFile('/all/new', 'x')), { gets: [], ranges: [0] }, 'writeFile')
  t.same(
    await asking(() => fs.unlink('/all/new')),
    { gets: [0], ranges: [0] },
    'unlink, which leaves the folder'
  )
  t.same(await asking(() => fs.unlink('/all/0')), { gets: [0], ranges: [0, 1] }, 'of the last that one has')
  // Now the writer has nothing there, and the first thing that another one has is deleted.
  await multi.del('/all/1')
  await fs.access('/all')
  t.same(await keys(multi, '/all'), ['/all/2', '/all/3', '/all/4'])
  for (const name of ['2', '3', '4']) await multi.del(`/all/${name}`)
  t.equal((await failureOf(fs.access('/all'))).code, 'ENOENT', 'until all is deleted')
})

test('the first entry of all asks only the drive that it is in', async (t) => {
  const drives: any[] = []
  for (const name of ['m', 'c', 'x']) {
    const drive = await hyperdrive(t)
    await fill(
      drive,
      numbered(500, (i) => `/${name}/${i}`)
    )
    drives.push(drive)
  }
  const multi = await multidrive(t, drives)
  const asking = witness(drives)
  await multi.warmUp()
  const first = () => collect(multi.entries({ gt: '/', lt: '0' }, { limit: 1 }))
  t.same(await asking(first), { gets: [], ranges: [1] })
  t.equal((await first())[0].key, '/c/0')
  t.same(await asking(() => keys(multi)), { gets: [], ranges: [0, 1, 2] })
  const listed = await keys(multi)
  t.same(listed, [...listed].sort())
  t.equal(listed.length, 1500)
})

test('removeDrive(drive) forgets a drive, and addDrive(drive) takes it in again', async (t) => {
  const drives = await drivesOf(t, 4)
  const multi = await multidrive(t, drives.slice(0, 3))
  const asking = witness(drives)
  t.equal((await multi.warmUp()).drives, 3)
  await multi.removeDrive(drives[1])
  t.equal((await multi.warmUp()).drives, 2)
  t.same(await asking(() => multi.entry('/own 1/file')), NOBODY)
  t.equal(await multi.entry('/own 1/file'), null)
  t.same(await keys(multi, '/all'), ['/all/0', '/all/2'])

  await multi.addDrive(drives[3])
  t.equal((await multi.entry('/own 3/file'))?.key, '/own 3/file')
  await multi.addDrive(drives[1])
  t.equal((await multi.entry('/own 1/file'))?.key, '/own 1/file')
  t.equal((await multi.warmUp()).drives, 4)
  t.same(await asking(() => multi.entry('/all/1')), { gets: [1], ranges: [] })
  t.same(await asking(() => multi.entry('/all/3')), { gets: [3], ranges: [] })
  t.same((await keys(multi, '/all')).length, 4)
  for (let round = 0; round < 5; round++) {
    await multi.removeDrive(drives[3])
    t.equal(await multi.entry('/own 3/file'), null)
    await multi.addDrive(drives[3])
    t.ok(await multi.entry('/own 3/file'))
  }
  t.equal((await multi.warmUp()).drives, 4)
})

test('drives that were added with tombstones: false are known too', async (t) => {
  const [first, second, third] = await drivesOf(t, 3)
  const multi = await multidrive(t, [first])
  await multi.addDrive(second, { tombstones: false })
  await multi.addDrive(third)
  const plain = await multidrive(t, [first], { locator: false })
  await plain.addDrive(second, { tombstones: false })
  await plain.addDrive(third)
  const asking = witness([first, second, third])
  t.equal((await multi.warmUp()).drives, 3)
  t.same(await asking(() => multi.entry('/own 1/file')), { gets: [1], ranges: [] })
  t.same(await asking(() => multi.entry('/nobody')), NOBODY)
  // Whose deletions do not count deletes what is in all of them.
  const other = await multidrive(t, [second], { locator: false })
  await other.addDrive(first)
  await other.del('/all/0')
  await second.put('/new/1', 'x')
  const paths = ['/all/0', '/all/1', '/new/1']
  await sameAnswers(t, multi, plain, paths, 'files count, deletions do not')
  t.ok(await multi.entry('/all/0'))
})

test('a MultiDrive in a MultiDrive has a locator of its own', async (t) => {
  const drives = await drivesOf(t, 5)
  const inner = await multidrive(t, drives.slice(2))
  const multi = await multidrive(t, drives.slice(0, 2))
  await multi.addDrive(inner)
  const plain = await unaided(t, multi)
  const asking = witness(drives)
  const { drives: known, entries } = await multi.warmUp()
  t.same([known, entries], [5, 5 * 4], 'warmUp() warms it up too, and counts it')
  t.same((await inner.warmUp()).drives, 3)
  t.same(await asking(() => multi.entry('/nobody')), NOBODY)
  t.same(await asking(() => keys(multi, '/no/body')), NOBODY)
  t.same(await asking(() => multi.entry('/own 3/file')), { gets: [3], ranges: [] })
  t.same(await asking(() => multi.entry('/own 0/file')), { gets: [0], ranges: [] })
  t.same(await asking(() => keys(multi, '/own 4')), { gets: [], ranges: [4] })
  await drives[3].put('/new/1', 'x')
  t.equal((await multi.entry('/new/1'))?.key, '/new/1', 'a write further in')
  await inner.removeDrive(drives[4])
  t.equal(await multi.entry('/own 4/file'), null, 'a drive that left further in')
  await inner.addDrive(drives[4])
  t.ok(await multi.entry('/own 4/file'))
  const { version } = multi
  await drives[4].del('/own 4/file')
  const paths = ['/new/1', '/own 4/file', '/all/3', '/own 1/file']
  await sameAnswers(t, multi, plain, paths, 'all as it is without')
  const [past, plainPast] = [multi.checkout(version), plain.checkout(version)]
  await sameAnswers(t, past, plainPast, paths, 'in a checkout too')
  t.ok(await past.entry('/own 4/file'))
})

test('a sparse drive is not downloaded for it', async (t) => {
  const { author, copy, multi } = await sparse(t, 400)
  const { drives, entries } = await multi.warmUp()
  t.same([drives, entries], [1, 0], 'that of its own is known, with nothing in it')
  for (let i = 0; i < 50; i++) await turn()
  await multi.warmUp()
  let here = 0
  for (let i = 0; i < copy.core.length; i++) if (await copy.core.has(i)) here++
  t.ok(here < author.core.length / 10, `${here} of ${author.core.length} blocks, for the hidden records`)
  t.ok(await multi.entry('/f/399'), 'it is asked')
  t.equal(await multi.entry('/f/400'), null)
  t.equal((await multi.warmUp()).drives, 1)
})

test('locator: false knows nothing, and answers the same', async (t) => {
  const drives = await drivesOf(t, 3)
  const plain = await multidrive(t, drives, { locator: false })
  t.same(await plain.warmUp(), { drives: 0, entries: 0, byteLength: 0 })
  const multi = await multidrive(t, drives)
  await multi.warmUp()
  await sameAnswers(t, multi, plain, ['/own 1/file', '/all/1', '/all/9'], 'the same')
  const asking = witness(drives)
  t.same(await asking(() => plain.entry('/nobody')), { gets: [0, 1, 2], ranges: [] }, 'all are asked')
  const past = plain.checkout(plain.version)
  t.same(await past.warmUp(), { drives: 0, entries: 0, byteLength: 0 })
})

test('names of every script are found', async (t) => {
  const drive = await hyperdrive(t)
  const names = [
    'é',
    'e\u0301',
    '日本',
    '😀',
    '\uffff',
    '\ue000',
    ' ',
    '%',
    'a'.repeat(5000),
    '\ufffd',
    '0',
    '.a'
  ]
  const paths = names.flatMap((name) => [`/${name}/${name}`, `/x/${name}`])
  await fill(drive, paths)
  const multi = await multidrive(t, [await hyperdrive(t), drive])
  const plain = await unaided(t, multi)
  await multi.warmUp()
  await sameAnswers(t, multi, plain, [...paths, '/\ud800', '/x/\ud83d', '/x/e'], 'as they are without')
  const listed = await keys(multi)
  t.equal(listed.length, paths.length)
})
