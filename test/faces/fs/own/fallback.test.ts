import test from 'tape'
import { within } from '../../../availability/links.ts'
import { copyOf } from '../../../helpers/copies.ts'
import { collect, failureOf, hyperdrive, multidrive, store } from '../../../helpers/drives.ts'
import { QUICK } from './helpers.ts'

const FALLBACK = { fallback: true, timeout: 300 }
const at = (mtime: number) => ({ metadata: { mtime } })

/** The newer drive's author is away. */
async function shared(t: test.Test, opts = {}) {
  const ours = await store(t)
  const older = await copyOf(t, (author) => author.put('/dir/file', 'older', at(1000)), { ours })
  const newer = await copyOf(t, (author) => author.put('/dir/file', 'newer one', at(2000)), { ours })
  await newer.cut()
  await older.copy.get('/dir/file')
  const multi = await multidrive(t, [await hyperdrive(t, { store: ours }), older.copy, newer.copy], opts)
  await multi.symlink('/link', '/dir/file')
  return { multi, older, newer }
}

test('readFile(path, { fallback: true }) gives the older version, marked stale', async (t) => {
  const { multi, newer } = await shared(t)
  for (const path of ['/dir/file', '/link']) {
    const bytes = await within(QUICK, 'readFile', multi.promises.readFile(path, FALLBACK))
    t.same([String(bytes), (bytes as { stale?: true }).stale], ['older', true], path)
  }
  t.equal(
    await within(QUICK, 'readFile', multi.readFile('/dir/file', { ...FALLBACK, encoding: 'utf8' })),
    'older'
  )
  const flagged = await within(QUICK, 'readFile', multi.readFile('/dir/file', { ...FALLBACK, flag: 'rs' }))
  t.same([String(flagged), (flagged as { stale?: true }).stale], ['older', true], 'with a flag')
  const called = await within(
    QUICK,
    'readFile',
    new Promise((resolve) =>
      multi.readFile('/dir/file', FALLBACK, (err, bytes) => resolve([err, String(bytes)]))
    )
  )
  t.same(called, [null, 'older'], 'by callback')
  const err = await within(QUICK, 'readFile', failureOf(multi.readFile('/dir/file', { timeout: 300 })))
  t.same(
    [err.code, err.path, err.drive === newer.copy],
    ['REQUEST_TIMEOUT', '/dir/file', true],
    'not by default'
  )
  t.equal((await failureOf(multi.readFile('/missing', FALLBACK))).code, 'ENOENT')
  t.equal((await failureOf(multi.readFile('/dir', FALLBACK))).code, 'EISDIR')
})

test('open(path, "r", mode, { fallback: true }) stays on the version whose bytes are here', async (t) => {
  const { multi, older, newer } = await shared(t)
  const fd = await within(QUICK, 'open', multi.open('/dir/file', 'r', 0o666, FALLBACK))
  await older.cut()
  await newer.connect()
  await multi.get('/dir/file')
  t.equal(String(await within(QUICK, 'readFile', multi.readFile(fd))), 'older')
  t.equal((await multi.fstat(fd)).drive, older.copy)
  await multi.close(fd)
  const handle = await multi.promises.open('/dir/file', 'r', 0o666, FALLBACK)
  t.equal(String(await handle.readFile()), 'newer one', 'the newest is back')
  await handle.close()
})

test('fstat(fd) and FileHandle.stat() say stale: true of a descriptor that stands in for a newer version', async (t) => {
  const { multi, newer } = await shared(t)
  const fd = await within(QUICK, 'open', multi.open('/dir/file', 'r', 0o666, FALLBACK))
  const handle = await within(QUICK, 'open', multi.promises.open('/link', 'r', 0o666, FALLBACK))
  const called = await new Promise<{ stale?: true }>((resolve) => multi.fstat(fd, (_, stat) => resolve(stat)))
  const stats = {
    fstat: await multi.fstat(fd),
    'fstat with a callback': called,
    'fstat in bigints': await multi.fstat(fd, { bigint: true }),
    'FileHandle.stat': await handle.stat(),
    'FileHandle.stat in bigints': await handle.stat({ bigint: true })
  }
  for (const [name, stat] of Object.entries(stats)) t.equal(stat.stale, true, name)
  t.equal(stats.fstat.size, 'older'.length)
  const bytes = await multi.readFile(fd)
  t.same([String(bytes), (bytes as { stale?: true }).stale], ['older', true], 'and so do its bytes')
  t.equal(((await handle.readFile()) as { stale?: true }).stale, true)
  t.notOk('stale' in (await multi.stat('/dir/file')), 'stat(path) is about the newest')
  t.notOk('stale' in (await multi.fstat(await multi.open('/link', 'r'))), 'as is one that did not ask')

  await newer.connect()
  await multi.get('/dir/file')
  const again = await multi.open('/dir/file', 'r', 0o666, FALLBACK)
  t.notOk('stale' in (await multi.fstat(again)), 'nor one that found the newest')
  t.equal((await multi.fstat(fd)).stale, true, 'while the older one is still open')
  await Promise.all([multi.close(fd), multi.close(again), handle.close()])
})

test('new MultiDrive(primary, { fallback: true }) opens for reading what fstat(fd) tells to be stale', async (t) => {
  const { multi } = await shared(t, { fallback: true })
  const fd = await within(QUICK, 'open', multi.open('/dir/file', 'r', 0o666, { timeout: 300 }))
  t.equal((await multi.fstat(fd)).stale, true)
  const own = await within(QUICK, 'open', multi.open('/dir/file', 'r', 0o666, { fallback: false }))
  t.notOk('stale' in (await multi.fstat(own)))
  await Promise.all([multi.close(fd), multi.close(own)])
})

test('with nothing to fall back to, open fails with the error of the winner', async (t) => {
  const { multi, older, newer } = await shared(t)
  await older.cut()
  await older.copy.clear('/dir/file')
  const err = await within(QUICK, 'open', failureOf(multi.open('/dir/file', 'r', 0o666, FALLBACK)))
  t.same([err.code, err.path, err.drive === newer.copy], ['REQUEST_TIMEOUT', '/dir/file', true])
})

test('what writes never begins with an older version', async (t) => {
  const { multi, newer } = await shared(t, { fallback: true })
  const fd = await within(QUICK, 'open', multi.open('/dir/file', 'r+', 0o666, FALLBACK))
  await multi.write(fd, 'x')
  const err = await within(QUICK, 'close', failureOf(multi.close(fd)))
  t.same([err.code, err.drive === newer.copy], ['REQUEST_TIMEOUT', true])
})

test('Node’s streams take timeout and fallback too', async (t) => {
  const { multi } = await shared(t)
  const stream = multi.createReadStream('/dir/file', { ...FALLBACK, highWaterMark: 2 })
  t.equal((await within(QUICK, 'the stream', collect(stream))).map(String).join('|'), 'ol|de|r')
  t.same([stream.stale, (stream as { path?: unknown }).path], [true, '/dir/file'])
  const late = multi.createReadStream('/dir/file', { timeout: 300, highWaterMark: 2 })
  t.equal((await within(QUICK, 'the stream', failureOf(collect(late)))).code, 'REQUEST_TIMEOUT')
})
