import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { chmod, mkdir, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type Hyperdrive from 'hyperdrive'
import test from 'tape'
import { parseKey } from '../../lib/share/key.ts'
import { Provider } from '../../lib/share/provider.ts'
import { appear } from '../helpers/disk.ts'
import { contents, failureOf, folder } from '../helpers/drives.ts'
import { network, provide } from '../helpers/network.ts'

const limit = { timeout: 60_000 }
const nothing = { added: 0, changed: 0, removed: 0 }

test('Provider.open(folder, { bootstrap }) takes the folder over', limit, async (t) => {
  const bootstrap = await network(t)
  const root = await folder(t)
  await mkdir(join(root, 'sub', 'deep'), { recursive: true })
  await writeFile(join(root, 'a'), 'text')
  await writeFile(join(root, 'empty'), '')
  await writeFile(join(root, 'sub', 'deep', 'ß日本'), 'unicode')
  await symlink('a', join(root, 'link'))
  await writeFile(join(root, 'run'), '#!')
  await chmod(join(root, 'run'), 0o755)
  const provider = await provide(t, root, { bootstrap })
  t.same(provider.mirrored, { files: 5, ...nothing, added: 5 })
  t.same(parseKey(provider.link), provider.key)
  const drive = provider.drive as unknown as Hyperdrive
  t.same(await contents(drive), {
    '/a': 'text',
    '/empty': '',
    '/link': '-> a',
    '/run': '#!',
    '/sub/deep/ß日本': 'unicode'
  })
  t.is((await drive.entry('/run')).value.executable, true)
  t.is(typeof (await drive.entry('/a')).value.metadata.mtime, 'number')
})

test('provider.close() leaves nothing behind', limit, async (t) => {
  const bootstrap = await network(t)
  const root = await folder(t)
  await writeFile(join(root, 'a'), 'text')
  const provider = await Provider.open(root, { bootstrap })
  const { storage } = (provider.drive as unknown as Hyperdrive).corestore as { storage: { path: string } }
  t.ok(existsSync(storage.path))
  await provider.close()
  await provider.close()
  t.notOk(existsSync(storage.path))
  t.same(await readdir(root), ['a'])
})

test(
  'Provider.open(folder, { storage }) has the same key again, and reads only what has changed',
  limit,
  async (t) => {
    const bootstrap = await network(t)
    const [root, storage] = [await folder(t), await folder(t)]
    await writeFile(join(root, 'a'), 'text')
    await writeFile(join(root, 'b'), 'text')
    const first = await Provider.open(root, { bootstrap, storage })
    await first.close()
    await writeFile(join(root, 'a'), 'other')
    await rm(join(root, 'b'))
    const second = await provide(t, root, { bootstrap, storage })
    t.same(second.key, first.key)
    t.same(second.mirrored, { files: 1, ...nothing, changed: 1, removed: 1 })
    const { version } = second.drive as unknown as Hyperdrive
    await second.close()
    const third = await provide(t, root, { bootstrap, storage })
    t.same(third.mirrored, { files: 1, ...nothing })
    t.is((third.drive as unknown as Hyperdrive).version, version)
  }
)

test('Provider.open(folder, { watch: true }) follows changes', limit, async (t) => {
  const bootstrap = await network(t)
  const root = await folder(t)
  await writeFile(join(root, 'a'), 'text')
  const provider = await provide(t, root, { bootstrap, watch: true })
  const drive = provider.drive as unknown as Hyperdrive
  let told = once(provider, 'mirrored')
  await appear(t, join(root, 'b'), 'more')
  t.same(await told, [{ files: 2, ...nothing, added: 1 }])
  t.is(String(await drive.get('/b')), 'more')
  told = once(provider, 'mirrored')
  await rm(join(root, 'a'))
  t.same(await told, [{ files: 1, ...nothing, removed: 1 }])
  t.same(await contents(drive), { '/b': 'more' })
  await mkdir(join(root, 'new'))
  told = once(provider, 'mirrored')
  await writeFile(join(root, 'new', 'c'), 'nested')
  await told
  t.is(String(await drive.get('/new/c')), 'nested')
})

test('Provider.open of what is no folder', limit, async (t) => {
  const root = await folder(t)
  await writeFile(join(root, 'file'), '')
  t.is((await failureOf(Provider.open(join(root, 'none')))).code, 'ENOENT')
  t.is((await failureOf(Provider.open(join(root, 'file')))).code, 'ENOTDIR')
})

test('Provider.open(folder, { signal }) gives up', limit, async (t) => {
  const bootstrap = await network(t)
  const root = await folder(t)
  await writeFile(join(root, 'a'), 'text')
  const reason = new Error('enough')
  t.is(await failureOf(Provider.open(root, { bootstrap, signal: AbortSignal.abort(reason) })), reason)
})

test('a folder that is gone is an error, and takes nothing out of the drive', limit, async (t) => {
  const bootstrap = await network(t)
  const root = join(await folder(t), 'root')
  await mkdir(root)
  await writeFile(join(root, 'a'), 'text')
  const provider = await provide(t, root, { bootstrap, watch: true })
  const failed = new Promise<unknown>((resolve) => provider.on('error', resolve))
  await rename(root, `${root} elsewhere`)
  t.is(((await failed) as { code?: string }).code, 'ENOENT')
  t.same(await contents(provider.drive as unknown as Hyperdrive), { '/a': 'text' })
})

test('Provider.open(folder, { storage }) in that folder', limit, async (t) => {
  const root = await folder(t)
  t.is(
    (await failureOf(Provider.open(root, { storage: join(root, 'a', 'st'), bootstrap: [] }))).code,
    'STORAGE_IN_FOLDER'
  )
  t.same(await readdir(root), [])
})

test('Provider.open(folder, { force }) of a drive that was changed by its key', limit, async (t) => {
  const bootstrap = await network(t)
  const [root, storage] = [await folder(t), await folder(t)]
  await writeFile(join(root, 'a'), 'text')
  const first = await Provider.open(root, { bootstrap, storage })
  const drive = first.drive as unknown as Hyperdrive
  await drive.put('/b', Buffer.from('by key'))
  await first.close()
  const told: unknown[] = []
  const onmirrored = (...args: unknown[]) => void told.push(args)
  const failed = await failureOf(Provider.open(root, { bootstrap, storage, onmirrored }))
  t.same([failed.code, (failed as unknown as { paths: string[] }).paths], ['CHANGED_BY_KEY', ['/b']])
  t.same(told, [])
  const second = await provide(t, root, { bootstrap, storage, onmirrored, force: true })
  t.same(told, [[second.link, { files: 1, ...nothing, removed: 1 }]])
})

test(
  'links that lead in a circle, or nowhere, are no failure of a folder that is followed',
  limit,
  async (t) => {
    const bootstrap = await network(t)
    const root = await folder(t)
    await mkdir(join(root, 'sub'))
    await symlink('two', join(root, 'sub', 'one'))
    await symlink('one', join(root, 'sub', 'two'))
    await symlink('none', join(root, 'sub', 'broken'))
    const provider = await provide(t, root, { bootstrap, watch: true })
    const failures: unknown[] = []
    provider.on('error', (err) => failures.push(err))
    for (const name of ['a', 'sub/b']) {
      const told = once(provider, 'mirrored')
      await writeFile(join(root, name), name)
      await told
    }
    t.same(failures, [])
    t.is(String(await (provider.drive as unknown as Hyperdrive).get('/sub/b')), 'sub/b')
  }
)
