import type { ReadOptions } from '../drive.ts'
import { folderRange } from '../path.ts'
import type { LeafView, Tombstone, Version } from '../sources/source.ts'
import { newest } from './compare.ts'
import { unsynced } from './failure.ts'
import { believed, type Rules } from './resolve.ts'

/** How many candidates are read at once. */
const PAGE = 256

/** What one leaf holds at a folder and below it. */
export interface Inventory {
  readonly view: LeafView
  /** Whether it holds any file or directory there. */
  readonly holds: boolean
  readonly keys: readonly string[]
  /** In order of path. */
  readonly directories: readonly string[]
  /** The version with the latest date, in a list of its own; empty when there is none. */
  readonly latest: readonly Version[]
  readonly tombstones: readonly Tombstone[]
  /** Why it is not known to be all, null when it is. */
  readonly failure: { readonly error: unknown } | null
}

/**
 * @param rules - which dates are believed
 * @param patience - the time that is left for a source on demand
 */
export async function takeInventory(
  view: LeafView,
  folder: string,
  rules: Rules,
  patience: () => ReadOptions
): Promise<Inventory> {
  const keys: string[] = []
  const directories: string[] = []
  let latest: Version[] = []
  const take = (version: Version) => {
    const [last] = latest
    if (!last || newest(believed(version, rules), believed(last, rules)) < 0) latest = [version]
  }
  let failed: { error: unknown } | null = view.leaf.unsynced ? { error: unsynced(view.leaf) } : null
  const cursor = view.scan(folderRange(folder), patience())
  try {
    for (const directory of [
      await view.directoryAt(folder, patience()),
      ...(await view.directoriesBelow(folder, patience()))
    ]) {
      if (directory === null) continue
      take(directory)
      directories.push(directory.record.path)
    }
    const at = await view.find(folder, patience())
    const found = at === null ? [] : [at]
    for (
      let page = found.length > 0 ? found : await cursor.page(PAGE);
      page.length > 0;
      page = await cursor.page(PAGE)
    ) {
      for (const candidate of page) {
        take(candidate)
        keys.push(candidate.key)
      }
    }
  } catch (error) {
    failed = { error }
  } finally {
    await cursor.close()
  }
  return {
    view,
    holds: latest.length > 0,
    keys,
    directories,
    latest,
    tombstones: view.tombstonesBelow(folder),
    failure: failed
  }
}
