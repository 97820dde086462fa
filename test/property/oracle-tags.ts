/** The rules for tags, as plain as those of oracle.ts. */
import { clockOf, later, newest, type State, type Tag } from './oracle.ts'

/** The version that each name has: the newest record of the name counts, whichever drive it lies in. */
export function tagsOf(states: readonly State[], horizon: number): Map<string, string> {
  const tags = new Map<string, string>()
  for (const name of new Set(states.flatMap((state) => [...state.tags.keys()]))) {
    const version = newest(recordsOf(states, name), horizon)?.version
    if (version != null) tags.set(name, version)
  }
  return tags
}

/**
 * What is left in the author's drive.
 *
 * @param version - null to take the name away
 * @returns null where nothing has the name to be taken away
 */
export function tag(
  states: readonly State[],
  own: number,
  drive: string,
  name: string,
  version: string | null,
  now: number,
  horizon: number
): { state: State; record: Tag } | null {
  if (version === null && !tagsOf(states, horizon).has(name)) return null
  const state = states[own]!
  const seen = recordsOf(states, name)
  const record: Tag = {
    drive,
    seq: state.length,
    name,
    version,
    mtime: later(seen, now, horizon),
    ctime: now,
    clock: clockOf(seen, drive)
  }
  return { state: { ...state, tags: new Map(state.tags).set(name, record) }, record }
}

function recordsOf(states: readonly State[], name: string): Tag[] {
  return states.flatMap((state) => state.tags.get(name) ?? [])
}
