import type { Stats } from 'node:fs'
import { stat } from 'node:fs/promises'
import { CliError, codeOf } from './errors.ts'

/**
 * What is at a path of the disk.
 *
 * @throws ENOENT, ENOTDIR with a hint that is of the disk and not of the drives
 */
export async function requireOnDisk(path: string): Promise<Stats> {
  try {
    return await stat(path)
  } catch (cause) {
    const code = codeOf(cause)
    if (code !== 'ENOENT' && code !== 'ENOTDIR') throw cause
    const hint =
      'a file of the disk is meant; what is in the drives is written drive:/path, where a command takes both'
    throw new CliError(code, `${code}: no such file on the disk: ${path}`, { cause, hint })
  }
}
