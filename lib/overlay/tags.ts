import { failure } from '../errors.ts'
import type { Tag } from '../sources/source.ts'
import type { Overlay } from './overlay.ts'
import { newestByName } from './newest-by-name.ts'
import type { MergedView } from './view.ts'
import { commit } from './write.ts'

/** The names of versions that any drive of the set keeps: the newest record of each name counts (design, "Versions"). */
export function tagsOf(view: MergedView): ReadonlyMap<string, Tag> {
  return newestByName(
    view.tags(),
    ({ name }) => name,
    view.rules,
    ({ version }) => version !== null
  )
}

/**
 * Gives a version a name, or takes a name away.
 *
 * @param version - null to take it away
 * @throws EINVAL for no name; EROFS, and what the writer throws
 */
export async function setTag(
  overlay: Overlay,
  syscall: string,
  name: unknown,
  version: string | null
): Promise<void> {
  const key = toName(name, syscall)
  const writer = overlay.requireWriter(syscall, key)
  await commit(overlay, writer, { syscall, operations: [{ type: 'tag', key, version }] })
}

export function toName(name: unknown, syscall: string): string {
  if (typeof name === 'string' && name !== '' && !name.includes('\0')) return name.toWellFormed()
  throw failure('EINVAL', { syscall, detail: 'a tag has a name' })
}
