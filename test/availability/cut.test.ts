import Corestore from 'corestore'
import Hyperdrive from 'hyperdrive'
import test from 'tape'
import MultiDrive from '../../index.ts'
import { cleanup, collect, folder, hyperdrive, keys, store } from '../helpers/drives.ts'
import { alone, closedOr, cutAfter, random, whole, within } from './links.ts'

const FILES = Array.from({ length: 24 }, (_, i) => `/set/f${i}`)
const CUTS = 40
const QUICK = 5000
/** In milliseconds: less than anything is waited for that does not come. */
const AT_ONCE = 2000
/** So many times a busy machine may take longer by itself. */
const HELD_UP = 3

/** A reader that can be started anew on the same folder. */
async function start(path: string, key: Buffer) {
  const corestore = new Corestore(path)
  const multi = new MultiDrive(new Hyperdrive(corestore.session()))
  const copy: Hyperdrive = await multi.addDrive(key)
  const end = async () => {
    await multi.close()
    await corestore.close()
  }
  return { corestore, multi, copy, end }
}

/** Writes the next generation: every file of the set in one batch, so that whoever sees half of it sees two generations. */
async function write(author: Hyperdrive, generation: number): Promise<void> {
  const batch = author.batch()
  for (const file of FILES) await batch.put(file, `${generation}`, { metadata: { generation } })
  await batch.put(`/only/${generation}`, '', { metadata: { generation } })
  if (generation > 0) await batch.del(`/only/${generation - 1}`)
  await batch.flush()
}

/** The one generation that a reader sees, read in every way; -1 for none. */
async function generation(multi: MultiDrive): Promise<number> {
  const entries = await within(QUICK, 'list', collect(multi.list('/set')))
  const names = await within(QUICK, 'readdir', collect<string>(multi.readdir('/set')))
  const single = await Promise.all(
    FILES.map((file) => within(QUICK, 'entry', multi.entry(file) as Promise<any>))
  )
  const only = await within(QUICK, 'list', keys(multi, '/only'))
  const seen = new Set([
    ...entries.map((entry) => entry.value.metadata.generation),
    ...single.map((entry) => entry?.value.metadata.generation ?? -1),
    ...only.map((key) => Number(key.slice('/only/'.length)))
  ])
  if (entries.length !== names.length) throw new Error(`${entries.length} entries, ${names.length} names`)
  if (entries.length !== 0 && entries.length !== FILES.length) throw new Error(`${entries.length} files`)
  if (entries.length !== 0 && only.length !== 1) throw new Error(`${only.length} of the single files`)
  if (seen.size !== 1) throw new Error(`generations ${[...seen].join(', ')} at once`)
  return [...seen][0]!
}

test('a link cut after any number of bytes leaves the last whole version, offline and after a restart', async (t) => {
  const theirs = await store(t)
  const author = await hyperdrive(t, { store: theirs })
  const path = await folder(t)
  const rand = random(2)
  let written = 0
  let seen = -1
  let halfway = 0
  let late = 0
  let reader = await start(path, author.key)
  cleanup(t, () => reader.end())
  await write(author, written)
  const first = cutAfter(theirs, reader.corestore, Infinity)
  await whole(reader.copy, author)
  await first.cut()

  const faults: string[] = []
  for (let i = 0; i < CUTS; i++) {
    // A batch is some KB: half of the cuts fall inside of one, the others let the reader catch up a little or whole.
    const bytes = Math.floor(rand() * (rand() < 0.5 ? 8000 : 80_000))
    const link = cutAfter(theirs, reader.corestore, bytes)
    const grow = rand() < 0.7 ? write(author, ++written) : Promise.resolve()
    await grow
    if (rand() < 0.3) await write(author, ++written)
    await closedOr(link, [reader.copy, author])
    await link.cut()
    await alone(reader.copy)
    if (reader.copy.core.contiguousLength < reader.copy.core.length) halfway++
    try {
      const began = performance.now()
      const now = await generation(reader.multi)
      if (performance.now() - began > AT_ONCE) late++
      if (now < seen) throw new Error(`generation ${now} after ${seen}`)
      seen = now
      if (i % 3 === 0) {
        await reader.end()
        reader = await start(path, author.key)
        const again = await generation(reader.multi)
        if (again !== seen) throw new Error(`generation ${again} after a restart, ${seen} before`)
      }
    } catch (err) {
      faults.push(`cut ${i} after ${link.passed()} bytes: ${(err as Error).message}`)
    }
  }
  t.same(faults, [], 'no cut shows half a batch, goes back, or hangs')
  t.ok(late <= HELD_UP, `reads waited after ${late} of ${CUTS} cuts`)
  t.ok(halfway > CUTS / 5, `${halfway} of ${CUTS} cuts fell between a head and its last block`)
  t.ok(seen > 0 && seen < written, `generation ${seen} of ${written} is visible`)

  const link = cutAfter(theirs, reader.corestore, Infinity)
  await new Promise<void>((resolve) => {
    const check = () => {
      if (reader.copy.core.contiguousLength === author.core.length) resolve()
    }
    reader.multi.on('drive-sync', check)
    check()
  })
  t.equal(await generation(reader.multi), written, 'and all arrives in the end')
  await link.cut()
})

test('a first sync cut after any number of bytes hangs nothing, and the drive is called unsynced until it is whole', async (t) => {
  const theirs = await store(t)
  const author = await hyperdrive(t, { store: theirs })
  await write(author, 0)
  await write(author, 1)
  const faults: string[] = []
  const outcomes = new Set<string>()
  let [rounds, late] = [0, 0]
  for (let bytes = 0; bytes <= 24_000; bytes += 1200) {
    const reader = await start(await folder(t), author.key)
    try {
      const link = cutAfter(theirs, reader.corestore, bytes)
      await closedOr(link, [reader.copy, author])
      await link.cut()
      await alone(reader.copy)
      const isWhole = reader.copy.core.contiguousLength === author.core.length
      const told = reader.multi.unsynced.length === 0
      const began = performance.now()
      const listed = await within(QUICK, 'list', collect(reader.multi.list('/set')))
      const entry = await within(QUICK, 'entry', reader.multi.entry(FILES[0]!))
      const miss = await within(QUICK, 'entry', reader.multi.entry('/none'))
      rounds++
      if (performance.now() - began > AT_ONCE) late++
      await within(QUICK, 'put', reader.multi.put('/own', 'x'))
      outcomes.add(isWhole ? 'whole' : reader.copy.core.length > 1 ? 'half' : 'nothing')
      // A head in the middle may be whole already: then it is the first of the two generations, and all of it.
      if (told && listed.length !== FILES.length) faults.push(`${bytes} bytes: ${listed.length} files`)
      // Read on demand: a listing is all there, or nothing is said of it.
      if (!told && listed.length !== 0 && listed.length !== FILES.length)
        faults.push(`${bytes} bytes: ${listed.length} files of an unsynced drive`)
      if (!told && isWhole) faults.push(`${bytes} bytes: whole and called unsynced`)
      if (told && entry === null) faults.push(`${bytes} bytes: no entry`)
      if (miss !== null) faults.push(`${bytes} bytes: an entry of nothing`)
    } catch (err) {
      faults.push(`${bytes} bytes: ${(err as Error).message}`)
    } finally {
      await reader.end()
    }
  }
  t.same(faults, [])
  t.ok(late <= HELD_UP, `reads waited after ${late} of ${rounds} cuts`)
  t.same([...outcomes].sort(), ['half', 'nothing', 'whole'], 'all of it happened')
})
