/** put, rm, mv, cp and sync, over folders of the disk. */
import {
  chmod,
  lstat,
  mkdir,
  readFile,
  readdir,
  rm,
  stat,
  symlink,
  utimes,
  writeFile
} from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import Localdrive from 'localdrive'
import test, { type Test } from 'tape'
import { fileOf } from '../../lib/share/entry-file.ts'
import { saveFile } from '../../lib/share/save.ts'
import { cli, lines, values } from '../helpers/cli.ts'
import { failureOf, folder, multidrive } from '../helpers/drives.ts'
import { DATE, folderOf, treeOf } from '../helpers/disk.ts'

test('put writes a file, or the input', async (t) => {
  const files = await folderOf(t, { 'todo.txt': 'milk', 'run.sh': 'echo' })
  await chmod(join(files, 'run.sh'), 0o755)
  const ann = await folderOf(t, { 'notes/old.txt': '' })
  t.same(await lines(t, 'put', '-d', ann, join(files, 'todo.txt')), ['/todo.txt  4 B'])
  await lines(t, 'put', '-d', ann, join(files, 'todo.txt'), '/notes')
  await lines(t, 'put', '-d', ann, join(files, 'todo.txt'), '/new/')
  await lines(t, 'put', '-d', ann, join(files, 'run.sh'), 'drive:/bin/run')
  t.is((await cli(['put', '-d', ann, '-', '/input.txt'], { input: 'typed' })).out, '/input.txt  5 B\n')
  t.same(await treeOf(ann), {
    'bin/run': 'echo',
    'input.txt': 'typed',
    'new/todo.txt': 'milk',
    'notes/old.txt': '',
    'notes/todo.txt': 'milk',
    'todo.txt': 'milk'
  })
  t.ok((await stat(join(ann, 'bin/run'))).mode & 0o100)
  const [value] = await values(t, 'put', '-d', ann, join(files, 'todo.txt'))
  t.same([value.op, value.path, value.size, value.drive], ['put', '/todo.txt', 4, ann])
})

test('put takes an input of any size, part by part, and lands nothing of one that fails', async (t) => {
  const ann = await folder(t)
  const part = Buffer.alloc(1 << 20, 'x')
  const big = Readable.from(Array.from({ length: 30 }, () => part))
  t.is((await cli(['put', '-d', ann, '-', '/big'], { input: big })).code, 0)
  t.is((await stat(join(ann, 'big'))).size, 30 << 20)

  const failing = Readable.from(
    (async function* () {
      yield part
      throw Object.assign(new Error('EIO: the input broke'), { code: 'EIO' })
    })()
  )
  const { code, err } = await cli(['put', '-d', ann, '-', '/half'], { input: failing })
  t.is(code, 1)
  t.is(err, 'multidrive put: EIO: the input broke\n')
  t.notOk('half' in (await treeOf(ann)))
})

test('rm removes files, and with -r folders', async (t) => {
  const ann = await folderOf(t, { a: '', 'b/c': '', 'b/d': '', e: '' })
  const ben = await folderOf(t, { a: 'his', 'b/f': '' })
  t.same(await lines(t, 'rm', '-d', ann, '-d', ben, '/a', '/e'), ['/a', '/e'])
  const failed = await cli(['rm', '-d', ann, '-d', ben, '/b'])
  t.is(failed.code, 1)
  t.ok(/EISDIR.*add -r/.test(failed.err), failed.err)
  t.same(await values(t, 'rm', '-r', '-d', ann, '-d', ben, '/b'), [{ op: 'remove', path: '/b' }])
  t.same(await lines(t, 'find', '-d', ann, '-d', ben, '*'), [])
  t.same(await treeOf(ben), { a: 'his', 'b/f': '' }, 'those of others stay')
  t.is((await cli(['rm', '-d', ann, '/a'])).code, 1)
  t.same(await lines(t, 'rm', '-f', '-d', ann, '/a'), [], 'nothing was removed')
})

test('mv renames files and folders, and moves into folders', async (t) => {
  const ann = await folderOf(t, { a: '1', 'b/c': '2' })
  t.same(await lines(t, 'mv', '-d', ann, '/a', '/d'), ['/a -> /d'])
  t.same(await lines(t, 'mv', '-d', ann, '/d', '/b'), ['/d -> /b/d'])
  t.same(await values(t, 'mv', '-d', ann, 'b', 'e'), [{ op: 'move', path: '/b', to: '/e' }])
  t.same(await treeOf(ann), { 'e/c': '2', 'e/d': '1' })
  await lines(t, 'mv', '-d', ann, '/e/c', '/new/folder/')
  t.same(await treeOf(ann), { 'e/d': '1', 'new/folder/c': '2' }, 'into a folder that is not there yet')
})

test('cp copies in, out and within', async (t) => {
  const ann = await folderOf(t, { 'in/a': '1', 'in/b/c': '22' })
  const out = await folder(t)
  const disk = await folderOf(t, { 'x/y': 'xy', 'x/z/w': 'w', f: 'file' })
  await symlink('../y', join(disk, 'x', 'z', 'link'))

  t.same(await lines(t, 'cp', '-d', ann, join(disk, 'f'), 'drive:/'), [`${join(disk, 'f')} -> /f  4 B`])
  await lines(t, 'cp', '-d', ann, '-r', join(disk, 'x'), 'drive:/in')
  t.same(await treeOf(ann), {
    f: 'file',
    'in/a': '1',
    'in/b/c': '22',
    'in/x/y': 'xy',
    'in/x/z/link': '-> ../y',
    'in/x/z/w': 'w'
  })

  t.same(await lines(t, 'cp', '-d', ann, 'drive:/in/a', join(out, 'renamed')), [
    `/in/a -> ${join(out, 'renamed')}  1 B`
  ])
  await lines(t, 'cp', '-d', ann, '-p', 'drive:/in/a', out)
  await lines(t, 'cp', '-d', ann, '-r', 'drive:/in/x', join(out, 'new'))
  await lines(t, 'cp', '-d', ann, 'drive:/in/x/z/link', out)
  t.same(await treeOf(out), {
    a: '1',
    link: 'xy',
    'new/y': 'xy',
    'new/z/link': '-> ../y',
    'new/z/w': 'w',
    renamed: '1'
  })
  t.is((await stat(join(out, 'a'))).mtimeMs, DATE * 1000, '-p keeps the date')
  t.not((await stat(join(out, 'renamed'))).mtimeMs, DATE * 1000)

  t.same(await values(t, 'cp', '-d', ann, 'drive:/in/a', 'drive:/in/x/'), [
    { op: 'copy', path: '/in/a', to: '/in/x/a' }
  ])
  t.is(await readFile(join(ann, 'in/x/a'), 'utf8'), '1')
  for (const [from, to] of [
    [join(disk, 'x'), 'drive:/'],
    ['drive:/in', out]
  ]) {
    const failed = await cli(['cp', '-d', ann, from!, to!])
    t.is(failed.code, 1)
    t.ok(failed.err.includes('add -r'), failed.err)
  }
})

test('what is copied out leads nowhere outside', async (t) => {
  const outside = await folderOf(t, { secret: 'secret' })
  const ann = await folderOf(t, { 'docs/a': 'a', 'docs/sub/b': 'b', top: 'top' })
  // To a file of the drives that is not copied, to one that is, out of the drives, and to nothing.
  await symlink('../top', join(ann, 'docs', 'up'))
  await symlink('/docs/a', join(ann, 'docs', 'sub', 'absolute'))
  const out = await folder(t)
  await lines(t, 'cp', '-d', ann, '-r', 'drive:/docs', out)
  t.same(await treeOf(out), {
    'docs/a': 'a',
    'docs/sub/absolute': '-> ../a',
    'docs/sub/b': 'b',
    'docs/up': 'top'
  })

  await symlink(join(outside, 'secret'), join(ann, 'docs', 'evil'))
  const failed = await cli(['cp', '-d', ann, '-r', 'drive:/docs', join(out, 'again')])
  t.is(failed.code, 1)
  t.ok(failed.err.includes('/docs/evil'), failed.err)

  const into = await folder(t)
  await symlink(outside, join(into, 'sub'))
  await rm(join(ann, 'docs', 'evil'))
  const stopped = await cli(['cp', '-d', ann, '-r', 'drive:/docs', `${into}/../${into.split('/').at(-1)!}`])
  t.is(stopped.code, 0, 'docs/ is made in it')
  const sync = await cli(['sync', '-d', ann, 'drive:/docs', into])
  t.is(sync.code, 1)
  t.ok(sync.err.includes('ENOTDIR'), sync.err)
  t.same(await treeOf(outside), { secret: 'secret' }, 'a link on the disk is not followed')
})

test('sync to the disk, and back', async (t) => {
  const ann = await folderOf(t, { 'docs/a': '1', 'docs/b/c': '22', 'docs/same': 's', other: '' })
  await symlink('b/c', join(ann, 'docs', 'link'))
  const copy = join(await folder(t), 'new', 'copy')
  const plan = await cli(['sync', '-n', '-d', ann, 'drive:/docs', copy])
  t.is(plan.code, 0)
  t.ok(plan.out.endsWith('4 files added, 0 changed, 0 removed, 4 B (nothing was done)\n'), plan.out)
  await stat(copy).then(
    () => t.fail('nothing is there'),
    (err: unknown) => t.is((err as { code?: string }).code, 'ENOENT')
  )

  const first = await values(t, 'sync', '-d', ann, 'drive:/docs', copy)
  t.same(first.map(({ op, path, size }) => [op, path, size]).sort(), [
    ['add', 'a', 1],
    ['add', 'b/c', 2],
    ['add', 'link', 0],
    ['add', 'same', 1]
  ])
  t.same(await treeOf(copy), { a: '1', 'b/c': '22', link: '-> b/c', same: 's' })
  t.is((await lstat(join(copy, 'a'))).mtimeMs, DATE * 1000)
  t.same(await values(t, 'sync', '-d', ann, 'drive:/docs', copy), [], 'a second time there is nothing to do')

  await writeFile(join(copy, 'a'), '2')
  await writeFile(join(copy, 'new'), 'n')
  await rm(join(copy, 'b'), { recursive: true })
  await utimes(join(copy, 'same'), 5, 5)
  const keeping = await values(t, 'sync', '-d', ann, copy, 'drive:/docs')
  t.same(
    keeping.map(({ op, path }) => [op, path]).sort(),
    [
      ['add', 'new'],
      ['change', 'a']
    ],
    'what has the same bytes is the same; nothing is removed'
  )
  const pruning = await values(t, 'sync', '--delete', '-d', ann, copy, 'drive:/docs')
  t.same(
    pruning.map(({ op, path }) => [op, path]),
    [['remove', 'b/c']]
  )
  t.same(await treeOf(ann), {
    'docs/a': '2',
    'docs/link': '-> b/c',
    'docs/new': 'n',
    'docs/same': 's',
    other: ''
  })
})

test('sync removes on the disk, and finds bytes that differ behind one size and date', async (t) => {
  const ann = await folderOf(t, { a: '1', b: '2' })
  const disk = await folderOf(t, { a: 'x', b: '2', c: '3' })
  t.same(await values(t, 'sync', '-d', ann, 'drive:/', disk), [])
  const found = await values(t, 'sync', '--checksum', '--delete', '-d', ann, 'drive:/', disk)
  t.same(found.map(({ op, path }) => [op, path]).sort(), [
    ['change', 'a'],
    ['remove', 'c']
  ])
  t.same(await treeOf(disk), { a: '1', b: '2' })
})

test('what is synced into drives is shown, also where another drive has a later version', async (t) => {
  const [ann, ben] = [await folderOf(t, {}), await folderOf(t, { a: 'later' }, DATE + 1000)]
  const disk = await folderOf(t, { a: 'early' })
  t.is((await values(t, 'sync', '-d', ann, '-d', ben, disk, 'drive:/')).length, 1)
  t.is((await cli(['cat', '-d', ann, '-d', ben, '/a'])).out, 'early')
  t.same(await values(t, 'sync', '-d', ann, '-d', ben, disk, 'drive:/'), [])
})

test('a folder on the disk that is called drive:', async (t) => {
  const ann = await folder(t)
  const disk = await folder(t)
  await mkdir(join(disk, 'drive:'))
  await writeFile(join(disk, 'drive:', 'a'), '1')
  await lines(t, 'cp', '-d', ann, `${disk}/drive:/a`, 'drive:/b')
  t.same(await treeOf(ann), { b: '1' })
})

/** A folder with a link to a folder in it. */
async function linked(t: Test): Promise<string> {
  const ann = await folderOf(t, { 'cur/v2/f': '1' })
  await symlink('cur/v2', join(ann, 'latest'))
  return ann
}

test('what is named is followed where it is a link to a folder', async (t) => {
  const ann = await linked(t)
  const copy = await folderOf(t, { p: 'x' })
  t.is((await cli(['sync', '-d', ann, '--delete', 'drive:/latest', copy])).code, 0)
  t.same(await treeOf(copy), { f: '1' })
  const out = await folder(t)
  await lines(t, 'cp', '-r', '-d', ann, 'drive:/latest', join(out, 'x'))
  t.same(await treeOf(out), { 'x/f': '1' })
  t.same(await lines(t, 'find', '-d', ann, '*', '/latest'), ['/cur/v2/f'])
  t.ok((await lines(t, 'tree', '-d', ann, '/latest')).at(-1)!.startsWith('1 file,'))

  const disk = await folderOf(t, { 'g/h': 'h', s: 's' })
  await lines(t, 'put', '-d', ann, join(disk, 's'), '/latest')
  await lines(t, 'put', '-d', ann, join(disk, 's'), '/latest/new/t')
  await lines(t, 'cp', '-r', '-d', ann, join(disk, 'g'), 'drive:/latest')
  await lines(t, 'cp', '-r', '-d', ann, 'drive:/latest', 'drive:/all')
  await lines(t, 'mv', '-d', ann, '/all/f', '/latest/moved')
  await lines(t, 'sync', '-d', ann, '--delete', join(disk, 'g'), 'drive:/latest/new')
  await rm(join(ann, 'latest'))
  t.same(await treeOf(ann), {
    'all/g/h': 'h',
    'all/new/t': 's',
    'all/s': 's',
    'cur/v2/f': '1',
    'cur/v2/g/h': 'h',
    'cur/v2/moved': '1',
    'cur/v2/new/h': 'h',
    'cur/v2/s': 's'
  })
  await symlink('cur/v2', join(ann, 'latest'))
  await lines(t, 'rm', '-d', ann, '/latest')
  t.ok('cur/v2/f' in (await treeOf(ann)), 'rm is of the link itself')
})

test('sync puts a file where a folder is, and a folder where a file is', async (t) => {
  const made = { was: 'file', 'now/deep/er': '1', z: '' }
  for (const isInward of [true, false]) {
    const source = await folderOf(t, made)
    const target = await folderOf(t, { 'was/a': '', 'was/deep/b': '', 'was-not': '', now: 'file', z: '' })
    await mkdir(join(target, 'was', 'empty'))
    const args = isInward ? ['-d', target, source, 'drive:/'] : ['-d', source, 'drive:/', target]
    for (const dry of [['-n'], []]) {
      const stopped = await cli(['sync', ...dry, ...args])
      t.is(stopped.code, 1)
      t.ok(/: (ENOTDIR|EISDIR): [^\n]*--delete/.test(stopped.err), stopped.err)
    }
    const plan = await values(t, 'sync', '-n', '--delete', ...args)
    const done = await values(t, 'sync', '--delete', ...args)
    const paths = (items: any[]) => items.map(({ op, path }) => `${op} ${path}`).sort()
    t.same(paths(done), paths(plan), 'as planned')
    t.same(await treeOf(target), made, isInward ? 'inward' : 'outward')
  }
  const source = await folderOf(t, { was: 'file' })
  const target = await folder(t)
  await mkdir(join(target, 'was', 'empty'), { recursive: true })
  t.ok(/EISDIR.*--delete/.test((await cli(['sync', '-d', source, 'drive:/', target])).err))
  await lines(t, 'sync', '--delete', '-d', source, 'drive:/', target)
  t.same(await treeOf(target), { was: 'file' })
})

test('sync --json tells the size of what it removes', async (t) => {
  const [ann, disk] = [await folder(t), await folderOf(t, { gone: '12345' })]
  t.same(await values(t, 'sync', '--delete', '-d', ann, 'drive:/', disk), [
    { op: 'remove', path: 'gone', size: 5 }
  ])
})

test('get names a link that leads out of the drives, and does not advise to run it again', async (t) => {
  const outside = await folderOf(t, { secret: '' })
  const ann = await folderOf(t, { 'docs/a': '1' })
  await symlink(join(outside, 'secret'), join(ann, 'docs', 'evil'))
  const { code, err } = await cli(['get', '-d', ann, '/docs', await folder(t)])
  t.is(code, 1)
  t.ok(/1 of 2 files failed: \/docs\/evil \(links that lead to no file/.test(err), err)
  t.notOk(err.includes('goes on where it was'))
})

test('cp, sync and get go on from what is there of a file', async (t) => {
  const size = 300_000
  const ann = await folderOf(t, { 'docs/a': 'a'.repeat(size), 'docs/b': 'b' })
  const multi = await multidrive(t, [new Localdrive(ann)])
  const entry = (await multi.entry('/docs/a'))!
  const broken = new Error('broken')
  const half = {
    ...fileOf(multi, entry),
    async *read() {
      // Other bytes than the file has tell that these were not read again.
      yield Buffer.from('b'.repeat(100_000))
      yield Buffer.from('a'.repeat(100_000))
      throw broken
    }
  }
  for (const argv of [
    ['cp', 'drive:/docs/a'],
    ['cp', '-r', 'drive:/docs/'],
    ['sync', '--delete', 'drive:/docs'],
    ['get', '/docs']
  ]) {
    const out = await folder(t)
    const isIn = argv.includes('-r')
    const target = isIn ? join(out, 'docs') : out
    await mkdir(target, { recursive: true })
    const { signal } = new AbortController()
    t.is(await failureOf(saveFile(half, join(target, 'a'), { signal })), broken)
    const said = await lines(t, ...argv, '-d', ann, out)
    t.is(await readFile(join(target, 'a'), 'utf8'), 'b'.repeat(100_000) + 'a'.repeat(200_000), argv.join(' '))
    t.same(await readdir(target), argv.includes('drive:/docs/a') ? ['a'] : ['a', 'b'])
    t.notOk(said.some((line) => line.includes('.part')))
  }
})

test('cp -r and sync of many files, side by side', async (t) => {
  const files = Object.fromEntries(Array.from({ length: 150 }, (_, i) => [`d${i % 7}/f${i}`, `text ${i}`]))
  const ann = await folderOf(t, files)
  const paths = Object.keys(files)
    .map((path) => `/${path}`)
    .sort()
  const [one, two] = [await folder(t), await folder(t)]
  const copied = await values(t, 'cp', '-d', ann, '-r', '-j', '7', 'drive:/', one)
  t.same(copied.map(({ path }) => path).sort(), paths)
  t.same(await treeOf(one), files)
  const synced = await values(t, 'sync', '-d', two, one, 'drive:/')
  t.same(synced.map(({ path }) => `/${path}`).sort(), paths)
  t.same(await treeOf(two), files)

  // One that cannot be copied ends it, and says which it was.
  await mkdir(join(one, 'd3', 'f3x', 'inside'), { recursive: true })
  await writeFile(join(ann, 'd3', 'f3x'), 'in the way')
  const failed = await cli(['cp', '-d', ann, '-r', '-j', '1', 'drive:/', one])
  t.is(failed.code, 1)
  t.match(failed.err, /^multidrive cp: EISDIR: .*f3x \(remove it, or name another folder\)\n$/)
})

test('cp -r of which one file cannot be written tells of that one, and not of those that it ended', async (t) => {
  const disk = await folderOf(t, { 'x/b': 'b' })
  await writeFile(join(disk, 'x', 'a'), Buffer.alloc(64 << 20))
  const ann = await folderOf(t, { 'x/b/in the way': '' })
  const { code, err } = await cli(['cp', '-r', '-d', ann, join(disk, 'x'), 'drive:/'])
  t.is(code, 1)
  t.match(err, /^multidrive cp: EISDIR: .*\/x\/b/)
})

test('sync --delete: folders that it empties go too, and what is there of a file is no file', async (t) => {
  const ann = await folderOf(t, { a: '1', 'keep/b': '2' })
  const copy = await folderOf(t, { 'old/deep/er/x': 'x', 'old/y': 'y', 'keep/z/x': 'x' })
  await mkdir(join(copy, 'mine'))
  const stale = `a.${'0'.repeat(16)}.part`
  await writeFile(join(copy, stale), 'of an older version')
  const plan = await lines(t, 'sync', '-n', '--delete', '-d', ann, 'drive:/', copy)
  t.ok(plan.includes(`- ${stale}`), plan.join())
  const done = await lines(t, 'sync', '--delete', '-d', ann, 'drive:/', copy)
  t.same(
    done.slice(0, -1).sort(),
    ['+ a  1 B', '+ keep/b  1 B', '- keep/z/x', '- old/deep/er/x', '- old/y', `- ${stale}`].sort()
  )
  t.same((await readdir(copy, { recursive: true })).sort(), ['a', 'keep', 'keep/b', 'mine'])
})

test('cp -p run again leaves what is there', async (t) => {
  const ann = await folderOf(t, { 'docs/a': '1', 'docs/b': '2' })
  const out = await folder(t)
  const copy = () => lines(t, 'cp', '-p', '-r', '-d', ann, 'drive:/docs', out)
  await copy()
  const { ino } = await stat(join(out, 'docs', 'a'))
  await rm(join(out, 'docs', 'b'))
  t.is((await copy()).length, 2)
  t.is((await stat(join(out, 'docs', 'a'))).ino, ino)
  t.same(await treeOf(out), { 'docs/a': '1', 'docs/b': '2' })
})

test('a file where the folder for the copies is to be', async (t) => {
  const ann = await folderOf(t, { 'docs/a': '1' })
  const file = join(await folderOf(t, { file: 'text' }), 'file')
  for (const argv of [
    ['get', '/docs', file],
    ['cp', '-r', 'drive:/', file]
  ]) {
    const { code, err } = await cli([...argv, '-d', ann])
    t.is(code, 1)
    t.ok(err.includes('ENOTDIR') && err.includes('remove it, or name another folder'), err)
    t.is(err.trim().split('\n').length, 1)
  }
})
