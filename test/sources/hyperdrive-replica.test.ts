import type Hyperdrive from 'hyperdrive'
import test, { type Test } from 'tape'
import type { Blob } from '../../index.ts'
import { Clearing } from '../../lib/sources/clearing.ts'
import type { Candidate } from '../../lib/sources/source.ts'
import { within } from '../availability/links.ts'
import { copyOf, putMapped } from '../helpers/copies.ts'
import { cleanup, failureOf, hyperdrive, localdrive, multidrive } from '../helpers/drives.ts'
import { candidateOf } from '../overlay/helpers.ts'

const QUICK = 5000
const LONG = 20_000
const BLOCK = 65536
const BYTES = Buffer.from(
  Array.from({ length: 4 * BLOCK + 100 }, (_, i) => (i * 7 + (i >> 8) * 3 + (i >> 16) * 5) & 255)
)

const fill = async (author: Hyperdrive) => {
  await author.put('/run', BYTES)
  await putMapped(author, '/map', BYTES)
  await author.put('/empty', '')
  await author.symlink('/link', '/run')
}

const replicaOf = async (t: Test, drive: any, key: string) => (await candidateOf(t, drive, key)).replica!

const NONE = { localBlocks: 0, localBytes: 0 }

test('replica is left out where there is nothing to fetch', async (t) => {
  const { copy } = await copyOf(t, fill)
  t.equal((await candidateOf(t, copy, '/empty')).replica, undefined)
  t.equal((await candidateOf(t, copy, '/link')).replica, undefined)
  const local = await localdrive(t)
  await local.put('/file', 'bytes')
  t.equal((await candidateOf(t, local, '/file')).replica, undefined)
})

test('presence() and isWhole() tell what is here, and ask nobody', async (t) => {
  const { copy, author } = await copyOf(t, fill)
  const run = await replicaOf(t, copy, '/run')
  t.same(await run.presence(), { blocks: 5, bytes: BYTES.length, ...NONE })
  t.equal(await run.isWhole(), false)
  const blob: Blob = (await copy.entry('/run')).value.blob
  await copy.blobs.get({ ...blob, blockOffset: blob.blockOffset + 4, blockLength: 1 })
  t.same(await run.presence(), { blocks: 5, bytes: BYTES.length, localBlocks: 1, localBytes: 100 }, 'the end')
  await copy.blobs.core.get(blob.blockOffset)
  t.same(await run.presence(), { blocks: 5, bytes: BYTES.length, localBlocks: 2, localBytes: BLOCK + 100 })
  await copy.get('/run')
  t.same(await run.presence(), { blocks: 5, bytes: BYTES.length, localBlocks: 5, localBytes: BYTES.length })
  t.equal(await run.isWhole(), true)
  t.equal(await (await replicaOf(t, author, '/run')).isWhole(), true, 'with its author')
})

test('presence() of a file that was cut in any way looks at its blocks', async (t) => {
  const { copy } = await copyOf(t, async (author) => {
    const blobs = await author.getBlobs()
    const blob = await blobs.put(BYTES, { blockSize: 50_000 })
    await author.putEntry('/odd', { blob })
  })
  const odd = await replicaOf(t, copy, '/odd')
  t.same(await odd.presence(), { blocks: 6, bytes: BYTES.length, ...NONE })
  const blob: Blob = (await copy.entry('/odd')).value.blob
  await copy.blobs.core.get(blob.blockOffset + 1)
  t.same(await odd.presence(), { blocks: 6, bytes: BYTES.length, localBlocks: 1, localBytes: 50_000 })
})

test('presence() of a block map counts what it lists', async (t) => {
  const { copy, cut } = await copyOf(t, fill)
  await cut()
  // Nobody knows of how many blocks it is until its map is here.
  const unknown = await (await replicaOf(t, copy, '/map')).presence()
  t.same([unknown.localBlocks, unknown.localBytes], [0, 0])
  t.equal(await (await replicaOf(t, copy, '/map')).isWhole(), false)
})

test('a block map: partly here, then whole', async (t) => {
  const { copy } = await copyOf(t, fill)
  const { blob } = (await copy.entry('/map')).value
  t.equal(blob.blockMap, true)
  const map = await copy.blobs.getBlockMap(blob)
  const map1 = await replicaOf(t, copy, '/map')
  t.same(await map1.presence(), { blocks: 6, bytes: BYTES.length, localBlocks: 1, localBytes: 0 }, 'its map')
  await copy.blobs.core.get(map.blocks[1].index)
  t.same(await map1.presence(), { blocks: 6, bytes: BYTES.length, localBlocks: 2, localBytes: BLOCK })
  t.equal(await map1.isWhole(), false)
  await within(LONG, 'fetch', map1.fetch())
  t.same(await map1.presence(), { blocks: 6, bytes: BYTES.length, localBlocks: 6, localBytes: BYTES.length })
  t.equal(await map1.isWhole(), true)
})

for (const path of ['/run', '/map']) {
  test(`fetch() brings all of it and tells of the bytes as they come (${path})`, async (t) => {
    const { copy, cut } = await copyOf(t, fill)
    const replica = await replicaOf(t, copy, path)
    let bytes = 0
    await within(LONG, 'fetch', replica.fetch({ onbytes: (count) => (bytes += count) }))
    t.equal(bytes, BYTES.length)
    await cut()
    t.ok(BYTES.equals(await (await candidateOf(t, copy, path)).readAll({ wait: false })))
    await within(QUICK, 'again', replica.fetch({ wait: false }))
    t.equal(copy.blobs.core.listenerCount('download'), 0, 'nobody listens any more')
  })

  test(`fetch() that cannot be: wait: false, timeout, a signal (${path})`, async (t) => {
    const { copy, cut, connect } = await copyOf(t, fill)
    await cut()
    const replica = await replicaOf(t, copy, path)
    t.equal((await failureOf(replica.fetch({ wait: false }))).code, 'BLOCK_NOT_AVAILABLE')
    t.equal((await within(QUICK, 'fetch', failureOf(replica.fetch({ timeout: 50 })))).code, 'REQUEST_TIMEOUT')
    const stop = new AbortController()
    const reason = new Error('enough')
    const fetching = failureOf(replica.fetch({ signal: stop.signal }))
    await new Promise(setImmediate)
    stop.abort(reason)
    t.equal(await within(QUICK, 'fetch', fetching), reason)
    t.equal(
      await within(QUICK, 'fetch', failureOf(replica.fetch({ signal: stop.signal }))),
      reason,
      'at once'
    )
    t.equal(copy.blobs.core.listenerCount('download'), 0)
    await connect()
    await within(LONG, 'fetch', replica.fetch())
    t.equal(await replica.isWhole(), true)
  })

  test(`fetch() fails when the drive closes (${path})`, async (t) => {
    const { copy, cut } = await copyOf(t, fill)
    await cut()
    const fetching = failureOf((await replicaOf(t, copy, path)).fetch())
    await new Promise(setImmediate)
    await copy.close()
    t.equal((await within(QUICK, 'fetch', fetching)).code, 'SESSION_CLOSED')
  })
}

test('a map that is none, and blocks that cannot be, are not here', async (t) => {
  const { copy } = await copyOf(t, async (author) => {
    const blobs = await author.getBlobs()
    const blob = await blobs.put(Buffer.from('no map'))
    await author.putEntry('/none', { blob: { ...blob, blockMap: true } })
    await author.putEntry('/far', { blob: { ...blob, blockLength: 2 ** 40, byteLength: 2 ** 50 } })
  })
  const none = await replicaOf(t, copy, '/none')
  t.equal((await within(QUICK, 'fetch', failureOf(none.fetch()))).code, 'DRIVE_FAILED')
  t.equal(await none.isWhole(), false)
  t.equal((await none.presence()).localBytes, 0)
  const far = await replicaOf(t, copy, '/far')
  t.same(await within(QUICK, 'presence', far.presence()), {
    blocks: 2 ** 40,
    bytes: 2 ** 50,
    localBlocks: 1,
    localBytes: 6
  })
  t.equal(await far.isWhole(), false)
  t.equal((await within(QUICK, 'fetch', failureOf(far.fetch({ timeout: 200 })))).code, 'REQUEST_TIMEOUT')
  const clearing = new Clearing()
  far.clear(clearing)
  t.equal(await within(QUICK, 'clear', clearing.run()), 1)
})

/** Takes away the bytes of some files at once. */
async function clear(...candidates: Candidate[]): Promise<number> {
  const clearing = new Clearing()
  for (const { replica } of candidates) replica?.clear(clearing)
  return clearing.run()
}

for (const path of ['/run', '/map']) {
  test(`clear() takes it from this machine, and it can be fetched again (${path})`, async (t) => {
    const { copy } = await copyOf(t, fill)
    const candidate = await candidateOf(t, copy, path)
    await within(LONG, 'fetch', candidate.replica!.fetch())
    t.equal(await clear(candidate), path === '/run' ? 5 : 6)
    t.same((await candidate.replica!.presence()).localBlocks, 0)
    t.equal(await clear(candidate), 0, 'once')
    await within(LONG, 'fetch', candidate.replica!.fetch())
    t.ok(BYTES.equals(await candidate.readAll({ wait: false })))
  })
}

test('clear() of a drive of one’s own leaves blocks that another current entry has', async (t) => {
  const drive = await hyperdrive(t)
  const multi = await multidrive(t, [drive])
  await multi.put('/a', BYTES)
  await multi.promises.copyFile('/a', '/copy')
  await multi.put('/edited', BYTES)
  await multi.promises.copyFile('/edited', '/before')
  await multi.promises.appendFile('/edited', 'more')
  t.equal((await drive.entry('/edited')).value.blob.blockMap, true)

  t.equal(await clear(await candidateOf(t, drive, '/a')), 0, 'all of it is the copy’s too')
  t.ok(BYTES.equals(await multi.get('/copy', { wait: false }).then((bytes) => bytes!)))
  t.equal(await clear(await candidateOf(t, drive, '/edited')), 2, 'its map, and its own end')
  t.ok(BYTES.equals(await multi.get('/before', { wait: false }).then((bytes) => bytes!)))
  const both = [await candidateOf(t, drive, '/a'), await candidateOf(t, drive, '/copy')]
  t.equal(await clear(...both), 5, 'both together share with nobody')
  t.equal((await failureOf(multi.get('/copy', { wait: false }))).code, 'BLOCK_NOT_AVAILABLE')
})

test('clear() leaves bytes that a write is about to name again', async (t) => {
  const drive = await hyperdrive(t)
  await drive.put('/a', BYTES)
  const candidate = await candidateOf(t, drive, '/a')
  const leaf = candidate.leaf as any
  const staged = await leaf.reuse(candidate)
  t.equal(await clear(candidate), 0)
  await staged.discard()
  t.equal(await clear(candidate), 5, 'until it is given up')
})

test('clear() leaves a checkout of a drive of one’s own alone', async (t) => {
  const drive = await hyperdrive(t)
  await drive.put('/a', BYTES)
  const { version } = drive
  await drive.put('/b', 'b')
  const checkout = drive.checkout(version)
  await checkout.ready()
  cleanup(t, () => checkout.close())
  t.equal(await clear(await candidateOf(t, checkout, '/a')), 0)
  t.ok(BYTES.equals(await drive.get('/a', { wait: false })))
})
