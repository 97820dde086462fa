import test from 'tape'
import MultiDrive from '../index.ts'
import {
  collect,
  contents,
  failureOf,
  hyperdrive,
  link,
  localdrive,
  multidrive,
  store
} from './helpers/drives.ts'

const limit = { timeout: 60_000 }

test('version is the same for the same drives at the same versions, in whatever order', limit, async (t) => {
  const [a, b] = [await hyperdrive(t), await hyperdrive(t)]
  const one = await multidrive(t, [a, b])
  const two = new MultiDrive(b)
  await two.addDrive(a)
  t.equal(one.version, two.version)
  const before = one.version
  await one.put('/file', 'bytes')
  t.notEqual(one.version, before)
  t.equal(one.version, two.version)
})

test('checkout(version) shows the merged view as it was, by both faces', limit, async (t) => {
  const [own, other] = [await hyperdrive(t), await hyperdrive(t)]
  await other.put('/theirs', 'old')
  await other.put('/gone', 'here')
  const multi = await multidrive(t, [own, other])
  await multi.put('/mine', 'one')
  await multi.mkdir('/folder')
  const version = multi.version
  const recorded = await contents(multi)
  await multi.put('/mine', 'two')
  await multi.del('/gone')
  await multi.rmdir('/folder')
  await other.put('/theirs', 'new')
  await multi.addDrive(await hyperdrive(t))

  const past = multi.checkout(version)
  t.same(await contents(past), recorded)
  t.equal(past.version, version)
  t.equal(past.writable, false)
  t.equal(past.drives.length, 2, 'a drive that came later is not in it')
  t.equal(await past.readFile('/mine', 'utf8'), 'one')
  t.same(await past.promises.readdir('/'), ['folder', 'gone', 'mine', 'theirs'])
  t.equal((await past.stat('/gone')).size, 4)
  t.same((await failureOf(past.put('/x', ''))).code, 'EROFS')
  t.same((await failureOf(past.writeFile('/x', ''))).code, 'EROFS')
  t.same((await failureOf(past.addDrive(own))).code, 'EROFS')
  await past.close()
  t.equal(String(await multi.get('/mine')), 'two', 'the parent stays open')
  t.equal((await failureOf(past.get('/mine'))).code, 'CLOSED')
})

test('purge() and destroyStorage() of a checkout are EROFS, and leave it open', limit, async (t) => {
  const own = await hyperdrive(t)
  const multi = await multidrive(t, [own])
  await multi.put('/file', 'bytes')
  const past = multi.checkout(multi.version)
  t.equal((await failureOf(past.purge())).code, 'EROFS')
  t.equal((await failureOf(past.destroyStorage())).code, 'EROFS')
  t.same(await contents(past), { '/file': 'bytes' })
})

test('closing a MultiDrive closes its checkouts', limit, async (t) => {
  const multi = await multidrive(t, [await hyperdrive(t)])
  await multi.put('/file', 'bytes')
  const past = multi.checkout(multi.version)
  await past.ready()
  await multi.close()
  t.equal(past.closed, true)
})

test('checkout(version) of a checkout shows that version', limit, async (t) => {
  const multi = await multidrive(t, [await hyperdrive(t)])
  const versions = [multi.version]
  for (const text of ['one', 'two']) {
    await multi.put('/file', text)
    versions.push(multi.version)
  }
  const past = multi.checkout(versions[2]!)
  t.same(await contents(past.checkout(versions[1]!)), { '/file': 'one' })
  t.same(await contents(past.checkout(versions[0]!)), {})
})

test('checkout(version) shows Localdrives as they are', limit, async (t) => {
  const [own, local] = [await hyperdrive(t), await localdrive(t)]
  const multi = await multidrive(t, [own, local])
  await local.put('/disk', 'one')
  const { version } = multi
  await local.put('/disk', 'two')
  await multi.put('/own', 'bytes')
  t.same(await contents(multi.checkout(version)), { '/disk': 'two' })
  const disk = await multidrive(t, [await localdrive(t)])
  await disk.put('/file', 'bytes')
  t.equal(disk.version, '')
  t.same(await contents(disk.checkout('')), { '/file': 'bytes' })
  t.equal((await failureOf(disk.checkout('').put('/file', ''))).code, 'EROFS')
})

test('checkout(version) of another peer shows what it shows there', limit, async (t) => {
  const [here, there] = [await store(t), await store(t)]
  const theirs = await hyperdrive(t, { store: there })
  const remote = await hyperdrive(t, { store: here, key: theirs.key })
  const own = await hyperdrive(t, { store: here })
  const multi = await multidrive(t, [own, remote])
  await theirs.put('/file', 'one')
  const there1 = await multidrive(t, [theirs])
  const { version } = there1
  await theirs.put('/file', 'two')
  t.equal(
    (await failureOf(multi.checkout(version).get('/file', { timeout: 500 }))).code,
    'VERSION_NOT_AVAILABLE'
  )
  const unlink = link(here, there)
  await multi.update({ wait: true })
  t.equal(String(await multi.checkout(version).get('/file')), 'one')
  await unlink()
})

test(
  'checkout(version) with what is no version is EINVAL, with a drive that is not here VERSION_NOT_AVAILABLE',
  limit,
  async (t) => {
    const [own, other] = [await hyperdrive(t), await hyperdrive(t)]
    const multi = await multidrive(t, [own])
    for (const bad of ['x', `${own.id}:`, `${own.id}:-1`, `${own.id}:1,${own.id}:1`, ',', 7, null, undefined])
      t.equal((await failureOf(() => multi.checkout(bad as string))).code, 'EINVAL', String(bad))
    const strange = multi.checkout(`${other.id}:1`)
    t.equal((await failureOf(strange.ready())).code, 'VERSION_NOT_AVAILABLE')
    t.equal((await failureOf(strange.get('/file'))).code, 'VERSION_NOT_AVAILABLE')
    const future = multi.checkout(`${own.id}:99`)
    t.equal((await failureOf(future.get('/file'))).code, 'VERSION_NOT_AVAILABLE')
    t.equal((await failureOf(collect(multi.diff(`${own.id}:99`)))).code, 'VERSION_NOT_AVAILABLE')
  }
)

test('checkout(version) of a drive that was truncated is VERSION_NOT_AVAILABLE', limit, async (t) => {
  const own = await hyperdrive(t)
  const multi = await multidrive(t, [own])
  await multi.put('/a', '1')
  const length = own.version
  await multi.put('/b', '2')
  const { version } = multi
  await own.truncate(length)
  t.equal((await failureOf(multi.checkout(version).get('/a'))).code, 'VERSION_NOT_AVAILABLE')
  t.same(await contents(multi.checkout(multi.version)), { '/a': '1' })
})

test('diff(version, folder, opts) gives { left, right } of what differs, in order', limit, async (t) => {
  const [own, other] = [await hyperdrive(t), await hyperdrive(t)]
  await other.put('/a/theirs', 'old')
  await other.put('/a/gone', 'here')
  await other.put('/tree/1', 'here')
  const multi = await multidrive(t, [own, other])
  await multi.put('/a/same', 'same')
  await multi.put('/b', 'one')
  const { version } = multi
  t.same(await collect(multi.diff(version)), [])
  await multi.put('/b', 'two')
  await multi.del('/a/gone')
  await multi.rm('/tree', { recursive: true })
  await multi.put('/a/new', 'new')
  await other.put('/a/theirs', 'new')
  const late = await hyperdrive(t)
  await late.put('/late', 'late')
  await multi.addDrive(late)
  const differences = await collect(multi.diff(version))
  const shape = differences.map(({ left, right }) => [left?.key ?? null, right?.key ?? null])
  t.same(shape, [
    [null, '/a/gone'],
    ['/a/new', null],
    ['/a/theirs', '/a/theirs'],
    ['/b', '/b'],
    ['/late', null],
    [null, '/tree/1']
  ])
  const [, , theirs] = differences
  t.equal(String(await multi.get(theirs.left)), 'new')
  t.equal(String(await multi.get(theirs.right)), 'old')
  t.same((await collect(multi.diff(version, '/a'))).length, 3)
  t.same((await collect(multi.diff(version, '/tree', {}))).length, 1)
  t.same((await collect(multi.diff(version, {}))).length, 6)
})

test('diff(checkout) is diff(version), also of drives that have left the set', limit, async (t) => {
  const [own, other] = [await hyperdrive(t), await hyperdrive(t)]
  await other.put('/theirs', 'text')
  const multi = await multidrive(t, [own, other])
  const past = multi.checkout(multi.version)
  await past.ready()
  await multi.put('/mine', 'text')
  await multi.removeDrive(other)
  const differences = await collect(multi.diff(past))
  t.same(
    differences.map(({ left, right }) => [left?.key ?? null, right?.key ?? null]),
    [
      ['/mine', null],
      [null, '/theirs']
    ]
  )
})

/** The items of a diff stream, but for their stats. */
async function items(multi: any, ...args: unknown[]): Promise<string[]> {
  const found = await collect(multi.createDiffStream(...args))
  return found.map(({ type, name, seq, previous }) => `${type} ${name} ${seq} ${previous?.seq}`)
}

test('createDiffStream(version, prefix) has the form of Hyperdrive 10', limit, async (t) => {
  const [own, other] = [await hyperdrive(t), await hyperdrive(t)]
  await other.put('/a/gone', 'text')
  const multi = await multidrive(t, [own, other])
  await multi.put('/a/file', 'one')
  await multi.mkdir('/a/folder')
  await multi.mkdir('/empty')
  const { version } = multi
  t.same(await items(multi, version), [])
  const seqs = { file: (await multi.entry('/a/file'))!.seq, gone: (await multi.entry('/a/gone'))!.seq }
  await multi.put('/a/file', 'other')
  await multi.del('/a/gone')
  await multi.mkdir('/new')
  await multi.rmdir('/empty')
  await multi.promises.symlink('file', '/a/link')
  const found = await collect(multi.createDiffStream(version))
  t.same(
    found.map(({ type, name }) => `${type} ${name}`),
    ['put a/file', 'del a/gone', 'put a/link', 'del empty', 'put new']
  )
  const [file, gone, link, , made] = found
  t.same(Object.keys(file), ['type', 'name', 'seq', 'value', 'previous'])
  t.same([file.seq, file.previous], [(await multi.entry('/a/file'))!.seq, { seq: seqs.file }])
  t.same(gone, { type: 'del', name: 'a/gone', previous: { seq: seqs.gone } })
  t.same(JSON.stringify(file.value), JSON.stringify(await multi.stat('/a/file')))
  t.same(JSON.stringify(link.value), JSON.stringify(await multi.lstat('/a/link')))
  t.same(JSON.stringify(made.value), JSON.stringify(await multi.stat('/new')))
  t.equal(made.value.isDirectory(), true)
  t.notOk('previous' in made)
  t.same((await items(multi, version, '/a')).length, 3)
  t.same((await items(multi, version, 'a/', { wait: false })).length, 3)
  t.same((await items(multi, multi.checkout(version), { timeout: 1000 })).length, 5)
  t.equal((await failureOf(collect(multi.createDiffStream('x')))).code, 'EINVAL')
  t.equal((await failureOf(collect(multi.createDiffStream(version, '..')))).code, 'EINVAL')
})

test(
  'createDiffStream(version) tells of folders that a deletion hides, and of drives that come',
  limit,
  async (t) => {
    const [own, other, local] = [await hyperdrive(t), await hyperdrive(t), await localdrive(t)]
    const others = await multidrive(t, [other])
    await others.mkdir('/tree/deep/er', { recursive: true })
    await local.put('/tree/disk/file', 'text')
    const multi = await multidrive(t, [own])
    const { version: empty } = multi
    await multi.addDrive(other)
    const names = async (version: string, ...args: unknown[]) =>
      (await items(multi, version, ...args)).map((item) => item.split(' ').slice(0, 2).join(' '))
    t.same(await names(empty), ['put tree', 'put tree/deep', 'put tree/deep/er'])
    await multi.addDrive(local)
    const { version } = multi
    await multi.rm('/tree', { recursive: true })
    t.same(await names(version), [
      'del tree',
      'del tree/deep',
      'del tree/deep/er',
      'del tree/disk',
      'del tree/disk/file'
    ])
    t.same(await names(version, '/tree/deep'), ['del tree/deep/er'])
    t.same(await names(version, '/elsewhere'), [])
  }
)
