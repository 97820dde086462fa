/** The locator while it takes drives in. */
import { EventEmitter, once } from 'node:events'
import { Readable } from 'node:stream'
import { setImmediate as turn } from 'node:timers/promises'
import test, { type Test } from 'tape'
import { Locator } from '../../lib/overlay/locator.ts'
import { Overlay } from '../../lib/overlay/overlay.ts'
import type { Keyed } from '../../lib/sources/source.ts'
import { folderRange } from '../../lib/path.ts'
import { alone, whole, within } from '../availability/links.ts'
import { cleanup, collect, failureOf, hyperdrive, keys, link, multidrive, store } from '../helpers/drives.ts'
import {
  drivesOf,
  fill,
  keyedOf,
  numbered,
  openSource,
  replacing,
  sameAnswers,
  unaided
} from '../helpers/locator.ts'
import { NOBODY, witness } from '../helpers/reads.ts'
import { randoms } from '../helpers/randoms.ts'

test('a drive that leaves while a view is made does not come in again', async (t) => {
  const drives = await drivesOf(t, 2)
  const locator = new Locator()
  const overlay = new Overlay({ locator })
  for (const drive of drives) {
    overlay.add({ source: await openSource(t, drive), tombstones: true })
  }
  cleanup(t, () => overlay.end())
  await overlay.view()
  await locator.settled()
  t.equal(locator.stats.drives, 2)
  await drives[0].put('/new', 'x')
  const view = overlay.view()
  t.ok(view instanceof Promise, 'it is brought up to date')
  overlay.remove(overlay.sources[1]!)
  await view
  await locator.settled()
  t.equal(locator.stats.drives, 1)
})

/** What a locator is shown of a drive, which counts the pages of keys that are read. */
async function counted(t: Test): Promise<{ keyed: Keyed; pages: () => number }> {
  const [drive] = await drivesOf(t, 1)
  const keyed = await keyedOf(await openSource(t, drive))
  let pages = 0
  const counting: Keyed['keys'] = (...args) => {
    pages++
    return keyed.keys(...args)
  }
  return { keyed: replacing(keyed, { keys: counting }), pages: () => pages }
}

test('a read of several drives goes before the filling', async (t) => {
  const { keyed, pages } = await counted(t)
  const locator = new Locator(60_000)
  cleanup(t, () => locator.close())
  locator.see(keyed)
  let end: (found: string) => void = () => undefined
  const read = locator.givingWay(new Promise<string>((resolve) => (end = resolve)))
  for (let i = 0; i < 10; i++) await turn()
  t.equal(pages(), 0)
  end('found')
  t.equal(await read, 'found')
  await locator.settled()
  t.equal(locator.stats.drives, 1)
})

test('a read of several drives that fails holds up nothing', async (t) => {
  const { keyed } = await counted(t)
  const locator = new Locator(60_000)
  cleanup(t, () => locator.close())
  locator.see(keyed)
  t.equal((await failureOf(locator.givingWay(Promise.reject(new Error('gone'))))).message, 'gone')
  await locator.settled()
  t.equal(locator.stats.drives, 1)
})

test('a read of several drives that does not end is not waited for for ever', async (t) => {
  const { keyed } = await counted(t)
  const locator = new Locator(1)
  cleanup(t, () => locator.close())
  locator.see(keyed)
  void locator.givingWay(new Promise(() => undefined))
  await locator.settled()
  t.equal(locator.stats.drives, 1)
})

test('locate() of a path in drives that are not known yet goes before the filling', async (t) => {
  const [drive] = await drivesOf(t, 1)
  let answer: (entry: null) => void = () => undefined
  const slow = {
    entry: () => new Promise<null>((resolve) => (answer = resolve)),
    list: () => Readable.from([]),
    createReadStream: () => Readable.from([])
  }
  const locator = new Locator(60_000)
  const overlay = new Overlay({ locator })
  for (const one of [drive, slow]) overlay.add({ source: await openSource(t, one), tombstones: true })
  cleanup(t, () => overlay.end())
  const located = (await overlay.view()).locate('/all/0')
  for (let i = 0; i < 10; i++) await turn()
  t.equal(locator.stats.entries, 0)
  answer(null)
  t.equal((await located)?.candidate.key, '/all/0')
  await locator.settled()
  t.equal(locator.stats.drives, 1)
})

/** Lets every locator read its next page of keys when it is told to, until the test is over. */
function gate(t: Test): { step(): boolean } {
  const { prototype } = Locator
  // eslint-disable-next-line @typescript-eslint/unbound-method -- called with `this` below
  const { see } = prototype
  const waiting: (() => void)[] = []
  prototype.see = function (keyed) {
    const keysLater: Keyed['keys'] = async function* (limit) {
      for await (const page of keyed.keys(limit)) {
        await new Promise<void>((resolve) => waiting.push(resolve))
        yield page
      }
    }
    see.call(this, replacing(keyed, { keys: keysLater }))
  }
  cleanup(t, () => void (prototype.see = see))
  const step = () => {
    const go = waiting.shift()
    go?.()
    return go !== undefined
  }
  return { step }
}

test('reads while it is filled, and writes too, are what they are without it', async (t) => {
  const drives = await drivesOf(t, 3)
  const count = 2500
  for (const [i, drive] of drives.entries()) {
    await fill(
      drive,
      numbered(count, (n) => `/many/${i}/${n}`)
    )
  }
  const pages = gate(t)
  const multi = await multidrive(t, drives)
  const random = randoms(3)
  const pick = (below: number) => Math.floor(random.next().value * below)
  const wrong: string[] = []
  const check = (holds: boolean, what: string) => {
    if (!holds) wrong.push(what)
  }
  const ended = new AbortController()
  const warm = multi.warmUp().finally(() => ended.abort())
  let steps = 0
  let written = 0
  while (!ended.signal.aborted) {
    if (!pages.step()) {
      await turn()
      continue
    }
    // The page is read meanwhile.
    const [i, n] = [steps % 3, pick(count)]
    const path = `/many/${i}/${n}`
    check((await multi.entry(path))?.drive === drives[i], path)
    check((await multi.entry(path + 'x')) === null, path + 'x')
    check((await multi.promises.stat(`/many/${i}`)).isDirectory(), `/many/${i}`)
    if (steps % 3 === 0) {
      const place = `/late ${written++}/file`
      await drives[pick(3)].put(place, 'x')
      check((await multi.entry(place)) !== null, place)
      check((await keys(multi, place.slice(0, -5))).length === 1, `what is in the folder of ${place}`)
    }
    if (steps % 4 === 0) {
      await drives[i].del(path)
      check((await multi.entry(path)) === null, `${path}, deleted`)
      await drives[i].symlink(path, 'again')
      check((await multi.entry(path)) !== null, `${path}, again`)
    }
    if (steps === 15) {
      // More than is remembered, in one that is taken in already or is half way.
      await fill(
        drives[0],
        numbered(1500, (n) => `/more/${n}`)
      )
      check((await multi.entry('/more/1499')) !== null, 'of many at once')
    }
    steps++
  }
  t.same(wrong, [])
  t.ok(steps >= (3 * count) / 256, `${steps} pages`)
  t.equal((await warm).drives, 3)
  t.equal((await keys(multi)).length, 3 * count + 6 + written + 1500)
  const plain = await unaided(t, multi)
  await sameAnswers(t, multi, plain, ['/late 0/file', '/many/1/7', '/all/2'], 'and when it is through')
})

test('the loop is not held up: between two turns no more than a page is taken in', async (t) => {
  const drive = await hyperdrive(t)
  await fill(
    drive,
    numbered(12_000, (i) => `/folder ${i % 10}/${i}`)
  )
  const source = await openSource(t, drive)
  const before = await keyedOf(source)
  const locator = new Locator()
  const watch = async () => {
    let turns = 0
    let most = 0
    const ended = new AbortController()
    const end = locator.settled().finally(() => ended.abort())
    for (let { entries } = locator.stats; !ended.signal.aborted; { entries } = locator.stats) {
      await turn()
      turns++
      most = Math.max(most, locator.stats.entries - entries)
    }
    await end
    return { turns, most }
  }
  // What is read already comes without a turn.
  const all = (await collect(before.keys(20_000))).flat()
  const keysAtOnce: Keyed['keys'] = async function* (limit) {
    for (let at = 0; at < all.length; at += limit) yield all.slice(at, at + limit)
  }
  locator.see(replacing(before, { keys: keysAtOnce }))
  t.equal(locator.stats.entries, 0, 'nothing is read at once')
  const filling = await watch()
  t.equal(locator.stats.entries, 12_010)
  t.ok(filling.turns >= 12_000 / 256, `${filling.turns} turns`)
  t.ok(filling.most <= 256 + 10, `${filling.most} entries at most`)

  await fill(
    drive,
    numbered(6000, (i) => `/more ${i % 10}/${i}`)
  )
  const after = await keyedOf(source)
  const changed = await collect<string>(after.changedKeys(before, folderRange(''))!)
  locator.see(replacing(after, { changedKeys: () => Readable.from(changed) }))
  t.equal(locator.stats.entries, 12_010)
  const catchingUp = await watch()
  t.equal(locator.stats.entries, 18_020)
  t.ok(catchingUp.turns >= 6000 / 256, `${catchingUp.turns} turns to catch up`)
  t.ok(catchingUp.most <= 256 + 10, `${catchingUp.most} entries at most`)
})

test('a drive that is seen while the last one comes to its end is taken in too', async (t) => {
  const drives = await drivesOf(t, 2)
  const [first, second] = await Promise.all(drives.map(async (drive) => keyedOf(await openSource(t, drive))))
  for (let ticks = 0; ticks < 20; ticks++) {
    const locator = new Locator()
    let seen: Promise<void> = Promise.resolve()
    const keysThenAnother: Keyed['keys'] = async function* (limit) {
      for await (const page of first!.keys(limit)) {
        seen = (async () => {
          for (let i = 0; i < ticks; i++) await Promise.resolve()
          locator.see(second!)
        })()
        yield page
      }
    }
    locator.see(replacing(first!, { keys: keysThenAnother }))
    await locator.settled()
    await seen
    await locator.settled()
    t.equal(locator.stats.drives, 2, `after ${ticks} steps`)
  }
})

test('a newer version that is seen while the older one fails is taken in', async (t) => {
  const [drive] = await drivesOf(t, 1)
  const source = await openSource(t, drive)
  const before = await keyedOf(source)
  await drive.put('/later', 'x')
  const forgotten: Partial<Keyed> = { writtenSince: () => null, changedKeys: () => null }
  const after = replacing(await keyedOf(source), forgotten)
  const locator = new Locator()
  const failing: Keyed['keys'] = async function* () {
    locator.see(after)
    await turn()
    throw new Error('no disk')
  }
  locator.see(replacing(before, { keys: failing }))
  await locator.settled()
  t.equal(locator.stats.drives, 1)
  t.ok(locator.ownerOf(after))
})

test('a reader that comes late, with a drive as it was before it was truncated, changes nothing', async (t) => {
  const [drive] = await drivesOf(t, 1)
  const { version } = drive
  await drive.put('/cut off', 'x')
  const source = await openSource(t, drive)
  const before = await keyedOf(source)
  await drive.truncate(version)
  await drive.put('/instead', 'x')
  const now = await keyedOf(source)
  t.ok(now.fork > before.fork && now.version === before.version)
  const locator = new Locator()
  locator.see(now)
  await locator.settled()
  const owner = locator.ownerOf(now)
  t.ok(owner)
  t.equal(locator.ownerOf(before), null, 'what was is asked itself')
  locator.see(before)
  await locator.settled()
  t.equal(locator.ownerOf(now), owner)
})

test('close() while it is filled ends the filling', async (t) => {
  const drives: any[] = []
  for (let i = 0; i < 3; i++) {
    const drive = await hyperdrive(t)
    await fill(
      drive,
      numbered(2000, (n) => `/${i}/${n}`)
    )
    drives.push(drive)
  }
  const pages = gate(t)
  const step = async () => {
    while (!pages.step()) await turn()
  }
  const multi = await multidrive(t, drives)
  const warm = multi.warmUp()
  await step()
  await step()
  const closed = new AbortController()
  const closing = multi.close().finally(() => closed.abort())
  let more = 0
  while (!closed.signal.aborted) {
    if (pages.step()) more++
    await turn()
  }
  await closing
  t.ok(more < 20, `${more} of 24 pages were read while it closed`)
  t.equal((await warm).drives, 0, 'whoever waits for it hears that it is not all')
  t.notOk(pages.step(), 'nothing is read any more')
  t.equal((await failureOf(multi.warmUp())).code, 'CLOSED')
})

test('close() of a locator ends, and the page that is being read changes nothing', async (t) => {
  const drive = await hyperdrive(t)
  await fill(
    drive,
    numbered(2000, (n) => `/${n}`)
  )
  const keyed = await keyedOf(await openSource(t, drive))
  const pages = gate(t)
  const locator = new Locator()
  locator.see(keyed)
  while (!pages.step()) await turn()
  while (locator.stats.entries === 0) await turn()
  const { entries } = locator.stats
  locator.close()
  const settled = locator.settled()
  while (!pages.step()) await turn()
  await within(5000, 'settled', settled)
  t.same(locator.stats, { drives: 0, entries, byteLength: locator.stats.byteLength })
  locator.see(keyed)
  await within(5000, 'settled', locator.settled())
  t.equal(locator.stats.drives, 0, 'and takes nothing in any more')
})

test('a tree that never answers again holds up neither the others nor close()', async (t) => {
  const sources = []
  for (let i = 0; i < 2; i++) {
    const drive = await hyperdrive(t)
    await fill(
      drive,
      numbered(10, (n) => `/${i}/${n}`)
    )
    sources.push(await openSource(t, drive))
  }
  const [silent, other] = [await keyedOf(sources[0]!), await keyedOf(sources[1]!)]
  const asked = new EventEmitter()
  // As one of Hyperbee that is closed in the middle of a read may do.
  Object.assign(silent, { keys: () => (asked.emit('keys'), new Promise(() => undefined)) })
  const locator = new Locator()
  const reading = once(asked, 'keys')
  locator.see(silent)
  locator.see(other)
  await reading
  locator.drop(silent.leaf)
  await within(5000, 'the other drive', locator.settled())
  t.same([locator.stats.drives, locator.stats.entries], [1, 11])

  const again = once(asked, 'keys')
  locator.see(silent)
  await again
  locator.close()
  await within(5000, 'close', locator.settled())
  t.equal(locator.stats.drives, 1)
})

test('a view that was taken before a drive left goes on showing it', async (t) => {
  const drives = await drivesOf(t, 2)
  const locator = new Locator()
  const overlay = new Overlay({ locator })
  for (const drive of drives) overlay.add({ source: await openSource(t, drive), tombstones: true })
  cleanup(t, () => overlay.end())
  const view = await overlay.view()
  await locator.settled()
  t.ok(await view.locate('/own 1/file'))
  const { drives: known } = locator.stats
  t.equal(known, 2)
  overlay.remove(overlay.sources[1]!)
  // So many entries that those of who left are dropped, each time as many as are taken in at once.
  for (let round = 0; round < 5; round++) {
    await fill(
      drives[0],
      numbered(1000, (i) => `/many/${round}/${i}`)
    )
    await overlay.view()
  }
  t.equal(locator.stats.entries, 4 + 5 * 1001 + 1)
  t.ok(await view.locate('/all/1'))
  t.ok(await view.hasBelow('/own 1'))
  t.equal(await view.locate('/many/1/1'), null)
})

test('a drive that cannot be read gives its error to those who read it, and to nobody else', async (t) => {
  const [theirs, ours] = [await store(t), await store(t)]
  const author = await hyperdrive(t, { store: theirs })
  await fill(
    author,
    numbered(600, (i) => `/theirs/${i}`)
  )
  const copy = await hyperdrive(t, { store: ours, key: author.key })
  const own = await hyperdrive(t, { store: ours })
  await own.put('/own', 'x')
  const multi = await multidrive(t, [own])
  await multi.addDrive(copy)
  const unlink = link(theirs, ours)
  await whole(copy, author)
  await unlink()
  await alone(copy)
  // A block in the middle of it is lost.
  await copy.core.clear(300)
  const errors: unknown[] = []
  const onerror = (err: unknown) => void errors.push(err)
  multi.on('error', onerror)
  process.on('unhandledRejection', onerror)
  cleanup(t, () => process.off('unhandledRejection', onerror))
  const { drives: known } = await multi.warmUp()
  t.equal(known, 1, 'it is not taken in')
  const unreadable = `/theirs/299`
  t.equal((await failureOf(multi.entry(unreadable))).drive, copy)
  t.equal((await failureOf(keys(multi, '/theirs'))).drive, copy)
  const readable: string[] = []
  for (let i = 0; i < 600; i++) {
    const entry = await multi.entry(`/theirs/${i}`).catch(() => null)
    if (entry) readable.push(entry.key)
  }
  t.ok(readable.length > 0 && readable.length < 600, `${readable.length} entries can be read all the same`)
  for (let i = 0; i < 10; i++) await turn()
  t.same(errors, [])
  link(theirs, ours)
  await copy.core.get(300)
  await author.put('/back', 'x')
  await whole(copy, author)
  t.ok(await multi.entry('/back'))
  t.ok(await multi.entry(unreadable))
  t.equal((await multi.warmUp()).drives, 2, 'once it can be read it comes in')
})

test('a path of very many folders takes no more than a short one many times over', async (t) => {
  const drive = await hyperdrive(t)
  const deep = '/' + 'd/'.repeat(50_000) + 'file'
  const siblings = numbered(20, (i) => '/s' + '/x'.repeat(300) + `/${i}`)
  await fill(drive, [deep, ...siblings])
  const multi = await multidrive(t, [await hyperdrive(t), drive])
  const plain = await unaided(t, multi)
  const { entries } = await multi.warmUp()
  t.ok(entries < 1000, `${entries} entries`)
  t.equal((await multi.entry(deep))?.key, deep)
  t.equal(await multi.entry(deep + 'x'), null)
  const folders = [10, 100, 299].map((depth) => '/s' + '/x'.repeat(depth))
  await sameAnswers(t, multi, plain, [siblings[7]!, ...folders], 'folders at any depth')
  const asking = witness([drive])
  t.same(await asking(() => keys(multi, '/s/x/y')), NOBODY)
})

test('entries of keys that are none hide no others', async (t) => {
  const drive = await hyperdrive(t)
  const paths = numbered(600, (i) => `/f/${i}`)
  await fill(drive, paths)
  // What no Hyperdrive writes, at the places where a page of the drive's keys ends.
  const prefix = Buffer.from([...Buffer.from('files'), 0])
  const batch = drive.db.batch()
  const value = { executable: false, linkname: 'x', blob: null, metadata: null }
  for (let i = 0; i < 300; i++) {
    const key = Buffer.concat([prefix, Buffer.from('\0Z' + String(i).padStart(3, '0'))])
    await batch.put(key, value, { keyEncoding: 'binary' })
  }
  for (const bytes of [[0xff], [0x2f, 0xff], [0x2f, 0xc3], [0, 0], [0, 0xff], [0x2f], []])
    await batch.put(Buffer.concat([prefix, Buffer.from(bytes)]), value, { keyEncoding: 'binary' })
  await batch.flush()
  const multi = await multidrive(t, [await hyperdrive(t), drive])
  const plain = await unaided(t, multi)
  t.equal((await multi.warmUp()).drives, 2)
  t.same((await keys(multi)).length, 600)
  const unseen: string[] = []
  for (const path of paths) if ((await multi.entry(path)) === null) unseen.push(path)
  t.same(unseen, [])
  await sameAnswers(t, multi, plain, ['/f/1', '/f/599'], 'as it is without')
})
