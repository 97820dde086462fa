/** Which of the versions of a path is seen. */
import test from 'tape'
import MultiDrive, { byMtime, byOrder, MultiDriveError, type Comparator, type EntryStat } from '../index.ts'
import { contents, failureOf, hyperdrive, keys, localdrive, multidrive } from './helpers/drives.ts'

const limit = { timeout: 60_000 }
const DAY = 24 * 60 * 60 * 1000

test('compareStats is given entries with dates and drives', limit, async (t) => {
  const [first, second] = [await hyperdrive(t), await hyperdrive(t)]
  const local = await localdrive(t)
  await first.put('/file', 'first', { metadata: { mtime: 5, mine: true } })
  const author = new MultiDrive(second)
  await author.put('/file', 'second')
  await local.put('/file', 'local')
  const multi = await multidrive(t, [first, second, local])
  const seen: EntryStat[] = []
  multi.compareStats = (a, b) => {
    seen.push(a, b)
    return byMtime(a, b)
  }
  await multi.get('/file')
  t.ok(seen.length >= 4)
  const of = (drive: unknown) => seen.find((stat) => stat.drive === drive)!
  for (const stat of seen) {
    t.equal(stat.key, '/file')
    t.same(Object.keys(stat.value).sort(), ['blob', 'executable', 'linkname', 'metadata'])
  }
  t.equal(of(first).mtime, 5)
  t.equal(of(first).ctime, null)
  t.equal(of(first).seq, 1)
  t.same(of(first).value.metadata, { mtime: 5, mine: true })
  t.equal(typeof of(second).ctime, 'number')
  t.equal(of(second).value.metadata, null)
  t.equal(typeof of(local).mtime, 'number')
  t.equal(of(local).seq, null)
})

test('compareStats decides alone, in reads and listings', limit, async (t) => {
  const [first, second, third] = [await hyperdrive(t), await hyperdrive(t), await hyperdrive(t)]
  for (const [i, drive] of [first, second, third].entries()) {
    await drive.put('/file', `${i}`, { metadata: { mtime: 1000 + i } })
  }
  const multi = await multidrive(t, [first, second, third])
  t.same(await contents(multi), { '/file': '2' })
  const updates: unknown[] = []
  multi.on('update', (drive: unknown) => updates.push(drive))
  multi.compareStats = (a, b) => a.mtime! - b.mtime!
  t.ok(updates.length > 0, 'update')
  t.same(await contents(multi), { '/file': '0' })
  t.equal(await multi.resolveLatest('/file'), first)
  multi.compareStats = (a, b) => (a.drive === second ? -1 : b.drive === second ? 1 : 0)
  t.same(await contents(multi), { '/file': '1' })
  t.equal(String(await multi.get('/file')), '1')
  multi.compareStats = byOrder
  t.same(await contents(multi), { '/file': '0' })
  multi.compareStats = byMtime
  t.same(await contents(multi), { '/file': '2' })
  await first.put('/file', 'seen', { metadata: { mtime: 1 } })
  const given = await multidrive(t, [first, second], { compareStats: byOrder })
  t.same(await contents(given), { '/file': 'seen' })
  t.equal((await failureOf(() => (multi.compareStats = undefined as unknown as Comparator))).code, 'EINVAL')
})

test('compareStats that throws fails the read', limit, async (t) => {
  const [first, second] = [await hyperdrive(t), await hyperdrive(t)]
  await first.put('/file', '1')
  await second.put('/file', '2')
  const multi = await multidrive(t, [first, second], {
    compareStats: () => {
      throw new Error('cannot compare')
    }
  })
  t.match((await failureOf(multi.get('/file'))).message, /cannot compare/)
  t.match((await failureOf(keys(multi))).message, /cannot compare/)
})

test('byMtime(a, b) and byOrder(a, b)', limit, async (t) => {
  t.ok(byMtime({ mtime: 2 }, { mtime: 1 }) < 0)
  t.ok(byMtime({ mtime: 1 }, { mtime: 2 }) > 0)
  t.equal(byMtime({ mtime: 1 }, { mtime: 1 }), 0)
  t.ok(byMtime({ mtime: 1, ctime: 3 }, { mtime: 1, ctime: 2 }) < 0)
  t.ok(byMtime({ mtime: new Date(5) }, { mtime: 4 }) < 0)
  for (const mtime of [null, -1, NaN, Infinity, 8.64e15 + 2, 'x' as unknown as number, new Date(NaN)]) {
    t.ok(byMtime({ mtime }, { mtime: 0 }) > 0, `${String(mtime)} is older than any date`)
    t.equal(byMtime({ mtime }, { mtime: null }), 0)
  }
  t.ok(byMtime({ mtime: 8.64e15 }, { mtime: 1 }) < 0)
  t.equal(byOrder(...([{}, {}] as Parameters<typeof byOrder>)), 0)
  t.equal(MultiDrive.byMtime, byMtime)
  t.equal(MultiDrive.byOrder, byOrder)
  t.equal(MultiDrive.MultiDriveError, MultiDriveError)
})

test('resolveLatest(path, cb?)', limit, async (t) => {
  const [first, second] = [await hyperdrive(t), await hyperdrive(t)]
  await first.put('/file', 'old', { metadata: { mtime: 1 } })
  await second.put('/file', 'new', { metadata: { mtime: 2 } })
  const multi = await multidrive(t, [first, second])
  t.equal(await multi.resolveLatest('/file'), second)
  const called = await new Promise<unknown[]>((resolve) =>
    multi.resolveLatest('/file', (...args) => resolve(args))
  )
  t.equal(called[0], null)
  t.equal(called[1], second)
  const err = await failureOf(multi.resolveLatest('/none'))
  t.same([err.code, err.path], ['ENOENT', '/none'])
  const failed = await new Promise<NodeJS.ErrnoException | null>((resolve) =>
    multi.resolveLatest('/none', resolve)
  )
  t.equal(failed?.code, 'ENOENT')
  await multi.del('/file')
  t.equal((await failureOf(multi.resolveLatest('/file'))).code, 'ENOENT')
})

test('entry.drive is the drive of the set, not the one inside a nested MultiDrive', limit, async (t) => {
  const [own, deep] = [await hyperdrive(t), await hyperdrive(t)]
  await deep.put('/file', 'x')
  const nested = await multidrive(t, [deep])
  const multi = await multidrive(t, [own, nested])
  t.equal(await multi.resolveLatest('/file'), nested)
  t.equal((await multi.entry('/file'))!.drive, nested)
  t.equal(multi.writer, own)
})

test('one drive in two MultiDrives of one set is seen once', limit, async (t) => {
  const shared = await hyperdrive(t)
  const left = await multidrive(t, [await hyperdrive(t), shared])
  const right = await multidrive(t, [await hyperdrive(t), shared])
  const multi = await multidrive(t, [left, right, shared])
  await shared.put('/file', 'x')
  t.same(await contents(multi), { '/file': 'x' })
  await multi.put('/file', 'changed')
  t.same(await contents(multi), { '/file': 'changed' })
  await multi.del('/file')
  t.same(await contents(multi), {})
})

test('maxClockSkew: a date further ahead of the clock counts as none', limit, async (t) => {
  const [own, forger] = [await hyperdrive(t), await hyperdrive(t)]
  await own.put('/file', 'honest', { metadata: { mtime: Date.now() - DAY } })
  await forger.put('/file', 'forged', { metadata: { mtime: Date.now() + DAY } })
  const trusting = await multidrive(t, [own, forger])
  t.same(await contents(trusting), { '/file': 'forged' })
  const wary = new MultiDrive(own, { maxClockSkew: DAY / 2 })
  await wary.addDrive(forger)
  t.same(await contents(wary), { '/file': 'honest' })
  const tolerant = new MultiDrive(own, { maxClockSkew: 2 * DAY })
  await tolerant.addDrive(forger)
  t.same(await contents(tolerant), { '/file': 'forged' })
  await forger.put('/alone', 'forged', { metadata: { mtime: Date.now() + DAY } })
  t.equal((await wary.entry('/alone'))!.mtime, null)
  await wary.put('/file', 'written')
  t.ok(Math.abs((await wary.entry('/file'))!.mtime! - Date.now()) < DAY / 2, 'a write is not pushed ahead')
  t.same((await contents(wary))['/file'], 'written')
})

test('maxClockSkew: 0 still believes dates of now', limit, async (t) => {
  const multi = await multidrive(t, [await hyperdrive(t), await hyperdrive(t)], { maxClockSkew: 0 })
  await multi.put('/file', '1')
  await multi.put('/file', '2')
  t.same(await contents(multi), { '/file': '2' })
})

test('a forged date is overwritten by anyone', limit, async (t) => {
  const [own, forger] = [await hyperdrive(t), await hyperdrive(t)]
  await forger.put('/file', 'forged', { metadata: { mtime: 8.64e15 } })
  await forger.put('/gone', 'forged', { metadata: { mtime: 8.64e15 } })
  const multi = await multidrive(t, [own, forger])
  await multi.put('/file', 'honest')
  await multi.del('/gone')
  t.same(await contents(multi), { '/file': 'honest' })
})

test('addDrive(drive, { tombstones: false }) takes its files and ignores its deletions', limit, async (t) => {
  const [own, deleter, victim] = [await hyperdrive(t), await hyperdrive(t), await hyperdrive(t)]
  for (const path of ['/file', '/dir/a', '/dir/b']) await victim.put(path, 'theirs')
  const author = await multidrive(t, [deleter, victim])
  await author.put('/added', 'added')
  await author.del('/file')
  await author.del('/dir', { recursive: true })
  const believing = await multidrive(t, [own, deleter, victim])
  t.same(await keys(believing), ['/added'])
  const doubting = new MultiDrive(own)
  await doubting.addDrive(deleter, { tombstones: false })
  await doubting.addDrive(victim)
  t.same(await keys(doubting), ['/added', '/dir/a', '/dir/b', '/file'])
  const nested = new MultiDrive(own)
  await nested.addDrive(author, { tombstones: false })
  await nested.addDrive(victim)
  t.same(await keys(nested), ['/added', '/dir/a', '/dir/b', '/file'])
})

test('a checkout shows its version and takes no write', limit, async (t) => {
  const [own, theirs] = [await hyperdrive(t), await hyperdrive(t)]
  await theirs.put('/file', 'old')
  const { version } = theirs
  await theirs.put('/file', 'new')
  await theirs.put('/later', 'x')
  const alone = await multidrive(t, [theirs.checkout(version)])
  t.same(await contents(alone), { '/file': 'old' })
  t.same([alone.writable, alone.writer], [false, null])
  t.equal((await failureOf(alone.put('/file', 'x'))).code, 'EROFS')
  const multi = await multidrive(t, [theirs.checkout(version), own])
  t.equal(multi.writer, own)
  t.same(await contents(multi), { '/file': 'old' })
  await multi.put('/file', 'ours')
  t.same(await contents(multi), { '/file': 'ours' })
  t.equal(String(await theirs.get('/file')), 'new')
})

test('two checkouts of one drive are two drives', limit, async (t) => {
  const theirs = await hyperdrive(t)
  await theirs.put('/one', '1')
  const first = theirs.checkout(theirs.version)
  await theirs.del('/one')
  await theirs.put('/two', '2')
  const second = theirs.checkout(theirs.version)
  const multi = await multidrive(t, [await hyperdrive(t), first, second])
  t.equal(multi.drives.length, 3)
  t.same(await keys(multi), ['/one', '/two'])
})

test('entries print, compare and become JSON without their drive', limit, async (t) => {
  const multi = await multidrive(t, [await hyperdrive(t)])
  await multi.put('/file', 'x', { metadata: { a: 1 } })
  const entry = (await multi.entry('/file'))!
  const { seq, key, value, mtime } = JSON.parse(JSON.stringify(entry))
  t.same({ seq, key, value, mtime }, JSON.parse(JSON.stringify(entry)))
  t.equal(entry.drive, multi.drives[0])
  t.same(await multi.entry('/file'), entry)
})
