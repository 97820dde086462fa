import { EventEmitter, on } from 'node:events'
import { isDeepStrictEqual } from 'node:util'
import { nodeChanges, traceable } from '../../overlay/changes.ts'
import { joined } from '../../overlay/joined.ts'
import type { Node, Resolved, Tree } from '../../overlay/tree.ts'
import type { MergedView } from '../../overlay/view.ts'
import { ancestors, isIn } from '../../path.ts'
import { checkSignal, encoded, toOptions, toPath, type PathLike } from './arguments.ts'
import { namesBelow } from './look.ts'
import { resolve, treeOf, type Host } from './host.ts'

/** Called for each change: `rename` when something came or went, `change` when it is another version; the name from the path watched. */
export type OnChange = (eventType: 'rename' | 'change', filename: string) => void

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
  onchange: OnChange,
  onerror: (err: unknown) => void
): Watcher {
  const at = toPath(path)
  let known: Look | null = null
  let closed = false

  const tell = (name: string, before: unknown, now: unknown) => {
    if (closed || isDeepStrictEqual(before, now)) return
    // What the callback throws is its own affair.
    process.nextTick(onchange, before === undefined || now === undefined ? 'rename' : 'change', name)
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
  update()
  const destroy = () => {
    closed = true
    forget()
  }
  return { destroy, close: destroy }
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

export interface WatchOptions {
  encoding?: BufferEncoding | 'buffer' | null
  signal?: AbortSignal
}

/** The changes of {@link watch} one by one. */
export async function* watchAsync(
  host: Host,
  path: PathLike,
  opts?: WatchOptions | BufferEncoding | 'buffer' | null
): AsyncGenerator<{ eventType: 'rename' | 'change'; filename: string | Buffer }, void, void> {
  const { encoding, signal } = toOptions<WatchOptions>(opts)
  checkSignal(signal)
  await host.ready('watch')
  // A failure that comes when nobody waits any more is nobody's.
  const events = new EventEmitter().on('error', () => undefined)
  const watcher = watch(
    host,
    path,
    (eventType, filename) => events.emit('change', { eventType, filename: encoded(filename, encoding) }),
    (err) => events.emit('error', err)
  )
  const closed = new AbortController()
  const forget = host.onClose(() => closed.abort())
  try {
    for await (const [change] of on(events, 'change', {
      signal: AbortSignal.any([closed.signal, ...(signal ? [signal] : [])])
    }))
      yield change as never
  } catch (err) {
    // Whatever fails when the MultiDrive is being closed is the end of it.
    const isOpen = await host.ready('watch').then(
      () => true,
      () => false
    )
    if (isOpen) throw err
  } finally {
    forget()
    watcher.destroy()
  }
}
