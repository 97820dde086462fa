import type { Bounds } from './bounds.ts'
import { undecodable } from './failure.ts'
import type { TreeBlock, TreeNode } from './tree-block.ts'
import { textOf } from './tree-cache.ts'
import type { TreeNodes } from './tree-nodes.ts'
import type { TreeEntry } from './types.ts'

/** Deeper than any tree that could be written, for damaged ones to come to an end. */
export const MAX_DEPTH = 64

/** Pages of so many entries at most are kept, as what is looked up is: of longer ones there would be no end. */
const KEPT = 32

/** So many keys a leaf is taken to have, and so many children each other node: few, for one look ahead to be enough. */
const LEAF_KEYS = 5
const CHILDREN = 6

/** A part of the tree that was not looked into yet. */
interface Child {
  readonly seq: number
  readonly place: number
  readonly depth: number
  /** Whether keys before, or behind, the range may be in it. */
  readonly before: boolean
  readonly behind: boolean
}

/** Reads a range of a tree in order, or against it: all the nodes that a page lies in are read together, level by level. */
export class TreeCursor {
  readonly #nodes: TreeNodes
  readonly #bounds: Bounds
  readonly #lower: string
  readonly #upper: string
  readonly #reverse: boolean
  /** What is still to come, the next one last: entries by their blocks, and parts of the tree. */
  readonly #ahead: (number | Child)[] = []
  /** How deep the leaves are; null as long as none was seen. */
  #leaves: number | null = null
  #last: Buffer | null = null

  /** @param version - at which the tree is read */
  constructor(nodes: TreeNodes, version: number, bounds: Bounds, reverse: boolean) {
    this.#nodes = nodes
    this.#bounds = bounds
    this.#lower = bounds.lower ? textOf(bounds.lower) : ''
    this.#upper = bounds.upper ? textOf(bounds.upper) : ''
    this.#reverse = reverse
    if (version < 2) return
    const [before, behind] = [bounds.lower !== null, bounds.upper !== null]
    this.#ahead.push({ seq: version - 1, place: 0, depth: 0, before, behind })
  }

  /** The next entries; fewer than `limit` where the range ends. */
  async next(limit: number): Promise<readonly TreeEntry[]> {
    const blocks = new Map<number, TreeBlock>()
    await this.#lookAhead(limit, blocks)
    const seqs = this.#ahead.slice(-limit).reverse() as number[]
    const { cache } = this.#nodes
    const kept = limit <= KEPT ? seqs.map((seq) => cache.entry(seq)) : []
    await this.#read(
      seqs.filter((_, i) => !kept[i]),
      blocks
    )
    const entries = seqs.map((seq, i) => kept[i] ?? blocks.get(seq)!)
    this.#check(entries)
    // Not before they are here: what could not be read is still to come.
    this.#ahead.length -= seqs.length
    this.#last = entries.at(-1)?.key ?? this.#last
    if (limit <= KEPT) for (const entry of entries) cache.keepEntry(entry)
    return entries
  }

  /** Looks into the parts of the tree that come next, until so many entries do, or nothing but entries. */
  async #lookAhead(limit: number, blocks: Map<number, TreeBlock>): Promise<void> {
    for (;;) {
      const places = this.#parts(limit)
      if (places.length === 0) return
      const parts = places.map((at) => this.#ahead[at] as Child)
      const known = parts.map(({ seq, place }) => this.#nodes.cache.node(seq, place))
      await this.#read(
        parts.filter((_, i) => !known[i]).map(({ seq }) => seq),
        blocks
      )
      for (const [i, part] of parts.entries()) {
        const node = known[i] ?? blocks.get(part.seq)!.node(part.place)
        if (node.children.length > 0 || limit <= KEPT) this.#nodes.cache.keepNode(part.seq, part.place, node)
        const inside = await this.#inside(part, node)
        // From the back to the front: what is before stays where it is.
        this.#ahead.splice(places[i]!, 1, ...(this.#reverse ? inside : inside.reverse()))
      }
    }
  }

  /** Where the parts are that so many entries are expected to lie in, from the back. */
  #parts(limit: number): number[] {
    const places: number[] = []
    let expected = 0
    for (let at = this.#ahead.length - 1; at >= 0 && expected < limit; at--) {
      const item = this.#ahead[at]!
      if (typeof item === 'number') expected++
      else {
        places.push(at)
        expected += this.#expected(item, limit)
      }
    }
    return places
  }

  #expected({ depth, before, behind }: Child, limit: number): number {
    if (before || behind) return 0
    return this.#leaves === null ? limit : LEAF_KEYS * CHILDREN ** Math.max(0, this.#leaves - depth)
  }

  /** What of a part is in the range, in order. */
  async #inside({ seq, depth, before, behind }: Child, node: TreeNode): Promise<(number | Child)[]> {
    const { keys, children } = node
    if (depth >= MAX_DEPTH) throw undecodable(seq)
    let [from, to] = [0, keys.length]
    if (before || behind) {
      const { keys: texts } = await this.#nodes.keys(node)
      if (before) from = texts.findIndex((text) => this.#isPastLower(text))
      if (from === -1) from = to
      if (behind) while (to > from && !this.#isBeforeUpper(texts[to - 1]!)) to--
    }
    if (children.length === 0) {
      this.#leaves = depth
      return keys.slice(from, to)
    }
    const inside: (number | Child)[] = []
    for (let i = from; i <= to; i++) {
      inside.push({
        seq: children[2 * i]!,
        place: children[2 * i + 1]!,
        depth: depth + 1,
        before: before && i === from,
        behind: behind && i === to
      })
      if (i < to) inside.push(keys[i]!)
    }
    return inside
  }

  #isPastLower(text: string): boolean {
    return this.#bounds.includesLower ? text >= this.#lower : text > this.#lower
  }

  #isBeforeUpper(text: string): boolean {
    return this.#bounds.includesUpper ? text <= this.#upper : text < this.#upper
  }

  async #read(seqs: readonly number[], blocks: Map<number, TreeBlock>): Promise<void> {
    const missing = new Set(seqs.filter((seq) => !blocks.has(seq)))
    if (missing.size === 0) return
    for (const block of await this.#nodes.read([...missing])) blocks.set(block.seq, block)
  }

  /** Merging relies on the order: a tree without it is damaged. */
  #check(entries: readonly TreeEntry[]): void {
    let last = this.#last
    for (const { seq, key } of entries) {
      const order = last ? Buffer.compare(last, key) : null
      if (order !== null && (this.#reverse ? order <= 0 : order >= 0)) throw undecodable(seq)
      last = key
    }
    for (const { seq, key } of [...entries.slice(0, 1), ...entries.slice(-1)]) {
      const text = textOf(key)
      if (this.#bounds.lower && !this.#isPastLower(text)) throw undecodable(seq)
      if (this.#bounds.upper && !this.#isBeforeUpper(text)) throw undecodable(seq)
    }
  }
}
