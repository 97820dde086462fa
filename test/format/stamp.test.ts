import fc from 'fast-check'
import test from 'tape'
import type { Json } from '../../lib/drive.ts'
import { formatClock, parseClock } from '../../lib/format/clock.ts'
import { toJson } from '../../lib/format/json.ts'
import { parseDirectory, parseTombstone, formatTombstone, tombstoneKey } from '../../lib/format/records.ts'
import { formatMetadata, isTime, parseMetadata } from '../../lib/format/stamp.ts'
import { explicitTime } from '../../lib/overlay/stamp.ts'

const stamp = { mtime: 5, ctime: 7, clock: new Map([['b', 2]]), explicit: false }

test('formatMetadata(metadata, stamp) puts the stamp beside the members of the caller', (t) => {
  t.same(formatMetadata({ title: 'x' }, stamp), {
    title: 'x',
    mtime: 5,
    multidrive: { v: 1, ctime: 7, stamped: true, clock: { b: 2 } }
  })
  t.same(formatMetadata(null, { ...stamp, clock: new Map() }), {
    mtime: 5,
    multidrive: { v: 1, ctime: 7, stamped: true }
  })
  t.end()
})

test('formatMetadata(metadata, stamp) keeps whole what cannot lie beside a stamp', (t) => {
  for (const metadata of [
    'text',
    1,
    true,
    [],
    {},
    { multidrive: 1 },
    { mtime: 'yesterday' },
    { mtime: 4 }
  ] as Json[]) {
    const stored = formatMetadata(metadata, stamp)
    t.same(Object.keys(stored), ['mtime', 'multidrive'], JSON.stringify(metadata))
    t.same(stored.multidrive && (stored.multidrive as { metadata: Json }).metadata, metadata)
  }
  t.end()
})

test('parseMetadata(raw) gives back what the caller gave, whatever it was', (t) => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.boolean(), fc.nat(), (value, dated, time) => {
      const given = toJson(
        dated && typeof value === 'object' && value ? { ...(value as object), mtime: time } : value,
        'put',
        '/x'
      )
      const explicit = explicitTime(given)
      const written = { ...stamp, mtime: explicit ?? 5, explicit: explicit !== null }
      const raw: unknown = JSON.parse(JSON.stringify(formatMetadata(given, written)))
      const parsed = parseMetadata(raw)
      t.same(parsed.metadata, JSON.parse(JSON.stringify(given)))
      return parsed.stamp.stamped && parsed.stamp.mtime === written.mtime && parsed.stamp.clock.get('b') === 2
    }),
    { numRuns: 200, seed: 1 }
  )
  t.end()
})

test('parseMetadata(raw) of a plain writer has no stamp', (t) => {
  t.same(parseMetadata(null).metadata, null)
  t.same(parseMetadata({ mtime: 3, a: 1 }).metadata, { mtime: 3, a: 1 })
  t.is(parseMetadata({ mtime: 3 }).stamp.mtime, 3)
  t.is(parseMetadata({ mtime: 3 }).stamp.stamped, false)
  for (const mtime of ['3', -1, null, 8.64e15 + 1, [], {}, true])
    t.is(parseMetadata({ mtime }).stamp.mtime, null)
  t.end()
})

test('parseMetadata(raw) takes a malformed reserved member for none, and tells of a newer one', (t) => {
  for (const multidrive of [null, 1, 'x', [], {}, { v: '1' }, { v: 0 }, { v: 2 }]) {
    const parsed = parseMetadata({ mtime: 3, title: 'x', multidrive })
    t.is(parsed.stamp.stamped, false, JSON.stringify(multidrive))
    t.same(parsed.metadata, { mtime: 3, title: 'x' })
    t.is(parsed.newer, (multidrive as { v?: unknown } | null)?.v === 2 ? 2 : null)
  }
  t.end()
})

test('parseClock(value) believes a clock whole or not at all', (t) => {
  t.same(
    [...parseClock({ a: 1, b: 0 })],
    [
      ['a', 1],
      ['b', 0]
    ]
  )
  for (const value of [null, [], 'x', { a: -1 }, { a: 1.5 }, { a: '1' }, { a: 1, b: null }, { a: 2 ** 53 }]) {
    t.is(parseClock(value).size, 0, JSON.stringify(value))
  }
  t.same(
    Object.keys(
      formatClock(
        new Map([
          ['b', 1],
          ['a', 2]
        ])
      )
    ),
    ['a', 'b']
  )
  t.end()
})

test('isTime(value) is a finite number from 0 to 8.64e15', (t) => {
  for (const time of [0, 1.5, 8.64e15]) t.ok(isTime(time), String(time))
  for (const no of [-1, NaN, Infinity, -Infinity, 8.64e15 + 1, '1', null, undefined])
    t.notOk(isTime(no), String(no))
  t.end()
})

test('parseTombstone(key, value) tells the path from the tree by the slash', (t) => {
  const record = { path: '/a', mtime: 1, ctime: 2, clock: new Map([['x', 3]]) }
  for (const tree of [false, true]) {
    const key = tombstoneKey({ path: '/a', tree })
    t.is(key, tree ? '/a/' : '/a')
    t.same(parseTombstone(key, formatTombstone({ ...record, tree })), {
      record: { ...record, tree },
      newer: null
    })
  }
  t.end()
})

test('parseTombstone and parseDirectory take what is malformed for nothing', (t) => {
  const good = { v: 1, mtime: 1, ctime: 1, clock: {} }
  for (const parse of [parseTombstone, parseDirectory]) {
    for (const path of ['', 'a', '/', '/a//b', '/../a', '/a/./b', '/a\0', '/a\\b']) {
      t.same(parse(path, good), { record: null, newer: null }, JSON.stringify(path))
    }
    for (const value of [
      null,
      1,
      'x',
      [],
      {},
      { ...good, v: '1' },
      { ...good, mtime: 'x' },
      { ...good, mtime: -1 }
    ]) {
      t.same(parse('/a', value), { record: null, newer: null }, JSON.stringify(value))
    }
    t.same(parse('/a', { ...good, v: 2 }), { record: null, newer: 2 })
    t.is(parse('/a', { ...good, clock: [1] }).record?.clock.size, 0)
  }
  t.end()
})

test('toJson(value) refuses what a drive could not give back', (t) => {
  const ring: { self?: unknown } = {}
  ring.self = ring
  const bad = [
    1n,
    ring,
    () => 1,
    Symbol('x'),
    NaN,
    Infinity,
    new Map(),
    new Set(),
    new Uint8Array(2),
    { deep: [NaN] }
  ]
  for (const value of bad) {
    t.throws(() => toJson(value, 'put', '/x'), { code: 'EINVAL', syscall: 'put', path: '/x' })
  }
  const shared = { a: 1 }
  t.same(toJson({ x: shared, y: shared, gone: undefined }, 'put', '/x'), { x: { a: 1 }, y: { a: 1 } })
  t.is(toJson(new Date(0), 'put', '/x'), '1970-01-01T00:00:00.000Z')
  t.is(toJson(undefined, 'put', '/x'), null)
  t.end()
})
