import test from 'tape'
import { Fingerprints } from '../../lib/overlay/fingerprints.ts'

/** The most that an entry may take (design, "Speed"), in bytes. */
const MOST = 24

/** Names that are easily mixed up, all of them different. */
function names(): string[] {
  const all = new Set(['', '/', '//', '/a', '/a/', '/a0', '/A', 'a', '\0', '\0\0', '/\0'])
  for (let i = 0; i < 2000; i++) all.add(`/folder ${i % 7}/file ${i}`)
  // One unit differs, at every place of a name.
  const long = '/one/two/three/four/five'
  for (let at = 0; at < long.length; at++) {
    for (const unit of ['\0', '~', 'é', '\ud800', '\udc00', '\uffff'])
      all.add(long.slice(0, at) + unit + long.slice(at + 1))
  }
  // Every unit that there is, surrogates without their other half among them.
  for (let unit = 0; unit < 0x10000; unit += 97) all.add('/' + String.fromCharCode(unit))
  for (const pair of ['😀', '😁', '\ude00\ud83d', '\ud83d', '\ude00']) all.add(`/${pair}/x`)
  // Composed and not: two names.
  all.add('/caf\u00e9')
  all.add('/cafe\u0301')
  // As long as nobody writes them, and different only at the end, or in how often a unit comes.
  for (const end of ['', 'x', 'y', '\0']) all.add('/' + 'long/'.repeat(40_000) + end)
  for (let length = 0; length < 300; length++) all.add('z'.repeat(length))
  return [...all]
}

const all = names()

/** The owners that may have a name, in order. */
function ownersOf(prints: Fingerprints, name: string): number[] {
  const owners: number[] = []
  prints.owners(prints.of(name), (owner) => owners.push(owner))
  return owners.sort((a, b) => a - b)
}

/** Those of `names` that an owner has and is not told of. */
function missing(prints: Fingerprints, names: readonly string[], owners: (i: number) => number[]): string[] {
  return names.filter((name, i) => {
    const told = ownersOf(prints, name)
    return !owners(i).every((owner) => told.includes(owner))
  })
}

const nobody = () => false

test('owners(name) has every owner that was added, each once', (t) => {
  const prints = new Fingerprints(nobody)
  const owners = (i: number) => [1, 2 + (i % 3), 1000 + (i % 50), 2 ** 32 - 1]
  all.forEach((name, i) => {
    for (const owner of owners(i)) prints.add(prints.of(name), owner)
  })
  t.same(missing(prints, all, owners), [])
  const { size } = prints
  t.equal(size, all.length * 4)
  all.forEach((name, i) => {
    for (const owner of owners(i)) prints.add(prints.of(name), owner)
  })
  t.equal(prints.size, size, 'what is there already is not added again')
  const twice = all.filter((name) => {
    const told = ownersOf(prints, name)
    return new Set(told).size !== told.length
  })
  t.same(twice, [])
  t.end()
})

test('names that are easily mixed up have fingerprints of their own', (t) => {
  const prints = new Fingerprints(nobody)
  const found = all.map((name) => prints.of(name))
  const seen = new Set(found.map(({ shard, check }) => `${shard}:${check}`))
  // Of some thousand names two meet once in 200,000 times.
  t.ok(all.length - seen.size <= 1, `${seen.size} of ${all.length}`)
  t.end()
})

test('of(name, end) is of so many of its characters', (t) => {
  const prints = new Fingerprints(nobody)
  const name = '/a/b😀/c'
  for (let end = 0; end <= name.length; end++)
    t.same(prints.of(name, end), prints.of(name.slice(0, end)), String(end))
  t.notSame(prints.of(name, 2), prints.of(name, 3))
  t.end()
})

test('who chooses the names cannot know which ones meet', (t) => {
  const [one, other] = [new Fingerprints(nobody), new Fingerprints(nobody)]
  const same = all.filter((name) => one.of(name).check === other.of(name).check)
  t.ok(same.length < 3, `${same.length} alike in two tables`)
  t.end()
})

test('the entries of owners that left are dropped when there is no room', (t) => {
  const gone = new Set<number>()
  const prints = new Fingerprints((owner) => gone.has(owner))
  const count = 20_000
  const name = (owner: number, i: number) => `/${owner}/${i}`
  const add = (owner: number) => {
    for (let i = 0; i < count; i++) prints.add(prints.of(name(owner, i)), owner)
  }
  add(1)
  add(2)
  const { byteLength } = prints
  for (let owner = 3; owner < 40; owner++) {
    gone.add(owner - 2)
    add(owner)
  }
  t.ok(prints.size < 4 * count, `${prints.size} entries for two owners with ${count} each`)
  t.ok(prints.byteLength < 2 * byteLength, `${prints.byteLength} bytes, ${byteLength} before anybody left`)
  const indexes = Array.from({ length: count }, (_, i) => i)
  const told = (owner: number) =>
    indexes.filter((i) => ownersOf(prints, name(owner, i)).includes(owner)).length
  t.equal(told(39), count, 'who is there is told of')
  t.equal(told(38), count)
  t.equal(told(1), 0, 'who left long ago is not there any more')
  t.end()
})

test('size counts what is dropped', (t) => {
  const gone = new Set<number>()
  const prints = new Fingerprints((owner) => gone.has(owner))
  for (let i = 0; i < 5000; i++) prints.add(prints.of(`/a/${i}`), 1)
  gone.add(1)
  for (let i = 0; i < 50_000; i++) prints.add(prints.of(`/b/${i}`), 2)
  // Two of 50,000 names may meet.
  t.ok(prints.size > 49_990 && prints.size <= 50_000, `${prints.size} of 50,000 are left`)
  t.end()
})

for (const count of [1000, 10_000, 100_000]) {
  test(`${count} entries take at most ${MOST} bytes each`, (t) => {
    const prints = new Fingerprints(nobody)
    let most = 0
    for (let i = 0; i < count; i++) {
      prints.add(prints.of(`/some/folder/${i}.txt`), i % 7)
      // At each size from a tenth on, for growth comes in steps.
      if (i > count / 10 && i % 50 === 0 && i >= 1000) most = Math.max(most, prints.byteLength / (i + 1))
    }
    most = Math.max(most, prints.byteLength / count)
    t.ok(prints.size > count - 10 && prints.size <= count)
    t.ok(most <= MOST, `${most.toFixed(1)} bytes`)
    t.ok(most >= 12, 'and no less than there is to be kept')
    t.end()
  })
}

test('an empty table takes nothing', (t) => {
  const prints = new Fingerprints(nobody)
  t.equal(prints.size, 0)
  t.equal(prints.byteLength, 0)
  t.same(ownersOf(prints, '/a'), [])
  t.end()
})

test('of a million names that nobody has, at most a few are told to be there', (t) => {
  const prints = new Fingerprints(nobody)
  for (let i = 0; i < 100_000; i++) prints.add(prints.of(`/folder ${i % 100}/${i}.txt`), 1)
  let wrong = 0
  const look = (name: string) => prints.owners(prints.of(name), () => wrong++)
  for (let i = 0; i < 250_000; i++) {
    look(`/folder ${i % 100}/${i}.tx`)
    look(`/folder ${i % 100}/${i}.txu`)
    look(`/folder ${i % 100}/${i + 100_000}.txt`)
    look(`/golder ${i % 100}/${i}.txt`)
  }
  // Of 2 ** 40 fingerprints 100,000 are taken: one in eleven runs tells of one, and more than ten are not chance.
  t.ok(wrong <= 10, `${wrong} wrong`)
  t.end()
})
