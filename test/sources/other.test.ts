import { EventEmitter, once } from 'node:events'
import { Readable } from 'node:stream'
import test from 'tape'
import MultiDrive, { type Drive } from '../../index.ts'
import { cleanup, collect, contents, failureOf, hyperdrive, keys, multidrive } from '../helpers/drives.ts'

const limit = { timeout: 60_000 }

/** The least that reads like a drive: three methods over a table of texts. */
class Table {
  readonly files: Map<string, string>
  asked: string[] = []

  constructor(files: { [key: string]: string }) {
    this.files = new Map(Object.entries(files))
  }

  async entry(path: string): Promise<any> {
    this.asked.push(path)
    const text = this.files.get(path)
    if (text === undefined) return null
    const blob = { blockOffset: 0, blockLength: 1, byteOffset: 0, byteLength: Buffer.byteLength(text) }
    return { key: path, value: { executable: false, linkname: null, blob, metadata: null }, mtime: 1000 }
  }

  async *list(folder: string): AsyncIterable<unknown> {
    for (const key of this.files.keys()) if (key.startsWith(folder)) yield { key }
  }

  createReadStream(path: string, opts: { start?: number; length?: number } = {}): NodeJS.ReadableStream {
    const bytes = Buffer.from(this.files.get(path)!)
    const { start = 0, length = bytes.length } = opts
    return Readable.from([bytes.subarray(start, start + length)])
  }
}

test('a drive of three methods is read as any other', limit, async (t) => {
  const table = new Table({ '/b': 'b', '/dir/x': 'x', '/a': 'table' })
  const own = await hyperdrive(t)
  await own.put('/a', 'older', { metadata: { mtime: 5 } })
  await own.put('/c', 'c')
  const multi = await multidrive(t, [own, table])
  t.same(await contents(multi), { '/a': 'table', '/b': 'b', '/c': 'c', '/dir/x': 'x' })
  t.same(await keys(multi), ['/a', '/b', '/c', '/dir/x'], 'in the order of keys, whatever its own is')
  t.same(await keys(multi, '/dir'), ['/dir/x'])
  t.same(await collect(multi.readdir('/')), ['a', 'b', 'c', 'dir'])
  t.same(
    (await collect(multi.entries({ gt: '/a', lte: '/c' }, { reverse: true }))).map(({ key }) => key),
    ['/c', '/b']
  )
  const entry = (await multi.entry('/b'))!
  t.same([entry.seq, entry.mtime, entry.value.blob!.byteLength], [null, 1000, 1])
  t.equal(entry.drive, table)
  t.equal(await multi.resolveLatest('/a'), table)
  t.equal(String(Buffer.concat(await collect(multi.createReadStream('/a', { start: 1, end: 3 })))), 'abl')
  t.equal(String(Buffer.concat(await collect(multi.createReadStream('/a', { start: 3, length: 100 })))), 'le')
})

test('a drive of three methods alone has no key and takes no write', limit, async (t) => {
  const multi = await multidrive(t, [new Table({ '/a': 'a' })])
  t.same([multi.key, multi.discoveryKey, multi.id, multi.peers], [null, null, null, []])
  t.equal(multi.writable, false)
  const err = await failureOf(multi.put('/a', 'x'))
  t.equal(err.code, 'EROFS')
  t.match(err.message, /Table/)
  t.equal(await multi.update(), false)
  multi.findingPeers()()
})

test('files of a drive of three methods are overwritten and deleted by the writer', limit, async (t) => {
  const table = new Table({ '/a': 'a', '/b': 'b', '/dir/x': 'x', '/dir/y': 'y' })
  const own = await hyperdrive(t)
  const multi = await multidrive(t, [own, table])
  await multi.put('/a', 'ours')
  await multi.del('/b')
  await multi.del('/dir', { recursive: true })
  t.same(await contents(multi), { '/a': 'ours' })
  t.same(await contents(await multidrive(t, [table, own])), { '/a': 'ours' }, 'in either order')
  t.equal(table.files.get('/a'), 'a')
  await multi.put('/b', 'again', { metadata: { mtime: 5 } })
  t.same(
    await contents(multi),
    { '/a': 'ours', '/b': 'again' },
    'an explicit mtime still wins over what was seen'
  )
})

test('every kind of listing that an object may have', limit, async (t) => {
  const files = { '/dir/b': 'b', '/a': 'a' }
  const lists: { [name: string]: () => unknown } = {
    'of keys': () => ['/dir/b', '/a'],
    'of entries': () => [{ key: '/dir/b' }, { key: '/a' }],
    'as a stream': () => Readable.from(['/dir/b', { key: '/a' }]),
    'with some twice': () => ['/a', '/dir/b', '/a'],
    'with what is not below the folder, and what is no key': () => [
      '/a',
      'a',
      '/dir/b',
      '',
      '/',
      '/x/../a',
      5,
      null,
      undefined,
      {},
      []
    ],
    'with what is not there': () => ['/a', '/dir/b', '/none']
  }
  for (const [name, list] of Object.entries(lists)) {
    const table = Object.assign(new Table(files), { list })
    const multi = await multidrive(t, [await hyperdrive(t), table])
    t.same(await keys(multi), ['/a', '/dir/b'], name)
    t.same(await keys(multi, '/dir'), ['/dir/b'], name)
  }
})

test('entries that are garbage are absent', limit, async (t) => {
  const values: unknown[] = [
    undefined,
    null,
    5,
    'text',
    [],
    { linkname: 5 },
    { linkname: '' },
    { linkname: {} }
  ]
  for (const value of values) {
    const table = new Table({ '/a': 'a' })
    const entry = async (path: string) => (path === '/a' ? { key: path, value } : null)
    const multi = await multidrive(t, [await hyperdrive(t), Object.assign(table, { entry })])
    t.equal(await multi.entry('/a'), null, JSON.stringify(value))
    t.same(await keys(multi), [], JSON.stringify(value))
  }
  for (const entry of [undefined, 5, 'text', [], {}]) {
    const table = Object.assign(new Table({ '/a': 'a' }), { entry: async () => entry })
    const multi = await multidrive(t, [await hyperdrive(t), table])
    t.equal(await multi.entry('/a'), null, `entry ${JSON.stringify(entry)}`)
    t.same(await keys(multi), [], `list ${JSON.stringify(entry)}`)
  }
})

test('members of an entry that are garbage are what they are when left out', limit, async (t) => {
  const value = {
    executable: 'yes',
    blob: { byteLength: -5, blockOffset: 'x' },
    metadata: undefined,
    extra: 1
  }
  const entry = async (path: string) => ({ key: '/other', seq: 'x', mtime: 'yesterday', value, path })
  const multi = await multidrive(t, [Object.assign(new Table({ '/a': 'a' }), { entry })])
  const found = (await multi.entry('/a'))!
  t.equal(found.key, '/a', 'the key that was asked for')
  t.same([found.seq, found.mtime], [null, null])
  t.same(found.value, {
    executable: false,
    linkname: null,
    blob: { blockOffset: 0, blockLength: 0, byteOffset: 0, byteLength: 0 },
    metadata: null
  })
})

test('metadata of an object is read as a Hyperdrive’s is', limit, async (t) => {
  const metadata = { mtime: 7, own: true, multidrive: { v: 1, ctime: 7, stamped: true } }
  const table = new Table({ '/a': 'a' })
  const entry = async (path: string) =>
    path === '/a' ? { key: path, value: { executable: true, linkname: null, blob: null, metadata } } : null
  const multi = await multidrive(t, [Object.assign(table, { entry })])
  const found = (await multi.entry('/a'))!
  t.same([found.mtime, found.value.executable, found.value.metadata], [7, true, { own: true }])
})

test('links of an object', limit, async (t) => {
  const links: { [key: string]: string } = { '/link': '/a', '/out': '../../etc/passwd' }
  const table = new Table({ '/a': 'a', '/etc/passwd': 'inside' })
  const entry = async (path: string) =>
    path in links
      ? { key: path, value: { executable: false, linkname: links[path], blob: null, metadata: null } }
      : Table.prototype.entry.call(table, path)
  const multi = await multidrive(t, [await hyperdrive(t), Object.assign(Object.create(table), { entry })])
  t.equal(await multi.get('/link'), null)
  t.equal(String(await multi.get('/link', { follow: true })), 'a')
  t.equal(String(await multi.get('/out', { follow: true })), 'inside')
})

test(
  'methods are called on the object that was given, with ready and close where it has them',
  limit,
  async (t) => {
    class Closing extends Table {
      calls: string[] = []
      async ready(): Promise<void> {
        this.calls.push('ready')
      }
      async close(): Promise<void> {
        this.calls.push('close')
      }
    }
    const drive = new Closing({ '/a': 'a' })
    const multi = new MultiDrive(drive)
    await multi.ready()
    t.same(await contents(multi), { '/a': 'a' })
    await multi.close()
    t.same(drive.calls, ['ready', 'close'])
  }
)

test('an object that emits close leaves the set, and is not listened to afterwards', limit, async (t) => {
  const drive = Object.assign(new EventEmitter(), {
    entry: async () => null,
    list: () => [] as unknown as AsyncIterable<unknown>,
    createReadStream: () => Readable.from([])
  })
  const multi = await multidrive(t, [await hyperdrive(t), drive])
  t.equal(drive.listenerCount('close'), 1)
  const left = once(multi, 'drive-remove')
  drive.emit('close')
  t.equal((await left)[0], drive)
  t.equal(multi.drives.length, 1)
  t.equal(drive.listenerCount('close'), 0)
})

test('two objects are two drives', limit, async (t) => {
  const [first, second] = [new Table({ '/a': '1' }), new Table({ '/b': '2' })]
  const multi = await multidrive(t, [first, second])
  await multi.addDrive(first)
  t.equal(multi.drives.length, 2)
  t.same(await contents(multi), { '/a': '1', '/b': '2' })
})

test('each drive without an id has a name of its own in errors', limit, async (t) => {
  const [first, second] = [new Table({}), new Table({})]
  const err = await failureOf((await multidrive(t, [first, second])).put('/a', 'x'))
  const names = /among (.*)\)/.exec(err.message)![1]!.split(', ')
  t.equal(names.length, 2)
  t.notEqual(names[0], names[1])
})

test('a proxy of a Hyperdrive without its inside is read through its methods', limit, async (t) => {
  const real = await hyperdrive(t)
  await real.put('/dir/file', 'real', { executable: true, metadata: { a: 1 } })
  await real.symlink('/link', '/dir/file')
  const drive: Drive = {
    entry: (path, opts) => real.entry(path, opts),
    list: (path) => real.list(path),
    createReadStream: (path, opts) => real.createReadStream(path, opts)
  }
  const multi = new MultiDrive(drive)
  cleanup(t, () => multi.close())
  t.same(await contents(multi), { '/dir/file': 'real', '/link': '-> /dir/file' })
  const { value } = (await multi.entry('/dir/file'))!
  t.same([value.executable, value.metadata], [true, { a: 1 }])
  t.equal(
    String(Buffer.concat(await collect(multi.createReadStream('/dir/file', { start: 2, length: 50 })))),
    'al'
  )
})

test('a stream of an object that fails in the middle is an error with its name', limit, async (t) => {
  const table = new Table({ '/a': 'abcdef' })
  const createReadStream = () =>
    Readable.from(
      (async function* () {
        yield Buffer.from('abc')
        throw Object.assign(new Error('bad sector'), { code: 'EIO' })
      })()
    )
  const drive = Object.assign(table, { id: 'the table', createReadStream })
  const multi = await multidrive(t, [await hyperdrive(t), drive])
  for (const call of [() => multi.get('/a'), () => collect(multi.createReadStream('/a'))]) {
    const err = await failureOf(call)
    t.same([err.code, err.path], ['EIO', '/a'])
    t.equal(err.drive, drive)
    t.match(err.message, /the table/)
  }
})

const never = (): Promise<never> => new Promise(() => undefined)

/** A drive that has `/h`, whose bytes never come, and never says what is at `/slow`. */
function hanging(): Table {
  const table = new Table({ '/h': 'hello' })
  const entry = table.entry.bind(table)
  return Object.assign(table, {
    entry: (path: string) => (path === '/slow' ? never() : entry(path)),
    async *createReadStream() {
      await never()
    }
  })
}

test(
  'a drive of three methods that does not answer is waited for no longer than the timeout',
  limit,
  async (t) => {
    const table = hanging()
    const multi = await multidrive(t, [await hyperdrive(t), table])
    const opts = { timeout: 50 }
    const reads: [string, string, () => unknown][] = [
      ['entry', '/slow', () => multi.entry('/slow', opts)],
      ['get', '/h', () => multi.get('/h', opts)],
      ['readFile', '/h', () => multi.promises.readFile('/h', opts)],
      ['createReadStream', '/h', () => collect(multi.createReadStream('/h', opts))]
    ]
    for (const [name, path, read] of reads) {
      const err = await failureOf(read)
      t.same([err.code, err.path, err.drive === table], ['REQUEST_TIMEOUT', path, true], name)
      t.match(err.message, /Table/, name)
    }
    async function* stuck() {
      yield never()
    }
    Object.assign(table, { list: stuck })
    t.is((await failureOf(collect(multi.list('/', opts)))).code, 'REQUEST_TIMEOUT', 'list')
  }
)

test(
  'reads of a drive of three methods that does not answer end when the MultiDrive is closed',
  limit,
  async (t) => {
    const asked = new EventEmitter()
    const [table, inner] = [hanging(), hanging()]
    Object.assign(table, {
      entry(path: string) {
        asked.emit(path)
        return inner.entry(path)
      },
      async *createReadStream() {
        asked.emit('bytes')
        await never()
      }
    })
    const multi = await multidrive(t, [await hyperdrive(t), table])
    const [slow, bytes] = [once(asked, '/slow'), once(asked, 'bytes')]
    const reads = [
      multi.entry('/slow'),
      multi.get('/h'),
      multi.promises.readFile('/h'),
      collect(multi.createReadStream('/h'))
    ].map((read) => failureOf(read as Promise<unknown>))
    await Promise.all([slow, bytes])
    await multi.close()
    t.same(
      (await Promise.all(reads)).map(({ code }) => code),
      ['CLOSED', 'CLOSED', 'CLOSED', 'CLOSED']
    )
  }
)

test('a drive of three methods that is taken out while it is read gives the rest', limit, async (t) => {
  const asked = new EventEmitter()
  const table = Object.assign(new Table({ '/h': 'hello' }), {
    async *createReadStream() {
      yield Buffer.from('he')
      asked.emit('asked')
      await once(asked, 'go on')
      yield Buffer.from('llo')
    }
  })
  const multi = await multidrive(t, [await hyperdrive(t), table])
  const waiting = once(asked, 'asked')
  const reading = multi.get('/h')
  await waiting
  await multi.removeDrive(table)
  asked.emit('go on')
  t.is(String(await reading), 'hello')
})

test('a list() that never yields holds up a write of another path for seconds only', limit, async (t) => {
  const own = await hyperdrive(t)
  async function* list() {
    yield never()
  }
  const multi = await multidrive(t, [own, Object.assign(new Table({}), { list })])
  await multi.put('/a', 'a')
  t.is(String(await own.get('/a')), 'a')
})

test(
  'a drive that fails with ENOENT for the bytes of what it shows is asked for them once',
  limit,
  async (t) => {
    let asked = 0
    const table = Object.assign(new Table({ '/h': 'hello' }), {
      async *createReadStream() {
        asked++
        await Promise.resolve()
        throw Object.assign(new Error('gone'), { code: 'ENOENT' })
      }
    })
    const multi = await multidrive(t, [await hyperdrive(t), table])
    const failed = await failureOf(multi.promises.appendFile('/h', '!'))
    t.is(failed.code, 'ENOENT')
    t.is(failed.drive, table)
    t.is(asked, 1)
  }
)
