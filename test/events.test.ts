/** What a MultiDrive tells by itself. */
import { once } from 'node:events'
import test from 'tape'
import MultiDrive from '../index.ts'
import {
  cleanup,
  contents,
  hyperdrive,
  indexes,
  keys,
  link,
  localdrive,
  multidrive,
  store
} from './helpers/drives.ts'

const limit = { timeout: 60_000 }

test("events 'drive-add', 'drive-remove' and 'update'", limit, async (t) => {
  const [first, second] = [await hyperdrive(t), await hyperdrive(t)]
  const events: unknown[][] = []
  const multi = new MultiDrive(first)
  cleanup(t, () => multi.close())
  for (const event of ['drive-add', 'drive-remove', 'update']) {
    multi.on(event, (drive: unknown) =>
      events.push([event, drive === first ? 1 : drive === second ? 2 : drive])
    )
  }
  await multi.ready()
  t.same(events.splice(0), [
    ['drive-add', 1],
    ['update', 1]
  ])
  await multi.addDrive(second)
  t.same(events.splice(0), [
    ['drive-add', 2],
    ['update', 2]
  ])
  await second.put('/file', 'bytes')
  t.ok(
    events.splice(0).some(([event, drive]) => event === 'update' && drive === 2),
    'a write beside the MultiDrive'
  )
  await multi.put('/file', 'bytes')
  t.ok(
    events.splice(0).some(([event, drive]) => event === 'update' && drive === 1),
    'a write through it'
  )
  await multi.removeDrive(second)
  t.same(events.splice(0), [
    ['drive-remove', 2],
    ['update', 2]
  ])
  await second.put('/file', 'again')
  t.same(events, [], 'nothing of a drive that left')
})

test('a listener that throws fails nothing but itself, and is not swallowed', limit, async (t) => {
  for (const drive of [await hyperdrive(t), await localdrive(t)]) {
    const multi = await multidrive(t, [drive])
    const mistake = new Error('of the listener')
    multi.once('update', () => {
      throw mistake
    })
    const thrown = once(process, 'uncaughtException')
    await multi.put('/file', 'bytes')
    t.equal((await thrown)[0], mistake)
    t.equal(String(await multi.get('/file')), 'bytes')
    await multi.put('/file', 'again')
    t.equal(String(await multi.get('/file')), 'again')
  }
})

test("events 'peer-add', 'peer-remove' and 'drive-sync'", limit, async (t) => {
  const [theirs, ours] = [await store(t), await store(t)]
  const source = await hyperdrive(t, { store: theirs })
  await source.put('/file', 'theirs')
  const remote = await hyperdrive(t, { store: ours, key: source.key })
  const multi = await multidrive(t, [remote])
  await multi.ready()
  t.same(indexes(multi.unsynced, [remote]), [0])
  const [added, synced] = [once(multi, 'peer-add'), once(multi, 'drive-sync')]
  const unlink = link(theirs, ours)
  const [peer] = await added
  t.equal(multi.peers.length, 1)
  t.equal(multi.peers[0], peer)
  t.equal((await synced)[0], remote)
  t.same(multi.unsynced, [])
  t.same(await keys(multi), ['/file'])
  const again = once(multi, 'drive-sync')
  await source.put('/other', 'theirs')
  await again
  t.same(await keys(multi), ['/file', '/other'])
  const removed = once(multi, 'peer-remove')
  await unlink()
  t.equal((await removed)[0], peer)
  t.same(multi.peers, [])
  t.same(await keys(multi), ['/file', '/other'], 'what was visible stays visible')
})

test('events of drives inside a nested MultiDrive', limit, async (t) => {
  const deep = await hyperdrive(t)
  const nested = await multidrive(t, [deep])
  const multi = await multidrive(t, [nested])
  await multi.ready()
  const updated = once(multi, 'update')
  await deep.put('/file', 'x')
  t.equal((await updated)[0], nested)
  t.same(await keys(multi), ['/file'])
})

test('a drive that closes leaves the set', limit, async (t) => {
  const [first, second] = [await hyperdrive(t), await hyperdrive(t)]
  const nested = await multidrive(t, [await hyperdrive(t)])
  await second.put('/second', 'x')
  await nested.put('/nested', 'x')
  const multi = await multidrive(t, [first, second, nested])
  t.same(await keys(multi), ['/nested', '/second'])
  let left = once(multi, 'drive-remove')
  await second.close()
  t.equal((await left)[0], second)
  t.equal(multi.hasDrive(second), false)
  t.same(await keys(multi), ['/nested'])
  left = once(multi, 'drive-remove')
  await nested.close()
  t.equal((await left)[0], nested)
  t.same(await keys(multi), [])
  t.same(indexes(multi.drives, [first]), [0])
  await multi.put('/file', 'goes on')
  t.same(await keys(multi), ['/file'])
})

test('the primary that closes leaves the set, and still lends its key', limit, async (t) => {
  const [first, second] = [await hyperdrive(t), await hyperdrive(t)]
  const multi = await multidrive(t, [first, second])
  const { key } = first
  const left = once(multi, 'drive-remove')
  await first.close()
  await left
  t.same(multi.key, key)
  t.equal(multi.writer, second)
  await multi.put('/file', 'x')
  t.same(await contents(second), { '/file': 'x' })
})
