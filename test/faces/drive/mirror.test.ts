/** What a mirror keeps beside the bytes, from each kind of drive into each. */
import { lstat, lutimes, mkdir, readdir, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import Localdrive from 'localdrive'
import MirrorDrive from 'mirror-drive'
import test, { type Test } from 'tape'
import MultiDrive from '../../../index.ts'
import {
  collect,
  contents,
  failureOf,
  folder,
  hyperdrive,
  keys,
  localdrive,
  multidrive
} from '../../helpers/drives.ts'
import { sample } from '../../suites/drive.ts'

const limit = { timeout: 60_000 }
const NOTHING = { add: 0, remove: 0, change: 0 }
const BIG = sample(200_000)
const [OLD, OLDER] = [Date.UTC(2020, 1, 2, 3, 4, 5, 678), Date.UTC(1999, 11, 31)]

type Make = (t: Test) => Promise<any>

const multis: Record<string, Make> = {
  'a MultiDrive of Hyperdrives': async (t) => multidrive(t, [await hyperdrive(t), await hyperdrive(t)]),
  'a MultiDrive with a Localdrive as writer': async (t) =>
    multidrive(t, [await localdrive(t), await hyperdrive(t)]),
  'a MultiDrive in a MultiDrive': async (t) =>
    multidrive(t, [await multidrive(t, [await hyperdrive(t), await localdrive(t)])])
}

const drives: Record<string, Make> = {
  'a Hyperdrive': (t) => hyperdrive(t),
  'a Localdrive': (t) => localdrive(t),
  'a Localdrive that keeps metadata': (t) => localdrive(t, { metadata: new Map() })
}

const others: Record<string, Make> = { ...drives, ...multis }

/** When a file or link was changed, as its drive keeps it; null where it does not. */
async function dateIn(drive: any, key: string): Promise<number | null> {
  const entry = await drive.entry(key)
  if (drive instanceof Localdrive) return (await lstat(drive.toPath(key))).mtimeMs
  return 'drive' in entry ? entry.mtime : (entry.value.metadata?.mtime ?? null)
}

/** Every entry but its date, its drive and the place of its bytes. */
async function shape(drive: any): Promise<Record<string, unknown>> {
  const seen: Record<string, unknown> = {}
  for await (const { key, value } of drive.list('/')) {
    const { executable, linkname, blob, metadata } = value
    seen[key] = { executable, linkname, size: blob?.byteLength ?? null, metadata }
  }
  return Object.fromEntries(Object.entries(seen).sort(([a], [b]) => (a < b ? -1 : 1)))
}

const withoutMetadata = (seen: Record<string, any>) =>
  Object.fromEntries(Object.entries(seen).map(([key, value]) => [key, { ...value, metadata: null }]))

/** How long the cores under a drive are: what a mirror that moves nothing leaves as it is. */
function lengths(drive: any): number[] {
  if (drive.drives) return drive.drives.flatMap(lengths)
  return drive.core ? [drive.core.length, drive.blobs.core.length] : []
}

/** What stands in the folders under a drive, with dates to the microsecond. */
async function folders(drive: any): Promise<unknown[]> {
  if (drive.drives) return (await Promise.all(drive.drives.map(folders))).flat()
  if (!(drive instanceof Localdrive)) return []
  const { root } = drive
  const names = (await readdir(root, { recursive: true })).sort()
  return Promise.all(
    names.map(async (name) => {
      const { ino, mtimeMs, size, mode } = await lstat(join(root, name))
      return [name, ino, mtimeMs, size, mode]
    })
  )
}

const state = async (drive: any) => [lengths(drive), await folders(drive)]

/** All that a mirror has to carry. `/by/hand` is written beside the MultiDrive, into the last drive of it. */
async function plant(multi: any): Promise<void> {
  await multi.put('/docs/read me', 'text', { metadata: { title: 'é', tags: [1, null] } })
  await multi.put('/docs/deep/er/big', BIG)
  await multi.put('/dated', 'long ago', { metadata: { mtime: OLD, by: 'me' } })
  await multi.put('/beside', 'long ago', { mtime: OLDER })
  await multi.put('/bin/run', '#!/bin/sh', { executable: true })
  await multi.put('/empty', '')
  await multi.put('/words', 'x', { metadata: 'only words' })
  await multi.symlink('/link', '/docs/read me', { mtime: OLD })
  await multi.symlink('/bin/up', '../empty', { metadata: { a: 1 } })
  await multi.drives.at(-1).put('/by/hand', 'by hand')
}

const PLANTED = 10

const isSame = (a: number | null, b: number | null) =>
  a === b || (a !== null && b !== null && Math.abs(a - b) < 1)

for (const [from, makeFrom] of Object.entries(multis)) {
  for (const [into, makeInto] of Object.entries(others)) {
    for (const batch of [false, true]) {
      test(`${from}.mirror(${into})${batch ? ', batch: true' : ''}`, limit, async (t) => {
        const [multi, out] = [await makeFrom(t), await makeInto(t)]
        await plant(multi)
        await out.put('/extra', 'x')
        const before = await state(multi)
        const dry = multi.mirror(out, { batch, dryRun: true })
        await dry.done()
        t.same(dry.count, { files: PLANTED, add: PLANTED, remove: 1, change: 0 })
        t.same(await keys(out), ['/extra'], 'a dry run does nothing')

        const first = multi.mirror(out, { batch })
        await first.done()
        t.same(first.count, { files: PLANTED, add: PLANTED, remove: 1, change: 0 })
        t.same(await contents(out), await contents(multi))
        t.ok(BIG.equals(await out.get('/docs/deep/er/big')))
        const isMulti = into in multis
        const [there, here] = [await shape(out), await shape(multi)]
        if (isMulti) t.same(there, here, 'entries show the same')
        else t.same(withoutMetadata(there), withoutMetadata(here))

        for (const { key, mtime, value } of await collect(multi.list('/'))) {
          const date = await dateIn(out, key)
          if (key === '/words' && into === 'a Hyperdrive') t.equal(date, null, 'text has no room for a date')
          else if (mtime !== null) t.ok(isSame(date, mtime), `the date of ${key}: ${date}, ${mtime}`)
          const { metadata } = (await out.entry(key)).value
          if (into === 'a Localdrive') t.equal(metadata, null)
          else if (into === 'a Hyperdrive')
            t.same(
              metadata,
              mtime === null || typeof value.metadata === 'string'
                ? value.metadata
                : { ...value.metadata, mtime: metadata.mtime },
              `the metadata of ${key}`
            )
          else if (value.linkname === null) t.same(metadata, value.metadata, `the metadata of ${key}`)
        }
        t.same(await state(multi), before, 'what is mirrored stays as it is')

        const after = await state(out)
        const second = multi.mirror(out, { batch, includeEquals: true })
        const steps = await collect(second)
        t.same(new Set(steps.map(({ op }) => op)), new Set(['equal']))
        t.same(second.count, { files: PLANTED, ...NOTHING })
        t.same(await state(out), after, 'a second run moves nothing')

        await multi.put('/empty', 'no more')
        await multi.put('/bin/run', '#!/bin/sh')
        await multi.del('/docs', { recursive: true })
        await multi.put('/new', 'new', { mtime: OLD })
        const third = multi.mirror(out, { batch })
        await third.done()
        t.same(third.count, { files: PLANTED - 1, add: 1, remove: 2, change: 2 })
        t.same(await contents(out), await contents(multi))
        t.same((await out.entry('/bin/run')).value.executable, false)
        t.ok(isSame(await dateIn(out, '/new'), OLD))
        t.ok(isSame(await dateIn(out, '/empty'), (await multi.entry('/empty')).mtime))
        const fourth = multi.mirror(out, { batch })
        await fourth.done()
        t.same(fourth.count, { files: PLANTED - 1, ...NOTHING })
      })
    }
  }
}

/** How the drives of the ecosystem mirror into a MultiDrive: by a method of theirs, or by mirror-drive itself. */
const ways: Record<string, (from: any, into: any, opts: object) => any> = {
  'mirror()': (from, into, opts) => from.mirror(into, opts),
  'new MirrorDrive()': (from, into, opts) => new MirrorDrive(from, into, opts)
}

for (const [into, makeInto] of Object.entries(multis)) {
  for (const [from, makeFrom] of Object.entries({
    ...drives,
    'a MultiDrive': multis['a MultiDrive of Hyperdrives']!
  })) {
    for (const [how, mirror] of Object.entries(ways)) {
      for (const batch of [false, true]) {
        test(`${how} from ${from} into ${into}${batch ? ', batch: true' : ''}`, limit, async (t) => {
          const [source, multi] = [await makeFrom(t), await makeInto(t)]
          await source.put('/docs/read me', 'text', { metadata: { title: 'é' } })
          await source.put('/dated', 'long ago', { metadata: { mtime: OLD, by: 'me' } })
          await source.put('/bin/run', '#!/bin/sh', { executable: true })
          await source.put('/empty', '')
          await source.put('/big', BIG)
          await source.symlink('/link', '/docs/read me')
          if (source instanceof Localdrive) {
            for (const key of await keys(source)) {
              await lutimes(source.toPath(key), OLDER / 1000, OLDER / 1000)
            }
          }
          await multi.put('/extra', 'x')
          await multi.drives.at(-1).put('/bin/run', 'another')
          const before = await state(source)
          const dry = mirror(source, multi, { batch, dryRun: true })
          await dry.done()
          t.same(await keys(multi), ['/bin/run', '/extra'], 'a dry run does nothing')

          const start = Date.now()
          const first = mirror(source, multi, { batch })
          await first.done()
          t.same(first.count, { files: 6, add: 5, remove: 1, change: 1 })
          t.same(await contents(multi), await contents(source))
          t.same(await shape(multi), await shape(source))
          for (const { key, value } of await collect(source.list('/'))) {
            const known = await dateIn(source, key)
            const { mtime } = await multi.entry(key)
            // mirror-drive says of a link no more than where it points to; of a file its metadata.
            const keeps = value.linkname === null || (how === 'mirror()' && from === 'a MultiDrive')
            if (keeps && known !== null) {
              // Of a file that stood there before with a later date and no history, that date is passed over.
              if (key === '/bin/run') t.ok(mtime >= known, `the date of ${key}`)
              else
                t.ok(isSame(mtime, value.metadata?.mtime ?? known), `the date of ${key}: ${mtime}, ${known}`)
            } else t.ok(mtime >= start, `${key} is of now`)
          }
          t.same(await state(source), before)

          const after = await state(multi)
          const second = mirror(source, multi, { batch })
          t.same(await collect(second), [])
          t.same(second.count, { files: 6, ...NOTHING })
          t.same(await state(multi), after, 'a second run moves nothing')

          await source.put('/empty', 'no more')
          await source.del('/bin/run')
          const third = mirror(source, multi, { batch, prune: false })
          await third.done()
          t.same(third.count, { files: 5, add: 0, remove: 0, change: 1 })
          const fourth = mirror(source, multi, { batch })
          await fourth.done()
          t.same(fourth.count, { files: 5, add: 0, remove: 1, change: 0 })
          t.same(await contents(multi), await contents(source))
        })
      }
    }
  }
}

test('a Localdrive is mirrored with all of its dates by way of a MultiDrive over it', limit, async (t) => {
  const local = await localdrive(t)
  await local.put('/file', 'x')
  await local.symlink('/link', '/file')
  for (const key of ['/file', '/link']) await lutimes(local.toPath(key), OLD / 1000, OLD / 1000)
  const multi = await multidrive(t, [await hyperdrive(t)])
  await new MultiDrive(local).mirror(multi).done()
  for (const key of ['/file', '/link']) t.ok(isSame((await multi.entry(key))!.mtime, OLD), key)
})

test('a mirror with transformers keeps the dates', limit, async (t) => {
  const { Transform } = await import('streamx')
  const upper = () =>
    new Transform({
      transform(data, cb) {
        cb(null, Buffer.from(String(data).toUpperCase()))
      }
    })
  for (const [name, make] of Object.entries(others)) {
    const [multi, out] = [await multidrive(t, [await hyperdrive(t)]), await make(t)]
    await multi.put('/file', 'text', { mtime: OLD })
    await multi.mirror(out, { transformers: [upper] }).done()
    t.equal(String(await out.get('/file')), 'TEXT', name)
    t.ok(isSame(await dateIn(out, '/file'), OLD), name)
  }
})

test('mirror() with prefix, filter, ignore and entries', limit, async (t) => {
  const multi = await multidrive(t, [await hyperdrive(t), await hyperdrive(t)])
  const out = await hyperdrive(t)
  for (const path of ['/a/one', '/a/two', '/b/one', '/c']) await multi.put(path, path)
  const run = async (opts: object) =>
    (await collect(multi.mirror(out, { prune: false, ...opts }))).map(({ op, key }) => `${op} ${key}`)
  t.same(await run({ prefix: '/a', filter: (key: string) => key.endsWith('one') }), ['add /a/one'])
  t.same(await run({ ignore: ['/b', '/c'] }), ['add /a/two'])
  t.same(await run({ entries: ['/c', await multi.entry('/b/one')] }), ['add /c', 'add /b/one'])
  t.same((await out.entry('/b/one')).value.metadata, { mtime: (await multi.entry('/b/one'))!.mtime })
})

test(
  'mirror() tells a change of metadata or of a date alone to a Hyperdrive, without bytes',
  limit,
  async (t) => {
    const [multi, out] = [await multidrive(t, [await hyperdrive(t)]), await hyperdrive(t)]
    await multi.put('/file', 'bytes', { metadata: { a: 1 } })
    await multi.mirror(out).done()
    const { length } = out.blobs.core
    await multi.promises.utimes('/file', OLD / 1000, OLD / 1000)
    const mirror = multi.mirror(out)
    await mirror.done()
    t.equal(mirror.count.change, 1)
    t.same((await out.entry('/file')).value.metadata, { a: 1, mtime: OLD })
    t.equal(out.blobs.core.length, length)
  }
)

test('mirror() into a folder leaves what a MultiDrive keeps there', limit, async (t) => {
  const local = await localdrive(t)
  const inside = await multidrive(t, [local])
  await inside.put('/file', 'x', { metadata: { kept: true } })
  const multi = await multidrive(t, [await hyperdrive(t)])
  await multi.put('/other', 'y')
  await multi.put('/file', 'x')
  const mirror = multi.mirror(local)
  await mirror.done()
  t.same(mirror.count, { files: 2, add: 1, remove: 0, change: 0 })
  t.same((await inside.entry('/file'))!.value.metadata, { kept: true })
})

test('the dates of what others pipe into a file are of now', limit, async (t) => {
  const path = join(await folder(t), 'from')
  await mkdir(path)
  await writeFile(join(path, 'a'), 'a')
  await utimes(join(path, 'a'), OLD / 1000, OLD / 1000)
  const multi = await multidrive(t, [await hyperdrive(t)])
  await multi.put('/b', 'b', { mtime: OLD })
  const { pipelinePromise } = await import('streamx')
  const start = Date.now()
  await pipelinePromise(new Localdrive(path).createReadStream('/a'), multi.createWriteStream('/a'))
  await pipelinePromise(multi.createReadStream('/b'), multi.createWriteStream('/c', { executable: true }))
  t.ok((await multi.entry('/a'))!.mtime! >= start)
  t.ok((await multi.entry('/c'))!.mtime! >= start)
})

test('put, symlink, createWriteStream and batches with an mtime', limit, async (t) => {
  for (const [name, make] of Object.entries(multis)) {
    const multi: MultiDrive = await make(t)
    const batch = multi.batch()
    const metadata = { mtime: 5 }
    for (const [prefix, drive] of [
      ['/now', multi],
      ['/batch', batch]
    ] as const) {
      await drive.put(`${prefix}/put`, 'x', { mtime: OLD })
      await drive.put(`${prefix}/both`, 'x', { mtime: OLD, metadata })
      await drive.symlink(`${prefix}/link`, '/x', { mtime: OLD })
      const stream = drive.createWriteStream(`${prefix}/stream`, { mtime: OLD })
      const closed = new Promise((resolve) => stream.once('close', () => resolve(null)))
      stream.end('x')
      await closed
    }
    await batch.flush()
    for await (const { key, mtime, value } of multi) {
      t.ok(isSame(mtime, OLD), `${name}: ${key}`)
      t.same(value.metadata, key.endsWith('both') ? metadata : null)
    }
    for (const mtime of [NaN, -1, Infinity, '5', 8.64e15 + 1]) {
      const opts = { mtime } as any
      t.equal((await failureOf(() => multi.put('/x', 'x', opts))).code, 'EINVAL', String(mtime))
      t.equal((await failureOf(() => multi.symlink('/x', '/y', opts))).code, 'EINVAL')
      t.equal((await failureOf(() => multi.createWriteStream('/x', opts))).code, 'EINVAL')
    }
    await multi.put('/x', 'x', { mtime: null })
  }
})

test('mirror() into nothing', limit, async (t) => {
  const multi: any = await multidrive(t, [await hyperdrive(t)])
  for (const out of [undefined, null, 'drive'])
    t.equal((await failureOf(() => multi.mirror(out))).code, 'DRIVE_INVALID', String(out))
})
