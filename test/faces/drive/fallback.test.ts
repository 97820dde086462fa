import { once } from 'node:events'
import type Hyperdrive from 'hyperdrive'
import test, { type Test } from 'tape'
import { within } from '../../availability/links.ts'
import { isFaster } from '../../helpers/clock.ts'
import { copyOf, type Copy } from '../../helpers/copies.ts'
import { cleanup, collect, failureOf, hyperdrive, link, multidrive, store } from '../../helpers/drives.ts'
import MultiDrive, { type MultiDriveOptions } from '../../../index.ts'

const QUICK = 5000
const LONG = 20_000
const TIME = 300

const at = (mtime: number) => ({ metadata: { mtime } })

/** Drives of others, each with `/file` of the date 1000, 2000 …, the last one the winner, of which alone no byte is here. */
async function shared(t: Test, count: number, opts: MultiDriveOptions = {}) {
  const ours = await store(t)
  const own = await hyperdrive(t, { store: ours })
  const copies: Copy[] = []
  for (let i = 1; i <= count; i++) {
    const fill = (author: Hyperdrive) => author.put('/file', `version ${i}`, at(i * 1000))
    copies.push(await copyOf(t, fill, { ours }))
  }
  for (const { copy } of copies.slice(0, -1)) await copy.get('/file')
  const multi = await multidrive(t, [own, ...copies.map(({ copy }) => copy)], opts)
  return { multi, own, copies, winner: copies.at(-1)! }
}

const FALLBACK = { fallback: true, timeout: TIME }
/** Long enough for bytes to come on a busy machine. */
const PATIENT = { fallback: true, timeout: 4000 }

test('get(path, { fallback: true }) gives the newest older version that is to be had, marked stale', async (t) => {
  const { multi, copies, winner } = await shared(t, 3)
  await winner.cut()
  for (const { copy } of copies) await copy.clear('/file')
  const bytes = (await within(LONG, 'get', multi.get('/file', PATIENT)))!
  t.same([String(bytes), bytes.stale], ['version 2', true])
  await copies[1]!.cut()
  await copies[1]!.copy.clear('/file')
  t.equal(String(await within(LONG, 'get', multi.get('/file', PATIENT))), 'version 1', 'the next')
  await copies[0]!.cut()
  t.equal(String(await within(QUICK, 'get', multi.get('/file', FALLBACK))), 'version 1', 'which is here now')
  await copies[0]!.copy.clear('/file')
  const turn = async () => {
    const started = performance.now()
    const err = await within(QUICK, 'get', failureOf(multi.get('/file', FALLBACK)))
    t.same(
      [err.code, err.path, err.drive === winner.copy],
      ['REQUEST_TIMEOUT', '/file', true],
      'the winner’s own'
    )
    t.ok(err.message.includes('/file') && err.message.includes(winner.copy.id), err.message)
    const took = performance.now() - started
    t.ok(took > TIME - 10, `after ${Math.round(took)} ms`)
    return took
  }
  t.ok(await isFaster(5000, turn), 'all within its time')
})

test('never by default, and not where the winner is to be had', async (t) => {
  const { multi, winner } = await shared(t, 2)
  const bytes = (await within(LONG, 'get', multi.get('/file', PATIENT)))!
  t.same([String(bytes), 'stale' in bytes], ['version 2', false])
  const entry = (await multi.entry('/file', FALLBACK))!
  t.same([entry.mtime, 'stale' in entry], [2000, false])
  await winner.copy.clear('/file')
  await winner.cut()
  t.equal(
    (await within(QUICK, 'get', failureOf(multi.get('/file', { timeout: TIME })))).code,
    'REQUEST_TIMEOUT'
  )
  t.equal((await multi.entry('/file'))!.mtime, 2000, 'an entry asks for no bytes')
  t.equal(await within(QUICK, 'exists', multi.exists('/file', FALLBACK)), true)
})

test('{ wait: false, fallback: true } looks at what is here', async (t) => {
  const { multi, copies } = await shared(t, 3)
  await copies[1]!.copy.clear('/file')
  const bytes = (await within(QUICK, 'get', multi.get('/file', { fallback: true, wait: false })))!
  t.same([String(bytes), bytes.stale], ['version 1', true])
  await copies[0]!.copy.clear('/file')
  const err = await failureOf(multi.get('/file', { fallback: true, wait: false }))
  t.same([err.code, err.drive === copies[2]!.copy], ['BLOCK_NOT_AVAILABLE', true])
})

test('entry(path, { fallback: true }) is the version whose bytes are here', async (t) => {
  const { multi, copies, winner } = await shared(t, 2)
  await winner.cut()
  const entry = (await within(QUICK, 'entry', multi.entry('/file', FALLBACK)))!
  t.same([entry.stale, entry.mtime, entry.drive === copies[0]!.copy], [true, 1000, true])
  t.ok(JSON.stringify(entry).includes('"stale":true'))
  await copies[0]!.cut()
  const bytes = (await within(QUICK, 'get', multi.get(entry)))!
  t.same([String(bytes), bytes.stale], ['version 1', true], 'and by the entry they are read')
  const newest = (await multi.entry('/file'))!
  const err = await within(QUICK, 'get', failureOf(multi.get(newest, FALLBACK)))
  t.equal(err.code, 'REQUEST_TIMEOUT', 'an entry means the very version')
  await multi.symlink('/link', '/file')
  t.equal((await within(QUICK, 'entry', multi.entry('/link', { ...FALLBACK, follow: true })))!.stale, true)
  t.equal(
    (await within(QUICK, 'entry', multi.entry('/link', FALLBACK)))!.stale,
    undefined,
    'a link needs no bytes'
  )
  t.equal(await within(QUICK, 'entry', multi.entry('/missing', FALLBACK)), null)
})

test('createReadStream(path, { fallback: true }) makes sure of the bytes before it opens', async (t) => {
  const { multi, winner } = await shared(t, 2)
  await winner.cut()
  for (const opts of [{}, { encoding: 'utf8' as const }, { highWaterMark: 3 }]) {
    const stream = multi.createReadStream('/file', { ...FALLBACK, ...opts })
    const opened = once(stream, 'open').then(() => stream.stale)
    const text = (await within(QUICK, 'the stream', collect(stream))).map(String).join('')
    t.same([text, await opened], ['version 1', true], JSON.stringify(opts))
  }
  const part = multi.createReadStream('/file', { ...FALLBACK, start: 8 })
  t.same(String(Buffer.concat(await within(QUICK, 'a part', collect(part)))), '1')
  await winner.connect()
  await multi.download('/file').done()
  const stream = multi.createReadStream('/file', FALLBACK)
  t.same([String(Buffer.concat(await collect(stream))), stream.stale], ['version 2', undefined])
})

test('new MultiDrive(primary, { fallback: true }) falls back where a read does not say', async (t) => {
  const { multi, winner } = await shared(t, 2, { fallback: true })
  await winner.cut()
  const bytes = (await within(QUICK, 'get', multi.get('/file', { timeout: TIME })))!
  t.same([String(bytes), bytes.stale], ['version 1', true])
  const err = await within(QUICK, 'get', failureOf(multi.get('/file', { timeout: TIME, fallback: false })))
  t.equal(err.code, 'REQUEST_TIMEOUT')
  const turn = async () => {
    const started = performance.now()
    t.equal((await within(QUICK, 'entry', multi.entry('/file')))!.stale, true)
    const time = performance.now() - started
    t.ok(time > 2900, `after ${Math.round(time)} ms`)
    return time
  }
  t.ok(await isFaster(8000, turn), 'in 3 s when there is no timeout')
  t.equal(await within(QUICK, 'resolveLatest', multi.resolveLatest('/file')), winner.copy)
  t.same(
    (await collect(multi.list('/'))).map(({ mtime, stale }) => [mtime, stale]),
    [[2000, undefined]]
  )
})

test('a version that is deleted is never given', async (t) => {
  const ours = await store(t)
  const older = await copyOf(t, (author) => author.put('/file', 'older', at(1000)), { ours })
  // Its author deletes the older version, and writes anew; then goes away.
  const theirs = await store(t)
  const author = new MultiDrive(await hyperdrive(t, { store: theirs }))
  cleanup(t, () => author.close())
  const unlinkOlder = link(older.theirs, theirs)
  await author.addDrive(older.author.key)
  await author.update({ wait: true })
  t.equal(String(await author.get('/file')), 'older')
  await author.del('/file')
  await author.put('/file', 'anew')
  await unlinkOlder()
  const multi = await multidrive(t, [await hyperdrive(t, { store: ours }), older.copy])
  await multi.get('/file')
  const copy = await multi.addDrive(author.key!)
  const unlink = link(theirs, ours)
  await within(LONG, 'metadata', multi.update({ wait: true }))
  await unlink()
  t.equal(await older.copy.has('/file'), true, 'though it is here')
  const err = await within(QUICK, 'get', failureOf(multi.get('/file', FALLBACK)))
  t.same([err.code, err.drive === copy], ['REQUEST_TIMEOUT', true])
  await author.del('/file')
  const again = link(theirs, ours)
  await within(LONG, 'metadata', multi.update({ wait: true }))
  await again()
  t.equal(await within(QUICK, 'get', multi.get('/file', FALLBACK)), null, 'nor where nothing is')
})

test('an older version that was overwritten unseen comes before one that was seen', async (t) => {
  const ours = await store(t)
  const seen = await copyOf(t, (author) => author.put('/file', 'seen', at(5000)), { ours })
  const unseen = await copyOf(t, (author) => author.put('/file', 'unseen', at(4000)), { ours })
  const theirs = await store(t)
  const author = new MultiDrive(await hyperdrive(t, { store: theirs }))
  cleanup(t, () => author.close())
  const meeting = link(seen.theirs, theirs)
  await author.addDrive(seen.author.key)
  await author.update({ wait: true })
  await author.put('/file', 'newest', at(6000))
  await meeting()
  const multi = await multidrive(t, [await hyperdrive(t, { store: ours }), seen.copy, unseen.copy])
  await Promise.all([seen.copy.get('/file'), unseen.copy.get('/file')])
  await multi.addDrive(author.key!)
  const unlink = link(theirs, ours)
  await within(LONG, 'metadata', multi.update({ wait: true }))
  await unlink()
  const get = async () => String(await within(QUICK, 'get', multi.get('/file', FALLBACK)))
  t.equal(await get(), 'unseen')
  await unseen.copy.clear('/file')
  await unseen.cut()
  t.equal(await get(), 'seen')
  multi.compareStats = (a, b) => Number(b.mtime) - Number(a.mtime)
  t.equal(await get(), 'seen', 'a comparator of one’s own decides alone')
})

test('a batch falls back as its drive does', async (t) => {
  const { multi, winner } = await shared(t, 2)
  await winner.cut()
  const batch = multi.batch()
  t.equal(String(await within(QUICK, 'get', batch.get('/file', FALLBACK))), 'version 1')
  await batch.put('/file', 'to come')
  t.equal(String(await within(QUICK, 'get', batch.get('/file', FALLBACK))), 'to come')
  await batch.close()
})
