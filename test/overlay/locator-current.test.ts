/** The locator is kept current: what is in a drive is seen by the next read, however it came there. */
import { setImmediate as turn } from 'node:timers/promises'
import test from 'tape'
import { alone, until, whole } from '../availability/links.ts'
import { cleanup, hyperdrive, keys, link, multidrive, store } from '../helpers/drives.ts'
import { drivesOf, fill, holdChanges, numbered, sameAnswers, unaided } from '../helpers/locator.ts'
import { NOBODY, witness } from '../helpers/reads.ts'

test('a write is seen by the next read, wherever it was made', async (t) => {
  const drives = await drivesOf(t, 3)
  const multi = await multidrive(t, drives)
  const plain = await unaided(t, multi)
  await multi.warmUp()
  const seen: string[] = []
  const check = async (path: string, what: string) => {
    t.equal((await multi.entry(path))?.key, path, what)
    seen.push(path)
  }
  await multi.put('/new/1', 'x')
  await check('/new/1', 'through the MultiDrive')
  await drives[2].put('/new/2', 'x')
  await check('/new/2', 'through the drive')
  await plain.put('/new/3', 'x')
  await check('/new/3', 'through another MultiDrive')
  await multi.promises.writeFile('/new/4', 'x')
  await check('/new/4', 'through fs')
  await multi.symlink('/new/5', '/new/1')
  await check('/new/5', 'a link')
  const batch = multi.batch()
  for (let i = 0; i < 20; i++) await batch.put(`/batch/${i}`, 'x')
  await batch.flush()
  await check('/batch/19', 'in a batch')
  await multi.promises.rename('/batch', '/moved')
  await check('/moved/7', 'where a folder was renamed to')
  t.equal(await multi.entry('/batch/7'), null)
  await drives[1].del('/all/1')
  t.equal(await multi.entry('/all/1'), null, 'a deletion')
  await drives[1].put('/all/1', 'again')
  await check('/all/1', 'a comeback')
  for (let i = 0; i < 50; i++) {
    await drives[i % 3].put(`/one by one/${i}`, 'x')
    if (i % 7 === 0) await multi.entry(`/one by one/${i}`)
  }
  await check('/one by one/49', 'many that nobody read in between')
  await sameAnswers(t, multi, plain, seen, 'all of it')
  const { drives: known } = await multi.warmUp()
  t.equal(known, 3)
})

test('a write of more than a drive remembers is seen at once, and taken in again', async (t) => {
  const drives = await drivesOf(t, 3)
  const multi = await multidrive(t, drives)
  const plain = await unaided(t, multi)
  const asking = witness(drives)
  await multi.warmUp()
  await multi.entry('/nobody')
  const many = numbered(5000, (i) => `/many ${i % 5}/${i}`)
  const letGo = holdChanges(t)
  await fill(drives[1], many)
  t.equal((await multi.entry('/many 4/4999'))?.key, '/many 4/4999')
  t.equal((await keys(multi, '/many 2')).length, 1000)
  t.equal((await multi.promises.stat('/many 3')).isDirectory(), true)
  t.same(
    await asking(() => multi.entry('/own 2/file')),
    { gets: [1, 2], ranges: [] },
    'it is asked meanwhile'
  )
  letGo()
  const { drives: known, entries } = await multi.warmUp()
  t.same([known, entries], [3, 3 * 4 + 5000 + 5])
  t.same(await asking(() => multi.entry('/own 1/file')), { gets: [1], ranges: [] })
  t.same(await asking(() => multi.entry('/many 0/nobody')), NOBODY)
  const unseen: string[] = []
  for (const path of many) if ((await multi.entry(path)) === null) unseen.push(path)
  t.same(unseen, [])
  await sameAnswers(t, multi, plain, ['/many 0/0', '/many 4/4999', '/all/1'], 'and all is as it is without')

  // While it is catching up, and again, twice more.
  for (let round = 0; round < 3; round++) {
    await fill(
      drives[round],
      numbered(1500, (i) => `/round ${round}/${i}`)
    )
    t.equal((await multi.entry(`/round ${round}/1499`))?.key, `/round ${round}/1499`)
    await turn()
  }
  t.equal((await multi.warmUp()).entries, 3 * 4 + 5005 + 3 * 1501)
  t.same(await asking(() => multi.entry('/round 1/700')), { gets: [1], ranges: [] })
})

test('what is replicated from another store is seen by the next read', async (t) => {
  const [theirs, ours] = [await store(t), await store(t)]
  const author = await hyperdrive(t, { store: theirs })
  await author.put('/a/1', 'x')
  const copy = await hyperdrive(t, { store: ours, key: author.key })
  const multi = await multidrive(t, [await hyperdrive(t, { store: ours }), copy])
  const plain = await unaided(t, multi)
  const asking = witness([copy])
  t.equal((await multi.warmUp()).drives, 1, 'who was never here is not taken in')
  const unlink = link(theirs, ours)
  await whole(copy, author)
  t.equal((await multi.entry('/a/1'))?.key, '/a/1')
  t.equal((await multi.warmUp()).drives, 2)
  t.same(await asking(() => multi.entry('/a/2')), NOBODY)
  for (let i = 2; i < 20; i++) {
    await author.put(`/a/${i}`, 'x')
    await author.put(`/${i}/b`, 'x')
    await whole(copy, author)
    t.equal((await multi.entry(`/a/${i}`))?.key, `/a/${i}`)
    t.same(await keys(multi, `/${i}`), [`/${i}/b`])
    t.same(await asking(() => multi.entry(`/b/${i}`)), NOBODY)
  }
  await fill(
    author,
    numbered(3000, (i) => `/many/${i}`)
  )
  await whole(copy, author)
  t.equal((await keys(multi, '/many')).length, 3000)
  await unlink()
  await alone(copy)
  await sameAnswers(t, multi, plain, ['/a/1', '/a/19', '/19/b', '/many/2999'], 'when its author is away')
  await multi.warmUp()
  await sameAnswers(t, multi, plain, ['/a/1', '/a/19', '/19/b', '/many/2999'], 'and when it is taken in')
})

test('while a copy comes block by block, every read is of a whole version', async (t) => {
  const [theirs, ours] = [await store(t), await store(t)]
  const author = await hyperdrive(t, { store: theirs })
  const copy = await hyperdrive(t, { store: ours, key: author.key })
  const multi = await multidrive(t, [await hyperdrive(t, { store: ours }), copy])
  const plain = await unaided(t, multi)
  await author.put('/0', 'x')
  link(theirs, ours)
  await whole(copy, author)
  await multi.warmUp()
  const wrong: string[] = []
  for (let i = 1; i < 60; i++) {
    await author.put(`/${i}`, 'x')
    // The two ask one after the other, of a drive that may have moved on between.
    const before = (await plain.entry(`/${i}`)) !== null
    const found = (await multi.entry(`/${i}`)) !== null
    const after = (await plain.entry(`/${i}`)) !== null
    if (before === after && found !== before) wrong.push(`/${i}`)
    await turn()
  }
  t.same(wrong, [])
  await whole(copy, author)
  t.equal((await keys(multi)).length, 60)
  t.ok(await multi.entry('/59'))
})

test('a truncation is seen by the next read', async (t) => {
  const [theirs, ours] = [await store(t), await store(t)]
  const author = await hyperdrive(t, { store: theirs })
  await author.put('/a', 'a')
  const copy = await hyperdrive(t, { store: ours, key: author.key })
  const reader = await multidrive(t, [await hyperdrive(t, { store: ours }), copy])
  const writer = await multidrive(t, [author])
  const [plainReader, plainWriter] = [await unaided(t, reader), await unaided(t, writer)]
  link(theirs, ours)
  await whole(copy, author)
  const check = async (what: string) => {
    const paths = ['/a', '/b/1', '/b/2', '/c/1', '/c/2']
    await sameAnswers(t, writer, plainWriter, paths, `${what}, for its author`)
    await sameAnswers(t, reader, plainReader, paths, `${what}, for others`)
  }
  const { version } = author
  await author.put('/b/1', 'b')
  await whole(copy, author)
  await writer.warmUp()
  await reader.warmUp()
  await check('before')
  await author.truncate(version)
  await until(copy.core, ['truncate', 'append'], () => copy.core.fork === author.core.fork)
  t.equal(await writer.entry('/b/1'), null)
  t.equal(await reader.entry('/b/1'), null)
  await check('cut off')
  // As long as before, with something else in it.
  await author.put('/c/1', 'c')
  await whole(copy, author)
  t.equal((await writer.entry('/c/1'))?.key, '/c/1')
  t.equal((await reader.entry('/c/1'))?.key, '/c/1')
  await check('written on')
  t.same([(await writer.warmUp()).drives, (await reader.warmUp()).drives], [1, 2])
  await check('taken in')
  for (let i = 0; i < 4; i++) {
    await author.core.truncate(version)
    await author.put(`/c/${i}`, 'c')
    t.equal((await writer.entry(`/c/${i}`))?.key, `/c/${i}`)
    t.equal(await writer.entry(`/c/${i - 1}`), null)
  }
  await whole(copy, author)
  await check('again and again')
})

test('a drive that closes by itself leaves the locator', async (t) => {
  const drives = await drivesOf(t, 3)
  const multi = await multidrive(t, drives)
  t.equal((await multi.warmUp()).drives, 3)
  const left = new Promise((resolve) => multi.once('drive-remove', resolve))
  await drives[1].close()
  await left
  t.equal(await multi.entry('/own 1/file'), null)
  t.same(await keys(multi, '/all'), ['/all/0', '/all/2'])
  t.equal((await multi.warmUp()).drives, 2)
})

test('checkout(version) is right before, at and behind what the locator has seen', async (t) => {
  const drives = await drivesOf(t, 3)
  const multi = await multidrive(t, drives)
  const plain = await unaided(t, multi)
  const paths = ['/own 1/file', '/all/1', '/later/1', '/later/2', '/later/3', '/later/4']
  const versions = [multi.version]
  await drives[1].put('/later/1', 'x')
  await drives[1].del('/all/1')
  versions.push(multi.version)
  await multi.warmUp()
  await drives[2].put('/later/2', 'x')
  await multi.entry('/later/2')
  versions.push(multi.version)
  await drives[1].del('/later/1')
  await drives[0].put('/later/3', 'x')
  // Nobody has read since.
  versions.push(multi.version)
  const check = async (what: string) => {
    for (const [i, version] of versions.entries()) {
      const [past, plainPast] = [multi.checkout(version), plain.checkout(version)]
      await sameAnswers(t, past, plainPast, paths, `version ${i}, ${what}`)
      await Promise.all([past.close(), plainPast.close()])
    }
  }
  await check('before anything is read')
  t.ok(await multi.entry('/later/3'))
  await check('when all of it was seen')
  await multi.warmUp()
  await fill(
    drives[2],
    numbered(1100, (i) => `/later/${i + 3}`)
  )
  versions.push(multi.version)
  await check('before it catches up')
  await multi.warmUp()
  await check('when it has caught up')
  const past = multi.checkout(versions[1]!)
  await past.ready()
  await multi.removeDrive(drives[1])
  t.equal((await past.entry('/later/1'))?.key, '/later/1', 'of a drive that has left')
})

test('checkouts of drives are taken in like drives', async (t) => {
  const [drive] = await drivesOf(t, 1)
  const { version } = drive
  await drive.put('/later', 'x')
  const past = drive.checkout(version)
  cleanup(t, () => past.close())
  const multi = await multidrive(t, [await hyperdrive(t), past])
  const asking = witness([past])
  t.equal((await multi.warmUp()).drives, 2)
  t.same(await asking(() => multi.entry('/later')), NOBODY)
  t.same(await keys(multi), ['/all/0', '/own 0/file'])
  await drive.put('/later still', 'x')
  t.same(await keys(multi), ['/all/0', '/own 0/file'])
})
