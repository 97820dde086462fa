import type { Json } from '../../drive.ts'
import { isObject } from '../../format/json.ts'
import {
  formatDirectory,
  formatMount,
  formatTag,
  formatTombstone,
  parseDirectory,
  parseMount,
  parseTag,
  parseTombstone,
  tombstoneKey,
  type DirectoryRecord,
  type MountRecord,
  type Parsed,
  type TagRecord,
  type TombstoneRecord
} from '../../format/records.ts'
import { FORMAT_VERSION, isNewer } from '../../format/stamp.ts'
import { isKey } from '../../path.ts'
import type { SourceEvents } from '../source.ts'
import { HIDDEN, isHidden } from './root.ts'
import { formatSidecar, parseSidecar, type Sidecar } from './sidecar.ts'

/** A step of a commit as it stands in the log: the bytes of a file or link are those of a staged file. */
export type LogChange =
  | { type: 'file' | 'link'; key: string; staged: string; metadata: Json; sidecar: Sidecar | null }
  | { type: 'remove'; key: string }
  | { type: 'bury'; record: TombstoneRecord }
  | { type: 'unbury'; record: Pick<TombstoneRecord, 'path' | 'tree'> }
  | { type: 'make-directory'; record: DirectoryRecord }
  | { type: 'remove-directory'; path: string }
  | { type: 'mount'; record: MountRecord }
  | { type: 'tag'; record: TagRecord }
  /** A sidecar alone, as compaction leaves it: the file has long been there. */
  | { type: 'sidecar'; key: string; sidecar: Sidecar | null }

export type Line =
  | { kind: 'commit'; n: string; changes: LogChange[] }
  | { kind: 'done'; n: string }
  | { kind: 'undone'; n: string }

type Tell = SourceEvents['format']

// Names of commits and of staged files become names in the file system, so nothing else is believed.
const NAME = /^[0-9a-f]{32}$/

export function formatCommit(n: string, changes: readonly LogChange[]): string {
  return JSON.stringify({ v: FORMAT_VERSION, n, changes: changes.map(formatChange) }) + '\n'
}

export function formatEnd(n: string, kind: 'done' | 'undone'): string {
  return JSON.stringify({ v: FORMAT_VERSION, [kind]: n }) + '\n'
}

/** Reads one line; null when it is malformed or of a later release, which `tell` is told. */
export function parseLine(text: string, tell: Tell): Line | null {
  let line: unknown
  try {
    line = JSON.parse(text)
  } catch {
    return null
  }
  if (!isObject(line)) return null
  if (isNewer(line.v)) tell('entries', `${HIDDEN}/log`, line.v)
  if (line.v !== FORMAT_VERSION) return null
  if (isName(line.done)) return { kind: 'done', n: line.done }
  if (isName(line.undone)) return { kind: 'undone', n: line.undone }
  if (!isName(line.n) || !Array.isArray(line.changes)) return null
  const changes = line.changes.map((change) => parseChange(change, tell)).filter((change) => change !== null)
  return { kind: 'commit', n: line.n, changes }
}

function formatChange(change: LogChange): Json {
  switch (change.type) {
    case 'file':
    case 'link': {
      const { type, key, staged, metadata, sidecar } = change
      const value: { [name: string]: Json } = { type, key, staged }
      if (sidecar) value.sidecar = formatSidecar(sidecar)
      // Within a sidecar it is there already.
      if (metadata !== null && (sidecar?.metadata ?? null) === null) value.metadata = metadata
      return value
    }
    case 'sidecar':
      return { type: 'sidecar', key: change.key, sidecar: change.sidecar && formatSidecar(change.sidecar) }
    case 'remove':
      return { type: 'remove', key: change.key }
    case 'bury':
      return { type: 'bury', key: tombstoneKey(change.record), record: formatTombstone(change.record) }
    case 'unbury':
      return { type: 'unbury', key: tombstoneKey(change.record) }
    case 'make-directory':
      return { type: 'make-directory', path: change.record.path, record: formatDirectory(change.record) }
    case 'remove-directory':
      return { type: 'remove-directory', path: change.path }
    case 'mount':
      return { type: 'mount', path: change.record.path, record: formatMount(change.record) }
    case 'tag':
      return { type: 'tag', name: change.record.name, record: formatTag(change.record) }
  }
}

function parseChange(change: unknown, tell: Tell): LogChange | null {
  if (!isObject(change)) return null
  const { type, key, path, staged } = change
  switch (type) {
    case 'file':
    case 'link': {
      if (!isPlace(key) || !isName(staged)) return null
      const sidecar = told(parseSidecar(change.sidecar), 'entries', key, tell)
      const metadata = sidecar?.metadata ?? ((change.metadata ?? null) as Json)
      return { type, key, staged, metadata, sidecar }
    }
    case 'sidecar':
      return isPlace(key)
        ? { type, key, sidecar: told(parseSidecar(change.sidecar), 'entries', key, tell) }
        : null
    case 'remove':
      return isPlace(key) ? { type, key } : null
    case 'bury': {
      if (typeof key !== 'string') return null
      const record = told(parseTombstone(key, change.record), 'tombstones', key, tell)
      return record && { type, record }
    }
    case 'unbury': {
      if (typeof key !== 'string') return null
      const tree = key.endsWith('/')
      return { type, record: { path: tree ? key.slice(0, -1) : key, tree } }
    }
    case 'make-directory': {
      if (!isPlace(path)) return null
      const record = told(parseDirectory(path, change.record), 'directories', path, tell)
      return record && { type, record }
    }
    case 'remove-directory':
      return isPlace(path) ? { type, path } : null
    case 'mount': {
      if (!isPlace(path)) return null
      const record = told(parseMount(path, change.record), 'mounts', path, tell)
      return record && { type, record }
    }
    case 'tag': {
      const { name } = change
      if (typeof name !== 'string') return null
      const record = told(parseTag(name, change.record), 'tags', name, tell)
      return record && { type, record }
    }
    default:
      return null
  }
}

function told<T>(
  { record, newer }: Parsed<T>,
  kind: Parameters<Tell>[0],
  path: string,
  tell: Tell
): T | null {
  if (newer !== null) tell(kind, path, newer)
  return record
}

function isPlace(key: unknown): key is string {
  return isKey(key) && !isHidden(key)
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && NAME.test(value)
}
