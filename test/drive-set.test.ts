import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import Hyperdrive from 'hyperdrive'
import test from 'tape'
import MultiDrive from '../index.ts'
import {
  cleanup,
  collect,
  contents,
  failureOf,
  hyperdrive,
  keys,
  localdrive,
  multidrive,
  store
} from './helpers/drives.ts'

/** A promise, and what settles it. */
function gate(): { opened: Promise<void>; open: () => void } {
  let open: () => void = () => undefined
  const opened = new Promise<void>((resolve) => (open = resolve))
  return { opened, open }
}

test('addDrive(key) of the primary’s own key, opened before the primary is, leaves the primary in', async (t) => {
  const ours = await store(t)
  const first = new Hyperdrive(ours.session())
  await first.ready()
  const { key } = first
  const slow = gate()
  const primary: any = new Proxy(first, {
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

test('purge() that fails for one drive names it, and closes the others', async (t) => {
  const [own, other] = [await hyperdrive(t), await hyperdrive(t)]
  const multi = await multidrive(t, [own, other])
  const { storage } = other.corestore
  const { deleteCore } = storage
  storage.deleteCore = () => Promise.reject(Object.assign(new Error('no space'), { code: 'EIO' }))
  cleanup(t, () => (storage.deleteCore = deleteCore))
  const err = await failureOf(multi.purge())
  t.same([err.code, err.drive === other], ['EIO', true])
  t.same([multi.closed, own.closed], [true, true])
})

test('hasDrive and removeDrive of what is no key are false', async (t) => {
  const multi = await multidrive(t, [await hyperdrive(t)])
  t.is(multi.hasDrive('nonsense'), false)
  t.is(await multi.removeDrive('nonsense'), false)
  t.same([multi.constructor === MultiDrive, MultiDrive.name], [true, 'MultiDrive'])
})

test('writes at the same time see each other, through one MultiDrive and through two', async (t) => {
  const own = await hyperdrive(t)
  const first = await multidrive(t, [own])
  const second = await multidrive(t, [own, await hyperdrive(t)])
  for (const [name, a, b] of [
    ['one', first, first],
    ['two', first, second]
  ] as const) {
    const settled = await Promise.allSettled([a.put(`/${name}`, 'file'), b.put(`/${name}/below`, 'file')])
    t.is(settled.filter(({ status }) => status === 'rejected').length, 1, 'a file cannot be a folder')
    t.is((await keys(first, '/')).filter((key) => key.startsWith(`/${name}`)).length, 1)
  }
})

test('a write that is refused leaves no bytes behind in a Localdrive', async (t) => {
  const folder = await localdrive(t)
  const multi = await multidrive(t, [folder])
  await multi.put('/file', 'x')
  t.is((await failureOf(multi.put('/file/below', 'y'))).code, 'ENOTDIR')
  const batch = multi.batch()
  await batch.put('/other', 'z')
  await batch.put('/file/below', 'y')
  t.is((await failureOf(batch.flush())).code, 'ENOTDIR')
  t.same(await readdir(join(folder.root, '.multidrive', 'staged')), [])
  t.same(await contents(multi), { '/file': 'x' })
})

test('operations of a batch count in the order in which they were called', async (t) => {
  const other = await hyperdrive(t)
  await other.put('/d', 'a file')
  const multi = await multidrive(t, [await hyperdrive(t), other])
  const batch = multi.batch()
  await batch.del('/d/f')
  await batch.del('/d')
  await batch.put('/d/f', 'below')
  await batch.flush()
  t.same(await contents(multi), { '/d/f': 'below' })
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

test('batch() of a MultiDrive that is still opening takes writes', async (t) => {
  const multi = new MultiDrive(await hyperdrive(t))
  cleanup(t, () => multi.close())
  const batch = multi.batch()
  const stream = batch.createWriteStream('/stream')
  stream.end('streamed')
  const streamed = new Promise((resolve) => stream.once('close', () => resolve(null)))
  await Promise.all([batch.put('/put', 'put'), batch.symlink('/link', '/put'), streamed])
  await batch.flush()
  t.same(await contents(multi), { '/link': '-> /put', '/put': 'put', '/stream': 'streamed' })
})

test('a stream of a batch that ends after flush() is an error, and leaves nothing', async (t) => {
  const multi = await multidrive(t, [await hyperdrive(t)])
  const batch = multi.batch()
  const stream = batch.createWriteStream('/late')
  const failed = new Promise<any>((resolve) => stream.once('error', resolve))
  stream.write('half')
  await batch.flush()
  stream.end('rest')
  t.is((await failed).code, 'CLOSED')
  t.same(await contents(multi), {})
})
