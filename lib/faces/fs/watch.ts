import { EventEmitter, on } from 'node:events'
import { isDeepStrictEqual } from 'node:util'
import type { Node } from '../../overlay/tree.ts'
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
  let known: Map<string, unknown> | null = null
  // 'again' when something has changed since the look that is under way.
  let state: 'still' | 'looking' | 'again' = 'still'
  let closed = false

  const look = async () => {
    const tree = await treeOf(host)
    const found = new Map<string, unknown>()
    const { key, node } = await resolve(tree, at, true)
    if (node) found.set(key.slice(key.lastIndexOf('/') + 1), versionOf(node))
    if (node?.kind === 'directory') {
      for (const { name, node: below } of await namesBelow(tree, key, true)) found.set(name, versionOf(below))
    }
    return found
  }
  const tell = (before: Map<string, unknown>, now: Map<string, unknown>) => {
    for (const name of new Set([...before.keys(), ...now.keys()])) {
      if (closed) return
      // What the callback throws is its own affair.
      if (before.has(name) !== now.has(name)) process.nextTick(onchange, 'rename', name)
      else if (!isDeepStrictEqual(before.get(name), now.get(name))) process.nextTick(onchange, 'change', name)
    }
  }
  const run = async () => {
    const begun = state
    state = begun === 'still' ? 'looking' : 'again'
    if (begun !== 'still') return
    try {
      const now = await look().catch(absentAsEmpty)
      if (known) tell(known, now)
      known = now
    } finally {
      const isAgain = (state as string) === 'again'
      state = 'still'
      if (isAgain && !closed) update()
    }
  }
  const update = () => {
    run().catch((err: unknown) => {
      if (!closed) onerror(err)
    })
  }
  const forget = host.onUpdate(update)
  update()
  const destroy = () => {
    closed = true
    forget()
  }
  return { destroy, close: destroy }
}

/** What changes when something else stands at a name; a folder is the same whatever is in it. */
function versionOf(node: Node): unknown {
  if (node.kind === 'directory') return 'directory'
  const { origin, stamp, value, leaf } = node.located.candidate
  return leaf.versioned ? [origin.id, origin.seq] : [leaf.name, stamp, value]
}

function absentAsEmpty(err: unknown): Map<string, unknown> {
  if (['ENOENT', 'ENOTDIR', 'ELOOP'].includes((err as { code: string }).code)) return new Map()
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
