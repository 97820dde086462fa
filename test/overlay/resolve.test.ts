import fc from 'fast-check'
import test from 'tape'
import { NO_CLOCK } from '../../lib/format/clock.ts'
import { isTime, parseMetadata, type Stamp } from '../../lib/format/stamp.ts'
import {
  believed,
  concurrent,
  older,
  resolve,
  saw,
  supersedes,
  type Rules
} from '../../lib/overlay/resolve.ts'
import type { Leaf, Tombstone, Version } from '../../lib/sources/source.ts'

const RULES: Rules = { horizon: Infinity }
/** Resolving looks at the version alone, never at where it lies. */
const leaf = Object.freeze({}) as Leaf

interface Told {
  mtime?: number | null
  ctime?: number | null
  /** What its author had seen, by drive. */
  saw?: Record<string, number>
  stamped?: boolean
}

/** `at` is a drive and a place in it: `b7`. */
function version(at: string, told: Told = {}): Version {
  const stamp: Stamp = {
    mtime: told.mtime ?? null,
    ctime: told.ctime ?? null,
    clock: told.saw ? new Map(Object.entries(told.saw)) : NO_CLOCK,
    stamped: told.stamped ?? true,
    mode: null,
    size: null
  }
  return { origin: { id: at.slice(0, 1), seq: Number(at.slice(1)) }, stamp, leaf }
}

function tombstone(at: string, told: Told & { mtime: number }): Tombstone {
  const { origin, stamp } = version(at, told)
  const record = { path: '/x', tree: false, mtime: told.mtime, ctime: stamp.ctime, clock: stamp.clock }
  return { origin, stamp, leaf, record }
}

const name = (found: Version | null) => found && `${found.origin.id}${found.origin.seq}`
const winner = (versions: Version[], tombstones: Tombstone[] = [], rules = RULES) =>
  name(resolve(versions, tombstones, rules))

/** The winner in both orders of adding. */
const either = (a: Version, b: Version, tombstones: Tombstone[] = [], rules = RULES) => [
  winner([a, b], tombstones, rules),
  winner([b, a], tombstones, rules)
]

test('resolve([], …) is null, resolve([one], []) is that one', (t) => {
  t.equal(winner([]), null)
  t.equal(winner([], [tombstone('a1', { mtime: 1 })]), null)
  t.equal(winner([version('a1')]), 'a1', 'without any date')
  t.equal(winner([version('a1', { saw: { a: 9 } })]), 'a1', 'even when it claims to have seen itself')
  t.end()
})

test('saw(a, b): the clock of a has the drive of b at its seq or later', (t) => {
  const b = version('b7')
  t.equal(saw(version('a1', { saw: { b: 7 } }), b), true)
  t.equal(saw(version('a1', { saw: { b: 8 } }), b), true)
  t.equal(saw(version('a1', { saw: { b: 6 } }), b), false)
  t.equal(saw(version('a1', { saw: { c: 9 } }), b), false)
  t.equal(saw(version('a1'), b), false)
  t.equal(saw(version('a1', { saw: { b: 0 } }), version('b0')), true, 'the first place of a drive too')
  t.end()
})

test('saw(a, b) of one drive follows from the places, whatever the clocks say', (t) => {
  t.equal(saw(version('a2'), version('a1')), true)
  t.equal(saw(version('a1', { saw: { a: 9 } }), version('a2')), false)
  t.equal(saw(version('a1', { saw: { a: 9 } }), version('a1')), false)
  t.end()
})

test('supersedes(a, b) when a saw b and b not a', (t) => {
  t.equal(supersedes(version('a1', { saw: { b: 7 } }), version('b7')), true)
  t.equal(supersedes(version('b7'), version('a1', { saw: { b: 7 } })), false)
  t.equal(supersedes(version('a1'), version('b7')), false)
  t.equal(supersedes(version('a1', { saw: { b: 7 } }), version('b7', { saw: { a: 1 } })), false)
  t.end()
})

test('a superseded version drops out, whatever the dates say', (t) => {
  const old = version('b7', { mtime: 1000 })
  t.same(either(version('a1', { mtime: 1, saw: { b: 7 } }), old), ['a1', 'a1'])
  t.same(either(version('a1', { mtime: null, saw: { b: 7 } }), old), ['a1', 'a1'])
  t.same(either(version('a1', { mtime: 1, saw: { b: 6 } }), old), ['b7', 'b7'], 'a newer one was not seen')
  t.end()
})

test('a version that is itself superseded still supersedes what its author had seen', (t) => {
  const c = version('c3', { mtime: 1000 })
  const b = version('b2', { mtime: 500, saw: { c: 3 } })
  const a = version('a1', { mtime: 1, saw: { b: 2 } })
  t.equal(winner([a, b, c]), 'a1')
  t.equal(winner([c, b, a]), 'a1')
  t.end()
})

test('two that each claim to have seen the other are concurrent: the dates decide', (t) => {
  const a = version('a1', { mtime: 1, saw: { b: 7 } })
  const b = version('b7', { mtime: 2, saw: { a: 1 } })
  t.same(either(a, b), ['b7', 'b7'])
  t.equal(concurrent([a, b]).size, 2)
  t.end()
})

test('a ring of forged clocks leaves all of the ring', (t) => {
  const a = version('a1', { mtime: 1, saw: { b: 9 } })
  const b = version('b1', { mtime: 3, saw: { c: 9 } })
  const c = version('c1', { mtime: 2, saw: { a: 9 } })
  t.equal(concurrent([a, b, c]).size, 3)
  t.equal(winner([a, b, c]), 'b1')
  t.equal(winner([c, b, a]), 'b1')
  const outside = version('d1', { mtime: 0 })
  t.equal(winner([a, b, c, outside]), 'd1', 'but not beside one that nobody claims to have seen')
  t.end()
})

test('a ring that a tombstone is part of hides nothing by itself', (t) => {
  const a = version('a1', { mtime: 5, saw: { b: 9 } })
  const b = version('b1', { mtime: 3, saw: { c: 9 } })
  t.equal(winner([a, b], [tombstone('c1', { mtime: 4, saw: { a: 9 } })]), 'a1', 'the dates decide')
  t.equal(winner([a, b], [tombstone('c1', { mtime: 6, saw: { a: 9 } })]), null)
  t.end()
})

test('concurrent(versions) leaves what no other one supersedes', (t) => {
  const a = version('a1', { saw: { b: 7 } })
  const [b, c] = [version('b7'), version('c1')]
  t.same([...concurrent([a, b, c])].map(name), ['a1', 'c1'])
  t.same([...concurrent([])], [])
  t.end()
})

test('of concurrent versions the later mtime wins, then the later ctime', (t) => {
  t.same(either(version('a1', { mtime: 2 }), version('b1', { mtime: 1 })), ['a1', 'a1'])
  t.same(either(version('a1', { mtime: 1, ctime: 3 }), version('b1', { mtime: 1, ctime: 2 })), ['a1', 'a1'])
  t.same(either(version('a1', { mtime: 2, ctime: 1 }), version('b1', { mtime: 1, ctime: 9 })), ['a1', 'a1'])
  t.same(either(version('a1', { mtime: 1, ctime: 1 }), version('b1', { mtime: 1 })), ['a1', 'a1'])
  t.end()
})

test('a tie of two stamped versions: the greater drive id wins in every order', (t) => {
  const times = { mtime: 1, ctime: 1 }
  t.same(either(version('a9', times), version('b1', times)), ['b1', 'b1'])
  t.same(either(version('a9'), version('b1')), ['b1', 'b1'], 'without any date too')
  t.end()
})

test('any other tie: the one that was added first wins', (t) => {
  const loose = { mtime: 1, stamped: false }
  t.same(either(version('a1', loose), version('b1', loose)), ['a1', 'b1'])
  t.same(either(version('a1', loose), version('b1', { mtime: 1 })), ['a1', 'b1'], 'one of them is stamped')
  const dateless = { stamped: false }
  t.same(either(version('a1', dateless), version('b1', dateless)), ['a1', 'b1'])
  t.end()
})

test('a version without a valid mtime is older than any with one', (t) => {
  t.same(either(version('b1', { mtime: null, ctime: 9 }), version('a1', { mtime: 0 })), ['a1', 'a1'])
  for (const mtime of ['2024-01-01', '5', -1, NaN, Infinity, -Infinity, 8.64e15 + 2, null, {}, [], true]) {
    const { stamp } = parseMetadata({ mtime, multidrive: { v: 1, ctime: 9, stamped: true } })
    const invalid = { ...version('b1'), stamp }
    t.same(either(invalid, version('a1', { mtime: 0 })), ['a1', 'a1'], `mtime ${JSON.stringify(mtime)}`)
  }
  for (const mtime of [0, 0.5, 8.64e15]) t.equal(isTime(mtime), true)
  const { stamp } = parseMetadata({ mtime: 8.64e15 })
  t.same(either({ ...version('b1'), stamp }, version('a1', { mtime: 8.64e15 - 1 })), ['b1', 'b1'])
  t.end()
})

test('a tombstone supersedes what its author had seen, whatever the dates say', (t) => {
  const file = version('b7', { mtime: 1000 })
  t.equal(winner([file], [tombstone('a1', { mtime: 1, saw: { b: 7 } })]), null)
  t.equal(winner([file], [tombstone('a1', { mtime: 1, saw: { b: 6 } })]), 'b7', 'a newer one was not seen')
  t.end()
})

test('a version supersedes the tombstone that its author had seen', (t) => {
  t.equal(winner([version('b7', { mtime: 1, saw: { a: 1 } })], [tombstone('a1', { mtime: 1000 })]), 'b7')
  t.equal(winner([version('a2', { mtime: 1 })], [tombstone('a1', { mtime: 1000 })]), 'a2', 'in one drive')
  t.equal(winner([version('a1', { mtime: 1000 })], [tombstone('a2', { mtime: 1 })]), null, 'and the reverse')
  t.end()
})

test('a tombstone that is superseded hides nothing by its date, but still what its author had seen', (t) => {
  const buried = tombstone('a2', { mtime: 500, saw: { b: 7 } })
  const after = version('a3', { mtime: 1 })
  t.equal(winner([after, version('b7', { mtime: 1000 })], [buried]), 'a3')
  t.equal(winner([version('c1', { mtime: 100 }), after], [buried]), 'c1')
  t.end()
})

test('a concurrent tombstone is compared by date with the winner', (t) => {
  const file = version('b7', { mtime: 5 })
  t.equal(winner([file], [tombstone('a1', { mtime: 6 })]), null)
  t.equal(winner([file], [tombstone('a1', { mtime: 4 })]), 'b7')
  t.equal(winner([version('b7', { mtime: null })], [tombstone('a1', { mtime: 0 })]), null, 'no date is older')
  t.same(either(file, version('c1', { mtime: 7 }), [tombstone('a1', { mtime: 6 })]), ['c1', 'c1'])
  t.end()
})

test('a tie of a tombstone and a file: the file stays', (t) => {
  const buried = tombstone('z1', { mtime: 5, ctime: 9 })
  t.equal(winner([version('a7', { mtime: 5, ctime: 1 })], [buried]), 'a7')
  t.equal(winner([version('a7', { mtime: 5, stamped: false })], [buried]), 'a7')
  t.end()
})

test('any of several tombstones is enough', (t) => {
  const file = version('b7', { mtime: 5 })
  const [older, newer] = [tombstone('a1', { mtime: 4 }), tombstone('c1', { mtime: 6 })]
  t.equal(winner([file], [older, newer]), null)
  t.equal(winner([file], [newer, older]), null)
  t.end()
})

test('resolve(…, compare): the comparator decides alone, over all versions', (t) => {
  const old = version('b7', { mtime: 1000 })
  const seen = version('a1', { mtime: 1, saw: { b: 7 } })
  const oldest = (a: Version, b: Version) => a.stamp.mtime! - b.stamp.mtime!
  t.equal(name(resolve([old, seen], [], RULES, oldest)), 'a1')
  t.equal(name(resolve([old, seen], [], RULES, (a, b) => -oldest(a, b))), 'b7', 'superseded ones too')
  t.equal(name(resolve([old, seen], [], RULES, () => 0)), 'b7', 'at 0 the first added wins')
  t.equal(name(resolve([seen, old], [], RULES, () => 0)), 'a1', 'also of two stamped ones')
  t.end()
})

test('resolve(…, compare) gives each pair once, the earlier added first', (t) => {
  const calls: string[] = []
  const compare = (a: Version, b: Version) => {
    calls.push(`${name(a)} ${name(b)}`)
    return b.origin.id === 'b' ? 1 : -1
  }
  resolve([version('a1'), version('b1'), version('c1')], [], RULES, compare)
  t.same(calls, ['a1 b1', 'b1 c1'])
  t.end()
})

test('resolve(…, compare) after tombstones: what one covers is not there', (t) => {
  const [covered, free] = [version('b7', { mtime: 5 }), version('c1', { mtime: 1 })]
  const seen = tombstone('a1', { mtime: 0, saw: { b: 7 } })
  t.equal(name(resolve([covered, free], [seen], RULES, () => 0)), 'c1')
  t.equal(name(resolve([covered], [seen], RULES, () => 0)), null)
  const later = tombstone('a1', { mtime: 5 })
  t.equal(name(resolve([free, covered], [later], RULES, () => 0)), 'b7', 'on a tie the file stays')
  t.end()
})

test('maxClockSkew: an mtime beyond the horizon is none', (t) => {
  const rules = { horizon: 100 }
  const ahead = version('b1', { mtime: 101 })
  t.equal(believed(ahead, rules), null)
  t.equal(believed(version('b1', { mtime: 100 }), rules), 100)
  t.same(either(ahead, version('a1', { mtime: 1 }), [], rules), ['a1', 'a1'])
  t.same(either(version('b1', { mtime: 100 }), version('a1', { mtime: 1 }), [], rules), ['b1', 'b1'])
  t.equal(winner([ahead], [], rules), 'b1', 'alone it is still there')
  t.equal(winner([version('b1', { mtime: 1 })], [tombstone('a1', { mtime: 101 })], rules), 'b1', 'nor buries')
  t.equal(winner([ahead], [tombstone('a1', { mtime: 1 })], rules), null)
  t.equal(winner([ahead], [tombstone('a1', { mtime: 102 })], rules), 'b1', 'neither is believed: a tie')
  t.equal(winner([ahead], [tombstone('a1', { mtime: 102, saw: { b: 1 } })], rules), null, 'clocks count')
  t.end()
})

test('older(winner, …): what nothing supersedes, the newest first, then what something does', (t) => {
  const others = (all: Version[], tombstones: Tombstone[] = [], rules = RULES) =>
    older(resolve(all, [], rules)!, all, tombstones, rules).map(name)
  const dated = ['a1', 'b1', 'c1'].map((at, i) => version(at, { mtime: i }))
  t.same(others(dated), ['b1', 'a1'])
  t.same(others(dated.toReversed()), ['b1', 'a1'])
  t.same(others([dated[0]!]), [], 'no other')

  const seen = version('b1', { mtime: 8 })
  const unseen = version('c1', { mtime: 2 })
  const newest = version('a1', { mtime: 9, saw: { b: 1 } })
  t.same(others([seen, unseen, newest]), ['c1', 'b1'], 'what was seen comes last')

  const chain = [
    version('a1', { mtime: 7, saw: { b: 1, c: 1 } }),
    version('b1', { mtime: 1, saw: { c: 1 } }),
    version('c1', { mtime: 5 })
  ]
  t.same(others(chain), ['b1', 'c1'], 'of those seen, one that saw another is the newer')
  const ring = [version('b1', { mtime: 1, saw: { c: 1 } }), version('c1', { mtime: 5, saw: { b: 1 } })]
  t.same(others([version('a1', { mtime: 9 }), ...ring]), ['c1', 'b1'], 'two that saw each other go by date')
  t.end()
})

test('older(winner, …) gives nothing that a tombstone covers', (t) => {
  const winner = version('a2', { mtime: 9 })
  const others = (versions: Version[], tombstones: Tombstone[]) =>
    older(winner, [winner, ...versions], tombstones, RULES).map(name)
  const old = version('b1', { mtime: 3 })
  t.same(others([old], [tombstone('a1', { mtime: 3 })]), ['b1'], 'on a tie it stays')
  t.same(others([old], [tombstone('a1', { mtime: 4 })]), [])
  t.same(others([old], [tombstone('a1', { mtime: 1, saw: { b: 1 } })]), [], 'whatever the dates say')
  const after = version('b1', { mtime: 3, saw: { a: 1 } })
  t.same(others([after], [tombstone('a1', { mtime: 4 })]), ['b1'], 'what was written over it is back')
  t.same(
    older(
      winner,
      [winner, old, version('c1', { mtime: 1 })],
      [tombstone('d1', { mtime: 2 })],
      RULES,
      (a, b) => Number(a.stamp.mtime) - Number(b.stamp.mtime)
    ).map(name),
    ['b1'],
    'with a comparator too'
  )
  t.end()
})

const id = fc.constantFrom('a', 'b', 'c', 'd')
const seq = fc.integer({ min: 0, max: 5 })
const time = fc.constantFrom(null, 0, 1, 2, 1.5, 8.64e15)
const clock = fc.dictionary(id, fc.oneof(seq, fc.constant(Number.MAX_SAFE_INTEGER)), { maxKeys: 3 })
const place = fc.tuple(id, seq).map(([id, seq]) => `${id}${seq}`)
const arbitrary = fc
  .tuple(place, fc.record({ mtime: time, ctime: time, saw: clock }))
  .map(([at, told]) => version(at, told))
const buried = fc
  .tuple(place, fc.record({ mtime: fc.constantFrom(0, 1, 2, 8.64e15), ctime: time, saw: clock }))
  .map(([at, told]) => tombstone(at, told))
/** A drive holds one version of a path at most. */
const versions = fc.uniqueArray(arbitrary, { selector: ({ origin }) => origin.id, maxLength: 4 })
const horizon = fc.constantFrom(Infinity, 1, 1.5)

test('resolve(…) of stamped versions is the same in every order', (t) => {
  const shuffled = versions.chain((all) =>
    fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length }))
  )
  const tombstones = fc
    .array(buried, { maxLength: 3 })
    .chain((all) => fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length })))
  fc.assert(
    fc.property(shuffled, tombstones, horizon, ([one, other], [over, under], horizon) => {
      return resolve(one, over, { horizon }) === resolve(other, under, { horizon })
    }),
    { seed: Number(process.env.PROPERTY_SEED ?? 20240101), numRuns: 20_000 }
  )
  t.pass()
  t.end()
})

test('resolve(…) never throws, gives one of the versions or null, and null only for a tombstone', (t) => {
  const anything = fc
    .tuple(arbitrary, fc.boolean(), fc.anything({ withNullPrototype: true }), fc.anything())
    .map(([version, raw, metadata, clock]) => {
      const forged = { mtime: 1, multidrive: { v: 1, ctime: 1, stamped: true, clock } }
      return { ...version, stamp: parseMetadata(raw ? metadata : forged).stamp }
    })
  const any = fc.array(fc.oneof(arbitrary, anything), { maxLength: 5 })
  fc.assert(
    fc.property(any, fc.array(buried, { maxLength: 3 }), horizon, (versions, tombstones, horizon) => {
      const found = resolve(versions, tombstones, { horizon })
      if (found !== null) return versions.includes(found)
      return versions.length === 0 || tombstones.length > 0
    }),
    { seed: Number(process.env.PROPERTY_SEED ?? 20240101), numRuns: 20_000 }
  )
  t.pass()
  t.end()
})

test('older(…) gives each living version but the winner once', (t) => {
  fc.assert(
    fc.property(versions, fc.array(buried, { maxLength: 3 }), horizon, (all, tombstones, horizon) => {
      const winner = resolve(all, tombstones, { horizon })
      if (winner === null) return true
      const found = older(winner, all, tombstones, { horizon })
      const without = (version: Version) => older(winner, all, [], { horizon }).includes(version)
      return (
        new Set(found).size === found.length &&
        !found.includes(winner) &&
        found.every((version) => all.includes(version)) &&
        all.every((version) => version === winner || without(version))
      )
    }),
    { seed: Number(process.env.PROPERTY_SEED ?? 20240101), numRuns: 20_000 }
  )
  t.pass()
  t.end()
})
