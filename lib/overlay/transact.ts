import { isDeepStrictEqual } from 'node:util'
import { readerOf } from './mounted.ts'
import type { ReadOptions } from '../drive.ts'
import { errorCode, MultiDriveError } from '../errors.ts'
import type { Candidate, Source, Staged, WritableLeaf } from '../sources/source.ts'
import type { Operation, Write } from './operation.ts'
import type { Overlay } from './overlay.ts'
import { Tree, type Node } from './tree.ts'
import { Turns } from '../turns.ts'
import { commitInWith, placeOf, placeAt, requireAnyWriter } from './place.ts'
import type { Located, TreeView } from './view.ts'
import { worst } from './failure.ts'
import { FileDraft } from './draft.ts'

/** What a write that depends on what is there has looked at, and the bytes that it brings. */
export class Preparation {
  readonly tree: Tree
  readonly #overlay: Overlay
  readonly #syscall: string
  readonly #staged: Map<string, { of: Candidate | null; staged: Staged }>
  readonly #seen = new Map<string, Node | null>()
  readonly #walked = new Map<string, readonly Node[]>()
  readonly #folders = new Set<string>()
  /** How metadata and bytes that are not here are waited for. */
  readonly #read: ReadOptions
  readonly #found: { source: Source; key: string; candidate: Candidate | null }[] = []

  /** @internal */
  constructor(
    view: TreeView,
    overlay: Overlay,
    { syscall, read }: Attempt,
    staged: Map<string, { of: Candidate | null; staged: Staged }>
  ) {
    this.tree = new Tree(view, read)
    this.#read = read
    this.#overlay = overlay
    this.#syscall = syscall
    this.#staged = staged
  }

  /** What stands at a key: when that is no longer so, the write is prepared again. */
  async look(key: string): Promise<Node | null> {
    const node = await this.tree.at(key)
    this.#seen.set(key, node)
    return node
  }

  /** All that stands at a folder and below it, folders first where they lie above the rest; watched as by {@link look}. */
  async walk(folder: string): Promise<readonly Node[]> {
    const nodes = await walk(this.tree, folder)
    this.#walked.set(folder, nodes)
    return nodes
  }

  /** What one drive of the set shows at a key, whatever the others hold; watched as by {@link look}. */
  async lookIn(source: Source, key: string): Promise<Located | null> {
    const located = await this.tree.view.findIn(source, key, this.#read)
    this.#found.push({ source, key, candidate: located?.candidate ?? null })
    return located
  }

  /** Says what stands at a key, for one who has looked already; watched as by {@link look}. */
  see(key: string, node: Node | null): void {
    this.#seen.set(key, node)
  }

  /** Says that a folder is there which something is put into: when it is no longer, the write is prepared again. */
  putInto(folder: string): void {
    if (folder !== '') this.#folders.add(folder)
  }

  /**
   * Brings the bytes for a key to where it lies, once for each version that they come from, however often the write is prepared.
   *
   * @param of - the version that they come from, null for bytes that come from nowhere else
   * @param stage - how, for anything but a plain copy of that version
   */
  async stage(
    key: string,
    of: Candidate | null,
    stage?: (writer: WritableLeaf) => Promise<Staged>
  ): Promise<Staged> {
    const before = this.#staged.get(key)
    if (before && isSame(before.of, of)) return before.staged
    this.#staged.delete(key)
    await before?.staged.discard()
    const { writer } = await placeAt(this.#overlay, this.#syscall, key)
    const staged = await (stage?.(writer) ?? copy(of!, writer, this.#read)).catch((error: unknown) => {
      throw worst([{ source: writer, error }], key)
    })
    this.#staged.set(key, { of, staged })
    return staged
  }

  /** Whether two keys lie in one place, so that one write can change both. */
  async isOnePlace(a: string, b: string): Promise<boolean> {
    const [left, right] = [
      await placeAt(this.#overlay, this.#syscall, a),
      await placeAt(this.#overlay, this.#syscall, b)
    ]
    return left.prefix === right.prefix
  }

  /** Whether all that was looked at still stands as it did. */
  async isCurrent(view: TreeView): Promise<boolean> {
    if (view === this.tree.view && view.isStable) return true
    const tree = new Tree(view, this.#read)
    for (const folder of this.#folders) if ((await tree.at(folder))?.kind !== 'directory') return false
    for (const [key, node] of this.#seen) if (!isSameNode(await tree.at(key), node)) return false
    for (const { source, key, candidate } of this.#found) {
      if (!isSame((await view.findIn(source, key, this.#read))?.candidate ?? null, candidate)) return false
    }
    for (const [folder, before] of this.#walked) {
      const now = await walk(tree, folder)
      if (before.length !== now.length || !before.every((node, i) => isSameNode(node, now[i]!))) return false
    }
    return true
  }
}

/** Bytes of another drive may be long in coming: they wait aside until they are all here. */
async function copy(candidate: Candidate, writer: WritableLeaf, opts: ReadOptions): Promise<Staged> {
  if (candidate.leaf === writer) return writer.reuse(candidate)
  const draft = new FileDraft(candidate, opts)
  try {
    await draft.open()
    await draft.detach()
    return await writer.amend(draft)
  } finally {
    await draft.close()
  }
}

/** A write that is prepared, perhaps more than once. */
interface Attempt extends Omit<Write, 'operations'> {
  readonly read: ReadOptions
}

/** How a write lands that depends on what is visible. */
export interface TransactOptions {
  /** How what is not on this machine is waited for while it is prepared. */
  readonly read?: ReadOptions
  /** Runs when it has landed, before anybody else writes. */
  readonly landed?: () => Promise<void>
}

/** How often a write is prepared beside the others before it is prepared in its turn, with nobody writing meanwhile. */
const TRIES = 8

/** How often what it looks at may be replaced while it is prepared, as another process may do that writes into the same folder. */
const MOST_REPLACED = 100

/** One at a time of those who change the same file, so that they need not do their work again for each other. */
const turns = new Turns()

/**
 * Lands a write that depends on what is visible. It is prepared while others write; when its turn comes and what it looked at has changed,
 * it is prepared again. So copying a large file holds up nobody, and what another wrote meanwhile is not lost.
 *
 * @param prepare - gives the operations; none when there is nothing to do
 * @param key - what it changes, where two who do so should not get in each other's way; null where they do not
 * @throws as `commit`, and what `prepare` throws
 */
export async function transact(
  overlay: Overlay,
  syscall: string,
  key: string | null,
  prepare: (at: Preparation) => Promise<readonly Operation[]>,
  { read = {}, landed }: TransactOptions = {}
): Promise<void> {
  const attempt = { syscall, read: overlay.waiting(read), ...(landed ? { landed } : {}) }
  const work = () => land(overlay, attempt, prepare)
  if (key === null) {
    await requireAnyWriter(overlay, syscall)
    await work()
    return
  }
  const { writer, prefix } = await placeAt(overlay, syscall, key)
  await turns.run(`${writer.identity} ${key.slice(prefix.length)}`, work)
}

async function land(
  overlay: Overlay,
  { read, ...write }: Attempt,
  prepare: (at: Preparation) => Promise<readonly Operation[]>
): Promise<void> {
  const staged = new Map<string, { of: Candidate | null; staged: Staged }>()
  const begin = async () =>
    new Preparation(await readerOf(overlay, read), overlay, { ...write, read }, staged)
  try {
    let replaced = 0
    for (let tries = 0; ; tries++) {
      const at = await begin()
      const operations = await prepare(at).catch(async (err: unknown) => {
        if (!isGone(err) || ++replaced > MOST_REPLACED) throw err
        if (await at.isCurrent(await readerOf(overlay, read))) throw err
        return null
      })
      // What it looked at has changed before it was through.
      if (operations === null) continue
      if (operations.length === 0) return
      const place = await placeOf(overlay, write.syscall, operations)
      const landed = await commitInWith(place, async (view) => {
        // Where nothing is mounted, the view that the write lands in is the one to look at.
        const isAll = place.overlay === overlay && view.mountPoints().size === 0
        if (await at.isCurrent(isAll ? view : await readerOf(overlay, read))) return { ...write, operations }
        if (tries < TRIES) return null
        return { ...write, operations: await prepare(await begin()) }
      })
      if (landed) return
    }
  } finally {
    // Nothing happens to what has landed.
    await Promise.all([...staged.values()].map((bytes) => bytes.staged.discard()))
  }
}

/** Whether a drive no longer had what it had shown. */
function isGone(err: unknown): boolean {
  const code = errorCode(err)
  return code === 'ESTALE' || (code === 'ENOENT' && err instanceof MultiDriveError && err.drive !== undefined)
}

async function walk(tree: Tree, folder: string, nodes: Node[] = []): Promise<Node[]> {
  const node = await tree.at(folder)
  if (node === null) return nodes
  nodes.push(node)
  if (node.kind === 'directory') await walkBelow(tree, folder, nodes)
  return nodes
}

async function walkBelow(tree: Tree, folder: string, nodes: Node[]): Promise<void> {
  for (const { node } of await tree.children(folder)) {
    nodes.push(node)
    if (node.kind === 'directory') await walkBelow(tree, node.key, nodes)
  }
}

function isSameNode(a: Node | null, b: Node | null): boolean {
  if (a === null || b === null) return a === b
  if (a.kind === 'directory' || b.kind === 'directory') {
    if (a.kind !== 'directory' || b.kind !== 'directory' || a.key !== b.key) return false
    if (a.record === null || b.record === null) return a.record === b.record
    if (a.record.leaf !== b.record.leaf) return false
    return a.record.leaf.versioned
      ? isDeepStrictEqual(a.record.origin, b.record.origin)
      : isDeepStrictEqual(a.record.record, b.record.record)
  }
  return isSame(a.located.candidate, b.located.candidate)
}

/** Whether two candidates are one version. Where a drive has no history, one that looks the same is taken for the same. */
export function isSame(a: Candidate | null, b: Candidate | null): boolean {
  if (a === null || b === null) return a === b
  if (a.leaf !== b.leaf || a.key !== b.key) return false
  if (a.leaf.versioned) return a.origin.id === b.origin.id && a.origin.seq === b.origin.seq
  return isDeepStrictEqual([a.value, a.stamp], [b.value, b.stamp])
}
