import MirrorDrive from 'mirror-drive'
import test from 'tape'
import { collect, contents, hyperdrive, keys, localdrive, multidrive } from '../helpers/drives.ts'
import { end, sample } from '../suites/drive.ts'

const limit = { timeout: 240_000 }
const SAME = { files: 6, add: 0, remove: 0, change: 0 }

const BIG = sample(300_000)

/** A tree with all that a mirror carries, and what its mirror is to show of it. */
async function plant(drive: any, metadata: boolean): Promise<void> {
  await drive.put('/docs/read me', 'text', metadata ? { metadata: { title: 'é', tags: [1, null] } } : {})
  await drive.put('/docs/deep/er/big', BIG)
  await drive.put('/bin/run', '#!/bin/sh', { executable: true })
  await drive.put('/empty', '')
  await drive.symlink('/link', '/docs/read me')
  await drive.symlink('/bin/up', '../empty')
}

async function shape(drive: any): Promise<unknown[]> {
  const seen: unknown[] = []
  for await (const { key, value } of drive.list('/')) {
    const { executable, linkname, blob } = value
    seen.push([key, executable, linkname, blob?.byteLength ?? null])
  }
  return seen.sort((a: any, b: any) => (a[0] < b[0] ? -1 : 1))
}

const PLANTED = [
  ['/bin/run', true, null, 9],
  ['/bin/up', false, '../empty', null],
  ['/docs/deep/er/big', false, null, BIG.length],
  ['/docs/read me', false, null, 4],
  ['/empty', false, null, 0],
  ['/link', false, '/docs/read me', null]
]

/** MultiDrives whose files lie in more than one drive, and ends that they are mirrored to and from. */
const multis = {
  'a MultiDrive of Hyperdrives': async (t: test.Test) =>
    multidrive(t, [await hyperdrive(t), await hyperdrive(t)]),
  'a MultiDrive with a Localdrive as writer': async (t: test.Test) =>
    multidrive(t, [await localdrive(t), await hyperdrive(t)]),
  'a MultiDrive in a MultiDrive': async (t: test.Test) =>
    multidrive(t, [await multidrive(t, [await hyperdrive(t), await hyperdrive(t)])])
}
const ends = {
  'a Hyperdrive': (t: test.Test) => hyperdrive(t),
  'a Localdrive': (t: test.Test) => localdrive(t)
}

for (const [name, make] of Object.entries(multis)) {
  for (const [other, makeOther] of Object.entries(ends)) {
    const metadata = other === 'a Hyperdrive'
    for (const batch of [false, true]) {
      const how = batch ? ', batch: true' : ''

      test(`mirror-drive from ${name} into ${other}${how}, twice`, limit, async (t) => {
        const [multi, out] = [await make(t), await makeOther(t)]
        await plant(multi, metadata)
        const first = new MirrorDrive(multi, out, { batch })
        await first.done()
        t.same(first.count, { files: 6, add: 6, remove: 0, change: 0 })
        t.same(await shape(out), PLANTED)
        t.ok(BIG.equals(await out.get('/docs/deep/er/big')))
        if (metadata)
          t.same((await out.entry('/docs/read me')).value.metadata, { title: 'é', tags: [1, null] })

        const second = new MirrorDrive(multi, out, { batch })
        t.same(await collect(second), [])
        t.same(second.count, SAME)

        await multi.put('/empty', 'no more', { metadata: null })
        await multi.del('/bin/run')
        await multi.put('/new', 'new')
        const third = new MirrorDrive(multi, out, { batch })
        await third.done()
        t.same(third.count, { files: 6, add: 1, remove: 1, change: 1 })
        t.same(await contents(out), await contents(multi))
      })

      test(`mirror-drive from ${other} into ${name}${how}, twice`, limit, async (t) => {
        const [multi, source] = [await make(t), await makeOther(t)]
        await plant(source, metadata)
        const first = new MirrorDrive(source, multi, { batch })
        await first.done()
        t.same(first.count, { files: 6, add: 6, remove: 0, change: 0 })
        t.same(await shape(multi), PLANTED)
        t.ok(BIG.equals((await multi.get('/docs/deep/er/big'))!))
        if (metadata) {
          t.same((await multi.entry('/docs/read me'))!.value.metadata, { title: 'é', tags: [1, null] })
        }

        const second = new MirrorDrive(source, multi, { batch })
        t.same(await collect(second), [])
        t.same(second.count, SAME)

        await source.put('/empty', 'no more')
        await source.del('/bin/run')
        await source.put('/new', 'new')
        const third = new MirrorDrive(source, multi, { batch })
        await third.done()
        t.same(third.count, { files: 6, add: 1, remove: 1, change: 1 })
        t.same(await contents(multi), await contents(source))
      })
    }
  }
}

test(
  'mirror-drive into a MultiDrive prunes what others hold, and leaves their drives alone',
  limit,
  async (t) => {
    for (const batch of [false, true]) {
      const [source, own, theirs] = [await hyperdrive(t), await hyperdrive(t), await hyperdrive(t)]
      await source.put('/kept', 'kept')
      await theirs.put('/gone', 'theirs')
      await theirs.put('/kept', 'kept')
      await own.put('/mine', 'mine')
      const multi = await multidrive(t, [own, theirs])
      const mirror = new MirrorDrive(source, multi, { batch })
      await mirror.done()
      t.same(mirror.count, { files: 1, add: 0, remove: 2, change: 0 })
      t.same(await keys(multi), ['/kept'])
      t.same(await contents(theirs), { '/gone': 'theirs', '/kept': 'kept' })
      const again = new MirrorDrive(source, multi, { batch })
      await again.done()
      t.same(again.count, { files: 1, add: 0, remove: 0, change: 0 })
    }
  }
)

test('mirror-drive with prune: false, prefix, filter, ignore, dryRun and includeEquals', limit, async (t) => {
  const multi = await multidrive(t, [await hyperdrive(t), await hyperdrive(t)])
  const out = await hyperdrive(t)
  for (const path of ['/a/one', '/a/two', '/b/one', '/c']) await multi.put(path, path)
  await out.put('/extra', 'x')
  const run = async (opts: object) => {
    const mirror = new MirrorDrive(multi, out, opts)
    return (await collect(mirror)).map(({ op, key }) => `${op} ${key}`)
  }
  t.same(await run({ dryRun: true, prune: false }), ['add /a/one', 'add /a/two', 'add /b/one', 'add /c'])
  t.same(await run({ prune: false, prefix: '/a', filter: (key: string) => key.endsWith('one') }), [
    'add /a/one'
  ])
  t.same(await run({ prune: false, ignore: ['/b', '/c'] }), ['add /a/two'])
  t.same(await run({ prune: false, prefix: ['/b', '/c'] }), ['add /b/one', 'add /c'])
  t.same(await run({ prune: false, includeEquals: true }), [
    'equal /a/one',
    'equal /a/two',
    'equal /b/one',
    'equal /c'
  ])
  t.same(await run({}), ['remove /extra'])
})

test('mirror-drive tells a change of metadata alone', limit, async (t) => {
  const [source, out] = [await hyperdrive(t), await hyperdrive(t)]
  const [from, into] = [await multidrive(t, [source]), await multidrive(t, [out])]
  await from.put('/file', 'bytes', { metadata: { a: 1 } })
  await new MirrorDrive(from, into).done()
  await from.put('/file', 'bytes', { metadata: { a: 2 } })
  const mirror = new MirrorDrive(from, into)
  await mirror.done()
  t.equal(mirror.count.change, 1)
  t.same((await into.entry('/file'))!.value.metadata, { a: 2 })
  const again = new MirrorDrive(from, into)
  await again.done()
  t.equal(again.count.change, 0)
})

test('mirror-drive of a block-map file', limit, async (t) => {
  const source = await hyperdrive(t)
  await end(source.createWriteStream('/map', { dedup: true }), BIG)
  t.equal((await source.entry('/map')).value.blob.blockMap, true)
  const multi = await multidrive(t, [await hyperdrive(t), source])
  for (const out of [await hyperdrive(t), await localdrive(t), await multidrive(t, [await hyperdrive(t)])]) {
    await new MirrorDrive(multi, out).done()
    t.ok(BIG.equals(await out.get('/map')))
    const again = new MirrorDrive(multi, out)
    await again.done()
    t.same(again.count, { files: 1, add: 0, remove: 0, change: 0 })
  }
  const into = await multidrive(t, [await hyperdrive(t)])
  for (const change of [1, 0]) {
    const mirror = new MirrorDrive(source, into)
    await mirror.done()
    t.same(mirror.count, { files: 1, add: change, remove: 0, change: 0 })
  }
})
