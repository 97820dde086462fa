import { isDeepStrictEqual } from 'node:util'
import type { ReadOptions } from '../drive.ts'
import { compareKeys, folderRange, isIn } from '../path.ts'
import type { Directory, LeafView, View } from '../sources/source.ts'
import {
  baseOf,
  changedInAll,
  changedTombstones,
  each,
  isSameVersion,
  keysOf,
  leavesOf,
  merged
} from './diff.ts'
import type { Node } from './tree.ts'
import type { MountedView } from './mounted.ts'
import type { MergedView, TreeView } from './view.ts'

/** What stands at a path in two views: a file, a link, or a folder that there is a record of; null where nothing does. */
export interface NodeChange {
  readonly key: string
  readonly now: Node | null
  readonly before: Node | null
}

/**
 * Where two merged views differ below a folder, folders of their own included, in the order of keys. As `differences`, it costs what has
 * changed; only where another rule decides, or drives have changed places, all is compared.
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
    : [keysOf(now.winners(range, opts)), keysOf(before.winners(range, opts))]
  for await (const key of merged([...keys, folders])) {
    const [left, right] = await Promise.all([standsAt(now, key, opts), standsAt(before, key, opts)])
    if (!isSameStanding(left, right)) yield { key, now: left, before: right }
  }
}

/** Whether what differs between two views is no more than what their drives hold. */
function isComparable(now: MergedView, before: MergedView): boolean {
  if (now.rules.comparator !== before.rules.comparator) return false
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

async function standsAt(view: TreeView, key: string, opts: ReadOptions): Promise<Node | null> {
  const located = await view.locate(key, opts)
  if (located) return { kind: located.candidate.value.linkname === null ? 'file' : 'link', key, located }
  const record = await view.directoryAt(key, opts)
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
