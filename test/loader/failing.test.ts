/** Drives that fail, that are not open, or of which not all can be reached. */
import { once } from 'node:events'
import test from 'tape'
import { HyperDriveDL } from '../../lib/loader/index.ts'
import { encode } from 'hypercore-id-encoding'
import { failureOf, folder, hyperdrive, link, over, store } from '../helpers/drives.ts'
import { network, provide } from '../helpers/network.ts'
import { loaderOf } from './helpers.ts'

const limit = { timeout: 60_000 }
const id = encode(Buffer.alloc(32, 7))

test('a drive that fails is never told as a file that is not there', limit, async (t) => {
  const real = await hyperdrive(t)
  await real.put('/m/a', 'text')
  for (const code of ['EIO', 'ENOENT', 'ENOTDIR']) {
    const broken = Object.assign(new Error(`${code}: the disk broke`), { code })
    const fails = () => {
      throw broken
    }
    const drive = over(real, {
      entry: fails,
      list: fails,
      readdir: fails,
      get: fails,
      createReadStream: fails
    })
    const loader = loaderOf(t, { drive })
    const calls = {
      getStream: () => loader.getStream('/m/a'),
      getFileSize: () => loader.getFileSize('/m/a'),
      list: () => loader.list('/m'),
      cached: () => loader.cached('/m/a'),
      file: () => loader.download('/m/a'),
      folder: () => loader.download('/m/'),
      deleteLocal: () => loader.deleteLocal('/m')
    }
    for (const [name, call] of Object.entries(calls)) {
      const err = await failureOf(call)
      t.is(err.code, 'DOWNLOAD_FAILED', `${name}, ${code}`)
      let cause = err
      while (cause && cause !== broken) cause = cause.cause
      t.is(cause, broken, 'which says why')
    }
  }
})

test('what a drive has said nothing of is waited for as long as timeout', limit, async (t) => {
  const theirs = await hyperdrive(t)
  for (let i = 0; i < 200; i++) await theirs.put(`/m/${i}`, 'text')
  const corestore = await store(t)
  const copy = await hyperdrive(t, { store: corestore, key: theirs.key })
  const unlink = link(theirs.corestore, corestore)
  await once(copy.core, 'append')
  await unlink()
  const loader = loaderOf(t, { drive: copy, timeout: 300 })
  for (const call of [
    () => loader.list('/m'),
    () => loader.download('/m/'),
    () => loader.getStream('/m'),
    () => loader.download('/m/7'),
    () => loader.download('/'),
    () => loader.deleteLocal('/m/')
  ]) {
    const err = await failureOf(call)
    t.is(err.code, 'CONNECTION_FAILED', String(call))
  }
})

test('a drive that answers nothing is waited for as long as timeout', limit, async (t) => {
  const real = await hyperdrive(t)
  const never = () => new Promise(() => undefined)
  const drive = over(real, {
    entry: never,
    list: () => ({ [Symbol.asyncIterator]: () => ({ next: never }) })
  })
  const loader = loaderOf(t, { drive, timeout: 200 })
  for (const call of [
    () => loader.list('/m'),
    () => loader.download('/m/'),
    () => loader.getStream('/m'),
    () => loader.cached('/m')
  ])
    t.is((await failureOf(call)).code, 'CONNECTION_FAILED', String(call))
})

test('a drive that is closed: DRIVE_NOT_READY', limit, async (t) => {
  const drive = await hyperdrive(t)
  await drive.close()
  const loader = loaderOf(t, { drive })
  for (const call of [() => loader.ready(), () => loader.list()]) {
    const err = await failureOf(call)
    t.is(err.code, 'DRIVE_NOT_READY')
    t.match(err.message, /the drive that was given is closed/)
  }
})

test('close() while it opens ends the search at once', limit, async (t) => {
  const bootstrap = await network(t)
  const loader = new HyperDriveDL({ key: `hd://${id}`, bootstrap, timeout: 0 })
  const opening = failureOf(loader.ready())
  await new Promise((resolve) => setImmediate(resolve))
  await loader.close()
  const err = await opening
  t.is(err.code, 'DRIVE_NOT_READY')
  t.match(err.message, /the loader was closed/)
  t.is((await failureOf(loader.list())).code, 'DRIVE_NOT_READY')
})

test('timeout: Infinity waits without bound', limit, async (t) => {
  const bootstrap = await network(t)
  const loader = new HyperDriveDL({ key: `hd://${id}`, bootstrap, timeout: Infinity })
  let ended = false
  const opening = failureOf(loader.ready()).finally(() => (ended = true))
  await new Promise((resolve) => setTimeout(resolve, 500))
  t.notOk(ended)
  await loader.close()
  await opening
})

test('one key twice is one drive', limit, async (t) => {
  const bootstrap = await network(t)
  const { link: text, key } = await provide(t, await folder(t), { bootstrap })
  const loader = loaderOf(t, { keys: [text, `hd://${key.toString('hex')}`], bootstrap })
  await loader.ready()
  t.is(loader.client!.drives.length, 1)
})

test('many loaders at once are no leak', limit, async (t) => {
  const bootstrap = await network(t)
  const warnings: Error[] = []
  const listen = (warning: Error) => warnings.push(warning)
  process.on('warning', listen)
  const loaders = Array.from({ length: 12 }, () =>
    loaderOf(t, { key: `hd://${id}`, bootstrap, timeout: 300 })
  )
  await Promise.all(loaders.map((loader) => failureOf(loader.ready())))
  await new Promise((resolve) => setImmediate(resolve))
  process.off('warning', listen)
  t.same(
    warnings.map(({ message }) => message),
    []
  )
})
