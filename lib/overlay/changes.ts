import { isDeepStrictEqual } from 'node:util'
import type { Drive, ReadOptions } from '../drive.ts'
import { compareKeys, folderRange, isIn, type KeyRange } from '../path.ts'
import type { Directory, LeafView, View } from '../sources/source.ts'
import {
  baseOf,
  changedInAll,
  changedTombstones,
  each,
  isSameVersion,
  keysOf,
  leavesOf,
  locate,
  merged,
  mountsIn
} from './diff.ts'
import type { Node } from './tree.ts'
import { MountedView } from './mounted.ts'
import { MergedView, type TreeView } from './view.ts'

/** A range with no key in it. */
const NOTHING: KeyRange = { gt: '/', lt: '/' }

/** What stands at a path in two views: a file, a link, or a folder that there is a record of; null where nothing does. */
export interface NodeChange {
  readonly key: string
  readonly now: Node | null
  readonly before: Node | null
}

/**
 * Where two merged views differ below a folder, folders of their own included, in the order of keys. As `differences`, it costs what has
 * changed; only where another rule decides, or dates are believed that were not, or drives have changed places, all is compared.
 */
export async function* nodeChanges(
  now: MergedView | MountedView,
  before: MergedView | MountedView,
  folder: string,
  opts: ReadOptions = {}
): AsyncGenerator<NodeChange, void, void> {
  const range = folderRange(folder)
  // The folders of mounted drives are told by what is in them.
  const folders = each(await changedFolders(baseOf(now), baseOf(before), folder, opts))
  const keys = isComparable(baseOf(now), baseOf(before))
    ? changedInAll(now, before, range, opts)
    : [now, before].flatMap((view) => [keysOf(view.winners(range, opts)), mountsIn(view, range)])
  for await (const key of merged([...keys, folders])) {
    const [left, right] = await Promise.all([standsAt(now, key, opts), standsAt(before, key, opts)])
    if (!isSameStanding(left, right)) yield { key, now: left, before: right }
  }
}

/**
 * Whether two merged views may differ below a folder: true too where that cannot be told.
 *
 * @param told - the drives that have told of a change since the view of before was taken
 */
export async function mayDiffer(
  now: MergedView | MountedView,
  before: MergedView | MountedView,
  folder: string,
  told: ReadonlySet<Drive>,
  opts: ReadOptions = {}
): Promise<boolean> {
  if (await isUnknown(now, before, folder, told)) return true
  for await (const _ of nodeChanges(now, before, folder, opts)) return true
  return false
}

/** Whether there is a drive below a folder of which nobody can tell what has changed. */
async function isUnknown(
  now: MergedView | MountedView,
  before: MergedView | MountedView,
  folder: string,
  told: ReadonlySet<Drive>
): Promise<boolean> {
  const known = leavesOf(baseOf(before))
  for (const { source, view } of baseOf(now).places()) {
    const other = known.get(view.leaf.identity)
    const isTold = told.has(source.drive)
    if (isTold && (!view.leaf.versioned || other?.partial)) return true
    if (other && view.leaf.versioned && !canCompare(view, other)) return true
  }
  if (!(now instanceof MountedView && before instanceof MountedView)) return false
  for (const path of mountsAround(now, folder)) {
    if (!before.mounts.has(path)) continue
    const [left, right] = await Promise.all([now, before].map((view) => view.innerInListing(path)))
    if (!left || !right) {
      // What could not be opened showed nothing.
      if (left !== right) return true
    } else if (await isUnknown(left, right, isIn(folder, path) ? folder.slice(path.length) : '', told))
      return true
  }
  return false
}

/** Opens what is mounted below a folder, so that it tells of changes, and the view stays at what it shows by now. */
export async function openMounts(view: MergedView | MountedView, folder: string): Promise<void> {
  if (!(view instanceof MountedView)) return
  for await (const [path, inner] of view.innersInListing(mountsAround(view, folder))) {
    if (inner) await openMounts(inner, isIn(folder, path) ? folder.slice(path.length) : '')
  }
}

/** The mounts that show at a folder, above it or below it. */
function mountsAround(view: MountedView, folder: string): string[] {
  return [...view.mounts.keys()].filter((path) => isIn(path, folder) || isIn(folder, path))
}

/** Two views of which {@link nodeChanges} tells all that has changed, though nothing of that of before has been kept; null where it does not. */
export function traceable(
  now: TreeView,
  before: TreeView
): { readonly now: MergedView; readonly before: MergedView } | null {
  if (!(now instanceof MergedView && before instanceof MergedView)) return null
  const known = leavesOf(before)
  const isVersioned = [...now.leaves(), ...known.values()].every(({ leaf }) => leaf.versioned)
  const areKnown = now.leaves().every((view) => {
    const other = known.get(view.leaf.identity)
    return !other || (!other.partial && canCompare(view, other))
  })
  return isVersioned && areKnown ? { now, before } : null
}

/** Whether the drive has a common history with what it was; one that was truncated has not. */
function canCompare(view: LeafView, other: LeafView): boolean {
  return view.changedKeys(other, NOTHING) !== null
}

/** Whether what differs between two views is no more than what their drives hold. */
function isComparable(now: MergedView, before: MergedView): boolean {
  const [rules, other] = [now.rules, before.rules]
  if (rules.comparator !== other.comparator || rules.epoch === null || rules.epoch !== other.epoch)
    return false
  const [left, right] = [leavesOf(now), leavesOf(before)]
  const order = [...left.keys()].filter((identity) => right.has(identity))
  return isDeepStrictEqual(
    order,
    [...right.keys()].filter((identity) => left.has(identity))
  )
}

/** The paths below a folder at which the records of folders may differ. */
async function changedFolders(
  now: MergedView,
  before: MergedView,
  folder: string,
  opts: ReadOptions
): Promise<string[]> {
  const paths = new Set<string>()
  const take = (path: string) => {
    if (path !== folder && isIn(path, folder)) paths.add(path)
  }
  const takeBelow = async (view: View, at: string) => {
    for (const { record } of await view.directoriesBelow(at, opts)) take(record.path)
  }
  const [left, right] = [leavesOf(now), leavesOf(before)]
  const both = new Map([...right, ...left])
  for (const [identity, view] of both) {
    const other = left.has(identity) ? right.get(identity) : undefined
    if (!other) await takeBelow(view, folder)
    else for (const path of await changedRecords(view, other, folder, opts)) take(path)
    for (const { path, tree } of changedTombstones(view, other)) {
      take(path)
      const at = isIn(path, folder) ? path : folder
      if (tree && isIn(at, path)) for (const merged of [now, before]) await takeBelow(merged, at)
    }
  }
  if (!isComparable(now, before)) for (const view of [now, before]) await takeBelow(view, folder)
  return [...paths].sort(compareKeys)
}

/** Drives without history hold the same in both views. */
async function changedRecords(
  view: LeafView,
  other: LeafView,
  folder: string,
  opts: ReadOptions
): Promise<string[]> {
  if (view === other || !view.leaf.versioned) return []
  const of = async (leaf: LeafView) => {
    const found = await leaf.directoriesBelow(folder, opts)
    return new Map(found.map((directory) => [directory.record.path, directory]))
  }
  const [left, right] = [await of(view), await of(other)]
  return [...new Set([...left.keys(), ...right.keys()])].filter(
    (path) => !isSameDirectory(left.get(path), right.get(path))
  )
}

/** What is mounted and cannot be opened is empty, as in listings. */
async function standsAt(
  view: MergedView | MountedView,
  key: string,
  opts: ReadOptions
): Promise<Node | null> {
  const located = await locate(view, key, opts)
  if (located) return { kind: located.candidate.value.linkname === null ? 'file' : 'link', key, located }
  const record = await (view instanceof MountedView
    ? view.directoryListed(key, opts)
    : view.directoryAt(key, opts))
  return record && { kind: 'directory', key, record }
}

function isSameStanding(a: Node | null, b: Node | null): boolean {
  if (a === null || b === null) return a === b
  if (a.kind === 'directory' && b.kind === 'directory')
    return isSameDirectory(a.record ?? undefined, b.record ?? undefined)
  if (a.kind === 'directory' || b.kind === 'directory') return false
  return isSameVersion(a.located.candidate, b.located.candidate)
}

function isSameDirectory(a: Directory | undefined, b: Directory | undefined): boolean {
  if (!a || !b) return a === b
  if (a.leaf.identity !== b.leaf.identity) return false
  if (a.leaf.versioned) return a.origin.id === b.origin.id && a.origin.seq === b.origin.seq
  return isDeepStrictEqual([a.record, a.isBare], [b.record, b.isBare])
}
