import SubEncoder from 'sub-encoder'
import test, { type Test } from 'tape'
import type { TombstoneRecord } from '../../lib/format/records.ts'
import type { NewStamp } from '../../lib/format/stamp.ts'
import { HyperdriveSource } from '../../lib/sources/hyperdrive/source.ts'
import type { Change, LeafView, SourceEvents } from '../../lib/sources/source.ts'
import { cleanup, collect, failureOf, hyperdrive, keys, link, multidrive, store } from '../helpers/drives.ts'
import { alone, together, until, whole, within } from '../availability/links.ts'

const QUICK = 5000
const records = new SubEncoder('multidrive', 'utf-8')
const tombstones = records.sub('tombstones', 'utf-8')
const directories = records.sub('directories', 'utf-8')
const ALL = { gt: '/', lt: '0' }

interface Told {
  change: number
  sync: number
  close: number
  format: [kind: string, path: string, version: number][]
}

async function source(t: Test, drive: any, opts: { sparse?: boolean } = {}) {
  const told: Told = { change: 0, sync: 0, close: 0, format: [] }
  const events: SourceEvents = {
    change: () => told.change++,
    sync: () => told.sync++,
    close: () => told.close++,
    format: (...notice) => void told.format.push(notice)
  }
  const opened = new HyperdriveSource(drive, opts)
  await opened.open(events)
  cleanup(t, () => opened.close())
  return { source: opened, told }
}

const stamp = (mtime = 1000): NewStamp => ({ mtime, ctime: mtime, clock: new Map(), explicit: false })

async function file(source: HyperdriveSource, key: string, text: string, mtime?: number): Promise<Change> {
  const staged = await source.stage(Buffer.from(text))
  return { type: 'file', key, executable: false, staged, metadata: null, stamp: stamp(mtime) }
}

const tombstone = (path: string, tree = false): TombstoneRecord => ({
  path,
  tree,
  mtime: 5,
  ctime: 5,
  clock: new Map([['x', 3]])
})

async function scanned(view: LeafView, range = ALL, opts = {}): Promise<string[]> {
  const cursor = view.scan(range, opts)
  const found: string[] = []
  for (let page = await cursor.page(3); page.length > 0; page = await cursor.page(3))
    found.push(...page.map(({ key }) => key))
  await cursor.close()
  return found
}

test('commit(changes) lands everything in one append, and is visible when it resolves', async (t) => {
  const drive = await hyperdrive(t)
  const { source: own, told } = await source(t, drive)
  // The first append of a drive is its header.
  await drive.put('/first', 'x')
  let appends = 0
  drive.core.on('append', () => appends++)
  await own.commit([
    await file(own, '/a', 'a', 7),
    { type: 'link', key: '/l', linkname: '/a', metadata: { m: 1 }, stamp: stamp(8) },
    { type: 'bury', record: tombstone('/gone') },
    { type: 'bury', record: tombstone('/tree', true) },
    {
      type: 'make-directory',
      record: { path: '/dir', mtime: 9, ctime: 9, clock: new Map(), mode: 0o700, metadata: null }
    }
  ])
  t.equal(appends, 1)
  t.ok(told.change > 0)
  t.equal(told.sync, 0, 'a write of its own is no sync')
  const view = await own.view()
  const found = (await view.find('/a'))!
  t.same(
    [found.key, found.stamp.mtime, found.origin.id, String(await found.readAll())],
    ['/a', 7, drive.id, 'a']
  )
  t.same((await view.find('/l'))?.value, {
    executable: false,
    linkname: '/a',
    blob: null,
    metadata: { m: 1 }
  })
  t.same(
    view.tombstonesOver('/gone').map(({ record }) => record),
    [tombstone('/gone')]
  )
  t.same(view.tombstonesOver('/gone/below'), [], 'a tombstone of a file covers the file alone')
  t.same(
    view.tombstonesOver('/tree/x/y').map(({ record }) => record),
    [tombstone('/tree', true)]
  )
  t.same(view.tombstonesOver('/tree2'), [])
  t.equal((await view.directoryAt('/dir'))?.record.mode, 0o700)
  t.same(
    (await view.directoriesBelow('')).map(({ record }) => record.path),
    ['/dir']
  )

  await own.commit([
    { type: 'remove', key: '/a' },
    { type: 'unbury', record: tombstone('/gone') },
    { type: 'remove-directory', path: '/dir' }
  ])
  const later = await own.view()
  t.equal(await later.find('/a'), null)
  t.same(later.tombstonesOver('/gone'), [])
  t.equal(await later.directoryAt('/dir'), null)
  t.equal((await view.find('/a'))?.key, '/a', 'a view stays at its version')
  t.equal(view.tombstonesOver('/gone').length, 1)
})

test('commit(changes) that fails lands nothing and leaves the drive unlocked', async (t) => {
  const drive = await hyperdrive(t)
  await drive.put('/first', 'x')
  const { source: own } = await source(t, drive)
  const good = await file(own, '/a', 'a')
  const bad: Change = {
    type: 'link',
    key: '/b',
    linkname: '/a',
    metadata: { big: 1n } as never,
    stamp: stamp()
  }
  const { length } = drive.core
  await failureOf(own.commit([good, bad]))
  t.equal(drive.core.length, length)
  await within(QUICK, 'commit', own.commit([good]))
  await within(QUICK, 'put', drive.put('/c', 'c'))
  t.same(await scanned(await own.view()), ['/a', '/c', '/first'])
})

test('stage(data) cuts streams into blocks, whatever the chunks', async (t) => {
  const drive = await hyperdrive(t)
  const { source: own } = await source(t, drive)
  async function* chunks(size: number, count: number) {
    for (let i = 0; i < count; i++) yield Buffer.alloc(size, i)
  }
  for (const [size, count] of [
    [1, 1000],
    [100_000, 3],
    [65_536, 2],
    [0, 3]
  ] as const) {
    const staged = await own.stage(chunks(size, count))
    await own.commit([{ type: 'file', key: '/f', executable: true, staged, metadata: null, stamp: stamp() }])
    const all = Buffer.concat(await collect<Buffer>(chunks(size, count)))
    const { blob } = (await drive.entry('/f')).value
    t.equal(blob.byteLength, all.byteLength)
    t.equal(blob.blockLength, Math.ceil(all.byteLength / 65_536), `${count} chunks of ${size} bytes`)
    t.ok((await drive.get('/f')).equals(all), 'a plain Hyperdrive reads them')
  }
})

test('stage(data) of a stream that fails leaves the drive unlocked', async (t) => {
  const drive = await hyperdrive(t)
  const { source: own } = await source(t, drive)
  async function* failing() {
    yield Buffer.alloc(200_000)
    throw new Error('no more')
  }
  t.equal((await failureOf(own.stage(failing()))).message, 'no more')
  await within(QUICK, 'put', drive.put('/a', 'a'))
  t.equal(String(await drive.get('/a')), 'a')
})

test('scan(range) in pages, seeking, and backwards', async (t) => {
  const drive = await hyperdrive(t)
  const all = ['/a', '/a-b', '/a.b', '/a/x', '/a/y', '/a0', '/b/1', '/b/2', '/c', '/\u{1f600}', '/\uff5e']
  const sorted = [...all].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
  for (const key of all) await drive.put(key, 'x')
  const { source: own } = await source(t, drive)
  const view = await own.view()
  t.same(await scanned(view, {} as never), sorted, 'in the order of bytes')
  t.same(await scanned(view, {} as never, { reverse: true }), sorted.toReversed())
  t.same(await scanned(view, { gt: '/a/', lt: '/a0' }), ['/a/x', '/a/y'])
  const cursor = view.scan({ gt: '/', lt: '/d' })
  t.same(
    (await cursor.page(2)).map(({ key }) => key),
    ['/a', '/a-b']
  )
  cursor.seek('/b0')
  t.same(
    (await cursor.page(5)).map(({ key }) => key),
    ['/c']
  )
  t.same(await cursor.page(5), [])
})

test('a view shows one state of the drive while it is written to', async (t) => {
  const drive = await hyperdrive(t)
  for (let i = 0; i < 300; i++) await drive.put(`/f${String(i).padStart(3, '0')}`, 'x')
  const { source: own } = await source(t, drive)
  const cursor = (await own.view()).scan(ALL)
  const found = await cursor.page(10)
  for (let i = 0; i < 300; i += 2) await drive.del(`/f${String(i).padStart(3, '0')}`)
  await drive.put('/g', 'x')
  for (let page = await cursor.page(50); page.length > 0; page = await cursor.page(50)) found.push(...page)
  t.equal(found.length, 300)
  t.equal((await scanned(await own.view())).length, 151)
})

test('what is malformed in a drive is absent, and what is newer is told of', async (t) => {
  const drive = await hyperdrive(t)
  const batch = drive.db.batch()
  const files = new SubEncoder('files', 'utf-8')
  const entry = { executable: false, linkname: null, blob: null, metadata: null }
  const put = (key: string, value: unknown, encoding: object = files) =>
    batch.put(key, value, { keyEncoding: encoding })
  await put('/good', entry)
  for (const key of ['/a/../b', '/a//b', '//', '/a/', 'a', '', '/a\0b', '/.', '/..', '/a\\b'])
    await put(key, entry)
  for (const [i, value] of [null, 1, 'text', [], [entry]].entries()) await put(`/bad${i}`, value)
  await put('/bad-blob', {
    ...entry,
    blob: { blockOffset: -1, blockLength: 1, byteOffset: 0, byteLength: 1 }
  })
  await put('/bad-link', { ...entry, linkname: 7 })
  const good = { v: 1, mtime: 5, ctime: 5, clock: {} }
  await put('/t', good, tombstones)
  await put('/d', good, directories)
  for (const [i, value] of [null, 7, [], { ...good, mtime: 'soon' }, { ...good, v: 0 }].entries()) {
    await put(`/bad${i}`, value, tombstones)
    await put(`/bad${i}`, value, directories)
  }
  await put('/a/../b', good, tombstones)
  await put('/new', { ...good, v: 2 }, tombstones)
  await put('/new', { ...good, v: 3 }, directories)
  await put('/unknown', good, records.sub('later', 'utf-8'))
  await batch.flush()
  await batch.close()

  const { source: own, told } = await source(t, drive)
  const view = await own.view()
  t.same(await scanned(view, {} as never), ['/good'])
  for (const key of ['/bad0', '/bad3', '/bad-blob', '/bad-link']) t.equal(await view.find(key), null, key)
  t.same(
    view.tombstonesBelow('').map(({ record }) => record.path),
    ['/t']
  )
  t.same(
    (await view.directoriesBelow('')).map(({ record }) => record.path),
    ['/d']
  )
  t.same(told.format.sort(), [
    ['directories', '/new', 3],
    ['tombstones', '/new', 2]
  ])
})

test('hidden records follow the drive, a few changes and many', async (t) => {
  const drive = await hyperdrive(t)
  const { source: own } = await source(t, drive)
  const paths = async () =>
    (await own.view())
      .tombstonesBelow('')
      .map(({ record }) => record.path)
      .sort()
  const expected = new Set<string>()
  t.same(await paths(), [])
  // From some thousand blocks on they are read anew instead of from the history.
  for (const many of [1, 3, 0, 1500, 2]) {
    const changes: Change[] = []
    for (let i = 0; i < many; i++) {
      const path = `/t${(i * 7) % 400}`
      if (i % 3 === 2 && expected.delete(path)) changes.push({ type: 'unbury', record: tombstone(path) })
      else {
        expected.add(path)
        changes.push({ type: 'bury', record: tombstone(path) })
      }
    }
    if (many > 0) await own.commit(changes)
    await drive.put(`/f${many}`, 'x')
    t.same(await paths(), [...expected].sort(), `${many} changes`)
  }
})

test('a checkout shows its version, and cannot be written to', async (t) => {
  const drive = await hyperdrive(t)
  const { source: own } = await source(t, drive)
  await own.commit([await file(own, '/a', 'old'), { type: 'bury', record: tombstone('/gone') }])
  const checkout = drive.checkout(drive.version)
  await checkout.ready()
  await own.commit([await file(own, '/a', 'new'), { type: 'unbury', record: tombstone('/gone') }])
  const { source: past } = await source(t, checkout)
  t.same([past.writable, past.writer(), past.unsynced], [false, null, false])
  t.notEqual(past.identity, own.identity, 'it is not the drive itself')
  const view = await past.view()
  t.equal(String(await (await view.find('/a'))!.readAll()), 'old')
  t.equal(view.tombstonesOver('/gone').length, 1)
  t.equal(await past.update({ wait: true }), false)
  cleanup(t, () => checkout.close())
})

test('a checkout of a remote drive whose metadata is only in part here', async (t) => {
  const [theirs, ours] = [await store(t), await store(t)]
  const author = await hyperdrive(t, { store: theirs })
  for (let i = 0; i < 100; i++) await author.put(`/f${i}`, 'x')
  const { version } = author
  for (let i = 0; i < 100; i++) await author.del(`/f${i}`)
  const copy = await hyperdrive(t, { store: ours, key: author.key })
  const unlink = link(theirs, ours)
  await until(copy.core, ['append'], () => copy.core.length === author.core.length)
  const checkout = copy.checkout(version)
  await checkout.ready()
  cleanup(t, () => checkout.close())
  const { source: past } = await source(t, checkout)
  t.equal((await within(QUICK, 'find', (await past.view()).find('/f7')))?.key, '/f7', 'with a peer')
  t.equal((await within(QUICK, 'scan', scanned(await past.view()))).length, 100)
  await unlink()
  await alone(copy)
  t.equal((await within(QUICK, 'scan', scanned(await past.view()))).length, 100, 'and without, what came')
})

test('a followed drive is read at whole versions only', async (t) => {
  const [theirs, ours] = [await store(t), await store(t)]
  const author = await hyperdrive(t, { store: theirs })
  const copy = await hyperdrive(t, { store: ours, key: author.key })
  const { source: followed, told } = await source(t, copy)
  const heads = new Set<number>()
  author.core.on('append', () => heads.add(author.core.length))
  const seen = new Set<number>()
  const look = async () => {
    if (!followed.unsynced) seen.add((await followed.view()).head!.seq + 1)
  }
  for (const event of ['append', 'download']) copy.core.on(event, () => void look())
  link(theirs, ours)
  for (let i = 0; i < 12; i++) {
    const batch = author.batch()
    for (let j = 0; j < 20; j++) await batch.put(`/${i}/${j}`, 'x')
    await batch.flush()
  }
  await whole(copy, author)
  await look()
  t.same(
    [...seen].filter((version) => !heads.has(version)),
    [],
    'never at a version inside a batch'
  )
  t.ok(seen.has(author.core.length))
  t.ok(told.sync > 0)
  t.equal((await scanned(await followed.view())).length, 240)
})

test('open(events) and close() leave nothing behind on the drive', async (t) => {
  const drive = await hyperdrive(t)
  const count = (emitter: any) =>
    emitter
      .eventNames()
      .map((name: string) => `${name} ${emitter.listenerCount(name)}`)
      .sort()
  const before = [count(drive), count(drive.core)]
  for (const sparse of [false, true]) {
    const one = new HyperdriveSource(drive, { sparse })
    await one.open({
      change: () => undefined,
      sync: () => undefined,
      close: () => undefined,
      format: () => undefined
    })
    await one.view()
    await one.close()
    t.same([count(drive), count(drive.core)], before, sparse ? 'sparse' : 'followed')
  }
  t.notOk(drive.closed, 'and do not close it')
})

test('close() while update({ wait: true }) waits ends the wait', async (t) => {
  const [theirs, ours] = [await store(t), await store(t)]
  const author = await hyperdrive(t, { store: theirs })
  for (let i = 0; i < 500; i++) await author.put(`/f${i}`, 'x')
  const copy = await hyperdrive(t, { store: ours, key: author.key })
  const followed = new HyperdriveSource(copy)
  await followed.open({
    change: () => undefined,
    sync: () => undefined,
    close: () => undefined,
    format: () => undefined
  })
  const before = copy.core.listenerCount('download')
  link(theirs, ours)
  await together(copy)
  const updating = followed.update({ wait: true })
  await until(copy.core, ['append'], () => copy.core.length === author.core.length)
  await followed.close()
  await within(QUICK, 'update', updating)
  t.ok(copy.core.listenerCount('download') <= before)
})

test('close() while update({ wait: true }) waits for a peer to be found ends the wait', async (t) => {
  const author = await hyperdrive(t)
  const copy = await hyperdrive(t, { key: author.key })
  const { source: followed } = await source(t, copy)
  const done = copy.findingPeers()
  cleanup(t, done)
  const updating = followed.update({ wait: true })
  await new Promise(setImmediate)
  await followed.close()
  t.equal(await within(QUICK, 'update', updating), false)
})

test('close of the drive is told once', async (t) => {
  const drive = await hyperdrive(t)
  const { told } = await source(t, drive)
  await drive.close()
  t.equal(told.close, 1)
})

test('a listing gets past any number of keys that are not UTF-8', async (t) => {
  const drive = await hyperdrive(t)
  await drive.put('/a', 'a')
  await drive.put('/z', 'z')
  const batch = drive.db.batch()
  const prefix = Buffer.from('files\0')
  for (let i = 0; i < 600; i++) {
    const key = Buffer.concat([prefix, Buffer.from('/m'), Buffer.from([0xff, i >> 8, i & 255])])
    await batch.put(
      key,
      { executable: false, linkname: null, blob: null, metadata: null },
      { keyEncoding: 'binary' }
    )
  }
  await batch.flush()
  const multi = await multidrive(t, [drive])
  t.same(await within(QUICK, 'list', keys(multi)), ['/a', '/z'])
  const reversed = await within(QUICK, 'entries', collect(multi.entries({}, { reverse: true })))
  t.same(
    reversed.map(({ key }) => key),
    ['/z', '/a']
  )
})
