import { realpathSync, Stats } from 'node:fs'
import { lstat, realpath, stat } from 'node:fs/promises'
import path from 'node:path'
import { errorCode } from '../../errors.ts'

/** The folder at the root that keeps the hidden records, as a key. */
export const HIDDEN = '/.multidrive'

const ABSENT = new Set(['ENOENT', 'ENOTDIR', 'ENAMETOOLONG', 'ELOOP'])

/** Whether an error of the file system says that there is nothing; all others say that it cannot tell. */
export function isAbsence(err: unknown): boolean {
  return ABSENT.has(errorCode(err) ?? '')
}

export function isHidden(key: string): boolean {
  return key === HIDDEN || key.startsWith(HIDDEN + '/')
}

/** The folder that a key lies in, the empty string for the root. */
export function parentOf(key: string): string {
  return key.slice(0, key.lastIndexOf('/'))
}

/** The folder of a Localdrive. Its job is that no key leads out of it, through a link above the key least of all. */
export class Root {
  /** As the user wrote it. */
  readonly given: string
  /** With all links resolved, so that a path below it is its own real path unless there is a link inside. */
  readonly real: string

  constructor(root: string) {
    this.given = path.resolve(root)
    this.real = realPath(this.given)
  }

  path(key: string): string {
    return path.join(this.real, key)
  }

  /** Whether a folder is there and no part of its path is a link. */
  async hasFolder(folder: string): Promise<boolean> {
    if (folder === '') return true
    const expected = this.path(folder)
    return (await this.answer(realpath(expected))) === expected
  }

  /** What stands at a key, null when that is nothing or lies behind a link. */
  async lstat(key: string): Promise<Stats | null> {
    if (!(await this.hasFolder(parentOf(key)))) return null
    return this.answer(lstat(this.path(key)))
  }

  /**
   * What the file system says of something in this folder, null when that is nothing.
   *
   * @throws where the folder itself is why: a drive that cannot be read holds what nobody knows
   */
  async answer<T>(said: Promise<T>): Promise<T | null> {
    try {
      return await said
    } catch (err) {
      if (!isAbsence(err)) throw err
      // A folder that is not there yet is an empty one.
      if (errorCode(err) !== 'ENOENT') await this.#assertFolder()
      return null
    }
  }

  async #assertFolder(): Promise<void> {
    const found = await stat(this.real).catch((err: unknown) => err)
    if (found instanceof Stats ? found.isDirectory() : errorCode(found) === 'ENOENT') return
    if (found instanceof Error && !isAbsence(found)) throw found
    // Without a code, since those of the file system would say that a path is not there.
    throw new Error('its root is no folder', found instanceof Error ? { cause: found } : {})
  }

  /** The text of a link as a linkname: one that points into this folder is a path from its root. */
  linkname(text: string): string {
    const link = text.replaceAll('\\', '/')
    if (!path.isAbsolute(link)) return link
    const target = path.posix.normalize(link)
    for (const root of [this.given, this.real]) {
      const base = root.replaceAll('\\', '/').replace(/\/+$/, '')
      if (target === base) return '/'
      if (target.startsWith(base + '/')) return target.slice(base.length)
    }
    return link
  }

  /** The text that a link is written with. A path from the root never leads above it. */
  linkText(linkname: string): string {
    return linkname.startsWith('/') ? path.join(this.given, path.posix.normalize(linkname)) : linkname
  }
}

export async function absentAsNull<T>(answer: Promise<T>): Promise<T | null> {
  try {
    return await answer
  } catch (err) {
    if (isAbsence(err)) return null
    throw err
  }
}

// A Localdrive makes its folder at the first write; until then the part of the path that exists decides.
function realPath(given: string): string {
  for (let at = given; ; at = path.dirname(at)) {
    try {
      return path.join(realpathSync.native(at), path.relative(at, given))
    } catch {
      if (at === path.dirname(at)) return given
    }
  }
}
