import type Hyperdrive from 'hyperdrive'
import test from 'tape'
import { within } from '../../availability/links.ts'
import { copyOf, putMapped } from '../../helpers/copies.ts'
import { failureOf, hyperdrive, localdrive, multidrive } from '../../helpers/drives.ts'

const QUICK = 5000
const BIG = Buffer.alloc(150_000, 3)

const fill = async (author: Hyperdrive) => {
  await author.put('/docs/big', BIG)
  await author.put('/docs/small', 'small')
  await author.put('/docs/empty', '')
  await author.symlink('/docs/link', '/docs/big')
}

test('has(path): whether all bytes of a file, or of all in a folder, are here', async (t) => {
  const { copy, author } = await copyOf(t, fill)
  const multi = await multidrive(t, [copy])
  t.same(await Promise.all([multi.has('/docs/big'), multi.has('/docs'), multi.has()]), [false, false, false])
  await multi.get('/docs/small')
  t.same(await Promise.all([multi.has('/docs/small'), multi.has('/docs')]), [true, false])
  await copy.blobs.core.get((await copy.entry('/docs/big')).value.blob.blockOffset)
  t.equal(await multi.has('/docs/big'), false, 'a part is not all')
  await multi.get('/docs/big')
  t.same(await Promise.all(['/docs/big', '/docs', '/docs/', '/', undefined].map((path) => multi.has(path))), [
    true,
    true,
    true,
    true,
    true
  ])
  for (const path of ['/missing', '/docs/link', '/docs/big/', '/missing/'])
    t.same([path, await multi.has(path)], [path, await author.has(path)], 'as Hyperdrive')
  t.equal((await failureOf(multi.has('\0'))).code, 'EINVAL')
})

test('has() and stats() answer without peers, of the winner alone', async (t) => {
  const { copy, cut } = await copyOf(t, fill)
  const own = await hyperdrive(t)
  await own.put('/docs/big', 'older', { metadata: { mtime: 1 } })
  await own.put('/mine', 'mine')
  const multi = await multidrive(t, [own, copy])
  multi.compareStats = (a, b) => Number(b.drive === copy) - Number(a.drive === copy)
  await cut()
  t.equal(await within(QUICK, 'has', multi.has('/docs/big')), false)
  t.equal(await within(QUICK, 'has', multi.has('/mine')), true)
  t.same(await within(QUICK, 'stats', multi.stats('/docs/big')), {
    files: 1,
    blocks: 3,
    bytes: BIG.length,
    localBlocks: 0,
    localBytes: 0
  })
})

test('stats(path): files, blocks and bytes, and how many of them are here', async (t) => {
  const { copy } = await copyOf(t, async (author) => {
    await fill(author)
    await putMapped(author, '/mapped', BIG)
  })
  const multi = await multidrive(t, [copy])
  const none = { localBlocks: 0, localBytes: 0 }
  t.same(await multi.stats('/docs'), { files: 3, blocks: 4, bytes: BIG.length + 5, ...none })
  await multi.get('/docs/small')
  const some = { localBlocks: 1, localBytes: 5 }
  t.same(await multi.stats('/docs'), { files: 3, blocks: 4, bytes: BIG.length + 5, ...some })
  await multi.download().done()
  // All blocks of the mapped file are alike, but for the last: two, and the map.
  const all = { files: 4, blocks: 7, bytes: 2 * BIG.length + 5 }
  t.same(await multi.stats(), { ...all, localBlocks: 7, localBytes: all.bytes })
  for (const path of ['/missing', '/docs/link'])
    t.same(await multi.stats(path), { files: 0, blocks: 0, bytes: 0, ...none }, path)
})

test('has() and stats() of drives that have their bytes: Localdrives, a batch', async (t) => {
  const multi = await multidrive(t, [await localdrive(t)])
  await multi.put('/a', BIG)
  t.equal(await multi.has('/a'), true)
  t.same(await multi.stats('/'), {
    files: 1,
    blocks: 3,
    bytes: BIG.length,
    localBlocks: 3,
    localBytes: BIG.length
  })
  const batch = multi.batch()
  await batch.put('/b', 'text')
  t.equal(await batch.has('/b'), true)
  t.same([(await batch.stats('/')).files, (await batch.stats('/')).localBytes], [2, BIG.length + 4])
  await batch.close()
})
