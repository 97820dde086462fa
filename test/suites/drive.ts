import { once } from 'node:events'
import type Hyperdrive from 'hyperdrive'
import MirrorDrive from 'mirror-drive'
import test, { type Test } from 'tape'
import { cleanup, collect, failureOf, hyperdrive, keys, link, store } from '../helpers/drives.ts'

/** What a kind of drive is known not to do. Each is a place where the kind differs from what the suite asks. */
export interface Limits {
  /** `readdir` and a shallow `list` lose the sibling `a0` of a folder `a`. */
  losesNames?: true
  /** A read that ends after the end of the file never ends. */
  hangsPastEnd?: true
  /** An entry is a name, not a version: by it the bytes of now are read. */
  keepsNoHistory?: true
  /** A view of wider elements than bytes is written one byte an element. */
  cutsElements?: true
  /** A relative link is resolved against itself rather than against its folder. */
  resolvesLinksFromThemselves?: true
  /** A stream of the path of a link is empty. */
  streamsNoLinks?: true
  /** `purge` throws when it has closed the drive, and leaves the storage. */
  cannotPurge?: true
  /** A mirror leaves the dates of entries behind. */
  mirrorsNoDates?: true
}

export interface DriveKind {
  readonly name: string
  /** A fresh writable drive with nothing in it. */
  readonly make: (t: Test) => Promise<any>
  /** A drive that shows what a given Hyperdrive holds, and asks for its metadata only where it is needed. */
  readonly reading: (t: Test, remote: Hyperdrive) => Promise<any>
  readonly limits?: Limits
}

const MIB = 1 << 20

/** Hyperdrive 13's methods, with their options and results, asked of one kind of drive. */
export function driveSuite({ name, make, reading, limits = {} }: DriveKind): void {
  const run = (title: string, body: (t: Test, drive: any) => Promise<void>, skip = false) =>
    test(`${name}: ${title}`, { skip, timeout: 60_000 }, async (t) => body(t, await make(t)))

  run('entry(path) of a file, in the shape of Hyperdrive', async (t, drive) => {
    await drive.put('/dir/file', 'bytes', { executable: true, metadata: { a: 1 } })
    const entry = await drive.entry('/dir/file')
    t.equal(entry.key, '/dir/file')
    t.ok('seq' in entry)
    t.same(Object.keys(entry.value).sort(), ['blob', 'executable', 'linkname', 'metadata'])
    t.equal(entry.value.executable, true)
    t.equal(entry.value.linkname, null)
    t.same(entry.value.metadata, { a: 1 })
    t.equal(entry.value.blob.byteLength, 5)
    for (const member of ['blockOffset', 'blockLength', 'byteOffset']) {
      t.equal(typeof entry.value.blob[member], 'number', member)
    }
  })

  run('entry(path) resolves the path as Hyperdrive does', async (t, drive) => {
    await drive.put('dir/file', 'bytes')
    for (const path of [
      '/dir/file',
      'dir/file',
      '/dir/../dir/./file',
      '//dir//file',
      '/dir/file/',
      '\\dir\\file'
    ])
      t.equal((await drive.entry(path))?.key, '/dir/file', path)
  })

  run('entry(path) is null for what is not there, and for a folder', async (t, drive) => {
    await drive.put('/dir/file', 'bytes')
    t.equal(await drive.entry('/none'), null)
    t.equal(await drive.entry('/dir'), null)
    t.equal(await drive.entry('/dir/file/below'), null)
    t.equal(await drive.entry('/dir/fil'), null)
  })

  run('entry(entry) gives the entry back', async (t, drive) => {
    await drive.put('/file', 'bytes')
    const entry = await drive.entry('/file')
    t.equal(await drive.entry(entry), entry)
  })

  run('entry(path, { follow })', async (t, drive) => {
    await drive.put('/dir/file', 'bytes')
    await drive.symlink('/link', '/dir/file')
    await drive.symlink('/two', '/link')
    await drive.symlink('/dangling', '/none')
    t.equal((await drive.entry('/two')).value.linkname, '/link')
    t.equal((await drive.entry('/two', { follow: false })).key, '/two')
    t.equal((await drive.entry('/two', { follow: true })).key, '/dir/file')
    t.equal((await drive.entry('/dir/file', { follow: true })).key, '/dir/file')
    t.equal(await drive.entry('/dangling', { follow: true }), null)
    t.equal(await drive.entry('/none', { follow: true }), null)
  })

  run(
    'entry(path, { follow }) resolves a relative link against its folder',
    async (t, drive) => {
      await drive.put('/dir/file', 'bytes')
      await drive.symlink('/dir/beside', 'file')
      await drive.symlink('/dir/deep/up', '../file')
      t.equal((await drive.entry('/dir/beside', { follow: true }))?.key, '/dir/file')
      t.equal((await drive.entry('/dir/deep/up', { follow: true }))?.key, '/dir/file')
    },
    limits.resolvesLinksFromThemselves
  )

  run('entry(path, { follow }) of a link to itself rejects', async (t, drive) => {
    await drive.symlink('/a', '/b')
    await drive.symlink('/b', '/a')
    t.ok((await failureOf(drive.entry('/a', { follow: true }))) instanceof Error)
    t.equal((await drive.entry('/a')).value.linkname, '/b')
  })

  run('entry(path, { wait, timeout }) of what is here', async (t, drive) => {
    await drive.put('/file', 'bytes')
    t.equal((await drive.entry('/file', { wait: false })).key, '/file')
    t.equal((await drive.entry('/file', { timeout: 1000 })).key, '/file')
    t.equal(await drive.entry('/none', { wait: false, timeout: 1000 }), null)
  })

  test(`${name}: entry and get of what is away`, { timeout: 60_000 }, async (t) => {
    const [theirs, ours] = [await store(t), await store(t)]
    const source = await hyperdrive(t, { store: theirs })
    await source.put('/file', 'bytes')
    const remote = await hyperdrive(t, { store: ours, key: source.key })
    const meet = link(theirs, ours)
    await remote.update({ wait: true })
    await remote.getBlobs()
    await meet()

    const drive = await reading(t, remote)
    t.equal((await failureOf(drive.entry('/file', { wait: false }))).code, 'BLOCK_NOT_AVAILABLE')
    t.equal((await failureOf(drive.entry('/file', { timeout: 50 }))).code, 'REQUEST_TIMEOUT')
    t.equal((await failureOf(collect(drive.list('/', { wait: false })))).code, 'BLOCK_NOT_AVAILABLE')
    t.equal((await failureOf(collect(drive.readdir('/', { wait: false })))).code, 'BLOCK_NOT_AVAILABLE')

    let unlink = link(theirs, ours)
    t.equal((await drive.entry('/file')).key, '/file')
    await unlink()
    t.equal((await drive.entry('/file', { wait: false })).key, '/file')
    t.equal((await failureOf(drive.get('/file', { wait: false }))).code, 'BLOCK_NOT_AVAILABLE')
    t.equal((await failureOf(drive.get('/file', { timeout: 50 }))).code, 'REQUEST_TIMEOUT')
    const bounded = drive.createReadStream('/file', { timeout: 50 })
    t.equal((await failureOf(collect(bounded))).code, 'REQUEST_TIMEOUT')
    const asked = drive.createReadStream('/file', { wait: false })
    t.equal((await failureOf(collect(asked))).code, 'BLOCK_NOT_AVAILABLE')

    const waiting = drive.get('/file')
    unlink = link(theirs, ours)
    t.equal(String(await waiting), 'bytes')
    await unlink()
  })

  test(`${name}: findingPeers() holds update() until it is done`, { timeout: 60_000 }, async (t) => {
    const [theirs, ours] = [await store(t), await store(t)]
    const source = await hyperdrive(t, { store: theirs })
    await source.put('/file', 'bytes')
    const drive = await reading(t, await hyperdrive(t, { store: ours, key: source.key }))

    const done = drive.findingPeers()
    let updated = false
    const updating = drive.update().then(() => (updated = true))
    for (let i = 0; i < 20; i++) await new Promise(setImmediate)
    t.equal(updated, false)
    const unlink = link(theirs, ours)
    await drive.update({ wait: true })
    t.equal((await drive.entry('/file')).key, '/file')
    t.equal(done(), undefined)
    await updating
    await unlink()
  })

  run('update(opts) with nobody to ask', async (t, drive) => {
    t.equal(await drive.update(), false)
    t.equal(await drive.update({ wait: false }), false)
    t.equal(await drive.update({ wait: true }), false)
  })

  run('exists(path)', async (t, drive) => {
    await drive.put('/dir/file', 'bytes')
    await drive.symlink('/link', '/none')
    t.equal(await drive.exists('/dir/file'), true)
    t.equal(await drive.exists('dir/file'), true)
    t.equal(await drive.exists('/link'), true)
    t.equal(await drive.exists('/dir'), false)
    t.equal(await drive.exists('/none'), false)
  })

  run('get(path)', async (t, drive) => {
    await drive.put('/dir/file', 'bytes')
    await drive.symlink('/link', '/dir/file')
    const bytes = await drive.get('/dir/file')
    t.ok(Buffer.isBuffer(bytes))
    t.equal(String(bytes), 'bytes')
    t.equal(await drive.get('/link'), null)
    t.equal(await drive.get('/dir'), null)
    t.equal(await drive.get('/none'), null)
  })

  run('get(path, { follow })', async (t, drive) => {
    await drive.put('/dir/file', 'bytes')
    await drive.symlink('/link', '/dir/file')
    await drive.symlink('/dangling', '/none')
    t.equal(String(await drive.get('/link', { follow: true })), 'bytes')
    t.equal(await drive.get('/dangling', { follow: true }), null)
  })

  run('get(entry)', async (t, drive) => {
    await drive.put('/file', 'old')
    const entry = await drive.entry('/file')
    t.equal(String(await drive.get(entry)), 'old')
    for await (const listed of drive.list('/')) t.equal(String(await drive.get(listed)), 'old')
  })

  run(
    'get(entry) and createReadStream(entry) read the version of the entry',
    async (t, drive) => {
      await drive.put('/file', 'old')
      const entry = await drive.entry('/file')
      await drive.put('/file', 'new')
      t.equal(String(await drive.get(entry)), 'old')
      t.equal(await text(drive.createReadStream(entry)), 'old')
      await drive.del('/file')
      t.equal(String(await drive.get(entry)), 'old')
      t.equal(await drive.get('/file'), null)
    },
    limits.keepsNoHistory
  )

  run('put(path, data) of text, bytes and nothing', async (t, drive) => {
    t.equal(await drive.put('/text', 'é€😀'), undefined)
    t.equal(String(await drive.get('/text')), 'é€😀')
    await drive.put('/buffer', Buffer.from([0, 255, 10]))
    t.same([...(await drive.get('/buffer'))], [0, 255, 10])
    await drive.put('/part', new Uint8Array([1, 2, 3, 4]).subarray(1, 3))
    t.same([...(await drive.get('/part'))], [2, 3])
    for (const [path, nothing] of Object.entries({ '/none': '', '/empty': Buffer.alloc(0) })) {
      await drive.put(path, nothing)
      t.equal((await drive.get(path)).length, 0)
      t.equal((await drive.entry(path)).value.blob.byteLength, 0)
      t.same(await collect(drive.createReadStream(path)), [])
    }
  })

  run(
    'put(path, view) writes the bytes of any view',
    async (t, drive) => {
      const bytes = Uint8Array.from([9, 1, 2, 3, 4, 9])
      await drive.put('/u16', new Uint16Array(bytes.buffer, 2, 1))
      t.same([...(await drive.get('/u16'))], [2, 3])
      await drive.put('/view', new DataView(bytes.buffer, 1, 3))
      t.same([...(await drive.get('/view'))], [1, 2, 3])
      await drive.put('/f64', new Float64Array([1]))
      t.equal((await drive.get('/f64')).length, 8)
    },
    limits.cutsElements
  )

  run('put(path, data) of 1 MiB', async (t, drive) => {
    const data = sample(MIB + 7)
    await drive.put('/big', data)
    t.equal((await drive.entry('/big')).value.blob.byteLength, data.length)
    t.ok(data.equals(await drive.get('/big')), 'get')
    t.ok(data.equals(Buffer.concat(await collect(drive.createReadStream('/big')))), 'stream')
  })

  run('put(path, data) over a file takes the place of all of it', async (t, drive) => {
    await drive.put('/file', 'a longer text', { executable: true, metadata: { a: 1 } })
    await drive.put('/file', 'short')
    const { value } = await drive.entry('/file')
    t.equal(String(await drive.get('/file')), 'short')
    t.equal(value.executable, false)
    t.equal(value.metadata, null)
    t.equal(value.blob.byteLength, 5)
    t.same(await keys(drive), ['/file'])
  })

  run('put(path, data, { executable })', async (t, drive) => {
    await drive.put('/yes', 'x', { executable: true })
    await drive.put('/no', 'x', { executable: false })
    t.equal((await drive.entry('/yes')).value.executable, true)
    t.equal((await drive.entry('/no')).value.executable, false)
  })

  const kinds: [string, unknown][] = [
    ['null', null],
    ['false', false],
    ['true', true],
    ['zero', 0],
    ['a fraction', 1.5],
    ['the empty string', ''],
    ['text', 'é😀'],
    ['an empty array', []],
    ['an array', [1, ['2'], null]],
    ['an empty object', {}],
    ['a nested object', { a: { b: [null, { c: false }] } }],
    ['an mtime', { mtime: 5, other: true }],
    ['an mtime that is none', { mtime: 'yesterday' }],
    ['the name that is reserved', { multidrive: { v: 1 }, other: 1 }],
    ['a member __proto__', JSON.parse('{"__proto__":{"polluted":1}}')]
  ]
  run('put(path, data, { metadata }) of every kind of JSON', async (t, drive) => {
    for (const [what, metadata] of kinds) {
      await drive.put('/file', 'x', { metadata })
      t.equal(JSON.stringify((await drive.entry('/file')).value.metadata), JSON.stringify(metadata), what)
    }
    await drive.put('/file', 'x', { metadata: undefined })
    t.equal((await drive.entry('/file')).value.metadata, null)
    await drive.put('/file', 'x', { metadata: { at: new Date(0), gone: undefined } })
    t.same((await drive.entry('/file')).value.metadata, { at: '1970-01-01T00:00:00.000Z' })
    t.equal(({} as { polluted?: unknown }).polluted, undefined)
  })

  run('put(path, data) refuses the root and what is above it', async (t, drive) => {
    for (const path of ['/', '', '..', '/../x', '/a/../../x']) {
      t.ok((await failureOf(async () => drive.put(path, 'x'))) instanceof Error, path)
      t.ok((await failureOf(async () => drive.entry(path))) instanceof Error, path)
      t.ok((await failureOf(async () => drive.del(path))) instanceof Error, path)
    }
    t.same(await keys(drive), [])
  })

  run('del(path)', async (t, drive) => {
    await drive.put('/dir/one', '1')
    await drive.put('/dir/two', '2')
    await drive.symlink('/link', '/dir/two')
    t.equal(await drive.del('/dir/one'), undefined)
    await drive.del('link')
    t.equal(await drive.entry('/dir/one'), null)
    t.equal(await drive.get('/dir/one'), null)
    t.same(await keys(drive), ['/dir/two'])
    t.equal(await drive.del('/dir/one'), undefined)
    t.equal(await drive.del('/none'), undefined)
    t.equal(await drive.del('/dir'), undefined)
    t.same(await keys(drive), ['/dir/two'])
  })

  run('put(path, data) after del(path)', async (t, drive) => {
    await drive.put('/file', 'old')
    await drive.del('/file')
    await drive.put('/file', 'new')
    t.equal(String(await drive.get('/file')), 'new')
    t.same(await keys(drive), ['/file'])
  })

  run('symlink(path, linkname)', async (t, drive) => {
    await drive.put('/file', 'bytes', { executable: true })
    t.equal(await drive.symlink('/dir/link', '../file'), undefined)
    const { key, value } = await drive.entry('/dir/link')
    t.equal(key, '/dir/link')
    t.same(value, { executable: false, linkname: '../file', blob: null, metadata: null })
  })

  run('symlink(path, linkname, { metadata })', async (t, drive) => {
    await drive.symlink('/link', '/file', { metadata: { a: [1] } })
    t.same((await drive.entry('/link')).value.metadata, { a: [1] })
  })

  run('symlink(path, linkname) over a file, and put over a link', async (t, drive) => {
    await drive.put('/target', 'target')
    await drive.put('/path', 'bytes', { metadata: 1 })
    await drive.symlink('/path', '/target')
    t.equal(await drive.get('/path'), null)
    t.equal((await drive.entry('/path')).value.linkname, '/target')
    await drive.put('/path', 'again')
    t.equal((await drive.entry('/path')).value.linkname, null)
    t.equal(String(await drive.get('/path')), 'again')
    t.equal(String(await drive.get('/target')), 'target')
  })

  run('list(folder)', async (t, drive) => {
    await fill(drive, ['/b/x', '/a/deep/er', '/a/x', '/c', '/ab'])
    t.same(await keys(drive, '/'), ['/a/deep/er', '/a/x', '/ab', '/b/x', '/c'])
    t.same((await collect(drive.list())).map(keyOf), ['/a/deep/er', '/a/x', '/ab', '/b/x', '/c'])
    for (const folder of ['/a', 'a', '/a/', '/b/../a'])
      t.same(await keys(drive, folder), ['/a/deep/er', '/a/x'], folder)
    t.same(await keys(drive, '/a/x'), [])
    t.same(await keys(drive, '/none'), [])
    const [first] = await collect(drive.list('/a'))
    t.equal(String(await drive.get(first)), '/a/deep/er')
    t.same(first.value, (await drive.entry('/a/deep/er')).value)
  })

  run('list(folder) is in the order of UTF-8, folders by what is in them', async (t, drive) => {
    const order = ['/a b', '/a!/x', '/a-b', '/a.b', '/a/b', '/a0', '/aa', '/z', '/é', '/～', '/😀']
    await fill(drive, order.toReversed())
    t.same(await keys(drive), order)
  })

  run('list(folder, { recursive: false })', async (t, drive) => {
    await fill(drive, ['/a/deep/er', '/a/x', '/ab', '/c/d/e', '/f'])
    await drive.symlink('/link', '/f')
    const shallow = async (folder: string) =>
      (await collect(drive.list(folder, { recursive: false }))).map(keyOf)
    t.same(await shallow('/'), ['/a/deep/er', '/ab', '/c/d/e', '/f', '/link'])
    t.same(await shallow('/a'), ['/a/deep/er', '/a/x'])
    t.same(await shallow('/c'), ['/c/d/e'])
    t.same(await shallow('/none'), [])
  })

  run('list(folder, { ignore }) of a name, of names and of a function', async (t, drive) => {
    await fill(drive, ['/a/one', '/a/two', '/ab', '/b/a/x', '/b/y', '/c'])
    const listed = async (opts: object) => (await collect(drive.list('/', opts))).map(keyOf)
    t.same(await listed({ ignore: '/a' }), ['/ab', '/b/a/x', '/b/y', '/c'])
    t.same(await listed({ ignore: 'a' }), ['/ab', '/b/a/x', '/b/y', '/c'])
    t.same(await listed({ ignore: ['/a/one', 'b/a'] }), ['/a/two', '/ab', '/b/y', '/c'])
    t.same(await listed({ ignore: (key: string) => key.endsWith('x') }), [
      '/a/one',
      '/a/two',
      '/ab',
      '/b/y',
      '/c'
    ])
    t.same(await listed({ ignore: () => true }), [])
    t.same(await listed({ ignore: '/c', recursive: false }), ['/a/one', '/ab', '/b/a/x'])
    for (const ignore of [null, undefined, []]) {
      t.same(await listed({ ignore }), ['/a/one', '/a/two', '/ab', '/b/a/x', '/b/y', '/c'], String(ignore))
    }
  })

  run('list(opts)', async (t, drive) => {
    await fill(drive, ['/a/one', '/a/two', '/b'])
    t.same((await collect(drive.list({ ignore: '/b' }))).map(keyOf), ['/a/one', '/a/two'])
    t.same((await collect(drive.list({ recursive: false }))).map(keyOf), ['/a/one', '/b'])
  })

  run('list(folder) of many files, more than any page', async (t, drive) => {
    const paths = Array.from({ length: 700 }, (_, i) => `/n/${String(i).padStart(4, '0')}`)
    const batch = drive.batch()
    for (const path of paths) await batch.put(path, path)
    await batch.flush()
    t.same(await keys(drive), paths)
    t.same(
      await collect(drive.readdir('/n')),
      paths.map((path) => path.slice(3))
    )
    let seen = 0
    for await (const entry of drive.list('/')) {
      t.equal(entry.key, paths[0])
      if (++seen === 1) break
    }
    t.equal(seen, 1, 'a listing can be left')
  })

  run('readdir(folder)', async (t, drive) => {
    await fill(drive, ['/a/deep/er', '/a/x', '/ab', '/c/d/e', '/f'])
    await drive.symlink('/link', '/f')
    const root = ['a', 'ab', 'c', 'f', 'link']
    t.same(await collect(drive.readdir('/')), root)
    t.same(await collect(drive.readdir()), root)
    t.same(await collect(drive.readdir('')), root)
    for (const folder of ['/a', 'a', '/a/'])
      t.same(await collect(drive.readdir(folder)), ['deep', 'x'], folder)
    t.same(await collect(drive.readdir('/c')), ['d'])
    t.same(await collect(drive.readdir('/f')), [])
    t.same(await collect(drive.readdir('/none')), [])
    t.same(await collect(drive.readdir('/', { wait: false })), root)
  })

  run(
    'readdir(folder) and list(folder, { recursive: false }) lose no name beside a folder',
    async (t, drive) => {
      await fill(drive, ['/a/x', '/a/y/z', '/a0', '/a00/x', '/a1', '/b/x', '/b0/y'])
      t.same(await collect(drive.readdir('/')), ['a', 'a0', 'a00', 'a1', 'b', 'b0'])
      const shallow = (await collect(drive.list('/', { recursive: false }))).map(keyOf)
      t.same(shallow, ['/a/x', '/a0', '/a00/x', '/a1', '/b/x', '/b0/y'])
    },
    limits.losesNames
  )

  run('entries(range, { reverse, limit })', async (t, drive) => {
    await fill(drive, ['/a', '/b', '/c', '/d', '/e/f'])
    const entries = async (...args: unknown[]) => (await collect(drive.entries(...args))).map(keyOf)
    t.same(await entries(), ['/a', '/b', '/c', '/d', '/e/f'])
    t.same(await entries(null), ['/a', '/b', '/c', '/d', '/e/f'])
    t.same(await entries({ gt: '/a', lt: '/d' }), ['/b', '/c'])
    t.same(await entries({ gte: '/a', lte: '/d' }), ['/a', '/b', '/c', '/d'])
    t.same(await entries({ gt: '/d' }), ['/e/f'])
    t.same(await entries({ lte: '/b' }), ['/a', '/b'])
    t.same(await entries({ gt: '/c', lt: '/c' }), [])
    t.same(await entries({}, { reverse: true }), ['/e/f', '/d', '/c', '/b', '/a'])
    t.same(await entries({ gte: '/b', lt: '/d' }, { reverse: true }), ['/c', '/b'])
    t.same(await entries({}, { limit: 2 }), ['/a', '/b'])
    t.same(await entries({}, { limit: 0 }), [])
    t.same(await entries({}, { limit: -1 }), ['/a', '/b', '/c', '/d', '/e/f'])
    t.same(await entries({ gt: '/a' }, { reverse: true, limit: 2 }), ['/e/f', '/d'])
    const [entry] = await collect(drive.entries({ gte: '/c' }))
    t.equal(String(await drive.get(entry)), '/c')
  })

  run('entries(range) with its options in the range, as Hyperbee takes them', async (t, drive) => {
    await fill(drive, ['/a', '/b', '/c', '/d'])
    const entries = async (range: object) => (await collect(drive.entries(range))).map(keyOf)
    t.same(await entries({ reverse: true }), ['/d', '/c', '/b', '/a'])
    t.same(await entries({ limit: 2 }), ['/a', '/b'])
    t.same(await entries({ gt: '/a', lte: '/d', reverse: true, limit: 2 }), ['/d', '/c'])
  })

  run('for await (const entry of drive)', async (t, drive) => {
    await fill(drive, ['/b', '/a/x'])
    const seen: string[] = []
    for await (const entry of drive) seen.push(`${entry.key} ${String(await drive.get(entry))}`)
    t.same(seen, ['/a/x /a/x', '/b /b'])
  })

  run('createReadStream(path, { start, end, length })', async (t, drive) => {
    await drive.put('/file', '0123456789')
    const read = (opts: object) => text(drive.createReadStream('/file', opts))
    t.equal(await read({}), '0123456789')
    t.equal(await read({ start: 3 }), '3456789')
    t.equal(await read({ start: 9 }), '9')
    t.equal(await read({ start: 10 }), '')
    t.equal(await read({ end: 3 }), '0123')
    t.equal(await read({ end: 0 }), '0')
    t.equal(await read({ end: 9 }), '0123456789')
    t.equal(await read({ start: 2, end: 2 }), '2')
    t.equal(await read({ start: 2, end: 5 }), '2345')
    t.equal(await read({ start: 5, end: 4 }), '')
    t.equal(await read({ length: 4 }), '0123')
    t.equal(await read({ length: 0 }), '')
    t.equal(await read({ start: 7, length: 3 }), '789')
    t.equal(await read({ start: 3, length: 0 }), '')
    t.equal(await read({ start: 1, length: 3, end: 1 }), '123', 'length wins over end')
  })

  run('createReadStream(path, opts) across blocks', async (t, drive) => {
    const data = sample(200_000)
    await drive.put('/big', data)
    for (const [start, length] of [
      [0, 65_536],
      [65_535, 2],
      [65_536, 65_536],
      [100_000, 100_000],
      [199_999, 1]
    ] as const) {
      const expected = data.subarray(start, start + length)
      const byLength = Buffer.concat(await collect(drive.createReadStream('/big', { start, length })))
      t.ok(expected.equals(byLength), `${start} and ${length} more`)
      const end = start + length - 1
      t.ok(
        expected.equals(Buffer.concat(await collect(drive.createReadStream('/big', { start, end })))),
        `to ${end}`
      )
    }
  })

  run(
    'createReadStream(path, opts) past the end of the file',
    async (t, drive) => {
      await drive.put('/file', '0123456789')
      await drive.put('/after', 'abcdefghij')
      const read = (opts: object) => text(drive.createReadStream('/file', opts))
      t.equal(await read({ start: 8, length: 20 }), '89')
      t.equal(await read({ end: 100 }), '0123456789')
      t.equal(await read({ start: 11 }), '')
      t.equal(await read({ start: 20, length: 5 }), '')
      t.equal(await read({ start: 20, end: 30 }), '')
    },
    limits.hangsPastEnd
  )

  run(
    'createReadStream(path) follows links',
    async (t, drive) => {
      await drive.put('/dir/deep/file', 'bytes')
      const links = {
        '/dir/beside': 'deep/file',
        '/dir/deep/up': '../../dir/deep/file',
        '/link': 'dir/beside',
        '/to folder': '/dir/deep',
        '/dangling': 'none',
        '/loop': 'loop',
        '/above': '../..',
        '/dir/out': '../../../dir/deep/file'
      }
      for (const [path, linkname] of Object.entries(links)) await drive.symlink(path, linkname)
      for (const path of [
        '/dir/beside',
        '/dir/deep/up',
        '/link',
        '/to folder/file',
        '/to folder/up',
        '/dir/out'
      ])
        t.equal(await text(drive.createReadStream(path)), 'bytes', path)
      t.equal(await text(drive.createReadStream('/to folder/file', { start: 1, length: 2 })), 'yt')
      for (const [path, code] of [
        ['/dangling', 'ENOENT'],
        ['/to folder', 'ENOENT'],
        ['/to folder/none', 'ENOENT'],
        ['/above', 'ENOENT'],
        ['/link/below', 'ENOENT'],
        ['/loop', 'ELOOP'],
        ['/loop/file', 'ELOOP']
      ] as const) {
        const err = await failureOf(collect(drive.createReadStream(path)))
        t.same([err.code, err.syscall, err.path], [code, 'open', path])
      }
    },
    limits.streamsNoLinks
  )

  run('createReadStream(entry) of a link is empty', async (t, drive) => {
    await drive.put('/file', 'bytes')
    await drive.symlink('/link', '/file')
    t.same(await collect(drive.createReadStream(await drive.entry('/link'))), [])
  })

  run('createReadStream(path) of what is not there is an error', async (t, drive) => {
    await drive.put('/dir/file', 'bytes')
    t.ok((await failureOf(collect(drive.createReadStream('/none')))) instanceof Error)
    t.ok((await failureOf(collect(drive.createReadStream('/dir')))) instanceof Error)
  })

  run(
    'createReadStream(path) stays on its version while the file is written and deleted',
    async (t, drive) => {
      const old = sample(3 * MIB)
      await drive.put('/file', old)
      const stream = drive.createReadStream('/file')
      const iterator = stream[Symbol.asyncIterator]()
      const chunks = [(await iterator.next()).value]
      await drive.put('/file', 'new')
      chunks.push((await iterator.next()).value)
      await drive.del('/file')
      for (let next = await iterator.next(); !next.done; next = await iterator.next()) chunks.push(next.value)
      t.ok(old.equals(Buffer.concat(chunks)))
      t.equal(await drive.get('/file'), null)
    }
  )

  run('createReadStream(path) destroyed early', async (t, drive) => {
    await drive.put('/file', sample(3 * MIB))
    const stream = drive.createReadStream('/file')
    await once(stream, 'data')
    stream.destroy()
    await once(stream, 'close')
    const unread = drive.createReadStream('/file')
    unread.destroy()
    await once(unread, 'close')
    await drive.put('/file', 'new')
    t.equal(String(await drive.get('/file')), 'new')
  })

  run('createReadStream(path) warns of no leak, however many chunks it has', async (t, drive) => {
    const warnings: Error[] = []
    const onwarning = (warning: Error) => warnings.push(warning)
    process.on('warning', onwarning)
    cleanup(t, () => process.off('warning', onwarning))
    await drive.put('/file', sample(40 * 65_536))
    await collect(drive.createReadStream('/file'))
    await new Promise(setImmediate)
    t.same(warnings.map(String), [])
  })

  run('createWriteStream(path) of many chunks', async (t, drive) => {
    const data = sample(300_000)
    const stream = drive.createWriteStream('/dir/file')
    for (let i = 0; i < data.length; i += 999) {
      if (!stream.write(data.subarray(i, i + 999))) await once(stream, 'drain')
    }
    t.equal(await drive.entry('/dir/file'), null, 'not before its end')
    await end(stream)
    t.ok(data.equals(await drive.get('/dir/file')))
    t.equal((await drive.entry('/dir/file')).value.blob.byteLength, data.length)
    const part = await collect(drive.createReadStream('/dir/file', { start: 150_000, length: 70_000 }))
    t.ok(data.subarray(150_000, 220_000).equals(Buffer.concat(part)))
  })

  run('createWriteStream(path) of nothing, and of text', async (t, drive) => {
    await end(drive.createWriteStream('/empty'))
    t.equal((await drive.get('/empty')).length, 0)
    await end(drive.createWriteStream('/text'), 'é€😀')
    t.equal(String(await drive.get('/text')), 'é€😀')
  })

  run('createWriteStream(path, { executable, metadata })', async (t, drive) => {
    await end(drive.createWriteStream('/file', { executable: true, metadata: { a: [1] } }), Buffer.from('x'))
    const { value } = await drive.entry('/file')
    t.equal(value.executable, true)
    t.same(value.metadata, { a: [1] })
    await end(drive.createWriteStream('/file'), Buffer.from('y'))
    t.equal((await drive.entry('/file')).value.executable, false)
    t.equal((await drive.entry('/file')).value.metadata, null)
  })

  run('createWriteStream(path) destroyed before its end leaves nothing', async (t, drive) => {
    await drive.put('/old', 'old')
    for (const path of ['/new', '/old']) {
      const stream = drive.createWriteStream(path)
      stream.write(Buffer.from('half'))
      await new Promise(setImmediate)
      stream.destroy()
      await once(stream, 'close')
    }
    t.equal(await drive.entry('/new'), null)
    t.equal(String(await drive.get('/old')), 'old')
    await drive.put('/after', 'written')
    t.same(await keys(drive), ['/after', '/old'])
  })

  run('batch() and flush()', async (t, drive) => {
    await drive.put('/old', 'old')
    await drive.put('/kept', 'kept')
    const batch = drive.batch()
    await batch.put('/new', 'new', { executable: true, metadata: { a: 1 } })
    await batch.put('/old', 'changed')
    await batch.symlink('/link', '/new')
    await batch.del('/kept')
    await end(batch.createWriteStream('/streamed', { metadata: 2 }), Buffer.from('streamed'))

    t.same(await keys(drive), ['/kept', '/old'], 'nothing lands before flush')
    t.equal(String(await drive.get('/old')), 'old')
    t.equal(await drive.entry('/new'), null)

    await batch.flush()
    t.same(await keys(drive), ['/link', '/new', '/old', '/streamed'])
    t.equal(String(await drive.get('/old')), 'changed')
    t.equal(String(await drive.get('/streamed')), 'streamed')
    t.equal((await drive.entry('/link')).value.linkname, '/new')
    const { executable, metadata } = (await drive.entry('/new')).value
    t.same([executable, metadata], [true, { a: 1 }])
    t.equal((await drive.entry('/streamed')).value.metadata, 2)
    await drive.put('/after', 'written')
    t.equal(await drive.exists('/after'), true)
  })

  run('batch() reads what it will write', async (t, drive) => {
    await fill(drive, ['/a/one', '/a/two', '/b'])
    const batch = drive.batch()
    await batch.put('/a/three', 'three', { executable: true, metadata: [1] })
    await batch.put('/a/two', 'changed')
    await batch.del('/a/one')
    await batch.symlink('/link', '/a/three')
    t.equal(String(await batch.get('/a/three')), 'three')
    t.equal(String(await batch.get('/a/two')), 'changed')
    t.equal(String(await batch.get('/b')), '/b')
    t.equal(await batch.get('/a/one'), null)
    t.equal(await batch.exists('/a/one'), false)
    t.equal(await batch.exists('/a/three'), true)
    const { key, value } = await batch.entry('/a/three')
    t.same([key, value.executable, value.metadata, value.blob.byteLength], ['/a/three', true, [1], 5])
    t.equal((await batch.entry('/link', { follow: true })).key, '/a/three')
    t.same(await keys(batch), ['/a/three', '/a/two', '/b', '/link'])
    t.same(await keys(batch, '/a'), ['/a/three', '/a/two'])
    t.same(await collect(batch.readdir('/')), ['a', 'b', 'link'])
    t.same((await collect(batch.entries({}, { reverse: true }))).map(keyOf), [
      '/link',
      '/b',
      '/a/two',
      '/a/three'
    ])
    t.equal(await text(batch.createReadStream('/a/three', { start: 1, length: 2 })), 'hr')
    t.equal(String(await batch.get(await batch.entry('/a/three'))), 'three')
    await batch.flush()
    t.same(await keys(drive), ['/a/three', '/a/two', '/b', '/link'])
  })

  run('batch() closed without flush()', async (t, drive) => {
    const batch = drive.batch()
    await batch.put('/lost', 'lost')
    await batch.close()
    await drive.put('/after', 'written')
    t.same(await keys(drive), ['/after'])
    t.ok((await failureOf(async () => batch.put('/late', 'x'))) instanceof Error)
  })

  run('batch() cannot be used after flush()', async (t, drive) => {
    const batch = drive.batch()
    await batch.put('/file', 'bytes')
    await batch.flush()
    t.ok((await failureOf(async () => batch.put('/late', 'x'))) instanceof Error)
    t.same(await keys(drive), ['/file'])
  })

  run('mirror(out)', async (t, drive) => {
    await fill(drive, ['/a/one', '/b'])
    await drive.put('/run', 'x', { executable: true, metadata: { a: 1 } })
    await drive.symlink('/link', '/b')
    const out = await hyperdrive(t)
    await out.put('/extra', 'x')
    const mirror = drive.mirror(out)
    const steps = await collect(mirror)
    t.same(steps.map(({ op, key }) => `${op} ${key}`).sort(), [
      'add /a/one',
      'add /b',
      'add /link',
      'add /run',
      'remove /extra'
    ])
    t.same(mirror.count, { files: 4, add: 4, remove: 1, change: 0 })
    const { mtime } = await drive.entry('/run')
    const kept = limits.mirrorsNoDates ? { a: 1 } : { a: 1, mtime }
    t.same((await out.entry('/run')).value.metadata, kept)
    const again = drive.mirror(out)
    await again.done()
    t.same(again.count, { files: 4, add: 0, remove: 0, change: 0 })
  })

  run('mirror-drive into the drive', async (t, drive) => {
    const from = await hyperdrive(t)
    await fill(from, ['/a/one', '/b'])
    await from.symlink('/link', '/b')
    await drive.put('/extra', 'x')
    const mirror = new MirrorDrive(from, drive)
    await mirror.done()
    t.same(mirror.count, { files: 3, add: 3, remove: 1, change: 0 })
    t.same(await keys(drive), ['/a/one', '/b', '/link'])
  })

  run('compare(a, b)', async (t, drive) => {
    await drive.put('/a', '1')
    const older = await drive.entry('/a')
    await drive.put('/a', '2')
    const newer = await drive.entry('/a')
    t.equal(drive.compare(newer, older), 1)
    t.equal(drive.compare(older, newer), -1)
    t.equal(drive.compare(newer, newer), 0)
  })

  run('supportsMetadata', async (t, drive) => {
    t.equal(drive.supportsMetadata, true)
    t.equal(drive.batch().supportsMetadata, true)
  })

  run('key, discoveryKey, id, readable and writable', async (t, drive) => {
    await drive.ready()
    t.equal(drive.readable, true)
    t.equal(drive.writable, true)
    for (const member of ['key', 'discoveryKey'])
      t.ok(drive[member] === null || drive[member].length === 32, member)
    t.ok(drive.id === null || typeof drive.id === 'string')
  })

  run('close()', async (t, drive) => {
    await drive.put('/file', 'bytes')
    t.equal(drive.closed, false)
    await drive.close()
    t.equal(drive.closed, true)
    t.ok((await failureOf(async () => drive.put('/file', 'x'))) instanceof Error)
    await drive.close()
  })

  run(
    'purge() removes the storage and closes',
    async (t, drive) => {
      await drive.put('/file', 'bytes')
      await drive.purge()
      t.equal(drive.closed, true)
    },
    limits.cannotPurge
  )
}

/** Bytes in which every place can be told from its neighbours, the same at every run. */
export function sample(length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length)
  let state = 1
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0
    bytes[i] = state >>> 16
  }
  return bytes
}

/** Files whose text is their path. */
export async function fill(drive: any, paths: readonly string[]): Promise<void> {
  for (const path of paths) await drive.put(path, path)
}

/** Ends a stream and waits until it is through. */
export async function end(stream: any, last?: unknown): Promise<void> {
  const closed = once(stream, 'close')
  stream.end(last)
  await closed
}

export async function text(stream: AsyncIterable<unknown>): Promise<string> {
  return Buffer.concat(await collect<Buffer>(stream)).toString()
}

function keyOf({ key }: { key: string }): string {
  return key
}
