import { isDeepStrictEqual } from 'node:util'
import { nodeChanges, traceable } from '../../overlay/changes.ts'
import { joined } from '../../overlay/joined.ts'
import type { Node, Resolved, Tree } from '../../overlay/tree.ts'
import type { MergedView } from '../../overlay/view.ts'
import { ancestors, isIn } from '../../path.ts'
import { badArgument, checkSignal, encoded, toOptions, toPath, toSignal, type PathLike } from './arguments.ts'
import { namesBelow } from './look.ts'
import { resolve, treeOf, type Host } from './host.ts'

/** Called for each change: `rename` when something came or went, `change` when it is another version; the name from the path watched. */
export type OnChange = (eventType: 'rename' | 'change', filename: string) => void

/** As {@link OnChange}, with names in bytes. */
export type OnChangeInBytes = (eventType: 'rename' | 'change', filename: Buffer) => void

type EncodingName = BufferEncoding | 'buffer'

export interface WatchOptions {
  /** Of names. Default `utf8`. */
  encoding?: EncodingName | null
  /** Whether what lies in folders below is told of. Default true. */
  recursive?: boolean
  /** Ends the watch. */
  signal?: AbortSignal
  /** Taken as Node's is; a watch never keeps a process alive. */
  persistent?: boolean
}

/** Options of a watch that asks for names in bytes. */
export type WatchInBytes = (WatchOptions & { encoding: 'buffer' }) | 'buffer'

/** A watch, until it is closed. */
export interface Watcher {
  destroy(): void
  /** The same as `destroy()`, as Node's watchers have it. */
  close(): void
}

/**
 * Watches what stands at a path and below it. It is looked at anew whenever a drive of the set has changed; what others do to a folder of
 * a Localdrive is seen then, and not before.
 */
export function watch(
  host: Host,
  path: PathLike,
  opts: unknown,
  onchange: (eventType: 'rename' | 'change', filename: never) => void,
  onerror: (err: unknown) => void
): Watcher {
  const at = toPath(path)
  const { encoding, recursive = true, signal } = toWatchOptions(opts)
  let known: Look | null = null
  let closed = false

  const tell = (name: string, before: unknown, now: unknown) => {
    if (closed || isDeepStrictEqual(before, now) || (!recursive && name.includes('/'))) return
    const type = before === undefined || now === undefined ? 'rename' : 'change'
    // What the callback throws is its own affair.
    process.nextTick(onchange, type, encoded(name, encoding))
  }
  const work = async () => {
    const tree = await treeOf(host)
    const root = await resolve(tree, at, true).catch(absentAsNull)
    const views = known && isSameFolder(known.root, root) ? traceable(tree.view, known.tree.view) : null
    // What cannot be compared, as where a drive has closed, is looked at whole.
    const changes = views && (await changesOf(views, tree, root!.key).catch(() => null))
    if (known && changes) {
      for (const [name, now] of changes) {
        tell(name, known.names.get(name), now)
        if (now === undefined) known.names.delete(name)
        else known.names.set(name, now)
      }
      known = { ...known, tree, root }
    } else {
      const names = await look(tree, root)
      const before = known?.names ?? names
      for (const name of new Set([...before.keys(), ...names.keys()]))
        tell(name, before.get(name), names.get(name))
      known = { tree, root, names }
    }
  }
  const update = joined(
    async () => {
      if (!closed) await work()
    },
    (err) => {
      if (!closed) onerror(err)
    }
  )
  const forget = host.onUpdate(update)
  const destroy = () => {
    closed = true
    forget()
    signal?.removeEventListener('abort', destroy)
  }
  signal?.addEventListener('abort', destroy)
  if (signal?.aborted) destroy()
  update()
  return { destroy, close: destroy }
}

/** @throws ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE as Node does */
function toWatchOptions(value: unknown): WatchOptions {
  const options = toOptions<WatchOptions>(value)
  const { recursive, signal } = options
  if (recursive !== undefined && typeof recursive !== 'boolean')
    throw badArgument('ERR_INVALID_ARG_TYPE', 'options.recursive', 'of type boolean', recursive)
  toSignal(signal)
  return options
}

/** What was found where a path leads, null where nothing was. */
interface Look {
  tree: Tree
  root: Resolved | null
  /** What stands at each name there, that of the path itself among them. */
  readonly names: Map<string, unknown>
}

async function look(tree: Tree, root: Resolved | null): Promise<Map<string, unknown>> {
  const names = new Map<string, unknown>()
  if (!root?.node) return names
  const { key, node } = root
  names.set(key.slice(key.lastIndexOf('/') + 1), versionOf(node))
  if (node.kind !== 'directory') return names
  for (const { name, node: below } of await namesBelow(tree, key, true)) names.set(name, versionOf(below))
  return names
}

function isSameFolder(a: Resolved | null, b: Resolved | null): boolean {
  return a?.node?.kind === 'directory' && b?.node?.kind === 'directory' && a.key === b.key
}

/** What stands now at each name in a folder at which something may have changed, undefined for nothing. */
async function changesOf(
  { now, before }: { now: MergedView; before: MergedView },
  tree: Tree,
  folder: string
): Promise<Map<string, unknown>> {
  const found = new Map<string, unknown>()
  const see = async (key: string) => {
    const name = key.slice(folder.length + 1)
    if (found.has(name)) return
    const node = await tree.at(key)
    found.set(name, node ? versionOf(node) : undefined)
  }
  for await (const { key } of nodeChanges(now, before, folder)) {
    await see(key)
    // A folder may be there for what is in it alone.
    for (const above of ancestors(key)) if (above !== folder && isIn(above, folder)) await see(above)
  }
  return found
}

/** What changes when something else stands at a name; a folder is the same whatever is in it. */
function versionOf(node: Node): unknown {
  if (node.kind === 'directory') return 'directory'
  const { origin, stamp, value, leaf } = node.located.candidate
  return leaf.versioned ? [origin.id, origin.seq] : [leaf.name, stamp, value]
}

function absentAsNull(err: unknown): null {
  if (['ENOENT', 'ENOTDIR', 'ELOOP'].includes((err as { code: string }).code)) return null
  throw err
}

export interface Change {
  eventType: 'rename' | 'change'
  filename: string | Buffer
}

/** The changes of {@link watch} one by one; one that comes again while nobody asks is told once. */
export function watchAsync(
  host: Host,
  path: PathLike,
  opts?: WatchOptions | EncodingName | null
): AsyncGenerator<Change, void, void> {
  const ended = new AbortController()
  const changes = changesAt(host, path, opts, ended.signal)
  const end = changes.return.bind(changes)
  // By itself a generator ends when what it waits for has come.
  changes.return = (value) => {
    ended.abort()
    return end(value)
  }
  return changes
}

async function* changesAt(
  host: Host,
  path: PathLike,
  opts: WatchOptions | EncodingName | null | undefined,
  ended: AbortSignal
): AsyncGenerator<Change, void, void> {
  const { signal } = toWatchOptions(opts)
  checkSignal(signal)
  await host.ready('watch')
  const pending = new Map<string, Change>()
  const failures: unknown[] = []
  let wake: () => void = () => undefined
  const watcher = watch(
    host,
    path,
    opts,
    (eventType, filename: string | Buffer) => {
      pending.set(`${eventType} ${filename.toString('hex')}`, { eventType, filename })
      wake()
    },
    (err) => {
      if (failures.length === 0) failures.push(err)
      wake()
    }
  )
  const closed = new AbortController()
  const forget = host.onClose(() => closed.abort())
  const over = AbortSignal.any([closed.signal, ended, ...(signal ? [signal] : [])])
  over.addEventListener('abort', () => wake())
  try {
    for (;;) {
      for (const [name, change] of pending) {
        pending.delete(name)
        yield change
      }
      if (ended.aborted || closed.signal.aborted) return
      checkSignal(signal)
      // Whatever fails when the MultiDrive is being closed is the end of it.
      if (failures.length > 0 && !(await isOpen(host))) return
      if (failures.length > 0) throw failures[0]
      await new Promise<void>((resolve) => (wake = resolve))
    }
  } finally {
    forget()
    watcher.destroy()
  }
}

async function isOpen(host: Host): Promise<boolean> {
  try {
    await host.ready('watch')
    return true
  } catch {
    return false
  }
}
