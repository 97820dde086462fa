/** Members over real drives: whose view is known is not asked again, and whoever told of a change is. */
import { setImmediate as turn } from 'node:timers/promises'
import test, { type Test } from 'tape'
import { Members } from '../../lib/overlay/members.ts'
import type { MemberViews } from '../../lib/overlay/member-views.ts'
import type { Source } from '../../lib/sources/source.ts'
import { failureOf, hyperdrive, localdrive, multidrive, over } from '../helpers/drives.ts'
import { openSource } from '../helpers/locator.ts'

interface Watched {
  drive: any
  source: Source
  /** How often it was asked for its view. */
  asked: number
  /** How many listen to it. */
  listeners: number
}

/** A source of a drive that counts what is asked of it. */
async function watched(t: Test, drive: any): Promise<Watched> {
  const source = await openSource(t, drive)
  const made: Watched = { drive, source, asked: 0, listeners: 0 }
  const view = source.view.bind(source)
  source.view = (opts) => {
    made.asked++
    return view(opts)
  }
  const listen = source.listen?.bind(source)
  if (listen) {
    source.listen = (onchange) => {
      made.listeners++
      const forget = listen(onchange)
      return () => {
        made.listeners--
        forget()
      }
    }
  }
  return made
}

async function hyperdrives(t: Test, count: number): Promise<Watched[]> {
  const all: Watched[] = []
  for (let i = 0; i < count; i++) {
    const drive = await hyperdrive(t)
    await drive.put('/file', `${i}`)
    all.push(await watched(t, drive))
  }
  return all
}

/** Members without a locator, over sources in their order. */
async function membersOf(sources: readonly Watched[]): Promise<Members> {
  const members = new Members(null, true)
  for (const { source } of sources) members.add({ source, tombstones: true })
  await members.views({})
  for (const source of sources) source.asked = 0
  return members
}

const asked = (sources: readonly Watched[]) => sources.map(({ asked }) => asked)

/** The sequence number of a path in the view of each member. */
async function seqs(views: MemberViews, key: string): Promise<(number | null)[]> {
  const found = await Promise.all(views.all.map(({ view }) => view.find(key)))
  return found.map((candidate) => candidate?.origin.seq ?? null)
}

test('views() gives one object as long as nothing changes, and asks nobody', async (t) => {
  const sources = await hyperdrives(t, 3)
  const members = await membersOf(sources)
  const views = members.views({})
  t.notOk(views instanceof Promise, 'at once')
  for (let i = 0; i < 5; i++) t.equal(members.views({}), views)
  t.same(asked(sources), [0, 0, 0])
  t.same(
    sources.map(({ listeners }) => listeners),
    [1, 1, 1]
  )
})

test('a source that told is asked again, and it alone', async (t) => {
  const sources = await hyperdrives(t, 3)
  const members = await membersOf(sources)
  const before = await members.views({})
  await sources[1]!.drive.put('/new', 'x')
  const after = await members.views({})
  t.notEqual(after, before)
  t.same(asked(sources), [0, 1, 0])
  t.same(await seqs(after, '/new'), [null, 2, null])
  t.same(await seqs(before, '/new'), [null, null, null], 'what was taken before stays what it was')
  t.equal(members.views({}), after)
  t.same(asked(sources), [0, 1, 0], 'once')
  t.equal(after.all[0], before.all[0], 'of the others what was known')
})

test('what the members come to is found out again only where a change bears on it', async (t) => {
  const sources = await hyperdrives(t, 3)
  const members = await membersOf(sources)
  const { drive, source } = sources[1]!
  const before = await members.views({})
  const { mounts } = before
  t.same([before.withDirectoriesBelow(''), before.withTombstonesBelow(''), mounts.flat()], [[], [], []])
  await drive.put('/other', 'x')
  const after = await members.views({})
  t.notOk(after === before)
  t.ok(after.mounts === mounts, 'a file is no mount')
  const multi = await multidrive(t, [drive, sources[2]!.drive])
  await multi.promises.mkdir('/folder')
  await multi.del('/file')
  await multi.mount('/m', (await hyperdrive(t)).key)
  const last = await members.views({})
  const of = (views: readonly { source: Source }[]) => views.map((view) => view.source)
  t.same(of(last.withDirectoriesBelow('')), [source])
  t.same(of(last.withTombstonesBelow('')), [source])
  t.same(
    last.mounts.map(({ length }) => length),
    [0, 1, 0]
  )
})

test('readers of one moment get one object', async (t) => {
  const sources = await hyperdrives(t, 2)
  const members = await membersOf(sources)
  await sources[0]!.drive.put('/new', 'x')
  const [one, two] = await Promise.all([members.views({}), members.views({})])
  t.equal(one, two)
  t.equal(members.views({}), one)
  t.same(await seqs(one, '/new'), [2, null])
})

test('a source that changes while it is asked is asked again', async (t) => {
  const sources = await hyperdrives(t, 2)
  const [first] = sources
  const members = await membersOf(sources)
  await first!.drive.put('/1', 'x')
  // It has made its view, and another write lands before that is given.
  const view = first!.source.view.bind(first!.source)
  let hold: Promise<unknown> = Promise.resolve()
  first!.source.view = async (opts) => {
    const made = await view(opts)
    await hold
    return made
  }
  hold = first!.drive.put('/2', 'x')
  const views = await members.views({})
  t.same(await seqs(views, '/1'), [2, null])
  hold = Promise.resolve()
  const next = await members.views({})
  t.same(await seqs(next, '/2'), [3, null], 'the next reader sees it')
  const { asked } = first!
  t.equal(members.views({}), next)
  t.equal(first!.asked, asked, 'and from then on it is known')
})

test('a source that fails is asked each time', async (t) => {
  const sources = await hyperdrives(t, 2)
  const [first, second] = sources
  const members = await membersOf(sources)
  const view = first!.source.view.bind(first!.source)
  for (const fail of [
    () => {
      throw new Error('lost')
    },
    () => Promise.reject(new Error('lost'))
  ]) {
    await first!.drive.put('/now and then', 'x')
    let failures = 0
    first!.source.view = () => {
      failures++
      return fail()
    }
    for (let i = 1; i < 4; i++) {
      const views = await members.views({})
      t.equal(failures, i)
      t.equal((await failureOf(views.all[0]!.view.find('/file'))).message, 'lost', 'readers get its error')
      t.ok(await views.all[1]!.view.find('/file'), 'of the other one its files')
    }
    first!.source.view = view
    const views = await members.views({})
    t.ok(await views.all[0]!.view.find('/now and then'), 'once it can it is read')
    t.equal(members.views({}), views)
  }
  t.equal(second!.asked, 0)
})

test('a source that is not steady is asked each time', async (t) => {
  const [first, second] = await hyperdrives(t, 2)
  const folder = await watched(t, await localdrive(t))
  await folder.drive.put('/file', 'x')
  let steady = false
  Object.defineProperty(second!.source, 'steady', { get: () => steady })
  const members = await membersOf([first!, second!, folder])
  await members.views({})
  await members.views({})
  t.same(asked([first!, second!, folder]), [0, 2, 2])
  steady = true
  await members.views({})
  await members.views({})
  t.same(asked([first!, second!, folder]), [0, 3, 4], 'until it is')
})

test('views that are given late are not taken for those of now, beside one that is always asked', async (t) => {
  const [one] = await hyperdrives(t, 1)
  const folder = await watched(t, await localdrive(t))
  const { drive, source } = one!
  const members = await membersOf([one!, folder])
  const before = await source.view()
  const view = source.view.bind(source)
  let give: () => void = () => undefined
  source.view = () => new Promise((resolve) => (give = () => resolve(before)))
  await drive.put('/file', 'second')
  const late = members.views({})
  source.view = view
  await drive.put('/file', 'third')
  const now = await members.views({})
  const newest = (await seqs(now, '/file'))[0]!
  give()
  t.ok((await seqs(await late, '/file'))[0]! < newest)
  const again = await members.views({})
  t.same(await seqs(again, '/file'), [newest, null])
  t.equal(await members.views({}), again)
})

test('a newer view is given though who asked for it still waits for another source', async (t) => {
  const [one] = await hyperdrives(t, 1)
  const folder = await watched(t, await localdrive(t))
  const members = await membersOf([one!, folder])
  const view = folder.source.view.bind(folder.source)
  let give: () => void = () => undefined
  folder.source.view = (opts) => new Promise((resolve) => (give = () => resolve(view(opts))))
  await one!.drive.put('/new', 'x')
  const waiting = members.views({})
  await one!.source.view()
  await turn()
  folder.source.view = view
  t.same(await seqs(await members.views({}), '/new'), [2, null])
  give()
  t.same(await seqs(await waiting, '/new'), [2, null])
})

test('a drive of an unknown kind has one view for ever', async (t) => {
  const drive = await hyperdrive(t)
  const other = await watched(t, over(drive))
  const members = await membersOf([other])
  const views = members.views({})
  await drive.put('/new', 'x')
  t.equal(members.views({}), views)
  t.equal(other.asked, 0)
  t.ok(await (views as MemberViews).all[0]!.view.find('/new'), 'which shows it as it is')
})

test('members are in the order in which their places were taken', async (t) => {
  const sources = await hyperdrives(t, 4)
  const members = new Members(null, true)
  const [late, never] = [members.reserve(), members.reserve()]
  members.add({ source: sources[1]!.source, tombstones: true })
  const order = async () =>
    (await members.views({})).all.map(({ source }) => sources.findIndex((one) => one.source === source))
  t.same(await order(), [1])
  members.add({ source: sources[2]!.source, tombstones: true })
  t.same(await order(), [1, 2])
  late.fill({ source: sources[0]!.source, tombstones: true })
  t.same(await order(), [0, 1, 2])
  never.giveUp()
  t.same(await order(), [0, 1, 2])
  t.ok(members.remove(sources[1]!.source))
  t.notOk(members.remove(sources[1]!.source), 'it is gone')
  t.same(await order(), [0, 2])
  members.add({ source: sources[3]!.source, tombstones: true })
  t.same(await order(), [0, 2, 3])
  t.same(
    members.sources.map((source) => sources.findIndex((one) => one.source === source)),
    [0, 2, 3]
  )
})

test('who leaves while a view is made is in the next one no more', async (t) => {
  const sources = await hyperdrives(t, 3)
  const members = await membersOf(sources)
  await sources[0]!.drive.put('/new', 'x')
  const views = members.views({})
  t.ok(views instanceof Promise)
  members.remove(sources[1]!.source)
  await views
  const next = await members.views({})
  t.equal(next.all.length, 2)
  t.same(await seqs(next, '/new'), [2, null])
  t.equal(members.views({}), next)
})

test('nobody listens to who has left, or when it ends', async (t) => {
  const sources = await hyperdrives(t, 3)
  const members = await membersOf(sources)
  const listeners = () => sources.map(({ listeners }) => listeners)
  members.remove(sources[1]!.source)
  t.same(listeners(), [1, 0, 1])
  members.end()
  t.same(listeners(), [0, 0, 0])
})

test('members with tombstones: false keep their view too', async (t) => {
  const [first] = await hyperdrives(t, 1)
  const members = new Members(null, true)
  members.add({ source: first!.source, tombstones: false })
  const views = await members.views({})
  t.equal(members.views({}), views)
  t.equal(views.all[0]!.view.hasTombstones, false)
  await first!.drive.put('/new', 'x')
  t.same(await seqs(await members.views({}), '/new'), [2])
})
