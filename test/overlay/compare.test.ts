import test from 'tape'
import { byMtime, byOrder, type Dated } from '../../index.ts'
import { newest } from '../../lib/overlay/compare.ts'

const NO_TIMES: [string, unknown][] = [
  ['a text', '2024-01-01'],
  ['a digit text', '1700000000000'],
  ['negative', -1],
  ['NaN', NaN],
  ['infinite', Infinity],
  ['minus infinite', -Infinity],
  ['after the last date', 8.64e15 + 2],
  ['an object', {}],
  ['a list', [1]],
  ['true', true],
  ['absent', undefined],
  ['null', null],
  ['an invalid Date', new Date(NaN)]
]

test('byMtime(a, b) is negative when a is newer, positive when b is', (t) => {
  t.ok(byMtime({ mtime: 2 }, { mtime: 1 }) < 0)
  t.ok(byMtime({ mtime: 1 }, { mtime: 2 }) > 0)
  t.equal(byMtime({ mtime: 1 }, { mtime: 1 }), 0)
  t.ok(byMtime({ mtime: 1.5 }, { mtime: 1.25 }) < 0, 'parts of a millisecond count')
  t.end()
})

test('byMtime(a, b) looks at the ctime only when the mtimes are the same', (t) => {
  t.ok(byMtime({ mtime: 1, ctime: 2 }, { mtime: 1, ctime: 1 }) < 0)
  t.ok(byMtime({ mtime: 1, ctime: 1 }, { mtime: 1, ctime: 2 }) > 0)
  t.ok(byMtime({ mtime: 2, ctime: 1 }, { mtime: 1, ctime: 2 }) < 0)
  t.ok(byMtime({ mtime: 1, ctime: 1 }, { mtime: 1 }) < 0, 'a ctime is newer than none')
  t.ok(byMtime({ mtime: 1, ctime: null }, { mtime: 1, ctime: 1 }) > 0)
  t.equal(byMtime({ mtime: 1 }, { mtime: 1, ctime: null }), 0)
  t.end()
})

test('byMtime(a, b) takes the Dates of fs.Stats', (t) => {
  t.ok(byMtime({ mtime: new Date(2) }, { mtime: new Date(1) }) < 0)
  t.ok(byMtime({ mtime: new Date(1) }, { mtime: 2 }) > 0)
  t.equal(byMtime({ mtime: new Date(1), ctime: new Date(3) }, { mtime: 1, ctime: 3 }), 0)
  t.end()
})

test('byMtime(a, b): what is no time is older than any time, and all that is no time is equal', (t) => {
  for (const [name, value] of NO_TIMES) {
    const none = { mtime: value } as Dated
    t.ok(byMtime(none, { mtime: 0 }) > 0, `${name} is older than the epoch`)
    t.ok(byMtime({ mtime: 0 }, none) < 0, `the epoch is newer than ${name}`)
    t.equal(byMtime(none, { mtime: null }), 0, `${name} is no time`)
    t.ok(byMtime({ mtime: 1, ctime: value } as Dated, { mtime: 1, ctime: 0 }) > 0, `nor as a ctime: ${name}`)
  }
  t.end()
})

test('byMtime(a, b) believes every date up to the last one of JavaScript', (t) => {
  t.ok(byMtime({ mtime: 8.64e15 }, { mtime: 8.64e15 - 1 }) < 0)
  t.ok(byMtime({ mtime: 0 }, { mtime: null }) < 0, 'the epoch is a time')
  t.ok(byMtime({ mtime: -0 }, { mtime: null }) < 0)
  t.equal(byMtime({ mtime: -0 }, { mtime: 0 }), 0)
  t.end()
})

test('byMtime(a, b) orders: reversed it changes its sign, and it never says both', (t) => {
  const values = [...NO_TIMES.map(([, value]) => value), 0, 1, 1.5, 8.64e15, new Date(1)]
  const dated = values.flatMap((mtime) => values.map((ctime) => ({ mtime, ctime }) as Dated))
  const wrong = dated.filter((a) => dated.some((b) => byMtime(a, b) + byMtime(b, a) !== 0))
  t.same(wrong, [])
  const sorted = [...dated].sort(byMtime)
  const unsorted = sorted.filter((a, i) => sorted.slice(i).some((b) => byMtime(a, b) > 0))
  t.same(unsorted, [], 'it is transitive')
  t.end()
})

test('byOrder(a, b) finds all the same', (t) => {
  const stat = (mtime: number) => ({ mtime }) as unknown as Parameters<typeof byOrder>[0]
  t.equal(byOrder(stat(1), stat(2)), 0)
  t.equal(byOrder(stat(2), stat(1)), 0)
  t.end()
})

test('newest(a, b) of two dates or none', (t) => {
  t.ok(newest(2, 1) < 0)
  t.ok(newest(1, 2) > 0)
  t.ok(newest(1, null) < 0)
  t.ok(newest(null, 1) > 0)
  t.equal(newest(null, null), 0)
  t.equal(newest(1, 1), 0)
  t.end()
})
