import Corestore from 'corestore'
import Hyperdrive from 'hyperdrive'
import type { Test } from 'tape'
import MultiDrive from '../../index.ts'
import { cleanup, collect, contents, folder, link } from '../helpers/drives.ts'
import { alone, closedOr, cutAfter, random, whole, within } from './links.ts'

/**
 * A write waits some 3 s for a drive that never was whole and that a peer has only in part. What hangs does so for ever, so the
 * limit need only be longer than that on a busy machine.
 */
const QUICK = 20_000
/** Written by one author only, all of them in one batch. */
const SET = Array.from({ length: 5 }, (_, i) => `f${i}`)
/** Written and deleted by all. */
const SHARED = Array.from({ length: 6 }, (_, i) => `/shared/s${i}`)

interface Author {
  path: string
  corestore: Corestore
  own: any
  multi: MultiDrive
  /** The copies of the other authors' drives, by their place. */
  copies: Hyperdrive[]
  generation: number
  seen: number[]
}

/** What happened, so that a test can tell that it tried what it meant to. */
export interface Outcome {
  faults: string[]
  /** Cuts after which somebody had a head without all of its blocks. */
  halfway: number
  cuts: number
}

/**
 * Three authors write, each into its own drive through its own MultiDrive, over links that are cut at random points. After every cut
 * each of them, alone, must read and write in bounded time and see one whole version of every drive; after a full exchange all agree.
 */
export async function exchange(t: Test, seed: number, rounds: number): Promise<Outcome> {
  const rand = random(seed)
  const below = (n: number) => Math.floor(rand() * n)
  const outcome: Outcome = { faults: [], halfway: 0, cuts: 0 }
  const keys: Buffer[] = []
  const authors: Author[] = []
  for (let i = 0; i < 3; i++) {
    const path = await folder(t)
    const corestore = new Corestore(path)
    const own = new Hyperdrive(corestore.session())
    await own.ready()
    keys.push(own.key)
    await own.close()
    await corestore.close()
    authors.push({
      path,
      corestore: null,
      own: null,
      multi: null as never,
      copies: [],
      generation: 0,
      seen: []
    })
  }
  const start = async (author: Author, place: number) => {
    author.corestore = new Corestore(author.path)
    author.own = new Hyperdrive(author.corestore.session())
    author.multi = new MultiDrive(author.own)
    author.copies = []
    // The order differs from author to author, as it does between people.
    for (const other of place === 1 ? [0, 2] : [2, 1, 0].filter((n) => n !== place))
      author.copies[other] = await author.multi.addDrive(keys[other]!)
  }
  const stop = async (author: Author) => {
    await author.multi.close()
    await author.corestore.close()
  }
  for (const [place, author] of authors.entries()) await start(author, place)
  cleanup(t, () => Promise.all(authors.map(stop)))

  const write = async (author: Author, place: number) => {
    const generation = ++author.generation
    const batch = author.multi.batch()
    for (const name of SET)
      await batch.put(`/${place}/${name}`, `${generation}`, { metadata: { generation } })
    await within(QUICK, 'a batch', batch.flush())
    const path = SHARED[below(SHARED.length)]!
    const action = below(5)
    if (action === 0) await within(QUICK, 'del', author.multi.del(path))
    else if (action === 1) await within(QUICK, 'del', author.multi.del('/shared', { recursive: true }))
    else
      await within(
        QUICK,
        'put',
        author.multi.put(path, `${place} ${generation}`, { metadata: { generation } })
      )
  }

  const read = async (author: Author, place: number) => {
    const { multi } = author
    for (const folder of [0, 1, 2]) {
      const drive = folder === place ? author.own : author.copies[folder]
      const told = `author ${place} of ${folder}: `
      // What came before the cut may still be on its way into the store: then it is read again, until two listings agree.
      for (let before = -1; ;) {
        const listed = await collect(multi.list(`/${folder}`))
        // Until a drive was whole once it is read as far as it is here.
        if (multi.unsynced.includes(drive)) break
        const now = generationOf(listed, told)
        const single = await Promise.all(SET.map((name) => multi.entry(`/${folder}/${name}`)))
        const names = await collect<string>(multi.readdir('/'))
        const after = generationOf(await collect(multi.list(`/${folder}`)), told)
        if (now < (author.seen[folder] ?? 0) || now < before || after < now)
          throw new Error(`${told}generation ${now}, then ${after}, after ${author.seen[folder]}`)
        before = after
        if (after !== now) continue
        author.seen[folder] = now
        if (
          generationOf(
            single.filter((entry) => entry !== null),
            told
          ) !== now
        )
          throw new Error(`${told}entry() and list() are not of one version`)
        if (names.includes(`${folder}`) !== now > 0) throw new Error(`${told}readdir says otherwise`)
        if (folder === place && now !== author.generation) throw new Error(`${told}not its own last write`)
        break
      }
    }
  }

  for (let round = 0; round < rounds; round++) {
    const [a, b] = [below(3), below(3)]
    const [left, right] = [authors[a]!, authors[b === a ? (b + 1) % 3 : b]!]
    const bytes = below(rand() < 0.6 ? 6000 : 40_000)
    const cut = cutAfter(left.corestore, right.corestore, bytes)
    try {
      for (const [place, author] of authors.entries()) if (rand() < 0.6) await write(author, place)
      if (rand() < 0.5) {
        const [l, r] = [authors.indexOf(left), authors.indexOf(right)]
        await closedOr(cut, [left.copies[r], right.own], [right.copies[l], left.own])
      }
      await cut.cut()
      outcome.cuts++
      for (const author of [left, right]) for (const copy of author.copies) if (copy) await alone(copy)
      if (authors.some(({ copies }) => copies.some(({ core }) => core.contiguousLength < core.length)))
        outcome.halfway++
      for (const [place, author] of authors.entries()) {
        await within(QUICK, `round ${round}: a read`, read(author, place))
        await write(author, place)
        await within(QUICK, `round ${round}: a read`, read(author, place))
      }
      if (rand() < 0.15) {
        const place = below(3)
        const author = authors[place]!
        await stop(author)
        await start(author, place)
        await within(QUICK, `round ${round}: a read after a restart`, read(author, place))
      }
    } catch (err) {
      outcome.faults.push(`seed ${seed}, round ${round}: ${(err as Error).message}`)
      break
    }
  }
  if (outcome.faults.length === 0) outcome.faults.push(...(await agree(authors)))
  return outcome
}

/** The one generation of a set, 0 when there is none. */
function generationOf(entries: any[], told: string): number {
  const seen = new Set<number>(entries.map(({ value }) => value.metadata.generation))
  if (entries.length !== 0 && (entries.length !== SET.length || seen.size !== 1))
    throw new Error(`${told}${entries.length} files of generations ${[...seen].join(', ')}`)
  return Math.max(0, ...seen)
}

/** What they do not agree on after they all met, which should be nothing. */
async function agree(authors: Author[]): Promise<string[]> {
  const stores = authors.map(({ corestore }) => corestore)
  const links = [link(stores[0], stores[1]), link(stores[1], stores[2]), link(stores[2], stores[0])]
  const met = authors.flatMap(({ copies }) => copies.map((copy, other) => whole(copy, authors[other]!.own)))
  await within(20_000, 'the full exchange', Promise.all(met))
  const views = await Promise.all(
    authors.map(async ({ multi }) => {
      const entries = await collect(multi.list('/'))
      const files = entries.map(({ key, mtime, seq, drive }) => `${key} ${mtime} ${drive.id} ${seq}`)
      return JSON.stringify([files, await contents(multi)])
    })
  )
  const faults: string[] = []
  if (new Set(views).size !== 1) faults.push(`they see ${views.join('\nand ')}`)
  const unsynced = authors.flatMap(({ multi }) => multi.unsynced)
  if (unsynced.length > 0) faults.push(`${unsynced.length} drives are not whole`)
  await Promise.all(links.map((unlink) => unlink()))
  return faults
}
