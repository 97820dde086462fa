/**
 * Several authors, each with a corestore, a Hyperdrive of its own, copies of the others' and a MultiDrive over all of them; beside
 * them the oracle's account of the same drives. Every step is done to both and the outcomes are compared.
 */
import assert from 'node:assert/strict'
import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import Hyperdrive from 'hyperdrive'
import SubEncoder from 'sub-encoder'
import MultiDrive, { type Drive, type Entry, type FolderWatcher } from '../../index.ts'
import { within } from '../availability/links.ts'
import { collect, link } from '../helpers/drives.ts'

import {
  conflicts,
  hasSeen,
  isTime,
  NOTHING,
  read,
  Refused,
  view,
  write,
  type File,
  type Operation,
  type State,
  type Tombstone
} from './oracle.ts'

/** The moment around which all clocks of these tests stand. */
const NOON = Date.UTC(2024, 0, 1, 12)
const MINUTE = 60_000

/** Few, so that authors meet: files and folders of one name, siblings that sort around a folder, both normal forms of one letter. */
export const PATHS = [
  '/a',
  '/a/b',
  '/a0',
  '/b',
  '/d',
  '/d/e/z',
  '/d/x',
  '/d/y',
  '/d/\u00e9',
  '/d/e\u0301',
  '/\uff21',
  '/\u{1f600}'
]
const FOLDERS = ['/a', '/d', '/d/e', '/d/x', '/\u{1f600}']

type Planned =
  | { do: 'put'; path: string; metadata?: unknown }
  | { do: 'symlink'; path: string; linkname: string }
  | { do: 'del'; path: string }
  | { do: 'deltree'; path: string }

export type Step =
  /** A write through the author's MultiDrive, in a batch or call by call. */
  | { do: 'write'; author: number; tick: number; batch: boolean; operations: Planned[] }
  /** The author's own Hyperdrive, written by a program that knows nothing of MultiDrive, or lies. `claims` are drives it says it saw. */
  | { do: 'plain'; author: number; tick: number; operation: PlainOperation }
  /** Two authors hand each other all of some drives; null for all drives. */
  | { do: 'exchange'; author: number; other: number; drives: number[] | null }

type PlainOperation =
  | { do: 'put'; path: string; metadata?: unknown; claims?: number[] }
  | { do: 'symlink'; path: string; linkname: string }
  | { do: 'del'; path: string }

export interface Plan {
  authors: number
  steps: Step[]
}

const path = fc.constantFrom(...PATHS)
const author = fc.nat({ max: 3 })
/** By how much the author's clock moves before the step: it stands, runs, leaps ahead, falls back. */
const tick = fc.constantFrom(0, 0, 1, MINUTE, 5 * MINUTE, -3 * MINUTE)
const near = fc.constantFrom(-2, -1, 0, 1, 2, 3).map((minutes) => NOON + minutes * MINUTE)
const linkname = fc.constantFrom('/b', 'x', '../a', '/nowhere')
const noTime = fc.constantFrom<unknown>('yesterday', -1, null, 1e300, 8.64e15 + 2, {}, true, [])

const given = fc.oneof(
  { weight: 4, arbitrary: fc.constant(undefined) },
  { weight: 4, arbitrary: near.map((mtime) => ({ mtime })) },
  { weight: 1, arbitrary: near.map((mtime) => ({ mtime, tag: 'x' })) },
  { weight: 1, arbitrary: noTime.map((mtime) => ({ mtime })) },
  { weight: 1, arbitrary: fc.constant({ tag: 'x' }) },
  { weight: 1, arbitrary: fc.constantFrom(0, 8.64e15).map((mtime) => ({ mtime })) }
)

const foreign = fc.oneof(
  given,
  fc.constantFrom<unknown>(
    'text',
    [1],
    { mtime: NOON, multidrive: { v: 2, ctime: NOON } },
    { mtime: NOON, multidrive: 'x' },
    { mtime: NOON, multidrive: { v: 1, ctime: 'x', stamped: true, clock: [1] } },
    { mtime: 8.64e15, multidrive: { v: 1, ctime: 8.64e15, stamped: true } }
  )
)

const put = fc.record({ do: fc.constant('put' as const), path, metadata: given })
const symlink = fc.record({ do: fc.constant('symlink' as const), path, linkname })
const del = fc.record({ do: fc.constant('del' as const), path })
const deltree = fc.record({ do: fc.constant('deltree' as const), path: fc.constantFrom(...FOLDERS) })
const single = fc.oneof(
  { weight: 6, arbitrary: put },
  { weight: 1, arbitrary: symlink },
  { weight: 3, arbitrary: del },
  { weight: 2, arbitrary: deltree }
)

/** A folder goes first if any does, and each path comes once: what a batch does to one path twice is not what is tested here. */
const batch = fc
  .tuple(
    fc.option(deltree, { nil: null }),
    fc.uniqueArray(fc.oneof(put, put, symlink, del), {
      selector: (item) => item.path,
      minLength: 1,
      maxLength: 4
    })
  )
  .map(([tree, items]): Planned[] => (tree ? [tree, ...items] : items))

const writing: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ author, tick, operation: single }).map(({ author, tick, operation }) => {
      return { do: 'write' as const, author, tick, batch: false, operations: [operation] }
    })
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('write' as const),
      author,
      tick,
      batch: fc.constant(true),
      operations: batch
    })
  }
)

const exchange: fc.Arbitrary<Step> = fc.record({
  do: fc.constant('exchange' as const),
  author,
  other: author,
  drives: fc.oneof(
    { weight: 2, arbitrary: fc.constant(null) },
    { weight: 1, arbitrary: fc.uniqueArray(author, { minLength: 1, maxLength: 3 }) }
  )
})

function plain(forged: boolean): fc.Arbitrary<Step> {
  const claims = forged ? fc.option(fc.uniqueArray(author, { maxLength: 3 }), { nil: undefined }) : undefined
  const operation: fc.Arbitrary<PlainOperation> = fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({
        do: fc.constant('put' as const),
        // Clocks only matter where liars meet.
        path: forged ? fc.constantFrom('/a', '/d/x') : path,
        metadata: foreign,
        ...(claims ? { claims } : {})
      })
    },
    { weight: 1, arbitrary: symlink },
    { weight: 1, arbitrary: del }
  )
  return fc.record({ do: fc.constant('plain' as const), author, tick, operation })
}

export interface PlanOptions {
  /** Whether entries claim to have seen all that others ever write. */
  forged?: boolean
  /** The most steps; default 24. */
  steps?: number
}

export function plans(opts: PlanOptions = {}): fc.Arbitrary<Plan> {
  const step = fc.oneof(
    { weight: 6, arbitrary: writing },
    { weight: opts.forged ? 4 : 2, arbitrary: plain(opts.forged === true) },
    { weight: 3, arbitrary: exchange }
  )
  return fc.record({
    authors: fc.constantFrom(2, 3, 3, 4),
    steps: fc.array(step, { minLength: 1, maxLength: opts.steps ?? 24, size: 'max' })
  })
}

/** What an author's MultiDrive has told of itself. */
interface Told {
  /** Where each version stood: how many states of each drive it shows. */
  readonly versions: Map<string, readonly number[]>
  /** The rivals of each conflict, by path. */
  readonly conflicts: { path: string; versions: ReadonlySet<string> }[]
  /** Null where dates are believed as time goes by: that nobody tells. */
  readonly watcher: FolderWatcher<MultiDrive> | null
  /** The step of the watcher that is waited for. */
  change: Promise<IteratorResult<[MultiDrive, MultiDrive]>> | null
  /** What the watcher gave last. */
  seen: Map<string, string>
  /** Whether a drive was not whole when it was last looked. */
  isOnItsWay: boolean
}

interface Author {
  readonly name: string
  readonly store: any
  readonly drives: any[]
  multi: MultiDrive
  now: number
  readonly told: Told
  /** How many states of each drive it has. */
  readonly held: number[]
}

export interface WorldOptions {
  maxClockSkew?: number
  /** Whether what an author wrote last is what it reads, whatever else there is. Forged clocks can take that away. */
  ownWins?: boolean
}

const tombstoneKeys = new SubEncoder('multidrive', 'utf-8').sub('tombstones', 'utf-8')
/** How long what is to be told may take, in milliseconds. */
const TELLING = 30_000
const FOREVER = Number.MAX_SAFE_INTEGER

let worlds = 0

export class World {
  readonly #authors: Author[] = []
  /** All states of each drive, the first one empty. */
  readonly #history: State[][] = []
  readonly #ids: string[] = []
  readonly #opts: WorldOptions
  #files = 0

  private constructor(opts: WorldOptions) {
    this.#opts = opts
  }

  /** @param stores - one for each author, used again by the next world */
  static async open(stores: readonly any[], authors: number, opts: WorldOptions = {}): Promise<World> {
    const world = new World({ ownWins: true, ...opts })
    const name = `world-${worlds++}`
    const own: any[] = []
    for (let i = 0; i < authors; i++) {
      const drive = new Hyperdrive(stores[i].namespace(name))
      await drive.ready()
      own.push(drive)
      world.#ids.push(drive.id)
      world.#history.push([NOTHING])
    }
    for (let i = 0; i < authors; i++) {
      const drives = own.map((drive, k) => (k === i ? drive : new Hyperdrive(stores[i].session(), drive.key)))
      await Promise.all(drives.map((drive) => drive.ready()))
      const multi = await over([drives[i], ...drives.filter((_, k) => k !== i)], opts)
      world.#authors.push({
        name: 'abcd'[i]!,
        store: stores[i],
        drives,
        multi,
        told: await listen(multi, opts),
        now: NOON,
        held: own.map(() => 0)
      })
    }
    return world
  }

  async close(): Promise<void> {
    for (const { multi } of this.#authors) await multi.close()
  }

  async run(steps: readonly Step[]): Promise<void> {
    for (const step of steps) await this.step(step)
    await this.settle()
  }

  async step(step: Step): Promise<void> {
    const author = this.#authors[step.author % this.#authors.length]!
    const before = this.#lengths()
    if (step.do === 'exchange') {
      const other = this.#authors[step.other % this.#authors.length]!
      if (other === author) return
      const drives = step.drives && [...new Set(step.drives.map((k) => k % this.#authors.length))]
      await this.#exchange(author, other, drives)
      assert.deepEqual(this.#lengths(), before, 'an exchange changes nobody’s own drive')
      await this.#check(author)
      await this.#check(other)
      return
    }
    author.now += step.tick
    await at(author.now, async () => {
      if (step.do === 'plain') return this.#plain(author, step.operation)
      if (this.#opts.ownWins) return this.#write(author, step.operations, step.batch)
      // A batch takes its own deletions for done, which a file forged to outlive everything is not: here one by one.
      for (const one of step.operations) await this.#write(author, [one], false)
    })
    const own = this.#authors.indexOf(author)
    const after = this.#lengths()
    after[own] = before[own]!
    assert.deepEqual(after, before, 'a write changes nobody else’s drive')
    await this.#check(author)
  }

  /** All exchange everything; then all have one view, whichever drive they added first, and every drive is its owner's alone. */
  async settle(): Promise<void> {
    const [first, ...others] = this.#authors
    const before = this.#lengths()
    for (let round = 0; round < 2; round++)
      for (const other of others) await this.#exchange(first!, other, null)
    assert.deepEqual(this.#lengths(), before, 'an exchange changes nobody’s own drive')
    for (const author of this.#authors) {
      author.now = first!.now
      await this.#check(author)
      await this.#checkPast(author)
      await this.#checkOrders(author)
      await this.#checkPlain(author)
    }
  }

  /** The states of the drives that an author has, its own first, as its MultiDrive has them. */
  #states(author: Author): { states: State[]; ids: string[]; own: number } {
    const own = this.#authors.indexOf(author)
    const order = [own, ...this.#authors.keys()].filter((k, i) => i === 0 || k !== own)
    return {
      states: order.map((k) => this.#history[k]![author.held[k]!]!),
      ids: order.map((k) => this.#ids[k]!),
      own: 0
    }
  }

  #horizon(author: Author): number {
    const { maxClockSkew } = this.#opts
    return maxClockSkew === undefined ? Infinity : author.now + maxClockSkew
  }

  async #write(author: Author, planned: readonly Planned[], batched: boolean): Promise<void> {
    const operations = planned.map((one): Operation => {
      switch (one.do) {
        case 'put':
          return { type: 'put', path: one.path, text: this.#text(author), metadata: one.metadata }
        case 'symlink':
          return { type: 'symlink', path: one.path, linkname: one.linkname }
        default:
          return { type: one.do, path: one.path }
      }
    })
    const { states, ids, own } = this.#states(author)
    const horizon = this.#horizon(author)
    let expected: ReturnType<typeof write> | Refused
    try {
      expected = write(states, own, ids, operations, author.now, horizon)
    } catch (err) {
      if (!(err instanceof Refused)) throw err
      expected = err
    }
    const drive = this.#own(author)
    const before = drive.core.length
    const err = await perform(author.multi, operations, batched).then(
      () => null,
      (err: unknown) => err
    )
    if (expected instanceof Refused) {
      assert.equal((err as { code?: string } | null)?.code, expected.code, 'kinds do not mix')
      assert.equal(drive.core.length, before, 'what is refused changes nothing')
      return
    }
    if (err !== null) throw err as Error
    if (!expected.changed) {
      assert.equal(drive.core.length, before, 'what changes nothing writes nothing')
      return
    }
    assert.ok(drive.core.length > before, 'what changes something is written')
    for (const record of expected.records) await this.#verify(drive, record)
    await this.#verifyTombstones(drive, expected.state)
    await this.#land(author, expected.state)
    if (!this.#opts.ownWins) return
    for (const operation of operations) {
      if (operations.findLast(({ path }) => path === operation.path) !== operation) continue
      const got = await author.multi.get(operation.path)
      const entry = await author.multi.entry(operation.path)
      if (operation.type === 'put') assert.equal(String(got), operation.text, 'what was put is read')
      else if (operation.type === 'symlink') assert.equal(entry?.value.linkname, operation.linkname)
      else assert.equal(entry, null, 'what was deleted is gone')
    }
  }

  /** Looks up where a record came to lie, and that it says what it should. */
  async #verify(drive: any, record: File | Tombstone): Promise<void> {
    const clock = Object.fromEntries([...record.clock].sort())
    if ('key' in record) {
      const node = await drive.db.get(record.key, { keyEncoding: tombstoneKeys, valueEncoding: 'json' })
      assert.ok(node, `a tombstone ${record.key} is left`)
      const { mtime, ctime } = record
      assert.deepEqual(node.value, { v: 1, mtime, ctime, clock }, `the tombstone ${record.key}`)
      record.seq = node.seq
      return
    }
    const node = await drive.entry(record.path)
    const { mtime, multidrive } = node.value.metadata
    assert.deepEqual(
      { mtime, ctime: multidrive.ctime, clock: multidrive.clock ?? {} },
      { mtime: record.mtime, ctime: record.ctime, clock },
      `the stamp of ${record.path}`
    )
    record.seq = node.seq
  }

  /** The drive's tombstones are those that the rules ask for, and no others. */
  async #verifyTombstones(drive: any, state: State): Promise<void> {
    const nodes = await collect(drive.db.createReadStream({}, { keyEncoding: tombstoneKeys }))
    const keys = nodes.map(({ key }) => key)
    assert.deepEqual(keys.sort(), [...state.tombstones.keys()].sort(), 'the tombstones of a drive')
  }

  async #plain(author: Author, operation: PlainOperation): Promise<void> {
    const drive = this.#own(author)
    const own = this.#authors.indexOf(author)
    const state = this.#history[own]!.at(-1)!
    const files = new Map(state.files)
    const { path } = operation
    if (operation.do === 'del') {
      await drive.del(path)
      files.delete(path)
    } else {
      const text = this.#text(author)
      const metadata = operation.do === 'put' ? this.#forge(operation) : null
      if (operation.do === 'put') await drive.put(path, text, { metadata: metadata ?? null })
      else await drive.symlink(path, operation.linkname)
      files.set(path, {
        path,
        drive: drive.id,
        seq: (await drive.entry(path)).seq,
        text: operation.do === 'put' ? text : null,
        linkname: operation.do === 'symlink' ? operation.linkname : null,
        ...understood(metadata)
      })
    }
    await this.#land(author, { ...state, files })
  }

  #forge({ metadata, claims }: { metadata?: unknown; claims?: number[] }): unknown {
    if (!claims) return metadata ?? null
    const { mtime = null } = (metadata as { mtime?: unknown } | null | undefined) ?? {}
    const clock = Object.fromEntries(claims.map((k) => [this.#ids[k % this.#ids.length]!, FOREVER]))
    return { mtime, multidrive: { v: 1, ctime: NOON, stamped: true, clock } }
  }

  async #land(author: Author, { files, tombstones }: State): Promise<void> {
    const own = this.#authors.indexOf(author)
    this.#history[own]!.push({ files, tombstones, length: this.#own(author).core.length })
    author.held[own] = this.#history[own]!.length - 1
  }

  /** @param drives - which of them, null for all that the two have */
  async #exchange(one: Author, other: Author, drives: number[] | null): Promise<void> {
    const all = drives ?? [...this.#authors.keys()]
    const ends = all.map((k) => [one.drives[k], other.drives[k]])
    const known = ends.filter((pair) => pair.some(({ core }) => core.length > 0))
    const unlink =
      drives === null ? [link(one.store, other.store)] : ends.map(([a, b]) => link(a.core, b.core))
    await Promise.all(ends.flat().map(({ core }) => peered(core)))
    await Promise.all([one.multi.update({ wait: true }), other.multi.update({ wait: true })])
    for (const k of all) {
      const newest = Math.max(one.held[k]!, other.held[k]!)
      one.held[k] = other.held[k] = newest
      const { length } = this.#history[k]![newest]!
      for (const { drives } of [one, other]) {
        assert.ok(drives[k].core.contiguousLength >= length, 'update({ wait: true }) makes every drive whole')
      }
    }
    // The bytes too, so that all can be read when the link is cut.
    const blobs: any[] = await Promise.all(known.flat().map(blobsOf))
    if (drives !== null) {
      for (let i = 0; i < blobs.length; i += 2) unlink.push(link(blobs[i], blobs[i + 1]))
    }
    await Promise.all(blobs.map(peered))
    await Promise.all(blobs.map((core) => core.update({ wait: true })))
    await Promise.all(blobs.map((core) => core.download({ start: 0, end: core.length }).done()))
    for (const cut of unlink) await cut()
    await Promise.all([...ends.flat().map(({ core }) => core), ...blobs].map(alone))
  }

  async #check(author: Author): Promise<void> {
    const { states, ids } = this.#states(author)
    const drives = ids.map((id) => author.drives.find((drive) => drive.id === id))
    await at(author.now, () => compare(author.multi, drives, states, this.#horizon(author), author.name))
    const { version } = author.multi
    const { versions } = author.told
    const held = versions.get(version)
    // The first block of a drive holds nothing.
    const lengths = (of: readonly number[]) => of.map((n, k) => Math.max(1, this.#history[k]![n]!.length))
    if (held) assert.deepEqual(lengths(author.held), lengths(held), 'one version is one state of all drives')
    else versions.set(version, [...author.held])
    await this.#checkWatch(author)
    if (this.#opts.ownWins) await this.#checkConflicts(author)
  }

  /** A change that shows is told, with what was there before; one that does not is not. */
  async #checkWatch(author: Author): Promise<void> {
    const { told, multi } = author
    if (!told.watcher) return
    const now = await texts(multi)
    while (!isDeepStrictEqual(told.seen, now)) {
      const step: IteratorResult<[MultiDrive, MultiDrive]> = await within(
        TELLING,
        'watch',
        (told.change ??= told.watcher.next())
      )
      told.change = null
      const [current, previous]: [MultiDrive, MultiDrive] = step.value
      assert.deepEqual(await texts(previous), told.seen, 'what was told before is what was there before')
      const after = await texts(current)
      // Of a drive that is on its way nobody can tell what it showed.
      if (multi.unsynced.length === 0 && !told.isOnItsWay)
        assert.notDeepEqual(after, told.seen, 'what is told is a change')
      told.seen = after
    }
    told.isOnItsWay = multi.unsynced.length > 0
  }

  /** Every conflict has been told, and none that is none. */
  async #checkConflicts({ told, multi }: Author): Promise<void> {
    for (const { key, candidates } of await collect<Conflict>(multi.conflicts())) {
      const rivals = versionsOf(candidates)
      const isTold = () =>
        told.conflicts.some(
          ({ path, versions }) => path === key && [...rivals].every((version) => versions.has(version))
        )
      const come = when(multi, 'conflict', isTold)
      await within(TELLING, `the event conflict of ${key}`, come)
    }
    for (const { path, versions } of told.conflicts) {
      const files = this.#history.flat().flatMap((state) => state.files.get(path) ?? [])
      const rivals = [...new Set(files)].filter((file) => versions.has(`${file.drive} ${file.seq}`))
      assert.equal(rivals.length, versions.size, 'rivals are versions that were written')
      for (const one of rivals)
        for (const other of rivals) assert.ok(one === other || !hasSeen(one, other), `${path} is a conflict`)
    }
  }

  /** Checkouts show what was shown, and diffs tell how they differ. */
  async #checkPast(author: Author): Promise<void> {
    const own = this.#authors.indexOf(author)
    const order = [own, ...author.drives.keys()].filter((k, i) => i === 0 || k !== own)
    const drives = order.map((k) => author.drives[k])
    const horizon = this.#horizon(author)
    const all = [...author.told.versions]
    const pace = Math.max(1, Math.floor(all.length / 3))
    const past = all.filter((_, i) => i % pace === 0 || i === all.length - 1).slice(-4)
    await at(author.now, async () => {
      for (const [version, held] of past) {
        const states = order.map((k) => this.#history[k]![held[k]!]!)
        const checkout = author.multi.checkout(version)
        await compare(checkout, drives, states, horizon, `${author.name} at ${version}`)
        for (const [other, otherHeld] of past) {
          const before = order.map((k) => this.#history[k]![otherHeld[k]!]!)
          await compareDiff(checkout, other, view(states, horizon), view(before, horizon))
        }
        await checkout.close()
      }
    })
  }

  async #checkOrders(author: Author): Promise<void> {
    const { states } = this.#states(author)
    const own = this.#authors.indexOf(author)
    const order = [own, ...author.drives.keys()].filter((k, i) => i === 0 || k !== own)
    const seen: Map<string, string>[] = []
    for (const places of orders(order.length)) {
      const drives = places.map((i) => author.drives[order[i]!])
      const multi = await over(drives, this.#opts)
      await at(author.now, async () => {
        const picked = places.map((i) => states[i]!)
        await compare(multi, drives, picked, this.#horizon(author), `${author.name} ${places.join()}`)
        seen.push(await texts(multi))
      })
      for (const drive of drives) await multi.removeDrive(drive)
    }
    for (const path of PATHS) {
      // Those without a stamp or a time may differ (design, "Ties").
      if (states.some(({ files }) => files.get(path)?.stamped === false)) continue
      const found = new Set(seen.map((view) => view.get(path)))
      assert.equal(found.size, 1, `${path} is the same in every order of adding`)
    }
  }

  /** What a reader sees that knows only Hyperdrive. */
  async #checkPlain(author: Author): Promise<void> {
    const drive = this.#own(author)
    const { files } = this.#history[this.#authors.indexOf(author)]!.at(-1)!
    const entries = await collect(drive.list('/'))
    assert.deepEqual(
      entries.map(({ key }) => key).sort(),
      [...files.keys()].sort(),
      'a drive shows the files of its owner and nothing else'
    )
    for (const { key, value } of entries) {
      const { text, linkname } = files.get(key)!
      assert.equal(value.linkname, linkname)
      if (text !== null) assert.equal(String(await drive.get(key)), text)
    }
  }

  #own(author: Author): any {
    return author.drives[this.#authors.indexOf(author)]
  }

  /** How far each owner's own drive has come. */
  #lengths(): number[] {
    return this.#authors.map((author) => this.#own(author).core.length)
  }

  #text(author: Author): string {
    return `${author.name}${this.#files++}`
  }
}

/** Runs one plan in a world of its own. */
export async function play(stores: readonly any[], plan: Plan, opts?: WorldOptions): Promise<void> {
  const world = await World.open(stores, plan.authors, opts)
  try {
    await world.run(plan.steps)
  } finally {
    await world.close()
  }
}

async function perform(multi: MultiDrive, operations: readonly Operation[], batched: boolean): Promise<void> {
  const target = batched ? multi.batch() : multi
  try {
    for (const operation of operations) {
      const { path } = operation
      if (operation.type === 'put') {
        const { text, metadata } = operation
        await target.put(path, text, metadata === undefined ? {} : { metadata })
      } else if (operation.type === 'symlink') await target.symlink(path, operation.linkname)
      else await target.del(path, { recursive: operation.type === 'deltree' })
    }
    if (batched) await target.flush()
  } finally {
    if (batched) await target.close()
  }
}

/** The merged view against the oracle's, through every call that reads. */
async function compare(
  multi: MultiDrive,
  drives: readonly any[],
  states: readonly State[],
  horizon: number,
  who: string
): Promise<void> {
  const expected = view(states, horizon)
  const entries = await collect<Entry>(multi.list('/'))
  assert.deepEqual(
    entries.map(({ key }) => key),
    [...expected.keys()],
    `list() of ${who}`
  )
  for (const path of PATHS) {
    const file = expected.get(path) ?? null
    assert.equal(read(states, path, horizon), file)
    const entry = await multi.entry(path)
    assert.equal(await multi.exists(path), file !== null, `exists(${path}) of ${who}`)
    const bytes = await multi.get(path)
    assert.equal(bytes && String(bytes), file?.text ?? null, `get(${path}) of ${who}`)
    if (file === null) {
      assert.equal(entry, null, `entry(${path}) of ${who}`)
      continue
    }
    for (const one of [entry!, entries.find(({ key }) => key === path)!]) {
      const { key, seq, mtime, value, drive } = one
      const { linkname, metadata } = value
      assert.deepEqual(
        { key, seq, mtime, linkname, metadata, size: value.blob?.byteLength ?? null },
        {
          key: path,
          seq: file.seq,
          mtime: file.mtime !== null && file.mtime <= horizon ? file.mtime : null,
          linkname: file.linkname,
          metadata: file.metadata,
          size: file.text === null ? null : Buffer.byteLength(file.text)
        },
        `entry(${path}) of ${who}`
      )
      assert.equal(idOf(drive), file.drive)
      assert.ok(drives.includes(drive))
    }
  }
  const expectedConflicts = PATHS.flatMap((path) => {
    const rivals = conflicts(states, path)
    return rivals.length === 0 ? [] : [[path, versionsOfFiles(rivals)] as const]
  })
  const found = await collect<Conflict>(multi.conflicts())
  assert.deepEqual(
    new Map(found.map(({ key, candidates }) => [key, versionsOf(candidates)])),
    new Map(expectedConflicts),
    `conflicts() of ${who}`
  )
  for (const { key, candidates } of found) {
    assert.deepEqual(await versionsAt(multi, key), candidates.map(versionOf), `conflicts(${key}) of ${who}`)
  }
  for (const folder of ['/', '/a', '/d', '/d/e', '/b']) {
    const prefix = folder === '/' ? '/' : folder + '/'
    const below = [...expected.keys()].filter((key) => key.startsWith(prefix))
    const names = new Set(below.map((key) => key.slice(prefix.length).split('/')[0]))
    const found = await collect<string>(multi.readdir(folder))
    assert.deepEqual([...found].sort(), [...names].sort(), `readdir(${folder}) of ${who}`)
  }
}

/** What differs between two versions against what differs between two listings. */
async function compareDiff(
  multi: MultiDrive,
  version: string,
  now: ReadonlyMap<string, File>,
  before: ReadonlyMap<string, File>
): Promise<void> {
  const differences: [path: string, left: string | null, right: string | null][] = []
  for (const path of new Set([...now.keys(), ...before.keys()])) {
    const [left, right] = [now, before].map((files) => {
      const file = files.get(path)
      return file ? `${file.drive} ${file.seq}` : null
    })
    if (left !== right) differences.push([path, left!, right!])
  }
  differences.sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
  const found = await collect<{ left: Entry | null; right: Entry | null }>(multi.diff(version))
  assert.deepEqual(
    found.map(({ left, right }) => [
      (left ?? right)!.key,
      left && versionOf(left),
      right && versionOf(right)
    ]),
    differences,
    'diff'
  )
  const items = await collect<{ type: string; name: string }>(multi.createDiffStream(version))
  assert.deepEqual(
    items.map(({ type, name }) => `${type} /${name}`),
    differences.map(([path, left]) => `${left === null ? 'del' : 'put'} ${path}`),
    'createDiffStream'
  )
}

interface Conflict {
  key: string
  candidates: Entry[]
}

function versionOf({ drive, seq }: Entry): string {
  return `${idOf(drive)} ${seq}`
}

function versionsOf(entries: readonly Entry[]): ReadonlySet<string> {
  return new Set(entries.map(versionOf))
}

function versionsOfFiles(files: readonly File[]): ReadonlySet<string> {
  return new Set(files.map(({ drive, seq }) => `${drive} ${seq}`))
}

async function versionsAt(multi: MultiDrive, path: string): Promise<string[]> {
  return (await multi.conflicts(path)).map(versionOf)
}

/** Hears what a MultiDrive tells from now on. */
async function listen(multi: MultiDrive, { maxClockSkew }: WorldOptions): Promise<Told> {
  const watcher = maxClockSkew === undefined ? multi.watch() : null
  await watcher?.ready()
  const told: Told = {
    versions: new Map(),
    conflicts: [],
    watcher,
    change: null,
    seen: new Map(),
    isOnItsWay: multi.unsynced.length > 0
  }
  multi.on('conflict', ({ key, candidates }: Conflict) => {
    told.conflicts.push({ path: key, versions: versionsOf(candidates) })
  })
  return told
}

async function texts(multi: MultiDrive): Promise<Map<string, string>> {
  const found = new Map<string, string>()
  for (const { key, value, seq, drive } of await collect<Entry>(multi.list('/')))
    found.set(key, `${idOf(drive)} ${seq} ${value.linkname}`)
  return found
}

function idOf(drive: Drive): string {
  return String((drive as { id?: unknown }).id)
}

/** What a reader of the format makes of metadata that MultiDrive did not write. */
function understood(raw: unknown): Pick<File, 'mtime' | 'ctime' | 'clock' | 'stamped' | 'metadata'> {
  const clock = new Map<string, number>()
  const none = { mtime: null, ctime: null, clock, stamped: false }
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) return { ...none, metadata: raw ?? null }
  const { multidrive, ...metadata } = raw as Record<string, any>
  const mtime = isTime(metadata.mtime) ? metadata.mtime : null
  if (multidrive?.v === 1) {
    const { ctime } = multidrive
    if (!Array.isArray(multidrive.clock))
      for (const [id, seq] of Object.entries(multidrive.clock ?? {})) clock.set(id, seq as number)
    // All that these tests forge has `stamped`: the date is MultiDrive's, not the caller's.
    return { mtime, ctime: isTime(ctime) ? ctime : null, clock, stamped: true, metadata: null }
  }
  return { ...none, mtime, metadata: Object.keys(metadata).length === 0 ? null : metadata }
}

async function over(drives: readonly any[], { maxClockSkew }: WorldOptions): Promise<MultiDrive> {
  const multi = new MultiDrive(drives[0], maxClockSkew === undefined ? {} : { maxClockSkew })
  for (const drive of drives.slice(1)) await multi.addDrive(drive)
  await multi.ready()
  return multi
}

/** Runs with the clock standing at a moment. */
async function at<T>(now: number, run: () => Promise<T>): Promise<T> {
  const real = Date.now
  Date.now = () => now
  try {
    return await run()
  } finally {
    Date.now = real
  }
}

/** At most six orders of so many drives, forwards and backwards among them. */
function orders(count: number): number[][] {
  const permute = (rest: number[]): number[][] =>
    rest.length === 0 ? [[]] : rest.flatMap((i) => permute(rest.filter((k) => k !== i)).map((p) => [i, ...p]))
  const all = permute([...Array(count).keys()])
  const pace = Math.max(1, Math.floor(all.length / 5))
  return all.filter((_, i) => i % pace === 0 || i === all.length - 1).slice(-6)
}

async function blobsOf(drive: any): Promise<any> {
  return (await drive.getBlobs()).core
}

function peered(core: any): Promise<void> {
  return when(core, 'peer-add', () => core.peers.length > 0)
}

function alone(core: any): Promise<void> {
  return when(core, 'peer-remove', () => core.peers.length === 0)
}

function when(core: any, event: string, done: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    const check = () => {
      if (!done()) return
      core.off(event, check)
      resolve()
    }
    core.on(event, check)
    check()
  })
}
