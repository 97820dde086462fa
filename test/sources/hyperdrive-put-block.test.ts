import { once } from 'node:events'
import test from 'tape'
import { putBlock } from '../../lib/sources/hyperdrive/put-block.ts'
import { failureOf, hyperdrive, multidrive } from '../helpers/drives.ts'
import { byteRow } from '../suites/fs-open-file.ts'

const BLOCK = 1 << 16

test('putBlock(blobs, block) gives what Hyperblobs gives', async (t) => {
  const drive = await hyperdrive(t)
  const blobs = await drive.getBlobs()
  for (const size of [1, 1000, BLOCK]) {
    const bytes = byteRow(size)
    const [ours, theirs] = [await putBlock(blobs, bytes), await blobs.put(bytes)]
    t.ok((await blobs.get(ours)).equals(bytes))
    t.same(theirs, {
      ...ours,
      blockOffset: ours.blockOffset + 1,
      byteOffset: ours.byteOffset + size
    })
  }
})

test('putBlock(blobs, block) stays out of the blobs that others are writing', async (t) => {
  const drive = await hyperdrive(t)
  const blobs = await drive.getBlobs()
  const stream = blobs.createWriteStream()
  stream.write(byteRow(BLOCK, 1))
  await once(stream, 'open')
  const small = Promise.all(Array.from({ length: 5 }, (_, i) => putBlock(blobs, byteRow(10 + i, i))))
  const big = blobs.put(byteRow(3 * BLOCK + 5, 9))
  stream.write(byteRow(BLOCK, 2))
  stream.end()
  await once(stream, 'close')
  t.ok((await blobs.get(stream.id)).equals(Buffer.concat([byteRow(BLOCK, 1), byteRow(BLOCK, 2)])))
  for (const [i, id] of (await small).entries()) t.ok((await blobs.get(id)).equals(byteRow(10 + i, i)))
  t.ok((await blobs.get(await big)).equals(byteRow(3 * BLOCK + 5, 9)))
})

test('putBlock(blobs, block) that fails lets the next one in', async (t) => {
  const drive = await hyperdrive(t)
  const blobs = await drive.getBlobs()
  const { core } = blobs
  const append = core.append.bind(core)
  core.append = () => Promise.reject(new Error('no space'))
  const failing = putBlock(blobs, byteRow(1))
  const next = putBlock(blobs, byteRow(2))
  t.is((await failureOf(failing)).message, 'no space')
  t.is((await failureOf(next)).message, 'no space')
  core.append = append
  t.ok((await blobs.get(await putBlock(blobs, byteRow(2)))).equals(byteRow(2)))
})

test('put(path, data) of every length around that of a block', async (t) => {
  const drive = await hyperdrive(t)
  const multi = await multidrive(t, [drive])
  for (const size of [0, 1, BLOCK - 1, BLOCK, BLOCK + 1]) {
    await multi.put(`/${size}`, byteRow(size))
    t.ok((await drive.get(`/${size}`)).equals(byteRow(size)))
    t.is((await multi.stat(`/${size}`)).size, size)
  }
})
