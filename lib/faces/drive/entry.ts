import { posix } from 'node:path'
import type { Drive, Entry, EntryValue, FallbackOptions, ReadOptions } from '../../drive.ts'
import { failure } from '../../errors.ts'
import { mayFallBack, readable } from '../../overlay/fallback.ts'
import type { PastVersion } from '../../overlay/history.ts'
import { believed } from '../../overlay/resolve.ts'
import { MAX_LINKS } from '../../overlay/tree.ts'
import type { Located, Reader } from '../../overlay/view.ts'
import { ancestors, toKey } from '../../path.ts'

export interface EntryOptions extends FallbackOptions {
  /** Follow symbolic links inside the merged view, at most {@link MAX_LINKS}. Default false. */
  follow?: boolean
}

/** An entry as callers know it from Hyperdrive, with its date and its drive; it remembers the version that it was made from. */
class LocatedEntry implements Entry {
  readonly seq: number | null
  readonly key: string
  readonly value: EntryValue
  readonly mtime: number | null
  declare readonly stale?: true
  readonly #located: Located

  constructor(located: Located, reader: Reader) {
    const { candidate } = located
    this.seq = candidate.leaf.versioned ? candidate.origin.seq : null
    this.key = candidate.key
    this.value = candidate.value
    this.mtime = believed(candidate, reader.rules)
    if (located.stale) this.stale = true
    this.#located = located
  }

  /** A getter, so that an entry can still be printed, compared and made into JSON. */
  get drive(): Drive {
    return this.#located.source.drive
  }

  static origin(entry: unknown): Located | null {
    return entry instanceof LocatedEntry ? entry.#located : null
  }
}

/** What a path held once, or that it was deleted; the newest first, as {@link Entry} where there is something to read. */
export type HistoryItem = PastEntry | PastDeletion

/** A version of a path, to be read as any entry. */
export interface PastEntry extends Entry {
  readonly type: 'put'
}

/** The end of a path, until it is written again. */
export interface PastDeletion {
  readonly type: 'del'
  /** The sequence number of the tombstone, or of the record that deleted the entry, in its drive; null where that has no history. */
  readonly seq: number | null
  readonly key: string
  readonly value: null
  /** Milliseconds since the epoch, null when nobody wrote down when. */
  readonly mtime: number | null
  /** The drive of the set whose author deleted it; not enumerable. */
  readonly drive: Drive
}

class Put extends LocatedEntry implements PastEntry {
  readonly type = 'put'
}

class Deletion implements PastDeletion {
  readonly type = 'del'
  readonly seq: number | null
  readonly key: string
  readonly value = null
  readonly mtime: number | null
  readonly #drive: Drive

  constructor(key: string, { source, version }: PastVersion, reader: Reader) {
    this.seq = version.leaf.versioned ? version.origin.seq : null
    this.key = key
    this.mtime = believed(version, reader.rules)
    this.#drive = source.drive
  }

  get drive(): Drive {
    return this.#drive
  }
}

export function toHistoryItem(key: string, past: PastVersion, reader: Reader): HistoryItem {
  if (past.type === 'del') return new Deletion(key, past, reader)
  return new Put({ candidate: past.version, source: past.source }, reader)
}

export function toEntry(located: Located, reader: Reader): Entry {
  return new LocatedEntry(located, reader)
}

/** The version that an entry was made from, null for an entry of another drive. */
export function originOf(entry: Entry): Located | null {
  return LocatedEntry.origin(entry)
}

/** As {@link find}, for one who wants the bytes: where the read may fall back, those of the version that is given are here. */
export async function findReadable(
  reader: Reader,
  target: string | Entry,
  syscall: string,
  opts: () => EntryOptions
): Promise<Located | null> {
  const located = await find(reader, target, syscall, opts())
  if (!mayFallBack(reader, opts())) return located
  const isSettled = typeof target !== 'string' && originOf(target) !== null
  if (isSettled || !located?.candidate.value.blob) return located
  return readable(reader, located.candidate.key, located, opts())
}

/** As {@link findBytes}, with the bytes here where the read may fall back. */
export async function findReadableBytes(
  reader: Reader,
  target: string | Entry,
  opts: EntryOptions
): Promise<Located | null> {
  const located = await findBytes(reader, target, opts)
  if (typeof target !== 'string' || !located?.candidate.value.blob) return located
  return readable(reader, located.candidate.key, located, opts)
}

/** What a caller means by a path or an entry; an entry of another drive means its key. */
export async function find(
  reader: Reader,
  target: string | Entry,
  syscall: string,
  opts: ReadOptions & { follow?: boolean } = {}
): Promise<Located | null> {
  const origin = LocatedEntry.origin(target)
  if (origin) return origin
  if ((target as unknown) instanceof Deletion) return null
  const path = typeof target === 'string' ? target : (target as { key?: unknown } | null)?.key
  let key = toKey(path, syscall)
  for (let links = 0; ; links++) {
    const located = await reader.locate(key, opts)
    const linkname = located?.candidate.value.linkname ?? null
    if (located === null || linkname === null || opts.follow !== true) return located
    if (links === MAX_LINKS) throw failure('ELOOP', { syscall, path: String(path) })
    key = linkTarget(key, linkname)
    if (key === '/') return null
  }
}

/**
 * What the bytes at a path are to be read from: every link on the way is followed, also those to folders. An entry means what it was
 * made from.
 */
export async function findBytes(
  reader: Reader,
  target: string | Entry,
  opts: ReadOptions
): Promise<Located | null> {
  if (typeof target !== 'string') return find(reader, target, 'open', opts)
  let key = toKey(target, 'open')
  for (let links = 0; ; links++) {
    const located = await reader.locate(key, opts)
    if (located && located.candidate.value.linkname === null) return located
    const link = located ?? (await firstAbove(reader, key, opts))
    const { linkname = null } = link?.candidate.value ?? {}
    if (link === null || linkname === null) return null
    if (links === MAX_LINKS) throw failure('ELOOP', { syscall: 'open', path: target })
    const rest = key.slice(link.candidate.key.length)
    key = linkTarget(link.candidate.key, linkname).replace(/^\/$/, '') + rest
    if (key === '') return null
  }
}

/** The file or the link that a path leads through first, where folders have to be. */
async function firstAbove(reader: Reader, key: string, opts: ReadOptions): Promise<Located | null> {
  for (const folder of ancestors(key).reverse()) {
    const located = await reader.locate(folder, opts)
    if (located) return located
  }
  return null
}

/** Where a link leads. As in POSIX, `..` at the root stays there: nothing leads outside the drives. */
function linkTarget(key: string, linkname: string): string {
  const target = posix.resolve(posix.dirname(key), linkname.replaceAll('\\', '/'))
  return target === '/' ? target : target.replace(/\/$/, '')
}
