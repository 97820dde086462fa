import { Map } from 'immutable'
import {
  tombstoneKey,
  type DirectoryRecord,
  type MountRecord,
  type TagRecord,
  type TombstoneRecord
} from '../../format/records.ts'
import type { LogChange } from './line.ts'
import type { Sidecar } from './sidecar.ts'

/** Everything that the log says, as one snapshot that never changes. */
export interface Records {
  /** By {@link tombstoneKey}. */
  readonly tombstones: Map<string, TombstoneRecord>
  readonly directories: Map<string, DirectoryRecord>
  readonly mounts: Map<string, MountRecord>
  readonly tags: Map<string, TagRecord>
  readonly sidecars: Map<string, Sidecar>
}

export const NO_RECORDS: Records = {
  tombstones: Map(),
  directories: Map(),
  mounts: Map(),
  tags: Map(),
  sidecars: Map()
}

export function withChanges(records: Records, changes: readonly LogChange[]): Records {
  const tombstones = records.tombstones.asMutable()
  const directories = records.directories.asMutable()
  const mounts = records.mounts.asMutable()
  const tags = records.tags.asMutable()
  const sidecars = records.sidecars.asMutable()
  for (const change of changes) {
    switch (change.type) {
      case 'file':
      case 'link':
      case 'sidecar':
        if (change.sidecar) sidecars.set(change.key, change.sidecar)
        else sidecars.delete(change.key)
        break
      case 'remove':
        sidecars.delete(change.key)
        break
      case 'bury':
        tombstones.set(tombstoneKey(change.record), change.record)
        break
      case 'unbury':
        tombstones.delete(tombstoneKey(change.record))
        break
      case 'make-directory':
        directories.set(change.record.path, change.record)
        break
      case 'remove-directory':
        directories.delete(change.path)
        break
      case 'mount':
        mounts.set(change.record.path, change.record)
        break
      case 'tag':
        tags.set(change.record.name, change.record)
        break
    }
  }
  return {
    tombstones: tombstones.asImmutable(),
    directories: directories.asImmutable(),
    // Nobody need look at those again where none has changed.
    mounts: mounts.wasAltered() ? mounts.asImmutable() : records.mounts,
    tags: tags.asImmutable(),
    sidecars: sidecars.asImmutable()
  }
}

export function countRecords(records: Records): number {
  const maps: readonly { readonly size: number }[] = Object.values(records)
  return maps.reduce((count, { size }) => count + size, 0)
}

/** The changes that lead from nothing to these records. */
export function* asChanges(records: Records): Generator<LogChange> {
  for (const record of records.tombstones.values()) yield { type: 'bury', record }
  for (const record of records.directories.values()) yield { type: 'make-directory', record }
  for (const record of records.mounts.values()) yield { type: 'mount', record }
  for (const record of records.tags.values()) yield { type: 'tag', record }
  for (const [key, sidecar] of records.sidecars) yield { type: 'sidecar', key, sidecar }
}
