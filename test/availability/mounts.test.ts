/** Mounted drives whose owners are about to come, are not there, go away and come back. */
import Hyperdrive from 'hyperdrive'
import test, { type Test } from 'tape'
import type MultiDrive from '../../index.ts'
import {
  collect,
  contents,
  failureOf,
  hyperdrive,
  hyperdrives,
  keys,
  link,
  multidrive,
  store
} from '../helpers/drives.ts'
import { AT_ONCE, isFaster, readsInTime, took } from '../helpers/clock.ts'
import { alone, cutAfter, together, whole, within } from './links.ts'

const LONG = 20_000
const TIMEOUT = 400
const BIG = Buffer.alloc(300_000, 5)

/** Somebody's drive, mounted in a set of which no drive has a peer. */
async function mounted(t: Test) {
  const [here, there] = [await store(t), await store(t)]
  const [shared] = await hyperdrives(t, 1, there)
  await shared.put('/x', 'x')
  const theirs = await multidrive(t, [shared])
  const ours = await multidrive(t, [await hyperdrive(t, { store: here })])
  await ours.mount('/m', shared.key)
  return { ours, theirs, shared }
}

/** Two MultiDrives that replicate, from now on. */
function connect(a: MultiDrive, b: MultiDrive): void {
  const [left, right] = [a.replicate(true), b.replicate(false)]
  for (const stream of [left, right]) stream.on('error', () => undefined)
  left.pipe(right).pipe(left)
}

test('the first read below a mount waits for the peers of a stream that was just opened', async (t) => {
  for (const read of [(multi: MultiDrive) => contents(multi), listed]) {
    await readsInTime(t, { '/m/x': 'x' }, async () => {
      const { ours, theirs } = await mounted(t)
      connect(ours, theirs)
      return within(LONG, 'the first read', read(ours))
    })
  }
})

async function listed(multi: MultiDrive): Promise<Record<string, string>> {
  return { '/m/x': String(await multi.get('/m/x')) }
}

test('a read below a mount that found nobody once waits when a stream is opened later', async (t) => {
  await readsInTime(t, 'x', async () => {
    const { ours, theirs } = await mounted(t)
    t.equal(await ours.get('/m/x'), null)
    connect(ours, theirs)
    return String(await within(LONG, 'read', ours.get('/m/x')))
  })
})

test('the first read below a mount waits as long as peers are being looked for', async (t) => {
  await readsInTime(t, ['x', ['/m/x']], async () => {
    const { ours, theirs } = await mounted(t)
    const found = ours.findingPeers()
    const reading = ours.get('/m/x')
    const listing = keys(ours)
    setTimeout(() => connect(ours, theirs), AT_ONCE + 600)
    const bytes = await within(LONG, 'read', reading)
    const listed = await within(LONG, 'list', listing)
    found()
    return [String(bytes), listed]
  })
})

test('a search that ends with a connection made leaves time for its handshake', async (t) => {
  await readsInTime(t, 'x', async () => {
    const { ours, theirs } = await mounted(t)
    const found = ours.findingPeers()
    const reading = ours.get('/m/x')
    await new Promise((resolve) => setTimeout(resolve, 100))
    connect(ours, theirs)
    found()
    return String(await within(LONG, 'read', reading))
  })
})

test('where nobody is connected or looked for, nothing is waited for', async (t) => {
  for (const [read, nothing] of [
    [(multi: MultiDrive) => multi.get('/m/x'), null],
    [(multi: MultiDrive) => keys(multi), []]
  ] as const) {
    const turn = async () => {
      const { ours } = await mounted(t)
      const find = ours.findingPeers()
      find()
      ours.replicate(true).destroy()
      const start = performance.now()
      t.same(await read(ours), nothing)
      return performance.now() - start
    }
    t.ok(await isFaster(AT_ONCE, turn))
  }
})

test('reads below a mount that are bounded stay so while peers are expected', async (t) => {
  for (const expect of [
    (multi: MultiDrive) => multi.findingPeers(),
    (multi: MultiDrive) => {
      const stream = multi.replicate(true)
      return () => {
        stream.destroy()
      }
    }
  ]) {
    for (const opts of [{ timeout: 200 }, { wait: false }]) {
      const turn = async () => {
        const { ours } = await mounted(t)
        const end = expect(ours)
        const time = await took(ours.get('/m/x', opts).catch(() => undefined))
        end()
        return time
      }
      t.ok(await isFaster(AT_ONCE, turn), JSON.stringify(opts))
    }
    const { ours } = await mounted(t)
    const end = expect(ours)
    t.same(await within(LONG, 'list', keys(ours)), [], 'a listing comes to its end without it')
    end()
    t.equal(await within(LONG, 'read', ours.get('/m/x')), null)
  }
})

test('the owner of a mounted drive vanishes and comes back', async (t) => {
  const [theirs, ours] = [await store(t), await store(t)]
  const author = await hyperdrive(t, { store: theirs })
  await author.put('/plan', BIG)
  await author.put('/small', 'small')
  let unlink = link(theirs, ours)
  const own = await hyperdrive(t, { store: ours.namespace('own') })
  let copy: Hyperdrive = null
  const multi = await multidrive(t, [own], {
    openDrive: (key) => (copy = new Hyperdrive(ours.session({ writable: false }), key))
  })
  await multi.put('/above', 'above')
  await multi.mount('/m', author.key)
  await keys(multi)
  await within(LONG, 'metadata', whole(copy, author))
  t.equal(String(await within(LONG, 'get', multi.get('/m/small'))), 'small')
  await unlink()
  await alone(copy)

  t.same(await within(LONG, 'list', keys(multi)), ['/above', '/m/plan', '/m/small'], 'listings still answer')
  t.same(await within(LONG, 'readdir', collect(multi.readdir('/'))), ['above', 'm'])
  t.same(await within(LONG, 'readdir', multi.promises.readdir('/m')), ['plan', 'small'])
  t.equal((await within(LONG, 'stat', multi.promises.stat('/m/plan'))).size, BIG.length)
  t.equal(String(await within(LONG, 'get', multi.get('/m/small'))), 'small', 'what was read is here')
  const reads: [string, () => Promise<unknown>][] = [
    ['get', () => multi.get('/m/plan', { timeout: TIMEOUT })],
    ['createReadStream', () => collect(multi.createReadStream('/m/plan', { timeout: TIMEOUT }))]
  ]
  for (const [name, read] of reads) {
    const turn = async () => {
      const started = performance.now()
      const err = await within(LONG, name, failureOf(read))
      t.same([err.code, err.path, err.drive === copy], ['REQUEST_TIMEOUT', '/m/plan', true], name)
      t.ok(err.message.includes('/m/plan') && err.message.includes(author.id), err.message)
      return performance.now() - started
    }
    t.ok(await isFaster(TIMEOUT + 1500, turn), 'within its time')
  }
  t.equal(String(await multi.get('/above')), 'above')
  await within(LONG, 'put', multi.put('/beside', ''))

  const reading = multi.get('/m/plan')
  unlink = link(theirs, ours)
  await together(copy)
  t.ok((await within(LONG, 'get', reading))!.equals(BIG), 'all goes on when it is back')
  const updated = new Promise((resolve) => multi.once('update', resolve))
  await author.put('/later', 'later')
  await within(LONG, 'the next version', updated)
  await within(LONG, 'metadata', whole(copy, author))
  t.equal(String(await within(LONG, 'get', multi.get('/m/later'))), 'later')
  await unlink()
})

test('a mounted drive that never was here, with its owner gone in the middle', async (t) => {
  const [theirs, ours] = [await store(t), await store(t)]
  const author = await hyperdrive(t, { store: theirs })
  for (let i = 0; i < 2000; i++) await author.put(`/files/${String(i).padStart(4, '0')}`, '')
  const cut = cutAfter(theirs, ours, 30_000)
  const own = await hyperdrive(t, { store: ours.namespace('own') })
  const multi = await multidrive(t, [own])
  await multi.put('/above', 'above')
  await multi.mount('/m', author.key)
  const found = await within(LONG, 'list', keys(multi))
  t.ok(found.includes('/above'), 'the listing above the mount answers')
  await cut.closed
  t.same(await within(LONG, 'readdir', multi.promises.readdir('/')), ['above', 'm'])
  t.equal(String(await within(LONG, 'get', multi.get('/above'))), 'above')
  const unlink = link(theirs, ours)
  const copy: Hyperdrive = multi.unsynced[0]
  t.equal(copy.id, author.id)
  await within(LONG, 'metadata', whole(copy, author))
  t.equal((await within(LONG, 'list', keys(multi, '/m'))).length, 2000)
  t.same(multi.unsynced, [])
  await unlink()
})
