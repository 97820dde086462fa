import { lstat, mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { inspect } from 'node:util'
import SubEncoder from 'sub-encoder'
import test from 'tape'
import { MultiDrive } from '../index.ts'
import { entryKeys, recordKeys } from '../lib/sources/hyperdrive/keys.ts'
import {
  collect,
  contents,
  failureOf,
  folder,
  hyperdrive,
  keys,
  localdrive,
  multidrive
} from './helpers/drives.ts'

const limit = { timeout: 60_000 }
const FUTURE = Date.now() + 365 * 24 * 60 * 60 * 1000

/** Every call of the drive face that takes a path. */
const calls: [string, (multi: MultiDrive, path: any) => unknown][] = [
  ['entry', (multi, path) => multi.entry(path)],
  ['exists', (multi, path) => multi.exists(path)],
  ['get', (multi, path) => multi.get(path)],
  ['createReadStream', (multi, path) => collect(multi.createReadStream(path))],
  ['resolveLatest', (multi, path) => multi.resolveLatest(path)],
  ['put', (multi, path) => multi.put(path, 'x')],
  ['del', (multi, path) => multi.del(path)],
  ['del recursive', (multi, path) => multi.del(path, { recursive: true })],
  ['symlink', (multi, path) => multi.symlink(path, '/x')],
  ['createWriteStream', (multi, path) => multi.createWriteStream(path).destroy()],
  ['batch put', (multi, path) => multi.batch().put(path, 'x')],
  ['batch del', (multi, path) => multi.batch().del(path)],
  ['batch symlink', (multi, path) => multi.batch().symlink(path, '/x')],
  ['batch createWriteStream', (multi, path) => multi.batch().createWriteStream(path).destroy()],
  ['batch entry', (multi, path) => multi.batch().entry(path)]
]
const listings: [string, (multi: MultiDrive, path: any) => unknown][] = [
  ['list', (multi, path) => collect(multi.list(path))],
  ['readdir', (multi, path) => collect(multi.readdir(path))],
  ['list shallow', (multi, path) => collect(multi.list(path, { recursive: false }))],
  ['list ignore', (multi, path) => collect(multi.list('/', { ignore: [path] }))]
]

test('a path above the root, with NUL, or that is the root is EINVAL', limit, async (t) => {
  const multi = await multidrive(t, [await hyperdrive(t), await hyperdrive(t)])
  await multi.put('/file', 'x')
  for (const path of [
    '/',
    '',
    '.',
    '/.',
    '//',
    '\\',
    '..',
    '/..',
    '../x',
    '/a/../../x',
    '\\..\\..\\x',
    '/a\0b',
    '\0'
  ]) {
    for (const [name, call] of calls) {
      const err = await failureOf(async () => call(multi, path))
      t.equal(err.code, 'EINVAL', `${name} ${JSON.stringify(path)}`)
    }
  }
  for (const path of ['..', '/../x', '/a\0b']) {
    for (const [name, call] of listings) {
      t.equal(
        (await failureOf(async () => call(multi, path))).code,
        'EINVAL',
        `${name} ${JSON.stringify(path)}`
      )
    }
  }
  t.same(await contents(multi), { '/file': 'x' })
})

test('a path that is no string is EINVAL', limit, async (t) => {
  const multi = await multidrive(t, [await hyperdrive(t)])
  for (const path of [undefined, null, 5, true, {}, [], Symbol('path'), { key: 5 }, () => '/x']) {
    for (const [name, call] of calls) {
      // What is no string is an entry, which these two give back and read.
      if (name.endsWith('entry') || name === 'exists') continue
      t.equal((await failureOf(async () => call(multi, path))).code, 'EINVAL', `${name} ${inspect(path)}`)
    }
  }
  for (const path of [5, true, Symbol('path')]) {
    for (const [name, call] of listings)
      t.equal((await failureOf(async () => call(multi, path))).code, 'EINVAL', name)
  }
  await multi.put('/file', 'x')
  t.same(await keys(multi), ['/file'])
})

test('paths that mean the same file', limit, async (t) => {
  for (const own of [await hyperdrive(t), await localdrive(t)]) {
    const multi = await multidrive(t, [own, await hyperdrive(t)])
    await multi.put('dir//deep/../file', 'x')
    t.same(await contents(multi), { '/dir/file': 'x' })
    for (const path of ['/dir/file', '//dir//file//', '\\dir\\file', '/x/../dir/./file', 'dir/file/']) {
      t.equal(String(await multi.get(path)), 'x', path)
    }
    for (const name of ['...', '..a', '.hidden', '-', ' ', '%2e%2e', 'a:b', '*?"<>|']) {
      await multi.put(`/names/${name}`, name)
      t.equal(String(await multi.get(`/names/${name}`)), name, name)
    }
    t.equal((await collect(multi.readdir('/names'))).length, 8)
  }
})

test('a path of 64 KiB', limit, async (t) => {
  const multi = await multidrive(t, [await hyperdrive(t), await hyperdrive(t)])
  const long = '/' + 'é'.repeat(32_767)
  await multi.put(long, 'long')
  t.equal(String(await multi.get(long)), 'long')
  const deep = '/d'.repeat(2000)
  await multi.put(deep, 'deep')
  t.equal(String(await multi.get(deep)), 'deep')
  t.same(await keys(multi), [deep, long])
  await multi.del(long)
  await multi.del('/d', { recursive: true })
  t.same(await keys(multi), [])

  const local = await localdrive(t)
  const over = await multidrive(t, [local, await hyperdrive(t)])
  t.equal(await over.get(long), null, 'a name that the disk cannot hold is absent there')
  t.equal((await failureOf(over.put(long, 'x'))).code, 'ENAMETOOLONG')
  t.equal((await failureOf(over.put('/d' + long, 'x'))).code, 'ENAMETOOLONG')
  await over.put('/file', 'x')
  t.same(await keys(over), ['/file'])
})

test('an error with a path of 64 KiB is short', limit, async (t) => {
  const multi = await multidrive(t, [await hyperdrive(t)])
  const err = await failureOf(collect(multi.createReadStream('/' + 'x'.repeat(65_535))))
  t.equal(err.code, 'ENOENT')
  t.ok(err.message.length < 1000)
})

test('both normal forms of unicode are two names', limit, async (t) => {
  const [composed, decomposed] = ['/\u00e9', '/e\u0301']
  for (const own of [await hyperdrive(t), await localdrive(t)]) {
    const other = await hyperdrive(t)
    await other.put(composed, 'theirs')
    const multi = await multidrive(t, [own, other])
    await multi.put(decomposed, 'ours')
    t.same(await contents(multi), { [decomposed]: 'ours', [composed]: 'theirs' })
    await multi.del(composed)
    t.same(await contents(multi), { [decomposed]: 'ours' })
  }
})

test('a lone surrogate is U+FFFD, as it is in UTF-8', limit, async (t) => {
  const multi = await multidrive(t, [await hyperdrive(t), await hyperdrive(t)])
  await multi.put('/\ud800x', 'x')
  t.same(await keys(multi), ['/\ufffdx'])
  for (const path of ['/\ud800x', '/\udfffx', '/\ufffdx']) t.equal(String(await multi.get(path)), 'x')
  await multi.symlink('/link', '/\ud800x')
  t.equal(String(await multi.get('/link', { follow: true })), 'x')
  await multi.del('/\udc00x')
  t.same(await keys(multi), ['/link'])
})

test('metadata that is no JSON is EINVAL, and the drive still takes writes', limit, async (t) => {
  const cycle: any = { a: {} }
  cycle.a.b = cycle
  class Custom {
    value = 1
  }
  const bad: [string, unknown][] = [
    ['a BigInt', 1n],
    ['a BigInt inside', { a: [1n] }],
    ['a cycle', cycle],
    ['a function', () => 1],
    ['a function inside', { a: () => 1 }],
    ['a symbol', Symbol('x')],
    ['NaN', NaN],
    ['Infinity inside', { a: -Infinity }],
    ['a Map', new Map([[1, 2]])],
    ['a Set inside', [new Set()]],
    ['a Uint8Array', new Uint8Array(2)],
    ['a RegExp', /x/],
    ['an object of a class', new Custom()],
    ['undefined in an array', [undefined]],
    ['a toJSON that throws', { toJSON: () => { throw new Error('no') } }], // prettier-ignore
    ['a toJSON that gives a BigInt', { toJSON: () => 1n }],
    ['a toJSON that gives itself', { toJSON() { return this } }] // prettier-ignore
  ]
  for (const own of [await hyperdrive(t), await localdrive(t)]) {
    const multi = await multidrive(t, [own, await hyperdrive(t)])
    await multi.put('/file', 'before')
    for (const [name, metadata] of bad) {
      const opts = { metadata }
      const errs = [
        await failureOf(multi.put('/file', 'x', opts)),
        await failureOf(multi.symlink('/file', '/x', opts)),
        await failureOf(() => multi.createWriteStream('/file', opts)),
        await failureOf(multi.batch().put('/file', 'x', opts)),
        await failureOf(multi.batch().symlink('/file', '/x', opts)),
        await failureOf(() => multi.batch().createWriteStream('/file', opts))
      ]
      t.same(
        errs.map(({ code }) => code),
        errs.map(() => 'EINVAL'),
        name
      )
    }
    t.same(await contents(multi), { '/file': 'before' })
    await multi.put('/file', 'after', { metadata: { fine: true } })
    t.same(await contents(multi), { '/file': 'after' })
  }
})

test('a Buffer as metadata is EINVAL', limit, async (t) => {
  const multi = await multidrive(t, [await hyperdrive(t)])
  for (const metadata of [Buffer.from('x'), { a: Buffer.from('x') }]) {
    t.equal((await failureOf(multi.put('/file', 'x', { metadata }))).code, 'EINVAL')
  }
  await multi.put('/file', 'x')
})

test('metadata that is deeper than any stack is EINVAL', limit, async (t) => {
  const multi = await multidrive(t, [await hyperdrive(t)])
  let metadata: unknown = null
  for (let i = 0; i < 200_000; i++) metadata = [metadata]
  t.equal((await failureOf(multi.put('/file', 'x', { metadata }))).code, 'EINVAL')
  await multi.put('/file', 'x')
  t.same(await keys(multi), ['/file'])
})

test('data that is no bytes is EINVAL', limit, async (t) => {
  const multi: any = await multidrive(t, [await hyperdrive(t)])
  for (const data of [undefined, null, 5, {}, [1, 2], true, new ArrayBuffer(2)]) {
    t.equal((await failureOf(multi.put('/file', data))).code, 'EINVAL', inspect(data))
    t.equal((await failureOf(multi.batch().put('/file', data))).code, 'EINVAL', `batch ${inspect(data)}`)
  }
  for (const data of [5, {}, true]) {
    const err = await failureOf(
      () =>
        new Promise((resolve, reject) =>
          multi.createWriteStream('/file').on('error', reject).on('close', resolve).end(data)
        )
    )
    t.equal(err.code, 'EINVAL', `stream ${inspect(data)}`)
  }
  t.same(await keys(multi), [])
})

test('createWriteStream(path) takes the bytes of any view', limit, async (t) => {
  for (const multi of [
    await multidrive(t, [await hyperdrive(t)]),
    (await multidrive(t, [await localdrive(t)])).batch() as any
  ]) {
    const stream = multi.createWriteStream('/file')
    stream.write(new Uint16Array([0x0201, 0x0403]))
    stream.write(new DataView(Uint8Array.from([9, 5, 6, 9]).buffer, 1, 2))
    await new Promise((resolve) => stream.on('close', resolve).end('!'))
    t.same([...(await multi.get('/file'))], [1, 2, 3, 4, 5, 6, 33])
    t.equal((await multi.entry('/file')).value.blob.byteLength, 7)
  }
})

test('a linkname that is no path is EINVAL', limit, async (t) => {
  const multi: any = await multidrive(t, [await hyperdrive(t)])
  for (const linkname of [undefined, null, '', 5, {}, '/a\0b']) {
    t.equal((await failureOf(multi.symlink('/link', linkname))).code, 'EINVAL', inspect(linkname))
    t.equal(
      (await failureOf(multi.batch().symlink('/link', linkname))).code,
      'EINVAL',
      `batch ${inspect(linkname)}`
    )
  }
})

test('a range of bytes that is none is EINVAL', limit, async (t) => {
  const multi: any = await multidrive(t, [await hyperdrive(t)])
  await multi.put('/file', '0123')
  for (const opts of [
    { start: -1 },
    { start: 1.5 },
    { start: '1' },
    { end: -2 },
    { length: NaN },
    { length: Infinity },
    { length: -5 }
  ]) {
    t.equal(
      (await failureOf(collect(multi.createReadStream('/file', opts)))).code,
      'EINVAL',
      JSON.stringify(opts)
    )
  }
})

/** A drive with `/file` as anybody might write it, one that is dated 1000 behind it, and the MultiDrive of both. */
async function forged(
  t: test.Test,
  write: (drive: any) => Promise<void>
): Promise<{ multi: MultiDrive; formats: any[] }> {
  const [own, forger, honest] = [await hyperdrive(t), await hyperdrive(t), await hyperdrive(t)]
  await honest.put('/file', 'honest', { metadata: { mtime: 1000 } })
  await forger.put('/sound', 'sound')
  await write(forger)
  const multi = await multidrive(t, [own])
  const formats: any[] = []
  multi.on('format', (notice: unknown) => formats.push(notice))
  await multi.addDrive(forger)
  await multi.addDrive(honest)
  return { multi, formats }
}

/** Writes the bytes of an entry as they are. */
async function rawEntry(drive: any, key: string, text: string): Promise<void> {
  await drive.db.put(key, Buffer.from(text), { keyEncoding: entryKeys, valueEncoding: 'binary' })
}

async function rawRecord(
  drive: any,
  kind: 'tombstones' | 'directories',
  key: string,
  text: string
): Promise<void> {
  await drive.db.put(key, Buffer.from(text), { keyEncoding: recordKeys(kind), valueEncoding: 'binary' })
}

const value = (metadata: string) => `{"executable":false,"linkname":null,"blob":null,"metadata":${metadata}}`

test('an mtime that is no date is none', limit, async (t) => {
  for (const mtime of [
    '"2030-01-01"',
    '-1',
    '1e400',
    '-1e400',
    'null',
    '[9]',
    '{}',
    'true',
    '9e15',
    '1e308'
  ]) {
    const { multi } = await forged(t, (drive) => rawEntry(drive, '/file', value(`{"mtime":${mtime}}`)))
    t.same(await contents(multi), { '/file': 'honest', '/sound': 'sound' }, mtime)
    t.equal(String(await multi.get('/file')), 'honest', mtime)
    await multi.put('/file', 'written')
    t.equal(String(await multi.get('/file')), 'written', mtime)
  }
})

test('a reserved member that is garbage is absent', limit, async (t) => {
  const members = [
    '"text"',
    '[]',
    'null',
    '5',
    '{}',
    '{"v":"1"}',
    '{"v":0}',
    '{"v":-1}',
    '{"v":1.5}',
    '{"v":1,"clock":[]}',
    '{"v":1,"clock":"x"}',
    '{"v":1,"clock":{"x":-1}}',
    '{"v":1,"clock":{"x":"1"}}',
    '{"v":1,"clock":{"__proto__":1e400}}',
    '{"v":1,"ctime":"later","mode":99999,"size":-5,"stamped":"yes"}',
    '{"v":1,"size":1e300,"ctime":1e400}',
    '{"v":1,"metadata":{"v":1}}'
  ]
  for (const member of members) {
    const { multi, formats } = await forged(t, (drive) =>
      rawEntry(drive, '/file', value(`{"mtime":500,"multidrive":${member}}`))
    )
    t.same(await contents(multi), { '/file': 'honest', '/sound': 'sound' }, member)
    t.same(formats, [], member)
  }
})

test('a clock that is an array supersedes nothing', limit, async (t) => {
  const { multi } = await forged(t, (drive) =>
    rawEntry(drive, '/file', value('{"mtime":500,"multidrive":{"v":1,"ctime":500,"clock":[5,6]}}'))
  )
  t.equal(String(await multi.get('/file')), 'honest')
})

test("a reserved member of a later release is absent and told by 'format'", limit, async (t) => {
  const { multi, formats } = await forged(t, async (drive) => {
    await rawEntry(drive, '/file', value('{"mtime":500,"multidrive":{"v":2,"clock":{"x":1}}}'))
    await rawEntry(drive, '/later', value('{"mtime":500,"own":true,"multidrive":{"v":2,"ctime":5}}'))
  })
  t.same(await keys(multi), ['/file', '/later', '/sound'])
  t.equal(String(await multi.get('/file')), 'honest')
  const entry = (await multi.entry('/later'))!
  t.same(entry.value.metadata, { mtime: 500, own: true })
  t.equal(entry.mtime, 500)
  t.same(
    formats.map(({ kind, version }) => [kind, version]),
    [['entries', 2]]
  )
  t.equal(formats[0]?.drive, multi.drives[1])
})

test('an entry that is garbage is absent', limit, async (t) => {
  const values = [
    '',
    'no JSON',
    '{"executable":',
    'null',
    '5',
    '"text"',
    '[]',
    '{"linkname":5,"metadata":{"mtime":9e14}}',
    '{"linkname":"","metadata":{"mtime":9e14}}',
    '{"linkname":["/x"],"metadata":{"mtime":9e14}}',
    '{"blob":"x","metadata":{"mtime":9e14}}',
    '{"blob":[],"metadata":{"mtime":9e14}}',
    '{"blob":{},"metadata":{"mtime":9e14}}',
    '{"blob":{"blockOffset":-1,"blockLength":1,"byteOffset":0,"byteLength":1},"metadata":{"mtime":9e14}}',
    '{"blob":{"blockOffset":0,"blockLength":1.5,"byteOffset":0,"byteLength":1},"metadata":{"mtime":9e14}}',
    '{"blob":{"blockOffset":0,"blockLength":1,"byteOffset":"0","byteLength":1},"metadata":{"mtime":9e14}}',
    '{"blob":{"blockOffset":0,"blockLength":1,"byteOffset":0,"byteLength":1e400},"metadata":{"mtime":9e14}}',
    '{"blob":{"blockOffset":0,"blockLength":1e9,"byteOffset":0,"byteLength":1,"blockMap":true},"metadata":{"mtime":9e14}}'
  ]
  for (const raw of values) {
    const { multi } = await forged(t, async (drive) => {
      await rawEntry(drive, '/file', raw)
      await rawEntry(drive, '/only', raw)
    })
    t.same(await contents(multi), { '/file': 'honest', '/sound': 'sound' }, raw)
    t.equal(await multi.entry('/only'), null, raw)
    t.equal(await multi.get('/only'), null, raw)
    await multi.put('/only', 'written')
    t.equal(String(await multi.get('/only')), 'written', raw)
  }
})

test('an entry with neither blob nor link is an empty file', limit, async (t) => {
  const { multi } = await forged(t, (drive) => rawEntry(drive, '/empty', '{}'))
  const entry = (await multi.entry('/empty'))!
  t.same([entry.value.executable, entry.value.linkname, entry.value.metadata], [false, null, null])
  t.equal(entry.value.blob!.byteLength, 0)
  t.equal((await multi.get('/empty'))!.length, 0)
})

test('keys that are no paths are absent', limit, async (t) => {
  const raw = new SubEncoder('files', 'binary')
  const { multi } = await forged(t, async (drive) => {
    for (const key of [
      '',
      '/',
      'x',
      'file',
      '//',
      '/a//b',
      '/a/../b',
      '/..',
      '/.',
      '/a/.',
      '/a/',
      '/a\\b',
      '/a\0b',
      '/../../etc/passwd'
    ]) {
      await rawEntry(drive, key, value('{"mtime":9e14}'))
    }
    for (const bytes of [
      [0x2f, 0xff],
      [0x2f, 0xc3, 0x28],
      [0x2f, 0xed, 0xa0, 0x80],
      [0xff, 0xfe]
    ]) {
      await drive.db.put(raw.encode(Buffer.from(bytes)), Buffer.from(value('{"mtime":9e14}')), {
        keyEncoding: 'binary',
        valueEncoding: 'binary'
      })
    }
  })
  t.same(await contents(multi), { '/file': 'honest', '/sound': 'sound' })
  t.same(await collect(multi.readdir('/')), ['file', 'sound'])
  t.same(
    (await collect(multi.entries({}, { reverse: true }))).map(({ key }) => key),
    ['/sound', '/file']
  )
  t.same(
    (await collect(multi.list('/', { recursive: false }))).map(({ key }) => key),
    ['/file', '/sound']
  )
  t.equal(await multi.entry('/\ufffd'), null)
  await multi.put('/\ufffd', 'ours')
  t.equal(String(await multi.get('/\ufffd')), 'ours')
})

const BIG = Number.MAX_SAFE_INTEGER
const forgedBlobs: [string, object][] = [
  ['far away', { blockOffset: 1e9, blockLength: 1, byteOffset: 1e12, byteLength: 5 }],
  ['at the end of numbers', { blockOffset: BIG, blockLength: 1, byteOffset: BIG, byteLength: BIG }],
  ['of endless blocks', { blockOffset: 0, blockLength: BIG, byteOffset: 0, byteLength: BIG }],
  ['longer than its blocks', { blockOffset: 0, blockLength: 1, byteOffset: 0, byteLength: 1e12 }],
  ['of no blocks', { blockOffset: 0, blockLength: 0, byteOffset: 0, byteLength: 5 }],
  [
    'of a map that is a file',
    { blockOffset: 0, blockLength: 1, byteOffset: 0, byteLength: 5, blockMap: true }
  ],
  ['of a map of no blocks', { blockOffset: 0, blockLength: 0, byteOffset: 0, byteLength: 5, blockMap: true }],
  ['of a map far away', { blockOffset: 1e9, blockLength: 1, byteOffset: 0, byteLength: 5, blockMap: true }],
  [
    'of a map at the end of numbers',
    { blockOffset: BIG, blockLength: 64, byteOffset: 0, byteLength: 5, blockMap: true }
  ]
]
for (const [name, blob] of forgedBlobs) {
  test(`a blob ${name} crashes no reader`, limit, async (t) => {
    const { multi } = await forged(t, (drive) =>
      rawEntry(drive, '/forged', JSON.stringify({ executable: false, linkname: null, blob, metadata: null }))
    )
    t.same(
      (await keys(multi)).filter((key) => key !== '/forged'),
      ['/file', '/sound']
    )
    await settles(() => multi.entry('/forged'))
    await settles(() => multi.get('/forged', { wait: false }))
    await settles(() => collect(multi.createReadStream('/forged', { wait: false })))
    await settles(() => collect(multi.createReadStream('/forged', { start: 2, length: 2, wait: false })))
    await settles(() => multi.get('/forged', { timeout: 50 }))
    t.equal(String(await multi.get('/sound')), 'sound')
    await multi.put('/forged', 'written')
    t.equal(String(await multi.get('/forged')), 'written')
    await multi.del('/forged')
    t.equal(await multi.entry('/forged'), null)
  })
}

test('a block map with blocks that are anywhere crashes no reader', limit, async (t) => {
  // The form of Hyperblobs: a version, the number of blocks, and an index and a length for each; 0xfe begins 32 bits.
  const far = [0xfe, 0xff, 0xff, 0xff, 0x7f]
  for (const bytes of [
    [0, 1, ...far, 5],
    [0, 1, 0, ...far],
    [0, 5, 0, 1],
    [0, ...far],
    [0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
    [9, 1, 0, 1],
    [0]
  ]) {
    const { multi } = await forged(t, async (drive) => {
      const blob = await (await drive.getBlobs()).put(Buffer.from(bytes))
      const forgery = { executable: false, linkname: null, blob: { ...blob, blockMap: true }, metadata: null }
      await rawEntry(drive, '/forged', JSON.stringify(forgery))
    })
    t.same(
      (await keys(multi)).filter((key) => key !== '/forged'),
      ['/file', '/sound'],
      String(bytes)
    )
    await settles(() => multi.entry('/forged'))
    await settles(() => multi.get('/forged', { wait: false }))
    await settles(() => collect(multi.createReadStream('/forged', { wait: false })))
    await multi.put('/forged', 'written')
    t.equal(String(await multi.get('/forged')), 'written', String(bytes))
  }
})

test('a true size that is a lie crashes no reader', limit, async (t) => {
  for (const size of [0, 3, 1e15]) {
    const [own, forger] = [await hyperdrive(t), await hyperdrive(t)]
    const stream = forger.createWriteStream('/map', { dedup: true })
    await new Promise((resolve) => stream.on('close', resolve).end(Buffer.from('hello')))
    const { value: stored } = await forger.entry('/map')
    t.equal(stored.blob.blockMap, true)
    await forger.putEntry('/map', { ...stored, metadata: { mtime: 5, multidrive: { v: 1, ctime: 5, size } } })
    const multi = await multidrive(t, [own, forger])
    t.same(await keys(multi), ['/map'])
    await settles(() => multi.get('/map', { timeout: 200 }))
    await settles(() => collect(multi.createReadStream('/map', { timeout: 200 })))
  }
})

test('tombstones that are garbage delete nothing', limit, async (t) => {
  const sound = `{"v":1,"mtime":${FUTURE},"ctime":${FUTURE},"clock":{}}`
  const records: [string, string][] = [
    ['/file', ''],
    ['/file', 'no JSON'],
    ['/file', 'null'],
    ['/file', '5'],
    ['/file', '[]'],
    ['/file', '{}'],
    ['/file', `{"mtime":${FUTURE}}`],
    ['/file', `{"v":"1","mtime":${FUTURE}}`],
    ['/file', `{"v":0,"mtime":${FUTURE}}`],
    ['/file', '{"v":1}'],
    ['/file', '{"v":1,"mtime":"later"}'],
    ['/file', '{"v":1,"mtime":-1}'],
    ['/file', '{"v":1,"mtime":1e400}'],
    ['/file', '{"v":1,"mtime":9e15}'],
    ['/', sound],
    ['', sound],
    ['//', sound],
    ['file', sound],
    ['/x/../file', sound],
    ['/./', sound],
    ['/fil', sound],
    ['/fil/', sound],
    ['/file//', sound]
  ]
  const { multi, formats } = await forged(t, async (drive) => {
    for (const [key, text] of records) await rawRecord(drive, 'tombstones', key, text)
  })
  t.same(await contents(multi), { '/file': 'honest', '/sound': 'sound' })
  t.same(formats, [])
  for (const [key, text] of records.slice(0, 14)) {
    const one = await forged(t, (drive) => rawRecord(drive, 'tombstones', key, text))
    t.same(await keys(one.multi), ['/file', '/sound'], text)
  }
  const real = await forged(t, (drive) => rawRecord(drive, 'tombstones', '/file', sound))
  t.same(await keys(real.multi), ['/sound'], 'a sound one deletes')
})

test('a tombstone whose clock is garbage still has its date', limit, async (t) => {
  for (const clock of ['[]', '"x"', '{"x":-1}', 'null', '{"x":{}}']) {
    const { multi } = await forged(t, async (drive) => {
      await rawRecord(drive, 'tombstones', '/file', `{"v":1,"mtime":500,"ctime":5,"clock":${clock}}`)
    })
    t.same(await keys(multi), ['/file', '/sound'], clock)
  }
})

test("hidden records of a later release are absent and told once by 'format'", limit, async (t) => {
  const { multi, formats } = await forged(t, async (drive) => {
    for (const path of ['/file', '/sound']) {
      await rawRecord(drive, 'tombstones', path, `{"v":2,"mtime":${FUTURE}}`)
      await rawRecord(drive, 'directories', path, '{"v":3,"mtime":5}')
    }
  })
  t.same(await keys(multi), ['/file', '/sound'])
  await keys(multi)
  const told = formats.map(({ kind, version, path }) => [kind, version, path])
  t.same(told.sort(), [
    ['directories', 3, '/file'],
    ['tombstones', 2, '/file']
  ])
  t.ok(formats.every(({ drive }) => drive === multi.drives[1]))
})

test('directory records that are garbage make no directory', limit, async (t) => {
  const { multi } = await forged(t, async (drive) => {
    for (const text of ['', 'no JSON', '[]', '{}', '{"v":1}', '{"v":1,"mtime":"x"}', '{"v":1,"mtime":-1}']) {
      await rawRecord(drive, 'directories', `/dir${text.length}`, text)
    }
    for (const key of ['', '/', 'dir', '/a/../b', '/a/'])
      await rawRecord(drive, 'directories', key, '{"v":1,"mtime":5}')
  })
  for (const length of [0, 2, 7, 15, 18, 20]) await multi.put(`/dir${length}`, 'a file')
  t.equal((await keys(multi)).length, 8)
})

test('a directory record keeps a file from its path', limit, async (t) => {
  const { multi } = await forged(t, (drive) =>
    rawRecord(drive, 'directories', '/dir', '{"v":1,"mtime":5,"mode":"x","metadata":[1],"clock":5}')
  )
  t.equal((await failureOf(multi.put('/dir', 'x'))).code, 'EISDIR')
  await multi.put('/dir/file', 'x')
  t.ok((await keys(multi)).includes('/dir/file'))
})

test('records of unknown kinds are nobody’s business', limit, async (t) => {
  const { multi } = await forged(t, async (drive) => {
    const other = new SubEncoder('multidrive', 'utf-8').sub('inventions', 'utf-8')
    await drive.db.put('/file', { v: 9 }, { keyEncoding: other })
    await drive.db.put('/file', { v: 9 }, { keyEncoding: new SubEncoder('multidrive', 'utf-8') })
    await drive.db.put('/file', { v: 9 }, { keyEncoding: new SubEncoder('another', 'utf-8') })
    await drive.db.put('plain', 'x')
  })
  t.same(await contents(multi), { '/file': 'honest', '/sound': 'sound' })
})

test('garbage that comes while the drive is in the set', limit, async (t) => {
  const [own, forger] = [await hyperdrive(t), await hyperdrive(t)]
  await own.put('/file', 'ours', { metadata: { mtime: 1000 } })
  const multi = await multidrive(t, [own, forger])
  t.same(await keys(multi), ['/file'])
  await rawEntry(forger, '/file', 'no JSON')
  await rawEntry(forger, '/a/../b', value('{"mtime":9e14}'))
  await rawRecord(forger, 'tombstones', '/file', 'no JSON')
  await rawRecord(forger, 'directories', '/file', 'no JSON')
  t.same(await contents(multi), { '/file': 'ours' })
  await rawRecord(forger, 'tombstones', '/file', `{"v":1,"mtime":${FUTURE}}`)
  t.same(await keys(multi), [])
  await rawRecord(forger, 'tombstones', '/file', 'garbage again')
  t.same(await contents(multi), { '/file': 'ours' })
})

test('a link to itself is ELOOP, in its own drive and across drives', limit, async (t) => {
  const [own, theirs] = [await hyperdrive(t), await hyperdrive(t)]
  await theirs.symlink('/b', '/a')
  const multi = await multidrive(t, [own, theirs])
  await multi.symlink('/a', '/b')
  await multi.symlink('/self', 'self')
  await multi.symlink('/dir/up', '../dir/up')
  for (const path of ['/a', '/b', '/self', '/dir/up']) {
    for (const call of [() => multi.entry(path, { follow: true }), () => multi.get(path, { follow: true })]) {
      const err = await failureOf(call)
      t.same([err.code, err.path], ['ELOOP', path])
    }
  }
  t.equal((await keys(multi)).length, 4)
})

test('links are followed 40 deep, not 41', limit, async (t) => {
  const [own, theirs] = [await hyperdrive(t), await hyperdrive(t)]
  const multi = await multidrive(t, [own, theirs])
  await multi.put('/0', 'the end')
  const batch = multi.batch()
  for (let i = 1; i <= 41; i++) {
    if (i % 2 === 0) await theirs.symlink(`/${i}`, `/${i - 1}`)
    else await batch.symlink(`/${i}`, `/${i - 1}`)
  }
  await batch.flush()
  t.equal((await multi.entry('/40', { follow: true }))?.key, '/0')
  t.equal(String(await multi.get('/40', { follow: true })), 'the end')
  t.equal((await failureOf(multi.entry('/41', { follow: true }))).code, 'ELOOP')
})

test('a link that leads above the root stays at the root', limit, async (t) => {
  const [own, theirs] = [await hyperdrive(t), await hyperdrive(t)]
  await theirs.put('/etc/passwd', 'in the drive')
  for (const [path, linkname] of Object.entries({
    '/a': '../../../etc/passwd',
    '/dir/b': '/../../etc/passwd',
    '/c': '..\\..\\etc\\passwd',
    '/d': '/etc/./x/../passwd'
  })) {
    await theirs.symlink(path, linkname)
  }
  await theirs.symlink('/root', '/')
  await theirs.symlink('/above', '../..')
  const multi = await multidrive(t, [own, theirs])
  for (const path of ['/a', '/dir/b', '/c', '/d']) {
    t.equal((await multi.entry(path, { follow: true }))?.key, '/etc/passwd', path)
    t.equal(String(await multi.get(path, { follow: true })), 'in the drive', path)
  }
  for (const path of ['/root', '/above']) t.equal(await multi.entry(path, { follow: true }), null)
})

test('a link whose target no drive could hold leads nowhere', limit, async (t) => {
  const { multi } = await forged(t, async (drive) => {
    for (const [key, linkname] of Object.entries({
      '/nul': '/a\0b',
      '/long': '/' + 'x'.repeat(70_000),
      '/lone': '/\ud800'
    })) {
      await rawEntry(drive, key, JSON.stringify({ executable: false, linkname, blob: null, metadata: null }))
    }
  })
  for (const path of ['/nul', '/long', '/lone']) {
    t.equal(await multi.entry(path, { follow: true }), null, path)
    t.equal(typeof (await multi.entry(path))?.value.linkname, 'string', path)
  }
})

test('links of a Localdrive that lead outside show nothing of it', limit, async (t) => {
  const outside = await folder(t)
  await mkdir(join(outside, 'deep'))
  await writeFile(join(outside, 'secret'), 'secret')
  await writeFile(join(outside, 'deep', 'file'), 'secret')
  const local = await localdrive(t)
  await local.put('/inside', 'inside')
  await symlink(join(outside, 'secret'), join(local.root, 'file-link'))
  await symlink(join(outside, 'deep'), join(local.root, 'folder-link'))
  await symlink(`${'../'.repeat(30)}${outside.slice(1)}/secret`, join(local.root, 'relative-link'))
  await symlink('folder-link/file', join(local.root, 'chain'))

  for (const drives of [
    [local, await hyperdrive(t)],
    [await hyperdrive(t), local]
  ]) {
    const multi = await multidrive(t, drives)
    t.same(await keys(multi), ['/chain', '/file-link', '/folder-link', '/inside', '/relative-link'])
    for (const path of ['/file-link', '/folder-link', '/relative-link', '/chain']) {
      t.equal(await multi.get(path), null, path)
      t.equal(await multi.get(path, { follow: true }), null, path)
      t.equal((await failureOf(collect(multi.createReadStream(path)))).code, 'ENOENT', path)
    }
    t.equal((await failureOf(collect(multi.createReadStream('/folder-link/file')))).code, 'ENOENT')
    t.equal(await multi.entry('/folder-link/file'), null)
    t.equal(await multi.get('/folder-link/file'), null)
    t.same(await keys(multi, '/folder-link'), [])
    t.ok((await failureOf(multi.put('/folder-link/new', 'x'))).code, 'no write through it')
    await multi.del('/folder-link/file')
    t.equal((await lstat(join(outside, 'deep', 'file'))).size, 6)
    t.equal(await lstat(join(outside, 'deep', 'new')).catch(() => null), null)
    await multi.put('/file-link', 'a file now')
    t.equal(String(await multi.get('/file-link')), 'a file now')
    t.equal((await lstat(join(outside, 'secret'))).size, 6, 'the target is not written')
    await multi.del('/file-link')
    await symlink(join(outside, 'secret'), join(local.root, 'file-link')).catch(() => undefined)
    await multi.close()
  }
})

test('the folder where a Localdrive keeps records is out of reach', limit, async (t) => {
  const multi = await multidrive(t, [await localdrive(t), await hyperdrive(t)])
  await multi.put('/file', 'x', { metadata: { kept: true } })
  for (const path of ['/.multidrive', '/.multidrive/lock', '/.multidrive/staged/x']) {
    t.equal((await failureOf(multi.put(path, 'x'))).code, 'EPERM', path)
    t.equal(await multi.entry(path), null, path)
  }
  t.same(await keys(multi), ['/file'])
  t.same(await keys(multi, '/.multidrive'), [])
  t.same(await collect(multi.readdir('/')), ['file'])
})

/** Waits until a call is through, whether it failed or not. */
async function settles(call: () => Promise<unknown>): Promise<void> {
  await call().catch(() => undefined)
}

test('options that mean nothing are EINVAL, and null is as if left out', limit, async (t) => {
  const multi = await multidrive(t, [await hyperdrive(t)])
  await multi.put('/a', 'a')
  const bad = (value: unknown) => value as never
  const wrong: [string, () => unknown][] = [
    ['entries gt', () => collect(multi.entries({ gt: bad(5) }))],
    ['entries lte', () => collect(multi.entries({ lte: bad({}) }))],
    ['list ignore', () => collect(multi.list('/', { ignore: bad(5) }))],
    ['openDrive', () => new MultiDrive(multi.primary, { openDrive: bad('x') })]
  ]
  for (const timeout of [-1, NaN, bad('x')]) {
    wrong.push(
      [`entry ${timeout}`, () => multi.entry('/a', { timeout })],
      [`get ${timeout}`, () => multi.get('/a', { timeout })],
      [`list ${timeout}`, () => collect(multi.list('/', { timeout }))],
      [`createReadStream ${timeout}`, () => collect(multi.createReadStream('/a', { timeout }))],
      [`stat ${timeout}`, () => multi.promises.stat('/a', { timeout })],
      [`readFile ${timeout}`, () => multi.promises.readFile('/a', { timeout })]
    )
  }
  for (const [name, call] of wrong) t.is((await failureOf(call)).code, 'EINVAL', name)
  t.is(String(await multi.get('/a', null)), 'a')
  t.is((await multi.entry('/a', null))!.key, '/a')
  t.is((await collect(multi.list(null))).length, 1)
  t.is((await collect(multi.list('/', null))).length, 1)
  t.is((await failureOf(() => multi.mirror({}).done())).code, 'DRIVE_INVALID')
})
