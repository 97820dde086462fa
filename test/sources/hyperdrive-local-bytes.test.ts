import test from 'tape'
import { readLocalBytes } from '../../lib/sources/hyperdrive/local-bytes.ts'
import { collect, failureOf, hyperdrive, multidrive } from '../helpers/drives.ts'
import { randoms } from '../helpers/randoms.ts'
import { byteRow } from '../suites/fs-open-file.ts'

const BLOCK = 1 << 16

/** What is read, and where it ended. */
async function read(core: any, blob: any, start = 0, end = blob.byteLength) {
  const parts: Buffer[] = []
  const reading = readLocalBytes(core, blob, start, end)
  for (;;) {
    const { value, done } = await reading.next()
    if (done) return { bytes: Buffer.concat(parts), parts: parts.length, position: value }
    parts.push(value)
  }
}

test('readLocalBytes(core, blob, start, end) gives any part of blobs with blocks of any size', async (t) => {
  const blobs = await (await hyperdrive(t)).getBlobs()
  await blobs.put(byteRow(100))
  const random = randoms(7)
  const below = (end: number) => Math.floor(random.next().value * end)
  for (const blockSize of [1, 7, 1000, BLOCK, 3 * BLOCK]) {
    const bytes = byteRow(blockSize * 21 + 3)
    const blob = await blobs.put(bytes, { blockSize })
    await blobs.put(byteRow(50))
    t.ok((await read(blobs.core, blob)).bytes.equals(bytes))
    const wrong: string[] = []
    for (let i = 0; i < 20; i++) {
      const start = below(bytes.byteLength)
      const end = start + below(bytes.byteLength - start + 1)
      const { bytes: part, position } = await read(blobs.core, blob, start, end)
      if (position !== end || !part.equals(bytes.subarray(start, end))) wrong.push(`${start}-${end}`)
    }
    t.same(wrong, [], `blocks of ${blockSize} bytes`)
  }
})

test('readLocalBytes(core, blob, start, end) reads many blocks at once, and no more than are asked for', async (t) => {
  const blobs = await (await hyperdrive(t)).getBlobs()
  const blob = await blobs.put(byteRow(64 * BLOCK))
  const { storage } = blobs.core.state
  const begin = storage.read.bind(storage)
  let [reads, blocks] = [0, 0]
  storage.read = () => {
    const reading = begin()
    const get = reading.getBlock.bind(reading)
    reads++
    reading.getBlock = (index: number) => (blocks++, get(index))
    return reading
  }
  t.is((await read(blobs.core, blob)).parts, 64)
  t.is(blocks, 64)
  t.ok(reads <= 12, `${reads} reads`)
  ;[reads, blocks] = [0, 0]
  t.is((await read(blobs.core, blob, 0, 10)).bytes.byteLength, 10)
  t.is(blocks, 1)
})

test('readLocalBytes(core, blob, start, end) ends before what is not here', async (t) => {
  const blobs = await (await hyperdrive(t)).getBlobs()
  const bytes = byteRow(20 * BLOCK)
  const blob = await blobs.put(bytes)
  const reading = readLocalBytes(blobs.core, blob, 0, bytes.byteLength)
  const parts = [(await reading.next()).value as Buffer]
  const { blockOffset } = blob as { blockOffset: number }
  await blobs.core.clear(blockOffset + 10, blockOffset + 11)
  let next = await reading.next()
  for (; !next.done; next = await reading.next()) parts.push(next.value)
  const position = next.value
  t.ok(position > 0 && position <= 10 * BLOCK, `ended at ${position}`)
  t.ok(Buffer.concat(parts).equals(bytes.subarray(0, position)))
  t.same(await read(blobs.core, blob), { bytes: Buffer.alloc(0), parts: 0, position: 0 })
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
