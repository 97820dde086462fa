import { once } from 'node:events'
import test from 'tape'
import MultiDrive, { type Comparator, type Drive, type MultiDriveOptions } from '../index.ts'
import {
  calledBack,
  cleanup,
  collect,
  contents,
  failureOf,
  hyperdrive,
  localdrive,
  multidrive,
  over
} from './helpers/drives.ts'

const limit = { timeout: 60_000 }

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
    const made = await failureOf(() => new MultiDrive(drive as Drive))
    t.equal(made.code, 'DRIVE_INVALID')
    t.match(made.message, message)
    if (typeof drive === 'string') continue
    const added = await failureOf(multi.addDrive(drive as Drive))
    t.equal(added.code, 'DRIVE_INVALID')
    t.match(added.message, message)
  }
  t.equal(multi.drives.length, 1)
})

test('new MultiDrive(primary, opts) refuses options that are none', limit, async (t) => {
  const drive = await hyperdrive(t)
  for (const maxClockSkew of [-1, NaN, 'soon']) {
    t.equal(
      (await failureOf(() => new MultiDrive(drive, { maxClockSkew } as MultiDriveOptions))).code,
      'EINVAL',
      String(maxClockSkew)
    )
  }
  t.equal(
    (await failureOf(() => new MultiDrive(drive, { compareStats: 'mtime' as unknown as Comparator }))).code,
    'EINVAL'
  )
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
  const multi = await multidrive(t, [await hyperdrive(t)])
  for (const name of ['core', 'db', 'blobs', 'getBlobs', 'corestore', 'putEntry'])
    t.notOk(name in multi, name)
})

test('ready() rejects when the primary does not open', limit, async (t) => {
  const broken = over(await hyperdrive(t), { ready: () => Promise.reject(new Error('the disk is gone')) })
  const multi = new MultiDrive(broken)
  t.match((await failureOf(multi.ready())).message, /the disk is gone/)
  t.match((await failureOf(multi.entry('/file'))).message, /the disk is gone/)
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
  const { returned, args } = await calledBack((cb) => multi.close(cb))
  t.equal(returned, undefined)
  t.equal(args[0], null)
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
