/** Which drives are in the set, in which order, and how they come and go. */
import { once } from 'node:events'
import Hyperdrive from 'hyperdrive'
import Localdrive from 'localdrive'
import test from 'tape'
import MultiDrive, { byOrder, MultiDriveError, type Drive } from '../index.ts'
import {
  calledBack,
  cleanup,
  collect,
  contents,
  failureOf,
  folder,
  hyperdrive,
  indexes,
  keys,
  link,
  localdrive,
  multidrive,
  over,
  store
} from './helpers/drives.ts'

const limit = { timeout: 60_000 }

/** A promise, and what settles it. */
function gate(): { opened: Promise<void>; open: () => void } {
  let open: () => void = () => undefined
  const opened = new Promise<void>((resolve) => (open = resolve))
  return { opened, open }
}

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
  const { returned, args } = await calledBack((cb) => multi.addDrive(third, cb))
  t.equal(returned, undefined)
  t.same([args.length, args[0]], [2, null])
  t.equal(args[1], third)
  const local = await localdrive(t)
  const err = await new Promise((resolve) => multi.addDrive(local, { tombstones: false }, resolve))
  t.equal(err, null)
  const failed: any = await new Promise((resolve) => multi.addDrive({} as Drive, resolve))
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
      const own = await hyperdrive(t, { store: ours })
      const multi = await multidrive(t, [own])
      const unlink = link(theirs, ours)
      const drive: Hyperdrive = await multi.addDrive(key)
      t.same(drive.key, source.key)
      await multi.update({ wait: true })
      t.same(await contents(multi), { '/file': 'theirs' })
      t.equal(multi.hasDrive(key), true)
      await unlink()
      t.equal(await multi.removeDrive(key), true)
      t.equal(drive.closed, true, 'what was opened here is closed here')
      t.equal(own.closed, false)
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

test('addDrive(key) of the primary’s own key, opened before the primary is, leaves the primary in', async (t) => {
  const ours = await store(t)
  const first = new Hyperdrive(ours.session())
  await first.ready()
  const { key } = first
  const slow = gate()
  const primary = new Proxy(first, {
    get: (target, name) => {
      if (name === 'ready') return () => slow.opened
      if (name === 'core') return slowCore
      const value = Reflect.get(target, name)
      return typeof value === 'function' ? value.bind(target) : value
    }
  })
  // Its key is not known before it is open, as with a drive that is found by its name.
  let known = false
  const slowCore = new Proxy(first.core, {
    get: (target, name) => {
      if (name === 'key' && !known) return null
      const value = Reflect.get(target, name)
      return typeof value === 'function' ? value.bind(target) : value
    }
  })
  const multi = new MultiDrive(primary, {
    openDrive: () => new Hyperdrive(ours.session({ writable: false }), key)
  })
  cleanup(t, () => multi.close())
  const adding = multi.addDrive(key)
  await adding
  known = true
  slow.open()
  await multi.ready()
  await multi.put('/x', 'x')
  t.same([multi.drives.length, multi.drives[0] === primary, multi.writable], [1, true, true])
})

test('close() closes a drive that is still being opened by its key', async (t) => {
  const [own, other] = [await hyperdrive(t), await hyperdrive(t)]
  const slow = gate()
  const multi = new MultiDrive(own, { openDrive: () => slow.opened.then(() => other) })
  const adding = multi.addDrive(other.key)
  const closing = multi.close()
  slow.open()
  await Promise.all([adding.catch(() => undefined), closing])
  t.ok(other.closed)
})

test('entry(path, { timeout }) does not wait longer for a drive that is being added', async (t) => {
  const [own, other] = [await hyperdrive(t), await hyperdrive(t)]
  await own.put('/x', 'x')
  const slow = gate()
  const multi = await multidrive(t, [own], { openDrive: () => slow.opened.then(() => other) })
  const adding = multi.addDrive(other.key)
  for (const read of [multi.entry('/x', { timeout: 50 }), multi.get('/x', { timeout: 50 })]) {
    t.is((await failureOf(read)).code, 'REQUEST_TIMEOUT')
  }
  const waiting = multi.get('/x')
  slow.open()
  await adding
  t.is(String(await waiting), 'x', 'without a bound it waits')
})

test('close() does not wait for openDrive, and what it still gives is closed', limit, async (t) => {
  const [own, other] = [await hyperdrive(t), await hyperdrive(t)]
  const slow = gate()
  const multi = await multidrive(t, [own], { openDrive: () => slow.opened.then(() => other) })
  const adding = failureOf(multi.addDrive(other.key))
  const reading = failureOf(multi.get('/x'))
  const past = multi.checkout(multi.version)
  await multi.close()
  t.is((await adding).code, 'CLOSED')
  t.is((await reading).code, 'CLOSED')
  t.same([past.closed, own.closed, other.closed, multi.drives.length], [true, true, false, 0])
  const gone = once(other, 'close')
  slow.open()
  await gone
  t.ok(other.closed)
})

test(
  'a MultiDrive in another one that waits for openDrive holds up neither close() nor { wait: false }',
  limit,
  async (t) => {
    const [own, inner] = [await hyperdrive(t), await hyperdrive(t)]
    await inner.put('/x', 'x')
    const nested = await multidrive(t, [inner], { openDrive: () => new Promise(() => undefined) })
    const multi = await multidrive(t, [own, nested])
    const adding = failureOf(nested.addDrive(Buffer.alloc(32, 7)))
    t.is(String(await multi.get('/x', { wait: false })), 'x')
    t.is((await failureOf(multi.get('/x', { timeout: 50 }))).code, 'REQUEST_TIMEOUT')
    await multi.close()
    t.is((await adding).code, 'CLOSED')
  }
)

test('reads with { wait: false } do not wait for drives that are being added', limit, async (t) => {
  const [own, other] = [await hyperdrive(t), await hyperdrive(t)]
  const slow = gate()
  const multi = await multidrive(t, [own], { openDrive: () => slow.opened.then(() => other) })
  await multi.put('/x', 'x')
  const adding = multi.addDrive(other.key)
  const fs = multi.promises
  const opts = { wait: false }
  t.is(String(await multi.get('/x', opts)), 'x')
  t.is((await multi.entry('/x', opts))!.key, '/x')
  t.same(await collect(multi.readdir('/', opts)), ['x'])
  t.is(String(Buffer.concat(await collect(multi.createReadStream('/x', opts)))), 'x')
  t.is(String(await fs.readFile('/x', opts)), 'x')
  t.same(await fs.readdir('/', opts), ['x'])
  t.is((await fs.stat('/x', opts)).size, 1)
  t.is((await failureOf(fs.stat('/x', { timeout: 50 }))).code, 'REQUEST_TIMEOUT')
  const waiting = multi.get('/x')
  slow.open()
  await adding
  t.is(String(await waiting), 'x')
})

test('an openDrive that throws is DRIVE_INVALID with its error as the cause', limit, async (t) => {
  const cause = new Error('boom')
  const throwing = () => {
    throw cause
  }
  for (const openDrive of [throwing, () => Promise.reject(cause)]) {
    const multi = await multidrive(t, [await hyperdrive(t)], { openDrive })
    const err = await failureOf(multi.addDrive(Buffer.alloc(32, 7)))
    t.same([err.code, err.cause], ['DRIVE_INVALID', cause])
    t.match(err.message, /boom/)
  }
})

test('hasDrive and removeDrive of what is no key are false', async (t) => {
  const multi = await multidrive(t, [await hyperdrive(t)])
  t.is(multi.hasDrive('nonsense'), false)
  t.is(await multi.removeDrive('nonsense'), false)
  t.same([multi.constructor === MultiDrive, MultiDrive.name], [true, 'MultiDrive'])
})

test('a folder of any object that reads like a drive is listed by its name', async (t) => {
  const own = await hyperdrive(t)
  const other = await hyperdrive(t)
  await other.put('/d/x', 'x')
  const object = {
    entry: (path: string) => other.entry(path),
    createReadStream: (path: string) => other.createReadStream(path),
    async *list(folder: string) {
      for (const entry of await collect(other.list('/'))) {
        if (folder === '/' || entry.key.startsWith(folder + '/')) yield entry
      }
    }
  }
  const multi = await multidrive(t, [own, object])
  t.same(await keys(multi, '/d'), ['/d/x'])
  t.same(await collect(multi.readdir('/d')), ['x'])
})
