import type MultiDrive from '../../index.ts'
import { CliError, codeOf } from './errors.ts'

/**
 * The version that a text means: the one that a tag of that name stands for, or the version itself.
 *
 * @throws TAG_NOT_FOUND for what is neither
 */
export async function versionNamed(multi: MultiDrive, text: string): Promise<string> {
  const tagged = await multi.getTaggedVersion(text)
  if (tagged !== null) return tagged
  try {
    await multi.checkout(text).close()
  } catch (cause) {
    if (codeOf(cause) !== 'EINVAL') throw cause
    throw noSuchTag(text, cause)
  }
  return text
}

export function noSuchTag(name: string, cause?: unknown): CliError {
  const hint = '`multidrive tag` lists those that there are'
  return new CliError('TAG_NOT_FOUND', `TAG_NOT_FOUND: no such tag or version: ${name}`, { cause, hint })
}
