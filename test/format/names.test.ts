import fc from 'fast-check'
import test from 'tape'
import { encode } from 'hypercore-id-encoding'
import { formatMount, formatTag, parseMount, parseTag } from '../../lib/format/records.ts'
import { formatVersion, isVersion, parseVersion } from '../../lib/format/version.ts'

const id = encode(Buffer.alloc(32, 7))
const dates = { mtime: 1, ctime: 2, clock: new Map([['x', 3]]) }
const good = { v: 1, mtime: 1, ctime: 2, clock: { x: 3 }, id }

test('parseMount gives back what formatMount was given', (t) => {
  const hash = 'a'.repeat(64)
  for (const mount of [
    null,
    { id, version: null, hash: null },
    { id, version: 1, hash: null },
    { id, version: 9, hash }
  ]) {
    const record = { path: '/a', ...dates, mount }
    t.same(parseMount('/a', JSON.parse(JSON.stringify(formatMount(record)))), { record, newer: null })
  }
  t.same(formatMount({ path: '/a', ...dates, mount: null }), { ...good, id: null })
  t.end()
})

test('parseMount takes what is malformed for nothing', (t) => {
  for (const path of ['', 'a', '/', '/a/', '/a//b', '/../a', '/a/..', '/a/./b', '/a\0', '/a\\b'])
    t.same(parseMount(path, good), { record: null, newer: null }, JSON.stringify(path))
  for (const value of [
    null,
    [],
    'x',
    { ...good, v: '1' },
    { ...good, mtime: 'x' },
    { ...good, id: undefined },
    { ...good, id: 7 },
    { ...good, id: '' },
    { ...good, id: id.toUpperCase() },
    { ...good, id: id.slice(1) },
    { ...good, id: id + 'y' },
    { ...good, id: id.slice(0, -1) + 'b' },
    { ...good, id: Buffer.alloc(32, 7).toString('hex') },
    { ...good, id: [id] },
    { ...good, version: 0 },
    { ...good, version: -1 },
    { ...good, version: 1.5 },
    { ...good, version: '1' },
    { ...good, version: 2 ** 53 },
    { ...good, version: 1, hash: 'a' },
    { ...good, version: 1, hash: 'A'.repeat(64) },
    { ...good, version: 1, hash: [] },
    { ...good, hash: 'a'.repeat(64) }
  ]) {
    t.same(parseMount('/a', value), { record: null, newer: null }, JSON.stringify(value))
  }
  t.same(parseMount('/a', { ...good, v: 2 }), { record: null, newer: 2 })
  t.is(parseMount('/a', { ...good, clock: [1] }).record?.clock.size, 0)
  t.same(parseMount('/a', { ...good, more: true }).record?.mount, { id, version: null, hash: null })
  t.end()
})

test('parseTag gives back what formatTag was given, and takes what is malformed for nothing', (t) => {
  for (const name of ['a', '/', '..', 'a b/ü', '__proto__', '\ud83d\ude00']) {
    for (const version of [null, '', `${id}:1`, `~${id}:7.2,~${id}@3:3`]) {
      const record = { name, ...dates, version }
      t.same(parseTag(name, JSON.parse(JSON.stringify(formatTag(record)))), { record, newer: null })
    }
  }
  const tag = { v: 1, mtime: 1, ctime: 2, clock: {}, version: `${id}:1` }
  t.is(parseTag('', tag).record, null)
  for (const version of [undefined, 7, [], 'x', id, [`${id}:1`]])
    t.is(parseTag('a', { ...tag, version }).record, null, JSON.stringify(version))
  t.is(parseTag('a', { ...tag, mtime: -1 }).record, null)
  t.same(parseTag('a', { ...tag, v: 3 }), { record: null, newer: 3 })
  t.end()
})

test('parseVersion takes what formatVersion makes, and nothing else', (t) => {
  const one = fc.record({
    id: fc
      .tuple(fc.constantFrom('', '~'), fc.nat(5), fc.constantFrom('', '@1', '@20'))
      .map(([mounted, byte, at]) => mounted + encode(Buffer.alloc(32, byte)) + at),
    version: fc.oneof(fc.nat(30), fc.constant(Number.MAX_SAFE_INTEGER)),
    fork: fc.nat(2)
  })
  const versions = fc.uniqueArray(one, { selector: ({ id }) => id })
  fc.assert(
    fc.property(versions, (all) => {
      const text = formatVersion(all)
      const parsed = [...parseVersion(text, 'test').values()]
      t.same(
        parsed,
        [...all].map((version) => ({ ...version })).sort((a, b) => (`${a.id}:` < `${b.id}:` ? -1 : 1))
      )
      return formatVersion([...all].reverse()) === text
    }),
    { numRuns: 100, seed: 1 }
  )
  const twice = [
    { id, version: 3, fork: 1 },
    { id, version: 5, fork: 1 },
    { id, version: 9, fork: 0 }
  ]
  t.is(formatVersion(twice), `${id}:5.1`, 'a drive that is there twice')
  const low = encode(Buffer.alloc(32, 1))
  const [first, second] = [id, low].sort() as [string, string]
  t.ok(isVersion(`${first}:1,${second}:2`))
  for (const text of [
    `${second}:2,${first}:1`,
    `${id}:1,${id}:1`,
    `${id}:1,${id}:2`,
    `${id}:01`,
    `${id}:1.0`,
    `${id}:1.01`,
    `${id}:-1`,
    `${id}:1e3`,
    `${id}:9007199254740992`,
    `${id}@:1`,
    `${id}@01:1`,
    `~~${id}:1`,
    `${id.slice(0, -1)}b:1`,
    `${id}:1,`,
    `,${id}:1`,
    ` ${id}:1`,
    `${id}:1\n`,
    ',',
    null,
    undefined,
    7,
    [],
    [`${id}:1`]
  ]) {
    t.notOk(isVersion(text), JSON.stringify(text))
    t.throws(() => parseVersion(text, 'checkout'), { code: 'EINVAL', syscall: 'checkout' })
  }
  t.end()
})
