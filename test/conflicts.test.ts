import test from 'tape'
import { failureOf, hyperdrive, localdrive, multidrive } from './helpers/drives.ts'

const drivesOf = (entries: { drive: unknown }[]) => entries.map(({ drive }) => drive)

test('conflicts(path) gives the versions of which none had seen another, the newest first', async (t) => {
  const [a, b, c] = [await hyperdrive(t), await hyperdrive(t), await hyperdrive(t)]
  await a.put('/x', 'a', { metadata: { mtime: 1 } })
  t.same(await (await multidrive(t, [a])).conflicts('/x'), [])
  await b.put('/x', 'b', { metadata: { mtime: 2 } })

  const multi = await multidrive(t, [c, a, b])
  t.same(drivesOf(await multi.conflicts('/x')), [b, a])
  t.same(await multi.conflicts('/nothing'), [])
  const [newest, oldest] = await multi.conflicts('/x')
  t.is(String(await multi.get(newest!)), 'b')
  t.is(String(await multi.get(oldest!)), 'a', 'the loser can be read')
})

test('conflicts(path) is settled by any write, and begins again with the next unseen one', async (t) => {
  const [a, b] = [await hyperdrive(t), await hyperdrive(t)]
  const [first, second] = [await multidrive(t, [a]), await multidrive(t, [b])]
  await first.put('/x', 'first')
  await second.put('/x', 'second')
  await first.addDrive(b)
  t.is((await first.conflicts('/x')).length, 2)
  await first.put('/x', 'settled', { metadata: { mtime: 1 } })
  t.same(await first.conflicts('/x'), [], 'whatever the dates say')
  await second.put('/x', 'unseen')
  t.same(drivesOf(await first.conflicts('/x')), [b, a])
  await first.del('/x')
  t.same(await first.conflicts('/x'), [], 'a delete settles it too')
})

test('conflicts(path) leaves out drives without history', async (t) => {
  const [folder, drive] = [await localdrive(t), await hyperdrive(t)]
  await folder.put('/x', 'folder')
  await drive.put('/x', 'drive')
  const multi = await multidrive(t, [folder, drive])
  t.same(await multi.conflicts('/x'), [])
  t.is((await failureOf(multi.conflicts('/'))).code, 'EINVAL')
})
