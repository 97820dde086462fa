import { once } from 'node:events'
import Hyperdrive from 'hyperdrive'
import Localdrive from 'localdrive'
import test, { type Test } from 'tape'
import MultiDrive, { byMtime, byOrder, MultiDriveError, type EntryStat } from '../index.ts'
import {
  cleanup,
  collect,
  contents,
  failureOf,
  folder,
  hyperdrive,
  keys,
  link,
  localdrive,
  multidrive,
  store
} from './helpers/drives.ts'

const limit = { timeout: 30_000 }
const DAY = 24 * 60 * 60 * 1000

test('new MultiDrive(primary) and MultiDrive(primary)', limit, async (t) => {
  const Factory = MultiDrive
  const multi = Factory(await hyperdrive(t))
  cleanup(t, () => multi.close())
  t.ok(multi instanceof MultiDrive)
  await multi.put('/file', 'bytes')
  t.same(await contents(multi), { '/file': 'bytes' })
  const other = new MultiDrive(await hyperdrive(t))
  cleanup(t, () => other.close())
  t.ok(other instanceof MultiDrive)
})

test('new MultiDrive(primary) names the method that is missing', limit, async (t) => {
  const method = () => undefined
  const cases: [unknown, RegExp][] = [
    [undefined, /undefined/],
    [null, /null/],
    ['drive', /drive/],
    [{}, /no method entry\(\)/],
    [{ entry: method }, /no method list\(\)/],
    [{ entry: method, list: method }, /no method createReadStream\(\)/],
    [{ entry: method, list: 1, createReadStream: method }, /no method list\(\)/]
  ]
  const multi = await multidrive(t, [await hyperdrive(t)])
  for (const [drive, message] of cases) {
    const made = await failureOf(() => new MultiDrive(drive as any))
    t.equal(made.code, 'DRIVE_INVALID')
    t.match(made.message, message)
    if (typeof drive === 'string') continue
    const added = await failureOf(multi.addDrive(drive as any))
    t.equal(added.code, 'DRIVE_INVALID')
    t.match(added.message, message)
  }
  t.equal(multi.drives.length, 1)
})

test('new MultiDrive(primary, opts) refuses options that are none', limit, async (t) => {
  const drive = await hyperdrive(t)
  for (const maxClockSkew of [-1, NaN, 'soon']) {
    t.equal(
      (await failureOf(() => new MultiDrive(drive, { maxClockSkew } as any))).code,
      'EINVAL',
      String(maxClockSkew)
    )
  }
  t.equal((await failureOf(() => new MultiDrive(drive, { compareStats: 'mtime' } as any))).code, 'EINVAL')
})

test(
  'key, discoveryKey, id, peers, primary, writer, drives, writable, readable, supportsMetadata',
  limit,
  async (t) => {
    const [first, second] = [await hyperdrive(t), await hyperdrive(t)]
    const multi = await multidrive(t, [first, second])
    t.same(multi.key, first.key)
    t.same(multi.discoveryKey, first.discoveryKey)
    t.equal(multi.id, first.id)
    t.same(multi.peers, [])
    t.equal(multi.primary, first)
    t.equal(multi.writer, first)
    t.same(
      multi.drives.map((drive) => drive === first || drive === second),
      [true, true]
    )
    t.equal(multi.drives[0], first)
    t.equal(multi.writable, true)
    t.equal(multi.readable, true)
    t.equal(multi.supportsMetadata, true)
    multi.drives.pop()
    t.equal(multi.drives.length, 2, 'drives is a copy')
  }
)

test('key, discoveryKey and id are null where the primary has none', limit, async (t) => {
  const local = await localdrive(t)
  const multi = await multidrive(t, [local, await hyperdrive(t)])
  t.same([multi.key, multi.discoveryKey, multi.id, multi.peers], [null, null, null, []])
  t.equal(multi.writer, local)
})

test('a MultiDrive has no member that would show one drive for all', limit, async (t) => {
  const multi: any = await multidrive(t, [await hyperdrive(t)])
  for (const name of ['core', 'db', 'blobs', 'getBlobs', 'corestore', 'putEntry'])
    t.notOk(name in multi, name)
})

test('writer is the first writable drive in the order of adding', limit, async (t) => {
  const stores = [await store(t), await store(t)]
  const theirs = await hyperdrive(t, { store: stores[0] })
  const remote = await hyperdrive(t, { store: stores[1], key: theirs.key })
  const [own, other] = [await hyperdrive(t), await hyperdrive(t)]
  const multi = await multidrive(t, [remote])
  t.equal(multi.writer, null)
  t.equal(multi.writable, false)
  await multi.addDrive(own)
  await multi.addDrive(other)
  t.equal(multi.writer, own)
  await multi.put('/file', 'bytes')
  t.same(await contents(own), { '/file': 'bytes' })
  t.same(await contents(other), {})
  await multi.removeDrive(own)
  t.equal(multi.writer, other)
})

test('addDrive(drive) resolves with the drive, addDrive(drive, opts?, cb) calls back', limit, async (t) => {
  const [first, second, third] = [await hyperdrive(t), await hyperdrive(t), await hyperdrive(t)]
  const multi = await multidrive(t, [first])
  t.equal(await multi.addDrive(second), second)
  const called = await new Promise<unknown[]>((resolve) => {
    const given = (multi as any).addDrive(third, (...args: unknown[]) => resolve(args))
    t.equal(given, undefined)
  })
  t.same([called.length, called[0]], [2, null])
  t.equal(called[1], third)
  const local = await localdrive(t)
  const err = await new Promise((resolve) => multi.addDrive(local, { tombstones: false }, resolve))
  t.equal(err, null)
  const failed: any = await new Promise((resolve) => multi.addDrive({} as any, resolve))
  t.equal(failed.code, 'DRIVE_INVALID')
  t.equal(multi.drives.length, 4)
})

test('addDrive(drive) twice is no change', limit, async (t) => {
  const ours = await store(t)
  const [first, second] = [await hyperdrive(t), await hyperdrive(t, { store: ours })]
  const multi = await multidrive(t, [first, second])
  const added: unknown[] = []
  multi.on('drive-add', (drive: unknown) => added.push(drive))
  t.equal(await multi.addDrive(second), second)
  t.equal(await multi.addDrive(first), first)
  t.equal(await multi.addDrive(second.key), second)
  const twin = new Hyperdrive(ours.session({ writable: false }), second.key)
  cleanup(t, () => twin.close())
  t.equal(await multi.addDrive(twin), second, 'another object of the same drive')
  const path = await folder(t)
  const local = new Localdrive(path)
  t.equal(await multi.addDrive(local), local)
  t.equal(await multi.addDrive(new Localdrive(path + '/.')), local, 'another object of the same folder')
  t.equal(multi.drives.length, 3)
  t.equal(added.length, 1)
})

test('addDrive(drive) twice at once is no change', limit, async (t) => {
  const second = await hyperdrive(t)
  const multi = await multidrive(t, [await hyperdrive(t)])
  const both = await Promise.all([multi.addDrive(second), multi.addDrive(second)])
  t.ok(both.every((drive) => drive === second))
  t.equal(multi.drives.length, 2)
})

test(
  'addDrive(key) as hex, z-base-32 and bytes opens it through the corestore of the primary',
  limit,
  async (t) => {
    const theirs = await store(t)
    const source = await hyperdrive(t, { store: theirs })
    await source.put('/file', 'theirs')
    for (const key of [source.key, source.key.toString('hex'), source.id, new Uint8Array(source.key)]) {
      const ours = await store(t)
      const multi = await multidrive(t, [await hyperdrive(t, { store: ours })])
      const unlink = link(theirs, ours)
      const drive: any = await multi.addDrive(key)
      t.same(drive.key, source.key)
      await multi.update({ wait: true })
      t.same(await contents(multi), { '/file': 'theirs' })
      t.equal(multi.hasDrive(key), true)
      await unlink()
      t.equal(await multi.removeDrive(key), true)
      t.equal(drive.closed, true, 'what was opened here is closed here')
      t.equal((multi.primary as any).closed, false)
    }
  }
)

test('addDrive(key) twice at once opens it once', limit, async (t) => {
  const source = await hyperdrive(t)
  const opened: any[] = []
  const ours = await store(t)
  const openDrive = (key: Buffer) => {
    const drive = new Hyperdrive(ours.session({ writable: false }), key)
    opened.push(drive)
    return drive
  }
  const multi = await multidrive(t, [await hyperdrive(t, { store: ours })], { openDrive })
  const both = await Promise.all([multi.addDrive(source.key), multi.addDrive(source.id)])
  t.equal(both[0], both[1])
  t.equal(multi.drives.length, 2)
  t.equal(opened.filter((drive) => !drive.closed).length, 1)
})

test('addDrive(key) of what is no key, and without a corestore', limit, async (t) => {
  const multi = await multidrive(t, [await localdrive(t)])
  for (const key of ['', 'key', '00', Buffer.alloc(31), 'z'.repeat(64)]) {
    t.equal((await failureOf(multi.addDrive(key))).code, 'DRIVE_INVALID', String(key))
    t.equal(multi.hasDrive(key), false, String(key))
  }
  t.equal((await failureOf(multi.addDrive(Buffer.alloc(32, 1)))).code, 'DRIVE_INVALID')
  t.equal(multi.drives.length, 1)
})

test('addDrive(key) with openDrive(key, { primary })', limit, async (t) => {
  const [first, second] = [await hyperdrive(t), await hyperdrive(t)]
  const calls: unknown[][] = []
  const multi = await multidrive(t, [first], {
    openDrive: async (key, { primary }) => {
      calls.push([key, primary])
      return second
    }
  })
  t.equal(await multi.addDrive(second.id), second)
  t.equal(calls.length, 1)
  t.same(calls[0]![0], second.key)
  t.equal(calls[0]![1], first)
  const failing = await multidrive(t, [await hyperdrive(t)], {
    openDrive: () => Promise.reject(new Error('no such drive'))
  })
  t.match((await failureOf(failing.addDrive(second.key))).message, /no such drive/)
  t.equal(failing.drives.length, 1)
})

test('addDrive without waiting keeps the order, and reads wait for the drives', limit, async (t) => {
  const drives = await Promise.all([1, 2, 3, 4].map(() => hyperdrive(t)))
  const local = await localdrive(t)
  await local.put('/local', 'local')
  for (const [i, drive] of drives.entries()) await drive.put('/same', `${i}`)
  const multi = new MultiDrive(drives[0], { compareStats: byOrder })
  cleanup(t, () => multi.close())
  void multi.addDrive(drives[1])
  void multi.addDrive(local)
  void multi.addDrive(drives[2])
  void multi.addDrive(drives[3])
  t.same(await contents(multi), { '/local': 'local', '/same': '0' })
  t.same(indexes(multi.drives, [drives[0], drives[1], local, drives[2], drives[3]]), [0, 1, 2, 3, 4])
})

test(
  'addDrive(key) without waiting keeps its place in the order, and reads wait for it',
  limit,
  async (t) => {
    const ours = await store(t)
    const other = await hyperdrive(t)
    await other.put('/file', 'theirs')
    const [own, last] = [await hyperdrive(t, { store: ours }), await hyperdrive(t)]
    const multi = await multidrive(t, [own], {
      openDrive: async () => {
        await new Promise(setImmediate)
        return other
      }
    })
    void multi.addDrive(other.key)
    const adding = multi.addDrive(last)
    t.same(await contents(multi), { '/file': 'theirs' })
    await adding
    t.same(indexes(multi.drives, [own, other, last]), [0, 1, 2])
  }
)

test('addDrive(drive) of a drive that does not open', limit, async (t) => {
  const own = await hyperdrive(t)
  await own.put('/file', 'ours')
  const broken = over(await hyperdrive(t), {
    ready: () => Promise.reject(Object.assign(new Error('the disk is gone'), { code: 'EIO' }))
  })
  const multi = await multidrive(t, [own])
  const err = await failureOf(multi.addDrive(broken))
  t.ok(err instanceof MultiDriveError)
  t.equal(err.code, 'EIO')
  t.equal(err.drive, broken)
  t.match(err.message, /the disk is gone/)
  t.equal(multi.hasDrive(broken), false)
  t.same(await contents(multi), { '/file': 'ours' })
})

test('ready() rejects when the primary does not open', limit, async (t) => {
  const broken = over(await hyperdrive(t), { ready: () => Promise.reject(new Error('the disk is gone')) })
  const multi = new MultiDrive(broken)
  t.match((await failureOf(multi.ready())).message, /the disk is gone/)
  t.match((await failureOf(multi.entry('/file'))).message, /the disk is gone/)
})

test('removeDrive(drive) and removeDrive(key) leave the drive open', limit, async (t) => {
  const [first, second, third] = [await hyperdrive(t), await hyperdrive(t), await hyperdrive(t)]
  await second.put('/file', 'theirs')
  const multi = await multidrive(t, [first, second, third])
  t.equal(await multi.removeDrive(second), true)
  t.equal(await multi.removeDrive(second), false)
  t.equal(await multi.removeDrive(third.id), true)
  t.equal(await multi.removeDrive(third.key), false)
  t.same(indexes(multi.drives, [first]), [0])
  t.same(await contents(multi), {})
  t.equal(String(await second.get('/file')), 'theirs')
  t.equal(await multi.addDrive(second), second)
  t.same(await contents(multi), { '/file': 'theirs' })
})

test('removeDrive(drive) while a stream reads from it', limit, async (t) => {
  const [first, second] = [await hyperdrive(t), await hyperdrive(t)]
  const data = Buffer.alloc(3 << 20, 'theirs')
  await second.put('/file', data)
  const multi = await multidrive(t, [first, second])
  const iterator = multi.createReadStream('/file')[Symbol.asyncIterator]()
  const chunks = [(await iterator.next()).value as Buffer]
  await multi.removeDrive(second)
  for (let next = await iterator.next(); !next.done; next = await iterator.next())
    chunks.push(next.value as Buffer)
  t.ok(data.equals(Buffer.concat(chunks)))
})

test('hasDrive(keyOrDrive)', limit, async (t) => {
  const [first, second] = [await hyperdrive(t), await hyperdrive(t)]
  const multi = await multidrive(t, [first])
  for (const known of [first, first.key, first.id, first.key.toString('hex')])
    t.equal(multi.hasDrive(known), true)
  for (const other of [second, second.key, second.id]) t.equal(multi.hasDrive(other), false)
})

test('runAll(method, args) gives what each drive gave or threw, in the order of adding', limit, async (t) => {
  const [first, second] = [await hyperdrive(t), await hyperdrive(t)]
  const local = await localdrive(t)
  const broken = over(await hyperdrive(t), { exists: () => { throw new Error('it broke') } }) // prettier-ignore
  const bare = over(await hyperdrive(t))
  await second.put('/file', 'x')
  const multi = await multidrive(t, [first, broken, second, bare, local])
  const results = await multi.runAll('exists', ['/file'])
  t.same(
    indexes(
      results.map(({ drive }) => drive),
      [first, broken, second, bare, local]
    ),
    [0, 1, 2, 3, 4]
  )
  t.same(
    results.map(({ value }) => value),
    [false, undefined, true, undefined, false]
  )
  t.same(
    results.map(({ err }) => err?.message.replace(/,.*/, '') ?? null),
    [null, 'it broke', null, results[3]!.err!.message.replace(/,.*/, ''), null]
  )
  t.equal((results[3]!.err as MultiDriveError).code, 'DRIVE_INVALID')
  t.match(results[3]!.err!.message, /exists/)
  t.same((await multi.runAll('ready')).length, 5)
  const called = await new Promise<any[]>((resolve) => {
    const given = (multi as any).runAll('exists', ['/file'], (...args: unknown[]) => resolve(args))
    t.equal(given, undefined)
  })
  t.equal(called[0], null)
  t.same(
    called[1].map(({ value }: any) => value),
    [false, undefined, true, undefined, false]
  )
})

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
  t.equal((await failureOf(() => (multi.compareStats = undefined as any))).code, 'EINVAL')
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
  for (const mtime of [null, -1, NaN, Infinity, 8.64e15 + 2, 'x' as any, new Date(NaN)]) {
    t.ok(byMtime({ mtime }, { mtime: 0 }) > 0, `${String(mtime)} is older than any date`)
    t.equal(byMtime({ mtime }, { mtime: null }), 0)
  }
  t.ok(byMtime({ mtime: 8.64e15 }, { mtime: 1 }) < 0)
  t.equal(byOrder({} as any, {} as any), 0)
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
  const failed: any = await new Promise((resolve) => multi.resolveLatest('/none', resolve))
  t.equal(failed.code, 'ENOENT')
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

test('ready, opened, close, closed and readable', limit, async (t) => {
  const [first, second] = [await hyperdrive(t), await hyperdrive(t)]
  const multi = new MultiDrive(first)
  await multi.ready()
  t.equal(multi.opened, true)
  t.equal(multi.closed, false)
  await multi.addDrive(second)
  await multi.put('/file', 'bytes')
  const entry = (await multi.entry('/file'))!
  const closed = once(multi, 'close')
  await multi.close()
  await closed
  t.same([multi.closed, multi.readable, first.closed, second.closed], [true, false, true, true])
  await multi.close()
  const calls: [string, () => unknown][] = [
    ['entry', () => multi.entry('/file')],
    ['exists', () => multi.exists('/file')],
    ['get', () => multi.get('/file')],
    ['get(entry)', () => multi.get(entry)],
    ['put', () => multi.put('/file', 'x')],
    ['del', () => multi.del('/file')],
    ['symlink', () => multi.symlink('/file', '/x')],
    ['list', () => collect(multi.list('/'))],
    ['readdir', () => collect(multi.readdir('/'))],
    ['entries', () => collect(multi.entries())],
    ['createReadStream', () => collect(multi.createReadStream('/file'))],
    ['flush', () => multi.flush()],
    ['update', () => multi.update()],
    ['addDrive', () => multi.addDrive(first)],
    ['runAll', () => multi.runAll('ready')],
    ['resolveLatest', () => multi.resolveLatest('/file')],
    ['purge', () => multi.purge()]
  ]
  for (const [name, call] of calls) t.equal((await failureOf(call)).code, 'CLOSED', name)
  const stream = multi.createWriteStream('/file')
  const failed = once(stream, 'error')
  stream.end('x')
  t.equal((await failed)[0].code, 'CLOSED')
})

test('close(cb)', limit, async (t) => {
  const drive = await hyperdrive(t)
  const multi = new MultiDrive(drive)
  const called = await new Promise<unknown[]>((resolve) => {
    const given = (multi as any).close((...args: unknown[]) => resolve(args))
    t.equal(given, undefined)
  })
  t.equal(called[0], null)
  t.equal(drive.closed, true)
})

test('close() while drives are being added', limit, async (t) => {
  const [first, second, third] = [await hyperdrive(t), await hyperdrive(t), await hyperdrive(t)]
  const multi = new MultiDrive(first, {
    openDrive: async () => {
      await new Promise(setImmediate)
      return third
    }
  })
  const adding = Promise.allSettled([multi.addDrive(second), multi.addDrive(third.key)])
  await multi.close()
  await adding
  t.same([first.closed, second.closed, third.closed], [true, true, true])
  t.equal(multi.drives.length, 0)
})

test('close() of one MultiDrive while a listing is read', limit, async (t) => {
  const drive = await hyperdrive(t)
  const batch = drive.batch()
  for (let i = 0; i < 600; i++) await batch.put(`/n/${i}`, 'x')
  await batch.flush()
  const multi = new MultiDrive(drive)
  const iterator = multi.list('/')[Symbol.asyncIterator]()
  await iterator.next()
  await multi.close()
  const err = await failureOf(async () => {
    for (let i = 1; ; i++) {
      if (!(await iterator.next()).done) continue
      if (i === 600) throw new Error('all were read')
      return i
    }
  })
  t.ok(err instanceof Error, String(err))
})

test('purge() gives the drives whose storage it removed', limit, async (t) => {
  const path = await folder(t)
  const { default: Corestore } = await import('corestore')
  const first = new Hyperdrive(new Corestore(path))
  await first.put('/file', 'bytes')
  const local = await localdrive(t)
  await local.put('/kept', 'kept')
  const multi = await multidrive(t, [first, local])
  const purged = await multi.purge()
  t.same(indexes(purged, [first]), [0])
  t.equal(multi.closed, true)
  t.equal(String(await new Localdrive(local.root).get('/kept')), 'kept', 'a Localdrive is left alone')
  const again = new Corestore(path)
  cleanup(t, () => again.close())
  const drive = new Hyperdrive(again.session())
  await drive.ready()
  t.equal(await drive.get('/file'), null)
})

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

test('a callback that throws is called once', limit, async (t) => {
  const multi = await multidrive(t, [await hyperdrive(t)])
  await multi.put('/file', 'x')
  const second = await hyperdrive(t)
  const calls: [string, (cb: (...args: unknown[]) => void) => unknown][] = [
    ['resolveLatest', (cb) => multi.resolveLatest('/file', cb)],
    ['resolveLatest that fails', (cb) => multi.resolveLatest('/none', cb)],
    ['addDrive', (cb) => multi.addDrive(second, cb)],
    ['runAll', (cb) => multi.runAll('ready', [], cb)],
    ['close', (cb) => multi.close(cb)]
  ]
  for (const [name, call] of calls) {
    const thrown = uncaught(t)
    let times = 0
    call(() => {
      times++
      throw new Error(`thrown by the callback of ${name}`)
    })
    t.equal((await thrown).message, `thrown by the callback of ${name}`)
    await new Promise(setImmediate)
    t.equal(times, 1, name)
  }
})

for (const method of ['entry', 'list', 'createReadStream'] as const) {
  test(`a drive whose ${method} throws is an error with its name, never an absence`, limit, async (t) => {
    const [own, theirs] = [await hyperdrive(t), await hyperdrive(t)]
    await own.put('/ours', 'ours')
    await theirs.put('/file', 'theirs')
    const broken = over(theirs, {
      [method]: () => {
        throw Object.assign(new Error('the disk is gone'), { code: 'EIO', errno: -5 })
      }
    })
    const multi = await multidrive(t, [own, broken])
    const failing: [string, string | undefined, () => Promise<unknown>][] = {
      entry: [
        ['entry', '/file', () => multi.entry('/file')],
        ['entry of what another drive has', '/ours', () => multi.entry('/ours')],
        ['exists', '/none', () => multi.exists('/none')],
        ['get', '/file', () => multi.get('/file')],
        ['list', undefined, () => collect(multi.list('/'))],
        ['createReadStream', '/file', () => collect(multi.createReadStream('/file'))],
        ['resolveLatest', '/file', () => multi.resolveLatest('/file')]
      ] as any,
      list: [
        ['list', undefined, () => collect(multi.list('/'))],
        ['readdir', undefined, () => collect(multi.readdir('/'))],
        ['entries', undefined, () => collect(multi.entries())],
        ['mirror', undefined, async () => multi.mirror(await hyperdrive(t)).done()]
      ] as any,
      createReadStream: [
        ['get', '/file', () => multi.get('/file')],
        ['createReadStream', '/file', () => collect(multi.createReadStream('/file'))]
      ] as any
    }[method]
    for (const [name, path, call] of failing) {
      const err = await failureOf(call)
      t.ok(err instanceof MultiDriveError, name)
      t.same([err.code, err.errno], ['EIO', -5], name)
      t.equal(err.drive, broken, name)
      t.ok(err.message.includes(theirs.id), `${name}: ${err.message}`)
      t.match(err.message, /the disk is gone/)
      if (path !== undefined) t.equal(err.path, path, name)
      t.equal(err.cause.message, 'the disk is gone')
    }
    if (method !== 'entry') t.equal(String(await multi.get('/ours')), 'ours')
    await multi.put('/written', 'goes on')
    t.equal(String(await own.get('/written')), 'goes on')
    t.equal(await multi.removeDrive(broken), true)
    t.same(await contents(multi), { '/ours': 'ours', '/written': 'goes on' })
  })
}

test('a drive that fails in the middle of a listing', limit, async (t) => {
  const [own, theirs] = [await hyperdrive(t), await hyperdrive(t)]
  await own.put('/a', 'ours')
  for (let i = 0; i < 100; i++) await theirs.put(`/n/${String(i).padStart(3, '0')}`, 'x')
  const broken = over(theirs, {
    entry: (path: string) =>
      path === '/n/050' ? Promise.reject(new Error('bad sector')) : theirs.entry(path)
  })
  const multi = await multidrive(t, [own, broken])
  const seen: string[] = []
  const err = await failureOf(async () => {
    for await (const entry of multi.list('/') as AsyncIterable<any>) seen.push(entry.key)
  })
  t.match(err.message, /bad sector/)
  t.equal(err.code, 'DRIVE_FAILED')
  t.equal(err.drive, broken)
  t.ok(seen.length < 51)
})

test('a Hyperdrive closed in the middle of a listing is an error or a whole listing', limit, async (t) => {
  const [own, theirs] = [await hyperdrive(t), await hyperdrive(t)]
  await own.put('/a', 'ours')
  const batch = theirs.batch()
  for (let i = 0; i < 1500; i++) await batch.put(`/n/${i}`, 'x')
  await batch.flush()
  const multi = await multidrive(t, [own, theirs])
  let seen = 0
  const outcome = (async () => {
    await collect(
      (async function* () {
        for await (const entry of multi.list('/') as AsyncIterable<unknown>) {
          if (++seen === 2) await theirs.close()
          yield entry
        }
      })()
    )
  })()
  const err = await outcome.then(
    () => null,
    (thrown: unknown) => thrown as MultiDriveError
  )
  if (err === null) t.equal(seen, 1501)
  else {
    t.ok(err instanceof MultiDriveError, String(err))
    t.equal(err.drive, theirs)
    t.ok(err.message.includes(theirs.id), err.message)
  }
  t.same(await keys(multi), ['/a'], 'it has left the set')
})

test(
  'of many errors one that will not pass wins, else the first drive; all are in failures',
  limit,
  async (t) => {
    const failing = async (code: string) => {
      const drive = over(await hyperdrive(t), {
        entry: () => Promise.reject(Object.assign(new Error(`it said ${code}`), { code }))
      })
      return drive
    }
    const [away, disk, late, bug] = [
      await failing('BLOCK_NOT_AVAILABLE'),
      await failing('EIO'),
      await failing('REQUEST_TIMEOUT'),
      await failing('EACCES')
    ]
    const own = await hyperdrive(t)
    let multi = await multidrive(t, [own, away, disk, late, bug])
    let err = await failureOf(multi.entry('/file'))
    t.same([err.code, err.path], ['EIO', '/file'])
    t.equal(err.drive, disk)
    t.same(
      err.failures.map(({ code }: any) => code),
      ['BLOCK_NOT_AVAILABLE', 'EIO', 'REQUEST_TIMEOUT', 'EACCES']
    )
    t.same(
      indexes(
        err.failures.map(({ drive }: any) => drive),
        [away, disk, late, bug]
      ),
      [0, 1, 2, 3]
    )

    multi = await multidrive(t, [await hyperdrive(t), late, away])
    err = await failureOf(multi.entry('/file'))
    t.equal(err.code, 'REQUEST_TIMEOUT')
    t.equal(err.drive, late)

    multi = await multidrive(t, [await hyperdrive(t), away])
    err = await failureOf(multi.entry('/file'))
    t.equal(err.code, 'BLOCK_NOT_AVAILABLE')
    t.equal(err.failures, undefined)
  }
)

test('what a drive throws that is no error is told as well', limit, async (t) => {
  for (const thrown of ['text', undefined, null, 5, { message: 'object' }]) {
    const broken = over(await hyperdrive(t), {
      entry: () => Promise.reject(thrown) // eslint-disable-line @typescript-eslint/prefer-promise-reject-errors
    })
    const multi = await multidrive(t, [await hyperdrive(t), broken])
    const err = await failureOf(multi.entry('/file'))
    t.ok(err instanceof MultiDriveError)
    t.equal(err.code, 'DRIVE_FAILED')
    t.equal(err.drive, broken)
  }
})

test('a MultiDrive cannot hold itself', limit, async (t) => {
  const inner = await multidrive(t, [await hyperdrive(t)])
  const outer = await multidrive(t, [await hyperdrive(t), inner])
  for (const [multi, drive] of [
    [inner, inner],
    [inner, outer]
  ] as const) {
    const err = await failureOf(multi.addDrive(drive))
    t.equal(err.code, 'DRIVE_INVALID')
    t.match(err.message, /itself/)
  }
  const between = await multidrive(t, [await hyperdrive(t), outer])
  t.equal((await failureOf(inner.addDrive(between))).code, 'DRIVE_INVALID')
  await outer.put('/file', 'x')
  t.same(await keys(between), ['/file'])
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

test('EROFS names the drives that were tried', limit, async (t) => {
  const theirs = await hyperdrive(t)
  await theirs.put('/file', 'x')
  const bare = over(await hyperdrive(t))
  const multi = await multidrive(t, [theirs.checkout(theirs.version), bare])
  const batch = async (use: (batch: any) => unknown) => {
    const writes = multi.batch()
    await use(writes)
    await writes.flush()
  }
  const calls: [string, () => unknown][] = [
    ['put', () => multi.put('/new', 'x')],
    ['del', () => multi.del('/file')],
    ['symlink', () => multi.symlink('/link', '/file')],
    ['batch put', () => batch((writes) => writes.put('/new', 'x'))],
    ['batch del', () => batch((writes) => writes.del('/file'))],
    [
      'createWriteStream',
      () => new Promise((_, reject) => multi.createWriteStream('/new').on('error', reject).end('x'))
    ]
  ]
  for (const [name, call] of calls) {
    const err = await failureOf(call)
    t.equal(err.code, 'EROFS', name)
    t.ok(err.errno < 0, name)
    t.ok(err.message.includes(theirs.id) && err.message.includes(bare.id), `${name}: ${err.message}`)
  }
  t.same(await keys(multi), ['/file'])
})

test('kinds do not mix', limit, async (t) => {
  const [own, theirs] = [await hyperdrive(t), await hyperdrive(t)]
  await theirs.put('/dir/file', 'theirs')
  const multi = await multidrive(t, [own, theirs])
  for (const [path, code] of [
    ['/dir', 'EISDIR'],
    ['/dir/file/below', 'ENOTDIR'],
    ['/dir/file/deep/below', 'ENOTDIR']
  ] as const) {
    for (const call of [
      () => multi.put(path, 'x'),
      () => multi.symlink(path, '/x'),
      () => new Promise((_, reject) => multi.createWriteStream(path).on('error', reject).end('x'))
    ]) {
      const err = await failureOf(call)
      t.same([err.code, err.path], [code, path])
    }
  }
  t.same(await contents(multi), { '/dir/file': 'theirs' })
})

test('batch().flush() lands all or nothing', limit, async (t) => {
  for (const own of [await hyperdrive(t), await localdrive(t)]) {
    const theirs = await hyperdrive(t)
    await theirs.put('/dir/file', 'theirs')
    const multi = await multidrive(t, [own, theirs])
    const batch = multi.batch()
    await batch.put('/one', '1')
    await batch.put('/dir', 'a folder is there')
    await batch.del('/dir/file')
    await batch.put('/dir/file/below', 'and a file there')
    const err = await failureOf(batch.flush())
    t.ok(['EISDIR', 'ENOTDIR'].includes(err.code), err.code)
    t.same(await contents(multi), { '/dir/file': 'theirs' })
    const right = multi.batch()
    await right.del('/dir/file')
    await right.put('/dir', 'a file now')
    await right.flush()
    t.same(await contents(multi), { '/dir': 'a file now' })
  }
})

test('a batch is one append of the writer', limit, async (t) => {
  const own = await hyperdrive(t)
  const multi = await multidrive(t, [own, await hyperdrive(t)])
  await multi.put('/before', 'the header of the drive is an append of its own')
  let appends = 0
  own.core.on('append', () => appends++)
  const batch = multi.batch()
  for (let i = 0; i < 20; i++) await batch.put(`/n/${i}`, `${i}`)
  await batch.flush()
  t.equal(appends, 1)
})

test('an open write stream holds up no other write', limit, async (t) => {
  const multi = await multidrive(t, [await hyperdrive(t)])
  const stream = multi.createWriteStream('/slow')
  stream.write('first ')
  await multi.put('/file', 'fast')
  const other = multi.createWriteStream('/other')
  other.end('other')
  await once(other, 'close')
  stream.end('last')
  await once(stream, 'close')
  t.same(await contents(multi), { '/file': 'fast', '/other': 'other', '/slow': 'first last' })
})

test('writes at once all land', limit, async (t) => {
  const multi = await multidrive(t, [await hyperdrive(t), await hyperdrive(t)])
  await Promise.all(Array.from({ length: 30 }, (_, i) => multi.put(`/n/${i % 10}`, `${i}`)))
  t.equal((await keys(multi)).length, 10)
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

/** An object with what every drive needs, over a real drive, with some of it replaced. */
function over(drive: any, replaced: object = {}): any {
  return {
    id: drive.id,
    ready: () => drive.ready(),
    entry: (...args: unknown[]) => drive.entry(...args),
    list: (...args: unknown[]) => drive.list(...args),
    createReadStream: (...args: unknown[]) => drive.createReadStream(...args),
    ...replaced
  }
}

/** Where each drive stands among others, by identity: drives are too big to be compared or printed. */
function indexes(drives: readonly unknown[], among: readonly unknown[]): number[] {
  return drives.map((drive) => among.indexOf(drive))
}

/** The next error that nobody catches. */
function uncaught(t: Test): Promise<Error> {
  const before = process.listeners('uncaughtException')
  process.removeAllListeners('uncaughtException')
  const restore = () => {
    process.removeAllListeners('uncaughtException')
    for (const listener of before) process.on('uncaughtException', listener)
  }
  cleanup(t, restore)
  return new Promise((resolve) => process.once('uncaughtException', resolve))
}
