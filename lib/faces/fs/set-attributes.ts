import { placeAt } from '../../overlay/place.ts'
import type { Json, ReadOptions } from '../../drive.ts'
import { failure } from '../../errors.ts'
import { isObject, toJson } from '../../format/json.ts'
import {
  badArgument,
  toInteger,
  toMode,
  toPath,
  toTime,
  toWaiting,
  type Path,
  type PathLike,
  type TimeLike
} from './arguments.ts'
import { withAttributes, type AttributeChange } from './attributes.ts'
import { named } from './failure.ts'
import { change, find, resolve, treeOf, type Host } from './host.ts'

export function chmod(
  host: Host,
  path: PathLike,
  mode: number | string,
  opts?: ReadOptions | null
): Promise<void> {
  const bits = toBits(mode)
  return setAttributes(host, 'chmod', path, true, { mode: bits }, opts)
}

/** Links have no bits of their own that anybody looks at; theirs are accepted and not kept. */
export function lchmod(
  host: Host,
  path: PathLike,
  mode: number | string,
  opts?: ReadOptions | null
): Promise<void> {
  const bits = toBits(mode)
  return setAttributes(host, 'lchmod', path, false, { mode: bits }, opts)
}

/** Owners are accepted and not kept: a drive has none. */
export function chown(host: Host, path: PathLike, uid: number, gid: number): Promise<void> {
  checkOwner(uid, gid)
  return acceptOnly(host, 'chown', path, true)
}

export function lchown(host: Host, path: PathLike, uid: number, gid: number): Promise<void> {
  checkOwner(uid, gid)
  return acceptOnly(host, 'lchown', path, false)
}

export function checkOwner(uid: unknown, gid: unknown): void {
  toInteger(uid, 'uid', -1, 2 ** 32 - 1)
  toInteger(gid, 'gid', -1, 2 ** 32 - 1)
}

export function utimes(
  host: Host,
  path: PathLike,
  atime: TimeLike,
  mtime: TimeLike,
  opts?: ReadOptions | null
): Promise<void> {
  return setTimes(host, 'utime', path, true, times(atime, mtime), opts)
}

export function lutimes(
  host: Host,
  path: PathLike,
  atime: TimeLike,
  mtime: TimeLike,
  opts?: ReadOptions | null
): Promise<void> {
  return setTimes(host, 'lutime', path, false, times(atime, mtime), opts)
}

function setTimes(
  host: Host,
  syscall: string,
  path: PathLike,
  follow: boolean,
  time: number,
  opts: ReadOptions | null | undefined
): Promise<void> {
  return setAttributes(host, syscall, path, follow, { time }, opts, () => checkTime(time))
}

/** A time that no drive can keep is as wrong as one that no system can. */
export function checkTime(time: number): void {
  if (Number.isNaN(time)) throw failure('EINVAL')
}

/** The mtime in milliseconds, NaN for one that cannot be kept; an atime must be right, and is not kept. */
export function times(atime: unknown, mtime: unknown): number {
  return Number.isNaN(toTime(atime, 'atime')) ? NaN : toTime(mtime, 'mtime')
}

export function setMetadata(
  host: Host,
  path: PathLike,
  key: string,
  value: Json,
  opts?: ReadOptions | null
): Promise<void> {
  const at = toPath(path)
  checkName(key)
  const json = toJson(value, 'setMetadata', at.given)
  return changeMetadata(host, 'setMetadata', at, (metadata) => ({ ...metadata, [key]: json }), opts)
}

export function removeMetadata(
  host: Host,
  path: PathLike,
  key: string,
  opts?: ReadOptions | null
): Promise<void> {
  checkName(key)
  const edit = (metadata: { [name: string]: Json }) =>
    Object.fromEntries(Object.entries(metadata).filter(([name]) => name !== key))
  return changeMetadata(host, 'removeMetadata', toPath(path), edit, opts)
}

function changeMetadata(
  host: Host,
  syscall: string,
  path: Path,
  edit: (metadata: { [name: string]: Json }) => { [name: string]: Json },
  opts: ReadOptions | null | undefined
): Promise<void> {
  const read = toWaiting(opts)
  return named(host, { syscall, path: path.given }, () =>
    change(
      host,
      syscall,
      (tree) => resolve(tree, path, true),
      ({ node }, at) => {
        if (node === null) throw failure('ENOENT')
        const before =
          node.kind === 'directory'
            ? (node.record?.record.metadata ?? null)
            : node.located.candidate.value.metadata
        if (before !== null && !isObject(before))
          throw failure('EINVAL', { detail: 'its metadata has no names' })
        const metadata = edit(before ?? {})
        const isEmpty = Object.keys(metadata).length === 0
        return withAttributes(at, node, { metadata: isEmpty ? null : metadata })
      },
      read
    )
  )
}

function setAttributes(
  host: Host,
  syscall: string,
  path: PathLike,
  follow: boolean,
  attributes: AttributeChange,
  opts: ReadOptions | null | undefined,
  check: () => void = () => undefined
): Promise<void> {
  const at = toPath(path)
  const read = toWaiting(opts)
  return named(host, { syscall, path: at.given }, async () => {
    check()
    await change(
      host,
      syscall,
      (tree) => resolve(tree, at, follow),
      ({ node }, preparation) => {
        if (node === null) throw failure('ENOENT')
        if (node.kind === 'link' && attributes.mode !== undefined) return []
        return withAttributes(preparation, node, attributes)
      },
      read
    )
  })
}

function acceptOnly(host: Host, syscall: string, path: PathLike, follow: boolean): Promise<void> {
  const at = toPath(path)
  return named(host, { syscall, path: at.given }, async () => {
    const { key } = await find(await treeOf(host), at, follow)
    await placeAt(host.overlay, syscall, key)
  })
}

function checkName(name: unknown): void {
  if (typeof name !== 'string') throw badArgument('ERR_INVALID_ARG_TYPE', 'key', 'text', name)
}

/** @throws ERR_INVALID_ARG_TYPE for none, else as {@link toMode} */
export function toBits(mode: unknown): number {
  if (mode !== undefined && mode !== null) return toMode(mode, 'mode', 0)
  throw badArgument('ERR_INVALID_ARG_TYPE', 'mode', 'a number or octal text', mode)
}
