/** What a MultiDrive tells by itself: changes to those who watch, and conflicts. */
import assert from 'node:assert/strict'
import { isDeepStrictEqual } from 'node:util'
import type MultiDrive from '../../index.ts'
import { until, within } from '../availability/links.ts'
import { collect } from '../helpers/drives.ts'
import type { Account, Author, Told, WorldOptions } from './account.ts'
import { texts, versionsOf, type Conflict } from './compare.ts'
import { hasSeen } from './oracle.ts'

/** How long what is to be told may take, in milliseconds. */
const TELLING = 30_000

/** Hears what a MultiDrive tells from now on. */
export async function listen(multi: MultiDrive, { maxClockSkew }: WorldOptions): Promise<Told> {
  const watcher = maxClockSkew === undefined ? multi.watch() : null
  await watcher?.ready()
  const told: Told = {
    versions: new Map(),
    conflicts: [],
    watcher,
    change: null,
    seen: new Map(),
    isOnItsWay: multi.unsynced.length > 0
  }
  multi.on('conflict', ({ key, candidates }: Conflict) => {
    told.conflicts.push({ path: key, versions: versionsOf(candidates) })
  })
  return told
}

/** A change that shows is told, with what was there before; one that does not is not. */
export async function checkWatch({ told, multi }: Author): Promise<void> {
  if (!told.watcher) return
  const now = await texts(multi)
  while (!isDeepStrictEqual(told.seen, now)) {
    const step: IteratorResult<[MultiDrive, MultiDrive]> = await within(
      TELLING,
      'watch',
      (told.change ??= told.watcher.next())
    )
    told.change = null
    const [current, previous]: [MultiDrive, MultiDrive] = step.value
    assert.deepEqual(await texts(previous), told.seen, 'what was told before is what was there before')
    const after = await texts(current)
    // Of a drive that is on its way nobody can tell what it showed.
    if (multi.unsynced.length === 0 && !told.isOnItsWay)
      assert.notDeepEqual(after, told.seen, 'what is told is a change')
    told.seen = after
  }
  told.isOnItsWay = multi.unsynced.length > 0
}

/** Every conflict has been told, and none that is none. */
export async function checkConflicts(account: Account, { told, multi }: Author): Promise<void> {
  for (const { key, candidates } of await collect<Conflict>(multi.conflicts())) {
    const rivals = versionsOf(candidates)
    const isTold = () =>
      told.conflicts.some(
        ({ path, versions }) => path === key && [...rivals].every((version) => versions.has(version))
      )
    const come = until(multi, ['conflict'], isTold)
    await within(TELLING, `the event conflict of ${key}`, come)
  }
  for (const { path, versions } of told.conflicts) {
    const all = account.ledgers.flatMap(({ states }) => states)
    const files = all.flatMap((state) => state.files.get(path) ?? [])
    const rivals = [...new Set(files)].filter((file) => versions.has(`${file.drive} ${file.seq}`))
    assert.equal(rivals.length, versions.size, 'rivals are versions that were written')
    for (const one of rivals)
      for (const other of rivals) assert.ok(one === other || !hasSeen(one, other), `${path} is a conflict`)
  }
}
