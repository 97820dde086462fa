import { Node, YoloIndex } from 'hyperbee/lib/messages.js'
import { undecodable } from './failure.ts'
import type { TreeEntry } from './types.ts'

/** A node of a tree: its keys in order, each told by its block, and before, between and behind them the children, if any. */
export interface TreeNode {
  readonly keys: readonly number[]
  /** By twos: the block that a child is in, and its place there. */
  readonly children: readonly number[]
}

/** A block of a Hyperbee: an entry that was put or deleted, and the nodes that were changed for that. */
export class TreeBlock implements TreeEntry {
  readonly seq: number
  readonly key: Buffer
  readonly value: Buffer | null
  readonly #index: Buffer
  #nodes: readonly TreeNode[] | null = null

  /** @throws DECODING_ERROR for a block that is none of a Hyperbee */
  constructor(seq: number, bytes: Buffer) {
    const { index, key, value } = decode(seq, () => Node.decode(bytes))
    this.seq = seq
    this.key = key
    this.value = value
    this.#index = index
  }

  /** @throws DECODING_ERROR where there is no such node, or where it could not be one of a tree */
  node(place: number): TreeNode {
    const node = this.#decoded()[place]
    if (!node || !this.#isPossible(node)) throw undecodable(this.seq)
    return node
  }

  /** All its nodes by their places, but for those that could not be any. */
  *nodes(): Generator<[place: number, node: TreeNode], void, void> {
    for (const [place, node] of this.#decoded().entries()) if (this.#isPossible(node)) yield [place, node]
  }

  /** Nothing is made of what comes later; and of a block with a number that is none, a storage that is asked never comes to its end. */
  #isPossible({ keys, children }: TreeNode): boolean {
    if (children.length > 0 && children.length !== 2 * (keys.length + 1)) return false
    return keys.every((seq) => seq <= this.seq) && children.every((seq, i) => i % 2 === 1 || seq <= this.seq)
  }

  /** Whether it deletes its key. */
  get isDeletion(): boolean {
    return this.value === null && !this.#decoded().some(({ keys }) => keys.includes(this.seq))
  }

  #decoded(): readonly TreeNode[] {
    return (this.#nodes ??= decode(this.seq, () => YoloIndex.decode(this.#index)).levels)
  }
}

function decode<T>(seq: number, of: () => T): T {
  try {
    return of()
  } catch (err) {
    throw undecodable(seq, err)
  }
}
