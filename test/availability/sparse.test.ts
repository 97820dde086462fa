import test from 'tape'
import type { Entry } from '../../index.ts'
import { isFaster } from '../helpers/clock.ts'
import { collect, failureOf, hyperdrive, keys, link, multidrive, store } from '../helpers/drives.ts'
import { together, unsynced, until, within } from './links.ts'
import { sparse } from './sparse.ts'

const QUICK = 5000

/** Beside the sparse copy a drive with a file of its own. */
async function headOnly(t: test.Test, files?: number) {
  const made = await sparse(t, files)
  await made.own.put('/own', 'own')
  return made
}

test('addDrive(drive, { sparse: true }) reads on demand', async (t) => {
  const { author, copy, multi } = await headOnly(t)
  t.equal((await multi.entry('/f/007'))?.key, '/f/007')
  t.equal(String(await multi.get('/f/007')), '7')
  const here = copy.core.contiguousLength
  let blocks = 0
  for (let i = 0; i < author.core.length; i++) if (await copy.core.has(i)) blocks++
  t.ok(
    blocks > 0 && blocks < author.core.length / 2,
    `${blocks} of ${author.core.length} blocks came, for one entry`
  )
  t.ok(here < author.core.length)
  t.same(unsynced(multi), [], 'its head is known')
  t.equal((await keys(multi, '/f')).length, 200)
})

test('addDrive(drive, { sparse: true }) reads the newest head that came', async (t) => {
  const { author, copy, multi } = await headOnly(t, 3)
  await author.put('/later', 'x')
  await until(copy.core, ['append'], () => copy.core.length === author.core.length)
  t.ok(await multi.entry('/later'))
  await author.del('/later')
  await until(copy.core, ['append'], () => copy.core.length === author.core.length)
  t.equal(await multi.entry('/later'), null)
})

test('a sparse drive that never met a peer is empty and listed in unsynced', async (t) => {
  const author = await hyperdrive(t)
  const copy = await hyperdrive(t, { key: author.key })
  const multi = await multidrive(t, [await hyperdrive(t)])
  await multi.addDrive(copy, { sparse: true })
  t.same(unsynced(multi), [copy.id])
  t.same(await within(QUICK, 'list', keys(multi)), [])
  t.equal(await within(QUICK, 'entry', multi.entry('/x')), null)
})

test('wait: false on a sparse drive gives BLOCK_NOT_AVAILABLE, naming drive and path', async (t) => {
  const { copy, multi, cut } = await headOnly(t)
  await cut()
  const opts = { wait: false }
  const path = '/f/001'
  const calls: Record<string, () => Promise<unknown>> = {
    entry: () => multi.entry(path, opts),
    exists: () => multi.exists(path, opts),
    get: () => multi.get(path, opts),
    createReadStream: () => collect(multi.createReadStream(path, opts)),
    list: () => collect(multi.list('/f', opts)),
    readdir: () => collect(multi.readdir('/f', opts)),
    entries: () => collect(multi.entries({ gt: '/f/' }, opts))
  }
  for (const [name, call] of Object.entries(calls)) {
    const err = await within(QUICK, name, failureOf(call()))
    t.equal(err.code, 'BLOCK_NOT_AVAILABLE', name)
    t.equal(err.drive, copy, 'names the drive')
    t.ok(err.message.includes(copy.id), 'in its message too')
    if (['entry', 'exists', 'get', 'createReadStream'].includes(name)) {
      t.equal(err.path, path, 'and the path')
      t.ok(err.message.includes(path))
    }
  }
})

test('timeout on a sparse drive gives REQUEST_TIMEOUT within about its time, naming drive and path', async (t) => {
  const { copy, multi, cut } = await headOnly(t)
  await cut()
  const opts = { timeout: 600 }
  const path = '/f/001'
  const calls: Record<string, () => Promise<unknown>> = {
    entry: () => multi.entry(path, opts),
    get: () => multi.get(path, opts),
    createReadStream: () => collect(multi.createReadStream(path, opts)),
    list: () => collect(multi.list('/f', opts))
  }
  for (const [name, call] of Object.entries(calls)) {
    const turn = async () => {
      const started = performance.now()
      const err = await within(5000, name, failureOf(call()))
      const took = performance.now() - started
      t.equal(err.code, 'REQUEST_TIMEOUT', name)
      t.ok(took >= 590, `after ${Math.round(took)} ms`)
      t.equal(err.drive, copy, 'names the drive')
      if (name !== 'list') t.equal(err.path, path, 'and the path')
      return took
    }
    t.ok(await isFaster(5000, turn))
  }
})

test('timeout counts once for a call, also while peers are being looked for', async (t) => {
  const { multi, cut } = await headOnly(t)
  await cut()
  const done = multi.findingPeers()
  const turn = async () => {
    const started = performance.now()
    const err = await within(5000, 'entry', failureOf(multi.entry('/f/001', { timeout: 600 })))
    t.equal(err.code, 'REQUEST_TIMEOUT')
    return performance.now() - started
  }
  t.ok(await isFaster(5000, turn))
  done()
})

test('a bounded read is never stuck behind an unbounded one', async (t) => {
  const { theirs, ours, copy, own, multi, cut } = await headOnly(t)
  // The hidden records are known, so that it is the entry that the unbounded read waits for.
  await multi.entry('/f/000')
  await cut()
  const path = '/f/150'
  await own.put(path, 'mine')
  t.equal(
    (await failureOf(multi.entry(path, { wait: false }))).code,
    'BLOCK_NOT_AVAILABLE',
    'a drive that cannot tell is an error, though another holds the path'
  )
  const unbounded = [multi.exists(path), multi.entry(path), multi.get(path), keys(multi, '/f')]
  await new Promise(setImmediate)

  const now = await within(QUICK, 'wait: false', failureOf(multi.entry(path, { wait: false })))
  t.equal(now.code, 'BLOCK_NOT_AVAILABLE')
  const started = performance.now()
  const five = await Promise.all(
    Array.from({ length: 5 }, () => within(QUICK, 'timeout', failureOf(multi.entry(path, { timeout: 3000 }))))
  )
  const took = performance.now() - started
  t.same(
    five.map((err) => err.code),
    Array(5).fill('REQUEST_TIMEOUT'),
    'five at once'
  )
  t.ok(took < 12_000, `all after ${Math.round(took)} ms`)

  link(theirs, ours)
  await together(copy)
  const [exists, entry, bytes, listed] = await within(10_000, 'the unbounded reads', Promise.all(unbounded))
  t.same(
    [exists, (entry as Entry).key, (bytes as Buffer).toString(), (listed as string[]).length],
    [true, path, 'mine', 200],
    'the unbounded ones go on when a peer comes back'
  )
})

test('many reads on demand at once print no warning', async (t) => {
  const warnings: string[] = []
  const onwarning = (warning: Error) => warnings.push(warning.name)
  process.on('warning', onwarning)
  const { theirs, ours, author, copy, multi, cut } = await headOnly(t)
  await cut()
  const reads = Array.from({ length: 40 }, (_, i) => multi.entry(`/f/${String(i).padStart(3, '0')}`))
  const followed = await multidrive(t, [await hyperdrive(t)])
  const second = await store(t)
  const other = await hyperdrive(t, { store: second, key: author.key })
  await followed.addDrive(other)
  link(theirs, second)
  await until(other.core, ['append'], () => other.core.length === author.core.length)
  const more = Array.from({ length: 40 }, (_, i) => followed.entry(`/f/${String(i).padStart(3, '0')}`))
  link(theirs, ours)
  await together(copy)
  const found = await within(10_000, 'the reads', Promise.all([...reads, ...more]))
  t.ok(found.every((entry) => entry !== null))
  await new Promise(setImmediate)
  process.off('warning', onwarning)
  t.same(warnings, [])
})

test('removing a sparse drive ends the reads that wait for it', async (t) => {
  const { copy, multi, cut } = await headOnly(t)
  await cut()
  const reading = failureOf(multi.entry('/f/001'))
  await new Promise(setImmediate)
  await within(QUICK, 'removeDrive', multi.removeDrive(copy))
  t.equal(typeof (await within(QUICK, 'the read that waited', reading)).code, 'string', 'with a code')
  t.notOk(copy.closed, 'the drive stays open')
  t.equal(await within(QUICK, 'entry', multi.entry('/f/001')), null, 'a read begun after that does not wait')
})

test('closing a MultiDrive ends the reads that wait for a sparse drive', async (t) => {
  const { multi, cut } = await headOnly(t)
  await cut()
  const reads = [
    failureOf(multi.entry('/f/001')),
    failureOf(keys(multi, '/f')),
    failureOf(multi.get('/f/002'))
  ]
  await new Promise(setImmediate)
  await within(QUICK, 'close', multi.close())
  const errors = await within(QUICK, 'the reads', Promise.all(reads))
  t.ok(
    errors.every((err) => typeof err.code === 'string'),
    errors.map((err) => err.code).join(', ')
  )
})

test('a sparse drive: a listing fetches each block once', async (t) => {
  const { author, copy, multi } = await headOnly(t, 500)
  const sent: number[] = []
  const { bitfield } = copy.core.core
  // Of a block that came while a snapshot looked for it, Hypercore asks again although it is here.
  author.core.on('upload', (index: number) => bitfield.get(index) || sent.push(index))
  t.equal((await keys(multi, '/f')).length, 500)
  // Some came before the listing: those that told what the drive hides.
  t.ok(sent.length > 400 && sent.length <= author.core.length, `${sent.length} blocks for 500 entries`)
  t.equal(new Set(sent).size, sent.length, 'none twice')
})
