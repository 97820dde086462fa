/** Who is asked for what, and what locators are shown. */
import type { Test } from 'tape'
import Hyperdrive from 'hyperdrive'
import type MultiDrive from '../../index.ts'
import { Locator } from '../../lib/overlay/locator.ts'
import { sourceOf } from '../../lib/sources/index.ts'
import type { Keyed, Source } from '../../lib/sources/source.ts'
import { cleanup, keys, multidrive, store } from './drives.ts'

const ignore = () => undefined

/** Writes many entries in one step: links, for they have no bytes. */
export async function fill(drive: any, paths: readonly string[]): Promise<void> {
  const batch = drive.batch()
  for (const path of paths) await batch.symlink(path, 'target')
  await batch.flush()
}

/** Leaves tombstones in a drive; of a path with a slash at its end for all below it too. */
export async function bury(t: Test, drive: any, ...paths: string[]): Promise<void> {
  const source = await openSource(t, drive)
  const records = paths.map((path) => ({
    path: path.replace(/\/$/, ''),
    tree: path.endsWith('/'),
    mtime: Date.now(),
    ctime: null,
    clock: new Map()
  }))
  await source.writer()!.commit(records.map((record) => ({ type: 'bury', record })))
}

export function numbered(count: number, path: (i: number) => string): string[] {
  return Array.from({ length: count }, (_, i) => path(i))
}

/** Drives in one store, each with a file of its own in a folder of its own, and one in a folder of all. */
export async function drivesOf(t: Test, count: number): Promise<any[]> {
  const corestore = await store(t)
  const drives: any[] = []
  for (let i = 0; i < count; i++) {
    const drive: any = new Hyperdrive(corestore.namespace(`drive ${i}`))
    cleanup(t, () => drive.close())
    await drive.put(`/own ${i}/file`, `${i}`)
    await drive.put(`/all/${i}`, `${i}`)
    drives.push(drive)
  }
  return drives
}

/** A second MultiDrive over the same drives, which knows of no path who holds it. */
export async function unaided(t: Test, multi: MultiDrive): Promise<MultiDrive> {
  return multidrive(t, multi.drives, { locator: false })
}

/** What a MultiDrive says of paths, as files and as folders. */
export async function answers(multi: any, paths: readonly string[]): Promise<Record<string, unknown>> {
  const found: Record<string, unknown> = { '/': await keys(multi) }
  for (const path of paths) {
    const entry = await multi.entry(path)
    const stat = await multi.promises.lstat(path).catch((err: any) => err.code)
    found[path] = [
      entry && [entry.key, entry.seq, multi.drives.indexOf(entry.drive)],
      typeof stat === 'string' ? stat : stat.isDirectory(),
      (await keys(multi, path)).length
    ]
  }
  return found
}

/** Both say the same of paths, and of the folders above them. */
export async function sameAnswers(
  t: Test,
  multi: MultiDrive,
  plain: MultiDrive,
  paths: readonly string[],
  what: string
): Promise<void> {
  const folders = paths.map((path) => path.slice(0, path.lastIndexOf('/'))).filter((path) => path !== '')
  const all = [...new Set([...paths, ...folders, '/nobody', '/no/body'])]
  t.same(await answers(multi, all), await answers(plain, all), what)
}

/** The source of a drive, open. */
export async function openSource(t: Test, drive: any): Promise<Source> {
  const source = sourceOf(drive)
  await source.open({ change: ignore, sync: ignore, close: ignore, format: ignore })
  cleanup(t, () => source.close())
  return source
}

/** A source as it is now, as locators see it. */
export async function keyedOf(source: Source): Promise<Keyed> {
  return (await source.view()).keyed!
}

/** From now on what has changed in drives is taken in by no locator, until it is let go of by the function given. */
export function holdChanges(t: Test): () => void {
  const { prototype } = Locator
  // eslint-disable-next-line @typescript-eslint/unbound-method -- called with `this` below
  const { see } = prototype
  let release: () => void = () => undefined
  const released = new Promise<void>((resolve) => (release = resolve))
  prototype.see = function (keyed) {
    const changedKeys: Keyed['changedKeys'] = (since, range) => {
      const changed = keyed.changedKeys(originals.get(since) ?? since, range)
      return changed && later(changed)
    }
    see.call(this, replacing(keyed, { changedKeys }))
  }
  async function* later(keys: AsyncIterable<string>) {
    await released
    yield* keys
  }
  const letGo = () => {
    prototype.see = see
    release()
  }
  cleanup(t, letGo)
  return letGo
}

const originals = new WeakMap<Keyed, Keyed>()

/** What a locator sees, with some of it replaced. */
export function replacing(keyed: Keyed, replaced: Partial<Keyed>): Keyed {
  const { leaf, version, fork } = keyed
  const made: Keyed = {
    leaf,
    version,
    fork,
    keys: (...args) => keyed.keys(...args),
    recordNames: (kind) => keyed.recordNames(kind),
    writtenSince: (since) => keyed.writtenSince(since),
    changedKeys: (since, range) => keyed.changedKeys(originals.get(since) ?? since, range),
    ...replaced
  }
  originals.set(made, keyed)
  return made
}
