import { once } from 'node:events'
import { readdir } from 'node:fs/promises'
import BaseDL from '@qvac/dl-base'
import { encode } from 'hypercore-id-encoding'
import test from 'tape'
import MultiDrive from '../../index.ts'
import { HyperDriveDL, TransferError } from '../../lib/loader/index.ts'
import {
  collect,
  failureOf,
  folder,
  hyperdrive,
  hyperdrives,
  localdrive,
  multidrive
} from '../helpers/drives.ts'
import { isFaster } from '../helpers/clock.ts'
import { cleanup, store } from '../helpers/drives.ts'
import { network, provide } from '../helpers/network.ts'
import { bytesOf, loaderOf } from './helpers.ts'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Peers } from '../../lib/share/peers.ts'

const limit = { timeout: 60_000 }
const id = encode(Buffer.alloc(32, 7))

test('new HyperDriveDL(opts) is a BaseDL', (t) => {
  const loader = new HyperDriveDL({ key: `hd://${id}` })
  t.ok(loader instanceof BaseDL)
  t.same(loader.opts, { key: `hd://${id}` })
  t.is(loader.client, null)
  for (const level of ['debug', 'info', 'warn', 'error'] as const)
    t.is(typeof loader.logger[level], 'function')
  t.end()
})

test('new HyperDriveDL(opts) with what is no key', async (t) => {
  const cases: [unknown, string][] = [
    [{}, 'KEY_OR_DRIVE_REQUIRED'],
    [{ keys: [] }, 'KEY_OR_DRIVE_REQUIRED'],
    [{ key: null, drive: null }, 'KEY_OR_DRIVE_REQUIRED'],
    [{ key: id }, 'KEY_INVALID'],
    [{ key: '' }, 'KEY_INVALID'],
    [{ key: `hyper://${id}` }, 'KEY_INVALID'],
    [{ key: `hd://${'ab'.repeat(31)}` }, 'KEY_INVALID'],
    [{ key: 3 }, 'KEY_INVALID'],
    [{ keys: [`hd://${id}`, 'hd://'] }, 'KEY_INVALID'],
    [{ keys: 'hd://' }, 'EINVAL'],
    [{ key: `hd://${id}`, timeout: -1 }, 'EINVAL'],
    [{ key: `hd://${id}`, version: 0 }, 'EINVAL'],
    [{ key: `hd://${id}`, version: {} }, 'EINVAL']
  ]
  for (const [opts, code] of cases) {
    const err = await failureOf(() => new HyperDriveDL(opts as object))
    t.is(err.code, code, JSON.stringify(opts))
  }
  const nothing = await failureOf(() => new HyperDriveDL(null as unknown as object))
  t.is(nothing.message, 'ERR_OPTS_INVALID', "BaseDL's own")
  for (const opts of [
    { key: `hd://${id}` },
    { key: `hd://0x${'ab'.repeat(32)}` },
    { key: `hd://${'ab'.repeat(32)}` },
    { key: `m:${id}`, prefix: 'm:' },
    { key: id, prefix: '' }
  ])
    t.ok(new HyperDriveDL(opts), JSON.stringify(opts))
})

test('ready() with a key that nobody has: CONNECTION_FAILED within the timeout', limit, async (t) => {
  const bootstrap = await network(t)
  const turn = async () => {
    const loader = loaderOf(t, { key: `hd://${id}`, bootstrap, timeout: 300 })
    const started = performance.now()
    const err = await failureOf(loader.ready())
    const took = performance.now() - started
    t.ok(err instanceof TransferError)
    t.is(err.code, 'CONNECTION_FAILED')
    t.is((await failureOf(loader.getStream('/a'))).code, 'CONNECTION_FAILED')
    return took
  }
  t.ok(await isFaster(10_000, turn))
})

test('key: what a provider shares', limit, async (t) => {
  const bootstrap = await network(t)
  const root = await folder(t)
  await mkdir(join(root, 'sub'))
  await writeFile(join(root, 'a.bin'), bytesOf(200_000))
  await writeFile(join(root, 'sub', 'b'), 'b')
  const { link, key } = await provide(t, root, { bootstrap })
  for (const text of [link, `hd://${key.toString('hex')}`, `hd://0x${key.toString('hex')}`]) {
    const loader = loaderOf(t, { key: text, bootstrap })
    await loader.ready()
    t.ok((await bytes(loader, 'a.bin')).equals(bytesOf(200_000)), text)
    t.same(await loader.list('/', { names: true }), ['a.bin', 'sub/b'])
    await loader.close()
  }
})

test('without a store a temporary one is removed at close', limit, async (t) => {
  const bootstrap = await network(t)
  const root = await folder(t)
  await writeFile(join(root, 'a'), 'text')
  const { link } = await provide(t, root, { bootstrap })
  const [tmp, diskPath] = [await folder(t), await folder(t)]
  const before = process.env['TMPDIR']
  process.env['TMPDIR'] = tmp
  cleanup(t, () => {
    if (before === undefined) delete process.env['TMPDIR']
    else process.env['TMPDIR'] = before
  })
  const loader = loaderOf(t, { key: link, bootstrap })
  await loader.ready()
  t.is((await readdir(tmp)).length, 1)
  const saved = async (name: string, opts: object) => {
    const download = await loader.download('/a', { diskPath: join(diskPath, name), ...opts })
    t.same(await download.await(), [{ file: '/a', error: null, cached: false }])
    return loader.cached('/a')
  }
  t.is(await saved('1', {}), false, 'what was saved to the disk takes no room in it')
  t.is(await saved('2', { keep: true }), true)
  await loader.close()
  t.same(await readdir(tmp), [])
  const nobody = loaderOf(t, { key: `hd://${id}`, bootstrap, timeout: 200 })
  await failureOf(nobody.ready())
  t.same(await readdir(tmp), [], 'also when it does not open')
})

test('store: keeps what was fetched, and stays open', limit, async (t) => {
  const bootstrap = await network(t)
  const root = await folder(t)
  await writeFile(join(root, 'a'), 'text')
  const provider = await provide(t, root, { bootstrap })
  const corestore = await store(t)
  const first = loaderOf(t, { key: provider.link, bootstrap, store: corestore })
  t.is(await first.cached('/a'), false)
  t.same(await (await first.download('/a')).await(), [{ file: '/a', error: null, cached: false }])
  t.is(await first.cached('/a'), true)
  await first.close()
  t.notOk(corestore.closed)
  await provider.close()
  const second = loaderOf(t, { key: provider.link, bootstrap, store: corestore, timeout: 500 })
  t.is(String(await bytes(second, '/a')), 'text', 'without the provider')
})

test('swarm: is used, and stays open', limit, async (t) => {
  const bootstrap = await network(t)
  const root = await folder(t)
  await writeFile(join(root, 'a'), 'text')
  const { link } = await provide(t, root, { bootstrap })
  const [{ default: Hyperswarm }, { default: HyperDHT }] = await Promise.all([
    import('hyperswarm'),
    import('hyperdht')
  ])
  const swarm = new Hyperswarm({ dht: new HyperDHT({ bootstrap, host: '127.0.0.1' }) })
  cleanup(t, () => swarm.destroy())
  const connected = once(swarm, 'connection')
  const loader = loaderOf(t, { key: link, swarm })
  t.is(String(await bytes(loader, '/a')), 'text')
  await connected
  await loader.close()
  t.is(swarm.connections.size, 1)
})

test('keys: several are read as one', limit, async (t) => {
  const bootstrap = await network(t)
  const [first, second] = [await folder(t), await folder(t)]
  await writeFile(join(first, 'a'), 'old')
  await writeFile(join(first, 'b'), 'only')
  const one = await provide(t, first, { bootstrap })
  await new Promise((resolve) => setTimeout(resolve, 5))
  await writeFile(join(second, 'a'), 'new')
  const two = await provide(t, second, { bootstrap })
  const loader = loaderOf(t, { keys: [one.link, two.link], bootstrap })
  t.same(await loader.list('/', { names: true }), ['a', 'b'])
  t.is(String(await bytes(loader, 'a')), 'new')
  t.is(String(await bytes(loader, 'b')), 'only')
  const known = await store(t)
  await loaderOf(t, { key: one.link, store: known, bootstrap }).ready()
  const missing = loaderOf(t, { key: one.link, keys: [`hd://${id}`], store: known, bootstrap, timeout: 500 })
  const err = await failureOf(missing.ready())
  t.is(err.code, 'CONNECTION_FAILED', 'each is needed')
  t.is(err.path, `hd://${id}`)
})

test('drive: a Hyperdrive, a Localdrive, a MultiDrive; it wins over key and stays open', limit, async (t) => {
  const drive = await hyperdrive(t)
  await drive.put('/a', 'hyper')
  const local = await localdrive(t)
  await local.put('/a', 'local')
  const multi = await multidrive(t, await hyperdrives(t, 2))
  await multi.put('/a', 'multi')
  for (const [given, text] of [
    [drive, 'hyper'],
    [local, 'local'],
    [multi, 'multi']
  ] as const) {
    const loader = loaderOf(t, { drive: given, key: 'no key' })
    t.is(String(await bytes(loader, 'a')), text)
    t.is(await loader.cached('a'), true)
    t.same(await loader.list(), [{ key: '/a', cached: true }])
    await loader.close()
    t.is(String(await given.get('/a')), text, 'it is open')
  }
  const twice = [loaderOf(t, { drive }), loaderOf(t, { drive })]
  for (const loader of twice) t.is(String(await bytes(loader, 'a')), 'hyper')
})

test('version', limit, async (t) => {
  const drive = await hyperdrive(t)
  await drive.put('/a', 'one')
  const { version } = drive
  await drive.put('/a', 'two')
  t.is(String(await bytes(loaderOf(t, { drive, version }), 'a')), 'one', 'of a drive')
  const multi = await multidrive(t, await hyperdrives(t, 2))
  await multi.put('/a', 'one')
  const text = multi.version
  await multi.put('/a', 'two')
  t.is(String(await bytes(loaderOf(t, { drive: multi, version: text }), 'a')), 'one', 'of a MultiDrive')
  const err = await failureOf(loaderOf(t, { drive: multi, version: 2 }).ready())
  t.is(err.code, 'EINVAL')
  t.is(String(await multi.get('/a')), 'two', 'which stays open')

  const bootstrap = await network(t)
  const peers = new Peers(drive.corestore, { bootstrap })
  cleanup(t, () => peers.close())
  await peers.announce(drive.discoveryKey)
  const link = `hd://${drive.id}`
  const loader = loaderOf(t, { key: link, version, bootstrap })
  t.is(String(await bytes(loader, 'a')), 'one', 'of a key')
  const target = await folder(t)
  const download = await loader.download('/', { diskPath: target })
  t.same(await download.await(), [{ file: '/a', error: null, cached: false }])
  const later = loaderOf(t, { key: link, version: 9, bootstrap, timeout: 300 })
  t.is((await failureOf(later.ready())).code, 'CONNECTION_FAILED', 'one that is not there yet')
})

test('getStream(path, { start, end, length })', limit, async (t) => {
  const drive = await hyperdrive(t)
  const all = bytesOf(300_000)
  await drive.put('/a', all)
  const loader = loaderOf(t, { drive })
  const read = async (opts: object) => Buffer.concat(await collect(await loader.getStream('a', opts)))
  t.ok((await read({})).equals(all))
  t.ok((await read({ start: 70_000 })).equals(all.subarray(70_000)))
  t.ok((await read({ start: 5, end: 70_000 })).equals(all.subarray(5, 70_001)), 'end is inclusive')
  t.ok((await read({ start: 5, length: 70_000 })).equals(all.subarray(5, 70_005)))
  t.is((await read({ start: 300_000 })).length, 0)
  t.is((await failureOf(read({ start: -1 }))).code, 'EINVAL')
})

test('getStream(path) stays on its version', limit, async (t) => {
  const drive = await hyperdrive(t)
  await drive.put('/a', bytesOf(200_000))
  const loader = loaderOf(t, { drive })
  const stream = await loader.getStream('/a')
  await drive.put('/a', 'other')
  t.ok(Buffer.concat(await collect(stream)).equals(bytesOf(200_000)))
})

test('getStream and getFileSize of what is no file: FILE_NOT_FOUND', limit, async (t) => {
  const drive = await hyperdrive(t)
  await drive.put('/folder/a', 'text')
  await drive.put('/empty', '')
  await drive.symlink('/link', 'folder/a')
  await drive.symlink('/broken', 'nothing')
  const loader = loaderOf(t, { drive })
  for (const path of ['/none', '/folder', '/folder/', '/', '.', '', '/broken', '/folder/a/b', '/\0']) {
    for (const call of [() => loader.getStream(path), () => loader.getFileSize(path)]) {
      const err = await failureOf(call)
      t.is(err.code, 'FILE_NOT_FOUND', JSON.stringify(path))
    }
  }
  t.match((await failureOf(loader.getStream('/folder'))).message, /"\/folder" \(it is a folder\)/)
  t.is(await loader.getFileSize('/folder/a'), 4)
  t.is(await loader.getFileSize('folder/../link'), 4)
  t.is(await loader.getFileSize('/empty'), 0)
  t.same(await collect(await loader.getStream('/empty')), [])
})

test('list(folder, { names })', limit, async (t) => {
  const drive = await hyperdrive(t)
  for (const path of ['/a', '/sub/ß/日本 1', '/sub/b', '/sub0']) await drive.put(path, path)
  await drive.symlink('/sub/link', 'b')
  await drive.symlink('/sub/broken', 'none')
  await drive.symlink('/sub/loop', 'loop')
  await drive.symlink('/folder', 'sub')
  await drive.symlink('/sub/folder', '..')
  const loader = loaderOf(t, { drive })
  const keys = ['/a', '/sub/b', '/sub/link', '/sub/ß/日本 1', '/sub0']
  t.same(
    await loader.list(),
    keys.map((key) => ({ key, cached: true }))
  )
  for (const { key } of await loader.list()) t.ok((await loader.getFileSize(key)) > 0, key)
  t.same(await loader.list('.'), await loader.list('/'))
  t.same(await loader.list('folder', { names: true }), await loader.list('sub', { names: true }))
  t.same(await loader.list('sub', { names: true }), ['b', 'link', 'ß/日本 1'])
  for (const path of ['/none', '/a']) t.is((await failureOf(loader.list(path))).code, 'FILE_NOT_FOUND', path)
  const empty = loaderOf(t, { drive: await hyperdrive(t) })
  t.same(await empty.list(), [])
})

test('cached(path) and deleteLocal(path?)', limit, async (t) => {
  const bootstrap = await network(t)
  const root = await folder(t)
  await mkdir(join(root, 'sub'))
  for (const name of ['a', 'sub/b', 'sub/c']) await writeFile(join(root, name), bytesOf(70_000, name.length))
  const { link } = await provide(t, root, { bootstrap })
  const loader = loaderOf(t, { key: link, bootstrap })
  const all = async () => [await loader.cached('a'), await loader.cached('sub'), await loader.cached('/')]
  t.same(await all(), [false, false, false])
  await (await loader.download('sub/b')).await()
  t.same([await loader.cached('sub/b'), await loader.cached('sub/')], [true, false])
  await (await loader.download('/')).await()
  t.same(await all(), [true, true, true])
  t.same(
    (await loader.list('sub')).map(({ cached }) => cached),
    [true, true]
  )
  t.is(await loader.deleteLocal('sub/b'), true)
  t.is(await loader.deleteLocal('sub/b'), false, 'there is nothing left')
  t.same(await all(), [true, false, false])
  t.is(await loader.deleteLocal(), true)
  t.same(await all(), [false, false, false])
  t.is(await loader.cached('none'), false)
  t.is((await failureOf(loader.deleteLocal('none'))).code, 'FILE_NOT_FOUND')
  t.ok((await bytes(loader, 'a')).equals(bytesOf(70_000, 1)), 'it is fetched again')
})

test('deleteLocal() leaves what may be nowhere else', limit, async (t) => {
  const drive = await hyperdrive(t)
  await drive.put('/a', 'text')
  t.is(await loaderOf(t, { drive }).deleteLocal(), false)
  const bootstrap = await network(t)
  const key = `hd://${drive.id}`
  const loader = loaderOf(t, { key, store: drive.corestore, bootstrap, timeout: 300 })
  t.is(await loader.deleteLocal(), false, 'also by its key')
  t.is(String(await drive.get('/a')), 'text')
})

test('before ready() it opens by itself, after close() all is DRIVE_NOT_READY', limit, async (t) => {
  const drive = await hyperdrive(t)
  await drive.put('/a', 'text')
  const loader = new HyperDriveDL({ drive })
  t.is(await loader.getFileSize('/a'), 4)
  t.ok(loader.client instanceof MultiDrive)
  await loader.close()
  t.is(loader.client, null)
  const calls = {
    getStream: () => loader.getStream('/a'),
    getFileSize: () => loader.getFileSize('/a'),
    list: () => loader.list(),
    cached: () => loader.cached('/a'),
    download: () => loader.download('/a'),
    deleteLocal: () => loader.deleteLocal()
  }
  for (const [name, call] of Object.entries(calls))
    t.is((await failureOf(call)).code, 'DRIVE_NOT_READY', name)
  const unopened = new HyperDriveDL({ drive })
  await unopened.close()
  t.is((await failureOf(unopened.list())).code, 'DRIVE_NOT_READY')
})

async function bytes(loader: HyperDriveDL, path: string): Promise<Buffer> {
  return Buffer.concat(await collect(await loader.getStream(path)))
}
