import { setTimeout as sleep } from 'node:timers/promises'
import test, { type Test } from 'tape'
import { BlobReader } from '../../lib/sources/hyperdrive/blob-reader.ts'
import type { BlobId } from '../../lib/sources/hyperdrive/types.ts'
import { within } from '../availability/links.ts'
import { before, copyOf } from '../helpers/copies.ts'
import { collect, failureOf, hyperdrive, multidrive } from '../helpers/drives.ts'
import { randoms } from '../helpers/randoms.ts'
import { byteRow } from '../suites/fs-open-file.ts'

const BLOCK = 1 << 16
const LONG = 20_000
const SIZES = [1, 7, 1000, BLOCK, 3 * BLOCK]

const read = async (core: any, blob: any, opts: object = {}): Promise<Buffer> =>
  Buffer.concat(await collect(new BlobReader(core, blob, opts).read()))

/** Parts of so many bytes: the whole, its ends, and some by chance. */
function* partsOf(size: number): Generator<{ start: number; length: number }> {
  yield { start: 0, length: size }
  yield { start: size - 1, length: 1 }
  yield { start: 0, length: 1 }
  const random = randoms(size)
  const below = (end: number) => Math.floor(random.next().value * end)
  for (let i = 0; i < 12; i++) {
    const start = below(size)
    yield { start, length: below(size - start + 1) }
  }
}

/** Counts the reads of a core's storage, and the blocks that they found. */
function countReads(core: any): { reads: number; blocks: number } {
  const count = { reads: 0, blocks: 0 }
  const { storage } = core.state
  const begin = storage.read.bind(storage)
  storage.read = () => {
    const reading = begin()
    const get = reading.getBlock.bind(reading)
    count.reads++
    reading.getBlock = async (index: number) => {
      const block = await get(index)
      if (block !== null) count.blocks++
      return block
    }
    return reading
  }
  return count
}

/** A blob of someone else between others, with none of its bytes here. */
async function remote(t: Test, bytes: Buffer, blockSize = BLOCK) {
  let blob!: BlobId
  const drives = await copyOf(t, async (author) => {
    await author.put('/before', byteRow(100))
    blob = await (await author.getBlobs()).put(bytes, { blockSize })
    await author.put('/behind', byteRow(50))
  })
  return { ...drives, blob, core: (await drives.copy.getBlobs()).core }
}

test('BlobReader.read() gives any part of blobs with blocks of any size', async (t) => {
  const blobs = await (await hyperdrive(t)).getBlobs()
  await blobs.put(byteRow(100))
  for (const blockSize of SIZES) {
    const bytes = byteRow(blockSize * 21 + 3)
    const blob = await blobs.put(bytes, { blockSize })
    await blobs.put(byteRow(50))
    const wrong: object[] = []
    for (const part of partsOf(bytes.byteLength)) {
      const { start, length } = part
      if (!(await read(blobs.core, blob, part)).equals(bytes.subarray(start, start + length)))
        wrong.push(part)
    }
    t.same(wrong, [], `blocks of ${blockSize} bytes`)
    t.ok((await read(blobs.core, blob, { start: 5 })).equals(bytes.subarray(5)))
  }
})

test('BlobReader.read() gives any part of what others have, and fetches no other blocks', async (t) => {
  for (const blockSize of SIZES) {
    const bytes = byteRow(blockSize * 21 + 3)
    const { core, blob } = await remote(t, bytes, blockSize)
    const fetched = new Set<number>()
    core.on('download', (index: number) => fetched.add(index))
    const wrong: object[] = []
    for (const part of partsOf(bytes.byteLength)) {
      const { start, length } = part
      fetched.clear()
      const found = await within(LONG, 'read', read(core, blob, part))
      if (!found.equals(bytes.subarray(start, start + length))) wrong.push({ ...part, is: 'not the same' })
      const first = blob.blockOffset + Math.floor(start / blockSize)
      const last = blob.blockOffset + Math.floor((start + length - 1) / blockSize)
      const more = [...fetched].filter((index) => length === 0 || index < first || index > last)
      if (more.length > 0) wrong.push({ ...part, more })
      await core.clear(blob.blockOffset, blob.blockOffset + blob.blockLength)
    }
    t.same(wrong, [], `blocks of ${blockSize} bytes`)
  }
})

test('BlobReader.read() reads many blocks at once, and no more than are asked for', async (t) => {
  const { core, ...blobs } = await blobsOf(t, byteRow(64 * BLOCK))
  const count = countReads(core)
  t.is((await collect(new BlobReader(core, blobs.blob, {}).read())).length, 64)
  t.is(count.blocks, 64)
  t.ok(count.reads <= 12, `${count.reads} reads`)
  Object.assign(count, { reads: 0, blocks: 0 })
  t.is((await read(core, blobs.blob, { length: 10 })).byteLength, 10)
  t.is(count.blocks, 1)
})

test('BlobReader.read() uses what comes as it comes, and does not read it from the disk', async (t) => {
  const bytes = byteRow(200 * BLOCK)
  const { author, core, blob } = await remote(t, bytes)
  let last = Promise.resolve()
  await before(author, () => (last = last.then(() => sleep(20))))
  const count = countReads(core)
  t.ok((await within(LONG, 'read', read(core, blob))).equals(bytes))
  t.ok(count.blocks < 100, `${count.blocks} of 200 blocks were read from the disk`)
})

test('BlobReader.read() fetches what is missing among what is here, also what is removed meanwhile', async (t) => {
  const bytes = byteRow(60 * BLOCK + 1)
  const { core, blob } = await remote(t, bytes)
  await read(core, blob)
  for (const missing of [3, 4, 20, 59, 60]) await core.clear(blob.blockOffset + missing)
  let fetched = 0
  core.on('download', () => fetched++)
  t.ok((await within(LONG, 'read', read(core, blob))).equals(bytes))
  t.is(fetched, 5)
  const reading = new BlobReader(core, blob, {}).read()
  const parts = [(await reading.next()).value as Buffer]
  await core.clear(blob.blockOffset + 1, blob.blockOffset + blob.blockLength)
  parts.push(...(await within(LONG, 'read', collect(reading))))
  t.ok(Buffer.concat(parts).equals(bytes))
})

test('BlobReader.read() with wait: false says what is not here when it comes to it', async (t) => {
  const bytes = byteRow(20 * BLOCK)
  const { core, blob } = await blobsOf(t, bytes)
  await core.clear(blob.blockOffset + 10)
  const parts: Buffer[] = []
  const err = await failureOf(async () => {
    for await (const part of new BlobReader(core, blob, { wait: false }).read()) parts.push(part)
  })
  t.is(err.code, 'BLOCK_NOT_AVAILABLE')
  t.ok(Buffer.concat(parts).equals(bytes.subarray(0, 10 * BLOCK)))
})

test('BlobReader.read() with a timeout gives up when nothing that is needed comes for so long', async (t) => {
  const bytes = byteRow(20 * BLOCK)
  const { core, blob, cut } = await remote(t, bytes)
  await read(core, blob, { length: 10 * BLOCK })
  await cut()
  const reading = read(core, blob, { timeout: 50 })
  t.is((await within(LONG, 'read', failureOf(reading))).code, 'REQUEST_TIMEOUT')
  const seeking = read(core, blob, { start: 15 * BLOCK + 1, timeout: 50 })
  t.is((await within(LONG, 'seek', failureOf(seeking))).code, 'REQUEST_TIMEOUT')
  t.ok((await read(core, blob, { length: 10 * BLOCK, timeout: 1 })).equals(bytes.subarray(0, 10 * BLOCK)))
})

test('BlobReader.read() with a timeout counts the time that one waits, not that of the request', async (t) => {
  const bytes = byteRow(20 * BLOCK)
  const { author, core, blob } = await remote(t, bytes)
  let release!: () => void
  const held = new Promise<void>((resolve) => (release = resolve))
  await before(author, (index) => (index === blob.blockOffset ? Promise.resolve() : held))
  const reading = new BlobReader(core, blob, { timeout: 4000 }).read()
  const parts = [(await reading.next()).value as Buffer]
  await sleep(5000)
  release()
  parts.push(...(await collect(reading)))
  t.ok(Buffer.concat(parts).equals(bytes))
})

test('BlobReader.read() ends when its signal is aborted, and leaves nobody asking', async (t) => {
  const { core, blob, cut, connect } = await remote(t, byteRow(20 * BLOCK))
  await read(core, blob, { length: BLOCK })
  await cut()
  const stop = new AbortController()
  const reading = new BlobReader(core, blob, { signal: stop.signal }).read()
  t.is((await reading.next()).value?.byteLength, BLOCK)
  const next = reading.next()
  stop.abort()
  t.same(await within(LONG, 'next', next), { value: undefined, done: true })
  t.same(await collect(new BlobReader(core, blob, { signal: stop.signal }).read()), [])
  let fetched = 0
  core.on('download', () => fetched++)
  await connect()
  // Whoever asks now is answered behind those who have asked before.
  await within(LONG, 'get', core.get(blob.blockOffset + 19))
  t.is(fetched, 1)
})

test('BlobReader.read() that is ended at any moment leaves nobody asking', async (t) => {
  const { core, blob, cut, connect } = await remote(t, byteRow(20 * BLOCK))
  await cut()
  const open = (): number => core.core.allSessions().length
  const sessions = open()
  const left: object[] = []
  for (const start of [0, 10 * BLOCK + 5]) {
    for (let moment = -1; moment < 30; moment++) {
      const stop = new AbortController()
      if (moment === -1) stop.abort()
      const next = new BlobReader(core, blob, { start, signal: stop.signal }).read().next()
      for (let i = 0; i < moment; i++) await Promise.resolve()
      stop.abort()
      const ended = await Promise.race([
        next.then(({ done }) => done),
        sleep(20_000, 'is not ended', { ref: false })
      ])
      if (ended !== true) left.push({ start, moment, ended })
    }
  }
  t.same(left, [])
  t.is(open(), sessions, 'no session is left open')
  let fetched = 0
  core.on('download', () => fetched++)
  await connect()
  await within(LONG, 'get', core.get(blob.blockOffset + 19))
  t.is(fetched, 1)
})

test('BlobReader.read() with a timeout waits for one block as long as others come', async (t) => {
  const bytes = byteRow(30 * BLOCK)
  const { author, core, blob } = await remote(t, bytes)
  const slow = blob.blockOffset + 5
  let sent = 0
  let release!: () => void
  const others = new Promise<void>((resolve) => (release = resolve))
  let last = Promise.resolve()
  await before(author, (index) => {
    if (index === slow) return others
    last = last.then(async () => {
      await sleep(200)
      if (++sent === 29) release()
    })
    return last
  })
  t.ok((await within(LONG, 'read', read(core, blob, { timeout: 3000 }))).equals(bytes))
})

test('BlobReader.read() with a timeout also counts for what is removed while it is read', async (t) => {
  const { core, blob, cut } = await remote(t, byteRow(20 * BLOCK))
  await read(core, blob)
  await cut()
  const { storage } = core.state
  const begin = storage.read.bind(storage)
  storage.read = () => {
    const reading = begin()
    const get = reading.getBlock.bind(reading)
    reading.getBlock = async (index: number) => {
      const block = await get(index)
      if (index !== blob.blockOffset + 10) return block
      await core.clear(index, index + 1)
      return null
    }
    return reading
  }
  const err = await within(LONG, 'read', failureOf(read(core, blob, { timeout: 50 })))
  t.is(err.code, 'REQUEST_TIMEOUT')
})

test('a timeout that is longer than any timer is none', async (t) => {
  const bytes = byteRow(20 * BLOCK)
  for (const timeout of [2 ** 31, Infinity]) {
    const { author, copy, core, blob } = await remote(t, bytes)
    await author.put('/file', bytes)
    await copy.update()
    await before(author, () => sleep(5))
    t.ok((await within(LONG, 'read', read(core, blob, { timeout, start: 10 }))).equals(bytes.subarray(10)))
    const multi = await multidrive(t, [copy], { timeout })
    t.is((await multi.entry('/file', { timeout }))?.key, '/file')
    const stream = multi.createReadStream('/file', { timeout, length: 10 })
    t.ok(Buffer.concat(await within(LONG, 'stream', collect(stream))).equals(bytes.subarray(0, 10)))
    await within(LONG, 'download', multi.download('/file', { timeout }).done())
    t.ok((await within(LONG, 'get', multi.get('/file', { timeout })))!.equals(bytes))
  }
})

test('createReadStream(path) of what is not whole here says so, or waits for peers', async (t) => {
  const drive = await hyperdrive(t)
  const multi = await multidrive(t, [drive])
  const bytes = byteRow(5 * BLOCK + 9)
  await multi.put('/file', bytes)
  t.ok(
    Buffer.concat(await collect(multi.createReadStream('/file', { start: 70_000 }))).equals(
      bytes.subarray(70_000)
    )
  )
  const blobs = await drive.getBlobs()
  await blobs.core.clear(3, 4)
  const err = await failureOf(collect(multi.createReadStream('/file', { wait: false })))
  t.is(err.code, 'BLOCK_NOT_AVAILABLE')
  t.is(err.path, '/file')
})

/** One of one's own. */
async function blobsOf(t: Test, bytes: Buffer) {
  const blobs = await (await hyperdrive(t)).getBlobs()
  const blob: BlobId = await blobs.put(bytes)
  return { core: blobs.core, blob }
}
