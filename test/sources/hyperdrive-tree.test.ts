import fc from 'fast-check'
import Hyperdrive from 'hyperdrive'
import { Node, YoloIndex } from 'hyperbee/lib/messages.js'
import test, { type Test } from 'tape'
import { rangeOf, UNBOUNDED, type Bounds } from '../../lib/sources/hyperdrive/bounds.ts'
import { StoredTree } from '../../lib/sources/hyperdrive/tree.ts'
import { TreeCache } from '../../lib/sources/hyperdrive/tree-cache.ts'
import { TreeNodes } from '../../lib/sources/hyperdrive/tree-nodes.ts'
import type { HyperdriveLike, TreeEntry } from '../../lib/sources/hyperdrive/types.ts'
import {
  cleanup,
  collect,
  failureOf,
  hyperdrive,
  hyperdrives,
  keys,
  multidrive,
  store
} from '../helpers/drives.ts'

const RUNS = 40
const BINARY = { keyEncoding: 'binary', valueEncoding: 'binary' }

function treesOf(drive: HyperdriveLike): (version: number) => StoredTree {
  const nodes = new TreeNodes(drive, new TreeCache(drive.db.core))
  return (version) => new StoredTree(nodes, version)
}

/** What a tree has, as text: by its block, its key and its value. */
function told(entries: readonly TreeEntry[]): string[] {
  return entries.map(({ seq, key, value }) => `${seq} ${key.toString('hex')} ${value?.toString('hex')}`)
}

async function readAll(tree: StoredTree, bounds: Bounds, reverse: boolean, limit: number): Promise<string[]> {
  const cursor = tree.range(bounds, reverse)
  const all: string[] = []
  for (;;) {
    const page = await cursor.next(limit)
    all.push(...told(page))
    if (page.length < limit) return all
  }
}

async function readByHyperbee(drive: any, version: number, bounds: Bounds, reverse: boolean) {
  const entries: TreeEntry[] = []
  const range = { ...rangeOf(bounds), reverse }
  const iterator = drive.db.createRangeIterator(range, { ...BINARY, ...range, checkout: version })
  await iterator.open()
  for (let entry = await iterator.next(); entry !== null; entry = await iterator.next()) entries.push(entry)
  await iterator.close()
  return told(entries)
}

/** Keys that meet often, some of them no text. */
const key = fc
  .array(fc.constantFrom(0, 0x2f, 0x61, 0x62, 0x7f, 0x80, 0xff), { maxLength: 3 })
  .map((bytes) => Buffer.from(bytes))
const bounds: fc.Arbitrary<Bounds> = fc.record({
  lower: fc.option(key),
  upper: fc.option(key),
  includesLower: fc.boolean(),
  includesUpper: fc.boolean()
})
const step = fc.record({
  deletes: fc.boolean(),
  keys: fc.array(key, { minLength: 1, maxLength: 40 }),
  together: fc.boolean()
})

test('a tree that is read from its blocks is what Hyperbee reads', async (t) => {
  const plan = fc.record({
    steps: fc.array(step, { maxLength: 12 }),
    ranges: fc.array(fc.record({ bounds, reverse: fc.boolean(), limit: fc.integer({ min: 1, max: 40 }) }), {
      maxLength: 8
    }),
    looks: fc.array(key, { maxLength: 20 })
  })
  const drives = await hyperdrives(t, RUNS)
  let runs = 0
  await fc.assert(
    fc.asyncProperty(plan, async ({ steps, ranges, looks }) => {
      const drive = drives[runs++]!
      const at = treesOf(drive)
      const versions = [drive.version]
      for (const [i, { keys, deletes, together }] of steps.entries()) {
        const batch = together ? drive.db.batch() : drive.db
        for (const each of keys) {
          if (deletes) await batch.del(each, BINARY)
          else await batch.put(each, Buffer.from(`${i}`), BINARY)
        }
        if (together) await batch.flush()
        versions.push(drive.version)
      }
      for (const version of versions) {
        const tree = at(version)
        for (const { bounds, reverse, limit } of [
          { bounds: UNBOUNDED, reverse: false, limit: 7 },
          ...ranges
        ]) {
          const found = await readAll(tree, bounds, reverse, limit)
          same(found, await readByHyperbee(drive, version, bounds, reverse))
        }
        for (const each of [...looks, ...(steps[0]?.keys ?? [])]) {
          const [found, expected] = [
            await tree.get(each),
            await drive.db.get(each, { ...BINARY, checkout: version })
          ]
          same(told(found ? [found] : []), told(expected ? [expected] : []))
        }
      }
    }),
    { numRuns: RUNS, endOnFailure: true }
  )
  t.equal(runs, RUNS)
})

function same(found: readonly string[], expected: readonly string[]): void {
  const [a, b] = [found.join('\n'), expected.join('\n')]
  if (a !== b) throw new Error(`found\n${a}\ninstead of\n${b}`)
}

test('since(version): the blocks that were written, puts and deletions', async (t) => {
  const drive = await hyperdrive(t)
  const at = treesOf(drive)
  await drive.put('/a', 'x')
  const version: number = drive.version
  t.same(await at(version).since(version), [])
  await drive.put('/b', 'y')
  await drive.del('/a')
  await drive.db.put('/no value', null)
  const blocks = await at(drive.version).since(version)
  t.same(
    blocks.map(({ seq, isDeletion }) => [seq, isDeletion]),
    [
      [version, false],
      [version + 1, true],
      [version + 2, false]
    ]
  )
})

test('a page that could not be read comes when it can be', async (t) => {
  const drive = await hyperdrive(t)
  for (let i = 0; i < 200; i++) await drive.put(`/file-${i}`, 'x')
  const expected = await readByHyperbee(drive, drive.version, UNBOUNDED, false)
  const { storage } = drive.db.core.state
  const read = storage.read.bind(storage)
  let failing = false
  let failures = 0
  storage.read = () => {
    if (!failing) return read()
    failures++
    throw new Error('no disk')
  }
  cleanup(t, () => delete storage.read)
  const cursor = treesOf(drive)(drive.version).range(UNBOUNDED, false)
  const found: string[] = []
  for (let fewer = false; !fewer;) {
    failing = true
    t.equal((await failureOf(cursor.next(30))).message, 'no disk')
    failing = false
    const page = await cursor.next(30)
    found.push(...told(page))
    fewer = page.length < 30
  }
  t.same(found, expected)
  t.ok(failures > 1)
})

test('the tree of an encrypted drive, and of a checkout', async (t) => {
  const drive = new Hyperdrive(await store(t), null, { encryptionKey: Buffer.alloc(32, 7) })
  cleanup(t, () => drive.close())
  await drive.ready()
  for (let i = 0; i < 50; i++) await drive.put(`/file-${i}`, 'x')
  t.ok(drive.core.encryption, 'its blocks are encrypted')
  const { version } = drive
  const expected = await readByHyperbee(drive, version, UNBOUNDED, false)
  t.equal(expected.length, 50)
  t.same(await readAll(treesOf(drive)(version), UNBOUNDED, false, 16), expected)

  const checkout = drive.checkout(version)
  await checkout.ready()
  await drive.put('/later', 'x')
  t.same(await readAll(treesOf(checkout)(version), UNBOUNDED, false, 16), expected)
  await checkout.close()
})

test('a drive that was truncated: DRIVE_FAILED, and never what was written instead', async (t) => {
  const drive = await hyperdrive(t)
  for (let i = 0; i < 50; i++) await drive.put(`/file-${i}`, 'x')
  const { version } = drive
  const tree = treesOf(drive)(version)
  const cursor = tree.range(UNBOUNDED, false)
  t.equal((await cursor.next(5)).length, 5)
  await drive.core.truncate(10)
  t.equal((await failureOf(cursor.next(50))).code, 'DRIVE_FAILED')
  for (let i = 0; i < 50; i++) await drive.put(`/other-${i}`, 'x')
  t.equal((await failureOf(cursor.next(50))).code, 'DRIVE_FAILED')
  const wanted = Buffer.concat([Buffer.from('files\0'), Buffer.from('/file-49')])
  t.equal((await failureOf(tree.get(wanted))).code, 'DRIVE_FAILED')
})

test('a drive that is closed: an error with a code', async (t) => {
  const drive = await hyperdrive(t)
  await drive.put('/a', 'x')
  const tree = treesOf(drive)(drive.version)
  await drive.close()
  t.equal((await failureOf(tree.range(UNBOUNDED, false).next(5))).code, 'SESSION_CLOSED')
})

test('a page of a damaged tree fails again when it is asked for again', async (t) => {
  const tree = await forged(t, [DAMAGED['keys out of order']!])
  const cursor = tree.range(UNBOUNDED, false)
  for (let i = 0; i < 2; i++) t.equal((await failureOf(cursor.next(3))).code, 'DECODING_ERROR')
})

/** A drive whose tree ends in blocks of anybody's making. */
async function forged(t: Test, blocks: readonly Buffer[]): Promise<StoredTree> {
  const drive = await hyperdrive(t)
  await drive.put('/a', 'x')
  for (const block of blocks) await drive.core.append(block)
  return treesOf(drive)(drive.version)
}

function block(key: string, levels: { keys: number[]; children: number[] }[]): Buffer {
  return Node.encode({ key: Buffer.from(key), value: Buffer.from('{}'), index: YoloIndex.encode({ levels }) })
}

const DAMAGED: Record<string, Buffer> = {
  'a block that is none': Buffer.from([0xff, 0xff, 0xff]),
  'a node that has itself as its child': block('b', [{ keys: [2], children: [2, 0, 2, 0] }]),
  'a node that is its only child': block('b', [{ keys: [], children: [2, 0] }]),
  'a child that is not there': block('b', [{ keys: [2], children: [2, 9, 2, 9] }]),
  'a key in a block that is not there': block('b', [{ keys: [999], children: [] }]),
  'a child in a block that is not there': block('b', [{ keys: [2], children: [1, 0, 999, 0] }]),
  'a block with a number that no storage has': block('b', [{ keys: [2 ** 60], children: [] }]),
  'a child too few': block('b', [{ keys: [2], children: [1, 0] }]),
  'keys out of order': block('b', [{ keys: [2, 1, 2], children: [] }])
}

for (const [name, bytes] of Object.entries(DAMAGED)) {
  test(`a damaged tree, ${name}: DECODING_ERROR`, async (t) => {
    const tree = await forged(t, [bytes])
    for (const reverse of [false, true]) {
      t.equal((await failureOf(readAll(tree, UNBOUNDED, reverse, 16))).code, 'DECODING_ERROR')
    }
    if (name === 'keys out of order') return
    t.equal((await failureOf(tree.get(Buffer.from('a')))).code, 'DECODING_ERROR')
  })
}

test('a drive with a damaged tree: reads of a set fail, and name it', async (t) => {
  const [own, forger] = [await hyperdrive(t), await hyperdrive(t)]
  await own.put('/a', 'x')
  await forger.put('/b', 'x')
  const { version } = forger
  const multi = await multidrive(t, [own, forger])
  t.same(await keys(multi), ['/a', '/b'])
  const before = multi.version
  await forger.core.append(block('c', [{ keys: [version], children: [version, 0, version, 0] }]))
  const reads: [string, () => Promise<unknown>][] = [
    ['DECODING_ERROR', () => keys(multi)],
    ['DECODING_ERROR', () => multi.entry('/b')],
    // What differs is told by Hyperbee.
    ['DRIVE_FAILED', () => collect(multi.diff(before, '/'))]
  ]
  for (const [code, read] of reads) {
    const err = await failureOf(read())
    t.equal(err.code, code)
    t.equal(err.drive, forger)
    t.ok(err.message.includes(forger.id))
  }
  await multi.removeDrive(forger)
  t.same(await keys(multi), ['/a'])
})
