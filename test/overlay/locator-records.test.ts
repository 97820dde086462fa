/** The locator knows who has buried what, and who has records of which folders: the others are not asked. */
import test, { type Test } from 'tape'
import { Locator } from '../../lib/overlay/locator.ts'
import { Overlay } from '../../lib/overlay/overlay.ts'
import { cleanup, keys, multidrive } from '../helpers/drives.ts'
import {
  bury,
  drivesOf,
  fill,
  holdChanges,
  keyedOf,
  numbered,
  openSource,
  replacing,
  sameAnswers,
  unaided
} from '../helpers/locator.ts'
import { recordWitness } from '../helpers/reads.ts'

/** Drives of which each has a tombstone of a path, one of a folder, and a folder, that the others do not have. */
async function drivesWithRecords(t: Test, count: number): Promise<any[]> {
  const drives = await drivesOf(t, count)
  for (const [i, drive] of drives.entries()) {
    await bury(t, drive, `/all/gone ${i}`, `/trees/${i}/`)
    const alone = await multidrive(t, [drive])
    await alone.promises.mkdir(`/folder ${i}`)
  }
  return drives
}

test('where all drives have tombstones, those are asked that have one of the path or of a folder above', async (t) => {
  const drives = await drivesWithRecords(t, 6)
  const multi = await multidrive(t, drives)
  const plain = await unaided(t, multi)
  const asking = recordWitness(drives)
  // Of each drive two files, two tombstones and a folder, and two folders that keys are in, and two that tombstones are in.
  t.equal((await multi.warmUp()).entries, 6 * 9)
  t.same(await asking(() => multi.entry('/own 2/file')), [])
  t.same(await asking(() => multi.exists('/nobody')), [])
  t.same(await asking(() => keys(multi)), [], 'no entry of a listing')
  t.same(await asking(() => plain.entry('/own 2/file')), [0, 1, 2, 3, 4, 5], 'as all are without a locator')

  await bury(t, drives[4], '/own 2/file')
  t.same(await asking(() => multi.entry('/own 2/file')), [4])
  t.equal(await multi.entry('/own 2/file'), null)
  await bury(t, drives[5], '/own 3/')
  t.same(await asking(() => multi.entry('/own 3/file')), [5])
  t.equal(await multi.entry('/own 3/file'), null)
  await bury(t, drives[1], '/own 0')
  t.same(await asking(() => multi.entry('/own 0/file')), [], 'of the folder as a file')
  t.ok(await multi.entry('/own 0/file'))
  await bury(t, drives[2], '/all/0', '/all/1/')
  t.same(await asking(() => keys(multi, '/all')), [2])
  t.same(await keys(multi, '/all'), ['/all/2', '/all/3', '/all/4', '/all/5'])
  const paths = ['/own 0/file', '/own 2/file', '/own 3/file', '/all/0', '/all/5', '/all/gone 1', '/trees/3/a']
  await sameAnswers(t, multi, plain, paths, 'all as it is without')
})

test('where all drives have folders, those are asked that have a record of it', async (t) => {
  const drives = await drivesWithRecords(t, 6)
  const multi = await multidrive(t, drives)
  const plain = await unaided(t, multi)
  const asking = recordWitness(drives)
  await multi.warmUp()
  const fs = multi.promises
  t.same(await asking(() => fs.stat('/folder 4')), [4])
  t.same(await asking(() => fs.stat('/own 1')), [])
  const alone = await multidrive(t, [drives[3]])
  await alone.promises.mkdir('/folder 4/deep/er', { recursive: true })
  t.equal((await fs.stat('/folder 4/deep/er')).isDirectory(), true)
  t.same(await asking(() => fs.stat('/folder 4/deep')), [3])
  t.same(await fs.readdir('/folder 4'), ['deep'])
  await fs.rm('/folder 4', { recursive: true })
  t.same(await fs.readdir('/'), await plain.promises.readdir('/'))
  t.same(await asking(() => fs.mkdir('/folder 5/new')), [5], 'in a write too')
  await sameAnswers(
    t,
    multi,
    plain,
    ['/folder 4', '/folder 4/deep', '/folder 5', '/folder 5/new'],
    'the same'
  )
})

test('a deletion is seen by the next read, however it was written', async (t) => {
  const drives = await drivesWithRecords(t, 4)
  for (const drive of drives) await fill(drive, ['/a/1', '/a/2', '/a/3', '/b/1/c', '/b/2/c', '/c/1', '/d/1'])
  const multi = await multidrive(t, drives)
  const plain = await unaided(t, multi)
  await multi.warmUp()
  const gone = async (path: string, what: string) => t.equal(await multi.entry(path), null, what)
  await multi.del('/a/1')
  await gone('/a/1', 'through the MultiDrive')
  await plain.del('/a/2')
  await gone('/a/2', 'through another MultiDrive')
  const other = await multidrive(t, [drives[2], drives[0], drives[1], drives[3]])
  await other.promises.rm('/b', { recursive: true })
  await gone('/b/2/c', 'a folder, in another drive')
  const batch = multi.batch()
  await batch.del('/c/1')
  await batch.put('/c/2', 'x')
  await batch.flush()
  await gone('/c/1', 'in a batch')
  await multi.promises.rename('/d/1', '/d/2')
  await gone('/d/1', 'where a file was renamed')
  await other.put('/b/1/c', 'again')
  t.ok(await multi.entry('/b/1/c'), 'a comeback')
  await gone('/b/2/c', 'of one of them')
  const paths = ['/a/1', '/a/2', '/a/3', '/b/1/c', '/b/2/c', '/c/1', '/c/2', '/d/1', '/d/2']
  await sameAnswers(t, multi, plain, paths, 'all as it is without')
  t.equal((await multi.warmUp()).drives, 4)
})

test('a drive that is half taken in is asked for its tombstones', async (t) => {
  const drives = await drivesWithRecords(t, 3)
  const locator = new Locator()
  const overlay = new Overlay({ locator })
  for (const drive of drives) overlay.add({ source: await openSource(t, drive), tombstones: true })
  cleanup(t, () => overlay.end())
  await bury(t, drives[2], '/own 0/file')
  let goOn: () => void = () => undefined
  const ready = new Promise<void>((resolve) => (goOn = resolve))
  const see = locator.see.bind(locator)
  let reached: () => void = () => undefined
  const half = new Promise<void>((resolve) => (reached = resolve))
  locator.see = (keyed) => {
    if (keyed.leaf !== overlay.sources[2]) {
      see(keyed)
      return
    }
    // It does not come to its end before it is told to.
    const keysLater = async function* (limit: number) {
      yield* keyed.keys(limit)
      reached()
      await ready
    }
    see(replacing(keyed, { keys: keysLater }))
  }
  const view = await overlay.view()
  await half
  t.equal(locator.stats.drives, 2)
  t.equal(await view.locate('/own 0/file'), null)
  t.same(await asked(), [2])
  await bury(t, drives[2], '/own 1/file')
  t.equal(
    await (await overlay.view()).locate('/own 1/file'),
    null,
    'and for those that it is given meanwhile'
  )
  goOn()
  await locator.settled()
  t.equal(locator.stats.drives, 3)
  t.equal(await (await overlay.view()).locate('/own 1/file'), null)
  t.same(await recordWitness(drives)(async () => (await overlay.view()).locate('/all/1')), [])

  async function asked(): Promise<number[]> {
    return recordWitness(drives)(() => view.locate('/all/1'))
  }
})

test('tombstones among more than a drive remembers are seen at once, and taken in again', async (t) => {
  const drives = await drivesWithRecords(t, 3)
  const multi = await multidrive(t, drives)
  const plain = await unaided(t, multi)
  const asking = recordWitness(drives)
  await multi.warmUp()
  await multi.entry('/nobody')
  const letGo = holdChanges(t)
  await bury(t, drives[1], '/own 0/file', ...numbered(1500, (i) => `/many/${i}`), '/own 2/')
  t.equal(await multi.entry('/own 0/file'), null)
  t.equal(await multi.entry('/own 2/file'), null)
  t.same(await asking(() => multi.entry('/all/2')), [1], 'it is asked meanwhile')
  letGo()
  t.equal((await multi.warmUp()).entries, 3 * 9 + 1502 + 2)
  t.same(await asking(() => multi.entry('/own 2/file')), [1])
  t.same(await asking(() => multi.entry('/all/2')), [])
  await sameAnswers(t, multi, plain, ['/own 0/file', '/own 2/file', '/all/2'], 'all as it is without')
})

test('at a version between two that the locator has seen, a drive has what came and went there', async (t) => {
  const drives = await drivesWithRecords(t, 3)
  const multi = await multidrive(t, drives)
  const plain = await unaided(t, multi)
  await multi.warmUp()
  await multi.entry('/nobody')
  await drives[1].put('/between', 'x')
  await bury(t, drives[1], '/own 0/file')
  // Nobody reads, so that nobody knows of this version.
  const { version } = multi
  await drives[1].del('/between')
  const source = await openSource(t, drives[1])
  const [record] = (await source.view()).tombstonesOver('/own 0/file').map((tombstone) => tombstone.record)
  await source.writer()!.commit([{ type: 'unbury', record: record! }])
  await fill(
    drives[1],
    numbered(1500, (i) => `/many/${i}`)
  )
  await multi.entry('/nobody')
  await multi.warmUp()
  t.equal(await multi.entry('/between'), null)
  t.ok(await multi.entry('/own 0/file'))
  const [past, plainPast] = [multi.checkout(version), plain.checkout(version)]
  t.ok(await past.entry('/between'))
  t.equal(await past.entry('/own 0/file'), null)
  await sameAnswers(t, past, plainPast, ['/between', '/own 0/file', '/own 1/file'], 'as it is without')
})

test('removeDrive(drive) takes its deletions along, and addDrive(drive) brings them back', async (t) => {
  const drives = await drivesWithRecords(t, 4)
  await bury(t, drives[3], '/own 1/')
  const multi = await multidrive(t, drives)
  const asking = recordWitness(drives)
  await multi.warmUp()
  t.equal(await multi.entry('/own 1/file'), null)
  await multi.removeDrive(drives[3])
  t.ok(await multi.entry('/own 1/file'))
  await multi.addDrive(drives[3])
  t.equal(await multi.entry('/own 1/file'), null)
  await multi.warmUp()
  t.same(await asking(() => multi.entry('/own 1/file')), [3])
  t.equal(await multi.entry('/own 1/file'), null)
  await multi.removeDrive(drives[3])
  await multi.addDrive(drives[3], { tombstones: false })
  t.ok(await multi.entry('/own 1/file'), 'not when they do not count')
  await multi.warmUp()
  t.ok(await multi.entry('/own 1/file'))
})

test('a MultiDrive in a MultiDrive asks those of its own that have tombstones of the path', async (t) => {
  const drives = await drivesWithRecords(t, 6)
  const inner = await multidrive(t, drives.slice(3))
  const multi = await multidrive(t, drives.slice(0, 3))
  await multi.addDrive(inner)
  const plain = await unaided(t, multi)
  const asking = recordWitness(drives)
  await multi.warmUp()
  t.same(await asking(() => multi.entry('/own 1/file')), [])
  await bury(t, drives[4], '/own 1/file', '/own 5/')
  t.same(await asking(() => multi.entry('/own 1/file')), [4])
  t.equal(await multi.entry('/own 1/file'), null)
  t.equal(await multi.entry('/own 5/file'), null)
  await inner.removeDrive(drives[4])
  t.ok(await multi.entry('/own 1/file'))
  await sameAnswers(t, multi, plain, ['/own 1/file', '/own 5/file', '/all/3'], 'all as it is without')
})

test('withTombstonesOver(key): no name of one kind is taken for one of another', async (t) => {
  const [drive] = await drivesOf(t, 1)
  await bury(t, drive, '/x/file', '/y/tree/')
  const alone = await multidrive(t, [drive])
  await alone.promises.mkdir('/z/folder', { recursive: true })
  const locator = new Locator()
  const keyed = await keyedOf(await openSource(t, drive))
  locator.see(keyed)
  await locator.settled()
  const owner = locator.ownerOf(keyed)
  const named = (
    ask: 'withTombstonesOver' | 'withTombstonesBelow' | 'withDirectoryAt' | 'withDirectoriesBelow'
  ) =>
    [
      '/x',
      '/x/file',
      '/x/file/a',
      '/y',
      '/y/tree',
      '/y/tree/a/b',
      '/z',
      '/z/folder',
      '/own 0/file',
      '/own 0'
    ].filter((path) => {
      const owners: number[] = []
      locator[ask](path, (found) => owners.push(found))
      return owners.includes(owner!)
    })
  t.same(named('withTombstonesOver'), ['/x/file', '/y/tree', '/y/tree/a/b'])
  t.same(named('withTombstonesBelow'), ['/x', '/x/file', '/y', '/y/tree'])
  t.same(named('withDirectoryAt'), ['/z', '/z/folder'])
  t.same(named('withDirectoriesBelow'), ['/z'])
  const held: string[] = []
  for (const path of ['/x/file', '/y/tree', '/z/folder', '/z', '/own 0/file'])
    locator.holders(path, () => held.push(path))
  for (const path of ['/x', '/y', '/y/tree', '/z', '/own 0'])
    locator.holdersBelow(path, () => held.push(path))
  t.same(held, ['/own 0/file', '/own 0'])
})
