/** share, as far as one process goes. */
import { symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import test, { type Test } from 'tape'
import { Storage } from '../../lib/cli/storage.ts'
import { cli, lines, type Ran } from '../helpers/cli.ts'
import { folderOf, treeOf } from '../helpers/disk.ts'
import { folder } from '../helpers/drives.ts'
import { network } from '../helpers/network.ts'

// Nobody listens at this address.
const AWAY = ['--bootstrap', '127.0.0.1:9']

/** Shares a folder until its link is said; gives what it has said. */
async function shareOnce(t: Test, ...args: string[]): Promise<Ran> {
  const stopping = new AbortController()
  const stdout = new PassThrough().setEncoding('utf8')
  let out = ''
  stdout.on('data', (text: string) => {
    out += text
    stopping.abort(130)
  })
  const ran = await cli(['share', ...args], { stdout, signal: stopping.signal })
  t.comment(ran.err)
  return { ...ran, out }
}

test(
  'share tells the link when the files are in, and then joins the network',
  { timeout: 60_000 },
  async (t) => {
    const ann = await folderOf(t, { a: '1' })
    const { code, out, err } = await shareOnce(t, ann, '--storage', await folder(t), ...AWAY)
    t.is(code, 130)
    t.ok(/^hd:\/\/\w{52}\n$/.test(out), out)
    t.is(err, 'Joining the network…\n')
  }
)

test('share of a folder with its own storage in it, and of one in the storage', async (t) => {
  const ann = await folderOf(t, { a: '1', 'sub/b': '2' })
  const elsewhere = await folder(t)
  await symlink(ann, join(elsewhere, 'link'))
  for (const [shared, storage] of [
    [ann, join(ann, 'st')],
    [ann, ann],
    [ann, join(elsewhere, 'link', 'deep', 'st')],
    [join(elsewhere, 'link'), join(ann, 'st')],
    [join(ann, 'sub'), ann]
  ] as const) {
    const { code, out, err } = await cli(['share', shared, '--storage', storage, ...AWAY])
    t.same([code, out], [1, ''])
    t.ok(/^multidrive share: STORAGE_IN_FOLDER: [^\n]*another folder with --storage\)\n$/.test(err), err)
  }
  t.same(await treeOf(ann), { a: '1', 'sub/b': '2' }, 'nothing was made')
})

test(
  'share undoes nothing that was written by the key, unless it is forced',
  { timeout: 60_000 },
  async (t) => {
    const ann = await folderOf(t, { old: 'old', same: '1' })
    const storage = await folder(t)
    const nodes = (await network(t)) as { host: string; port: number }[]
    const bootstrap = nodes.flatMap(({ host, port }) => ['--bootstrap', `${host}:${port}`])
    const args = [ann, '--storage', storage, ...bootstrap]
    const link = (await shareOnce(t, ...args)).out.trim()
    t.ok(link.endsWith((await new Storage(storage).shareOf(ann)).split('/').at(-1)!))
    const mine = ['-d', link, '--storage', storage]
    const put = async (path: string, input: string) => {
      t.is((await cli(['put', ...mine, '-', path], { input })).code, 0)
    }

    await put('/chapter.md', 'by key')
    await put('/same', '2')
    await lines(t, 'rm', ...mine, '/old')
    const refused = await cli(['share', ...args])
    t.same([refused.code, refused.out], [1, ''])
    t.ok(
      /^multidrive share: CHANGED_BY_KEY: [^\n]*: \/chapter.md, \/old, \/same \([^\n]*multidrive cp [^\n]*--force[^\n]*\)\n$/.test(
        refused.err
      ),
      refused.err
    )
    t.is((await cli(['cat', ...mine, '/chapter.md', '/same'])).out, 'by key2')

    // What was brought into the folder is no matter any more, whatever else has changed there.
    await lines(t, 'sync', ...mine, '--delete', 'drive:/', ann)
    await writeFile(join(ann, 'new'), 'new')
    t.is((await shareOnce(t, ...args)).out.trim(), link)
    t.is((await cli(['cat', ...mine, '/chapter.md', '/new'])).out, 'by keynew')
    await writeFile(join(ann, 'chapter.md'), 'of the folder')
    await shareOnce(t, ...args)
    t.is((await cli(['cat', ...mine, '/chapter.md'])).out, 'of the folder')

    await put('/chapter.md', 'again by key')
    await shareOnce(t, ...args, '--force')
    t.is((await cli(['cat', ...mine, '/chapter.md'])).out, 'of the folder')
  }
)
