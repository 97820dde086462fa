import type Corestore from 'corestore'
import Hyperdrive from 'hyperdrive'
import test, { type Test } from 'tape'
import type MultiDrive from '../../index.ts'
import { alone, whole } from '../availability/links.ts'
import { cleanup, collect, contents, hyperdrive, link, multidrive, store } from '../helpers/drives.ts'

interface Side {
  corestore: Corestore
  own: any
  copy: Hyperdrive
  multi: MultiDrive
}

/** Two sides, each with a store of its own, its own drive and a copy of the other's. */
async function sides(t: Test): Promise<[Side, Side]> {
  const stores = [await store(t), await store(t)]
  const own = [await hyperdrive(t, { store: stores[0] }), await hyperdrive(t, { store: stores[1] })]
  const made = await Promise.all(
    [0, 1].map(async (i): Promise<Side> => {
      const copy = await hyperdrive(t, { store: stores[i], key: own[1 - i].key })
      // One side has its own drive first, the other has it last: the order of adding decides nothing.
      const multi = await multidrive(t, i === 0 ? [own[0], copy] : [copy, own[1]])
      return { corestore: stores[i], own: own[i], copy, multi }
    })
  )
  return made as [Side, Side]
}

async function exchanged(a: Side, b: Side): Promise<void> {
  await Promise.all([whole(a.copy, b.own), whole(b.copy, a.own)])
}

/** All there is to see: dates, places, drives and bytes. */
async function view(multi: MultiDrive): Promise<unknown> {
  const entries = await collect(multi.list('/'))
  return [
    entries.map(({ key, seq, mtime, drive, value }) => [key, seq, mtime, drive.id, value]),
    await contents(multi),
    await collect(multi.readdir('/'))
  ]
}

test('two stores converge, conflicts and deletes included', async (t) => {
  const [a, b] = await sides(t)
  await a.multi.put('/both', 'by a')
  await a.multi.put('/a/1', 'a1')
  await a.multi.put('/a/2', 'a2')
  await b.multi.put('/b', 'b')
  await b.multi.put('/both', 'by b', { metadata: { mtime: Date.now() + 5000 } })
  let unlink = link(a.corestore, b.corestore)
  await exchanged(a, b)
  t.same(await view(a.multi), await view(b.multi), 'one view')
  t.equal(String(await a.multi.get('/both')), 'by b')
  await unlink()
  await Promise.all([alone(a.copy), alone(b.copy)])

  // Apart: each deletes the other's, one deletes what the other changes, both write one path.
  await a.multi.del('/b')
  await b.multi.del('/a', { recursive: true })
  await a.multi.put('/a/2', 'a2 changed')
  await a.multi.put('/both', 'a over b')
  await b.multi.put('/new', 'by b')
  await a.multi.put('/new', 'by a')
  t.same(await contents(a.multi), { '/a/1': 'a1', '/a/2': 'a2 changed', '/both': 'a over b', '/new': 'by a' })
  t.same(await contents(b.multi), { '/b': 'b', '/both': 'by b', '/new': 'by b' })
  unlink = link(a.corestore, b.corestore)
  await exchanged(a, b)
  t.same(await view(a.multi), await view(b.multi), 'one view again')
  t.equal(String(await b.multi.get('/both')), 'a over b', 'what saw the other wins, whatever its date')
  t.equal(await a.multi.entry('/b'), null)
  t.equal(await a.multi.entry('/a/1'), null)

  await a.multi.put('/b', 'back')
  await b.multi.put('/a/1', 'back')
  await exchanged(a, b)
  t.same(await view(a.multi), await view(b.multi))
  t.same(
    [String(await b.multi.get('/b')), String(await a.multi.get('/a/1'))],
    ['back', 'back'],
    'written again they are back'
  )

  t.same(
    await contents(b.own),
    { '/a/1': 'back', '/b': 'b', '/both': 'by b', '/new': 'by b' },
    'nothing that b wrote was changed in its drive'
  )
  await unlink()
})

test('writes made while both are connected converge', async (t) => {
  const [a, b] = await sides(t)
  link(a.corestore, b.corestore)
  await Promise.all(
    [a, b].map(async ({ multi }, side) => {
      for (let i = 0; i < 40; i++) {
        await multi.put(`/p${(i * 7 + side) % 12}`, `${side} ${i}`)
        if (i % 5 === 4) await multi.del(`/p${(i * 3 + side) % 12}`)
        if (i === 20) await multi.del('/deep', { recursive: true })
        await multi.put(`/deep/${side}/${i}`, 'x')
      }
    })
  )
  await exchanged(a, b)
  t.same(await view(a.multi), await view(b.multi))
  t.ok(Object.keys(await contents(a.multi)).length > 0)
})

test('a third who only reads sees the same, through either of them', async (t) => {
  const [a, b] = await sides(t)
  await a.multi.put('/x', 'a')
  await b.multi.put('/y', 'b')
  const unlink = link(a.corestore, b.corestore)
  await exchanged(a, b)
  await b.multi.del('/x')
  await exchanged(a, b)
  const expected = await view(a.multi)
  await unlink()

  const third = await store(t)
  const copies = [
    await hyperdrive(t, { store: third, key: b.own.key }),
    await hyperdrive(t, { store: third, key: a.own.key })
  ]
  const reader = await multidrive(t, copies)
  link(b.corestore, third)
  await Promise.all([whole(copies[0], b.own), whole(copies[1], a.own)])
  t.same(await view(reader), expected, 'a was never met: b passed its drive on')
  t.notOk(reader.writable)
})

test('drives that share one store', async (t) => {
  const [ours, theirs] = [await store(t), await store(t)]
  const drives = ['one', 'two', 'three'].map((name) => new Hyperdrive(ours.namespace(name)))
  cleanup(t, () => Promise.all(drives.map((drive) => drive.close())))
  await Promise.all(drives.map((drive) => drive.ready()))
  const authors = await Promise.all(
    drives.map((drive, i) =>
      multidrive(t, [drive]).then((multi) => ({ multi, others: drives.filter((_, j) => j !== i) }))
    )
  )
  // Each author sees the others' drives through sessions of its own.
  for (const { multi, others } of authors) for (const { key } of others) await multi.addDrive(key)
  for (const [i, { multi }] of authors.entries()) {
    await multi.put('/shared', `by ${i}`)
    await multi.put(`/${i}/own`, 'x')
  }
  await authors[0]!.multi.del('/1/own')
  const expected = { '/0/own': 'x', '/2/own': 'x', '/shared': 'by 2' }
  for (const { multi } of authors) t.same(await contents(multi), expected)

  const copies = []
  for (const { key } of drives) copies.push(await hyperdrive(t, { store: theirs, key }))
  const reader = await multidrive(t, copies.reverse())
  link(ours, theirs)
  await Promise.all(
    copies.map((copy) =>
      whole(
        copy,
        drives.find(({ id }) => id === copy.id)
      )
    )
  )
  t.same(await contents(reader), expected, 'one link carries them all')
})
