import { join } from 'node:path'
import { encode } from 'hypercore-id-encoding'
import test from 'tape'
import { HyperDriveDL } from '../../lib/loader/index.ts'
import {
  cleanup,
  collect,
  failureOf,
  folder,
  hyperdrive,
  localdrive,
  multidrive,
  uncaught
} from '../helpers/drives.ts'
import { loaderOf, remote, whole } from './helpers.ts'

const limit = { timeout: 60_000 }
const key = `hd://${encode(Buffer.alloc(32, 7))}`

test('new HyperDriveDL(opts) with an option that is none: EINVAL at once', (t) => {
  const methods = (...names: string[]) => Object.fromEntries(names.map((name) => [name, () => undefined]))
  const bad: object[] = [
    ...[5, {}, 'folder', [], methods('entry', 'list')].map((drive) => ({ drive })),
    ...[5, {}, './store', methods('ready', 'close')].map((store) => ({ key, store })),
    ...[5, {}, methods('join', 'on', 'off', 'flush')].map((swarm) => ({ key, swarm })),
    ...[5, 'h:1', ['x'], ['h:p'], ['h:0'], ['h:70000'], [':1'], [null], [{ host: 'h' }], [{ port: 1 }]].map(
      (bootstrap) => ({ key, bootstrap })
    ),
    { key, bootstrap: [{ host: 'h', port: '1' }] },
    { key, prefix: 5 },
    ...['', '5', -1, NaN, {}].map((timeout) => ({ key, timeout })),
    ...[0, -1, 1.5, {}, true].map((version) => ({ key, version })),
    { keys: [key, `hd://${encode(Buffer.alloc(32, 8))}`], version: 3 },
    ...[5, 'log', {}, { info: 5 }].map((logger) => ({ key, logger }))
  ]
  for (const opts of bad) {
    let err: unknown
    try {
      new HyperDriveDL(opts)
    } catch (thrown) {
      err = thrown
    }
    const { code, message } = (err ?? {}) as { code?: string; message?: string }
    t.is(code, 'EINVAL', JSON.stringify(opts))
    t.match(message ?? '', /^EINVAL: invalid argument \(/)
  }
  t.end()
})

test('new HyperDriveDL(opts) with options that are not given, or as others have them', (t) => {
  const none = {
    drive: null,
    keys: null,
    store: null,
    swarm: null,
    bootstrap: null,
    prefix: null,
    timeout: null,
    version: null,
    logger: null
  }
  t.ok(new HyperDriveDL({ key, ...none } as unknown as { key: string }))
  t.ok(new HyperDriveDL({ key, bootstrap: [] }))
  const bootstrap = ['node.example:49737', '10.0.0.1@node.example:1', { host: '::1', port: 65_535 }]
  t.ok(new HyperDriveDL({ key, bootstrap }))
  t.ok(new HyperDriveDL({ key, logger: console }))
  t.end()
})

test('a timeout of null is the default, not 0 or 1 ms', limit, async (t) => {
  const drive = await hyperdrive(t)
  await drive.put('/a', 'text')
  t.is(await loaderOf(t, { drive, timeout: null as unknown as number }).getFileSize('/a'), 4)
})

test('a timeout that is longer than any timer is none', limit, async (t) => {
  const bytes = Buffer.alloc(200_000, 'away')
  const files = { '/a': bytes, '/b': Buffer.alloc(200_000, 'b'), '/c': Buffer.alloc(200_000, 'c') }
  for (const timeout of [2 ** 31, Infinity]) {
    const { loader } = await remote(t, files)
    const read = await collect(await loader.getStream('/a', { timeout, start: 1 }))
    t.ok(Buffer.concat(read).equals(bytes.subarray(1)))
    const diskPath = join(await folder(t), 'disk')
    t.same(await (await loader.download('/b', { timeout })).await(), whole('/b'))
    t.same(await (await loader.download('/c', { timeout, diskPath })).await(), whole('/c'))
  }
})

test('download(path, opts) with an option that is none: EINVAL', limit, async (t) => {
  const drive = await hyperdrive(t)
  await drive.put('/a', 'text')
  const loader = loaderOf(t, { drive })
  const update = () => undefined
  const bad = [
    5,
    'folder',
    { diskPath: 5 },
    { diskPath: '' },
    { diskPath: 'a\0b' },
    { keep: 1 },
    { concurrency: 0 },
    { concurrency: '2' },
    { timeout: -1 },
    { timeout: '5' },
    { progressReportInterval: -1 },
    { progressReportInterval: '5' },
    { progressCallback: 5 },
    { progressCallback: {} },
    { progressReporter: 5 },
    { progressReporter: {} },
    { progressReporter: { update } },
    { progressReporter: { update, completeFile: 5 } },
    { progressReporter: { update, completeFile: update, progressReportInterval: -1 } },
    { update }
  ]
  for (const opts of bad)
    t.is((await failureOf(loader.download('/a', opts as object))).code, 'EINVAL', JSON.stringify(opts))
  const none = { diskPath: null, keep: null, concurrency: null, timeout: null, progressCallback: null }
  for (const opts of [null, undefined, {}, none]) {
    const download = await loader.download('/a', opts)
    t.same(await download.await(), [{ file: '/a', error: null, cached: true }])
  }
})

test('a progressCallback that throws fails no file: it is an uncaught exception', limit, async (t) => {
  const drive = await hyperdrive(t)
  await drive.put('/a', 'text')
  const failure = uncaught(t)
  const download = await loaderOf(t, { drive }).download('/a', {
    diskPath: await folder(t),
    progressCallback({ filesProcessed }) {
      if (filesProcessed === 1) throw new Error('of the callback')
    }
  })
  t.same(await download.await(), [{ file: '/a', error: null, cached: false }])
  t.is((await failure).message, 'of the callback')
})

test('a path that is no text: EINVAL', limit, async (t) => {
  const drive = await hyperdrive(t)
  await drive.put('/a', 'text')
  const loader = loaderOf(t, { drive })
  const any = loader as unknown as Record<string, (...args: unknown[]) => Promise<unknown>>
  for (const name of ['getStream', 'getFileSize', 'cached', 'download'])
    for (const path of [undefined, null, 5, {}])
      t.is(
        (await failureOf(any[name]!.call(loader, path))).code,
        'EINVAL',
        `${name}(${JSON.stringify(path)})`
      )
  for (const name of ['list', 'deleteLocal'])
    for (const path of [null, 5, { names: true }])
      t.is(
        (await failureOf(any[name]!.call(loader, path))).code,
        'EINVAL',
        `${name}(${JSON.stringify(path)})`
      )
  for (const opts of [5, 'names', { names: 5 }])
    t.is((await failureOf(any['list']!.call(loader, '/', opts))).code, 'EINVAL', JSON.stringify(opts))
  t.same(await any['list']!.call(loader, '/', null), [{ key: '/a', cached: true }])
})

test('getStream(path, opts) with an option that is none: EINVAL', limit, async (t) => {
  const drive = await hyperdrive(t)
  await drive.put('/a', 'text')
  const loader = loaderOf(t, { drive })
  const stream = (opts: unknown) => loader.getStream('/a', opts as object)
  const bad = [
    5,
    { length: -1 },
    { start: -1 },
    { end: -1 },
    { start: 1.5 },
    { length: '2' },
    { timeout: -1 },
    { timeout: '5' }
  ]
  for (const opts of bad) t.is((await failureOf(stream(opts))).code, 'EINVAL', JSON.stringify(opts))
  for (const opts of [null, undefined, {}, { start: null, length: undefined }]) {
    const chunks = await collect(await stream(opts))
    t.is(Buffer.concat(chunks).toString(), 'text')
  }
})

test('ready() after close(): DRIVE_NOT_READY', limit, async (t) => {
  const drive = await hyperdrive(t)
  const opened = new HyperDriveDL({ drive })
  await opened.ready()
  await opened.close()
  t.is((await failureOf(opened.ready())).code, 'DRIVE_NOT_READY')
  const unopened = new HyperDriveDL({ drive })
  await unopened.close()
  t.is((await failureOf(unopened.ready())).code, 'DRIVE_NOT_READY')
})

test('version: one that a given drive has not come to', limit, async (t) => {
  const drive = await hyperdrive(t)
  await drive.put('/a', 'text')
  for (const timeout of [0, 500]) {
    const loader = loaderOf(t, { drive, version: 9999, timeout })
    const err = await failureOf(loader.ready())
    t.is(err.code, 'DRIVE_NOT_READY')
    t.match(err.message, /version 9999.*up to 2/)
    t.is((await failureOf(loader.getFileSize('/a'))).code, 'DRIVE_NOT_READY')
  }
  t.is(await loaderOf(t, { drive, version: drive.version }).getFileSize('/a'), 4)
  const past = drive.checkout(1)
  cleanup(t, () => past.close())
  t.is((await failureOf(loaderOf(t, { drive: past, version: 2 }).ready())).code, 'DRIVE_NOT_READY')
})

test('version: of folders, which have none', limit, async (t) => {
  const local = await localdrive(t)
  await local.put('/a', 'text')
  for (const version of [1, 9999, 'text']) {
    const err = await failureOf(loaderOf(t, { drive: local, version }).ready())
    t.is(err.code, 'EINVAL', String(version))
    t.match(err.message, /no versions/)
  }
})

test('version: a text that is none, or of other drives', limit, async (t) => {
  const multi = await multidrive(t, [await hyperdrive(t)])
  await multi.put('/a', 'text')
  const other = await multidrive(t, [await hyperdrive(t)])
  await other.put('/a', 'text')
  t.is((await failureOf(loaderOf(t, { drive: multi, version: 'x' }).ready())).code, 'EINVAL')
  const err = await failureOf(loaderOf(t, { drive: multi, version: other.version }).getFileSize('/a'))
  t.is(err.code, 'DRIVE_NOT_READY')
  t.match(err.message, /VERSION_NOT_AVAILABLE/)
})
