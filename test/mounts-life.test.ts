/** Mounts in use: every kind of write below nested ones, what is told of changes in them, and two authors who mount and unmount apart. */
import { EventEmitter, once } from 'node:events'
import { pipeline } from 'node:stream/promises'
import fc from 'fast-check'
import Hyperdrive from 'hyperdrive'
import test, { type Test } from 'tape'
import MultiDrive from '../index.ts'
import { again } from './helpers/clock.ts'
import {
  collect,
  contents,
  failureOf,
  hyperdrive,
  hyperdrives,
  keys,
  link,
  localdrive,
  multidrive,
  store
} from './helpers/drives.ts'
import { forge, opener, stamp } from './helpers/mounts.ts'

const limit = { timeout: 60_000 }

/** Resolves when the drives of two sets have come equally far. */
async function level(a: MultiDrive, b: MultiDrive): Promise<void> {
  const drives = ({ version }: MultiDrive) => version.replaceAll(/,?~[^,]*/g, '')
  while (drives(a) !== drives(b)) await Promise.race([once(a, 'update'), once(b, 'update')])
}

test('every kind of write below mounts inside mounts lands in the innermost drive', limit, async (t) => {
  const [a, b, c] = [await hyperdrive(t), await hyperdrive(t), await hyperdrive(t)]
  const multi = await multidrive(t, [a], opener([b, c]))
  const fs = multi.promises
  await multi.mount('/m', b.key)
  await multi.mount('/m/deep/n', c.key)
  const at = '/m/deep/n'

  const fd = await multi.open(`${at}/fd`, 'w+')
  await multi.write(fd, 'descriptor')
  await multi.close(fd)
  const handle = await fs.open(`${at}/fd`, 'a')
  await handle.appendFile('!')
  await handle.sync()
  await handle.write('?')
  await handle.close()
  await pipeline(['st', 'ream'], multi.createWriteStream(`${at}/stream`, { flags: 'w' }))
  await pipeline(['dr', 'ive'], multi.createWriteStream(`${at}/made/drive`))
  await fs.appendFile(`${at}/append`, 'one')
  await fs.appendFile(`${at}/append`, 'two')
  const temporary = await fs.mkdtemp(`${at}/tmp-`)
  t.ok((await fs.stat(temporary)).isDirectory())
  await fs.rmdir(temporary)
  await fs.utimes(`${at}/append`, 1, 2)
  t.is((await fs.stat(`${at}/append`)).mtimeMs, 2000)
  await multi.setMetadata(`${at}/append`, 'title', 'x')
  t.same((await multi.stat(`${at}/append`)).metadata, { title: 'x' })
  await multi.removeMetadata(`${at}/append`, 'title')
  await fs.truncate(`${at}/append`, 3)
  await fs.chmod(`${at}/append`, 0o700)
  t.is((await fs.stat(`${at}/append`)).mode & 0o777, 0o700)
  await fs.symlink('append', `${at}/link`)
  t.is(await fs.readFile(`${at}/link`, 'utf8'), 'one')
  t.is(await fs.realpath(`${at}/link`), `${at}/append`)
  await fs.mkdir(`${at}/x/y`, { recursive: true })
  await fs.rename(`${at}/x`, `${at}/z`)
  await fs.copyFile(`${at}/append`, `${at}/z/y/copy`)
  await fs.rename(`${at}/z/y/copy`, `${at}/z/copy`)
  t.same(await fs.readdir(`${at}/z`), ['copy', 'y'])
  const batch = multi.batch()
  await batch.put(`${at}/batch/1`, '1')
  await batch.put(`${at}/batch/2`, '2')
  await batch.del(`${at}/batch/1`)
  t.same(await keys(batch, `${at}/batch`), [`${at}/batch/2`])
  await batch.flush()
  t.same(await contents(c), {
    '/append': 'one',
    '/batch/2': '2',
    '/fd': 'descriptor!?',
    '/link': '-> append',
    '/made/drive': 'drive',
    '/stream': 'stream',
    '/z/copy': 'one'
  })
  t.same(await contents(b), {})
  t.same(await contents(a), {})

  await fs.cp(at, '/out', { recursive: true })
  await fs.cp('/out', `${at}/in`, { recursive: true })
  t.is(String(await a.get('/out/made/drive')), 'drive')
  t.is(String(await c.get('/in/made/drive')), 'drive')
  await fs.cp('/m', '/all', { recursive: true })
  t.is(String(await a.get('/all/deep/n/in/made/drive')), 'drive', 'a copy goes through mounts')
  t.is((await failureOf(fs.cp('/m', `${at}/self`, { recursive: true }))).code, 'ERR_FS_CP_EINVAL')
  for (const call of [
    fs.utimes('/m', 1, 2),
    fs.chmod('/m/deep/n', 0o700),
    multi.setMetadata('/m', 'title', 'x'),
    fs.rename('/m/deep/n/fd', '/m/fd'),
    fs.rename('/m/deep', '/m/other'),
    fs.rmdir('/m/deep'),
    fs.rm('/m/deep', { recursive: true }),
    fs.rm('/m/deep/n', { recursive: true, force: true })
  ]) {
    t.match((await failureOf(call)).code, /^(EPERM|EBUSY|EXDEV|ENOTEMPTY)$/)
  }
  await fs.rm(`${at}/z`, { recursive: true })
  await fs.rm(`${at}/in`, { recursive: true })
  t.same((await fs.readdir(at)).includes('z'), false)
  t.same(await fs.readdir('/m/deep'), ['n'])
})

test('what is open stays open when its mount goes', limit, async (t) => {
  const [a, b] = [await hyperdrive(t), await hyperdrive(t)]
  await b.put('/file', 'bytes')
  const multi = await multidrive(t, [a], opener([b]))
  await multi.mount('/m', b.key)
  const fd = await multi.open('/m/file', 'r')
  const listing = multi.list('/')[Symbol.asyncIterator]()
  await multi.put('/z', '')
  t.is((await listing.next()).value.key, '/m/file')
  await multi.unmount('/m')
  t.is(String(await multi.readFile(fd)), 'bytes')
  await multi.close(fd)
  t.ok(await listing.next(), 'a listing that has begun goes on')
  t.same(await keys(multi), ['/z'])
  await multi.mount('/m', b.key)
  t.same(await keys(multi), ['/m/file', '/z'], 'it may come again')
})

test('closing closes the drives that were opened for mounts, and none of them twice', limit, async (t) => {
  const corestore = await store(t)
  const [own, other, third] = await hyperdrives(t, 3, corestore)
  await other.put('/x', 'x')
  const opened: any[] = []
  const multi = await multidrive(t, [own], {
    openDrive: (key) => {
      const drive = new Hyperdrive(corestore.session({ writable: false }), key)
      opened.push(drive)
      return drive
    }
  })
  await multi.mount('/m', other.key)
  await multi.mount('/n', other.key)
  t.same(await Promise.all([keys(multi), keys(multi)]), [
    ['/m/x', '/n/x'],
    ['/m/x', '/n/x']
  ])
  t.is(opened.length, 1)
  await multi.addDrive(other)
  await multi.addDrive(third)
  await multi.mount('/third', third.key)
  await keys(multi)
  await multi.removeDrive(third)
  await Promise.all([keys(multi), keys(multi), keys(multi)])
  t.is(opened.length, 2, 'a drive that left the set is opened once')
  await multi.close()
  t.same(
    opened.map(({ closed }) => closed),
    [true, true]
  )
  await third.close()
})

test('a listing goes on while mounts appear', limit, async (t) => {
  const [a, b] = [await hyperdrive(t), await hyperdrive(t)]
  await b.put('/x', 'x')
  const multi = await multidrive(t, [a], opener([b]))
  for (const name of 'abcdef') await multi.put(`/${name}/file`, name)
  const found: string[] = []
  for await (const { key } of multi.list('/')) {
    found.push(key)
    if (key === '/b/file') await multi.mount('/d', b.key)
  }
  t.same(found, ['/a/file', '/b/file', '/c/file', '/d/file', '/e/file', '/f/file'], 'it stays at its version')
  t.same(await keys(multi, '/d'), ['/d/x'])
})

test('a change in a mounted drive is an update, and watches see it', limit, async (t) => {
  const [a, b] = [await hyperdrive(t), await hyperdrive(t)]
  const multi = await multidrive(t, [a], opener([b]))
  await multi.mount('/in/m', b.key)
  t.same(await keys(multi), [])
  const updated = once(multi, 'update')
  const changes = multi.promises.watch('/in') as AsyncGenerator<unknown, void, void>
  const told: unknown[] = []
  const first = changes.next().then(({ value }) => void told.push(value))
  await again(
    (i) => b.put(`/a-${i}`, ''),
    () => told.length > 0
  )
  await first
  t.is((await updated)[0], b)
  await b.put('/new', 'one')
  while ((told.at(-1) as { filename: string }).filename !== 'm/new') told.push((await changes.next()).value)
  t.ok(told.every((value) => (value as { eventType: string }).eventType === 'rename'))
  const second = changes.next()
  await b.put('/new', 'two')
  t.same((await second).value, { eventType: 'change', filename: 'm/new' })
  await changes.return()
})

test('two authors who mount and unmount apart see the same when they meet', limit, async (t) => {
  const [here, there] = [await store(t), await store(t)]
  const [own, theirs] = [await hyperdrive(t, { store: here }), await hyperdrive(t, { store: there })]
  const [x, y] = await hyperdrives(t, 2, here)
  await x.put('/x', 'x')
  await y.put('/y', 'y')
  const ann = await multidrive(t, [own, await hyperdrive(t, { store: here, key: theirs.key })])
  const ben = await multidrive(t, [theirs, await hyperdrive(t, { store: there, key: own.key })])
  const meet = async () => {
    const unlink = link(here, there)
    await level(ann, ben)
    const mounts = await Promise.all(
      [ann, ben].map(async (multi) => [...(await multi.getAllMounts())].map(([path, { key }]) => [path, key]))
    )
    t.same(mounts[0], mounts[1], 'both see the same')
    const files = await Promise.all([ann, ben].map((multi) => keys(multi)))
    t.same(files[0], files[1])
    await unlink()
    return files[0]
  }
  await ann.mount('/m', x.key)
  t.same(await meet(), ['/m/x'])
  await ann.unmount('/m')
  await ann.mount('/m', y.key)
  await ben.unmount('/m')
  const first = await meet()
  t.ok(first!.length <= 1, 'one of the two')
  for (const multi of [ann, ben]) {
    if ((await multi.getAllMounts()).size > 0) await multi.unmount('/m')
    await multi.mount('/m', x.key)
    t.same(await meet(), ['/m/x'], 'who has seen all has the last word')
    await multi.unmount('/m')
    t.same(await meet(), [])
  }
})

test('tags of two authors who take turns: the newest word counts for both', limit, async (t) => {
  const [here, there] = [await store(t), await store(t)]
  const step = fc.record({
    author: fc.nat(1),
    name: fc.constantFrom('a', 'b', '__proto__'),
    version: fc.option(fc.nat(9), { nil: null })
  })
  let count = 0
  const holds = fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 10 }), async (steps) => {
    count++
    const [own, theirs] = [here, there].map((one) => new Hyperdrive(one.namespace(`tags ${count}`))) as [
      any,
      any
    ]
    await Promise.all([own.ready(), theirs.ready()])
    const ann = new MultiDrive(own)
    const ben = new MultiDrive(theirs)
    await ann.addDrive(theirs.key)
    await ben.addDrive(own.key)
    const unlink = link(here, there)
    try {
      const expected = new Map<string, string>()
      for (const { author, name, version } of steps) {
        const multi = [ann, ben][author]!
        await level(ann, ben)
        const text = `${own.id}:${version}`
        if (version === null) await multi.deleteTag(name)
        else await multi.createTag(name, text)
        if (version === null) expected.delete(name)
        else expected.set(name, text)
        t.same([...(await multi.getAllTags())].sort(), [...expected].sort())
      }
      await level(ann, ben)
      for (const multi of [ann, ben]) {
        t.same([...(await multi.getAllTags())].sort(), [...expected].sort())
      }
    } finally {
      await unlink()
      await Promise.all([ann.close(), ben.close()])
    }
    return true
  })
  await fc.assert(holds, { numRuns: 8, seed: 3 })
})

test('tags set apart are the same for both when they meet', limit, async (t) => {
  const [here, there] = [await store(t), await store(t)]
  const [own, theirs] = [await hyperdrive(t, { store: here }), await hyperdrive(t, { store: there })]
  const ann = await multidrive(t, [own, await hyperdrive(t, { store: here, key: theirs.key })])
  const ben = await multidrive(t, [theirs, await hyperdrive(t, { store: there, key: own.key })])
  for (const [multi, version] of [
    [ann, `${own.id}:1`],
    [ben, `${own.id}:2`]
  ] as const) {
    for (const name of ['a', 'b']) await multi.createTag(name, version)
  }
  await ann.deleteTag('b')
  const unlink = link(here, there)
  await level(ann, ben)
  t.same([...(await ann.getAllTags())].sort(), [...(await ben.getAllTags())].sort())
  await unlink()
})

test('mounts of a MultiDrive in a MultiDrive are seen, and written through', limit, async (t) => {
  const [a, b, c] = [await hyperdrive(t), await hyperdrive(t), await hyperdrive(t)]
  await c.put('/x', 'x')
  const inner = new MultiDrive(b, opener([c]))
  await inner.mount('/m', c.key)
  const outer = await multidrive(t, [a, inner], opener([c]))
  t.same(await keys(outer), ['/m/x'])
  await outer.put('/m/y', 'y')
  t.is(String(await c.get('/y')), 'y')
  await outer.unmount('/m')
  t.same(await keys(outer), [])
  t.same(await keys(inner), ['/m/x', '/m/y'])
})

test('a mount of what the set holds already shows it twice', limit, async (t) => {
  const [a, b] = [await hyperdrive(t), await hyperdrive(t)]
  const multi = await multidrive(t, [a, b])
  await b.put('/x', 'x')
  await multi.mount('/m', b.key)
  await multi.put('/m/y', 'y')
  t.same(await contents(multi), { '/m/x': 'x', '/m/y': 'y', '/x': 'x', '/y': 'y' })
  await multi.put('/x', 'of the writer')
  t.is(String(await multi.get('/m/x')), 'x')
  await multi.del('/m/x')
  t.same(await keys(multi), ['/m/y', '/x', '/y'])
})

test('update() brings mounted drives up to date, and unsynced tells of them', limit, async (t) => {
  const [here, there] = [await store(t), await store(t)]
  const shared = await hyperdrive(t, { store: there })
  await shared.put('/x', 'one')
  const multi = await multidrive(t, [await hyperdrive(t, { store: here })])
  await multi.mount('/m', shared.key)
  t.same(await keys(multi), [])
  t.same(
    multi.unsynced.map((drive: Hyperdrive) => drive.id),
    [shared.id]
  )
  const copy = multi.unsynced[0] as Hyperdrive
  const unlink = link(here, there)
  const found = multi.findingPeers()
  while ((multi.unsynced[0] as Hyperdrive)?.core.peers.length === 0)
    await once((multi.unsynced[0] as Hyperdrive).core, 'peer-add')
  found()
  await multi.update({ wait: true })
  t.is(String(await multi.get('/m/x')), 'one')
  t.is(multi.unsynced.length, 0)
  await shared.put('/x', 'two')
  // Hyperdrive's own update can miss a write of the moment before.
  while (copy.core.length < shared.core.length) await once(copy.core, 'append')
  await multi.update({ wait: true })
  t.is(String(await multi.get('/m/x')), 'two')
  await unlink()
})

test('a Localdrive as the writer: mounts over folders, and cp between', limit, async (t) => {
  const [disk, b] = [await localdrive(t), await hyperdrive(t)]
  await b.put('/x', 'x')
  const multi = await multidrive(t, [disk], opener([b]))
  await disk.put('/m/hidden', 'hidden')
  await multi.mount('/m', b.key)
  t.same(await keys(multi), ['/m/x'])
  await multi.promises.cp('/m', '/n', { recursive: true })
  await multi.promises.writeFile('/m/y', 'y')
  t.same(await contents(multi), { '/m/x': 'x', '/m/y': 'y', '/n/x': 'x' })
  t.same(await collect(disk.readdir('/m')), ['hidden'])
  t.is((await failureOf(multi.promises.rm('/m', { recursive: true }))).code, 'EBUSY')
  await multi.unmount('/m')
  t.same(await keys(multi), ['/m/hidden', '/n/x'])
})

test(
  'a drive of a mount that closes by itself leaves, and the next read opens it again',
  limit,
  async (t) => {
    const theirs = await store(t)
    const [shared] = await hyperdrives(t, 1, theirs)
    await shared.put('/x', 'x')
    const opened: any[] = []
    const told: string[] = []
    const multi = await multidrive(t, [await localdrive(t)], {
      openDrive: (key) => {
        const drive = new Hyperdrive(theirs.session({ writable: false }), key)
        const name = `drive ${opened.push(drive)}`
        const find = drive.findingPeers.bind(drive)
        drive.findingPeers = () => {
          told.push(name)
          return find()
        }
        return drive
      }
    })
    await multi.mount('/m', shared.key)
    t.equal(
      (await failureOf(() => multi.replicate(true))).code,
      'DRIVE_INVALID',
      'nothing has a corestore yet'
    )
    t.equal(String(await multi.get('/m/x')), 'x')
    multi.replicate(true).destroy()
    multi.findingPeers()()
    t.same(told, ['drive 1'])

    await opened[0].close()
    t.equal(
      (await failureOf(() => multi.replicate(true))).code,
      'DRIVE_INVALID',
      'its corestore left with it'
    )
    multi.findingPeers()()
    t.same(told, ['drive 1'], 'it hears of no more searches')
    t.same(multi.unsynced, [])

    t.equal(String(await multi.get('/m/x')), 'x')
    t.equal(opened.length, 2)
    multi.findingPeers()()
    t.same(told, ['drive 1', 'drive 2'])
  }
)

test('a drive that the set and a mount have both is known until both let it go', limit, async (t) => {
  const [shared] = await hyperdrives(t, 1)
  await shared.put('/x', 'x')
  const multi = await multidrive(t, [await localdrive(t)], opener([shared]))
  await multi.mount('/m', shared.key)
  t.equal(String(await multi.get('/m/x')), 'x')
  await multi.addDrive(shared)
  await multi.removeDrive(shared)
  t.equal(String(await multi.get('/m/x')), 'x')
  multi.replicate(true).destroy()
  await shared.close()
  t.equal((await failureOf(() => multi.replicate(true))).code, 'DRIVE_INVALID')
})

/** How many drives a listing has opened at once at most. */
const AT_ONCE = 16

/** Many drives in one corestore, each mounted and opened as `gate` says. */
async function manyMounts(t: Test, count: number, gate: (index: number) => Promise<unknown>) {
  const drives = await hyperdrives(t, count)
  const own = await hyperdrive(t)
  const paths = drives.map((_, i) => `/m${String(i).padStart(2, '0')}`)
  for (const drive of drives) await drive.put('/in/x', 'x')
  await forge(
    own,
    'mounts',
    Object.fromEntries(paths.map((path, i) => [path, { ...stamp, id: drives[i].id }]))
  )
  const opened: number[] = []
  const multi = await multidrive(t, [own], {
    openDrive: async (key) => {
      const index = drives.findIndex((drive) => drive.key.equals(key))
      opened.push(index)
      await gate(index)
      return drives[index]
    }
  })
  return { multi, paths, opened }
}

/** Lets nobody through before so many wait, or all that are left. */
function sideBySide(total: number) {
  let [waiting, through, most]: [(() => void)[], number, number] = [[], 0, 0]
  const gate = () =>
    new Promise<void>((resolve) => {
      waiting.push(resolve)
      most = Math.max(most, waiting.length)
      if (waiting.length < AT_ONCE && through + waiting.length < total) return
      through += waiting.length
      for (const next of waiting) next()
      waiting = []
    })
  return { gate, most: () => most }
}

const LISTINGS: [string, (multi: MultiDrive) => Promise<unknown[]>, (path: string) => string][] = [
  ['list()', (multi) => keys(multi), (path) => `${path}/in/x`],
  [
    'entries({ reverse: true })',
    async (multi) => (await collect(multi.entries(null, { reverse: true }))).map(({ key }) => key).reverse(),
    (path) => `${path}/in/x`
  ],
  ['createMountStream()', async (multi) => [...(await multi.getAllMounts()).keys()], (path) => path],
  [
    'readdir(path, { recursive: true })',
    async (multi) => {
      const names = await multi.promises.readdir('/', { recursive: true })
      return names.filter((name) => name.endsWith('/x')).map((name) => '/' + name)
    },
    (path) => `${path}/in/x`
  ]
]

for (const [name, list, item] of LISTINGS) {
  test(`${name} opens several mounts side by side, and no more than ${AT_ONCE} at once`, limit, async (t) => {
    const { gate, most } = sideBySide(40)
    const { multi, paths, opened } = await manyMounts(t, 40, gate)
    t.same(await list(multi), paths.map(item))
    t.equal(most(), AT_ONCE)
    t.equal(opened.length, 40, 'each once')
  })
}

test('the first entries below mounts come before the last mounts are opened', limit, async (t) => {
  const never = new Promise(() => undefined)
  const { multi, paths, opened } = await manyMounts(t, 40, (index) =>
    index === 0 ? Promise.resolve() : never
  )
  for await (const { key } of multi.list('/')) {
    t.equal(key, `${paths[0]}/in/x`)
    t.ok(opened.length <= AT_ONCE, `${opened.length} were opened or on the way`)
    break
  }
  t.ok(opened.length <= 2 * AT_ONCE, `${opened.length} when the listing was broken off`)
  t.same(
    opened.toSorted((a, b) => a - b),
    [...opened.keys()],
    'those that come next'
  )
})

test('many mounts that never open hold a listing up once, not each', limit, async (t) => {
  const { multi, paths } = await manyMounts(t, 40, (index) =>
    index % 20 === 19 ? Promise.resolve() : new Promise(() => undefined)
  )
  const start = performance.now()
  t.same(await keys(multi), [`${paths[19]}/in/x`, `${paths[39]}/in/x`])
  const took = Math.round(performance.now() - start)
  t.ok(took < 30_000, `${took} ms, 4 s of it for the first of them`)
})

test('a mount whose openDrive never answers ends with { wait: false } and with close()', limit, async (t) => {
  const own = await hyperdrive(t)
  const multi = await multidrive(t, [own], { openDrive: () => new Promise(() => undefined) })
  await multi.mount('/m', Buffer.alloc(32, 7))
  const fs = multi.promises
  for (const read of [
    () => fs.readdir('/m', { wait: false }),
    () => fs.readdir('/m', { timeout: 50 }),
    () => multi.get('/m/x', { wait: false }),
    () => multi.get('/m/x', { timeout: 50 })
  ])
    t.is((await failureOf(read)).code, 'REQUEST_TIMEOUT')
  const reading = [multi.get('/m/x'), multi.put('/m/x', 'x'), fs.readdir('/m')].map(failureOf)
  await multi.close()
  t.same(
    (await Promise.all(reading)).map(({ code }) => code),
    ['CLOSED', 'CLOSED', 'CLOSED']
  )
})

test('a drive that openDrive gives for a mount after close() is closed', limit, async (t) => {
  const [own, other] = [await hyperdrive(t), await hyperdrive(t)]
  let give: (drive: Hyperdrive) => void = () => undefined
  const asked = new EventEmitter()
  const multi = await multidrive(t, [own], {
    openDrive: () => {
      asked.emit('asked')
      return new Promise<Hyperdrive>((resolve) => (give = resolve))
    }
  })
  await multi.mount('/m', other.key)
  const opening = once(asked, 'asked')
  const reading = failureOf(multi.get('/m/x'))
  await opening
  await multi.close()
  t.is((await reading).code, 'CLOSED')
  const gone = once(other, 'close')
  give(other)
  await gone
  t.ok(other.closed)
})
