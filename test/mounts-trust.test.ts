/** Mounts that somebody else wrote, and drives that cannot be opened: no reader crashes, hangs, or reads what it should not. */
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import Hyperdrive from 'hyperdrive'
import { encode } from 'hypercore-id-encoding'
import test from 'tape'
import { again, isFaster, took } from './helpers/clock.ts'
import {
  cleanup,
  collect,
  contents,
  failureOf,
  hyperdrive,
  hyperdrives,
  keys,
  link,
  localdrive,
  multidrive,
  store
} from './helpers/drives.ts'
import { forge, opener, stamp } from './helpers/mounts.ts'

const limit = { timeout: 60_000 }

test('records of mounts and tags that make no sense are no mounts and no tags', limit, async (t) => {
  const [own, other] = [await hyperdrive(t), await hyperdrive(t)]
  await own.put('/a', 'a')
  const record = { ...stamp, id: other.id }
  const bad = ['', '/', 'm', '/m/', '/a//b', '/../m', '/m/..', '/./m', '/m\\n', '/m\0']
  await forge(own, 'mounts', Object.fromEntries(bad.map((path) => [path, record])))
  await forge(own, 'mounts', {
    '/bad/json': '{',
    '/bad/id': { ...stamp, id: 'x'.repeat(52) },
    '/bad/version': { ...record, version: 1e300 },
    '/__proto__': { ...record, mtime: 'now' }
  })
  await forge(own, 'tags', { bad: { ...stamp, version: 'none' }, '': { ...stamp, version: '' } })
  const multi = await multidrive(t, [own], opener([other]))
  const formats: unknown[] = []
  multi.on('format', ({ kind, path, version }) => formats.push([kind, path, version]))
  t.is((await multi.getAllMounts()).size, 0)
  t.is((await multi.getAllTags()).size, 0)
  t.same(await contents(multi), { '/a': 'a' })
  await forge(own, 'mounts', { '/later': { ...record, v: 2 } })
  await forge(own, 'tags', { later: { ...stamp, v: 2, version: '' } })
  t.is((await multi.getAllMounts()).size, 0)
  t.same(formats, [
    ['mounts', '/later', 2],
    ['tags', 'later', 2]
  ])
})

test('a mount below what another drive has as a file is seen beside it', limit, async (t) => {
  const [own, other, third] = [await hyperdrive(t), await hyperdrive(t), await hyperdrive(t)]
  await third.put('/x', 'x')
  await own.put('/file', 'bytes')
  await forge(other, 'mounts', { '/file/m': { ...stamp, id: third.id } })
  const multi = await multidrive(t, [own, other], opener([third]))
  t.same(await contents(multi), { '/file': 'bytes', '/file/m/x': 'x' })
  t.same(await multi.promises.readdir('/'), ['file'])
  t.ok((await multi.stat('/file')).isFile())
  t.same((await multi.stat('/file/m')).mount?.key, third.key)
  await multi.put('/file', 'again')
  t.is(String(await multi.get('/file')), 'again')
  await multi.unmount('/file/m')
  t.same(await keys(multi), ['/file'])
})

test('thousands of mounts slow down nobody', limit, async (t) => {
  const [own, other, third] = [await hyperdrive(t), await hyperdrive(t), await hyperdrive(t)]
  await third.put('/x', 'x')
  for (let i = 0; i < 2000; i++) await own.put(`/files/${i}`, '')
  const many = Array.from({ length: 5000 }, (_, i) => [`/many/${i}`, { ...stamp, id: third.id }])
  await forge(other, 'mounts', Object.fromEntries(many))
  const multi = await multidrive(t, [own, other], opener([third]))
  await multi.entry('/files/1')
  const entries = async () => {
    for (let i = 0; i < 200; i++) await multi.entry(`/files/${i}`)
  }
  const puts = async () => {
    for (let i = 0; i < 20; i++) await multi.put(`/more/${i}`, '')
  }
  t.ok(await isFaster(2000, () => took(entries())), 'entry()')
  t.ok(await isFaster(4000, () => took(puts())), 'put()')
  t.ok(await isFaster(4000, () => took(keys(multi, '/files'))), 'list()')
  const names = await took(multi.promises.readdir('/many'))
  const all = await took(keys(multi))
  t.comment(`readdir of 5000 mounts ${names} ms, list of all ${all} ms`)
  t.is((await multi.getAllMounts()).size, 5000)
})

test('a cycle through three drives is ELOOP, and no listing goes on for ever', limit, async (t) => {
  const drives = [await hyperdrive(t), await hyperdrive(t), await hyperdrive(t)]
  const [a, b, c] = drives
  for (const [i, drive] of drives.entries()) {
    await drive.put('/file', String(i))
    await forge(drive, 'mounts', { '/next': { ...stamp, id: drives[(i + 1) % 3].id } })
  }
  const multi = await multidrive(t, [a], opener([b, c]))
  t.same(await contents(multi), { '/file': '0', '/next/file': '1', '/next/next/file': '2' })
  t.is((await failureOf(multi.entry('/next/next/next/file'))).code, 'ELOOP')
  t.is((await failureOf(multi.put('/next/next/next/file', ''))).code, 'ELOOP')
  t.same([...(await multi.getAllMounts()).keys()], ['/next', '/next/next', '/next/next/next'])
  t.same(await multi.promises.readdir('/', { recursive: true }), [
    'file',
    'next',
    'next/file',
    'next/next',
    'next/next/file',
    'next/next/next'
  ])
  t.ok((await multi.stat('/')).isDirectory())
})

test('a version of a drive that shows itself is ELOOP', limit, async (t) => {
  const own = await hyperdrive(t)
  await own.put('/file', 'bytes')
  await forge(own, 'mounts', { '/self': { ...stamp, id: own.id, version: Number(own.version) + 1 } })
  const multi = await multidrive(t, [own])
  t.same(await keys(multi), ['/file', '/self/file'])
  t.is((await failureOf(multi.entry('/self/self/file'))).code, 'ELOOP')
})

test('mounts that fan out over and over come to an end', limit, async (t) => {
  const drives = await hyperdrives(t, 16)
  for (const [i, drive] of drives.slice(0, -1).entries()) {
    const record = { ...stamp, id: drives[i + 1].id }
    await forge(drive, 'mounts', { '/a': record, '/b': record, '/c': record, '/d': record })
  }
  const multi = await multidrive(t, [drives[0]], opener(drives))
  t.same(await keys(multi), [], 'a listing of 4 ** 15 empty folders')
  t.ok((await multi.stat('/')).isDirectory())
  t.ok((await multi.stat('/a')).isDirectory())
  t.ok((await multi.getAllMounts()).size > 100)
})

test('mounts may be nested as deep as links', limit, async (t) => {
  const drives = await hyperdrives(t, 42)
  for (const [i, drive] of drives.slice(0, -1).entries()) {
    await drive.put('/x', String(i))
    await forge(drive, 'mounts', { '/m': { ...stamp, id: drives[i + 1].id } })
  }
  const multi = await multidrive(t, [drives[0]], opener(drives))
  t.is(String(await multi.get('/m'.repeat(40) + '/x')), '40')
  t.is((await failureOf(multi.get('/m'.repeat(41) + '/x'))).code, 'ELOOP')
  t.is((await keys(multi)).length, 41)
})

test('a version that is not there yet fails what is read below it, and no listing', limit, async (t) => {
  const [own, other] = [await hyperdrive(t), await hyperdrive(t)]
  await own.put('/file', 'bytes')
  await other.put('/x', 'x')
  const multi = await multidrive(t, [own], opener([other]))
  await multi.mount('/future', other.key, { version: 2 ** 40 })
  await multi.mount('/checked', other.key, { version: 2 ** 40, hash: Buffer.alloc(32) })
  t.same(await keys(multi), ['/file'])
  t.same(await multi.promises.readdir('/'), ['checked', 'file', 'future'])
  t.is((await failureOf(multi.get('/future/x'))).code, 'VERSION_NOT_AVAILABLE')
  t.is((await failureOf(multi.get('/checked/x'))).code, 'VERSION_NOT_AVAILABLE')
})

test('what cannot be opened is an empty folder in what goes through folders', limit, async (t) => {
  const own = await hyperdrive(t)
  const multi = await multidrive(t, [own], opener([]))
  await multi.put('/in/file', 'bytes')
  await multi.mount('/in/m', (await hyperdrive(t)).key)
  t.same(await multi.promises.readdir('/', { recursive: true }), ['in', 'in/file', 'in/m'])
  t.same(
    (await multi.promises.readdir('/in', { withFileTypes: true })).map((entry) => entry.isDirectory()),
    [false, true]
  )
  t.ok((await multi.stat('/in/m')).isDirectory())
  t.ok((await multi.stat('/')).isDirectory())
  t.same(await collect(multi.readdir('/in')), ['file'])
  const told: string[] = []
  const watcher = multi.watch('/', (type, name) => void told.push(`${type} ${name}`))
  cleanup(t, () => watcher.destroy())
  await again(
    (i) => multi.put(`/in/new-${i}`, ''),
    () => told.length > 0
  )
  watcher.destroy()
  t.match(told[0]!, /^rename in\/new-\d+$/)
  t.is((await failureOf(multi.promises.cp('/in', '/copy', { recursive: true }))).code, 'DRIVE_FAILED')
  t.notOk(await multi.exists('/copy/file'), 'a copy that is not whole is none')
})

test('bounds hold for drives that never open', limit, async (t) => {
  const own = await hyperdrive(t)
  const multi = await multidrive(t, [own], { openDrive: () => new Promise(() => undefined) })
  await multi.put('/file', 'bytes')
  await multi.mount('/m', Buffer.alloc(32, 1))
  t.is((await failureOf(multi.get('/m/x', { timeout: 200 }))).code, 'REQUEST_TIMEOUT')
  t.is(String(await multi.get('/file')), 'bytes')
  t.same(await keys(multi), ['/file'], 'a listing')
  t.same(await multi.promises.readdir('/', { recursive: true }), ['file', 'm'])
  await multi.close()
  t.pass('and it closes')
})

test('a MultiDrive closes at once while a mounted drive waits for its peers', limit, async (t) => {
  const turn = async () => {
    const [here, there] = [await store(t), await store(t)]
    let mounted: Hyperdrive = null
    const multi = await multidrive(t, [await hyperdrive(t, { store: here })], {
      openDrive: (key) => (mounted = new Hyperdrive(here.session({ writable: false }), key))
    })
    const shared = await hyperdrive(t, { store: there })
    const copy = await hyperdrive(t, { store: here, key: shared.key })
    await multi.addDrive(copy)
    const unlink = link(here, there)
    while (copy.core.peers.length === 0) await once(copy.core, 'peer-add')
    await multi.mount('/m', Buffer.alloc(32, 1))
    // As long as they are looked for, it waits for all of its four seconds.
    multi.findingPeers()
    const reading = failureOf(multi.get('/m/x'))
    while (!mounted?.opened) await sleep(10)
    await sleep(100)
    const time = await took(Promise.all([multi.close(), reading]))
    await unlink()
    return time
  }
  t.ok(await isFaster(700, turn))
})

test('tombstones: false ignores the ends of mounts and tags that others made', limit, async (t) => {
  const [own, other, third] = [await hyperdrive(t), await hyperdrive(t), await hyperdrive(t)]
  await third.put('/x', 'x')
  const they = await multidrive(t, [other, own], opener([third]))
  const multi = await multidrive(t, [own], opener([third]))
  await multi.mount('/m', third.key)
  await multi.createTag('tag')
  await they.mount('/n', third.key)
  await they.unmount('/m')
  await they.deleteTag('tag')
  await multi.addDrive(other, { tombstones: false })
  t.same([...(await multi.getAllMounts()).keys()], ['/m', '/n'])
  t.same([...(await multi.getAllTags()).keys()], ['tag'])
  t.same(await keys(multi), ['/m/x', '/n/x'])
})

test(
  'a drive of the set that is mounted too goes on being shown when it leaves the set',
  limit,
  async (t) => {
    const [own, other] = await hyperdrives(t, 2)
    const multi = await multidrive(t, [own, other])
    await multi.put('/file', 'bytes')
    await other.put('/x', 'x')
    await multi.mount('/m', other.key)
    t.same(await keys(multi), ['/file', '/m/x', '/x'])
    await multi.removeDrive(other)
    await other.close()
    t.is(String(await multi.get('/m/x')), 'x')
    t.same(await keys(multi), ['/file', '/m/x'])
  }
)

test('a drive that is mounted comes into the set as well', limit, async (t) => {
  const [own, other] = await hyperdrives(t, 2)
  await other.put('/x', 'x')
  await other.close()
  const multi = await multidrive(t, [own])
  await multi.mount('/m', other.key)
  t.same(await keys(multi), ['/m/x'])
  await multi.addDrive(encode(other.key))
  t.same(await keys(multi), ['/m/x', '/x'])
  t.same(await contents(multi.checkout(multi.version)), { '/m/x': 'x', '/x': 'x' })
})

test('a mounted drive that comes into the set is written to where that one can be', limit, async (t) => {
  const [own, other] = await hyperdrives(t, 2)
  await other.put('/x', '1')
  const multi = await multidrive(t, [own])
  await multi.mount('/m', other.key)
  t.equal(String(await multi.get('/m/x')), '1')
  t.equal((await failureOf(multi.put('/m/y', '2'))).code, 'EROFS')
  await multi.addDrive(other)
  await multi.put('/m/y', '2')
  t.equal(String(await other.get('/y')), '2')
  t.equal((await multi.entry('/m/x'))?.drive, other)
  await multi.removeDrive(other)
  t.equal(
    (await failureOf(multi.put('/m/y', '3'))).code,
    'EROFS',
    'what was opened for the mount serves again'
  )
  t.equal(String(await multi.get('/m/y')), '2')
  t.same(multi.unsynced, [])
  await other.close()
})

test('mount and unmount without a writer name the path', limit, async (t) => {
  const multi = await multidrive(t, [await hyperdrive(t)])
  const past = multi.checkout(multi.version)
  for (const refused of [past.mount('/m', multi.key!), past.unmount('/m')]) {
    const { code, path } = await failureOf(refused)
    t.same([code, path], ['EROFS', '/m'])
  }
})

test('mounts beside each other are listed in the order of what is in them', limit, async (t) => {
  const [own, other] = [await hyperdrive(t), await hyperdrive(t)]
  await other.put('/x', 'x')
  const multi = await multidrive(t, [own], opener([other]))
  for (const path of ['/a', '/a!', '/a!b', '/a0', '/ab', '/b/c', '/b!']) await multi.mount(path, other.key)
  await multi.put('/a"', 'a file between')
  const all = ['/a!/x', '/a!b/x', '/a"', '/a/x', '/a0/x', '/ab/x', '/b!/x', '/b/c/x']
  t.same(await keys(multi), all)
  const reverse = await collect(multi.entries(null, { reverse: true }))
  t.same(
    reverse.map(({ key }) => key),
    all.toReversed()
  )
  for (const key of all) t.same(await keys(multi, key.replace(/\/x$/, '')), key.endsWith('/x') ? [key] : [])
  t.same(await multi.promises.readdir('/'), ['a', 'a!', 'a!b', 'a"', 'a0', 'ab', 'b', 'b!'])
})

test('a Localdrive keeps nothing of its own folder as a mount', limit, async (t) => {
  const multi = await multidrive(t, [await localdrive(t)])
  for (const path of ['/.multidrive', '/.multidrive/m'])
    t.is((await failureOf(multi.mount(path, Buffer.alloc(32, 1)))).code, 'EPERM', path)
  t.is((await multi.getAllMounts()).size, 0)
})
