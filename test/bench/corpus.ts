import { randomBytes } from 'node:crypto'
import Corestore from 'corestore'
import Hyperdrive from 'hyperdrive'
import SubEncoder from 'sub-encoder'
import type MultiDrive from '../../index.ts'
import { randoms } from '../helpers/randoms.ts'
import { shipped } from './shipped.ts'

export const MIB = 1 << 20

/** The bytes of each small file. */
export const SMALL = 1024

/** How many names the folders have, one after another. */
const SIZES = [100, 200, 400, 800, 1500, 3000, 5000, 10_000]

const files = new SubEncoder('files', 'utf-8')

export interface Filled {
  readonly store: Corestore
  readonly drives: readonly [Hyperdrive, ...Hyperdrive[]]
}

/** The paths of so many files, in folders of 100 to 10,000 names. */
export function pathsOf(count: number): string[] {
  const paths: string[] = []
  for (let folder = 0; paths.length < count; folder++) {
    const size = Math.min(SIZES[folder % SIZES.length]!, count - paths.length)
    for (let i = 0; i < size; i++) {
      paths.push(`/folder-${String(folder).padStart(3, '0')}/file-${String(i).padStart(5, '0')}.bin`)
    }
  }
  return paths
}

/** The folder of paths with the most names, and how many. */
export function largestFolder(paths: readonly string[]): { folder: string; names: number } {
  const names = new Map<string, number>()
  for (const path of paths) {
    const folder = path.slice(0, path.lastIndexOf('/'))
    names.set(folder, (names.get(folder) ?? 0) + 1)
  }
  const [folder, most] = [...names].reduce((a, b) => (b[1] > a[1] ? b : a))
  return { folder, names: most }
}

/**
 * Drives in a store of their own with each path in so many of them, every drive all over the folders. The files of a drive share their
 * bytes: written one by one, they would take longer than all that is measured.
 */
export async function fill(
  folder: string,
  paths: readonly string[],
  { drives: count, copies = 1 }: { drives: number; copies?: number }
): Promise<Filled> {
  const shares = Array.from({ length: count }, (): number[] => [])
  paths.forEach((_, i) => {
    for (let copy = 0; copy < copies; copy++) shares[(i * 7 + copy * 21) % count]!.push(i)
  })
  const { store, drives } = await openFilled(folder, count)
  for (const [place, drive] of drives.entries()) {
    const blob = await (await drive.getBlobs()).put(randomBytes(SMALL))
    const batch = drive.db.batch()
    for (const i of shares[place]!) {
      const value = { executable: false, linkname: null, blob, metadata: { mtime: 1_700_000_000_000 + i } }
      await batch.put(paths[i], value, { keyEncoding: files })
    }
    await batch.flush()
  }
  return { store, drives }
}

/** The drives that {@link fill} has made there. */
export async function openFilled(folder: string, count: number): Promise<Filled> {
  const store = new Corestore(folder)
  const drives = Array.from({ length: count }, (_, i) => new Hyperdrive(store.namespace(`drive-${i}`)))
  await Promise.all(drives.map((drive) => drive.ready()))
  return { store, drives: drives as [Hyperdrive, ...Hyperdrive[]] }
}

/** A MultiDrive over drives that are open. */
export async function over([first, ...others]: Filled['drives']): Promise<MultiDrive> {
  const { default: MultiDrive } = await shipped()
  const multi = new MultiDrive(first)
  await multi.ready()
  await Promise.all(others.map((drive) => multi.addDrive(drive)))
  return multi
}

/** Calls `look` with so many of the paths by chance; the same ones for a seed. */
export async function lookUp(
  paths: readonly string[],
  seed: number,
  count: number,
  look: (path: string) => Promise<void>
): Promise<number> {
  const random = randoms(seed)
  for (let i = 0; i < count; i++) await look(paths[Math.floor(random.next().value * paths.length)]!)
  return count
}

export async function drain(stream: AsyncIterable<unknown>): Promise<number> {
  const iterator = stream[Symbol.asyncIterator]()
  let count = 0
  while ((await iterator.next()).done !== true) count++
  return count
}
