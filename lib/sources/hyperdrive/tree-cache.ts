import Rache from 'rache'
import { TreeBlock, type TreeNode } from './tree-block.ts'
import type { Core, TreeEntry } from './types.ts'

/** What the trees of all drives keep together, where their store has no cache of its own. */
const shared = new Rache({ maxSize: 2 ** 17 })

/** Nodes that stand further behind in their block are not kept. */
const PLACES = 2 ** 16

/** What was read of a drive's tree, whatever its version: a block stays as it is as long as the drive is not truncated. */
export class TreeCache {
  /** Of which fork of the drive it is. */
  readonly fork: number
  readonly #nodes: Rache<number, TreeNode>
  readonly #keys: Rache<number, string>
  readonly #entries: Rache<number, TreeEntry>
  #latest: { readonly seq: number; readonly blocks: readonly Buffer[] } = { seq: 0, blocks: [] }

  constructor(core: Core) {
    this.fork = core.fork
    const parent = core.globalCache ?? shared
    this.#nodes = Rache.from(parent)
    this.#keys = Rache.from(parent)
    this.#entries = Rache.from(parent)
  }

  node(seq: number, place: number): TreeNode | undefined {
    return place < PLACES ? this.#nodes.get(seq * PLACES + place) : undefined
  }

  keepNode(seq: number, place: number, node: TreeNode): void {
    if (place < PLACES) this.#nodes.set(seq * PLACES + place, node)
  }

  /** The key in a block, as {@link textOf} tells it. */
  key(seq: number): string | undefined {
    return this.#keys.get(seq)
  }

  keepKey(seq: number, bytes: Buffer): string {
    const key = textOf(bytes)
    this.#keys.set(seq, key)
    return key
  }

  entry(seq: number): TreeEntry | undefined {
    return this.#entries.get(seq)
  }

  /** Keeps a copy: the block may be much longer. */
  keepEntry({ seq, key, value }: TreeEntry): void {
    if (this.#entries.get(seq) === undefined)
      this.#entries.set(seq, { seq, key: copyOf(key), value: value && copyOf(value) })
  }

  /** Keeps the blocks that were written last, until others are. */
  keepLatest(seq: number, blocks: readonly Buffer[]): void {
    this.#latest = { seq, blocks }
  }

  /** The blocks from one to another, where they are those that were written last. */
  latest(from: number, to: number): readonly TreeBlock[] | null {
    const { seq, blocks } = this.#latest
    if (seq !== from || seq + blocks.length !== to) return null
    return blocks.map((bytes, i) => new TreeBlock(seq + i, bytes))
  }

  clear(): void {
    this.#latest = { seq: 0, blocks: [] }
    this.#nodes.clear()
    this.#keys.clear()
    this.#entries.clear()
  }
}

const all = new WeakMap<Core, TreeCache>()

/** What was read of a drive, by whichever source of it. */
export function cacheOf(core: Core): TreeCache {
  const before = all.get(core)
  if (before?.fork === core.fork) return before
  before?.clear()
  const cache = new TreeCache(core)
  all.set(core, cache)
  return cache
}

/** The bytes of a key as Latin-1: such strings compare as the bytes do, and are compared fast. */
export function textOf(key: Buffer): string {
  return key.toString('latin1')
}

function copyOf(bytes: Buffer): Buffer {
  const copy = Buffer.allocUnsafeSlow(bytes.byteLength)
  bytes.copy(copy)
  return copy
}
