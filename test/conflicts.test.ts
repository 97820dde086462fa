import { once } from 'node:events'
import Hyperdrive from 'hyperdrive'
import test from 'tape'
import MultiDrive, { type Drive, type Entry } from '../index.ts'
import { within } from './availability/links.ts'
import {
  cleanup,
  collect,
  failureOf,
  hyperdrive,
  link,
  localdrive,
  multidrive,
  store
} from './helpers/drives.ts'
import { entriesRead, failReads } from './helpers/reads.ts'

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

test('what an author had seen is known to those who read on from there', async (t) => {
  const stores = [await store(t), await store(t), await store(t)]
  const drives = await Promise.all(stores.map((corestore) => hyperdrive(t, { store: corestore })))
  const [ann, ben, cem] = await Promise.all(drives.map((drive) => multidrive(t, [drive])))
  const hears = async (one: number, other: number) => {
    const multi = [ann, ben, cem][one]!
    if (!multi.hasDrive(drives[other].key)) await multi.addDrive(drives[other].key)
    const end = link(stores[one], stores[other])
    await within(10_000, 'the exchange', multi.update({ wait: true }))
    await multi.download().done()
    await end()
  }
  await ann!.put('/x', 'one', { metadata: { mtime: Date.now() + 60_000 } })
  await hears(1, 0)
  await ben!.put('/x', 'two', { metadata: { mtime: 2 } })
  // He never meets Ann.
  await hears(2, 1)
  await cem!.put('/x', 'three', { metadata: { mtime: 1 } })
  await hears(0, 2)
  t.same(await ann!.conflicts('/x'), [])
  t.equal(String(await ann!.get('/x')), 'three')
  await ben!.put('/x', 'unseen by the others', { metadata: { mtime: 3 } })
  await hears(0, 1)
  t.equal((await ann!.conflicts('/x')).length, 2, 'of the three one is superseded')
})

test('conflicts(path) leaves out drives without history', async (t) => {
  const [folder, drive] = [await localdrive(t), await hyperdrive(t)]
  await folder.put('/x', 'folder')
  await drive.put('/x', 'drive')
  const multi = await multidrive(t, [folder, drive])
  t.same(await multi.conflicts('/x'), [])
  t.is((await failureOf(multi.conflicts('/'))).code, 'EINVAL')
})

interface PathConflict {
  key: string
  candidates: Entry[]
}

test('conflicts({ folder }) streams every path that has any, in order', async (t) => {
  const [a, b, c] = [await hyperdrive(t), await hyperdrive(t), await hyperdrive(t)]
  for (const [i, drive] of [a, b].entries()) {
    const multi = await multidrive(t, [drive])
    for (const path of ['/d/x', '/d/y/z', '/d0', '/a', `/only-${i}`]) await multi.put(path, String(i))
  }
  const multi = await multidrive(t, [c, a, b])
  const of = async (opts?: object) => {
    const found = await collect<PathConflict>(multi.conflicts(opts))
    t.ok(found.every(({ candidates }) => candidates.length === 2))
    return found.map(({ key }) => key)
  }
  t.same(await of(), ['/a', '/d/x', '/d/y/z', '/d0'])
  t.same(await of({ folder: '/d' }), ['/d/x', '/d/y/z'])
  t.same(await of({ folder: 'd/y/' }), ['/d/y/z'])
  t.same(await of({ folder: '/nothing' }), [])
  const [first] = await collect<PathConflict>(multi.conflicts())
  t.same(drivesOf(first!.candidates), drivesOf(await multi.conflicts('/a')))
  t.same(String(await multi.get(first!.candidates[1]!)), '0')
  await multi.put('/a', 'settled')
  await multi.rm('/d', { recursive: true })
  t.same(await of(), ['/d0'])
  t.equal((await failureOf(collect(multi.conflicts({ folder: '..' })))).code, 'EINVAL')
})

test('conflicts() is not read further than it is asked for', async (t) => {
  const [a, b] = [await hyperdrive(t), await hyperdrive(t)]
  for (const drive of [a, b]) {
    const batch = drive.batch()
    for (let i = 0; i < 5000; i++) await batch.put(`/${String(i).padStart(4, '0')}`, '')
    await batch.flush()
  }
  const multi = await multidrive(t, [a, b])
  const read = await entriesRead(async () => {
    for await (const { key } of multi.conflicts()) {
      t.equal(key, '/0000')
      break
    }
  })
  t.ok(read > 0 && read < 1000, `${read} entries read`)
})

test('conflicts(path) of a version that two drives of the set show is none', async (t) => {
  const [a, b] = [await hyperdrive(t), await hyperdrive(t)]
  await a.put('/x', 'a')
  const inner = await multidrive(t, [a])
  const outer = await multidrive(t, [b, a, inner, a.checkout(a.version)])
  t.same(await outer.conflicts('/x'), [])
  t.same(await collect(outer.conflicts()), [])
})

/** Two peers that both have the drives of two rivals at a path, and one of which writes. */
async function rivals(t: test.Test, path: string) {
  const [here, there] = [await store(t), await store(t)]
  const [a, b, own] = await Promise.all(
    ['a', 'b', 'own'].map(async (name) => {
      const drive = new Hyperdrive(here.namespace(name))
      await drive.ready()
      return drive
    })
  )
  await a.put(path, 'a', { executable: true, metadata: { of: 'a', mtime: 5 } })
  await b.put(path, 'b', { metadata: { mtime: 6 } })
  const multi = await multidrive(t, [own, a, b])
  const copies = []
  for (const drive of [a, b, own]) copies.push(await hyperdrive(t, { store: there, key: drive.key }))
  const peer = await multidrive(t, copies)
  const isSettled = async () => {
    const unlink = link(here, there)
    await peer.update({ wait: true })
    const [entry, bytes] = [await peer.entry(path), await peer.get(path)]
    t.same(await peer.conflicts(path), [], 'settled for the peer')
    await unlink()
    t.same(await multi.conflicts(path), [], 'settled here')
    t.same(await collect(multi.conflicts()), [])
    return { entry, text: bytes && String(bytes) }
  }
  t.equal((await multi.conflicts(path)).length, 2)
  return { multi, a, b, own, isSettled }
}

test('resolve(path, data) settles a conflict for every peer that has the write', async (t) => {
  const { multi, own, isSettled } = await rivals(t, '/x')
  await multi.resolve('/x', 'both', { metadata: { note: 1 } })
  const { text, entry } = await isSettled()
  t.equal(text, 'both')
  t.same(entry!.value.metadata, { note: 1 })
  t.equal((await multi.entry('/x'))!.drive, own)
})

test('resolve(path, { keep: drive }) makes its version the newest', async (t) => {
  const { multi, a, own, isSettled } = await rivals(t, '/x')
  t.equal(String(await multi.get('/x')), 'b')
  const before = Date.now()
  await multi.resolve('/x', { keep: a })
  const { text, entry } = await isSettled()
  t.equal(text, 'a')
  t.equal(entry!.value.executable, true)
  t.same(entry!.value.metadata, { of: 'a' }, 'with its metadata, but for the date')
  t.ok(entry!.mtime! >= before)
  t.equal((await multi.entry('/x'))!.drive, own)
})

test('resolve(path, null) deletes it, also where a deletion hides it already', async (t) => {
  const { multi, isSettled, own } = await rivals(t, '/x')
  await multi.resolve('/x', null)
  t.same(await isSettled(), { entry: null, text: null })

  const second = await rivals(t, '/x')
  // Someone else's deletion, later than both and made without having seen either.
  const other = await hyperdrive(t)
  await other.put('/x', 'theirs')
  const others = await multidrive(t, [await hyperdrive(t), other])
  await others.del('/x')
  await second.multi.addDrive(others.primary)
  t.equal(await second.multi.get('/x'), null)
  t.equal((await second.multi.conflicts('/x')).length, 2)
  await second.multi.resolve('/x', null)
  t.same(await second.multi.conflicts('/x'), [])
  t.ok(own)
})

test('resolve(path, { keep: drive }) of a link, and of a file of the writer, whose bytes are not written again', async (t) => {
  const [own, other] = [await hyperdrive(t), await hyperdrive(t)]
  await other.symlink('/x', '/y')
  await other.put('/big', 'small')
  await own.put('/x', 'file')
  await own.put('/big', Buffer.alloc(1 << 20, 1))
  const multi = await multidrive(t, [own, other])
  await multi.resolve('/x', { keep: other })
  t.equal((await multi.entry('/x'))!.value.linkname, '/y')
  const { core } = await own.getBlobs()
  const { byteLength } = core
  const mode = async () => (await multi.stat('/big')).mode & 0o777
  await multi.chmod('/big', 0o600)
  await other.put('/big', 'unseen')
  await multi.resolve('/big', { keep: own })
  t.equal((await multi.get('/big'))!.byteLength, 1 << 20)
  t.equal(await mode(), 0o600, 'the bits stay')
  t.equal(core.byteLength, byteLength)
  t.same(await collect(multi.conflicts()), [])
})

test('resolve(path, { keep: drive }) of a Localdrive, into a Localdrive', async (t) => {
  const [local, other] = [await localdrive(t), await hyperdrive(t)]
  await local.put('/x', 'local', { executable: true })
  await other.put('/x', 'other', { metadata: { mtime: Date.now() + 60_000 } })
  const multi = await multidrive(t, [local, other])
  t.equal(String(await multi.get('/x')), 'other')
  await multi.resolve('/x', { keep: local })
  t.equal(String(await multi.get('/x')), 'local')
  t.equal((await multi.entry('/x'))!.value.executable, true)
  await multi.resolve('/x', { keep: other })
  t.equal(String(await local.get('/x')), 'other')
})

test('resolve(path, how) that cannot be done says why', async (t) => {
  const [own, other, empty] = [await hyperdrive(t), await hyperdrive(t), await hyperdrive(t)]
  await other.put('/x', 'other')
  await other.put('/dir/file', 'other')
  const multi = await multidrive(t, [own, other, empty])
  const missing = await failureOf(multi.resolve('/x', { keep: empty }))
  t.same([missing.code, missing.path, missing.syscall, missing.drive], ['ENOENT', '/x', 'resolve', empty])
  t.equal((await failureOf(multi.resolve('/x', { keep: await hyperdrive(t) }))).code, 'DRIVE_INVALID')
  t.equal((await failureOf(multi.resolve('/', 'text'))).code, 'EINVAL')
  t.equal((await failureOf(multi.resolve('/', { keep: other }))).code, 'EINVAL')
  t.equal((await failureOf(multi.resolve('/x', undefined as never))).code, 'EINVAL')
  t.equal((await failureOf(multi.resolve('/dir', 'text'))).code, 'EISDIR')
  const reading = multi.checkout(multi.version)
  for (const how of ['text', null, { keep: other }])
    t.equal((await failureOf(reading.resolve('/x', how))).code, 'EROFS')
})

/** What the event `conflict` has told, once so many have come. */
function told(t: test.Test, multi: MultiDrive) {
  const events: string[] = []
  let look: () => void = () => undefined
  const listener = ({ key, candidates }: PathConflict) => {
    events.push(`${key} ${candidates.length}`)
    look()
  }
  multi.on('conflict', listener)
  cleanup(t, () => multi.off('conflict', listener))
  return async (...expected: string[]): Promise<string[]> => {
    const come = new Promise<void>((resolve) => {
      look = () => {
        if (expected.every((event) => events.includes(event))) resolve()
      }
      look()
    })
    await within(10_000, expected.join(', '), come)
    return events.splice(0)
  }
}

test('the event `conflict` tells what a drive brings that was added or has changed', async (t) => {
  const [a, b, c] = [await hyperdrive(t), await hyperdrive(t), await hyperdrive(t)]
  for (const path of ['/x', '/both', '/known']) await a.put(path, 'a')
  for (const path of ['/x', '/only']) await b.put(path, 'b')
  await c.put('/known', 'c')
  const multi = await multidrive(t, [a, c])
  const until = told(t, multi)
  await multi.addDrive(b)
  t.same(await until('/x 2'), ['/x 2'], 'what was there before is not told')
  await b.put('/both', 'b')
  t.same(await until('/both 2'), ['/both 2'])
  await b.put('/x', 'another')
  t.same(await until('/x 2'), ['/x 2'], 'another version is another conflict')
  await c.put('/x', 'c')
  t.same(await until('/x 3'), ['/x 3'])
  await c.del('/x')
  await multi.put('/x', 'settled')
  await multi.put('/both', 'settled')
  await multi.put('/mine', 'text')
  await b.put('/mine', 'b')
  t.same(await until('/mine 2'), ['/mine 2'], 'nor is what was settled, or what is left of one')
})

test('the event `conflict` is not told of rivals from before anybody listened, whoever else changes there', async (t) => {
  const [a, b, c] = [await hyperdrive(t), await hyperdrive(t), await hyperdrive(t)]
  for (const drive of [a, b, c]) await drive.put('/x', 'text')
  const multi = await multidrive(t, [a, b, c])
  const until = told(t, multi)
  await c.del('/x')
  for (const drive of [a, b]) await drive.put('/y', 'text')
  t.same(await until('/y 2'), ['/y 2'])
  t.equal((await multi.conflicts('/x')).length, 2)
})

test('the event `conflict` comes once for each set of rivals', async (t) => {
  const [a, b, c] = [await hyperdrive(t), await hyperdrive(t), await hyperdrive(t)]
  for (const drive of [a, b]) await drive.put('/x', 'text')
  const multi = await multidrive(t, [a, c])
  const until = told(t, multi)
  await multi.addDrive(b)
  t.same(await until('/x 2'), ['/x 2'])
  await multi.removeDrive(b)
  await multi.addDrive(b)
  for (const drive of [a, b]) await drive.put('/y', 'text')
  t.same(await until('/y 2'), ['/y 2'])
})

test('the event `conflict` tells of rivals that come to light when what had settled them goes', async (t) => {
  const [a, b, c] = [await hyperdrive(t), await hyperdrive(t), await hyperdrive(t)]
  for (const drive of [a, b]) await drive.put('/x', 'text')
  const settling = await multidrive(t, [c, a, b])
  await settling.put('/x', 'settled')
  const multi = await multidrive(t, [await hyperdrive(t), a, b, c])
  const until = told(t, multi)
  await c.del('/x')
  t.same(await until('/x 2'), ['/x 2'])
})

test('the event `conflict` has the candidates, and is told of a MultiDrive that is not open yet', async (t) => {
  const [a, b] = [await hyperdrive(t), await hyperdrive(t)]
  await a.put('/x', 'a', { metadata: { mtime: 1 } })
  await b.put('/x', 'b', { metadata: { mtime: 2 } })
  const multi = new MultiDrive(a)
  cleanup(t, () => multi.close())
  const event = once(multi, 'conflict') as Promise<[PathConflict]>
  await multi.addDrive(b)
  const [conflict] = await within(10_000, 'the event', event)
  t.equal(conflict.key, '/x')
  t.same(drivesOf(conflict.candidates), [b, a])
  t.equal(String(await multi.get(conflict.candidates[1]!)), 'a')
})

test('the event `conflict` costs nothing while nobody listens', async (t) => {
  const multi = await multidrive(t, [await hyperdrive(t)])
  t.equal(multi.listenerCount('update'), 0)
  const listener = () => undefined
  multi.on('conflict', listener)
  multi.on('conflict', listener)
  t.equal(multi.listenerCount('update'), 1)
  multi.off('conflict', listener)
  t.equal(multi.listenerCount('update'), 1)
  multi.off('conflict', listener)
  t.equal(multi.listenerCount('update'), 0)
  multi.on('conflict', listener)
  await multi.close()
  t.equal(multi.listenerCount('update'), 0)
})

test('the event `conflict` comes by replication, and again after a drive has failed', async (t) => {
  const [here, there] = [await store(t), await store(t)]
  const theirs = await hyperdrive(t, { store: there })
  const own = await hyperdrive(t)
  await own.put('/x', 'mine')
  await own.put('/y', 'mine')
  const multi = await multidrive(t, [own, await hyperdrive(t, { store: here, key: theirs.key })])
  const until = told(t, multi)
  await theirs.put('/x', 'theirs')
  cleanup(t, link(here, there))
  t.same(await until('/x 2'), ['/x 2'])

  let failed: () => void = () => undefined
  const failing = new Promise<void>((resolve) => (failed = resolve))
  const mend = failReads(own, failed)
  await theirs.put('/y', 'theirs')
  await within(10_000, 'a failure', failing)
  mend()
  await own.put('/elsewhere', 'text')
  t.same(await until('/y 2'), ['/y 2'], 'a drive that failed is asked again')
})

test('the event `conflict` tells of two rivals after a truncation', async (t) => {
  const [a, b] = [await hyperdrive(t), await hyperdrive(t)]
  await a.put('/begin', 'a')
  const { version } = a
  const multi = await multidrive(t, [a, b])
  const until = told(t, multi)
  for (const drive of [a, b]) await drive.put('/x', 'one')
  t.same(await until('/x 2'), ['/x 2'])
  await a.truncate(version)
  await a.put('/x', 'two')
  t.same(await until('/x 2'), ['/x 2'])
})

test('the event `conflict` comes when a drive has closed and so left the set', async (t) => {
  const [a, b, c] = [await hyperdrive(t), await hyperdrive(t), await hyperdrive(t)]
  for (const drive of [a, b, c]) await drive.put('/known', 'text')
  const late = await hyperdrive(t)
  let open: (drive: Drive) => void = () => undefined
  const opened = new Promise<Drive>((resolve) => (open = resolve))
  const multi = await multidrive(t, [a, b, c], { openDrive: () => opened })
  const until = told(t, multi)
  // Until a drive is in that is being added, nothing is looked at.
  const adding = multi.addDrive(late.key)
  await c.close()
  for (const drive of [a, b]) await drive.put('/x', 'text')
  open(late)
  await adding
  t.same(await until('/x 2'), ['/x 2'])
})

test('the event `conflict` comes once between stores, however many drives carry it, and again for a new one', async (t) => {
  const [ours, theirs] = [await store(t), await store(t)]
  const [a, b, own] = [ours, theirs, ours].map((corestore, i) => new Hyperdrive(corestore.namespace(`${i}`)))
  await Promise.all([a, b, own].map((drive) => drive.ready()))
  // Each author has written without having met the other.
  const [ann, ben] = [await multidrive(t, [a]), await multidrive(t, [b])]
  await ann.put('/known', 'a')
  await ben.put('/known', 'b')
  cleanup(t, link(ours, theirs))
  const copy = await hyperdrive(t, { store: ours, key: b.key })
  const inner = await multidrive(t, [await hyperdrive(t), copy, a])
  const multi = await multidrive(t, [own, a, copy, inner])
  await multi.update({ wait: true })
  t.same(await keysOf(multi), ['/known'])
  const until = told(t, multi)
  await ann.put('/x', 'a')
  await ben.put('/x', 'b')
  t.same(await until('/x 2'), ['/x 2'], 'what was there before is not told')
  await multi.resolve('/x', 'settled')
  t.same(await keysOf(multi), ['/known'])
  await ben.put('/x', 'b again, who has not seen it')
  t.same(await until('/x 2'), ['/x 2'], 'another version is told, with the one that settled the last')
  await multi.resolve('/x', { keep: copy })
  await ann.put('/end', 'a')
  await ben.put('/end', 'b')
  t.same(await until('/end 2'), ['/end 2'], 'and nothing else')
})

async function keysOf(multi: MultiDrive): Promise<string[]> {
  return (await collect(multi.conflicts())).map(({ key }) => key)
}
