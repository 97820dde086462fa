/** ls, tree, cat, stat and find, over folders of the disk. */
import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'tape'
import { cli, lines, slowSink, values } from '../helpers/cli.ts'
import { folderOf } from '../helpers/disk.ts'

const ISO = '2026-01-02T03:04:00.000Z'

process.env.TZ = 'UTC'

test('ls shows size, date, drive and name of what is in a folder', async (t) => {
  const ann = await folderOf(t, { 'a.txt': 'text', 'notes/old.md': '1' })
  const ben = await folderOf(t, { 'b.txt': 'x'.repeat(1500), 'notes/new.md': '2' })
  await symlink('a.txt', join(ann, 'link'))
  const shown = await lines(t, 'ls', '-d', ann, '-d', ben)
  const width = Math.max(ann.length, ben.length)
  t.is(shown[0], `      4 B  2026-01-02 03:04  ${ann.padEnd(width)}  a.txt`)
  t.is(shown[1], `   1.5 kB  2026-01-02 03:04  ${ben.padEnd(width)}  b.txt`)
  t.ok(shown[2]!.endsWith('  link -> a.txt'))
  t.ok(/^ {8}- .* notes\/$/.test(shown[3]!))
  t.same(await lines(t, 'ls', '-1', '-d', ann, '/notes'), ['old.md'])
  t.same(await lines(t, 'ls', '-1', '-d', ann, '-d', ben, 'drive:/notes/'), ['new.md', 'old.md'])
})

test('ls --json gives one value a line', async (t) => {
  const ann = await folderOf(t, { 'a.txt': 'text', 'notes/old.md': '1' })
  const [file, notes, ...rest] = await values(t, 'ls', '-d', ann)
  t.same(file, { path: '/a.txt', type: 'file', size: 4, mtime: ISO, drive: ann })
  t.same([notes.path, notes.type, notes.size], ['/notes', 'folder', null])
  t.same(rest, [])
  t.same(await values(t, 'ls', '-d', ann, 'a.txt'), [file], 'of a file: itself')
})

test('tree shows every file with its drive, and counts them', async (t) => {
  const ann = await folderOf(t, { 'a.txt': 'text', 'deep/er/c.txt': '123' })
  const ben = await folderOf(t, { 'deep/b.txt': '12' })
  const shown = await lines(t, 'tree', '-d', ann, '-d', ben)
  t.same(
    shown.slice(0, -1).map((line) => line.replace(/ {2,}(\S)/g, ' | $1').replace(/^ \| /, '')),
    [
      `a.txt | 4 B | 2026-01-02 03:04 | ${ann}`,
      'deep/',
      `b.txt | 2 B | 2026-01-02 03:04 | ${ben}`,
      'er/',
      `c.txt | 3 B | 2026-01-02 03:04 | ${ann}`
    ]
  )
  t.is(shown.at(-1), `3 files, 9 B: 2 of ${ann}, 1 of ${ben}`)
  const below = await values(t, 'tree', '-d', ann, '-d', ben, '/deep')
  t.same(
    below.map(({ path, drive }) => [path, drive]),
    [
      ['/deep/b.txt', ben],
      ['/deep/er/c.txt', ann]
    ]
  )
})

test('cat writes bytes as they are', async (t) => {
  const ann = await folderOf(t, { 'a.txt': 'one\n', 'b.txt': 'two' })
  t.is((await cli(['cat', '-d', ann, '/a.txt', 'b.txt'])).out, 'one\ntwo')
  t.same(await values(t, 'cat', '-d', ann, '/a.txt'), [
    { path: '/a.txt', offset: 0, base64: Buffer.from('one\n').toString('base64') }
  ])
})

test('cat waits for whoever reads', async (t) => {
  const ann = await folderOf(t, {})
  await writeFile(join(ann, 'big'), Buffer.alloc(20 << 20))
  const stdout = slowSink()
  t.is((await cli(['cat', '-d', ann, '/big'], { stdout })).code, 0)
  t.is(stdout.taken, 20 << 20)
  t.ok(stdout.waiting <= 1 << 20, `${stdout.waiting} bytes waited`)
})

test('stat tells of files, folders and links', async (t) => {
  const ann = await folderOf(t, { 'a.txt': 'text' })
  const ben = await folderOf(t, { 'notes/b.txt': '1' })
  await symlink('a.txt', join(ann, 'link'))
  const [file, notes, link] = await values(t, 'stat', '-d', ann, '-d', ben, '/a.txt', '/notes', '/link')
  t.same(file, {
    path: '/a.txt',
    type: 'file',
    size: 4,
    mtime: ISO,
    drive: ann,
    mode: '644',
    seq: null,
    metadata: {},
    mount: null
  })
  t.same([notes.type, notes.drive], ['folder', ben])
  t.same([link.type, link.link, link.size], ['link', 'a.txt', null])
  const shown = await lines(t, 'stat', '-d', ann, '/a.txt')
  t.same(shown.slice(0, 4), [
    'path   /a.txt',
    'type   file',
    'size   4 B (4 bytes)',
    `date   2026-01-02 03:04 (${ISO})`
  ])
})

test('find takes globs of names and of paths', async (t) => {
  const ann = await folderOf(t, { 'a.md': '', 'x/b.md': '', 'x/y/c.md': '', 'x/y/.d.md': '', 'x/E.MD': '' })
  await symlink('a.md', join(ann, 'l.md'))
  const found = async (...args: string[]) => lines(t, 'find', '-d', ann, ...args)
  t.same(await found('*.md'), ['/a.md', '/l.md', '/x/b.md', '/x/y/.d.md', '/x/y/c.md'])
  t.same(await found('x/*.md'), ['/x/b.md'])
  t.same(await found('/*.md'), ['/a.md', '/l.md'])
  t.same(await found('**/*.md', '/x/y'), ['/x/y/.d.md', '/x/y/c.md'])
  t.same(await found('y/*', 'x'), ['/x/y/.d.md', '/x/y/c.md'])
  t.same(await found('{b,c}.md'), ['/x/b.md', '/x/y/c.md'])
  t.same(await found('-i', 'e.*'), ['/x/E.MD'])
  t.same(await found('-t', 'link', '*'), ['/l.md'])
  t.same(await found('nothing'), [])
  const [long] = await found('-l', 'a.md')
  t.is(long, `      0 B  2026-01-02 03:04  ${ann}  /a.md`)
})

test('names that a terminal would obey are shown with escapes, and as they are in JSON', async (t) => {
  const ann = await folderOf(t, {})
  const name = 'red\u001b[31m\u0007\u202e\u009b.txt'
  await writeFile(join(ann, name), '')
  await mkdir(join(ann, 'tab\t'))
  await writeFile(join(ann, 'tab\t', 'new\nline'), '')
  await symlink('\u001b]0;title\u0007', join(ann, 'link'))
  const safe = 'red\\u001b[31m\\u0007\\u202e\\u009b.txt'
  t.same(await lines(t, 'ls', '-1', '-d', ann), ['link', safe, 'tab\\t'])
  t.same(await lines(t, 'find', '-d', ann, 'n*'), ['/tab\\t/new\\nline'])
  for (const command of ['ls', 'tree', 'stat', 'find']) {
    const args = command === 'stat' ? [`/${name}`] : command === 'find' ? ['*'] : []
    const { out } = await cli([command, '-d', ann, ...args])
    t.ok(out.includes(safe), command)
    t.notOk(/[^\P{Cc}\n]|\u202e/u.test(out), `${command}: no control characters`)
  }
  const missing = await cli(['cat', '-d', ann, '/\u001b[31m'])
  t.ok(missing.err.includes('\\u001b[31m'))
  t.notOk(missing.err.includes('\u001b'))
  t.same(
    (await values(t, 'ls', '-d', ann)).map(({ path }) => path),
    ['/link', `/${name}`, '/tab\t']
  )
})

test('a drive with :ro behind it, and one that is named twice', async (t) => {
  const ann = await folderOf(t, { 'a.txt': '1' })
  t.same(await lines(t, 'find', '-d', `${ann}:ro`, '-d', ann, '-d', `${ann}/.`, '*'), ['/a.txt'])
  t.is((await cli(['put', '-d', `${ann}:ro`, '-', '/b.txt'])).code, 1)
  const ben = await folderOf(t, {})
  t.is((await cli(['put', '-d', `${ann}:ro`, '-d', ben, '-', '/b.txt'], { input: 'new' })).code, 0)
  t.same(await lines(t, 'find', '-d', ben, '*'), ['/b.txt'], 'it lands in the first that can be written to')
})

test('ls -1 prints names alone', async (t) => {
  const ann = await folderOf(t, { 'a/b': '', c: '' })
  await symlink('a/b', join(ann, 'link'))
  t.same(await lines(t, 'ls', '-1', '-d', ann), ['a', 'c', 'link'])
})
