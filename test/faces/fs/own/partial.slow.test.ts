import { MIB } from './helpers.ts'
import { largeFileTest } from './partial.ts'

const SIZE = 256 * MIB

largeFileTest('a descriptor', async (_drive, multi) => {
  const fd = await multi.open('/file', 'w')
  const chunk = Buffer.alloc(3 * MIB, 7)
  for (let left = SIZE; left > 0; left -= chunk.byteLength)
    await multi.write(fd, chunk, 0, Math.min(left, chunk.byteLength))
  await multi.close(fd)
})

largeFileTest('a stream in chunks of 50 KB', async (drive) => {
  const stream = drive.createWriteStream('/file')
  for (let left = SIZE; left > 0; left -= 50_000) {
    if (!stream.write(Buffer.alloc(Math.min(left, 50_000), 7)))
      await new Promise((resolve) => stream.once('drain', resolve))
  }
  await new Promise((resolve) => stream.once('close', resolve).end())
})

largeFileTest('a stream with a block map', async (drive) => {
  const stream = drive.createWriteStream('/file', { dedup: true })
  // All blocks are alike, so that there is one of them.
  for (let left = SIZE; left > 0; left -= 65_536) {
    if (!stream.write(Buffer.alloc(65_536, 7))) await new Promise((resolve) => stream.once('drain', resolve))
  }
  await new Promise((resolve) => stream.once('close', resolve).end())
})
