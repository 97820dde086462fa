import type MultiDrive from '../../index.ts'
import { CliError, codeOf } from './errors.ts'

/**
 * The version that a text means: the one that a tag of that name stands for, or the version itself.
 *
 * @throws TAG_NOT_FOUND for what is neither
 */
export async function versionNamed(multi: MultiDrive, text: string): Promise<string> {
  const tagged = await multi.getTaggedVersion(text)
  if (tagged !== null) return requireVersion(tagged)
  try {
    await multi.checkout(text).close()
  } catch (cause) {
    if (codeOf(cause) !== 'EINVAL') throw cause
    throw noSuchTag(text, cause)
  }
  return text
}

/**
 * Folders of the disk have nothing that a version could be of.
 *
 * @throws NO_VERSIONS where there is none
 */
export function requireVersion(version: string): string {
  if (version !== '') return version
  const hint = 'drives with a key have versions: name one with -d, such as what a folder was shared as'
  throw new CliError('NO_VERSIONS', 'NO_VERSIONS: folders of the disk keep no versions', { hint })
}

export function noSuchTag(name: string, cause?: unknown): CliError {
  const hint = '`multidrive tag` lists those that there are'
  return new CliError('TAG_NOT_FOUND', `TAG_NOT_FOUND: no such tag or version: ${name}`, { cause, hint })
}
