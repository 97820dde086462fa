import type { Json } from '../../drive.ts'
import { failure } from '../../errors.ts'
import { isObject } from '../../format/json.ts'
import { isTime } from '../../format/stamp.ts'
import type { Operation } from '../../overlay/operation.ts'
import type { Preparation } from '../../overlay/transact.ts'
import type { Node } from '../../overlay/tree.ts'
import type { Located } from '../../overlay/view.ts'
import { EXECUTABLE_MODE, FILE_MODE, modeOf } from './stats.ts'

/** What a file has beside its bytes. */
export interface Attributes {
  /** Permission bits. */
  readonly mode: number
  readonly metadata: Json
  /** The mtime in milliseconds since the epoch; null for that of now, or the one that the metadata asks for. */
  readonly time: number | null
}

/** New bits, metadata or times for what stands somewhere. */
export type AttributeChange = Partial<Attributes>

/** The attributes that a file keeps when all of it stays as it is. */
export function keptAttributes(located: Located): Attributes {
  const { value, stamp } = located.candidate
  const time = dated(value.metadata) ? null : stamp.mtime
  return { mode: modeOf(located), metadata: value.metadata, time }
}

/** The attributes that a file keeps when its bytes change: all but the date. */
export function attributesAfterWrite(located: Located): Attributes {
  return { mode: modeOf(located), metadata: withoutTime(located.candidate.value.metadata), time: null }
}

/** The bits as a file's operation takes them: told only where they do not go without saying. */
export function modeOperation(mode: number): { executable: boolean; mode: number | null } {
  const executable = (mode & 0o100) !== 0
  return { executable, mode: mode === (executable ? EXECUTABLE_MODE : FILE_MODE) ? null : mode }
}

/** Attributes with a change: a date that is set by itself is no longer the metadata's affair, and one in new metadata is. */
export function settle(attributes: Attributes, change: AttributeChange): Attributes {
  const all = { ...attributes, ...change }
  if (change.time != null) return { ...all, metadata: withoutTime(all.metadata) }
  return change.metadata !== undefined && dated(change.metadata) ? { ...all, time: null } : all
}

/** Gives what stands somewhere other attributes; its bytes are not written again where they are the writer's own. */
export async function withAttributes(
  at: Preparation,
  node: Node,
  change: AttributeChange
): Promise<Operation[]> {
  const { key } = node
  if (key === '') throw failure('EPERM', { detail: 'nothing is kept of the root' })
  if (node.kind === 'directory') {
    const record = node.record?.record ?? null
    const kept = { mode: record?.mode ?? null, metadata: record?.metadata ?? null }
    // One that only stood for what is in it keeps the date that it had by that.
    const time = dated(kept.metadata) ? null : (record?.mtime ?? (await at.tree.dateOf(node)))
    const { mode, metadata, time: date } = settle({ ...kept, time } as Attributes, change)
    return [{ type: 'make-directory', key, mode, metadata, time: date }]
  }
  const { located } = node
  const { candidate } = located
  const attributes = settle(keptAttributes(located), change)
  const given = { key, metadata: attributes.metadata, time: attributes.time }
  if (node.kind === 'link') return [{ type: 'link', linkname: candidate.value.linkname!, ...given }]
  const staged = await at.stage(key, candidate)
  return [{ type: 'file', staged, ...given, ...modeOperation(attributes.mode) }]
}

/** Metadata without the date that it may ask for. */
export function withoutTime(metadata: Json): Json {
  if (!isObject(metadata) || !Object.hasOwn(metadata, 'mtime')) return metadata
  const rest = Object.entries(metadata).filter(([name]) => name !== 'mtime')
  return rest.length === 0 ? null : Object.fromEntries(rest)
}

function dated(metadata: Json): boolean {
  return isObject(metadata) && isTime(metadata.mtime)
}
