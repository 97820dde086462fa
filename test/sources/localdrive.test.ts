import { spawn } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import fsp from 'node:fs/promises'
import path from 'node:path'
import fc from 'fast-check'
import Localdrive from 'localdrive'
import test from 'tape'
import { compareKeys, folderRange, inRange, isKey } from '../../lib/path.ts'
import { LocaldriveSource } from '../../lib/sources/localdrive/source.ts'
import {
  fill,
  find,
  intercept,
  ioError,
  keys,
  listener,
  openSource,
  scan,
  temporary,
  text
} from './localdrive-helpers.ts'

async function rejects(t: test.Test, work: Promise<unknown>, code: string, message: string) {
  try {
    await work
    t.fail(`${message}: resolved`)
  } catch (err) {
    t.equal((err as NodeJS.ErrnoException).code, code, message)
  }
}

test('LocaldriveSource(drive) before its root exists', async (t) => {
  const root = path.join(await temporary(t), 'a', 'b')
  const source = await openSource(root)
  t.equal(source.identity, 'local:' + root)
  t.equal(source.name, root)
  t.deepEqual([source.versioned, source.writable, source.unsynced], [false, true, false])
  t.equal(source.writer(), source)
  t.equal(await source.update(), false)
  t.deepEqual(await keys(source), [])
  t.equal(await find(source, '/x'), null)
  const view = await source.view()
  t.equal(view.head, null)
  t.equal(view.leaf, source)
  t.deepEqual(view.leaves(), [view])
  t.notOk(fs.existsSync(root), 'reading makes nothing')
})

test('identity is the real path of the root', async (t) => {
  const root = await temporary(t)
  await fsp.mkdir(path.join(root, 'real'))
  await fsp.symlink('real', path.join(root, 'alias'))
  const a = await openSource(path.join(root, 'alias'))
  t.equal(a.identity, 'local:' + path.join(root, 'real'))
  t.equal(a.name, path.join(root, 'alias'))
  t.equal((await openSource(path.join(root, 'alias/new'))).identity, 'local:' + path.join(root, 'real/new'))
})

test('find(key) gives files as they are on the disk', async (t) => {
  const root = await temporary(t)
  await fill(root, { '/a/x': 'hello', '/big': 'x'.repeat(65537), '/empty': '' })
  await fsp.chmod(path.join(root, 'a/x'), 0o755)
  await fsp.utimes(path.join(root, 'a/x'), 1234567890.123, 1234567890.123)
  const source = await openSource(root)
  const found = (await find(source, '/a/x'))!
  t.deepEqual(found.value, {
    executable: true,
    linkname: null,
    blob: { byteOffset: 0, blockOffset: 0, blockLength: 1, byteLength: 5 },
    metadata: null
  })
  t.deepEqual(found.origin, { id: source.identity, seq: 1 })
  t.equal(found.leaf, source)
  t.equal(found.stamp.mtime, 1234567890123)
  t.deepEqual(
    { ...found.stamp, clock: found.stamp.clock.size },
    {
      mtime: 1234567890123,
      ctime: null,
      clock: 0,
      stamped: false,
      mode: 0o755,
      size: null
    }
  )
  t.equal((await find(source, '/big'))!.value.blob!.blockLength, 2)
  t.equal((await find(source, '/empty'))!.value.blob!.blockLength, 0)
  t.equal(await find(source, '/a'), null, 'a folder is no candidate')
  t.equal(await find(source, '/a/x/y'), null, 'below a file')
  t.equal(await find(source, '/' + 'n'.repeat(300)), null, 'a name that is too long')
  t.equal(await find(source, '/none/x'), null)
})

test('keys that are no keys, the hidden folder and special files are left out', async (t) => {
  const root = await temporary(t)
  await fill(root, {
    '/a\\b': '1',
    '/c\\d/x': '1',
    '/.multidrive/x': '1',
    '/sub/.multidrive/x': '1',
    '/ok': '1'
  })
  await once(spawn('mkfifo', [path.join(root, 'pipe')]), 'exit')
  fs.writeFileSync(Buffer.concat([Buffer.from(root + '/bad'), Buffer.from([0xff])]), '1')
  const source = await openSource(root)
  t.deepEqual(await keys(source), ['/ok', '/sub/.multidrive/x'])
  for (const key of ['/.multidrive', '/.multidrive/x', '/pipe', '/a\\b', '/../ok', '/sub/../ok', 'ok', '/']) {
    t.equal(await find(source, key), null, key)
  }
  t.deepEqual(await keys(source, folderRange('/.multidrive')), [])
  t.deepEqual(await (await source.view()).directoriesBelow('/.multidrive'), [])
  t.equal(await (await source.view()).directoryAt('/.multidrive'), null)
})

test('links: shown as links, never followed', async (t) => {
  const base = await temporary(t)
  const root = path.join(base, 'data')
  await fill(base, { '/secret/x': 'secret', '/data2/x': 'other', '/data/in/x': 'inside' })
  const links: { [name: string]: string } = {
    out: path.join(base, 'secret'),
    outfile: path.join(base, 'secret/x'),
    sibling: path.join(base, 'data2/x'),
    inside: path.join(root, 'in'),
    insidefile: path.join(root, 'in/x'),
    sneaky: root + '/../secret/x',
    self: root,
    relative: '../secret/x',
    back: 'in\\x'
  }
  for (const [name, target] of Object.entries(links)) await fsp.symlink(target, path.join(root, name))
  const source = await openSource(root)
  const shown = Object.fromEntries((await scan(source)).map(({ key, value }) => [key, value.linkname]))
  t.deepEqual(shown, {
    '/back': 'in/x',
    '/in/x': null,
    '/inside': '/in',
    '/insidefile': '/in/x',
    '/out': links.out,
    '/outfile': links.outfile,
    '/relative': '../secret/x',
    '/self': '/',
    '/sibling': links.sibling,
    '/sneaky': links.sneaky
  })
  t.equal((await find(source, '/outfile'))!.value.blob, null)
  t.equal((await (await find(source, '/outfile'))!.readAll()).length, 0, 'a link has no bytes')
  for (const key of ['/out/x', '/inside/x', '/self/in/x']) t.equal(await find(source, key), null, key)
  t.deepEqual(await keys(source, folderRange('/out')), [])
  t.deepEqual(await keys(source, folderRange('/inside')), [])
  t.equal(await (await source.view()).directoryAt('/inside'), null)
  t.deepEqual(
    (await (await source.view()).directoriesBelow('')).map(({ record }) => record.path),
    ['/in']
  )
})

test('a file or folder that a link replaces leads nowhere', async (t) => {
  const base = await temporary(t)
  const root = path.join(base, 'data')
  await fill(base, { '/secret/x': 'secret', '/data/x': 'file', '/data/dir/x': 'file', '/data/dir/y': 'file' })
  const source = await openSource(root)
  const [inDir, inRoot] = [(await find(source, '/dir/x'))!, (await find(source, '/x'))!]
  const cursor = (await source.view()).scan(folderRange(''))
  await cursor.page(1)
  await fsp.rename(path.join(root, 'dir'), path.join(base, 'moved'))
  await fsp.symlink('../secret', path.join(root, 'dir'))
  await fsp.unlink(path.join(root, 'x'))
  await fsp.symlink('../secret/x', path.join(root, 'x'))
  await rejects(t, inDir.readAll(), 'ENOENT', 'a folder above')
  await rejects(t, inRoot.readAll(), 'ENOENT', 'the file itself')
  t.deepEqual(
    (await cursor.page(10)).map(({ key }) => key),
    ['/x'],
    'a folder that was entered leads nowhere else'
  )
  t.deepEqual(await keys(source), ['/dir', '/x'])
})

test('read(opts)', async (t) => {
  const root = await temporary(t)
  const bytes = Buffer.from(Array.from({ length: 700_000 }, (_, i) => i % 251))
  await fsp.writeFile(path.join(root, 'x'), bytes)
  const source = await openSource(root)
  const candidate = (await find(source, '/x'))!
  const read = async (opts?: object) => {
    const chunks: Uint8Array[] = []
    for await (const chunk of candidate.read(opts)) chunks.push(chunk)
    return Buffer.concat(chunks)
  }
  t.ok((await read()).equals(bytes))
  t.ok((await candidate.readAll()).equals(bytes))
  t.ok((await read({ start: 5, end: 9 })).equals(bytes.subarray(5, 10)), 'end is inclusive')
  t.ok((await read({ start: 5, end: 9, length: 300_000 })).equals(bytes.subarray(5, 300_005)), 'length wins')
  t.equal((await read({ length: 0 })).length, 0)
  t.equal((await read({ start: 9, end: 5 })).length, 0)
  t.equal((await read({ start: 800_000 })).length, 0)
  t.ok((await read({ start: 699_990, length: 100 })).equals(bytes.subarray(699_990)))

  const open = () =>
    fs.readdirSync('/proc/self/fd').flatMap((fd) => {
      try {
        return fs.readlinkSync('/proc/self/fd/' + fd).startsWith(root) ? [fd] : []
      } catch {
        return []
      }
    })
  const iterator = candidate.read()[Symbol.asyncIterator]()
  t.equal(open().length, 0, 'not open before the first pull')
  const first = await iterator.next()
  t.equal(open().length, 1)
  await fsp.unlink(path.join(root, 'x'))
  await fsp.writeFile(path.join(root, 'x'), 'other')
  const second = await iterator.next()
  t.ok(
    Buffer.concat([first.value, second.value]).equals(bytes.subarray(0, 524_288)),
    'stays on what it opened'
  )
  await iterator.return!()
  t.equal(open().length, 0, 'closed when the consumer stops')
  await fsp.unlink(path.join(root, 'x'))
  await rejects(t, read(), 'ENOENT', 'vanished')
  await rejects(t, candidate.readAll(), 'ENOENT', 'vanished')
  await fsp.mkdir(path.join(root, 'x'))
  await rejects(t, read(), 'ENOENT', 'now a folder')
})

const name = fc
  .oneof(
    fc.constantFrom(
      'a',
      'a-b',
      'a.b',
      'a0',
      'a!',
      'a b',
      'aa',
      'b',
      '～',
      '😀',
      '\ue000',
      '\ud7ff',
      'é',
      'é',
      '~'
    ),
    fc.string({ unit: 'grapheme', minLength: 1, maxLength: 4 })
  )
  .filter(
    (part) =>
      isKey('/' + part) && part.isWellFormed() && Buffer.byteLength(part) < 200 && part !== '.multidrive'
  )
const key = fc.array(name, { minLength: 1, maxLength: 4 }).map((parts) => '/' + parts.join('/'))

async function tree(root: string, wanted: string[]): Promise<string[]> {
  const made: string[] = []
  for (const k of wanted) {
    try {
      await fill(root, { [k]: k })
      made.push(k)
    } catch {
      // A file where a folder is, or the other way round.
    }
  }
  return [...new Set(made)].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
}

test('scan(range) gives what a sort by bytes gives', async (t) => {
  const bound = fc.oneof(
    key,
    key.map((k) => k + '/'),
    key.map((k) => k + '0'),
    fc.constantFrom('/', '0', '')
  )
  const range = fc.record({ gt: bound, gte: bound, lt: bound, lte: bound }, { requiredKeys: [] })
  await fc.assert(
    fc.asyncProperty(
      fc.array(key, { maxLength: 40 }),
      fc.array(range, { maxLength: 8 }),
      async (wanted, ranges) => {
        const root = await fsp.mkdtemp('/tmp/multidrive-scan-')
        try {
          const all = await tree(root, wanted)
          const source = await openSource(root)
          for (const r of [
            folderRange(''),
            ...all.slice(0, 3).map((k) => folderRange(path.dirname(k))),
            ...ranges
          ]) {
            const expected = all.filter((k) => inRange(k, r))
            assertEqual(await keys(source, r), expected)
            assertEqual(await keys(source, r, { reverse: true, limit: 40 }), expected.reverse())
          }
        } finally {
          await fsp.rm(root, { recursive: true })
        }
      }
    ),
    { numRuns: 60, seed: 7 }
  )
  t.pass('forwards and in reverse')
})

test('cursor.seek(key) goes on at the first key that is not before', async (t) => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(key, { maxLength: 40 }),
      fc.array(key, { maxLength: 6 }),
      async (wanted, seeks) => {
        const root = await fsp.mkdtemp('/tmp/multidrive-seek-')
        try {
          const all = await tree(root, wanted)
          const cursor = (await (await openSource(root)).view()).scan(folderRange(''))
          let rest = all
          for (const to of [...seeks, ...all.slice(2, 4)]) {
            cursor.seek(to)
            rest = rest.filter((k) => compareKeys(k, to) >= 0)
            assertEqual(
              (await cursor.page(2)).map((c) => c.key),
              rest.slice(0, 2)
            )
            rest = rest.slice(2)
          }
          assertEqual(
            (await cursor.page(1000)).map((c) => c.key),
            rest
          )
        } finally {
          await fsp.rm(root, { recursive: true })
        }
      }
    ),
    { numRuns: 60, seed: 7 }
  )
  t.pass('forwards only')
})

function assertEqual(actual: string[], expected: string[]) {
  if (JSON.stringify(actual) !== JSON.stringify(expected)) {
    throw new Error(`${JSON.stringify(actual)} is not ${JSON.stringify(expected)}`)
  }
}

test('scan reads only the folders that it needs', async (t) => {
  const root = await temporary(t)
  for (const folder of ['a', 'b', 'c', 'd'])
    await fill(root, { [`/${folder}/x`]: '1', [`/${folder}/sub/x`]: '1' })
  const source = await openSource(root)
  const read: string[] = []
  const restore = intercept(['readdir'], (_, [folder]) => read.push(String(folder).slice(root.length)))
  t.teardown(restore)
  t.deepEqual(await keys(source, folderRange('/b')), ['/b/sub/x', '/b/x'])
  t.deepEqual(read.splice(0), ['/b', '/b/sub'], 'a range in one folder starts there')
  const cursor = (await source.view()).scan(folderRange(''))
  await cursor.page(1)
  t.deepEqual(read.splice(0), ['', '/a', '/a/sub'], 'the first entry comes before the rest is read')
  cursor.seek('/d0')
  t.deepEqual(await cursor.page(9), [])
  t.deepEqual(read.splice(0), [], 'seek skips folders without reading them')
  t.deepEqual(await keys(source, { gte: '/b/x', lt: '/c/sub/y' }), ['/b/x', '/c/sub/x'])
  t.deepEqual(read.splice(0), ['', '/b', '/c', '/c/sub'])
  await cursor.close()
  t.deepEqual(await cursor.page(9), [], 'closed')
})

test('what vanishes while it is listed is absent', async (t) => {
  const root = await temporary(t)
  await fill(root, { '/a': '1', '/b': '1', '/c/x': '1', '/d': '1' })
  const cursor = (await (await openSource(root)).view()).scan(folderRange(''))
  t.deepEqual(
    (await cursor.page(1)).map((c) => c.key),
    ['/a']
  )
  await fsp.rm(path.join(root, 'b'))
  await fsp.rm(path.join(root, 'c'), { recursive: true })
  t.deepEqual(
    (await cursor.page(1)).map((c) => c.key),
    ['/d'],
    'a page is not short because of it'
  )
})

test('errors of the file system are errors (injected)', async (t) => {
  const root = await temporary(t)
  await fill(root, { '/a/x': '1' })
  const source = await openSource(root)
  for (const [call, work] of [
    ['lstat', () => find(source, '/a/x')],
    ['realpath', () => find(source, '/a/x')],
    ['readdir', () => keys(source)],
    ['lstat', () => keys(source)]
  ] as const) {
    const restore = intercept([call], () => {
      throw ioError('EIO')
    })
    await rejects(t, work(), 'EIO', call)
    restore()
  }
})

test('errors of the file system are errors (a folder without permission, as another user)', async (t) => {
  if (process.platform === 'win32') {
    t.skip('no permissions of this kind')
    return
  }
  const root = await temporary(t)
  await fill(root, { '/closed/x': '1', '/open': '1' })
  await fsp.chmod(root, 0o755)
  await fsp.chmod(path.join(root, 'closed'), 0o000)
  // Root may read everything, so a child gives up being root once its code is loaded.
  const script = `
    const { openSource, find, keys } = await import('./test/sources/localdrive-helpers.ts')
    if (process.getuid() === 0) { process.setgid(65534); process.setuid(65534) }
    const source = await openSource(process.argv[1])
    const said = []
    for (const work of [() => find(source, '/closed/x'), () => keys(source), () => find(source, '/open').then((c) => c.key)]) {
      said.push(await work().catch((err) => err.code))
    }
    console.log(JSON.stringify(said))`
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script, root], {
    cwd: path.join(import.meta.dirname, '../..'),
    stdio: ['ignore', 'pipe', 'inherit']
  })
  let out = ''
  child.stdout.on('data', (data) => (out += String(data)))
  await once(child, 'close')
  await fsp.chmod(path.join(root, 'closed'), 0o755)
  t.deepEqual(JSON.parse(out), ['EACCES', 'EACCES', '/open'])
})

test('open(events) on a root that is a file', async (t) => {
  const root = await temporary(t)
  await fill(root, { '/file': '1' })
  const source = new LocaldriveSource(new Localdrive(path.join(root, 'file')))
  const failed: any = await source.open(listener().events).catch((err: unknown) => err)
  t.match(failed.message, /its root is no folder/)
  // A path through a file inside is no failure, but nothing.
  const whole = await openSource(root)
  t.equal(await find(whole, '/file/x'), null)
  t.equal(await find(whole, '/file/x/y'), null)
})

test('directories are the real folders', async (t) => {
  const root = await temporary(t)
  await fill(root, { '/a/b/x': '1', '/a-b/x': '1', '/a/c/x': '1', '/a0/x': '1', '/bad\\name/sub/x': '1' })
  await fsp.mkdir(path.join(root, 'empty'))
  await fsp.utimes(path.join(root, 'a'), 1000, 1000)
  const source = await openSource(root)
  const view = await source.view()
  const paths = (await view.directoriesBelow('')).map(({ record }) => record.path)
  t.deepEqual(paths, ['/a', '/a-b', '/a/b', '/a/c', '/a0', '/empty'])
  t.deepEqual(
    (await view.directoriesBelow('/a')).map(({ record }) => record.path),
    ['/a/b', '/a/c']
  )
  const directory = (await view.directoryAt('/a'))!
  t.deepEqual(
    { ...directory.record, clock: 0 },
    {
      path: '/a',
      mtime: 1_000_000,
      ctime: null,
      clock: 0,
      mode: fs.statSync(path.join(root, 'a')).mode & 0o777,
      metadata: null
    }
  )
  t.deepEqual(directory.origin, { id: source.identity, seq: 1 }, 'after any tombstone, as a file')
  t.equal(directory.stamp.mtime, 1_000_000)
  t.equal(await view.directoryAt('/none'), null)
  t.equal(await view.directoryAt('/a/b/x'), null)
  t.equal(await text(source, '/a/b/x'), '1')
})
