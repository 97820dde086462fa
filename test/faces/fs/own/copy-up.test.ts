import { once } from 'node:events'
import test from 'tape'
import type { MultiDrive } from '../../../../index.ts'
import { failureOf } from '../../../helpers/drives.ts'
import { byteRow } from '../../../suites/fs-open-file.ts'
import { BLOCK, shared, shown, stateOf } from './helpers.ts'

const TEXT = 'what another wrote'
const DATE = 1_600_000_000_000

interface Change {
  readonly do: (multi: MultiDrive) => Promise<unknown>
  /** What is then other than before. */
  readonly gives: Record<string, unknown>
  /** Whether it is another date than before. */
  readonly dates?: boolean
}

async function withDescriptor(
  multi: MultiDrive,
  flags: string,
  use: (fd: number) => Promise<unknown>
): Promise<void> {
  const fd = await multi.open('/file', flags)
  await use(fd)
  await multi.close(fd)
}

const CHANGES: Record<string, Change> = {
  appendFile: {
    do: (multi) => multi.appendFile('/file', ', and more'),
    gives: { text: `${TEXT}, and more`, size: TEXT.length + 10 },
    dates: true
  },
  truncate: { do: (multi) => multi.truncate('/file', 4), gives: { text: 'what', size: 4 }, dates: true },
  'truncate to a greater length': {
    do: (multi) => multi.truncate('/file', TEXT.length + 2),
    gives: { text: `${TEXT}\0\0`, size: TEXT.length + 2 },
    dates: true
  },
  ftruncate: {
    do: (multi) => withDescriptor(multi, 'r+', (fd) => multi.ftruncate(fd, 4)),
    gives: { text: 'what', size: 4 },
    dates: true
  },
  'write to a descriptor with r+': {
    do: (multi) => withDescriptor(multi, 'r+', (fd) => multi.write(fd, 'W', 0)),
    gives: { text: TEXT.replace('w', 'W') },
    dates: true
  },
  'a stream with the flags r+': {
    do: async (multi) => {
      const stream = multi.createWriteStream('/file', { flags: 'r+', start: 5 })
      const closed = once(stream, 'close')
      stream.end('ANOTHER')
      await closed
    },
    gives: { text: TEXT.replace('another', 'ANOTHER') },
    dates: true
  },
  chmod: { do: (multi) => multi.chmod('/file', 0o600), gives: { mode: 0o600 } },
  'chmod that takes the x bits': { do: (multi) => multi.chmod('/file', 0o644), gives: { mode: 0o644 } },
  fchmod: {
    do: (multi) => withDescriptor(multi, 'r', (fd) => multi.fchmod(fd, 0o640)),
    gives: { mode: 0o640 }
  },
  utimes: { do: (multi) => multi.utimes('/file', 1, 1_500_000_000), gives: { mtimeMs: 1_500_000_000_000 } },
  lutimes: { do: (multi) => multi.lutimes('/file', 1, 1_500_000_000), gives: { mtimeMs: 1_500_000_000_000 } },
  futimes: {
    do: (multi) => withDescriptor(multi, 'r+', (fd) => multi.futimes(fd, 1, 1_500_000_000)),
    gives: { mtimeMs: 1_500_000_000_000 }
  },
  setMetadata: {
    do: (multi) => multi.setMetadata('/file', 'more', [1, 2]),
    gives: { metadata: { note: 'theirs', more: [1, 2] } }
  },
  removeMetadata: { do: (multi) => multi.removeMetadata('/file', 'note'), gives: { metadata: {} } }
}

for (const kind of ['a Hyperdrive', 'a Localdrive']) {
  for (const [name, { do: change, gives, dates = false }] of Object.entries(CHANGES)) {
    test(`${name} of a file of another drive gives the writer a whole copy that wins (${kind})`, async (t) => {
      const { multi, own, copy, author, authors, third, synced } = await shared(t, kind)
      await authors.writeFile('/file', TEXT, { mode: 0o755 })
      await authors.setMetadata('/file', 'note', 'theirs')
      await authors.utimes('/file', DATE / 1000, DATE / 1000)
      await synced()
      const before = await shown(multi, '/file')
      t.same([before.text, before.mode, before.mtimeMs], [TEXT, 0o755, DATE])
      const theirs = await stateOf(author)
      await change(multi)

      const { mtimeMs, ...after } = await shown(multi, '/file')
      const { mtimeMs: date, ...expected } = { ...before, ...gives }
      t.same(after, expected)
      if (dates) t.ok((mtimeMs as number) > DATE, 'a later date')
      else t.equal(mtimeMs, date, 'the date')
      const [entry, held] = [await multi.entry('/file'), await own.get('/file')]
      t.equal(entry!.drive, own)
      t.equal(held.toString('latin1'), expected.text, 'all of it is in the writer')

      t.same(await stateOf(author), theirs, 'the other drive is as it was')
      t.equal(String(await copy.get('/file')), TEXT)
      if (kind === 'a Localdrive') return
      const reader = await third()
      t.same(await shown(reader, '/file'), { mtimeMs, ...after }, 'somebody else sees the same')
      t.same(await multi.conflicts('/file'), [])
    })
  }

  test(`a change of a link of another drive (${kind})`, async (t) => {
    const { multi, own, author, authors, third, synced } = await shared(t, kind)
    await authors.writeFile('/file', TEXT)
    await authors.promises.symlink('file', '/link')
    await synced()
    const theirs = await stateOf(author)
    await multi.lutimes('/link', 1, 1_500_000_000)
    t.equal((await multi.lstat('/link')).mtimeMs, 1_500_000_000_000)
    t.equal(await multi.readlink('/link'), 'file')
    t.equal(await own.exists('/file'), false, 'what it leads to stays where it is')
    await multi.chmod('/link', 0o600)
    t.equal((await multi.stat('/file')).mode & 0o777, 0o600, 'chmod follows it')
    t.equal((await multi.entry('/file'))!.drive, own)
    t.same(await stateOf(author), theirs)
    if (kind === 'a Hyperdrive') t.equal((await (await third()).lstat('/link')).mtimeMs, 1_500_000_000_000)
  })

  test(`changes of a folder of another drive (${kind})`, async (t) => {
    const { multi, author, authors, third, synced } = await shared(t, kind)
    await authors.mkdir('/dir', { mode: 0o750 })
    await authors.setMetadata('/dir', 'note', 'theirs')
    await authors.writeFile('/implicit/file', TEXT).catch(() => authors.put('/implicit/file', TEXT))
    await synced()
    const theirs = await stateOf(author)
    const { mtimeMs } = await multi.stat('/dir')
    await multi.chmod('/dir', 0o700)
    t.equal((await multi.stat('/dir')).mtimeMs, mtimeMs, 'bits move no date')
    await multi.setMetadata('/dir', 'more', 1)
    await multi.utimes('/dir', 1, 1_500_000_000)
    t.same(await shown(multi, '/dir'), {
      mode: 0o700,
      size: 0,
      mtimeMs: 1_500_000_000_000,
      metadata: { note: 'theirs', more: 1 },
      text: '',
      linkname: null
    })
    await multi.removeMetadata('/dir', 'note')
    await multi.chmod('/implicit', 0o711)
    t.equal(
      (await multi.stat('/implicit')).mode & 0o777,
      0o711,
      'also of one that stands only for what is in it'
    )
    t.same(await stateOf(author), theirs, 'the other drive is as it was')
    t.equal((await authors.stat('/dir')).mode & 0o777, 0o750)
    if (kind === 'a Localdrive') return
    const reader = await third()
    t.same(await shown(reader, '/dir'), await shown(multi, '/dir'))
    t.equal((await reader.stat('/implicit')).mode & 0o777, 0o711)
    await reader.readFile('/implicit/file')
  })

  test(`a file is written where only another drive has the folder (${kind})`, async (t) => {
    const { multi, own, author, authors, third, synced } = await shared(t, kind)
    await authors.mkdir('/dir/empty', { recursive: true, mode: 0o700 })
    await authors.setMetadata('/dir/empty', 'note', 'theirs')
    await authors.put('/implicit/deep/file', TEXT)
    await synced()
    const theirs = await stateOf(author)
    await multi.writeFile('/dir/empty/new', 'new')
    await multi.writeFile('/implicit/deep/new', 'new')
    const fd = await multi.open('/implicit/opened', 'wx')
    await multi.close(fd)
    await multi.promises.symlink('new', '/implicit/deep/link')
    await multi.mkdir('/dir/empty/sub')
    await multi.copyFile('/implicit/deep/file', '/dir/copy')
    const listing = async (view: any) => view.promises.readdir('/', { recursive: true })
    t.same(await listing(multi), [
      'dir',
      'implicit',
      'dir/copy',
      'dir/empty',
      'implicit/deep',
      'implicit/opened',
      'dir/empty/new',
      'dir/empty/sub',
      'implicit/deep/file',
      'implicit/deep/link',
      'implicit/deep/new'
    ])
    const folder = await multi.stat('/dir/empty')
    t.same([folder.mode & 0o777, folder.metadata], [0o700, { note: 'theirs' }], 'the folder is as it was')
    t.equal(String(await own.get('/dir/empty/new')), 'new')
    t.same(await stateOf(author), theirs)
    t.equal((await failureOf(multi.writeFile('/nowhere/new', 'new'))).code, 'ENOENT')
    if (kind === 'a Hyperdrive') t.same(await listing(await third()), await listing(multi))
  })

  test(`a large file of another drive is changed in the middle (${kind})`, async (t) => {
    const { multi, own, author, synced } = await shared(t, kind)
    const bytes = byteRow(40 * BLOCK + 123)
    await author.put('/file', bytes)
    await synced()
    const fd = await multi.open('/file', 'r+')
    await multi.write(fd, Buffer.alloc(4096, 0), 0, 4096, 20 * BLOCK - 5)
    const part = Buffer.alloc(6)
    await multi.read(fd, part, 0, 6, 20 * BLOCK - 6)
    t.equal(
      part.toString('hex'),
      bytes.subarray(20 * BLOCK - 6, 20 * BLOCK - 5).toString('hex') + '0000000000'
    )
    await multi.close(fd)
    bytes.fill(0, 20 * BLOCK - 5, 20 * BLOCK + 4091)
    t.ok((await own.get('/file')).equals(bytes))
    t.ok((await multi.readFile('/file')).equals(bytes))
  })
}

test('what two writers have made of one file of a third is a conflict, and both are whole', async (t) => {
  const { multi, own, author, authors, third, synced } = await shared(t, 'a Hyperdrive')
  await authors.writeFile('/file', TEXT)
  await synced()
  await multi.appendFile('/file', ' + mine')
  await authors.appendFile('/file', ' + theirs')
  await synced()
  t.equal(String(await own.get('/file')), `${TEXT} + mine`)
  t.equal(String(await author.get('/file')), `${TEXT} + theirs`)
  t.equal(await multi.readFile('/file', 'utf8'), `${TEXT} + theirs`, 'the later one wins')
  t.equal((await multi.conflicts('/file')).length, 2)
  await multi.appendFile('/file', ' + settled')
  t.same(await multi.conflicts('/file'), [])
  t.equal(await (await third()).readFile('/file', 'utf8'), `${TEXT} + theirs + settled`)
})

const OF_MAPPED: [
  what: string,
  change: (multi: MultiDrive) => Promise<unknown>,
  expected: (bytes: Buffer) => Buffer
][] = [
  [
    'appendFile',
    (multi) => multi.appendFile('/mapped', 'line'),
    (bytes) => Buffer.concat([bytes, Buffer.from('line')])
  ],
  ['truncate', (multi) => multi.truncate('/mapped', 150_000), (bytes) => bytes.subarray(0, 150_000)],
  [
    'r+',
    async (multi) => {
      const fd = await multi.open('/mapped', 'r+')
      await multi.write(fd, 'X', 0)
      await multi.close(fd)
    },
    (bytes) => Buffer.concat([Buffer.from('X'), bytes.subarray(1)])
  ],
  [
    'copyFile and append',
    async (multi) => {
      await multi.copyFile('/mapped', '/copy')
      await multi.appendFile('/copy', 'line')
      await multi.rename('/copy', '/mapped')
    },
    (bytes) => Buffer.concat([bytes, Buffer.from('line')])
  ],
  ['chmod', (multi) => multi.chmod('/mapped', 0o600), (bytes) => bytes]
]

for (const [what, change, expected] of OF_MAPPED) {
  test(`${what} of a file whose size only a map that is not here yet can tell`, async (t) => {
    const { multi, own, author, synced } = await shared(t, 'a Hyperdrive')
    const bytes = byteRow(200_000)
    const stream = author.createWriteStream('/mapped', { dedup: true })
    for (let at = 0; at < bytes.byteLength; at += 50_000) stream.write(bytes.subarray(at, at + 50_000))
    await new Promise((resolve) => stream.once('close', resolve).end())
    t.ok((await author.entry('/mapped')).value.blob.blockMap)
    await synced()
    await change(multi)
    const held = await own.get('/mapped')
    t.ok(held.equals(expected(bytes)), `${held.byteLength} bytes`)
    t.equal((await multi.stat('/mapped')).size, expected(bytes).byteLength)
  })
}
