/** What is done in a world, and random plans of it. */
import fc from 'fast-check'

/** The moment around which all clocks of these tests stand. */
export const NOON = Date.UTC(2024, 0, 1, 12)
const MINUTE = 60_000

/** Few, so that authors meet: files and folders of one name, siblings that sort around a folder, both normal forms of one letter. */
export const PATHS = [
  '/a',
  '/a/b',
  '/a0',
  '/b',
  '/d',
  '/d/e/z',
  '/d/x',
  '/d/y',
  '/d/\u00e9',
  '/d/e\u0301',
  '/\uff21',
  '/\u{1f600}'
]
const FOLDERS = ['/a', '/d', '/d/e', '/d/x', '/\u{1f600}']
/** Where drives are mounted: over what else is there, below one another, on their own. */
export const MOUNTS = ['/a', '/d', '/d/e', '/m', '/m/m']
/** What lies below the mounts and nowhere else. */
export const MOUNTED = ['/m', '/m/b', '/m/d/x', '/m/m/a', '/d/m/b']
/** Names of tags, the last of which is never given. */
export const TAGS = ['one', 'two', 'd/\u00e9', 'none']

export type Planned =
  | { do: 'put'; path: string; metadata?: unknown }
  | { do: 'symlink'; path: string; linkname: string }
  | { do: 'del'; path: string }
  | { do: 'deltree'; path: string }

export type Step =
  /** A write through the author's MultiDrive, in a batch or call by call. */
  | { do: 'write'; author: number; tick: number; batch: boolean; operations: Planned[] }
  /** The author's own Hyperdrive, written by a program that knows nothing of MultiDrive, or lies. `claims` are drives it says it saw. */
  | { do: 'plain'; author: number; tick: number; operation: PlainOperation }
  /** Two authors hand each other all of some drives; null for all drives. */
  | { do: 'exchange'; author: number; other: number; drives: number[] | null }
  /** A name for the version of now or, with a number, for so many versions back. */
  | { do: 'tag'; author: number; tick: number; name: string; back: number }
  | { do: 'untag'; author: number; tick: number; name: string }
  /** A drive of the set, or one outside, at its newest or, with a number, so many of its states back. */
  | { do: 'mount'; author: number; tick: number; path: string; drive: number; back: number | null }
  | { do: 'unmount'; author: number; tick: number; path: string }
  /** A plain write to the author's drive outside the set. */
  | { do: 'guest'; author: number; tick: number; path: string }

export type PlainOperation =
  | { do: 'put'; path: string; metadata?: unknown; claims?: number[] }
  | { do: 'symlink'; path: string; linkname: string }
  | { do: 'del'; path: string }

export interface Plan {
  authors: number
  steps: Step[]
  /** The seed of where is looked closely; without it, everywhere. */
  looks?: number
}

const somewhere = fc.constantFrom(...PATHS)
const author = fc.nat({ max: 3 })
/** By how much the author's clock moves before the step: it stands, runs, leaps ahead, falls back. */
const tick = fc.constantFrom(0, 0, 1, MINUTE, 5 * MINUTE, -3 * MINUTE)
const near = fc.constantFrom(-2, -1, 0, 1, 2, 3).map((minutes) => NOON + minutes * MINUTE)
const linkname = fc.constantFrom('/b', 'x', '../a', '/nowhere')
const noTime = fc.constantFrom<unknown>('yesterday', -1, null, 1e300, 8.64e15 + 2, {}, true, [])

const given = fc.oneof(
  { weight: 4, arbitrary: fc.constant(undefined) },
  { weight: 4, arbitrary: near.map((mtime) => ({ mtime })) },
  { weight: 1, arbitrary: near.map((mtime) => ({ mtime, tag: 'x' })) },
  { weight: 1, arbitrary: noTime.map((mtime) => ({ mtime })) },
  { weight: 1, arbitrary: fc.constant({ tag: 'x' }) },
  { weight: 1, arbitrary: fc.constantFrom(0, 8.64e15).map((mtime) => ({ mtime })) }
)

const foreign = fc.oneof(
  given,
  fc.constantFrom<unknown>(
    'text',
    [1],
    { mtime: NOON, multidrive: { v: 2, ctime: NOON } },
    { mtime: NOON, multidrive: 'x' },
    { mtime: NOON, multidrive: { v: 1, ctime: 'x', stamped: true, clock: [1] } },
    { mtime: 8.64e15, multidrive: { v: 1, ctime: 8.64e15, stamped: true } }
  )
)

const symlinkAt = (path: fc.Arbitrary<string>) =>
  fc.record({ do: fc.constant('symlink' as const), path, linkname })
const delAt = (path: fc.Arbitrary<string>) => fc.record({ do: fc.constant('del' as const), path })

function writing(path: fc.Arbitrary<string>, folder: fc.Arbitrary<string>): fc.Arbitrary<Step> {
  const put = fc.record({ do: fc.constant('put' as const), path, metadata: given })
  const symlink = symlinkAt(path)
  const del = delAt(path)
  const deltree = fc.record({ do: fc.constant('deltree' as const), path: folder })
  const single = fc.oneof(
    { weight: 6, arbitrary: put },
    { weight: 1, arbitrary: symlink },
    { weight: 3, arbitrary: del },
    { weight: 2, arbitrary: deltree }
  )

  // A folder goes first if any does, and each path comes once: what a batch does to one path twice is not what is tested here.
  const batch = fc
    .tuple(
      fc.option(deltree, { nil: null }),
      fc.uniqueArray(fc.oneof(put, put, symlink, del), {
        selector: (item) => item.path,
        minLength: 1,
        maxLength: 4
      })
    )
    .map(([tree, items]): Planned[] => (tree ? [tree, ...items] : items))

  return fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({ author, tick, operation: single }).map(({ author, tick, operation }) => {
        return { do: 'write' as const, author, tick, batch: false, operations: [operation] }
      })
    },
    {
      weight: 2,
      arbitrary: fc.record({
        do: fc.constant('write' as const),
        author,
        tick,
        batch: fc.constant(true),
        operations: batch
      })
    }
  )
}

const exchange: fc.Arbitrary<Step> = fc.record({
  do: fc.constant('exchange' as const),
  author,
  other: author,
  drives: fc.oneof(
    { weight: 2, arbitrary: fc.constant(null) },
    { weight: 1, arbitrary: fc.uniqueArray(fc.nat({ max: 5 }), { minLength: 1, maxLength: 3 }) }
  )
})

const tagging: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('tag' as const),
      author,
      tick,
      name: fc.constantFrom(...TAGS.slice(0, -1)),
      back: fc.constantFrom(0, 0, 1, 3)
    })
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('untag' as const), author, tick, name: fc.constantFrom(...TAGS) })
  }
)

const mountPath = fc.constantFrom(...MOUNTS)
const mounting: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('mount' as const),
      author,
      tick,
      path: mountPath,
      drive: fc.nat({ max: 5 }),
      back: fc.constantFrom(null, null, null, 0, 1, 2)
    })
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('unmount' as const), author, tick, path: mountPath })
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('guest' as const),
      author,
      tick,
      path: fc.constantFrom('/b', '/d/x', '/m/a')
    })
  }
)

function plain(forged: boolean): fc.Arbitrary<Step> {
  const claims = forged ? fc.option(fc.uniqueArray(author, { maxLength: 3 }), { nil: undefined }) : undefined
  const operation: fc.Arbitrary<PlainOperation> = fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({
        do: fc.constant('put' as const),
        // Clocks only matter where liars meet.
        path: forged ? fc.constantFrom('/a', '/d/x') : somewhere,
        metadata: foreign,
        ...(claims ? { claims } : {})
      })
    },
    { weight: 1, arbitrary: symlinkAt(somewhere) },
    { weight: 1, arbitrary: delAt(somewhere) }
  )
  return fc.record({ do: fc.constant('plain' as const), author, tick, operation })
}

export interface PlanOptions {
  /** Whether entries claim to have seen all that others ever write. */
  forged?: boolean
  /** The most steps; default 24. */
  steps?: number
}

export function plans(opts: PlanOptions = {}): fc.Arbitrary<Plan> {
  // Where nothing is mounted there is no drive outside the set either, and much less to look at.
  return fc.oneof(
    { weight: 2, arbitrary: plansOf(opts, false) },
    { weight: 1, arbitrary: plansOf(opts, true) }
  )
}

function plansOf(opts: PlanOptions, mounts: boolean): fc.Arbitrary<Plan> {
  const path = mounts ? fc.constantFrom(...PATHS, ...MOUNTED) : somewhere
  const folder = mounts ? fc.constantFrom(...FOLDERS, '/m', '/m/d') : fc.constantFrom(...FOLDERS)
  const step = fc.oneof(
    { weight: 12, arbitrary: writing(path, folder) },
    { weight: opts.forged ? 8 : 4, arbitrary: plain(opts.forged === true) },
    { weight: 6, arbitrary: exchange },
    { weight: 2, arbitrary: tagging },
    ...(mounts ? [{ weight: 6, arbitrary: mounting }] : [])
  )
  return fc.record({
    authors: fc.constantFrom(2, 3, 3, 4),
    steps: fc.array(step, { minLength: 1, maxLength: opts.steps ?? 24, size: 'max' }),
    looks: fc.noShrink(fc.nat())
  })
}
