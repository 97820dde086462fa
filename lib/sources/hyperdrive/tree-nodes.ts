import { failure } from '../../errors.ts'
import { readBlocks } from './core-blocks.ts'
import { TreeBlock, type TreeNode } from './tree-block.ts'
import type { TreeCache } from './tree-cache.ts'
import type { HyperdriveLike } from './types.ts'

/** As many nodes of a block are kept; a write changes as many as the tree is deep. */
const MOST_NODES = 16

/** Reads blocks of a drive's tree that are on this machine, and what is in them. */
export class TreeNodes {
  readonly cache: TreeCache
  readonly #drive: HyperdriveLike

  constructor(drive: HyperdriveLike, cache: TreeCache) {
    this.#drive = drive
    this.cache = cache
  }

  /** @throws DRIVE_FAILED when the drive was truncated, DECODING_ERROR, BLOCK_NOT_AVAILABLE, and what Hypercore throws */
  async read(seqs: readonly number[]): Promise<TreeBlock[]> {
    const { core } = this.#drive.db
    let blocks: Buffer[]
    try {
      blocks = await readBlocks(core, seqs)
    } catch (err) {
      // What was cut off and not written again is not here.
      if (!core.closing) this.#checkFork()
      throw err
    }
    this.#checkFork()
    return blocks.map((bytes, i) => new TreeBlock(seqs[i]!, bytes))
  }

  #checkFork(): void {
    if (this.#drive.db.core.fork === this.cache.fork) return
    throw failure('DRIVE_FAILED', { drive: this.#drive, detail: 'it was truncated while it was read' })
  }

  async node(seq: number, place: number): Promise<TreeNode> {
    const [block] = await this.read([seq])
    const node = block!.node(place)
    this.keep(block!)
    return node
  }

  /** Keeps what is in a block: the nodes that one write has changed are those on the way to one key, and are looked at together. */
  keep(block: TreeBlock): void {
    const { seq } = block
    this.cache.keepKey(seq, block.key)
    for (const [place, node] of block.nodes()) {
      if (place === MOST_NODES) return
      this.cache.keepNode(seq, place, node)
    }
  }

  /** The keys of a node, as the cache keeps them, and the blocks that were read for them. */
  async keys(node: TreeNode): Promise<{ keys: string[]; read: readonly TreeBlock[] }> {
    const kept = node.keys.map((seq) => this.cache.key(seq))
    const missing = node.keys.filter((_, i) => kept[i] === undefined)
    const read = missing.length > 0 ? await this.read(missing) : []
    let next = 0
    const keys = kept.map((key) => {
      if (key !== undefined) return key
      const block = read[next++]!
      return this.cache.keepKey(block.seq, block.key)
    })
    return { keys, read }
  }
}
