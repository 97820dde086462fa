import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import Hyperdrive from 'hyperdrive'
import test, { type Test } from 'tape'
import MultiDrive from '../index.ts'
import { within } from './availability/links.ts'
import { again } from './helpers/clock.ts'
import {
  cleanup,
  collect,
  contents,
  failureOf,
  hyperdrive,
  link,
  localdrive,
  multidrive,
  store
} from './helpers/drives.ts'

const limit = { timeout: 60_000 }
const QUICK = 10_000

/** A watch of a folder, and what its next step is: the folder's files after and before. */
function watched(t: Test, multi: MultiDrive, folder?: string) {
  const watcher = multi.watch(folder)
  cleanup(t, () => watcher.destroy())
  let pending: ReturnType<typeof watcher.next> | null = null
  const ask = () => (pending ??= watcher.next())
  const next = async (): Promise<Record<string, string>[] | null> => {
    const { done, value } = await within(QUICK, 'a change', ask())
    pending = null
    if (done) return null
    return [await contents(value[0]), await contents(value[1])]
  }
  /** Whether nothing has been told until something else is: that is done by `change`, and has to be told alone. */
  const isSilent = async (change: () => Promise<unknown>) => {
    let told = false
    void ask().then(() => (told = true))
    for (let i = 0; i < 3; i++) await multi.update()
    await change()
    const wasTold = told
    return [wasTold, await next()] as const
  }
  return { watcher, next, isSilent, ask }
}

test('watch(folder) gives [current, previous] for each change of the merged view', limit, async (t) => {
  const [own, other] = [await hyperdrive(t), await hyperdrive(t)]
  const multi = await multidrive(t, [own, other])
  await multi.put('/a/x', '1')
  const { next } = watched(t, multi, '/a')
  await multi.put('/a/x', '2')
  t.same(await next(), [{ '/a/x': '2' }, { '/a/x': '1' }])
  await other.put('/a/y', 'theirs')
  t.same(await next(), [{ '/a/x': '2', '/a/y': 'theirs' }, { '/a/x': '2' }])
  await multi.rm('/a', { recursive: true })
  t.same(await next(), [{}, { '/a/x': '2', '/a/y': 'theirs' }])
  await multi.mkdir('/a/folder', { recursive: true })
  t.same(await next(), [{}, {}], 'folders of their own are told too')
})

test('watch(folder) is silent where the folder shows what it did', limit, async (t) => {
  const [own, other] = [await hyperdrive(t), await hyperdrive(t)]
  await other.put('/a/x', 'old', { metadata: { mtime: 1 } })
  const multi = await multidrive(t, [own, other])
  await multi.put('/a/x', 'new')
  await multi.put('/a/y', 'mine')
  await multi.del('/a/y')
  const { next, isSilent } = watched(t, multi, '/a')
  const [told, pair] = await isSilent(async () => {
    await multi.put('/b', 'elsewhere')
    await multi.put('/a0', 'beside it')
    await other.put('/a/x', 'older', { metadata: { mtime: 2 } })
    await own.del('/a/nothing')
    await multi.addDrive(await hyperdrive(t))
    await multi.put('/a/z', 'a change')
  })
  t.notOk(told)
  t.same(pair, [
    { '/a/x': 'new', '/a/z': 'a change', '/a0': 'beside it', '/b': 'elsewhere' },
    { '/a/x': 'new' }
  ])
  await multi.put('/a/x', 'end')
  t.equal((await next())![0]!['/a/x'], 'end', 'nor is anything left to tell')
})

test('watch(folder) joins what comes while nobody asks', limit, async (t) => {
  const [own, other] = [await hyperdrive(t), await hyperdrive(t)]
  const multi = await multidrive(t, [own, other])
  const { watcher, next } = watched(t, multi)
  await watcher.ready()
  for (let i = 0; i < 5; i++) await multi.put(`/${i}`, String(i))
  await other.put('/theirs', 'text')
  const [current, previous] = (await next())!
  t.same(Object.keys(current!), ['/0', '/1', '/2', '/3', '/4', '/theirs'])
  t.same(previous, {})
  await multi.put('/last', 'text')
  t.same((await next())![1], current)
})

test('watch(folder) tells once of what several drives carry', limit, async (t) => {
  const [own, other, third] = [await hyperdrive(t), await hyperdrive(t), await hyperdrive(t)]
  const multi = await multidrive(t, [own, other, third])
  const { next, isSilent } = watched(t, multi)
  await multi.put('/x', 'text')
  t.same((await next())![0], { '/x': 'text' })
  const [told] = await isSilent(async () => {
    // The same file, as a mirror brings it to the others.
    for (const drive of [other, third]) await drive.put('/x', 'text', { metadata: { mtime: 1 } })
    await multi.put('/end', '')
  })
  t.notOk(told)
})

test('watch(folder) tells of drives that come and go, and of another comparator', limit, async (t) => {
  const [own, other] = [await hyperdrive(t), await hyperdrive(t)]
  await own.put('/x', 'own', { metadata: { mtime: 2 } })
  await other.put('/x', 'other', { metadata: { mtime: 1 } })
  await other.put('/y', 'other')
  const multi = await multidrive(t, [own])
  const { next } = watched(t, multi)
  await multi.addDrive(other)
  t.same(await next(), [{ '/x': 'own', '/y': 'other' }, { '/x': 'own' }])
  multi.compareStats = (a, b) => (a.mtime ?? 0) - (b.mtime ?? 0)
  t.same((await next())![0], { '/x': 'other', '/y': 'other' })
  multi.compareStats = MultiDrive.byOrder
  t.same((await next())![0], { '/x': 'own', '/y': 'other' })
  await multi.removeDrive(other)
  t.same(await next(), [{ '/x': 'own' }, { '/x': 'own', '/y': 'other' }])
})

test('watch(folder) tells of drives that change places', limit, async (t) => {
  const [own, a, b] = [await hyperdrive(t), await hyperdrive(t), await hyperdrive(t)]
  await a.put('/x', 'a')
  await b.put('/x', 'b')
  const multi = await multidrive(t, [own, a, b])
  const { next, watcher } = watched(t, multi)
  await watcher.ready()
  await multi.removeDrive(a)
  await multi.addDrive(a)
  t.same(await next(), [{ '/x': 'b' }, { '/x': 'a' }], 'of undated files the first added wins')
})

test(
  'watch(folder) tells of what comes by replication, and of a drive that was truncated',
  limit,
  async (t) => {
    const [here, there] = [await store(t), await store(t)]
    const theirs = await hyperdrive(t, { store: there })
    await theirs.put('/x', 'one')
    const remote = await hyperdrive(t, { store: here, key: theirs.key })
    const multi = await multidrive(t, [await hyperdrive(t), remote])
    const { next } = watched(t, multi)
    cleanup(t, link(here, there))
    t.same((await next())![0], { '/x': 'one' })
    await theirs.put('/x', 'two')
    t.same((await next())![0], { '/x': 'two' })

    const own = await hyperdrive(t)
    await own.put('/x', 'one')
    const { version } = own
    await own.put('/x', 'two')
    const alone = await multidrive(t, [own])
    const truncated = watched(t, alone)
    const ask = truncated.ask()
    await own.truncate(version)
    const { value } = await within(QUICK, 'a change', ask)
    t.same(await contents(value![0]), { '/x': 'one' })
  }
)

test('watch(folder) yields when a drive without history tells of a change', limit, async (t) => {
  const [local, own] = [await localdrive(t), await hyperdrive(t)]
  const multi = await multidrive(t, [local, own])
  const { next } = watched(t, multi, '/a')
  await multi.put('/a/x', 'text')
  t.same((await next())![0], { '/a/x': 'text' })
  const inner = await multidrive(t, [await localdrive(t)])
  const outer = await multidrive(t, [await hyperdrive(t), inner])
  const nested = watched(t, outer)
  await inner.put('/x', 'deep')
  t.same((await nested.next())![0], { '/x': 'deep' })
})

test('snapshots of watch(folder) close by themselves at the next step', limit, async (t) => {
  const multi = await multidrive(t, [await hyperdrive(t)])
  const snapshots: any[] = []
  let i = 0
  const changes = multi.watch('/')
  await multi.put('/x', String(i++))
  for await (const [current, previous] of changes) {
    t.equal(current.closed, false)
    t.equal(previous.closed, false)
    t.equal(String(await current.get('/x')), String(i - 1))
    t.same(
      (await collect(current.diff(previous.version))).map(({ left }) => left.key),
      ['/x'],
      'each can be compared with the other'
    )
    t.equal(current.writable, false)
    if (i > 1) {
      t.equal(previous, snapshots.at(-1)[0])
      t.equal(snapshots.at(-1)[1].closed, true)
    }
    snapshots.push([current, previous])
    if (i === 3) break
    await multi.put('/x', String(i++))
  }
  t.ok(
    snapshots.flat().every(({ closed }) => closed),
    'all are closed at the end'
  )
  t.same(await changes.next(), { done: true, value: undefined })
  const listeners = multi.listenerCount('update')
  await multi.watch().destroy()
  t.equal(multi.listenerCount('update'), listeners)
})

test('watch(folder) ends with destroy(), and with the MultiDrive', limit, async (t) => {
  const multi = await multidrive(t, [await hyperdrive(t)])
  const [one, two] = [watched(t, multi), watched(t, multi)]
  const ends = [one.next(), two.next()]
  await one.watcher.destroy()
  t.equal(await ends[0], null)
  await multi.close()
  t.equal(await ends[1], null)
  t.equal(await two.next(), null)
  t.equal((await failureOf(() => multi.watch('/'))).code, 'CLOSED')
  t.equal((await failureOf(() => multi.watch('/', () => undefined))).code, 'CLOSED')
})

test('watch(folder) of a MultiDrive that is not open yet, or never is', limit, async (t) => {
  const own = await hyperdrive(t)
  await own.put('/x', 'one')
  const multi = new MultiDrive(own)
  cleanup(t, () => multi.close())
  const { next } = watched(t, multi)
  await multi.put('/x', 'two')
  const [current] = (await next())!
  t.same(current, { '/x': 'two' })
  t.equal((await failureOf(() => multi.watch('..'))).code, 'EINVAL')
  const list = async function* () {}
  const broken = new MultiDrive({
    entry: () => Promise.resolve(null),
    list,
    createReadStream: list,
    ready: () => Promise.reject(new Error('no disk'))
  } as never)
  const watcher = broken.watch()
  t.match((await failureOf(watcher.ready())).message, /no disk/)
  t.same(await watcher.next(), { done: true, value: undefined })
})

test('watch(folder) that begins again and again leaves nothing behind', limit, async (t) => {
  const multi = await multidrive(t, [await hyperdrive(t)])
  const warnings: Error[] = []
  const warn = (warning: Error) => void warnings.push(warning)
  process.on('warning', warn)
  cleanup(t, () => process.off('warning', warn))
  const watchers = Array.from({ length: 20 }, () => multi.watch())
  await Promise.all(watchers.map((watcher) => watcher.ready()))
  await Promise.all(watchers.map((watcher) => watcher.close()))
  t.equal(multi.listenerCount('update'), 0)
  t.equal(multi.listenerCount('close'), 0)
  await new Promise((resolve) => setImmediate(resolve))
  t.same(warnings, [])
})

test('watch(folder) tells of mounts that come and go, and of what changes below them', limit, async (t) => {
  const corestore = await store(t)
  const drive = async (name: string): Promise<any> => {
    const made = new Hyperdrive(corestore.namespace(name))
    await made.ready()
    return made
  }
  const [own, other, deep] = [await drive('own'), await drive('other'), await drive('deep')]
  await other.put('/a', 'one')
  await deep.put('/x/y', 'one')
  const multi = await multidrive(t, [own])
  const { next } = watched(t, multi)
  await multi.mount('/m', other.key)
  t.same((await next())![0], { '/m/a': 'one' })
  await other.put('/a', 'two')
  t.same(await next(), [{ '/m/a': 'two' }, { '/m/a': 'one' }])
  const others = await multidrive(t, [other])
  await others.mount('/n', deep.key)
  t.same((await next())![0], { '/m/a': 'two', '/m/n/x/y': 'one' })

  const [below, beside] = [watched(t, multi, '/m/n/x'), watched(t, multi, '/m/none')]
  await Promise.all([below.watcher.ready(), beside.watcher.ready()])
  let told = false
  void beside.ask().then(({ done }) => (told = !done))
  await deep.put('/z', 'elsewhere')
  await deep.put('/x/y', 'two')
  t.equal((await below.next())![0]!['/m/n/x/y'], 'two')
  t.equal((await next())![0]!['/m/n/z'], 'elsewhere')
  await multi.unmount('/m')
  t.same((await below.next())![0], {})
  t.notOk(told)
  await beside.watcher.destroy()
})

/** A drive of its own and the key of another, which is not open, in one store. */
async function keyed(t: Test, files: Record<string, string>) {
  const corestore = await store(t)
  const own = new Hyperdrive(corestore.namespace('own'))
  const other = new Hyperdrive(corestore.namespace('other'))
  for (const [path, text] of Object.entries(files)) await other.put(path, text)
  await other.close()
  return { own, key: other.key as Buffer }
}

test(
  'watch(folder) is silent when a drive leaves that is mounted too, and showed nothing else',
  limit,
  async (t) => {
    const { own, key } = await keyed(t, { '/a': 'theirs' })
    const multi = await multidrive(t, [own])
    await multi.mount('/m', key)
    await multi.addDrive(key)
    await multi.put('/a', 'mine')
    const before = { '/a': 'mine', '/m/a': 'theirs' }
    for (const folder of ['/', '/m', '/none']) {
      await multi.addDrive(key)
      const { next, ask, watcher } = watched(t, multi, folder)
      await watcher.ready()
      void ask()
      // It shows nothing in the folder when it comes, nor when it goes.
      for (const come of [true, false, true, false])
        await (come ? multi.addDrive(key) : multi.removeDrive(key))
      const end = `${folder === '/' ? '' : folder}/end`
      if (folder === '/m') await multi.unmount('/m')
      else await multi.put(end, '')
      const [current, previous] = (await next())!
      t.same(previous, before, `${folder}: what was there before`)
      t.notSame(current, before, 'all that is told is a change')
      await watcher.destroy()
      if (folder === '/m') await multi.mount('/m', key)
      else await multi.del(end)
    }
  }
)

test('watch(folder) keeps a drive that has left open until no snapshot shows it', limit, async (t) => {
  const { own, key } = await keyed(t, { '/x': 'theirs' })
  const multi = await multidrive(t, [own])
  const drive: Hyperdrive = await multi.addDrive(key)
  const { next, watcher } = watched(t, multi)
  await watcher.ready()
  await multi.removeDrive(key)
  t.same(await next(), [{}, { '/x': 'theirs' }], 'what was opened for its key can be read in `previous`')
  t.notOk(drive.closed)
  t.equal(await multi.addDrive(key), drive, 'it comes back as it is')
  t.same(await next(), [{ '/x': 'theirs' }, {}])
  await multi.removeDrive(key)
  t.same(await next(), [{}, { '/x': 'theirs' }])
  await multi.put('/y', '')
  await next()
  t.ok(drive.closed)

  const again: Hyperdrive = await multi.addDrive(key)
  const outer = await multidrive(t, [await hyperdrive(t), multi])
  const nested = watched(t, outer)
  await nested.watcher.ready()
  await watcher.destroy()
  await multi.removeDrive(key)
  t.same(await nested.next(), [{ '/y': '' }, { '/x': 'theirs', '/y': '' }], 'also of a MultiDrive in the set')
  await nested.watcher.destroy()
  t.ok(again.closed)
})

const SKEW = 100

/** Lets the local clock stand until the test is over; the function given sets it so many milliseconds ahead of then. */
function standing(t: Test): (ms: number) => void {
  const real = Date.now
  const start = real()
  let passed = 0
  Date.now = () => start + passed
  cleanup(t, () => (Date.now = real))
  return (ms) => (passed = ms)
}

/** Two drives, and the dates at which what the second holds comes to be believed: so many milliseconds from now, by a clock that stands. */
async function ahead(t: Test, files: Record<string, number>) {
  const pass = standing(t)
  const [own, other] = [await hyperdrive(t), await hyperdrive(t)]
  for (const path of Object.keys(files)) await own.put(path, 'honest', { metadata: { mtime: 1 } })
  const now = Date.now()
  for (const [path, ms] of Object.entries(files))
    await other.put(path, 'ahead', { metadata: { mtime: now + SKEW + ms } })
  const multi = await multidrive(t, [own, other], { maxClockSkew: SKEW })
  return { own, other, multi, pass }
}

test(
  'maxClockSkew: `update` tells when a date that a read has met comes to be believed',
  limit,
  async (t) => {
    const dates = { '/x': 800, '/y': 1300, '/never': 40 * 24 * 3_600_000 }
    const { own, other, multi, pass } = await ahead(t, dates)
    const warnings: Error[] = []
    const warn = (warning: Error) => void warnings.push(warning)
    process.on('warning', warn)
    cleanup(t, () => process.off('warning', warn))
    const past = multi.checkout(multi.version)
    const honest = { '/x': 'honest', '/y': 'honest', '/never': 'honest' }
    t.same(await contents(multi), honest)
    t.same(await contents(past), honest)
    t.equal(multi.listenerCount('update'), 0)
    for (const path of ['/x', '/y'] as const) {
      const updated = once(multi, 'update')
      pass(dates[path])
      const [drive] = (await within(QUICK, 'an update', updated)) as unknown[]
      t.equal(drive, other)
      t.equal((await contents(multi))[path], 'ahead')
    }
    t.equal((await contents(multi))['/never'], 'honest')
    t.same(await contents(past), honest, 'a checkout believes what was believed when it was taken')
    await new Promise((resolve) => setImmediate(resolve))
    t.same(warnings, [], 'one that is far ahead waits')
    await multi.removeDrive(own)
  }
)

test('maxClockSkew: watch(folder) tells of dates that come to be believed', limit, async (t) => {
  const { multi, pass } = await ahead(t, { '/a/x': 800, '/a/y': 1300, '/b/z': 1000 })
  const { next, ask } = watched(t, multi, '/a')
  const honest = { '/a/x': 'honest', '/a/y': 'honest', '/b/z': 'honest' }
  // Whether it looks before the clock moves on or after, it tells.
  void ask()
  await sleep(100)
  pass(800)
  t.same(await next(), [{ ...honest, '/a/x': 'ahead' }, honest])
  void ask()
  await sleep(100)
  pass(1300)
  const [current, previous] = (await next())!
  t.same(
    current,
    { '/a/x': 'ahead', '/a/y': 'ahead', '/b/z': 'ahead' },
    'of what is elsewhere nothing is told alone'
  )
  t.same(previous, { ...honest, '/a/x': 'ahead' })
})

test('maxClockSkew: watch(path, onchange) tells of dates that come to be believed', limit, async (t) => {
  const { multi, pass } = await ahead(t, { '/a/x': 800, '/a/y': 1300, '/b/z': 1000 })
  const told: string[] = []
  let isTold: () => void = () => undefined
  const watcher = multi.watch('/a', (event, name) => {
    told.push(`${event} ${name}`)
    isTold()
  })
  cleanup(t, () => watcher.destroy())
  const until = async (event: string) => {
    while (!told.includes(event))
      await within(QUICK, event, new Promise<void>((resolve) => (isTold = resolve)))
    return told.splice(0)
  }
  await again(
    (i) => multi.put('/a/begun', String(i)),
    () => told.length > 0
  )
  await multi.put('/a/last', '')
  const begun = await until('rename last')
  t.ok(begun.slice(0, -1).every((event) => event.endsWith(' begun')))
  pass(800)
  t.same(await until('change x'), ['change x'])
  pass(1300)
  t.same(await until('change y'), ['change y'])
})

test('maxClockSkew: watch(folder) tells of dates ahead that come while it watches', limit, async (t) => {
  const { own, other, multi, pass } = await ahead(t, {})
  await own.put('/x', 'honest', { metadata: { mtime: 1 } })
  const { next, ask, watcher } = watched(t, multi)
  await watcher.ready()
  void ask()
  await multi.put('/told', '')
  t.same(await next(), [{ '/told': '', '/x': 'honest' }, { '/x': 'honest' }])
  void ask()
  await other.put('/x', 'ahead', { metadata: { mtime: Date.now() + SKEW + 800 } })
  await sleep(100)
  pass(800)
  t.same(await next(), [
    { '/told': '', '/x': 'ahead' },
    { '/told': '', '/x': 'honest' }
  ])
})

/** Counts the checkouts that a MultiDrive makes, to see them closed. */
function counted(multi: MultiDrive): MultiDrive[] {
  const made: MultiDrive[] = []
  const checkout = multi.checkout.bind(multi)
  multi.checkout = (version: string) => {
    const past = checkout(version)
    made.push(past)
    return past
  }
  return made
}

test('watch(folder) keeps no more than a snapshot while nobody asks', limit, async (t) => {
  const [own, other] = [await hyperdrive(t), await hyperdrive(t)]
  const multi = await multidrive(t, [own, other])
  const made = counted(multi)
  const watcher = multi.watch()
  await watcher.ready()
  for (let i = 0; i < 300; i++) await (i % 2 ? multi : other).put(`/${i % 7}`, String(i))
  t.equal(made.length, 1, 'that of when it began')
  const { value } = await within(QUICK, 'a change', watcher.next())
  t.same(await contents(value![1]), {})
  t.same(await contents(value![0]), await contents(multi), 'all that has come is in one pair')
  for (let i = 0; i < 300; i++) await multi.put(`/${i % 7}`, `again ${i}`)
  await within(QUICK, 'a change', watcher.next())
  t.equal(made.filter(({ closed }) => !closed).length, 2)
  await watcher.destroy()
  t.ok(made.every(({ closed }) => closed))
})

test('watch(folder) ends at once with return(), also while the next change is awaited', limit, async (t) => {
  const multi = await multidrive(t, [await hyperdrive(t)])
  const made = counted(multi)
  const watcher = multi.watch()
  const steps = [watcher.next(), watcher.next()]
  const end = { done: true, value: undefined }
  t.same(await within(QUICK, 'the end', watcher.return!()), end)
  t.same(await within(QUICK, 'the end', Promise.all(steps)), [end, end])
  await Promise.all([watcher.destroy(), watcher.destroy(), watcher.close(), watcher.return!()])
  await watcher.destroy()
  t.same(await watcher.next(), end)

  // In the middle of a step, of which nothing must be left.
  const midway = multi.watch()
  await midway.ready()
  const step = midway.next()
  await multi.put('/x', '')
  await midway.return!()
  await within(QUICK, 'the end', step)
  const never = multi.watch()
  await never.return!()
  await multi.update()
  t.ok(made.every(({ closing }) => closing !== null))
  t.equal(multi.listenerCount('update'), 0)
})

test('watch(folder) whose MultiDrive closes with a pair in hand ends', limit, async (t) => {
  const own = await hyperdrive(t)
  const multi = await multidrive(t, [own])
  const made = counted(multi)
  let pairs = 0
  await multi.put('/x', '0')
  const changes = multi.watch()
  await multi.put('/x', '1')
  for await (const [current, previous] of changes) {
    t.equal(++pairs, 1)
    const [, late] = await Promise.allSettled([multi.close(), current.get('/x')])
    if (late.status === 'rejected') t.ok(late.reason.code, 'a read that comes too late fails with a code')
    t.same([current.closed, previous.closed], [true, true])
    t.equal((await failureOf(current.get('/x'))).code, 'CLOSED')
  }
  t.ok(made.every(({ closed }) => closed))
  t.equal(multi.listenerCount('close'), 0)
})

test('watch(folder) of a checkout tells of nothing, and ends with it', limit, async (t) => {
  const multi = await multidrive(t, [await hyperdrive(t), await hyperdrive(t)])
  await multi.put('/x', '1')
  const past = multi.checkout(multi.version)
  const { ask, next } = watched(t, past)
  const told: string[] = []
  past.watch('/', (event, name) => told.push(`${event} ${name}`))
  let pair: unknown = null
  void ask().then(({ value }) => (pair = value))
  const beside = watched(t, multi)
  await multi.put('/x', '2')
  await multi.removeDrive(multi.drives[1]!)
  await beside.next()
  await past.update()
  t.same([pair, told], [null, []])
  await past.close()
  t.equal(await next(), null)
  t.same([pair, told], [undefined, []])
})

test(
  'watch(folder) of a folder that is not there yet, and of one where a drive is to be mounted',
  limit,
  async (t) => {
    const { own, key } = await keyed(t, { '/dir/a': 'theirs' })
    const multi = await multidrive(t, [own])
    const [later, mounted] = [watched(t, multi, '/later'), watched(t, multi, '/m/dir')]
    await Promise.all([later.watcher.ready(), mounted.watcher.ready()])
    await multi.put('/later/x', '')
    t.same(await later.next(), [{ '/later/x': '' }, {}])
    await multi.mount('/m', key)
    const all = { '/later/x': '', '/m/dir/a': 'theirs' }
    t.same((await mounted.next())![0], all)
    await multi.rm('/later', { recursive: true })
    t.same((await later.next())![0], { '/m/dir/a': 'theirs' })
    await multi.unmount('/m')
    t.same((await mounted.next())![0], {})
  }
)

test(
  'watch(folder) sees what others do in the folder of a Localdrive at the next change',
  limit,
  async (t) => {
    const local = await localdrive(t)
    const multi = await multidrive(t, [await hyperdrive(t), local])
    const { ask, next, watcher } = watched(t, multi)
    await watcher.ready()
    let told = false
    void ask().then(() => (told = true))
    await writeFile(join(local.root, 'outside'), 'x')
    for (let i = 0; i < 3; i++) await multi.update()
    t.notOk(told, 'by itself it tells of nothing')
    await multi.put('/inside', '')
    const [current, previous] = (await next())!
    t.same(current, { '/inside': '', '/outside': 'x' })
    t.same(previous, { '/outside': 'x' }, 'a drive without history is shown as it is')
  }
)
