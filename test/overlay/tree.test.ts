import test, { type Test } from 'tape'
import type { Drive } from '../../index.ts'
import { Tree, type Node } from '../../lib/overlay/tree.ts'
import { formatDirectory } from '../../lib/format/records.ts'
import { recordKeys } from '../../lib/sources/hyperdrive/keys.ts'
import { failureOf, hyperdrive, localdrive } from '../helpers/drives.ts'
import { overlayOf } from './helpers.ts'

/** The merged view as a tree, over drives that hold what is told: a text, a link as `-> text`, or a folder's record as null. */
async function treeOf(t: Test, ...views: Record<string, string | null>[]): Promise<Tree> {
  const drives: Drive[] = []
  for (const [i, view] of views.entries()) drives.push(await drive(t, view, 1000 + i))
  return new Tree(await (await overlayOf(t, drives)).view())
}

async function drive(t: Test, view: Record<string, string | null>, mtime: number): Promise<any> {
  const made = await hyperdrive(t)
  for (const [path, text] of Object.entries(view)) {
    if (text === null) {
      const record = { path, mtime, ctime: mtime, clock: new Map(), mode: 0o700, metadata: null }
      await made.db.put(path, formatDirectory(record), { keyEncoding: recordKeys('directories') })
    } else if (text.startsWith('-> ')) await made.symlink(path, text.slice(3), { metadata: { mtime } })
    else await made.put(path, Buffer.from(text), { metadata: { mtime } })
  }
  return made
}

const shown = (node: Node | null) => node && `${node.kind} ${node.key}`

/** Where a path leads, in words, or the code of the error. */
async function leads(tree: Tree, path: string, follow = true): Promise<string> {
  try {
    const { key, node } = await tree.resolve(path, follow)
    return shown(node) ?? `nothing ${key}`
  } catch (err) {
    return (err as { code: string }).code
  }
}

test('at(key) tells files, links and folders, and follows nothing', async (t) => {
  const tree = await treeOf(t, { '/file': 'x', '/dir/file': 'x', '/empty': null, '/link': '-> dir' })
  const at = async (key: string) => shown(await tree.at(key))
  t.equal(await at(''), 'directory ')
  t.equal(await at('/file'), 'file /file')
  t.equal(await at('/dir'), 'directory /dir')
  t.equal(await at('/dir/file'), 'file /dir/file')
  t.equal(await at('/empty'), 'directory /empty')
  t.equal(await at('/link'), 'link /link')
  for (const key of ['/link/file', '/di', '/dir/fil', '/file/x', '/nowhere'])
    t.equal(await at(key), null, key)
})

test('resolve(path, follow) follows links on the way, and with follow the one at its end', async (t) => {
  const tree = await treeOf(t, {
    '/dir/file': 'x',
    '/dir/sub/deep': 'x',
    '/absolute': '-> /dir',
    '/dir/up': '-> ../dir/sub',
    '/dir/beside': '-> file',
    '/twice': '-> absolute/up',
    '/dangling': '-> nowhere/at/all',
    '/dot': '-> ./dir/./sub/',
    '/backslashes': '-> dir\\sub'
  })
  t.equal(await leads(tree, '/absolute'), 'directory /dir')
  t.equal(await leads(tree, '/absolute', false), 'link /absolute')
  t.equal(await leads(tree, '/absolute/file', false), 'file /dir/file', 'on the way always')
  t.equal(await leads(tree, '/dir/up/deep'), 'file /dir/sub/deep')
  t.equal(await leads(tree, '/absolute/up/deep'), 'file /dir/sub/deep')
  t.equal(await leads(tree, '/dir/beside'), 'file /dir/file')
  t.equal(await leads(tree, '/dir/beside', false), 'link /dir/beside')
  t.equal(await leads(tree, '/twice/deep'), 'file /dir/sub/deep')
  t.equal(await leads(tree, '/twice'), 'directory /dir/sub')
  t.equal(await leads(tree, '/dot/deep'), 'file /dir/sub/deep')
  t.equal(await leads(tree, '/backslashes/deep'), 'file /dir/sub/deep')
  t.equal(await leads(tree, '/dangling'), 'ENOENT')
  t.equal(await leads(tree, '/dangling', false), 'link /dangling')
  t.equal(await leads(tree, '/absolute/new', false), 'nothing /dir/new', 'a place to write to')
  t.equal(await leads(tree, '/absolute/no/new'), 'ENOENT')
  t.equal(await leads(tree, '/dir/beside/x'), 'ENOTDIR')
  t.equal(await leads(tree, '/dir/file/x'), 'ENOTDIR')
  t.equal(await leads(tree, '/dir/nothing/x'), 'ENOENT')
  t.equal(await leads(tree, '//dir///sub/./deep'), 'file /dir/sub/deep')
  t.equal(await leads(tree, '/'), 'directory ')
})

test('resolve(path) takes a step up from where a link leads, not from where it stands', async (t) => {
  const tree = await treeOf(t, {
    '/a/b/c/file': 'x',
    '/a/b/beside': 'x',
    '/beside': 'x',
    '/link': '-> a/b/c',
    '/out': '-> ../../../../a',
    '/file': 'x'
  })
  t.equal(await leads(tree, '/link/..'), 'directory /a/b')
  t.equal(await leads(tree, '/link/../beside'), 'file /a/b/beside')
  t.equal(await leads(tree, '/link/../../../beside'), 'file /beside')
  t.equal(await leads(tree, '/a/../a/b/../../beside'), 'file /beside')
  t.equal(await leads(tree, '/..'), 'directory ')
  t.equal(await leads(tree, '/../../beside'), 'file /beside', 'nothing lies above the root')
  t.equal(await leads(tree, '/out/b/beside'), 'file /a/b/beside', 'and no link leads out of it')
  t.equal(await leads(tree, '/nowhere/..'), 'ENOENT')
  t.equal(await leads(tree, '/file/..'), 'ENOTDIR')
  t.equal(await leads(tree, '/nowhere/../beside'), 'ENOENT')
})

test('resolve(path) gives up after 40 links', async (t) => {
  const chain: Record<string, string> = { '/end': 'x' }
  for (let i = 1; i <= 41; i++) chain[`/link-${i}`] = i === 1 ? '-> end' : `-> link-${i - 1}`
  const tree = await treeOf(t, {
    ...chain,
    '/self': '-> self',
    '/one': '-> two',
    '/two': '-> /one',
    '/deeper': '-> deeper/x',
    '/dir/to-root': '-> ..'
  })
  t.equal(await leads(tree, '/link-40'), 'file /end')
  t.equal(await leads(tree, '/link-41'), 'ELOOP')
  t.equal(await leads(tree, '/link-41', false), 'link /link-41')
  for (const path of ['/self', '/self/x', '/one', '/two/x', '/deeper'])
    t.equal(await leads(tree, path), 'ELOOP', path)
  t.equal(await leads(tree, '/self', false), 'link /self')
  t.equal(
    await leads(tree, '/dir/to-root'.repeat(40) + '/end'),
    'file /end',
    'they count over the whole path'
  )
  t.equal(await leads(tree, '/dir/to-root'.repeat(41) + '/end'), 'ELOOP')
})

test('a file wins over the folder that another has made there apart', async (t) => {
  const both: Record<string, string | null>[][] = [
    [{ '/x': 'file' }, { '/x/below': 'theirs', '/x/sub': null }],
    [{ '/x/below': 'theirs', '/x/sub': null }, { '/x': 'file' }]
  ]
  for (const views of both) {
    const tree = await treeOf(t, ...views)
    t.equal(shown(await tree.at('/x')), 'file /x')
    t.equal(await leads(tree, '/x'), 'file /x')
    t.same(
      (await tree.children('')).map(({ name, node }) => [name, node.kind]),
      [['x', 'file']]
    )
  }
  const linked = await treeOf(t, { '/x': '-> dir', '/dir/below': 'mine' }, { '/x/other': 'theirs' })
  t.equal(shown(await linked.at('/x')), 'link /x')
  t.equal(await leads(linked, '/x/below'), 'file /dir/below')
})

test('children(folder) gives each name once, in the order of names', async (t) => {
  const tree = await treeOf(
    t,
    {
      '/a/file': '1',
      '/a0': '1',
      '/a!': '1',
      '/b/c/d': '1',
      '/empty': null,
      '/b/e/f': null,
      '/ä': '1',
      '/a b': '1'
    },
    { '/a/other': '2', '/a-b/x': '2', '/b/c/e': '2', '/link': '-> a', '/a0': '2' }
  )
  const children = async (folder: string) =>
    (await tree.children(folder)).map(({ name, node }) => `${name} ${node.kind}`)
  t.same(await children(''), [
    'a directory',
    'a b file',
    'a! file',
    'a-b directory',
    'a0 file',
    'b directory',
    'empty directory',
    'link link',
    'ä file'
  ])
  t.same(await children('/a'), ['file file', 'other file'])
  t.same(await children('/b'), ['c directory', 'e directory'])
  t.same(await children('/b/e'), ['f directory'])
  t.same(await children('/empty'), [])
  t.same(await children('/nowhere'), [])
  const [first] = await tree.children('')
  t.equal(first?.node.key, '/a')
  t.equal(shown((await tree.children('/b'))[1]!.node), 'directory /b/e')
})

test('children(folder) of a folder with thousands of names below its subfolders', async (t) => {
  const made = await hyperdrive(t)
  const batch = made.batch()
  for (let i = 0; i < 1500; i++) await batch.put(`/many/${i % 3}/${i}`, Buffer.alloc(0))
  await batch.put('/many/3', Buffer.alloc(0))
  await batch.flush()
  const tree = new Tree(await (await overlayOf(t, [made])).view())
  t.same(
    (await tree.children('/many')).map(({ name, node }) => [name, node.kind]),
    [
      ['0', 'directory'],
      ['1', 'directory'],
      ['2', 'directory'],
      ['3', 'file']
    ]
  )
  t.equal((await tree.children('/many/1')).length, 500)
})

test('dateOf(folder) is that of its record, else that of the newest below it', async (t) => {
  const tree = await treeOf(
    t,
    { '/a/file': '1', '/a/sub/file': '1', '/kept': null },
    { '/a/sub/newer': '2', '/kept/x': '2' }
  )
  const date = async (key: string) => tree.dateOf((await tree.at(key)) as Node & { kind: 'directory' })
  t.equal(await date('/a'), 1001)
  t.equal(await date('/a/sub'), 1001)
  t.equal(await date('/kept'), 1000)
})

test('the real folders of a Localdrive are folders of the tree, and its links stay inside', async (t) => {
  const local = await localdrive(t)
  await local.put('/dir/file', Buffer.from('x'))
  await local.symlink('/out', '/etc')
  await local.symlink('/in', 'dir')
  const tree = new Tree(await (await overlayOf(t, [local])).view())
  t.equal(await leads(tree, '/dir'), 'directory /dir')
  t.equal(await leads(tree, '/in/file'), 'file /dir/file')
  t.equal(await leads(tree, '/out/passwd'), 'ENOENT')
  t.equal((await failureOf(tree.resolve('/out/passwd', true))).code, 'ENOENT')
})
