import fs from 'node:fs'
import fsp from 'node:fs/promises'
import path from 'node:path'
import test from 'tape'
import type { Change } from '../../lib/sources/source.ts'
import type { LocaldriveSource } from '../../lib/sources/localdrive/source.ts'
import {
  directory,
  file,
  fill,
  find,
  intercept,
  ioError,
  keys,
  link,
  listener,
  NOW,
  openSource,
  snapshot,
  temporary,
  text,
  tombstone
} from './localdrive-helpers.ts'

const CLOCK = new Map([['drive', 7]])

async function refuses(
  t: test.Test,
  source: LocaldriveSource,
  root: string,
  changes: Change[],
  code: string,
  about: string
) {
  const before = await snapshot(root)
  const log = path.join(root, '.multidrive/log')
  const size = fs.existsSync(log) ? fs.statSync(log).size : 0
  let found: unknown = 'nothing'
  await source.commit(changes).catch((err: unknown) => (found = (err as NodeJS.ErrnoException).code))
  t.equal(found, code, about)
  t.deepEqual(await snapshot(root), before, 'leaves the folder as it was')
  t.equal(fs.existsSync(log) ? fs.statSync(log).size : 0, size, 'and the log')
}

test('commit(file) and commit(remove)', async (t) => {
  const root = path.join(await temporary(t), 'new')
  const told = listener()
  const source = await openSource(root, {}, told)
  await source.commit([await file(source, '/a/b/x', 'hello', { executable: true, mtime: NOW })])
  t.equal(told.changes, 1)
  t.deepEqual(await snapshot(root), ['/a/', '/a/b/', '/a/b/x hello'])
  const stat = await fsp.stat(path.join(root, 'a/b/x'))
  t.equal(stat.mode & 0o777, 0o755)
  t.equal(Math.round(stat.mtimeMs), NOW)
  t.equal((await find(source, '/a/b/x'))!.stamp.mtime, NOW)
  await source.commit([await file(source, '/a/b/x', 'plain')])
  t.equal((await fsp.stat(path.join(root, 'a/b/x'))).mode & 0o777, 0o644)
  await fill(root, { '/a/y': '1' })
  await source.commit([{ type: 'remove', key: '/a/b/x' }])
  t.deepEqual(await snapshot(root), ['/a/', '/a/y 1'], 'folders that it empties go too')
  await source.commit([
    { type: 'remove', key: '/a/y' },
    { type: 'remove', key: '/none/z' }
  ])
  t.deepEqual(await snapshot(root), [])
  t.deepEqual(await fsp.readdir(path.join(root, '.multidrive/staged')), [])
  t.equal(told.changes, 4)
  await source.close()
  await refuses(t, source, root, [link('/l', 'x')], 'CLOSED', 'after close')
})

test('commit(file) that needs no record leaves none', async (t) => {
  const root = await temporary(t)
  const source = await openSource(root)
  await source.commit([await file(source, '/x', '1')])
  t.notOk(fs.existsSync(path.join(root, '.multidrive/log')))
  await source.commit([await file(source, '/x', '1', { clock: CLOCK })])
  t.ok(fs.existsSync(path.join(root, '.multidrive/log')))
})

test('commit(link)', async (t) => {
  const root = await temporary(t)
  const source = await openSource(root)
  const names = ['/x', '/../../etc/passwd', '../x', 'a/b', '/']
  for (const [i, linkname] of names.entries())
    await source.commit([link(`/${i}`, linkname, { clock: CLOCK })])
  const raw = names.map((_, i) => fs.readlinkSync(path.join(root, String(i))))
  t.deepEqual(raw, [root + '/x', root + '/etc/passwd', '../x', 'a/b', root + '/'])
  const shown = await Promise.all(names.map(async (_, i) => (await find(source, `/${i}`))!))
  t.deepEqual(
    shown.map(({ value }) => value.linkname),
    ['/x', '/etc/passwd', '../x', 'a/b', '/']
  )
  t.deepEqual(
    shown.map(({ stamp }) => [stamp.mtime, stamp.clock.get('drive')]),
    names.map(() => [NOW, 7])
  )
  await fill(root, { '/target': 'kept' })
  await source.commit([link('/0', '/target')])
  await source.commit([await file(source, '/0', 'own')])
  t.deepEqual(
    [await text(source, '/0'), await text(source, '/target')],
    ['own', 'kept'],
    'a file takes the place of a link'
  )
})

test('stamps that the file system cannot keep', async (t) => {
  const root = await temporary(t)
  const source = await openSource(root)
  const metadata = { some: ['json'] }
  await source.commit([await file(source, '/x', '1', { clock: CLOCK, metadata, mode: 0o600 })])
  for (const each of [source, await openSource(root)]) {
    const { stamp, value } = (await find(each, '/x'))!
    t.deepEqual(
      { ...stamp, clock: [...stamp.clock] },
      {
        mtime: NOW,
        ctime: NOW + 5,
        clock: [['drive', 7]],
        stamped: false,
        mode: 0o600,
        size: null
      }
    )
    t.deepEqual(value.metadata, metadata)
  }
  await fsp.chmod(path.join(root, 'x'), 0o755)
  t.equal(
    (await find(source, '/x'))!.stamp.mode,
    0o755,
    'the mode of the file, where it contradicts the kept one'
  )
  await fsp.writeFile(path.join(root, 'x'), '2')
  const edited = (await find(source, '/x'))!
  t.equal(edited.stamp.clock.size, 0, 'edited by hand')
  t.equal(edited.value.metadata, null)
  t.ok(edited.stamp.mtime! > NOW)

  await source.commit([await file(source, '/x', '1', { metadata })])
  await source.commit([await file(source, '/x', '2')])
  t.equal((await find(source, '/x'))!.value.metadata, null, 'written again with the same date and size')
  await source.commit([await file(source, '/x', '1', { metadata })])
  await source.commit([{ type: 'remove', key: '/x' }])
  await fill(root, { '/x': '1' })
  await fsp.utimes(path.join(root, 'x'), NOW / 1000, NOW / 1000)
  t.equal((await find(source, '/x'))!.value.metadata, null, 'removed')
})

test('dates: every valid one comes back', async (t) => {
  const root = await temporary(t)
  const source = await openSource(root)
  for (const mtime of [0, 1, 1_763_694_458_123, 1_763_694_458_127, 253_402_300_800_000, 8.64e15, 123.5]) {
    await source.commit([await file(source, '/x', '1', { mtime }), link('/l', 'x', { mtime })])
    t.equal((await find(source, '/x'))!.stamp.mtime, mtime, `file ${mtime}`)
    t.equal((await find(source, '/l'))!.stamp.mtime, mtime, `link ${mtime}`)
  }
  const restore = intercept(['utimes', 'lutimes'], () => {
    throw ioError('EINVAL')
  })
  await source.commit([await file(source, '/x', '1', { mtime: 8.64e15 })])
  restore()
  t.equal((await find(source, '/x'))!.stamp.mtime, 8.64e15, 'one that the file system refuses')
  t.equal((await find(await openSource(root), '/x'))!.stamp.mtime, 8.64e15)
})

test('commit(changes) refuses what could not be applied', async (t) => {
  const root = await temporary(t)
  const source = await openSource(root)
  await fill(root, { '/dir/x': '1', '/file': '1' })
  await fsp.symlink('dir', path.join(root, 'link'))
  await source.commit([link('/first', 'x', { clock: CLOCK })])
  const good = await file(source, '/good', '1')
  const at = (key: string) => file(source, key, '1')
  const long = 'n'.repeat(256)
  for (const [changes, code, about] of [
    [[good, await at('/dir')], 'EISDIR', 'a file at a folder'],
    [[good, link('/dir', 'x')], 'EISDIR', 'a link at a folder'],
    [[good, await at('/file/x')], 'ENOTDIR', 'below a file'],
    [[good, await at('/link/x')], 'ENOTDIR', 'below a link'],
    [[good, await at('/p/' + long)], 'ENAMETOOLONG', 'a long name'],
    [[good, await at(`/p/${long}/x`)], 'ENAMETOOLONG', 'a long name of a folder'],
    [[good, await at('/p/' + 'é'.repeat(128))], 'ENAMETOOLONG', 'in bytes'],
    [[good, await at('/' + 'p/'.repeat(2500) + 'x')], 'ENAMETOOLONG', 'a long path'],
    [[good, { type: 'make-directory', record: directory('/file') }], 'EEXIST', 'a folder at a file'],
    [[good, { type: 'make-directory', record: directory('/good') }], 'EISDIR', 'both at once'],
    [[good, await at('/good/x')], 'ENOTDIR', 'a file and one below it'],
    [[good, await at('/.multidrive')], 'EPERM', 'the hidden folder'],
    [[good, await at('/.multidrive/log')], 'EPERM', 'in the hidden folder'],
    [[good, { type: 'remove', key: '/.multidrive/log' }], 'EPERM', 'removing the log'],
    [[good, { type: 'make-directory', record: directory('/.multidrive/x') }], 'EPERM', 'a folder in it'],
    [[good, { type: 'remove', key: '/../x' }], 'EINVAL', 'no key'],
    [[good, { ...good, key: '/again' } as Change], 'EINVAL', 'bytes used twice']
  ] as [Change[], string, string][]) {
    await refuses(t, source, root, changes, code, about)
  }
  await source.commit([good])
  t.equal(await text(source, '/good'), '1', 'bytes of a commit that was refused can be used')
  await refuses(t, source, root, [good], 'EINVAL', 'bytes of a commit that landed cannot')
  const stranger = await openSource(await temporary(t))
  await refuses(t, source, root, [await file(stranger, '/y', '1')], 'EINVAL', 'bytes of another folder')
})

test('commit(changes) from one kind to another', async (t) => {
  const root = await temporary(t)
  const source = await openSource(root)
  await source.commit([await file(source, '/a', '1'), await file(source, '/d/e/x', '1')])
  await source.commit([
    { type: 'remove', key: '/a' },
    { type: 'remove', key: '/d/e/x' },
    await file(source, '/a/b', '2'),
    await file(source, '/d', '2')
  ])
  t.deepEqual(await snapshot(root), ['/a/', '/a/b 2', '/d 2'])
  await source.commit([
    await file(source, '/a/b', 'dropped'),
    { type: 'remove', key: '/a/b' },
    { type: 'make-directory', record: directory('/a') }
  ])
  t.deepEqual(await snapshot(root), ['/a/', '/d 2'])
  t.deepEqual(await fsp.readdir(path.join(root, '.multidrive/staged')), [], 'bytes that are not needed go')
  await source.commit([{ type: 'remove-directory', path: '/a' }, link('/a', 'd')])
  t.deepEqual(await snapshot(root), ['/a -> d', '/d 2'])
})

test('commit(changes) keeps a folder that it fills again', async (t) => {
  const root = await temporary(t)
  const source = await openSource(root)
  await source.commit([await file(source, '/d/x', '1')])
  const { ino } = await fsp.stat(path.join(root, 'd'))
  await source.commit([{ type: 'remove', key: '/d/x' }, await file(source, '/d/y', '1')])
  t.equal((await fsp.stat(path.join(root, 'd'))).ino, ino)
})

test('directories: a record stands beside the folder', async (t) => {
  const root = await temporary(t)
  const source = await openSource(root)
  await source.commit([
    { type: 'make-directory', record: directory('/d/e', 0o700) },
    await file(source, '/d/e/x', '1')
  ])
  const view = await source.view()
  t.deepEqual((await view.directoryAt('/d/e'))!.record, directory('/d/e', 0o700))
  t.equal((await view.directoryAt('/d/e'))!.stamp.mode, 0o700)
  const mode = fs.statSync(path.join(root, 'd')).mode & 0o777
  t.equal((await view.directoryAt('/d'))!.record.mode, mode, 'that of the folder')
  t.deepEqual(
    (await view.directoriesBelow('')).map(({ record }) => record.path),
    ['/d', '/d/e']
  )
  await source.commit([{ type: 'remove', key: '/d/e/x' }])
  t.deepEqual(await snapshot(root), ['/d/', '/d/e/'], 'it holds the folder when the last file goes')
  await source.commit([{ type: 'remove-directory', path: '/d/e' }])
  t.deepEqual(await snapshot(root), ['/d/'], 'as rmdir does, it leaves the folder above')
  await source.commit([{ type: 'make-directory', record: directory('/d/e') }])
  await fsp.rm(path.join(root, 'd'), { recursive: true })
  t.equal(await (await source.view()).directoryAt('/d/e'), null, 'a record without a folder')
  await fill(root, { '/k/x': '1' })
  await source.commit([{ type: 'remove-directory', path: '/k' }])
  t.deepEqual(await snapshot(root), ['/k/', '/k/x 1'], 'a folder that is not empty stays')
})

test('tombstonesOver(key) and tombstonesBelow(folder)', async (t) => {
  const root = await temporary(t)
  const source = await openSource(root)
  const bury = ['/a', '/a/b', '/ab', '/c'].flatMap((at): Change[] => [
    { type: 'bury', record: tombstone(at) },
    { type: 'bury', record: tombstone(at, true) }
  ])
  await source.commit(bury)
  for (const each of [source, await openSource(root)]) {
    const view = await each.view()
    const over = (key: string) =>
      view.tombstonesOver(key).map(({ record }) => record.path + (record.tree ? '/' : ''))
    t.deepEqual(over('/a/b'), ['/a/b', '/a/b/', '/a/'])
    t.deepEqual(over('/a/b/c/d'), ['/a/b/', '/a/'])
    t.deepEqual(over('/d'), [])
    const below = (folder: string) =>
      view
        .tombstonesBelow(folder)
        .map(({ record }) => record.path + (record.tree ? '/' : ''))
        .sort()
    t.deepEqual(below('/a'), ['/a', '/a/', '/a/b', '/a/b/'])
    t.equal(below('').length, 8)
    const [found] = view.tombstonesOver('/c')
    t.deepEqual(found!.record, tombstone('/c'))
    t.deepEqual([found!.origin, found!.leaf, found!.stamp.mtime], [{ id: each.identity, seq: 0 }, each, NOW])
  }
  const before = await source.view()
  await source.commit([{ type: 'unbury', record: tombstone('/a', true) }])
  t.equal(before.tombstonesBelow('').length, 8, 'a view stays as it is')
  t.deepEqual(
    (await source.view()).tombstonesOver('/a').map(({ record }) => record.tree),
    [false]
  )
})

test('two sources over one folder', async (t) => {
  const root = await temporary(t)
  const told = listener()
  const [a, b] = [await openSource(root), await openSource(root, {}, told)]
  t.equal(a.identity, b.identity)
  t.equal(await b.view(), await b.view(), 'one view while nothing happens')
  await a.commit([await file(a, '/x', '1', { clock: CLOCK }), { type: 'bury', record: tombstone('/t') }])
  t.equal((await find(b, '/x'))!.stamp.clock.get('drive'), 7)
  t.equal((await b.view()).tombstonesOver('/t').length, 1)
  t.equal(told.changes, 1, 'it is told')
  const staged = await file(a, '/y', 'y')
  await b.commit([staged, { type: 'unbury', record: tombstone('/t') }])
  t.equal(await text(a, '/y'), 'y', 'bytes staged by the one, committed by the other')
  t.equal((await a.view()).tombstonesOver('/t').length, 0)
  await Promise.all(
    Array.from({ length: 40 }, async (_, i) => {
      const source = i % 2 === 0 ? a : b
      const clock = new Map([['drive', i]])
      await source.commit([
        await file(source, `/many/${i}`, 'x', { clock }),
        await file(source, '/both', String(i), { clock })
      ])
    })
  )
  t.equal((await keys(a)).length, 43)
  for (const source of [a, b]) {
    const both = (await find(source, '/both'))!
    t.equal((await both.readAll()).toString(), String(both.stamp.clock.get('drive')))
  }
})

test('.multidrive removed by hand', async (t) => {
  const root = await temporary(t)
  const source = await openSource(root)
  await source.commit([
    await file(source, '/x', '1', { clock: CLOCK }),
    { type: 'bury', record: tombstone('/t') }
  ])
  await fsp.rm(path.join(root, '.multidrive'), { recursive: true })
  t.equal((await source.view()).tombstonesBelow('').length, 0)
  t.equal((await find(source, '/x'))!.stamp.clock.size, 0)
  t.equal(await text(source, '/x'), '1')
  await source.commit([{ type: 'bury', record: tombstone('/u') }])
  t.deepEqual(
    (await source.view()).tombstonesBelow('').map(({ record }) => record.path),
    ['/u']
  )
  const log = path.join(root, '.multidrive/log')
  await fsp.rm(log)
  await source.commit([
    { type: 'bury', record: tombstone('/v') },
    { type: 'bury', record: tombstone('/w') }
  ])
  t.deepEqual(
    (await source.view())
      .tombstonesBelow('')
      .map(({ record }) => record.path)
      .sort(),
    ['/v', '/w']
  )
})

test('.multidrive that leads elsewhere', async (t) => {
  const base = await temporary(t)
  const root = path.join(base, 'root')
  const other = await openSource(path.join(base, 'other'))
  await other.commit([{ type: 'bury', record: tombstone('/t') }])
  await fsp.mkdir(root)
  await fsp.symlink('../other/.multidrive', path.join(root, '.multidrive'))
  const source = await openSource(root)
  t.equal((await source.view()).tombstonesBelow('').length, 0, 'is not read')
  await source.stage(Buffer.from('x')).then(
    () => t.fail(),
    (err: unknown) => t.equal((err as NodeJS.ErrnoException).code, 'ENOTDIR', 'nor written to')
  )
  t.deepEqual(await fsp.readdir(path.join(base, 'other/.multidrive/staged')), [])
})

test('stage(data)', async (t) => {
  const root = await temporary(t)
  const source = await openSource(root)
  const folder = path.join(root, '.multidrive/staged')
  async function* chunks(fails = false) {
    yield Buffer.from('one ')
    if (fails) throw new Error('no more')
    yield Buffer.from('two')
  }
  const staged = await source.stage(chunks())
  t.equal(staged.byteLength, 7)
  const empty = await source.stage(new Uint8Array())
  t.equal(empty.byteLength, 0)
  const spare = await source.stage(Buffer.alloc(300_000))
  t.equal(spare.byteLength, 300_000)
  t.equal((await fsp.readdir(folder)).length, 3)
  await source.stage(chunks(true)).then(
    () => t.fail(),
    (err: unknown) => t.equal((err as NodeJS.ErrnoException).message, 'no more')
  )
  await spare.discard()
  await spare.discard()
  t.equal((await fsp.readdir(folder)).length, 2, 'neither the failed nor the discarded one is left')
  const stamp = { mtime: NOW, ctime: NOW, clock: CLOCK, explicit: false }
  await source.commit([
    { type: 'file', key: '/x', executable: false, staged, metadata: null, stamp },
    { type: 'file', key: '/e', executable: false, staged: empty, metadata: null, stamp }
  ])
  await staged.discard()
  t.deepEqual([await text(source, '/x'), await text(source, '/e')], ['one two', ''])
  const gone = await file(source, '/y', '1')
  await fsp.rm(folder, { recursive: true })
  await refuses(t, source, root, [gone], 'ENOENT', 'bytes that were taken away')
})

test('metadata hooks', async (t) => {
  const root = await temporary(t)
  const metadata = new Map<string, unknown>([['/odd', 5n]])
  const source = await openSource(root, { metadata })
  await source.commit([await file(source, '/x', '1', { metadata: { a: 1 } }), await file(source, '/y', '1')])
  t.deepEqual([...metadata.keys()], ['/odd', '/x'])
  t.deepEqual((await find(source, '/x'))!.value.metadata, { a: 1 })
  t.equal((await find(source, '/y'))!.value.metadata, null)
  await fill(root, { '/odd': '1' })
  t.equal((await find(source, '/odd'))!.value.metadata, null, 'what is no JSON')
  const plain = await openSource(root)
  t.equal((await find(plain, '/x'))!.value.metadata, null, 'it lies with the hooks alone')
  await source.commit([await file(source, '/x', '2')])
  t.notOk(metadata.has('/x'))
  await source.commit([await file(source, '/y', '2', { metadata: 'text' })])
  await source.commit([{ type: 'remove', key: '/y' }])
  t.notOk(metadata.has('/y'))

  const hooks = {
    get: () => null,
    put: () => Promise.reject(ioError('EIO')),
    del: () => undefined
  }
  const failing = await openSource(root, { metadata: hooks })
  await failing.commit([await file(failing, '/x', 'new', { metadata: 1 })]).then(
    () => t.fail(),
    (err: unknown) => t.equal((err as NodeJS.ErrnoException).code, 'EIO')
  )
  t.equal(await text(failing, '/x'), '2', 'a hook that fails fails the commit')
  hooks.get = () => {
    throw ioError('EIO')
  }
  await find(failing, '/x').then(
    () => t.fail(),
    (err: unknown) => t.equal((err as NodeJS.ErrnoException).code, 'EIO')
  )
})

test('compaction', async (t) => {
  const root = await temporary(t)
  const log = path.join(root, '.multidrive/log')
  const a = await openSource(root)
  await a.commit([
    await file(a, '/x', '1', { clock: CLOCK, metadata: 'kept' }),
    { type: 'bury', record: tombstone('/kept', true) },
    { type: 'make-directory', record: directory('/dir', 0o711) }
  ])
  const flip: Change[] = [{ type: 'bury', record: tombstone('/t') }]
  for (let i = 0; i < 50; i++) await a.commit(flip)
  await fsp.appendFile(log, 'garbage\n'.repeat(1000))
  const { ino, size } = await fsp.stat(log)
  const b = await openSource(root)
  const after = await fsp.stat(log)
  t.ok(after.ino !== ino && after.size < size / 10, `${size} bytes became ${after.size}`)
  for (const source of [a, b, await openSource(root)]) {
    const view = await source.view()
    t.deepEqual(
      view.tombstonesBelow('').map(({ record }) => record),
      [tombstone('/kept', true), tombstone('/t')]
    )
    t.deepEqual((await view.directoryAt('/dir'))!.record, directory('/dir', 0o711))
    const { value, stamp } = (await view.find('/x'))!
    t.deepEqual([value.metadata, stamp.clock.get('drive')], ['kept', 7])
  }
  await a.commit([{ type: 'unbury', record: tombstone('/t') }])
  t.equal((await b.view()).tombstonesBelow('').length, 1, 'both go on with the new file')

  const line = JSON.stringify({ v: 2, n: '0'.repeat(32), changes: [] }) + '\n'
  await fsp.appendFile(log, line + 'garbage\n'.repeat(1100))
  await openSource(root)
  t.ok((await fsp.readFile(log, 'utf8')).includes(line), 'what a later release wrote is not thrown away')
})

test('a log that grows while it is open is compacted too', async (t) => {
  const root = await temporary(t)
  const source = await openSource(root)
  for (let i = 0; i < 400; i++) await source.commit([{ type: 'bury', record: tombstone('/t', false, i) }])
  t.ok((await fsp.readFile(path.join(root, '.multidrive/log'), 'utf8')).split('\n').length < 400)
  t.equal((await source.view()).tombstonesOver('/t')[0]!.record.mtime, 399)
})

test('exclusively(work) waits for others who have the folder, and shows work what they left', async (t) => {
  const root = await temporary(t)
  const [a, b] = [await openSource(root), await openSource(root)]
  await a.commit([await file(a, '/x', '1')])
  let enter!: () => void
  let goOn!: () => void
  const entered = new Promise<void>((resolve) => (enter = resolve))
  const going = new Promise<void>((resolve) => (goOn = resolve))
  const steps: string[] = []
  const first = a.exclusively(async (commit) => {
    enter()
    await going
    await commit([await file(a, '/x', '2', { clock: CLOCK })])
    t.ok((await (await a.view()).find('/x'))!.stamp.clock.size, 'it sees itself what it has committed')
    steps.push('first')
  })
  await entered
  const second = b.exclusively(async () => {
    steps.push('second')
    const found = (await (await b.view()).find('/x'))!
    return [String(await found.readAll()), found.stamp.clock.size]
  })
  // Nobody who only opens the folder waits for it.
  await fsp.appendFile(
    path.join(root, '.multidrive/log'),
    JSON.stringify({ v: 1, n: 'f'.repeat(32), changes: [] }) + '\n'
  )
  await openSource(root)
  goOn()
  await first
  t.same(await second, ['2', CLOCK.size])
  t.same(steps, ['first', 'second'])
})

test('exclusively(work) that fails, or commits nothing, gives the folder back', async (t) => {
  const root = await temporary(t)
  const source = await openSource(root)
  t.equal(await source.exclusively(() => Promise.resolve(1)), 1)
  t.same(await fsp.readdir(root), [], 'where nobody has written, nothing is left')
  const staged = await file(source, '/x', '1')
  const failed = new Error('no')
  t.equal(await source.exclusively(() => Promise.reject(failed)).catch((err: unknown) => err), failed)
  t.equal(await source.exclusively(() => Promise.resolve(2)), 2)
  await source.exclusively((commit) => commit([staged]))
  t.ok(await find(source, '/x'))
})
