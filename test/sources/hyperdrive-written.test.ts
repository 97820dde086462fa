import fc from 'fast-check'
import test from 'tape'
import type { Written } from '../../lib/sources/source.ts'
import { WrittenSteps } from '../../lib/sources/hyperdrive/written.ts'

/** So many keys are remembered, a step counting as one too. */
const MAX_KEYS = 8192

function of(keys: readonly string[]): Written {
  return { keys, tombstones: [], directories: [] }
}

test('between(from, to): every key of the steps from one version to the other', (t) => {
  const written = new WrittenSteps()
  written.add({ from: 2, to: 3, written: of(['/a']) })
  written.add({ from: 3, to: 7, written: of(['/b', '/c']) })
  written.add({ from: 7, to: 8, written: of([]) })
  written.add({ from: 8, to: 9, written: of(['/d']) })
  t.same(written.between(2, 9)?.keys, ['/a', '/b', '/c', '/d'])
  t.same(written.between(3, 8)?.keys, ['/b', '/c'])
  t.same(written.between(7, 8)?.keys, [])
  t.same(written.between(8, 9)?.keys, ['/d'])
  t.same(written.between(4, 5)?.keys, ['/b', '/c'], 'all of a step, from and to the middle of it')
  t.same(written.between(2, 4)?.keys, ['/a', '/b', '/c'])
  t.same(written.between(5, 9)?.keys, ['/b', '/c', '/d'])
  t.end()
})

test('between(from, to): null where not all of it is remembered', (t) => {
  const written = new WrittenSteps()
  t.equal(written.between(1, 2), null, 'nothing is')
  written.add({ from: 5, to: 6, written: of(['/a']) })
  t.equal(written.between(4, 6), null)
  t.equal(written.between(5, 7), null)
  t.equal(written.between(1, 2), null)
  t.equal(written.between(6, 7), null)
  t.same(written.between(5, 6)?.keys, ['/a'])
  written.clear()
  t.equal(written.between(5, 6), null, 'nothing is any more')
  t.end()
})

test('between(from, to): nothing where no version lies between', (t) => {
  const written = new WrittenSteps()
  t.same(written.between(3, 3)?.keys, [])
  written.add({ from: 5, to: 6, written: of(['/a']) })
  t.same(written.between(6, 6)?.keys, [])
  t.same(written.between(6, 5)?.keys, [], 'what was seen is newer')
  t.end()
})

test('a step that does not begin where the last one ended begins anew', (t) => {
  const written = new WrittenSteps()
  written.add({ from: 2, to: 3, written: of(['/a']) })
  written.add({ from: 4, to: 5, written: of(['/b']) })
  t.equal(written.between(2, 5), null)
  t.equal(written.between(2, 3), null)
  t.same(written.between(4, 5)?.keys, ['/b'])
  t.end()
})

test('between(from, to): the names of records too, which take room as keys do', (t) => {
  const written = new WrittenSteps()
  written.add({ from: 2, to: 3, written: { keys: ['/a'], tombstones: ['/b/'], directories: [] } })
  written.add({ from: 3, to: 4, written: { keys: [], tombstones: ['/c'], directories: ['/d'] } })
  t.same(written.between(2, 4), { keys: ['/a'], tombstones: ['/b/', '/c'], directories: ['/d'] })
  const names = Array.from({ length: MAX_KEYS / 2 - 1 }, (_, i) => `/${i}`)
  written.add({ from: 4, to: 5, written: { keys: [], tombstones: names, directories: names } })
  t.equal(written.between(2, 4), null)
  t.same(written.between(3, 4), null)
  t.same(written.between(4, 5), { keys: [], tombstones: names, directories: names })
  t.end()
})

test('the oldest steps are forgotten, and no more than has to be', (t) => {
  const written = new WrittenSteps()
  const keys = Array.from({ length: 1023 }, (_, i) => `/${i}`)
  for (let i = 1; i <= 20; i++) written.add({ from: i, to: i + 1, written: of(keys) })
  t.equal(written.between(12, 21), null)
  t.equal(written.between(13, 21)?.keys.length, 8 * 1023)
  const none = new WrittenSteps()
  for (let i = 1; i <= MAX_KEYS + 10; i++) none.add({ from: i, to: i + 1, written: of([]) })
  t.equal(none.between(10, 20), null, 'steps without keys too')
  t.same(none.between(11, MAX_KEYS + 11)?.keys, [])
  none.add({
    from: MAX_KEYS + 11,
    to: MAX_KEYS + 12,
    written: of(Array.from({ length: MAX_KEYS + 1 }, () => '/a'))
  })
  t.equal(none.between(MAX_KEYS + 11, MAX_KEYS + 12), null, 'and a step of more than is remembered')
  none.add({ from: MAX_KEYS + 12, to: MAX_KEYS + 13, written: of(['/b']) })
  t.same(none.between(MAX_KEYS + 12, MAX_KEYS + 13)?.keys, ['/b'])
  t.end()
})

test('what it tells is all that was written, or it tells nothing', (t) => {
  const step = fc.record({ blocks: fc.integer({ min: 1, max: 3 }), keys: fc.nat(3000), gap: fc.nat(20) })
  const holds = fc.property(fc.array(step, { maxLength: 20 }), fc.nat(60), fc.nat(60), (steps, a, b) => {
    const written = new WrittenSteps()
    const at = new Map<number, string[]>()
    let version = 1
    for (const { blocks, keys, gap } of steps) {
      // What happens in a gap, nobody tells.
      if (gap === 0) at.set(version++, ['/lost'])
      const [from, to] = [version, version + blocks]
      const names = Array.from({ length: keys }, (_, i) => `/${from}/${i}`)
      for (; version < to; version++) at.set(version, names.slice(0, version === from ? undefined : 0))
      written.add({ from, to, written: of(names) })
    }
    const told = written.between(a, b)
    if (told === null) return true
    const all = new Set(told.keys)
    for (let v = a; v < b; v++) if (!(at.get(v) ?? ['/unknown']).every((key) => all.has(key))) return false
    return told.keys.length <= MAX_KEYS
  })
  fc.assert(holds, { numRuns: 300 })
  t.pass('300 times')
  t.end()
})
