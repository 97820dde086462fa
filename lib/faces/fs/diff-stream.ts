import type { ReadOptions } from '../../drive.ts'
import type { MountPoint } from '../../format/records.ts'
import { nodeChanges, type NodeChange } from '../../overlay/changes.ts'
import { Tree, type Node } from '../../overlay/tree.ts'
import { toFolder } from '../../path.ts'
import type { Views } from '../drive/diff.ts'
import { generated } from '../drive/generated.ts'
import type { ReadableOf } from '../drive/readable.ts'
import { statsOf } from './look.ts'
import { toMount, type Mount, type Stats } from './stats.ts'

/** A path that is another than it was, in the form of Hyperdrive 10. */
export type DiffItem =
  | {
      type: 'put'
      /** The path without the slash that it begins with. */
      name: string
      /** In the drive that it comes from; null where that has no history. */
      seq: number | null
      value: Stats
      /** What it was; left out where nothing was there. */
      previous?: { seq: number | null }
    }
  | { type: 'del'; name: string; previous: { seq: number | null } }
  | { type: 'mount'; name: string; seq: number | null; value: Mount; previous?: { seq: number | null } }
  | { type: 'unmount'; name: string; previous: { seq: number | null } }

/** What differs below a folder, folders that were made included, in the order of paths. */
export function diffStream(
  views: Views,
  prefix: string | undefined,
  opts: ReadOptions
): ReadableOf<DiffItem> {
  const run = async function* (): AsyncGenerator<DiffItem, void, void> {
    const folder = toFolder(prefix, 'createDiffStream')
    const { now, before, close } = await views()
    try {
      const tree = new Tree(now, opts)
      for await (const change of nodeChanges(now, before, folder, opts)) yield await toItem(tree, change)
    } finally {
      await close()
    }
  }
  return generated(run)
}

async function toItem(tree: Tree, { key, now, before }: NodeChange): Promise<DiffItem> {
  const name = key.slice(1)
  const previous = before && { seq: seqOf(before) }
  const [mount, mounted] = [now && mountOf(now), before && mountOf(before)]
  if (mount) {
    const item: DiffItem = { type: 'mount', name, seq: seqOf(now!), value: toMount(mount) }
    return previous ? { ...item, previous } : item
  }
  if (mounted && (now === null || now.kind === 'directory'))
    return { type: 'unmount', name, previous: previous! }
  if (now === null) return { type: 'del', name, previous: previous! }
  const item: DiffItem = { type: 'put', name, seq: seqOf(now), value: await statsOf(tree, now) }
  return previous ? { ...item, previous } : item
}

function mountOf(node: Node): MountPoint | null {
  return node.kind === 'directory' ? (node.record?.mount ?? null) : null
}

function seqOf(node: Node): number | null {
  const version = node.kind === 'directory' ? node.record! : node.located.candidate
  return version.leaf.versioned ? version.origin.seq : null
}
