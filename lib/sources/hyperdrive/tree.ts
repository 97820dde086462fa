import type { Bounds } from './bounds.ts'
import { undecodable } from './failure.ts'
import type { TreeBlock, TreeNode } from './tree-block.ts'
import { textOf } from './tree-cache.ts'
import { MAX_DEPTH, TreeCursor } from './tree-cursor.ts'
import type { TreeNodes } from './tree-nodes.ts'
import type { TreeEntry } from './types.ts'

/** So many of the blocks that were written last are kept. */
const LATEST = 16

/**
 * The tree of a drive at one version, all of whose blocks are on this machine. It is a Hyperbee's (the messages of its package tell what is
 * in a block). Hyperbee itself reads one block after another, in a snapshot made for each call; here what lies side by side is read at
 * once, and what was read is kept for all versions.
 */
export class StoredTree {
  readonly #nodes: TreeNodes
  readonly #version: number

  constructor(nodes: TreeNodes, version: number) {
    this.#nodes = nodes
    this.#version = version
  }

  /**
   * The entry at a key.
   *
   * @throws DRIVE_FAILED when the drive was truncated, DECODING_ERROR, BLOCK_NOT_AVAILABLE, and what Hypercore throws
   */
  async get(key: Buffer): Promise<TreeEntry | null> {
    if (this.#version < 2) return null
    const { cache } = this.#nodes
    const wanted = textOf(key)
    let [seq, place] = [this.#version - 1, 0]
    for (let depth = 0; depth < MAX_DEPTH; depth++) {
      const node = cache.node(seq, place) ?? (await this.#nodes.node(seq, place))
      let at = this.#find(node, wanted)
      let read: readonly TreeBlock[] = []
      if (at === null) {
        const found = await this.#nodes.keys(node)
        at = find(found.keys, wanted)
        read = found.read
      }
      if (at >= 0) return this.#entry(node.keys[at]!, read)
      if (node.children.length === 0) return null
      seq = node.children[2 * ~at]!
      place = node.children[2 * ~at + 1]!
    }
    throw undecodable(seq)
  }

  /** Reads a range, in order or against it. */
  range(bounds: Bounds, reverse: boolean): TreeCursor {
    return new TreeCursor(this.#nodes, this.#version, bounds, reverse)
  }

  /** The blocks that were written since an earlier version, in their order. */
  async since(version: number): Promise<readonly TreeBlock[]> {
    const { cache } = this.#nodes
    const blocks =
      cache.latest(version, this.#version) ??
      (await this.#nodes.read(Array.from({ length: this.#version - version }, (_, i) => version + i)))
    // Who has just written looks there next.
    for (const block of blocks.slice(-LATEST)) {
      this.#nodes.keep(block)
      if (!block.isDeletion) cache.keepEntry(block)
    }
    return blocks
  }

  /** As {@link find} tells it; null where the keys that it takes are not all kept. */
  #find({ keys }: TreeNode, wanted: string): number | null {
    const { cache } = this.#nodes
    let [low, high] = [0, keys.length]
    while (low < high) {
      const middle = (low + high) >> 1
      const key = cache.key(keys[middle]!)
      if (key === undefined) return null
      if (key === wanted) return middle
      if (key < wanted) low = middle + 1
      else high = middle
    }
    return ~low
  }

  /** @param read - blocks that were read on the way */
  async #entry(seq: number, read: readonly TreeBlock[]): Promise<TreeEntry> {
    const { cache } = this.#nodes
    const kept = cache.entry(seq)
    if (kept !== undefined) return kept
    const block = read.find((each) => each.seq === seq) ?? (await this.#nodes.read([seq]))[0]!
    cache.keepEntry(block)
    return block
  }
}

/** The place of a key among others in order; where it is not one of them, the complement of the place that it would have. */
function find(keys: readonly string[], wanted: string): number {
  const place = keys.findIndex((key) => key >= wanted)
  if (place === -1) return ~keys.length
  return keys[place] === wanted ? place : ~place
}
