/** What is read of Hyperdrives while a test looks. */
import { TreeCursor } from '../../lib/sources/hyperdrive/tree-cursor.ts'
import { HyperdriveView } from '../../lib/sources/hyperdrive/view.ts'

/** Which drives are asked while something is done, by their places among all, in their order. */
export interface Asked {
  /** For a key. */
  gets: number[]
  /** For a range of keys. */
  ranges: number[]
}

export const NOBODY: Asked = { gets: [], ranges: [] }

interface Look {
  readonly gets: unknown[]
  readonly ranges: unknown[]
}

const looks = new Set<Look>()

/** The drives that fail, with who is to be told when one is read. */
const failing = new Map<unknown, () => void>()

// eslint-disable-next-line @typescript-eslint/unbound-method -- called with `this` below
const { find, scan } = HyperdriveView.prototype
HyperdriveView.prototype.find = async function (...args) {
  for (const { gets } of looks) gets.push(this.leaf.drive)
  fail(this.leaf.drive)
  return find.apply(this, args)
}
HyperdriveView.prototype.scan = function (...args) {
  const cursor = scan.apply(this, args)
  const page = cursor.page.bind(cursor)
  cursor.page = async (limit) => {
    for (const { ranges } of looks) ranges.push(this.leaf.drive)
    fail(this.leaf.drive)
    return page(limit)
  }
  return cursor
}

/** Gives what tells which of the drives are asked while an action runs. */
export function witness(drives: readonly unknown[]): (action: () => Promise<unknown>) => Promise<Asked> {
  return async (action) => {
    const look: Look = { gets: [], ranges: [] }
    looks.add(look)
    try {
      await action()
    } finally {
      looks.delete(look)
    }
    const places = (who: unknown[]) => drives.flatMap((drive, i) => (who.includes(drive) ? [i] : []))
    return { gets: places(look.gets), ranges: places(look.ranges) }
  }
}

/** The drives that are asked for tombstones over a path, or a folder's record, while an action runs, by their places among all. */
export function recordWitness(
  drives: readonly unknown[]
): (action: () => Promise<unknown>) => Promise<number[]> {
  return async (action) => {
    const { prototype } = HyperdriveView
    // eslint-disable-next-line @typescript-eslint/unbound-method -- called with `this` below
    const { tombstonesOver, directoryAt } = prototype
    const asked = new Set<unknown>()
    prototype.tombstonesOver = function (...args) {
      asked.add(this.leaf.drive)
      return tombstonesOver.apply(this, args)
    }
    prototype.directoryAt = function (...args) {
      asked.add(this.leaf.drive)
      return directoryAt.apply(this, args)
    }
    try {
      await action()
    } finally {
      Object.assign(prototype, { tombstonesOver, directoryAt })
    }
    return drives.flatMap((drive, i) => (asked.has(drive) ? [i] : []))
  }
}

/** How many entries listings of drives read while an action runs. */
export async function entriesRead(action: () => Promise<unknown>): Promise<number> {
  const { prototype } = TreeCursor
  // eslint-disable-next-line @typescript-eslint/unbound-method -- called with `this` below
  const { next } = prototype
  let count = 0
  prototype.next = async function (limit) {
    const entries = await next.call(this, limit)
    count += entries.length
    return entries
  }
  try {
    await action()
  } finally {
    prototype.next = next
  }
  return count
}

/** Lets every read of a drive's entries fail, until what is returned is called. */
export function failReads(drive: unknown, onread: () => void): () => void {
  failing.set(drive, onread)
  return () => void failing.delete(drive)
}

function fail(drive: unknown): void {
  const onread = failing.get(drive)
  if (!onread) return
  onread()
  throw new Error('no disk')
}
