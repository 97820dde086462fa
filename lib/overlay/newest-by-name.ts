import type { Mount, Tag } from '../sources/source.ts'
import { resolve, type Rules } from './resolve.ts'

/** Of records with names, the newest of each name (design, "Versions"), where it says that there is something. */
export function newestByName<V extends Mount | Tag>(
  records: readonly V[],
  name: (record: V['record']) => string,
  rules: Rules,
  isThere: (record: V['record']) => boolean
): ReadonlyMap<string, V> {
  const named = new Map<string, V[]>()
  for (const version of records) {
    const key = name(version.record)
    const versions = named.get(key)
    if (versions) versions.push(version)
    else named.set(key, [version])
  }
  const newest = new Map<string, V>()
  for (const [key, versions] of named) {
    const winner = resolve(versions, [], rules)
    if (winner && isThere(winner.record)) newest.set(key, winner)
  }
  return newest
}
