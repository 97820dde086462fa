import { ERRORS, failure, MultiDriveError, type ErrorCode } from '../errors.ts'
import type { WritableLeaf } from '../sources/source.ts'
import type { Operation, Write } from './operation.ts'
import { MountedView, readerOf } from './mounted.ts'
import type { Overlay } from './overlay.ts'
import { parentOf } from './tree.ts'
import { commitWith } from './write.ts'
import type { MergedView } from './view.ts'

/** Where a write lands: in the set itself, or in a drive that is mounted in it. */
export interface WritePlace {
  readonly overlay: Overlay
  readonly writer: WritableLeaf
  /** The path where the overlay is mounted; empty for the set itself. */
  readonly prefix: string
}

/** How long a write waits for a drive on demand to find out where it lands, in milliseconds. */
const PATIENCE = 3000

/**
 * Where what is written at a key lands.
 *
 * @param path - what an error names, where that is not the key
 * @throws as `Overlay.requireWriter`; the error of a mount that cannot be opened
 */
export async function placeAt(
  overlay: Overlay,
  syscall: string,
  key: string,
  path = key
): Promise<WritePlace> {
  const view = await readerOf(overlay, { timeout: PATIENCE })
  const { overlay: inner, prefix } =
    view instanceof MountedView ? await view.place(key) : { overlay, prefix: '' }
  return { overlay: inner, prefix, writer: inner.requireWriter(syscall, path) }
}

/**
 * Finds out before any work is done that nothing can be written, wherever it would lie.
 *
 * @throws as `Overlay.requireWriter`
 */
export async function requireAnyWriter(overlay: Overlay, syscall: string): Promise<void> {
  if (overlay.writer || (await overlay.view({ timeout: PATIENCE })).mountPoints().size > 0) return
  overlay.requireWriter(syscall)
}

/**
 * Where operations land, all of them in one place.
 *
 * @throws EXDEV when they would land in several drives; as {@link placeAt}
 */
export async function placeOf(
  overlay: Overlay,
  syscall: string,
  operations: readonly Operation[]
): Promise<WritePlace> {
  let all: WritePlace | null = null
  const folders = new Set(operations.map(homeOf))
  for (const key of folders.size === 0 ? [''] : folders) {
    const place = await placeAt(overlay, syscall, key)
    if (all && place.prefix !== all.prefix) throw failure('EXDEV', { syscall, path: key })
    all = place
  }
  return all!
}

/** Lands a write in its place. */
export async function commitIn(place: WritePlace, write: Write): Promise<void> {
  if (write.operations.length === 0) return write.landed?.()
  await commitInWith(place, () => Promise.resolve(write))
}

/** As `commitWith`, with the keys as they are outside of the place. */
export async function commitInWith(
  place: WritePlace,
  make: (view: MergedView) => Promise<Write | null>
): Promise<boolean> {
  const { overlay, writer, prefix } = place
  if (prefix === '') return commitWith(overlay, writer, make)
  try {
    return await commitWith(overlay, writer, async (view) => {
      const write = await make(view)
      return (
        write && {
          ...write,
          operations: write.operations.flatMap((one) => within(prefix, one, write.syscall))
        }
      )
    })
  } catch (err) {
    throw outside(prefix, err)
  }
}

/** The key that says where an operation lands: what is done to a mount is done where it is mounted. */
function homeOf(operation: Operation): string {
  if (operation.type === 'tag') return ''
  return operation.type === 'mount' ? parentOf(operation.key) : operation.key
}

/** An operation as the mounted drive sees it; none where there is nothing to do. */
function within(prefix: string, operation: Operation, syscall: string): Operation[] {
  const key = operation.key.slice(prefix.length)
  if (key !== '' || operation.type === 'tag') return [{ ...operation, key }]
  switch (operation.type) {
    case 'file':
    case 'link':
      throw failure('EISDIR', { syscall })
    case 'make-directory':
      throw failure('EPERM', { syscall, detail: 'nothing is kept of the root of a drive' })
    case 'remove':
      if (!operation.tree) return []
      throw failure('EBUSY', { syscall })
    case 'keep-directory':
      return []
    default:
      throw failure('EBUSY', { syscall })
  }
}

/** An error with its path as it is outside. */
function outside(prefix: string, err: unknown): unknown {
  if (!(err instanceof MultiDriveError) || !(err.code in ERRORS) || err.drive) return err
  const { code, syscall, path = '', detail } = err
  return failure(code as ErrorCode, {
    path: prefix + path,
    ...(syscall === undefined ? {} : { syscall }),
    ...(detail === undefined ? {} : { detail }),
    cause: err
  })
}
