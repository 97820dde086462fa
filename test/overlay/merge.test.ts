/** Many streams of keys as one, against a plain sort. */
import fc from 'fast-check'
import test from 'tape'
import { LaneFailures, Merge } from '../../lib/overlay/merge.ts'
import { compareKeys } from '../../lib/path.ts'
import type { Candidate, Cursor, Source } from '../../lib/sources/source.ts'
import { failureOf } from '../helpers/drives.ts'

/** A cursor over keys that are given, with what is asked of it. */
class Keys implements Cursor {
  /** How often it was read. */
  reads = 0
  opened = 0
  closed = 0
  /** Fails the next reads. */
  error: Error | null = null
  readonly #keys: readonly string[]
  readonly #sign: number
  readonly #most: number
  #next = 0

  /** @param most - the longest page that it gives, whatever it is asked for */
  constructor(keys: readonly string[], reverse = false, most = Infinity) {
    this.#sign = reverse ? -1 : 1
    this.#keys = [...keys].sort((a, b) => this.#sign * compareKeys(a, b))
    this.#most = most
  }

  page(limit: number): Promise<Candidate[]> {
    this.reads++
    if (this.error) return Promise.reject(this.error)
    const end = this.#next + Math.min(limit, this.#most)
    const page = this.#keys.slice(this.#next, end).map((key) => ({ key }) as Candidate)
    this.#next += page.length
    return Promise.resolve(page)
  }

  seek(key: string): void {
    const at = this.#keys.findIndex((next) => this.#sign * compareKeys(next, key) >= 0)
    this.#next = at === -1 ? this.#keys.length : at
  }

  close(): Promise<void> {
    this.closed++
    return Promise.resolve()
  }
}

const sourceAt = (place: number) => ({ name: String(place) }) as Source

interface Lane {
  keys: readonly string[]
  /** Whether its first key is told: not at all, as it is, or another one before it. */
  told: 'no' | 'first' | 'before'
  /** The longest page. */
  most: number
}

function mergeOf(
  lanes: readonly Lane[],
  reverse = false
): { merge: Merge; cursors: Keys[]; first: (string | null)[] } {
  const cursors = lanes.map(({ keys, most }) => new Keys(keys, reverse, most))
  const first = lanes.map(({ keys, told }) => {
    const [least = '/m'] = [...keys].sort(compareKeys)
    if (told === 'no') return null
    return told === 'first' ? least : least.slice(0, -1)
  })
  const inputs = cursors.map((cursor, place) => ({
    source: sourceAt(place),
    open: () => {
      cursor.opened++
      return cursor
    },
    first: first[place] ?? null
  }))
  return { merge: new Merge(inputs, reverse), cursors, first }
}

/** Each key once and in order, with the places of the lanes that have it. */
function sorted(lanes: readonly Lane[], reverse = false): [string, number[]][] {
  const found = new Map<string, number[]>()
  lanes.forEach(({ keys }, place) => {
    for (const key of keys) found.set(key, [...(found.get(key) ?? []), place])
  })
  const inOrder = [...found].sort(([a], [b]) => compareKeys(a, b))
  return reverse ? inOrder.reverse() : inOrder
}

async function next(merge: Merge): Promise<[string, number[]] | null> {
  const merged = await merge.next()
  if (merged === null) return null
  const { key, found } = merged
  if (found.some(({ candidate }) => candidate.key !== key)) throw new Error('a candidate of another key')
  return [key, found.map(({ source }) => Number(source.name))]
}

async function rest(merge: Merge): Promise<[string, number[]][]> {
  const all: [string, number[]][] = []
  for (let one = await next(merge); one !== null; one = await next(merge)) all.push(one)
  return all
}

const same = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b)

// Few letters, so that lanes meet; and those where the order of UTF-8 and that of UTF-16 differ.
const letters = fc.constantFrom('a', 'b', 'c', '0', '/', '\uffff', '\ue000', '😀')
const key = fc.array(letters, { minLength: 1, maxLength: 3 }).map((some) => '/' + some.join(''))
const lane = (told: fc.Arbitrary<Lane['told']>): fc.Arbitrary<Lane> =>
  fc.record({
    keys: fc.uniqueArray(key, { maxLength: 60 }),
    told,
    most: fc.constantFrom(1, 3, 17, Infinity)
  })
const lanes = (told: fc.Arbitrary<Lane['told']>) => fc.array(lane(told), { maxLength: 30 })
const any = fc.constantFrom('no' as const, 'first' as const, 'before' as const)

const RUNS = { numRuns: 300 }

test('every key comes once, in order, with all that have it in the order of adding', async (t) => {
  const holds = fc.asyncProperty(lanes(any), async (lanes) => {
    const { merge } = mergeOf(lanes)
    return same(await rest(merge), sorted(lanes)) && (await merge.next()) === null
  })
  await fc.assert(holds, RUNS)
  t.pass()
})

test('backwards too', async (t) => {
  const holds = fc.asyncProperty(lanes(fc.constant('no' as const)), async (lanes) => {
    const { merge } = mergeOf(lanes, true)
    return same(await rest(merge), sorted(lanes, true))
  })
  await fc.assert(holds, RUNS)
  t.pass()
})

test('seek() to what was given already gives nothing again', async (t) => {
  const ahead: Lane = { keys: ['/a', '/b', '/c', '/x'], told: 'no', most: 3 }
  const { merge, cursors } = mergeOf([ahead, { ...ahead, keys: ['/a', '/b', '/y'] }])
  for (const key of ['/a', '/b', '/c']) t.equal((await next(merge))?.[0], key)
  const reads = cursors.map((cursor) => cursor.reads)
  for (const key of ['/b', '/c']) merge.seek(key)
  t.same(await rest(merge), [
    ['/x', [0]],
    ['/y', [1]]
  ])
  t.equal(cursors[0]!.reads, reads[0]! + 2, 'its last page, and that there is no more')
})

test('a lane whose first key is known is read when its turn comes, and then at once', async (t) => {
  const holds = fc.asyncProperty(lanes(any), async (lanes) => {
    const { merge, cursors, first } = mergeOf(lanes)
    for (let one = await next(merge); one !== null; one = await next(merge)) {
      const [key] = one
      const isRight = cursors.every(({ reads }, place) => {
        const at = first[place] ?? null
        return at === null || compareKeys(at, key) <= 0 ? reads > 0 : reads === 0
      })
      if (!isRight) return false
    }
    return cursors.every(({ reads }) => reads > 0)
  })
  await fc.assert(holds, RUNS)
  t.pass()
})

test('seek(key) goes on at the first key that is not before it', async (t) => {
  const steps = fc.array(fc.oneof(fc.constant(null), key), { maxLength: 40 })
  const holds = fc.asyncProperty(lanes(any), steps, async (lanes, steps) => {
    const { merge } = mergeOf(lanes)
    let left = sorted(lanes)
    let last = ''
    for (const step of steps) {
      if (step === null) {
        const [wanted = null] = left
        if (!same(await next(merge), wanted)) return false
        if (wanted === null) break
        left = left.slice(1)
        last = wanted[0]
      } else if (compareKeys(step, last) > 0) {
        merge.seek(step)
        left = left.filter(([key]) => compareKeys(key, step) >= 0)
        last = step
      }
    }
    return same(await rest(merge), left)
  })
  await fc.assert(holds, { numRuns: 1000 })
  t.pass()
})

test('seek(key) reads nobody, and nothing that it has skipped', async (t) => {
  const numbers = (from: string) =>
    Array.from({ length: 100 }, (_, i) => `/${from}${String(i).padStart(3, '0')}`)
  const { merge, cursors } = mergeOf([
    { keys: numbers('a'), told: 'first', most: Infinity },
    { keys: numbers('b'), told: 'first', most: Infinity },
    { keys: numbers('c'), told: 'first', most: Infinity }
  ])
  const reads = () => cursors.map(({ reads }) => reads)
  merge.seek('/b050')
  t.same(reads(), [0, 0, 0])
  t.same(await next(merge), ['/b050', [1]])
  t.same(reads(), [1, 1, 0], 'a lane that may have something there has to be asked')
  merge.seek('/b060')
  t.same(await next(merge), ['/b060', [1]])
  t.same(reads(), [1, 1, 0], 'within a page')
  merge.seek('/c')
  t.same(await next(merge), ['/c000', [2]])
  merge.seek('/d')
  t.equal(await next(merge), null)
})

test('who has nothing in hand at one key is read together, the others wait for their turn', async (t) => {
  const { merge, cursors } = mergeOf([
    { keys: ['/a'], told: 'first', most: Infinity },
    { keys: ['/a'], told: 'first', most: Infinity },
    { keys: ['/b'], told: 'first', most: Infinity }
  ])
  const reads = () => cursors.map(({ reads }) => reads)
  const first = next(merge)
  t.same(reads(), [1, 1, 0])
  t.same(await first, ['/a', [0, 1]])
  const second = next(merge)
  t.same(reads(), [2, 2, 0], 'and those whose pages ended there')
  t.same(await second, ['/b', [2]])
})

test('ready: the next key can be given without asking anybody', async (t) => {
  const { merge, cursors } = mergeOf([
    { keys: ['/a', '/c'], told: 'no', most: Infinity },
    { keys: ['/b'], told: 'first', most: Infinity }
  ])
  const reads = () => cursors.map(({ reads }) => reads)
  t.notOk(merge.ready)
  t.same(await next(merge), ['/a', [0]])
  t.notOk(merge.ready, 'the turn of the other one has come')
  t.same(reads(), [1, 0])
  t.same(await next(merge), ['/b', [1]])
  t.same(reads(), [1, 1])
  t.notOk(merge.ready, 'its page is through')
  t.same(await next(merge), ['/c', [0]])
  t.equal(await next(merge), null)
  t.notOk(merge.ready)

  const holds = fc.asyncProperty(lanes(any), async (lanes) => {
    const { merge, cursors } = mergeOf(lanes)
    const count = () => cursors.reduce((sum, { reads }) => sum + reads, 0)
    for (;;) {
      const [isReady, before] = [merge.ready, count()]
      const one = await merge.next()
      if (isReady && count() > before) return false
      if (!isReady && count() === before && one !== null) return false
      if (one === null) return true
    }
  })
  await fc.assert(holds, RUNS)
})

test('sources that fail are named together, those whose turn has not come are not asked', async (t) => {
  const { merge, cursors } = mergeOf([
    { keys: ['/a'], told: 'no', most: Infinity },
    { keys: ['/a'], told: 'no', most: Infinity },
    { keys: ['/a'], told: 'no', most: Infinity },
    { keys: ['/z'], told: 'first', most: Infinity }
  ])
  for (const place of [0, 2, 3]) cursors[place]!.error = new Error(`lost ${place}`)
  const err = await failureOf(merge.next())
  t.ok(err instanceof LaneFailures)
  t.same(
    err.failures.map(({ source, error }: any) => [source.name, error.message]),
    [
      ['0', 'lost 0'],
      ['2', 'lost 2']
    ]
  )
  t.same(
    cursors.map(({ opened }) => opened),
    [1, 1, 1, 0]
  )
  await merge.close()
  t.same(
    cursors.map(({ closed }) => closed),
    [1, 1, 1, 0]
  )
})
