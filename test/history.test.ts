import test, { type Test } from 'tape'
import type { Drive } from '../index.ts'
import { collect, failureOf, hyperdrive, link, localdrive, multidrive, store } from './helpers/drives.ts'

const limit = { timeout: 60_000 }

/** What a history tells, with the bytes that each version had. */
async function told(multi: any, path: string, opts?: object): Promise<string[]> {
  const items: string[] = []
  for await (const item of multi.history(path, opts)) {
    const bytes = item.type === 'put' ? await multi.get(item) : null
    items.push(`${item.type} ${item.value?.linkname ?? (bytes === null ? '' : String(bytes))}`.trim())
  }
  return items
}

test('history(path) gives the versions over all drives, the newest first', limit, async (t) => {
  const [own, other] = [await hyperdrive(t), await hyperdrive(t)]
  const multi = await multidrive(t, [own, other])
  const others = await multidrive(t, [other])
  await others.put('/x', 'theirs')
  await multi.put('/x', 'mine', { metadata: { mtime: 1 } })
  await others.put('/x', 'unseen')
  await multi.del('/x')
  await multi.symlink('/x', '/y')
  await multi.put('/elsewhere', 'text')
  t.same(await told(multi, '/x'), ['put /y', 'del', 'put unseen', 'put mine', 'put theirs'])
  t.same(await told(multi, '/nothing'), [])
  t.same(await told(multi, '/x', { limit: 2 }), ['put /y', 'del'])
  t.same(await told(multi, '/x', { limit: 0 }), [])

  const [newest, deletion, unseen] = await collect(multi.history('/x'))
  t.same(Object.keys(newest), ['seq', 'key', 'value', 'mtime', 'type'])
  t.same([newest.key, newest.seq, newest.drive], ['/x', (await multi.entry('/x'))!.seq, own])
  t.same([deletion.key, deletion.value, deletion.drive], ['/x', null, own])
  t.ok(deletion.mtime > unseen.mtime)
  t.equal(unseen.drive, other)
  t.equal(await multi.get(deletion), null, 'a deletion has no bytes')
  t.same(await collect(multi.createReadStream(unseen, { start: 2 })), [Buffer.from('seen')])
})

test('history(path) tells one deletion once, whoever is deleted with it', limit, async (t) => {
  const [own, other] = [await hyperdrive(t), await hyperdrive(t)]
  await other.put('/dir/x', 'theirs')
  const multi = await multidrive(t, [own, other])
  await multi.put('/dir/x', 'mine')
  await multi.del('/dir', { recursive: true })
  t.same(await told(multi, '/dir/x'), ['del', 'put mine', 'put theirs'])
  await multi.put('/dir/x', 'again')
  await own.del('/dir/x')
  t.same(await told(multi, '/dir/x'), ['del', 'put again', 'del', 'put mine', 'put theirs'])
})

test(
  'history(path) puts what a plain program wrote without a date by its place in its drive',
  limit,
  async (t) => {
    const [own, other] = [await hyperdrive(t), await hyperdrive(t)]
    const multi = await multidrive(t, [own, other])
    await other.put('/x', 'dated', { metadata: { mtime: 1000 } })
    await multi.put('/x', 'had seen it')
    await own.put('/x', 'undated')
    await own.del('/x')
    await other.put('/x', 'early', { metadata: { mtime: 2000 } })
    t.same(await told(multi, '/x'), ['del', 'put undated', 'put had seen it', 'put early', 'put dated'])
  }
)

/** What a MultiDrive would have written at a path, with a stamp of one's choice. */
const stamped = (mtime: number, more: object = {}) => ({
  metadata: { mtime, multidrive: { v: 1, ctime: 1, stamped: true, ...more } }
})
const dated = (mtime: number) => ({ metadata: { mtime } })

/** The history, once it is sure that it begins with what is read. */
async function toldFromTheWinner(t: Test, multi: any): Promise<string[]> {
  const [first] = await collect(multi.history('/x', { limit: 1 }))
  const winner = await multi.entry('/x')
  t.same([first.drive === winner.drive, first.seq], [true, winner.seq], 'what is read comes first')
  return told(multi, '/x')
}

test(
  'history(path) orders equal dates as reads do, in whatever order drives were added',
  limit,
  async (t) => {
    const drives = [await hyperdrive(t), await hyperdrive(t), await hyperdrive(t)]
    const byId = [...drives].sort((a, b) => (a.id > b.id ? -1 : 1))
    for (const [i, drive] of byId.entries()) await drive.put('/x', `stamped ${i}`, stamped(5000))
    for (const order of [byId, [...byId].reverse()]) {
      const multi = await multidrive(t, order)
      t.same(await toldFromTheWinner(t, multi), ['put stamped 0', 'put stamped 1', 'put stamped 2'])
    }
  }
)

test(
  'history(path) orders plain versions of one date by their drives, and a later ctime first',
  limit,
  async (t) => {
    const drives = [await hyperdrive(t), await hyperdrive(t), await hyperdrive(t)]
    await drives[0].put('/x', 'added first', dated(5000))
    await drives[1].put('/x', 'added second', dated(5000))
    await drives[2].put('/x', 'older', dated(4000))
    const multi = await multidrive(t, drives)
    t.same(await toldFromTheWinner(t, multi), ['put added first', 'put added second', 'put older'])
    const others = [await hyperdrive(t), await hyperdrive(t)]
    await others[0].put('/x', 'early', stamped(5000, { ctime: 10 }))
    await others[1].put('/x', 'late', stamped(5000, { ctime: 20 }))
    t.same(await toldFromTheWinner(t, await multidrive(t, others)), ['put late', 'put early'])
  }
)

test('history(path) puts a file before a deletion of its date, as it stays then', limit, async (t) => {
  const [own, other] = [await hyperdrive(t), await hyperdrive(t)]
  const multi = await multidrive(t, [own, other])
  await other.put('/x', 'seen', dated(1000))
  await multi.del('/x')
  const [deletion] = await collect(multi.history('/x', { limit: 1 }))
  const author = await hyperdrive(t)
  await author.put('/x', 'unseen', dated(deletion.mtime))
  await multi.addDrive(author)
  t.same(await toldFromTheWinner(t, multi), ['put unseen', 'del', 'put seen'])
})

test('history(path) goes by who had seen whom before it goes by dates', limit, async (t) => {
  const [own, other, third] = [await hyperdrive(t), await hyperdrive(t), await hyperdrive(t)]
  const far = Date.now() + 1e12
  await other.put('/x', 'of the future', dated(far))
  const multi = await multidrive(t, [own, other])
  await multi.put('/x', 'dated back', { mtime: 1000 })
  await third.put('/x', 'unseen', dated(2000))
  await multi.addDrive(third)
  t.same(await toldFromTheWinner(t, multi), ['put unseen', 'put dated back', 'put of the future'])
  await multi.utimes('/x', 1, 1)
  t.same(
    await toldFromTheWinner(t, multi),
    ['put unseen', 'put unseen', 'put dated back', 'put of the future'],
    'also where what had seen it is the oldest by date'
  )
})

test(
  'history(path) goes by the date of what a drive shows, not by those that it has replaced',
  limit,
  async (t) => {
    const [own, other] = [await hyperdrive(t), await hyperdrive(t)]
    await own.put('/x', 'late', dated(5000))
    await own.put('/x', 'dated back', dated(100))
    await other.put('/x', 'between', dated(3000))
    const multi = await multidrive(t, [own, other])
    t.same(await toldFromTheWinner(t, multi), ['put between', 'put dated back', 'put late'])
  }
)

test('history(path) puts a date that is not believed by its place in its drive', limit, async (t) => {
  const [own, other] = [await hyperdrive(t), await hyperdrive(t)]
  await own.put('/x', 'old', dated(1000))
  await own.put('/x', 'forged', stamped(Date.now() + 1e12))
  await other.put('/x', 'older', dated(500))
  const multi = await multidrive(t, [own, other], { maxClockSkew: 60_000 })
  t.same(await told(multi, '/x'), ['put forged', 'put old', 'put older'])
})

test('history(path) of a Localdrive is what it holds now', limit, async (t) => {
  const [own, local] = [await hyperdrive(t), await localdrive(t)]
  const multi = await multidrive(t, [own, local])
  await local.put('/x', 'one')
  await multi.put('/x', 'two')
  await local.put('/x', 'three')
  const items = await collect(multi.history('/x'))
  t.same(items.map(({ seq, drive }) => [drive === local, seq === null]).sort(), [
    [false, false],
    [true, true]
  ])
  t.ok((await told(multi, '/x')).includes('put three'))
})

test('history(path) of a checkout ends there', limit, async (t) => {
  const multi = await multidrive(t, [await hyperdrive(t)])
  await multi.put('/x', 'one')
  const { version } = multi
  await multi.put('/x', 'two')
  t.same(await told(multi.checkout(version), '/x'), ['put one'])
  t.same(await told(multi, '/x'), ['put two', 'put one'])
})

test('history(path) is read as far as it is asked for', limit, async (t) => {
  const own = await hyperdrive(t)
  const multi = await multidrive(t, [own, await hyperdrive(t)])
  await multi.put('/x', 'old')
  for (let i = 0; i < 3000; i++) await own.put('/y', '')
  await multi.put('/x', 'new')
  let lowest = own.version
  const { createHistoryStream } = own.db
  own.db.createHistoryStream = (opts: { gte: number }) => {
    lowest = Math.min(lowest, opts.gte)
    return createHistoryStream.call(own.db, opts)
  }
  t.same(await told(multi, '/x', { limit: 1 }), ['put new'])
  t.ok(lowest > 1000, 'to begin with, not to the end')
  t.same(await told(multi, '/x'), ['put new', 'put old'])
})

test(
  'history(path, { wait, timeout }) of a drive whose peers are gone fails, naming it',
  limit,
  async (t) => {
    const [here, there] = [await store(t), await store(t)]
    const theirs = await hyperdrive(t, { store: there })
    await theirs.put('/x', 'one')
    await theirs.put('/x', 'two')
    const remote = await hyperdrive(t, { store: here, key: theirs.key })
    const multi = await multidrive(t, [await hyperdrive(t, { store: here })])
    await multi.addDrive(remote, { sparse: true })
    const unlink = link(here, there)
    await multi.update({ wait: true })
    t.equal(String(await multi.get('/x')), 'two')
    await unlink()
    const err = await failureOf(collect(multi.history('/x', { wait: false })))
    t.equal(err.code, 'BLOCK_NOT_AVAILABLE')
    t.equal(err.drive, remote)
    t.equal((await failureOf(collect(multi.history('/x', { timeout: 200 })))).code, 'REQUEST_TIMEOUT')
    const stream = multi.history('/x')
    const closed = new Promise<void>((resolve) => stream.on('close', () => resolve()))
    stream.on('error', () => undefined).resume()
    stream.destroy()
    await closed
    t.pass('a stream that is destroyed waits for nobody')
  }
)

test(
  'history(path) of drives that claim to have seen each other in a ring comes to its end',
  limit,
  async (t) => {
    const drives = [await hyperdrive(t), await hyperdrive(t), await hyperdrive(t)]
    for (const [i, drive] of drives.entries()) {
      const clock = { [drives[(i + 1) % 3].id]: 99 }
      await drive.put('/x', String(i), {
        metadata: { mtime: i, multidrive: { v: 1, ctime: i, stamped: true, clock } }
      })
    }
    const multi = await multidrive(t, drives)
    t.same((await told(multi, '/x')).sort(), ['put 0', 'put 1', 'put 2'])
  }
)

test('history(path) with a bad path is EINVAL', limit, async (t) => {
  const multi = await multidrive(t, [await hyperdrive(t)])
  t.equal((await failureOf(collect(multi.history('/')))).code, 'EINVAL')
  t.equal((await failureOf(collect(multi.history('/..')))).code, 'EINVAL')
})

test('history(path) of a MultiDrive in another one is that of its drives, each once', limit, async (t) => {
  const [own, other] = [await hyperdrive(t), await hyperdrive(t)]
  await other.put('/x', 'theirs', { metadata: { mtime: 1 } })
  const inner = await multidrive(t, [own, other])
  await inner.put('/x', 'mine')
  const outer = await multidrive(t, [await hyperdrive(t), other, inner])
  t.same(await told(outer, '/x'), ['put mine', 'put theirs'])
  const drives = (await collect<{ drive: Drive }>(outer.history('/x'))).map(({ drive }) => drive)
  t.equal(drives[0], inner)
  t.equal(drives[1], other)
})
