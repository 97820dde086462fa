import createTestnet from '@hyperswarm/testnet'
import Corestore from 'corestore'
import { once } from 'node:events'
import Hypercore from 'hypercore'
import Hyperdrive from 'hyperdrive'
import Hyperswarm from 'hyperswarm'
import test, { type Test } from 'tape'
import MultiDrive from '../../index.ts'
import { alone, together, until, whole, within } from '../availability/links.ts'
import {
  cleanup,
  contents,
  failureOf,
  folder,
  hyperdrive,
  link,
  localdrive,
  multidrive,
  store
} from '../helpers/drives.ts'

const limit = { timeout: 60_000 }

/** Copies of drives, in one store or in a store of its own each. */
async function copiesOf(t: Test, authors: Hyperdrive[], shared: boolean): Promise<any[]> {
  const one = shared ? await store(t) : null
  return Promise.all(authors.map(async ({ key }) => hyperdrive(t, { store: one ?? (await store(t)), key })))
}

/** Drives with a file each, in one store or in a store of its own each. */
async function authorsOf(t: Test, count: number, shared: boolean): Promise<any[]> {
  const one = shared ? await store(t) : null
  const drives = []
  for (let i = 0; i < count; i++) {
    const drive = one ? new Hyperdrive(one.namespace(`${i}`)) : await hyperdrive(t)
    if (one) cleanup(t, () => drive.close())
    await drive.put(`/file-${i}`, `of ${i}`)
    drives.push(drive)
  }
  return drives
}

/** A store with a drive that nobody has open, as after a restart: its cores are opened only for those who ask. */
async function dormant(t: Test): Promise<{ corestore: Corestore; key: Buffer }> {
  const path = await folder(t)
  const before = new Corestore(path)
  const drive = new Hyperdrive(before.namespace('dormant'))
  await drive.put('/dormant', 'bytes')
  const { key } = drive
  await before.close()
  const corestore = new Corestore(path)
  cleanup(t, () => corestore.close())
  return { corestore, key }
}

/** Resolves when the head of a drive has come, which is how far it is read without the rest. */
const head = ({ core }: any) =>
  within(
    5000,
    'the head',
    until(core, ['append'], () => core.length > 1)
  )

const allWhole = (copies: Hyperdrive[], authors: Hyperdrive[]) =>
  within(10_000, 'the exchange', Promise.all(copies.map((copy, i) => whole(copy, authors[i]))))

const THREE = { '/file-0': 'of 0', '/file-1': 'of 1', '/file-2': 'of 2' }

/** Resolves when a stream is closed. */
const closing = (stream: any) => new Promise<void>((resolve) => stream.once('close', () => resolve()))

for (const [here, there] of [
  [true, true],
  [true, false],
  [false, true],
  [false, false]
] as const) {
  const where = (shared: boolean) => (shared ? 'in one store' : 'in a store each')

  test(`replicate(isInitiator): drives ${where(here)}, copies ${where(there)}`, limit, async (t) => {
    const authors = await authorsOf(t, 3, here)
    const copies = await copiesOf(t, authors, there)
    const [ours, theirs] = [await multidrive(t, authors), await multidrive(t, copies)]
    link(ours, theirs)
    await allWhole(copies, authors)
    t.same(await contents(theirs), THREE, 'bytes and all')
    await authors[2].put('/file-2', 'changed')
    await allWhole(copies, authors)
    t.equal(String(await theirs.get('/file-2')), 'changed', 'and what is written later')
  })
}

test('replicate() carries drives that are added to either side later', limit, async (t) => {
  const authors = await authorsOf(t, 3, false)
  const copies = await copiesOf(t, authors, false)
  const [ours, theirs] = [await multidrive(t, [authors[0]]), await multidrive(t, [copies[0]])]
  link(ours, theirs)
  await allWhole(copies.slice(0, 1), authors)
  await theirs.addDrive(copies[1])
  await ours.addDrive(authors[1])
  await allWhole(copies.slice(0, 2), authors)
  await ours.addDrive(authors[2])
  await theirs.addDrive(copies[2])
  await allWhole(copies, authors)
  t.same(await contents(theirs), THREE)
})

test(
  'replicate() carries drives that are added later over every stream, in MultiDrives inside too',
  limit,
  async (t) => {
    const authors = await authorsOf(t, 3, false)
    const peers = [await copiesOf(t, authors, false), await copiesOf(t, authors, false)]
    const inner = await multidrive(t, [authors[0]])
    const ours = await multidrive(t, [inner])
    const [mine, ...theirs] = await Promise.all([
      multidrive(t, await copiesOf(t, authors, false)),
      ...peers.map((copies) => multidrive(t, copies))
    ])
    link(inner, mine)
    for (const multi of theirs) link(ours, multi)
    for (const copies of peers) await allWhole(copies.slice(0, 1), authors)
    await ours.addDrive(authors[1])
    await inner.addDrive(authors[2])
    for (const copies of peers) await allWhole(copies, authors)
    for (const multi of theirs) t.same(await contents(multi), THREE)
  }
)

test('replicate() carries drives that are added by their keys', limit, async (t) => {
  const authors = await authorsOf(t, 3, false)
  const ours = await multidrive(t, authors)
  const theirs = await multidrive(t, [await hyperdrive(t)])
  link(ours, theirs)
  const copies = []
  for (const { key } of authors) copies.push(await theirs.addDrive(key))
  await allWhole(copies, authors)
  t.same(await contents(theirs), THREE)
})

test('replicate() carries a drive that is still being added', limit, async (t) => {
  const author = await hyperdrive(t)
  await author.put('/file', 'bytes')
  const copy = await hyperdrive(t, { store: await store(t), key: author.key })
  const theirs = await multidrive(t, [copy])
  let opened: (drive: any) => void = () => undefined
  const opening = new Promise<any>((resolve) => (opened = resolve))
  const ours = new MultiDrive(await localdrive(t), { openDrive: () => opening })
  cleanup(t, () => ours.close())
  const adding = ours.addDrive(author.key)
  link(ours, theirs)
  opened(author)
  await adding
  await allWhole([copy], [author])
  t.same(await contents(theirs), { '/file': 'bytes' })
})

test(
  'replicate() carries the drives of MultiDrives in the set, those added to them later too',
  limit,
  async (t) => {
    const authors = await authorsOf(t, 3, false)
    const copies = await copiesOf(t, authors, false)
    const theirs = await multidrive(t, copies)
    const inner = await multidrive(t, [authors[0]])
    const middle = await multidrive(t, [inner])
    const ours = await multidrive(t, [await localdrive(t), middle])
    const unlink = link(ours, theirs)
    await allWhole(copies.slice(0, 1), authors)
    await inner.addDrive(authors[1])
    await allWhole(copies.slice(0, 2), authors)
    await ours.addDrive(await multidrive(t, [authors[2]]))
    await allWhole(copies, authors)
    t.same(await contents(theirs), THREE)
    await unlink()

    // A later stream finds them all at once.
    await Promise.all(copies.map(alone))
    await Promise.all(authors.map((author, i) => author.put(`/file-${i}`, 'again')))
    link(ours, theirs)
    await allWhole(copies, authors)
    t.same(Object.values(await contents(theirs)), ['again', 'again', 'again'])
  }
)

test('a core that is not open is opened for a peer that asks, in whichever store it is', limit, async (t) => {
  const found = [await dormant(t), await dormant(t), await dormant(t)]
  const ours = await multidrive(
    t,
    await Promise.all(found.map(({ corestore }) => hyperdrive(t, { store: corestore })))
  )
  const theirs = await multidrive(t, [await hyperdrive(t)])
  link(ours, theirs)
  for (const { key } of found) {
    const copy: Hyperdrive = await theirs.addDrive(key)
    await head(copy)
    t.equal(String(await copy.get('/dormant')), 'bytes')
  }
})

test('a drive that left is not opened for peers any more', limit, async (t) => {
  const [first, second] = [await dormant(t), await dormant(t)]
  const member = await hyperdrive(t, { store: second.corestore })
  const ours = await multidrive(t, [await hyperdrive(t, { store: first.corestore }), member])
  const theirs = await multidrive(t, [await hyperdrive(t)])
  link(ours, theirs)
  await ours.removeDrive(member)
  const refused: Hyperdrive = await theirs.addDrive(second.key)
  const copy = await theirs.addDrive(first.key)
  // It was asked for later, and is here.
  await head(copy)
  t.equal(refused.core.peers.length, 0)
})

test('two MultiDrives over one stream', limit, async (t) => {
  const authors = await authorsOf(t, 2, false)
  const copies = await copiesOf(t, authors, false)
  const { corestore, key } = await dormant(t)
  const ours = [
    await multidrive(t, [authors[0], await hyperdrive(t, { store: corestore })]),
    await multidrive(t, [authors[1]])
  ]
  const theirs = [await multidrive(t, [copies[0]]), await multidrive(t, [copies[1]])]
  const [left, right] = [ours[0]!.replicate(true), theirs[0]!.replicate(false)]
  t.equal(ours[1]!.replicate(left), left)
  t.equal(theirs[1]!.replicate(right), right)
  left.on('error', () => undefined)
  right.on('error', () => undefined)
  left.pipe(right).pipe(left)
  await allWhole(copies, authors)
  const copy: Hyperdrive = await theirs[0]!.addDrive(key)
  await head(copy)
  t.equal(String(await copy.get('/dormant')), 'bytes', 'a core that the first one opens')

  await ours[1]!.close()
  t.notOk(left.destroyed, 'it stays open when the one closes that did not make it')
  await authors[0].put('/file-0', 'changed')
  await allWhole(copies.slice(0, 1), authors)
  t.equal(String(await theirs[0]!.get('/file-0')), 'changed')
})

test('replicate(stream) and replicate(protomux)', limit, async (t) => {
  for (const over of ['noise stream', 'raw stream', 'protomux']) {
    const authors = await authorsOf(t, 2, false)
    const copies = await copiesOf(t, authors, false)
    const [ours, theirs] = [await multidrive(t, authors), await multidrive(t, copies)]
    const raw = [Hypercore.createProtocolStream(true), Hypercore.createProtocolStream(false)]
    for (const [multi, stream] of [
      [ours, raw[0]],
      [theirs, raw[1]]
    ] as const) {
      stream.on('error', () => undefined)
      const gives = over === 'raw stream' ? stream : stream.noiseStream
      const given = over === 'protomux' ? stream.noiseStream.userData : gives
      t.equal(multi.replicate(given), gives, over)
      t.equal(multi.replicate(given), gives, 'once more is no harm')
    }
    raw[0].pipe(raw[1]).pipe(raw[0])
    await allWhole(copies, authors)
    t.same(await contents(theirs), { '/file-0': 'of 0', '/file-1': 'of 1' })
    await ours.close()
    t.notOk(raw[0].destroying, 'a stream that was given stays open')
    for (const stream of raw) stream.destroy()
  }
})

test('replicate() of connections of a Hyperswarm', limit, async (t) => {
  const testnet = await createTestnet(3)
  cleanup(t, () => testnet.destroy())
  const authors = await authorsOf(t, 3, false)
  const ours = await multidrive(t, authors.slice(0, 2))
  const theirs = await multidrive(t, [await localdrive(t)], {
    openDrive: async (key) => hyperdrive(t, { store: await store(t), key })
  })
  const [server, client] = [ours, theirs].map((multi) => {
    const swarm = new Hyperswarm({ dht: testnet.createNode() })
    swarm.on('connection', (connection) => multi.replicate(connection))
    cleanup(t, () => swarm.destroy())
    return swarm
  }) as [Hyperswarm, Hyperswarm]
  const topic = Buffer.alloc(32, 'one topic for all of them')
  await server.join(topic, { server: true, client: false }).flushed()

  const copies = [await theirs.addDrive(authors[0].key), await theirs.addDrive(authors[1].key)]
  const found = theirs.findingPeers()
  client.join(topic, { server: false, client: true })
  client.flush().then(found, found)
  t.equal(await within(10_000, 'the update', theirs.update({ wait: true })), true)
  t.same(theirs.unsynced, [])
  t.same(await contents(theirs), { '/file-0': 'of 0', '/file-1': 'of 1' })
  copies.push(await theirs.addDrive(authors[2].key))
  await ours.addDrive(authors[2])
  await allWhole(copies, authors)
  t.same(await contents(theirs), THREE)
  t.equal(client.connections.size, 1, 'all over one connection')
})

test('a store that closes does not end the stream of the others', limit, async (t) => {
  const own = new Corestore(await folder(t))
  const leaving = new Hyperdrive(own.session())
  await leaving.put('/gone', 'x')
  const staying = await authorsOf(t, 2, false)
  const authors = [leaving, ...staying]
  const copies = await copiesOf(t, authors, false)
  const [ours, theirs] = [await multidrive(t, [staying[0], leaving, staying[1]]), await multidrive(t, copies)]
  const left = ours.replicate(true)
  const right = theirs.replicate(false)
  left.on('error', () => undefined)
  right.on('error', () => undefined)
  left.pipe(right).pipe(left)
  await allWhole(copies, authors)
  const left1 = once(ours, 'drive-remove')
  await own.close()
  await left1
  await staying[1].put('/file-1', 'changed')
  await allWhole(copies.slice(1), staying)
  t.equal(String(await theirs.get('/file-1')), 'changed')
  const later = await hyperdrive(t)
  await later.put('/later', 'x')
  await ours.addDrive(later)
  await allWhole([await theirs.addDrive(later.key)], [later])
  t.notOk(left.destroyed || right.destroyed)
})

test('close() and purge() end the streams that were made, and no others', limit, async (t) => {
  for (const end of ['close', 'purge'] as const) {
    const corestore = new Corestore(await folder(t))
    const ours = await multidrive(t, [new Hyperdrive(corestore.session())])
    const made = ours.replicate(true)
    const theirs = await multidrive(t, [await hyperdrive(t)])
    const given = theirs.replicate(false)
    given.on('error', () => undefined)
    made.on('error', () => undefined)
    const other = await multidrive(t, [await hyperdrive(t)])
    other.replicate(given)
    const ended = closing(made)
    await ours[end]()
    await within(5000, 'the end of it', ended)
    await other.close()
    t.notOk(given.destroying, end)
    await corestore.close()
    given.destroy()
  }
})

test('replicate() and findingPeers() of a checkout are for all drives of the set', limit, async (t) => {
  const authors = await authorsOf(t, 3, false)
  const copies = await copiesOf(t, authors, false)
  const ours = await multidrive(t, authors.slice(0, 2))
  const theirs = await multidrive(t, copies)
  const past = ours.checkout(ours.version)
  const given = ours.replicate(true)
  given.on('error', () => undefined)
  cleanup(t, () => given.destroy())
  link(past, theirs)
  await ours.addDrive(authors[2])
  await allWhole(copies, authors)
  t.same(await contents(theirs), THREE)

  const looking = theirs.checkout(theirs.version)
  await looking.ready()
  const told = copies.map((copy) => {
    const { findingPeers } = copy
    const searches: string[] = []
    copy.findingPeers = () => {
      searches.push('begun')
      const end = findingPeers.call(copy)
      return () => {
        searches.push('over')
        end()
      }
    }
    return searches
  })
  looking.findingPeers()()
  t.same(told, Array(3).fill(['begun', 'over']))

  const stream = past.replicate(true)
  stream.on('error', () => undefined)
  const closed = closing(stream)
  await past.close()
  await closed
  t.notOk(given.destroyed, 'only its own streams end with it')
})

test('a stream that closed is forgotten', limit, async (t) => {
  const ours = await multidrive(t, [await hyperdrive(t)])
  const stream = ours.replicate(true)
  stream.on('error', () => undefined)
  const closed = closing(stream.noiseStream)
  stream.destroy()
  await closed
  t.equal(ours.replicate(stream), stream, 'and one that is closed is given back as it is')
  const later = await hyperdrive(t)
  await ours.addDrive(later)
  t.equal(later.corestore.streamTracker.records.length, 0)
  const open = ours.replicate(true)
  t.equal(later.corestore.streamTracker.records.length, 1)
  open.destroy()
})

test('replicate() of what it cannot replicate', limit, async (t) => {
  const multi: any = await multidrive(t, [await hyperdrive(t)])
  const { PassThrough } = await import('node:stream')
  const bad = {
    nothing: undefined,
    null: null,
    text: 'initiator',
    'a number': 1,
    'an object': {},
    'what looks like a stream': { pipe: () => undefined },
    'a stream without encryption': new PassThrough(),
    'a Protomux without a stream': { isProtomux: true }
  }
  for (const [what, given] of Object.entries(bad))
    t.equal((await failureOf(() => multi.replicate(given))).code, 'EINVAL', what)
  t.equal((await failureOf(() => multi.replicate(true, { stream: {} }))).code, 'EINVAL')
  const local = await multidrive(t, [await localdrive(t)])
  t.equal((await failureOf(() => local.replicate(true))).code, 'DRIVE_INVALID')
  const nested = await multidrive(t, [local])
  t.equal((await failureOf(() => nested.replicate(true))).code, 'DRIVE_INVALID')
  await local.addDrive(await hyperdrive(t))
  nested.replicate(true).destroy()
  await multi.close()
  t.equal((await failureOf(() => multi.replicate(true))).code, 'CLOSED')
})

test(
  'findingPeers(): reads of every drive wait, also of those that are added meanwhile',
  limit,
  async (t) => {
    const authors = await authorsOf(t, 3, false)
    const ours = await multidrive(t, authors)
    const copies = await copiesOf(t, authors, false)
    const inner = await multidrive(t, [copies[1]])
    const theirs = await multidrive(t, [copies[0], inner])
    const found = theirs.findingPeers()
    await inner.addDrive(copies[2])
    const reads = Promise.all([0, 1, 2].map((i) => theirs.get(`/file-${i}`)))
    const first = await Promise.race([
      reads.then(() => 'read'),
      new Promise((resolve) => setImmediate(resolve))
    ])
    t.notEqual(first, 'read', 'they wait')
    link(ours, theirs)
    await within(10_000, 'the reads', reads)
    t.same((await reads).map(String), ['of 0', 'of 1', 'of 2'])
    found()

    const none = await hyperdrive(t, { store: await store(t), key: Buffer.alloc(32, 7) })
    const over = theirs.findingPeers()
    await theirs.addDrive(none)
    t.equal(none.core.core.replicator.findingPeers, 1)
    await theirs.removeDrive(none)
    t.equal(none.core.core.replicator.findingPeers, 0, 'a drive that left waits no more')
    over()
    over()
    t.equal(copies[0].core.core.replicator.findingPeers, 0, 'twice is no harm')
  }
)

test('update() and peers over one stream', limit, async (t) => {
  const authors = await authorsOf(t, 2, false)
  const copies = await copiesOf(t, authors, false)
  const [ours, theirs] = [await multidrive(t, authors), await multidrive(t, copies)]
  t.same(theirs.peers, [])
  t.equal(await theirs.update({ wait: true }), false, 'with nobody there it ends at once')
  const met = Promise.all([once(theirs, 'peer-add'), together(copies[1])])
  const unlink = link(ours, theirs)
  const found = theirs.findingPeers()
  t.equal(await within(10_000, 'the update', theirs.update({ wait: true })), true)
  found()
  await met
  t.same(theirs.unsynced, [])
  t.equal(theirs.peers.length, 1)
  t.equal(theirs.peers[0], copies[0].core.peers[0], 'those of the primary')
  t.same(await contents(theirs), { '/file-0': 'of 0', '/file-1': 'of 1' })
  const left = Promise.all([once(theirs, 'peer-remove'), alone(copies[1])])
  await unlink()
  await left
  t.same(theirs.peers, [])
})
