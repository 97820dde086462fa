import type { Entry } from '../../drive.ts'
import type { Located, Reader } from '../../overlay/view.ts'
import { toFolder } from '../../path.ts'
import { onAbort } from '../../wait.ts'
import { originOf } from './entry.ts'
import { list, type ListOptions } from './list.ts'

/**
 * The file at a path or, where there is none, all files below it; links are left out.
 *
 * @param path - one with a slash at its end is a folder; the root when it is left out
 * @param signal - ends the listing
 * @param from - the first key that is wanted
 */
export async function* winnersIn(
  reader: Reader,
  path: string | undefined,
  syscall: string,
  opts: ListOptions,
  signal?: AbortSignal,
  from?: string
): AsyncGenerator<Located, void, void> {
  const folder = toFolder(path, syscall)
  const at = folder === '' || path!.endsWith('/') ? null : await reader.locate(folder, opts)
  if (at) {
    if (at.candidate.value.blob) yield at
    return
  }
  const entries = list(() => reader, folder, opts, from)
  const forget = onAbort(signal, () => entries.destroy())
  try {
    for await (const entry of entries) {
      const located = originOf(entry)!
      if (located.candidate.value.blob) yield located
    }
  } finally {
    forget()
  }
}

/** The differences between an older view and that of now; the entry of now is the left one, null where there is none. */
export type Differences = AsyncIterable<{ readonly left: Entry | null }> & { destroy?(): unknown }

/**
 * The files of now that differences tell of; links are left out.
 *
 * @param signal - ends the listing
 */
export async function* changedIn(
  differences: Differences,
  signal: AbortSignal
): AsyncGenerator<Located, void, void> {
  const forget = onAbort(signal, () => void differences.destroy?.())
  try {
    for await (const { left } of differences) {
      const located = left && originOf(left)
      if (located?.candidate.value.blob) yield located
    }
  } finally {
    forget()
  }
}
