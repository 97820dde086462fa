/**
 * Several authors, each with a corestore, a Hyperdrive of its own, copies of the others' and a MultiDrive over all of them; beside
 * them the oracle's account of the same drives. Every step is done to both and the outcomes are compared.
 */
import assert from 'node:assert/strict'
import type Corestore from 'corestore'
import Hyperdrive from 'hyperdrive'
import type MultiDrive from '../../index.ts'
import { Locator } from '../../lib/overlay/locator.ts'
import { randoms } from '../helpers/randoms.ts'
import { collect } from '../helpers/drives.ts'
import { Account, at, type Author, type WorldOptions } from './account.ts'
import { codeOf, compare } from './compare.ts'
import { exchange } from './exchange.ts'
import { Looks } from './looks.ts'
import { isTime, NOTHING, Refused, type File, type Operation, type State } from './oracle.ts'
import { attempt, mountAt, placeOf, writeAt } from './oracle-mounts.ts'
import { tag, tagsOf } from './oracle-tags.ts'
import { checkOrders, checkPast, checkTagged, over } from './past.ts'
import { NOON, type Plan, type Planned, type PlainOperation, type Step } from './plans.ts'
import { verify, verifyMount, verifyTag, verifyTombstones } from './records.ts'
import { checkConflicts, checkWatch, listen } from './told.ts'

const FOREVER = Number.MAX_SAFE_INTEGER
/** How many drives outside of the set there are in a world with mounts, the first authors' own. */
const GUESTS = 2

type Of<K extends Step['do']> = Extract<Step, { do: K }>

let worlds = 0

export class World {
  readonly #authors: Author[] = []
  readonly #account: Account
  /** Where each version stood that any author had. */
  readonly #versions = new Map<string, readonly number[]>()
  #files = 0

  private constructor(account: Account) {
    this.#account = account
  }

  /**
   * @param stores - one for each author, used again by the next world
   * @param guests - how many drives outside of the set there are
   */
  static async open(
    stores: readonly Corestore[],
    { authors, guests, looks }: { authors: number; guests: number; looks: Looks },
    opts: WorldOptions = {}
  ): Promise<World> {
    const account = new Account(authors, { ownWins: true, ...opts }, looks)
    const world = new World(account)
    const name = `world-${worlds++}`
    const own: Hyperdrive[] = []
    for (let k = 0; k < authors + guests; k++) {
      const owner = k % authors
      const drive = new Hyperdrive(stores[owner].namespace(k < authors ? name : `${name} guest`))
      await drive.ready()
      own.push(drive)
      account.ledgers.push({ id: drive.id, owner, states: [NOTHING] })
    }
    for (let i = 0; i < authors; i++) {
      const drives = own.map((drive, k) =>
        account.ledgers[k]!.owner === i ? drive : new Hyperdrive(stores[i].session(), drive.key)
      )
      await Promise.all(drives.map((drive) => drive.ready()))
      const set = drives.slice(0, authors)
      const multi = await over([drives[i], ...set.filter((_, k) => k !== i)], drives, opts)
      world.#authors.push({
        index: i,
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
    for (const { multi, drives } of this.#authors) {
      await multi.close()
      // Of those outside of the set only what was read is open in the MultiDrive.
      for (const drive of drives) await drive.close()
    }
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
      const count = this.#account.ledgers.length
      const drives = step.drives && [...new Set(step.drives.map((k) => k % count))]
      await exchange(this.#account, author, other, drives)
      assert.deepEqual(this.#lengths(), before, 'an exchange changes nobody’s own drive')
      await this.#check(author)
      await this.#check(other)
      return
    }
    author.now += step.tick
    await at(author.now, () => this.#act(author, step))
    const landed = this.#account.ledgers.map(({ states }) => states.at(-1)!.length)
    assert.deepEqual(this.#lengths(), landed, 'a write changes no drive but the one that it lands in')
    await this.#check(author)
  }

  /** All exchange everything; then all have one view, whichever drive they added first, and every drive is its owner's alone. */
  async settle(): Promise<void> {
    const [first, ...others] = this.#authors
    const before = this.#lengths()
    // The first one has everything from the last one on, who then has it too.
    for (const other of [...others, ...others.slice(0, -1)])
      await exchange(this.#account, first!, other, null)
    assert.deepEqual(this.#lengths(), before, 'an exchange changes nobody’s own drive')
    for (const author of this.#authors) {
      author.now = first!.now
      await this.#check(author)
      await checkPast(this.#account, author)
      for (const name of this.#tags(author).keys()) await this.#visit(author, name)
      await this.#checkPlain(author)
    }
    await checkOrders(this.#account, this.#authors)
  }

  async #act(author: Author, step: Exclude<Step, { do: 'exchange' }>): Promise<void> {
    switch (step.do) {
      case 'plain':
        return this.#plain(author, author.index, step.operation)
      case 'guest': {
        const { ledgers, members } = this.#account
        const k = ledgers.findIndex(({ owner }, k) => k >= members && owner === author.index)
        if (k === -1) return
        return this.#plain(author, k, { do: 'put', path: step.path })
      }
      case 'tag':
      case 'untag':
        return this.#tag(author, step)
      case 'mount':
      case 'unmount':
        return this.#mount(author, step)
      case 'write':
        if (this.#account.opts.ownWins) return this.#write(author, step.operations, step.batch)
        // A batch takes its own deletions for done, which a file forged to outlive everything is not: here one by one.
        for (const one of step.operations) await this.#write(author, [one], false)
    }
  }

  async #write(author: Author, planned: readonly Planned[], batched: boolean): Promise<void> {
    const sight = this.#account.sight(author)
    const places = planned.map(({ path }) => attempt(() => placeOf(sight, path)))
    const prefixes = new Set(places.map((place) => (place instanceof Refused ? place : place.prefix)))
    const isInside = places.every((place) => !(place instanceof Refused) && place.key !== '')
    if (batched && (prefixes.size > 1 || !isInside)) {
      // What cannot be one batch.
      for (const one of planned) await this.#write(author, [one], false)
      return
    }
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
    const expected = attempt(() => writeAt(sight, operations, author.now))
    const before = this.#lengths()
    const code = await codeOf(perform(author.multi, operations, batched))
    assert.equal(code, expected instanceof Refused ? expected.code : null, 'what may be written is')
    if (expected instanceof Refused || !expected.written.changed) {
      assert.deepEqual(this.#lengths(), before, 'what is refused or changes nothing writes nothing')
      return
    }
    const { written, place } = expected
    const { drive, k } = this.#landing(author, place.sight)
    assert.ok(drive.core.length > before[k]!, 'what changes something is written')
    for (const record of written.records) await verify(drive, record)
    await verifyTombstones(drive, written.state)
    this.#land(author, k, written.state)
    if (!this.#account.opts.ownWins) return
    for (const operation of operations) {
      if (operations.findLast(({ path }) => path === operation.path) !== operation) continue
      const got = await author.multi.get(operation.path)
      const entry = await author.multi.entry(operation.path)
      if (operation.type === 'put') assert.equal(String(got), operation.text, 'what was put is read')
      else if (operation.type === 'symlink') assert.equal(entry?.value.linkname, operation.linkname)
      else assert.equal(entry, null, 'what was deleted is gone')
    }
  }

  async #tag(author: Author, step: Of<'tag' | 'untag'>): Promise<void> {
    const { multi, now } = author
    const { name } = step
    if (this.#tags(author).has(name)) await this.#visit(author, name)
    const versions = [...author.told.versions.keys()]
    const back = step.do === 'tag' ? (versions.at(-step.back) ?? null) : null
    const version = step.do === 'untag' ? null : step.back === 0 || back === null ? multi.version : back
    if (version !== null && !this.#versions.has(version)) this.#versions.set(version, [...author.held])
    const { states, ids, own, holdings } = this.#account.sight(author)
    const expected = tag(states, own!, ids[own!]!, name, version, now, holdings.horizon)
    const drive = author.drives[author.index]
    const { length } = drive.core
    if (version === null) await multi.deleteTag(name)
    else if (version === multi.version) await multi.createTag(name)
    else await multi.createTag(name, version)
    if (expected === null) {
      assert.equal(drive.core.length, length, 'what no name is taken from is not written to')
      return
    }
    await verifyTag(drive, expected.record)
    this.#land(author, author.index, expected.state)
  }

  async #mount(author: Author, step: Of<'mount' | 'unmount'>): Promise<void> {
    const { multi } = author
    const { ledgers } = this.#account
    const k = step.do === 'mount' ? step.drive % ledgers.length : null
    const mounted = k === null ? null : ledgers[k]!
    let version: number | null = null
    if (step.do === 'mount' && step.back !== null && author.held[k!]! > 0) {
      version = mounted!.states[Math.max(1, author.held[k!]! - step.back)]!.length
    }
    const sight = this.#account.sight(author)
    const expected = attempt(() => mountAt(sight, step.path, mounted?.id ?? null, version, author.now))
    const before = this.#lengths()
    const doing = mounted ? multi.mount(step.path, mounted.id, { version }) : multi.unmount(step.path)
    const code = await codeOf(doing)
    assert.equal(code, expected instanceof Refused ? expected.code : null, 'what may be mounted is')
    if (expected instanceof Refused) {
      assert.deepEqual(this.#lengths(), before, 'what is refused writes nothing')
      return
    }
    const landing = this.#landing(author, expected.place.sight)
    await verifyMount(landing.drive, expected.record)
    this.#land(author, landing.k, expected.state)
  }

  async #plain(author: Author, k: number, operation: PlainOperation): Promise<void> {
    const drive = author.drives[k]
    const state = this.#account.ledgers[k]!.states.at(-1)!
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
    this.#land(author, k, { ...state, files })
  }

  #forge({ metadata, claims }: { metadata?: unknown; claims?: number[] }): unknown {
    if (!claims) return metadata ?? null
    const { mtime = null } = (metadata as { mtime?: unknown } | null | undefined) ?? {}
    const { ledgers, members } = this.#account
    const clock = Object.fromEntries(claims.map((k) => [ledgers[k % members]!.id, FOREVER]))
    return { mtime, multidrive: { v: 1, ctime: NOON, stamped: true, clock } }
  }

  /** The drive that a write into a sight lands in. */
  #landing(
    author: Author,
    { ids, own }: { ids: readonly string[]; own: number | null }
  ): { drive: any; k: number } {
    const k = this.#account.indexOf(ids[own!]!)
    return { drive: author.drives[k], k }
  }

  #land(author: Author, k: number, state: State): void {
    const { states } = this.#account.ledgers[k]!
    states.push({ ...state, length: author.drives[k].core.length })
    author.held[k] = states.length - 1
  }

  #tags(author: Author): Map<string, string> {
    const { states, holdings } = this.#account.sight(author)
    return tagsOf(states, holdings.horizon)
  }

  async #visit(author: Author, name: string): Promise<void> {
    const held = this.#versions.get(this.#tags(author).get(name)!)!
    await checkTagged(this.#account, author, name, held)
  }

  async #check(author: Author): Promise<void> {
    const account = this.#account
    const { drives, multi, told, held } = author
    await at(author.now, () => compare(multi, drives, account.sight(author), author.name, account.looks))
    const { version } = multi
    const before = told.versions.get(version)
    const isOne = 'one version is one state of all drives'
    if (before) assert.deepEqual(account.lengths(version, held), account.lengths(version, before), isOne)
    else told.versions.set(version, [...held])
    if (!this.#versions.has(version)) this.#versions.set(version, [...held])
    await checkWatch(author)
    if (account.opts.ownWins) await checkConflicts(account, author)
  }

  /** What a reader sees that knows only Hyperdrive. */
  async #checkPlain(author: Author): Promise<void> {
    for (const [k, { owner, states }] of this.#account.ledgers.entries()) {
      if (owner !== author.index) continue
      const drive = author.drives[k]
      const { files } = states.at(-1)!
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
  }

  /** How far each owner's own drive has come. */
  #lengths(): number[] {
    return this.#account.ledgers.map(({ owner }, k) => this.#authors[owner]!.drives[k].core.length)
  }

  #text(author: Author): string {
    return `${author.name}${this.#files++}`
  }
}

/** Lets locators overlook what they see, every other time or so: each is half built then, of drives and of versions. */
function seeingSome(): () => void {
  const { prototype } = Locator
  // eslint-disable-next-line @typescript-eslint/unbound-method -- called with `this` below
  const { see } = prototype
  const random = randoms(1)
  prototype.see = function (keyed) {
    if (random.next().value < 0.5) see.call(this, keyed)
  }
  return () => void (prototype.see = see)
}

/** Runs one plan in a world of its own. */
export async function play(stores: readonly Corestore[], plan: Plan, opts?: WorldOptions): Promise<void> {
  const { authors, steps, looks = null } = plan
  const hasGuests = steps.some((step) => step.do === 'mount' || step.do === 'guest')
  const guests = hasGuests ? GUESTS : 0
  const restore = opts?.locator === 'some' ? seeingSome() : () => undefined
  const world = await World.open(stores, { authors, guests, looks: new Looks(looks) }, opts)
  try {
    await world.run(steps)
  } finally {
    await world.close()
    restore()
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
