import test from 'tape'
import type { MultiDrive } from '../index.ts'
import { readsInTime } from './helpers/clock.ts'
import {
  cleanup,
  collect,
  contents,
  failureOf,
  folder,
  hyperdrive,
  hyperdrives,
  keys,
  link,
  multidrive,
  store
} from './helpers/drives.ts'
import { opener } from './helpers/mounts.ts'
import Localdrive from 'localdrive'

const limit = { timeout: 60_000 }

test('mount(path, key) shows another drive below a path, by both faces', limit, async (t) => {
  const other = await hyperdrive(t)
  await other.put('/a', 'a')
  await other.put('/folder/b', 'b')
  const multi = await multidrive(t, [await hyperdrive(t)], opener([other]))
  await multi.put('/m/hidden', 'below the mount')
  await multi.put('/m0', 'behind')
  await multi.put('/l', 'before')
  await multi.mount('/m', other.key)
  t.same(await contents(multi), { '/l': 'before', '/m/a': 'a', '/m/folder/b': 'b', '/m0': 'behind' })
  t.same(await keys(multi, '/m'), ['/m/a', '/m/folder/b'])
  t.same(await keys(multi, '/m/folder'), ['/m/folder/b'])
  t.same(await collect(multi.readdir('/')), ['l', 'm', 'm0'])
  t.same(await collect(multi.readdir('/m')), ['a', 'folder'])
  t.same(
    (await collect(multi.entries({ gte: '/m/b' }))).map(({ key }) => key),
    ['/m/folder/b', '/m0']
  )
  t.same(
    (await collect(multi.entries(null, { reverse: true }))).map(({ key }) => key),
    ['/m0', '/m/folder/b', '/m/a', '/l']
  )
  t.equal(await multi.entry('/m/hidden'), null)
  const entry = (await multi.entry('/m/a'))!
  t.equal(entry.drive, other)
  t.equal(String(await multi.get(entry)), 'a')
  t.same(await multi.promises.readdir('/m'), ['a', 'folder'])
  t.same(await multi.promises.readdir('/', { recursive: true }), [
    'l',
    'm',
    'm0',
    'm/a',
    'm/folder',
    'm/folder/b'
  ])
  t.equal(await multi.readFile('/m/folder/b', 'utf8'), 'b')
  const stat = await multi.stat('/m')
  t.equal(stat.isDirectory(), true)
  t.same(stat.mount, { key: other.key, version: null, hash: null })
  t.equal((await multi.stat('/m/folder')).mount, null)
  await multi.unmount('/m')
  t.same(await keys(multi), ['/l', '/m/hidden', '/m0'])
  t.equal((await multi.stat('/m')).mount, null)
})

test('put(path, data) lands in a drive that another MultiDrive has just mounted', limit, async (t) => {
  const [own, shared, other] = [await hyperdrive(t), await hyperdrive(t), await hyperdrive(t)]
  const multi = await multidrive(t, [own, shared], opener([other]))
  await multi.put('/before', 'x')
  const away = await multidrive(t, [shared], opener([other]))
  await away.mount('/m', other.key)
  await multi.put('/m/a', 'bytes')
  t.equal(String(await other.get('/a')), 'bytes')
  t.equal(await own.get('/m/a'), null)
  t.equal(String(await multi.get('/m/a')), 'bytes')
  t.same(await keys(own), ['/before'])
})

test('mount(path, key, { version }) shows the drive as it was', limit, async (t) => {
  const other = await hyperdrive(t)
  await other.put('/a', 'one')
  const { version } = other
  const hash = await other.core.treeHash(version)
  await other.put('/a', 'two')
  const multi = await multidrive(t, [await hyperdrive(t)], opener([other]))
  await multi.mount('/then', other.key, { version, hash })
  await multi.mount('/now', other.id)
  t.same(await contents(multi), { '/now/a': 'two', '/then/a': 'one' })
  t.same((await multi.stat('/then')).mount, { key: other.key, version, hash })
  t.equal((await failureOf(multi.put('/then/x', ''))).code, 'EROFS')
  await multi.mount('/wrong', other.key, { version, hash: Buffer.alloc(32) })
  t.equal((await failureOf(multi.get('/wrong/a'))).code, 'DRIVE_INVALID')
  t.same(await keys(multi), ['/now/a', '/then/a'], 'a listing goes on without it')
})

test('what is written below a mount lands in the mounted drive', limit, async (t) => {
  const [own, other] = [await hyperdrive(t), await hyperdrive(t)]
  const multi = await multidrive(t, [own], opener([other]))
  await multi.mount('/m', other.key)
  await multi.put('/m/put', 'put')
  await multi.writeFile('/m/written', 'written')
  await multi.appendFile('/m/written', '!')
  await multi.mkdir('/m/made/deep', { recursive: true })
  await multi.symlink('/m/link', 'put')
  await multi.rename('/m/put', '/m/made/moved')
  const fd = await multi.open('/m/written', 'r+')
  await multi.write(fd, Buffer.from('W'), 0, 1, 0)
  await multi.fsync(fd)
  await multi.close(fd)
  await multi.chmod('/m/written', 0o600)
  const batch = multi.batch()
  await batch.put('/m/one', '1')
  await batch.put('/m/two', '2')
  await batch.flush()
  await multi.del('/m/one')
  await multi.copyFile('/m/two', '/two')
  t.same(await contents(other), {
    '/link': '-> put',
    '/made/moved': 'put',
    '/two': '2',
    '/written': 'Written!'
  })
  t.same(await contents(own), { '/two': '2' })
  t.equal((await multi.stat('/m/written')).mode & 0o777, 0o600)
  t.same(await multi.promises.readdir('/m/made'), ['deep', 'moved'])
  await multi.rm('/m/made', { recursive: true })
  t.same(await keys(other), ['/link', '/two', '/written'])
})

test('what is done to a mount or across one fails as on any file system', limit, async (t) => {
  const [own, other] = [await hyperdrive(t), await hyperdrive(t)]
  await other.put('/a', 'a')
  const multi = await multidrive(t, [own], opener([other]))
  await multi.put('/file', 'bytes')
  await multi.mount('/in/m', other.key)
  const code = async (call: Promise<unknown>) => (await failureOf(call)).code
  t.equal(await code(multi.rename('/file', '/in/m/file')), 'EXDEV')
  t.equal(await code(multi.rename('/in/m/a', '/a')), 'EXDEV')
  t.equal(await code(multi.rename('/in/m', '/out')), 'EBUSY')
  t.equal(await code(multi.rename('/in', '/out')), 'EBUSY')
  t.equal(await code(multi.rmdir('/in/m')), 'EBUSY')
  t.equal(await code(multi.rm('/in/m', { recursive: true })), 'EBUSY')
  t.equal(await code(multi.rm('/in', { recursive: true })), 'EBUSY')
  t.equal(await code(multi.del('/in', { recursive: true })), 'EBUSY')
  t.equal(await code(multi.put('/in/m', 'bytes')), 'EISDIR')
  t.equal(await code(multi.put('/in', 'bytes')), 'EISDIR')
  t.equal(await code(multi.mkdir('/in/m')), 'EEXIST')
  t.equal(await code(multi.mount('/in/m', other.key)), 'EEXIST')
  t.equal(await code(multi.mount('/file', other.key)), 'ENOTDIR')
  t.equal(await code(multi.mount('/file/m', other.key)), 'ENOTDIR')
  t.equal(await code(multi.mount('/', other.key)), 'EINVAL')
  t.equal(await code(multi.mount('/x', 'no key')), 'EINVAL')
  t.equal(await code(multi.mount('/x', other.key, { version: -1 })), 'EINVAL')
  t.equal(await code(multi.unmount('/in')), 'EINVAL')
  t.equal(await code(multi.unmount('/nothing')), 'EINVAL')
  const batch = multi.batch()
  await batch.put('/x', 'x')
  await batch.put('/in/m/x', 'x')
  t.equal(await code(batch.flush()), 'EXDEV')
  const missing = await failureOf(multi.writeFile('/in/m/none/x', ''))
  t.same([missing.code, missing.path], ['ENOENT', '/in/m/none/x'])
  const below = await failureOf(multi.put('/in/m/a/b', ''))
  t.same([below.code, below.path], ['ENOTDIR', '/in/m/a/b'])
  t.same(await contents(multi), { '/file': 'bytes', '/in/m/a': 'a' })
})

test('mounts inside mounts are followed, and a cycle is ELOOP', limit, async (t) => {
  const [a, b, c] = [await hyperdrive(t), await hyperdrive(t), await hyperdrive(t)]
  const open = opener([b, c])
  const multi = await multidrive(t, [a], open)
  await b.put('/b', 'b')
  await c.put('/c', 'c')
  await multi.mount('/m', b.key)
  await multi.mount('/m/n', c.key)
  t.same(await contents(multi), { '/m/b': 'b', '/m/n/c': 'c' })
  t.same(await contents(b), { '/b': 'b' }, 'a record is no file')
  await multi.put('/m/n/d', 'd')
  t.equal(String(await c.get('/d')), 'd')
  const mounts = await multi.getAllMounts()
  t.same(
    [...mounts],
    [
      ['/m', { key: b.key, version: null, hash: null }],
      ['/m/n', { key: c.key, version: null, hash: null }]
    ]
  )
  t.same([...(await multi.getAllMounts({ recursive: false })).keys()], ['/m'])
  const called = await new Promise((resolve) => multi.getAllMounts((err, all) => resolve([err, all.size])))
  t.same(called, [null, 2])
  t.same(
    (await collect(multi.createMountStream())).map(({ path }) => path),
    ['/m', '/m/n']
  )

  await multi.mount('/m/n/loop', b.key)
  t.equal((await failureOf(multi.entry('/m/n/loop/b'))).code, 'ELOOP')
  t.equal((await failureOf(multi.stat('/m/n/loop/b'))).code, 'ELOOP')
  t.same(await keys(multi), ['/m/b', '/m/n/c', '/m/n/d'])
  t.equal((await failureOf(multi.mount('/self', a.key))).code, 'ELOOP')
  await multi.unmount('/m/n/loop')
  t.same([...(await multi.getAllMounts()).keys()], ['/m', '/m/n'])
})

test('mounts that other drives hold are seen, and the newest word counts', limit, async (t) => {
  let multi!: MultiDrive
  let they!: MultiDrive
  // It is opened through the corestore of the primary.
  await readsInTime(t, 's', async () => {
    const [here, there] = [await store(t), await store(t)]
    const theirs = await hyperdrive(t, { store: there })
    const [shared] = await hyperdrives(t, 1, there)
    await shared.put('/s', 's')
    they = await multidrive(t, [theirs])
    await they.mount('/m', shared.key)
    multi = await multidrive(t, [
      await hyperdrive(t, { store: here }),
      await hyperdrive(t, { store: here, key: theirs.key })
    ])
    cleanup(t, link(here, there))
    await multi.update({ wait: true })
    t.same([...(await multi.getAllMounts()).keys()], ['/m'])
    return String(await multi.get('/m/s'))
  })
  t.equal((await failureOf(multi.put('/m/x', ''))).code, 'EROFS')
  await multi.unmount('/m')
  t.equal(await multi.entry('/m/s'), null)
  t.equal(String(await they.get('/m/s')), 's', 'for others it is there')
})

test(
  'a mount is kept by a Localdrive, and shows a Localdrive where openDrive gives one',
  limit,
  async (t) => {
    const path = await folder(t)
    const disk = new Localdrive(await folder(t))
    await disk.put('/on/disk', 'bytes')
    const { key } = await hyperdrive(t)
    const open = { openDrive: () => disk }
    const multi = await multidrive(t, [new Localdrive(path)], open)
    await multi.mount('/m', key)
    await multi.put('/m/new', 'new')
    t.same(await contents(multi), { '/m/new': 'new', '/m/on/disk': 'bytes' })
    t.equal(String(await disk.get('/new')), 'new')
    t.equal(await multi.readFile('/m/on/disk', 'utf8'), 'bytes')
    const again = await multidrive(t, [new Localdrive(path)], open)
    t.same([...(await again.getAllMounts()).keys()], ['/m'])
    await multi.unmount('/m')
    t.same(await keys(again), [])
  }
)

test('a drive that cannot be opened fails what is read below it, and no listing', limit, async (t) => {
  const own = await hyperdrive(t)
  const multi = await multidrive(t, [own], opener([]))
  await multi.put('/file', 'bytes')
  const { key } = await hyperdrive(t)
  await multi.mount('/m', key)
  const failed = await failureOf(multi.get('/m/x'))
  t.equal(failed.code, 'DRIVE_FAILED')
  t.equal(failed.cause.message, 'unknown drive')
  t.same(await keys(multi), ['/file'])
  t.same(await multi.promises.readdir('/'), ['file', 'm'])
  t.equal((await failureOf(multi.promises.readdir('/m'))).code, 'DRIVE_FAILED')
})

test('checkout(version) and diff(version) see mounts and mounted drives as they were', limit, async (t) => {
  const [own, other] = [await hyperdrive(t), await hyperdrive(t)]
  await other.put('/a', 'one')
  const multi = await multidrive(t, [own], opener([other]))
  const bare = multi.version
  await multi.mount('/m', other.key)
  t.same(await contents(multi), { '/m/a': 'one' })
  const { version } = multi
  await other.put('/a', 'two')
  await multi.put('/m/b', 'b')
  t.same(await contents(multi.checkout(bare)), {})
  t.same(await contents(multi.checkout(version)), { '/m/a': 'one' })
  t.equal((await failureOf(multi.checkout(version).put('/m/x', ''))).code, 'EROFS')
  t.same(await contents(multi), { '/m/a': 'two', '/m/b': 'b' })
  const shape = async (version: string) =>
    (await collect(multi.diff(version))).map(({ left, right }) => [left?.key, right?.key])
  t.same(await shape(version), [
    ['/m/a', '/m/a'],
    ['/m/b', undefined]
  ])
  t.same(await shape(bare), [
    ['/m/a', undefined],
    ['/m/b', undefined]
  ])
  const mounted = multi.version
  await multi.unmount('/m')
  t.same(await shape(mounted), [
    [undefined, '/m/a'],
    [undefined, '/m/b']
  ])
})

test(
  'checkout(version) shows a mounted drive of the set as it was, though nobody had looked',
  limit,
  async (t) => {
    const [own, other] = [await hyperdrive(t), await hyperdrive(t)]
    await other.put('/a', 'one')
    const multi = await multidrive(t, [own, other])
    await multi.mount('/m', other.key)
    const { version } = multi
    await other.put('/a', 'two')
    t.same(await contents(multi.checkout(version)), { '/a': 'one', '/m/a': 'one' })
  }
)

test('createDiffStream(version) tells of mounts', limit, async (t) => {
  const [own, other] = [await hyperdrive(t), await hyperdrive(t)]
  await other.put('/a', 'one')
  const multi = await multidrive(t, [own], opener([other]))
  const bare = multi.version
  await multi.mount('/m', other.key)
  t.equal(String(await multi.get('/m/a')), 'one')
  const { version } = multi
  const shape = (items: any[]) => items.map(({ type, name }) => `${type} ${name}`)
  const items = await collect(multi.createDiffStream(bare))
  t.same(shape(items), ['mount m', 'put m/a'])
  t.same(items[0].value, { key: other.key, version: null, hash: null })
  await multi.unmount('/m')
  t.same(shape(await collect(multi.createDiffStream(version))), ['unmount m', 'del m/a'])
})

test('history(path) and conflicts(path) look into what is mounted', limit, async (t) => {
  const [own, other] = [await hyperdrive(t), await hyperdrive(t)]
  await other.put('/a', 'one')
  const multi = await multidrive(t, [own, await hyperdrive(t)], opener([other]))
  await multi.mount('/m', other.key)
  await multi.put('/m/a', 'two')
  const versions = await collect(multi.history('/m/a'))
  t.same(
    versions.map(({ type, key }) => [type, key]),
    [
      ['put', '/m/a'],
      ['put', '/m/a']
    ]
  )
  t.equal(String(await multi.get(versions[1])), 'one')
  t.same(await multi.conflicts('/m/a'), [])
  t.same(await collect(multi.conflicts()), [])
})
