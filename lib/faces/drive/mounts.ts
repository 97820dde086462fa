import { decode, encode, isValid } from 'hypercore-id-encoding'
import { placeAt } from '../../overlay/place.ts'
import { Readable } from 'streamx'
import type { ReadOptions } from '../../drive.ts'
import { failure } from '../../errors.ts'
import { isSeq } from '../../format/clock.ts'
import type { MountPoint } from '../../format/records.ts'
import { MountedView, SIDE_BY_SIDE } from '../../overlay/mounted.ts'
import type { Overlay } from '../../overlay/overlay.ts'
import { transact } from '../../overlay/transact.ts'
import { parentOf } from '../../overlay/tree.ts'
import type { TreeView } from '../../overlay/view.ts'
import { toKey } from '../../path.ts'
import { toMount, type Mount } from '../fs/stats.ts'
import type { ReadableOf } from './readable.ts'

export interface MountOptions {
  /** The version of the drive that is shown, a length of its database core; null or left out for the newest. */
  version?: number | null
  /** The hash of the drive's tree at that version, 32 bytes or hex: one with another hash is not shown. */
  hash?: Uint8Array | string | null
}

export interface AllMountsOptions extends ReadOptions {
  /** Also what is mounted in mounted drives. Default true. */
  recursive?: boolean
}

/** A mount, and where it is. */
export interface MountAt {
  path: string
  mount: Mount
}

export async function mount(
  overlay: Overlay,
  path: string,
  key: Uint8Array | string,
  opts: MountOptions | null = {}
): Promise<void> {
  const at = toKey(path, 'mount')
  const point = toMountPoint(key, opts ?? {})
  const { writer } = await placeAt(overlay, 'mount', parentOf(at), at)
  const isItself = point.version === null && writer.identity === point.id
  if (isItself) throw failure('ELOOP', { syscall: 'mount', path: at, detail: 'a drive in itself' })
  await transact(overlay, 'mount', parentOf(at), async (preparation) => {
    const node = await preparation.look(at)
    if (node !== null && node.kind !== 'directory') throw failure('ENOTDIR', { syscall: 'mount', path: at })
    if (node?.record?.mount) {
      throw failure('EEXIST', { syscall: 'mount', path: at, detail: 'a drive is mounted here' })
    }
    return [{ type: 'mount', key: at, mount: point }]
  })
}

export async function unmount(overlay: Overlay, path: string): Promise<void> {
  const at = toKey(path, 'unmount')
  await placeAt(overlay, 'unmount', parentOf(at), at)
  await transact(overlay, 'unmount', parentOf(at), async (preparation) => {
    const node = await preparation.look(at)
    if (node?.kind !== 'directory' || !node.record?.mount) {
      throw failure('EINVAL', { syscall: 'unmount', path: at, detail: 'nothing is mounted here' })
    }
    return [{ type: 'mount', key: at, mount: null }]
  })
}

/** Every mount that can be seen, the outer ones before those in them. */
export function mountStream(
  view: () => TreeView | Promise<TreeView>,
  { recursive = true }: AllMountsOptions
): ReadableOf<MountAt> {
  const run = async function* () {
    yield* mountsIn(await view(), '', recursive)
  }
  return Readable.from(run()) as ReadableOf<MountAt>
}

async function* mountsIn(
  view: TreeView,
  prefix: string,
  recursive: boolean
): AsyncGenerator<MountAt, void, void> {
  if (!(view instanceof MountedView)) return
  const paths = [...view.mounts.keys()]
  for (const [i, path] of paths.entries()) {
    yield { path: prefix + path, mount: toMount(view.mounts.get(path)!.record.mount!) }
    if (!recursive) continue
    // One that cannot be opened has none in it that anybody could see.
    const inner = await view.innerInListing(path, paths.slice(i + 1, i + SIDE_BY_SIDE))
    if (inner) yield* mountsIn(inner, prefix + path, recursive)
  }
}

function toMountPoint(key: unknown, { version = null, hash = null }: MountOptions): MountPoint {
  const isKey = (typeof key === 'string' || key instanceof Uint8Array) && isValid(key)
  if (!isKey) {
    throw failure('EINVAL', {
      syscall: 'mount',
      detail: 'a key has 32 bytes, in z-base-32 or hex when it is text'
    })
  }
  if (version !== null && !(isSeq(version) && version > 0)) {
    throw failure('EINVAL', { syscall: 'mount', detail: 'the version of a mount is a length, above 0' })
  }
  return { id: encode(decode(key)), version, hash: hash === null ? null : toHex(hash, version) }
}

function toHex(hash: unknown, version: number | null): string {
  const hex = hash instanceof Uint8Array ? Buffer.from(hash).toString('hex') : String(hash).toLowerCase()
  if (version !== null && /^[0-9a-f]{64}$/.test(hex)) return hex
  throw failure('EINVAL', { syscall: 'mount', detail: 'a hash has 32 bytes, and is that of a version' })
}
