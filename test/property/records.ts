/** What lies in a drive after a write: that each record says what it should, and that there are no others. */
import assert from 'node:assert/strict'
import SubEncoder from 'sub-encoder'
import { collect } from '../helpers/drives.ts'
import type { Dated, File, Mount, State, Tag, Tombstone } from './oracle.ts'

const hidden = new SubEncoder('multidrive', 'utf-8')
const KEYS = {
  tombstones: hidden.sub('tombstones', 'utf-8'),
  tags: hidden.sub('tags', 'utf-8'),
  mounts: hidden.sub('mounts', 'utf-8')
}

/** Looks up where a record came to lie, and that it says what it should. */
export async function verify(drive: any, record: File | Tombstone): Promise<void> {
  if ('key' in record) return verifyHidden(drive, 'tombstones', record.key, record, {})
  const node = await drive.entry(record.path)
  const { mtime, multidrive } = node.value.metadata
  assert.deepEqual(
    { mtime, ctime: multidrive.ctime, clock: multidrive.clock ?? {} },
    { mtime: record.mtime, ctime: record.ctime, clock: plain(record.clock) },
    `the stamp of ${record.path}`
  )
  record.seq = node.seq
}

export async function verifyTag(drive: any, record: Tag): Promise<void> {
  await verifyHidden(drive, 'tags', record.name, record, { version: record.version })
}

export async function verifyMount(drive: any, record: Mount): Promise<void> {
  const { path, id, version } = record
  await verifyHidden(drive, 'mounts', path, record, version === null ? { id } : { id, version })
}

/** The drive's tombstones are those that the rules ask for, and no others. */
export async function verifyTombstones(drive: any, state: State): Promise<void> {
  const nodes = await collect(drive.db.createReadStream({}, { keyEncoding: KEYS.tombstones }))
  const keys = nodes.map(({ key }) => key)
  assert.deepEqual(keys.sort(), [...state.tombstones.keys()].sort(), 'the tombstones of a drive')
}

async function verifyHidden(
  drive: any,
  kind: keyof typeof KEYS,
  name: string,
  record: Dated,
  members: object
): Promise<void> {
  const node = await drive.db.get(name, { keyEncoding: KEYS[kind], valueEncoding: 'json' })
  assert.ok(node, `of ${kind}, ${name} is left`)
  const { mtime, ctime, clock } = record
  assert.deepEqual(node.value, { v: 1, mtime, ctime, clock: plain(clock), ...members }, `${kind}: ${name}`)
  record.seq = node.seq
}

function plain(clock: ReadonlyMap<string, number>): Record<string, number> {
  return Object.fromEntries([...clock].sort())
}
