/** What is written, alone, in batches and at once, lands in the writer or not at all. */
import { once } from 'node:events'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'tape'
import MultiDrive from '../index.ts'
import {
  cleanup,
  contents,
  failureOf,
  hyperdrive,
  keys,
  localdrive,
  multidrive,
  over
} from './helpers/drives.ts'

const limit = { timeout: 60_000 }

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

test('a put whose bytes cannot be brought into the drive fails with its error, and nothing has been written', async (t) => {
  const own = await hyperdrive(t)
  const multi = await multidrive(t, [own])
  await multi.put('/file', 'x')
  const { version } = own
  const { core } = (await own.getBlobs())!
  const append = core.append.bind(core)
  for (const path of ['/file', '/file/below']) {
    const cause = Object.assign(new Error('no space'), { code: 'ENOSPC' })
    core.append = () => Promise.reject(cause)
    const err = await failureOf(multi.put(path, 'y'))
    core.append = append
    t.is(err.code, path === '/file' ? 'ENOSPC' : 'ENOTDIR', path)
  }
  t.is(own.version, version)
  await multi.put('/file', 'z')
  t.same(await contents(multi), { '/file': 'z' })
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
