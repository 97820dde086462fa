/** diff, log, conflicts, resolve, tag and watch; drives of one's own, in a storage. */
import { appendFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import test from 'tape'
import { cli, lines, ownDrives, values } from '../helpers/cli.ts'
import { folderOf } from '../helpers/disk.ts'
import { folder } from '../helpers/drives.ts'

process.env.TZ = 'UTC'

test('a drive of this storage is read and written by its key', async (t) => {
  const { storage, links } = await ownDrives(t, 1)
  const [link] = links as [string]
  const at = ['-d', link, '--storage', storage]
  t.is((await cli(['put', ...at, '-', '/a.txt'], { input: 'mine' })).code, 0)
  t.is((await cli(['cat', '-d', link.replace('hd:', 'hyper:'), '--storage', storage, '/a.txt'])).out, 'mine')
  const [entry] = await values(t, 'ls', ...at)
  t.same([entry.path, entry.size, entry.drive], ['/a.txt', 4, link])
  const [line] = await lines(t, 'ls', ...at)
  t.ok(line!.endsWith(`  ${link.slice(0, 13)}…  a.txt`), line)
  const [told] = await values(t, 'stat', ...at, '/a.txt')
  t.ok(told.seq > 0)
  t.is((await cli(['rm', '-d', `${link}:ro`, '--storage', storage, '/a.txt'])).code, 1)
})

test('tag, diff --since, --at and log', async (t) => {
  const { storage, links } = await ownDrives(t, 1)
  const at = ['-d', links[0]!, '--storage', storage]
  const put = async (path: string, input: string) => {
    t.is((await cli(['put', ...at, '-', path], { input })).code, 0, `put ${path}`)
  }
  await put('/a', 'one')
  await put('/docs/b', 'b')
  const [v1] = await values(t, 'tag', ...at, 'v1')
  t.is(v1.tag, 'v1')
  await put('/a', 'three')
  await put('/c', 'c')
  await lines(t, 'rm', ...at, '/docs/b')
  await lines(t, 'tag', ...at, 'v2')
  await lines(t, 'rm', ...at, '/a')

  const diff = await cli(['diff', ...at, '--since', 'v1', '--to', 'v2'])
  t.is(diff.code, 1)
  t.is(diff.out, '~ /a\n+ /c\n- /docs/b\n')
  t.is((await cli(['diff', ...at, '--since', 'v1', '/docs'])).out, '- /docs/b\n')
  const same = await cli(['diff', ...at, '--since', v1.version, '--to', 'v1'])
  t.same([same.code, same.out, same.err], [0, '', ''], 'by the version itself too')
  const json = await cli(['diff', ...at, '--since', 'v2', '--json'])
  const { op, path, left, right } = JSON.parse(json.out)
  t.same([op, path, left, right.size], ['remove', '/a', null, 5])

  t.is((await cli(['cat', ...at, '--at', 'v1', '/a'])).out, 'one')
  t.same(await lines(t, 'find', ...at, '--at', 'v1', '*'), ['/a', '/docs/b'])
  const out = await folder(t)
  await lines(t, 'cp', ...at, '--at', 'v2', '-r', 'drive:/', out)
  t.same((await cli(['diff', '-d', out, '--with', out])).code, 0)

  const log = await values(t, 'log', ...at, '/a')
  t.same(
    log.map(({ op, size, drive }) => [op, size, drive]),
    [
      ['remove', null, links[0]],
      ['put', 5, links[0]],
      ['put', 3, links[0]]
    ]
  )
  t.is((await lines(t, 'log', ...at, '-n', '1', '/a')).length, 1)

  t.same(
    (await values(t, 'tag', ...at)).map(({ tag }) => tag),
    ['v1', 'v2']
  )
  await lines(t, 'tag', ...at, '--of', 'v1', 'first')
  t.same(
    (await values(t, 'tag', ...at)).map(({ tag, version }) => [tag, version === v1.version]),
    [
      ['first', true],
      ['v1', true],
      ['v2', false]
    ]
  )
  await lines(t, 'tag', ...at, '--delete', 'v1')
  t.same(
    (await lines(t, 'tag', ...at)).map((line) => line.split(' ')[0]),
    ['first', 'v2']
  )
})

test('diff --with compares with other drives', async (t) => {
  const ann = await folderOf(t, { a: '1', b: '2', 'x/c': '3' })
  const ben = await folderOf(t, { b: '3', 'x/c': '3', 'x/d': '4' }, 1000)
  const { code, out } = await cli(['diff', '-d', ann, '--with', ben])
  t.is(code, 1)
  t.is(out, '+ /a\n~ /b\n- /x/d\n')
  t.is((await cli(['diff', '-d', ann, '--with', ben, '--with', ann, '/x'])).code, 1)
  t.is((await cli(['diff', '-d', ann, '-d', ben, '--with', ben, '--with', ann])).code, 0)
})

test('conflicts lists them, and resolve settles one', async (t) => {
  const { storage, links } = await ownDrives(t, 2)
  const [ann, ben] = links as [string, string]
  const write = async (link: string, path: string, input: string) => {
    await cli(['put', '-d', link, '--storage', storage, '-', path], { input })
  }
  for (const path of ['/kept', '/merged', '/gone']) {
    await write(ann, path, `ann's ${path}`)
    await write(ben, path, `ben's ${path}`)
  }
  const both = ['-d', ann, '-d', ben, '--storage', storage]
  const found = await values(t, 'conflicts', ...both)
  t.same(
    found.map(({ path, candidates }) => [path, candidates.map(({ drive }: any) => drive)]),
    [
      ['/gone', [ben, ann]],
      ['/kept', [ben, ann]],
      ['/merged', [ben, ann]]
    ],
    'the newest first'
  )
  const shown = await lines(t, 'conflicts', ...both)
  t.same([shown.length, shown[0], shown[1]!.endsWith('shown')], [9, '/gone', true])

  await lines(t, 'resolve', ...both, '/kept', '--keep', ann)
  t.is((await cli(['resolve', ...both, '/merged', '--file', '-'], { input: 'both' })).code, 0)
  t.same(await values(t, 'resolve', ...both, '/gone', '--delete'), [{ op: 'resolve', path: '/gone' }])
  t.same(await values(t, 'conflicts', ...both), [])
  t.is((await cli(['cat', ...both, '/kept', '/merged'])).out, "ann's /keptboth")
  t.is((await cli(['cat', ...both, '/gone'])).code, 1)
})

test('watch tells of changes that other programs make in folders', async (t) => {
  const ann = await folderOf(t, { a: '1', b: '2' })
  const ben = await folderOf(t, { b: 'older' }, 1000)
  const stdout = new PassThrough()
  const found: any[] = []
  let left = ''
  let news: () => void = () => undefined
  stdout.setEncoding('utf8').on('data', (text: string) => {
    left += text
    const whole = left.split('\n')
    left = whole.pop()!
    found.push(...whole.map((line) => JSON.parse(line)))
    news()
  })
  const sees = (op: string, path: string) =>
    new Promise<void>((resolve) => {
      news = () => {
        if (found.some((change) => change.op === op && change.path === path)) resolve()
      }
      news()
    })
  const stopping = new AbortController()
  const watching = cli(['watch', '--json', '-d', ann, '-d', ben], { stdout, signal: stopping.signal })
  // It tells nobody that it has begun with --json: what it sees shows that it has.
  const beginning = setInterval(() => void writeFile(join(ann, 'first'), ''), 200)
  await Promise.race([sees('add', '/first'), sees('change', '/first')])
  clearInterval(beginning)
  await appendFile(join(ann, 'a'), 'more')
  await sees('change', '/a')
  await rm(join(ann, 'b'))
  await sees('change', '/b')
  t.is(found.findLast(({ path }) => path === '/b').drive, ben, 'what was hidden below it shows')
  await rm(join(ann, 'a'))
  await sees('remove', '/a')
  stopping.abort(130)
  t.same(await watching, { code: 130, out: '', err: '' })
})
