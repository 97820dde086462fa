/** Plans that once went wrong, made as short as they can be. */
import test from 'tape'
import { store } from '../helpers/drives.ts'
import type { WorldOptions } from './account.ts'
import type { Step } from './plans.ts'
import { play } from './world.ts'

const [A, B, C] = [0, 1, 2]

function found(title: string, authors: number, steps: Step[], opts: WorldOptions = {}): void {
  test(title, async (t) => {
    const stores = []
    for (let i = 0; i < authors; i++) stores.push(await store(t))
    await play(stores, { authors, steps }, opts)
    t.pass()
  })
}

type Operations = Extract<Step, { do: 'write' }>['operations']

const all = (author: number, operations: Operations, tick = 0): Step => {
  return { do: 'write', author, tick, batch: true, operations }
}
const put = (author: number, path: string, metadata?: unknown): Step => {
  return { do: 'write', author, tick: 0, batch: false, operations: [{ do: 'put', path, metadata }] }
}
const del = (author: number, path: string, tick = 0): Step => {
  return { do: 'write', author, tick, batch: false, operations: [{ do: 'del', path }] }
}
const deltree = (author: number, path: string, tick = 0): Step => {
  return { do: 'write', author, tick, batch: false, operations: [{ do: 'deltree', path }] }
}
const mount = (author: number, path: string, drive: number, back: number | null = null): Step => {
  return { do: 'mount', author, tick: 0, path, drive, back }
}
const meet = (author: number, other: number, drives: number[] | null = null): Step => {
  return { do: 'exchange', author, other, drives }
}

const LATE = { mtime: Date.UTC(2024, 0, 1, 12, 30) }

found('del(folder, { recursive: true }) claims to have seen no more of a drive than its author had', 3, [
  put(C, '/d/y', LATE),
  put(C, '/d/x'),
  meet(B, C),
  del(B, '/d/x'),
  put(B, '/d/z'),
  // What B saw of C at /d/x says nothing of /d/y, which A has never had.
  meet(A, B, [B]),
  deltree(A, '/d')
])

found('a batch that deletes a folder and writes into it is as late as the deletion', 3, [
  put(B, '/d/y', LATE),
  put(C, '/d/x', { mtime: LATE.mtime - 60_000 }),
  meet(A, B),
  all(A, [
    { do: 'deltree', path: '/d' },
    { do: 'put', path: '/d/x' }
  ])
])

found('a batch that deletes a folder and a file in it leaves one tombstone', 2, [
  put(B, '/d/x'),
  meet(A, B),
  all(A, [
    { do: 'deltree', path: '/d' },
    { do: 'del', path: '/d/x' }
  ])
])

found('del(folder, { recursive: true }) takes no forged clock of one file below for the folder’s', 2, [
  { do: 'plain', author: B, tick: 0, operation: { do: 'put', path: '/d/x', claims: [B] } },
  meet(A, B),
  del(A, '/d/x'),
  deltree(A, '/d')
])

found(
  'del(folder, { recursive: true }) with maxClockSkew is later than every date below that is believed',
  2,
  [
    put(B, '/d/x', { mtime: Date.UTC(2024, 0, 1, 12, 0, 30) }),
    put(B, '/d/y', LATE),
    meet(A, B),
    deltree(A, '/d')
  ],
  { maxClockSkew: 60_000 }
)

// Outside of the set of two authors, the first one's and the second one's.
const [OWN_GUEST, GUEST] = [2, 3]

found('createDiffStream tells of the mounts in what was mounted, too', 2, [
  mount(B, '/a', A),
  mount(A, '/a', B),
  del(A, '/a')
])

found('createDiffStream goes on without what could not be opened at one of the two versions', 2, [
  mount(B, '/a', A),
  put(A, '/a'),
  mount(A, '/m', GUEST)
])

found('a conflict that a mount stood over is told when the mount goes', 2, [
  mount(A, '/a', GUEST),
  { do: 'plain', author: A, tick: 0, operation: { do: 'put', path: '/a' } },
  put(B, '/a'),
  meet(A, B),
  { do: 'unmount', author: A, tick: 0, path: '/a' }
])

found('a checkout shows what is mounted in a drive at a version of its own as it was then', 2, [
  put(B, '/b'),
  meet(A, B),
  mount(A, '/m', OWN_GUEST),
  mount(A, '/m/m', B),
  mount(A, '/d', OWN_GUEST, 0),
  put(B, '/b'),
  meet(A, B)
])

const BELIEVED = { maxClockSkew: 60_000 }

found('createDiffStream with maxClockSkew tells of mounts', 2, [put(A, '/b'), mount(A, '/a', B)], BELIEVED)

found(
  'createDiffStream with maxClockSkew tells of mounts in what is mounted',
  2,
  [mount(B, '/a', GUEST), put(A, '/b'), mount(A, '/m', B)],
  BELIEVED
)
