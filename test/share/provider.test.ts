import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { chmod, mkdir, readdir, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type Hyperdrive from 'hyperdrive'
import test from 'tape'
import MultiDrive from '../../index.ts'
import { createDrive, createStore } from '../../lib/share/drives.ts'
import { parseKey } from '../../lib/share/key.ts'
import { Provider } from '../../lib/share/provider.ts'
import { contents, failureOf, folder } from '../helpers/drives.ts'
import { network, provide } from '../helpers/network.ts'

const limit = { timeout: 30_000 }
const nothing = { added: 0, changed: 0, removed: 0, kept: [] }

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
  await writeFile(join(root, 'b'), 'more')
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

test('what was written into the drive by its key stays, and is told', limit, async (t) => {
  const bootstrap = await network(t)
  const [root, storage] = [await folder(t), await folder(t)]
  for (const name of ['a', 'b', 'gone', 'c']) await writeFile(join(root, name), 'from the folder')
  const write = async (changes: (multi: MultiDrive) => Promise<unknown>) => {
    const corestore = createStore(storage)
    const multi = new MultiDrive(createDrive(corestore.session()))
    await changes(multi)
    await multi.close()
    await corestore.close()
  }
  await (await Provider.open(root, { bootstrap, storage })).close()
  await write(async (multi) => {
    await multi.put('/a', 'by key')
    await multi.put('/b', 'by key')
    await multi.put('/new', 'by key')
  })
  await rm(join(root, 'gone'))
  const later = Date.now() / 1000 + 60
  await writeFile(join(root, 'b'), 'later in the folder')
  await utimes(join(root, 'b'), later, later)
  const second = await Provider.open(root, { bootstrap, storage })
  t.same(second.mirrored, { files: 3, added: 0, changed: 1, removed: 1, kept: ['/a', '/new'] })
  t.same(await contents(second.drive as unknown as Hyperdrive), {
    '/a': 'by key',
    '/b': 'later in the folder',
    '/c': 'from the folder',
    '/new': 'by key'
  })
  // What the folder then has itself is the folder's, and goes with it.
  const { mtime } = (await new MultiDrive(second.drive).entry('/new'))!
  await second.close()
  await writeFile(join(root, 'new'), 'by key')
  await utimes(join(root, 'new'), mtime! / 1000, mtime! / 1000)
  const third = await Provider.open(root, { bootstrap, storage })
  t.same(third.mirrored.kept, ['/a'])
  await third.close()
  await rm(join(root, 'new'))
  const last = await provide(t, root, { bootstrap, storage })
  t.same(last.mirrored, { files: 3, ...nothing, removed: 1, kept: ['/a'] })
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
