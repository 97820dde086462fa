import test from 'tape'
import { isFaster } from '../helpers/clock.ts'
import { collect, failureOf, hyperdrive, keys, link, multidrive, store } from '../helpers/drives.ts'
import { alone, together, unsynced, until, whole, within } from './links.ts'

const QUICK = 5000
const MB = 1 << 20

/** A copy that is whole while no byte of its files is here, its peers gone. */
async function metadataOnly(t: test.Test) {
  const [theirs, ours] = [await store(t), await store(t)]
  const author = await hyperdrive(t, { store: theirs })
  await author.put('/small', 'small')
  await author.put('/empty', '')
  await author.put('/big', Buffer.alloc(MB, 7))
  await author.symlink('/link', '/small')
  const copy = await hyperdrive(t, { store: ours, key: author.key })
  const multi = await multidrive(t, [await hyperdrive(t, { store: ours }), copy])
  const connect = () => link(theirs, ours)
  const unlink = connect()
  await whole(copy, author)
  await copy.getBlobs()
  const cut = async () => {
    await unlink()
    await alone(copy)
  }
  return { theirs, ours, author, copy, multi, connect, cut }
}

test('bytes that are not here: wait: false gives BLOCK_NOT_AVAILABLE, naming drive and path', async (t) => {
  const { copy, multi, cut } = await metadataOnly(t)
  await cut()
  for (const path of ['/small', '/big']) {
    for (const call of [
      () => multi.get(path, { wait: false }),
      () => collect(multi.createReadStream(path, { wait: false })),
      () => collect(multi.createReadStream(path, { wait: false, start: 1, length: 2 }))
    ]) {
      const err = await within(QUICK, path, failureOf(call()))
      t.same([err.code, err.drive === copy, err.path], ['BLOCK_NOT_AVAILABLE', true, path])
      t.ok(err.message.includes(copy.id) && err.message.includes(path), err.message)
    }
  }
  t.equal(
    (await within(QUICK, 'entry', multi.entry('/big')))?.value.blob?.byteLength,
    MB,
    'the entry is here'
  )
  t.same(await within(QUICK, 'get', multi.get('/empty')), Buffer.alloc(0), 'and no bytes are needed for none')
  t.equal(await within(QUICK, 'get', multi.get('/link')), null)
})

test('bytes that are not here: timeout gives REQUEST_TIMEOUT within about its time', async (t) => {
  const { copy, multi, cut } = await metadataOnly(t)
  await cut()
  for (const call of [
    () => multi.get('/big', { timeout: 600 }),
    () => collect(multi.createReadStream('/big', { timeout: 600 }))
  ]) {
    const turn = async () => {
      const started = performance.now()
      const err = await within(5000, 'the read', failureOf(call()))
      const took = performance.now() - started
      t.same([err.code, err.drive === copy, err.path], ['REQUEST_TIMEOUT', true, '/big'])
      t.ok(took >= 590, `after ${Math.round(took)} ms`)
      return took
    }
    t.ok(await isFaster(5000, turn))
  }
})

test('bytes that are not here come when a peer does', async (t) => {
  const { copy, multi, connect, cut } = await metadataOnly(t)
  await cut()
  const reading = Promise.all([multi.get('/small'), collect(multi.createReadStream('/big'))])
  await new Promise(setImmediate)
  t.same(
    await within(QUICK, 'list', keys(multi)),
    ['/big', '/empty', '/link', '/small'],
    'others read on meanwhile'
  )
  connect()
  await together(copy)
  const [small, big] = await within(10_000, 'the reads', reading)
  t.equal(String(small), 'small')
  t.ok(Buffer.concat(big).equals(Buffer.alloc(MB, 7)))
})

test('a stream that waits for bytes can be destroyed', async (t) => {
  const { multi, cut } = await metadataOnly(t)
  await cut()
  const stream = multi.createReadStream('/big')
  stream.resume()
  await new Promise(setImmediate)
  const closed = new Promise<void>((resolve) => stream.once('close', resolve))
  stream.destroy()
  await within(QUICK, 'destroy', closed)
  t.ok(stream.destroyed)
})

test('bytes of a drive whose blobs were never found: coded errors, no hang', async (t) => {
  // Its header block says where its bytes are, and has not come.
  const [theirs, ours] = [await store(t), await store(t)]
  const author = await hyperdrive(t, { store: theirs })
  await author.put('/x', 'x')
  const copy = await hyperdrive(t, { store: ours, key: author.key })
  const multi = await multidrive(t, [await hyperdrive(t, { store: ours })])
  await multi.addDrive(copy, { sparse: true })
  const unlink = link(theirs, ours)
  await until(copy.core, ['append'], () => copy.core.length === author.core.length)
  const entry = (await multi.entry('/x'))!
  await unlink()
  await alone(copy)
  const now = await within(QUICK, 'get', failureOf(multi.get(entry, { wait: false })))
  t.same([now.code, now.drive === copy, now.path], ['BLOCK_NOT_AVAILABLE', true, '/x'])
  const late = await within(5000, 'get', failureOf(multi.get(entry, { timeout: 300 })))
  t.same([late.code, late.drive === copy, late.path], ['REQUEST_TIMEOUT', true, '/x'])
  t.same(unsynced(multi), [])
})

test('what was read once is read again without peers', async (t) => {
  const { multi, cut } = await metadataOnly(t)
  t.equal((await multi.get('/big'))!.byteLength, MB)
  await cut()
  t.equal((await within(QUICK, 'get', multi.get('/big', { wait: false })))!.byteLength, MB)
})

test('a path whose bytes are away can be overwritten', async (t) => {
  const { copy, multi, cut } = await metadataOnly(t)
  await cut()
  const err = await within(QUICK, 'get', failureOf(multi.get('/small', { wait: false })))
  t.equal(err.drive, copy)
  const written = await within(
    5000,
    'put',
    multi.put('/small', 'ours').then(() => multi.get('/small'))
  )
  t.equal(String(written), 'ours')
})
