/** The command between processes: one shares, others read, over a network of this machine. */
import { appendFile, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { decode } from 'hypercore-id-encoding'
import Hyperdrive from 'hyperdrive'
import test, { type Test } from 'tape'
import { Storage } from '../../lib/cli/storage.ts'
import { cli, lines, start, values, type Running } from '../helpers/cli.ts'
import { appear, folderOf, treeOf } from '../helpers/disk.ts'
import { cleanup, folder } from '../helpers/drives.ts'
import { network } from '../helpers/network.ts'

const isPosix = process.platform !== 'win32'

async function bootstrapOf(t: Test): Promise<string[]> {
  const nodes = (await network(t)) as { host: string; port: number }[]
  return nodes.flatMap(({ host, port }) => ['--bootstrap', `${host}:${port}`])
}

/** A process that shares a folder; gives the link that it prints. */
async function share(t: Test, ...args: string[]): Promise<{ running: Running; link: string }> {
  const running = start(t, ['share', ...args])
  const link = (await running.says(/^hd:\/\/\w+\n/)).trim()
  await running.says(/Sharing/, 'err')
  return { running, link }
}

test('share in one process, and ls, cat, tree and get in others', async (t) => {
  const bootstrap = await bootstrapOf(t)
  const ann = await folderOf(t, { 'a.txt': 'from afar', 'ünïcode/名前.txt': 'name', empty: '' })
  const [theirs, ours, out] = [await folder(t), await folder(t), await folder(t)]
  const { running, link } = await share(t, '--watch', ann, '--storage', theirs, ...bootstrap)
  const at = ['-d', link, '--storage', ours, ...bootstrap]

  const listed = await start(t, ['ls', '-1', ...at]).ended
  t.same([listed.code, listed.out, listed.err], [0, 'a.txt\nempty\nünïcode\n', ''])
  t.is((await cli(['cat', ...at, '/a.txt'])).out, 'from afar')
  const local = await folderOf(t, { 'b.txt': 'here' })
  t.same(
    (await values(t, 'tree', '-d', local, ...at)).map(({ path, drive }) => [path, drive]),
    [
      ['/a.txt', link],
      ['/b.txt', local],
      ['/empty', link],
      ['/ünïcode/名前.txt', link]
    ]
  )
  t.same(
    (await values(t, 'get', ...at, '/', out)).map(({ path, error }) => [path, error]),
    [
      ['/a.txt', null],
      ['/empty', null],
      ['/ünïcode/名前.txt', null]
    ]
  )
  t.same(await treeOf(out), await treeOf(ann))

  // What changes there shows here the next time.
  await writeFile(join(ann, 'new.txt'), 'new')
  await rm(join(ann, 'empty'))
  await running.says(/1 added, 0 changed, 1 removed|1 removed[^]*1 added|1 added[^]*1 removed/, 'err')
  t.same(await lines(t, 'find', ...at, '*.txt'), ['/a.txt', '/new.txt', '/ünïcode/名前.txt'])
  t.is((await cli(['put', ...at, '-', '/x'], { input: '' })).code, 1, 'it is not ours to write to')

  // The storage of the one that shares is locked, as far as that drive is concerned.
  const locked = await cli(['ls', '-d', link, '--storage', theirs, ...bootstrap])
  t.is(locked.code, 1)
  t.ok(
    /^multidrive ls: STORAGE_LOCKED: .* is open in another process \(stop that one.*\)\n$/.test(locked.err)
  )
  const again = await cli(['share', ann, '--storage', theirs, ...bootstrap])
  t.is(again.code, 1)
  t.ok(again.err.includes('STORAGE_LOCKED'), again.err)
  const other = await folderOf(t, { c: '' })
  const second = await share(t, other, '--storage', theirs, ...bootstrap)
  t.same(await lines(t, 'find', '-d', second.link, ...at, '*'), [
    '/a.txt',
    '/c',
    '/new.txt',
    '/ünïcode/名前.txt'
  ])

  running.child.kill('SIGINT')
  t.is((await running.ended).code, isPosix ? 130 : -1)
  // It is gone; what was here stays.
  const away = await cli(['cat', ...at, '--timeout', '20', '/a.txt'])
  t.same([away.code, away.out], [0, 'from afar'])
  t.ok(away.err.startsWith('No peer of hd://'), away.err)
  const marked = await cli(['ls', '--json', ...at, '--timeout', '20'])
  t.is(marked.code, 0)
  const note = JSON.parse(marked.err)
  t.same([note.drive, note.note.startsWith('No peer of hd://')], [link, true], 'also with --json')
  const bytes = await cli(['cat', ...at, '--timeout', '1', '/new.txt'])
  t.is(bytes.code, 1)
  t.ok(/REQUEST_TIMEOUT|BLOCK_NOT_AVAILABLE/.test(bytes.err), bytes.err)

  // Shared again it has the same key, and while it is not shared it can be written to where it was.
  const mine = ['-d', link, '--storage', theirs, ...bootstrap]
  t.is((await cli(['put', ...mine, '-', '/by-key.txt'], { input: 'mine' })).code, 0)
  await writeFile(join(ann, 'by-key.txt'), 'mine')
  await appendFile(join(ann, 'a.txt'), '!')
  const next = await share(t, ann, '--storage', theirs, ...bootstrap)
  t.is(next.link, link)
  t.is((await cli(['cat', ...at, '/a.txt', '/by-key.txt'])).out, 'from afar!mine')
})

test('two commands over one drive of others at once', async (t) => {
  const bootstrap = await bootstrapOf(t)
  const ann = await folderOf(t, { a: 'text', 'm/model': 'm'.repeat(300_000) })
  const [theirs, ours, out, tmp] = [await folder(t), await folder(t), await folder(t), await folder(t)]
  const { link } = await share(t, ann, '--storage', theirs, ...bootstrap)
  const at = ['-d', link, '--storage', ours, ...bootstrap]
  const watching = start(t, ['watch', ...at])
  await watching.says(/Watching/, 'err')
  const read = await start(t, ['cat', ...at, '/a'], { TMPDIR: tmp }).ended
  t.same([read.code, read.out], [0, 'text'])
  t.match(read.err, /^hd:\/\/\w{8}… is open elsewhere; what comes now is not kept for the next time\.\n$/)
  const got = await start(t, ['get', '--json', ...at, '/m', out], { TMPDIR: tmp }).ended
  t.is(got.code, 0)
  t.is(JSON.parse(got.err).drive, link)
  t.same(await treeOf(out), { model: 'm'.repeat(300_000) })
  const left = (await readdir(tmp)).filter((name) => name.startsWith('multidrive'))
  t.same(left, [], 'nothing is left of it')
  const removed = await start(t, ['rm', ...at, '/a']).ended
  t.is(removed.code, 1)
  t.match(removed.err, /EROFS/)

  // The storage takes what is read, but no second copy of what is saved.
  watching.child.kill('SIGINT')
  await watching.ended
  t.is((await cli(['cat', ...at, '/a'])).out, 'text')
  t.is((await cli(['get', ...at, '/', join(out, 'all')])).code, 0)
  const { store } = await new Storage(ours).open(decode(link.slice('hd://'.length)))
  const drive = new Hyperdrive(store.session(), link.slice('hd://'.length))
  cleanup(t, () => store.close())
  cleanup(t, () => drive.close())
  await drive.ready()
  t.same([await drive.has('/a'), await drive.has('/m/model')], [true, false])
})

test('watch tells of what comes from afar', async (t) => {
  const bootstrap = await bootstrapOf(t)
  const ann = await folderOf(t, { a: '1' })
  const { link } = await share(t, '--watch', ann, '--storage', await folder(t), ...bootstrap)
  const watching = start(t, [
    'watch',
    '-n',
    '1',
    '--json',
    '-d',
    link,
    '--storage',
    await folder(t),
    ...bootstrap
  ])
  const shown = start(t, ['watch', '-n', '1', '-d', link, '--storage', await folder(t), ...bootstrap])
  await shown.says(/Watching/, 'err')
  await appear(t, join(ann, 'b'), '22')
  t.ok(/^\+ {7}2 B {2}.*\/b\n$/.test((await shown.ended).out))
  // The other one may have begun after that.
  const timer = setInterval(() => void writeFile(join(ann, 'b'), String(Math.random())), 500)
  const { code, out } = await watching.ended
  clearInterval(timer)
  t.is(code, 0)
  t.is(JSON.parse(out).path, '/b')
})

test('get, cp and sync of hundreds of small files', async (t) => {
  const bootstrap = await bootstrapOf(t)
  const files = Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`d${i % 5}/f${i}`, `text ${i}`]))
  const ann = await folderOf(t, files)
  const { link } = await share(t, ann, '--storage', await folder(t), ...bootstrap)
  for (const argv of [
    ['get', '/'],
    ['cp', '-r', 'drive:/'],
    ['sync', 'drive:/']
  ]) {
    const [storage, out] = [await folder(t), await folder(t)]
    const { code, err } = await cli([...argv, out, '-d', link, '--storage', storage, ...bootstrap])
    t.same([code, err], [0, ''], argv[0])
    t.same(await treeOf(out), files)
  }
  const found = await values(t, 'find', '-d', ann, 'f1?')
  t.same(
    found.map(({ path }) => path).sort(),
    Array.from({ length: 10 }, (_, i) => `/d${i % 5}/f${10 + i}`).sort()
  )
})

test('share --json', async (t) => {
  const bootstrap = await bootstrapOf(t)
  const ann = await folderOf(t, { a: '1' })
  const running = start(t, ['share', '--json', '--watch', ann, '--storage', await folder(t), ...bootstrap])
  const told = JSON.parse(await running.says(/^.*\n/))
  t.same([told.op, told.folder, told.files], ['share', ann, 1])
  t.match(told.drive, /^hd:\/\/\w{52}$/)
  await appear(t, join(ann, 'b'), '2')
  const change = JSON.parse((await running.says(/\n(.*)\n$/)).trim().split('\n').at(-1)!)
  t.same(change, { op: 'change', drive: told.drive, files: 2, added: 1, changed: 0, removed: 0 })
})
