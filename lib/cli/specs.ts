import { realpath, stat } from 'node:fs/promises'
import { formatLink, isLink, parseKey } from '../share/key.ts'
import { CliError, UsageError, codeOf } from './errors.ts'

/** What `-d` names: a folder of the disk, or the drive of a key. */
export type Spec = FolderSpec | KeySpec

interface FolderSpec {
  readonly kind: 'folder'
  /** As it was given, without what it ends with. */
  readonly label: string
  readonly root: string
  readonly readOnly: boolean
}

interface KeySpec {
  readonly kind: 'key'
  readonly label: string
  readonly key: Buffer
  readonly readOnly: boolean
}

/** What a SPEC ends with that nothing is to be written to. */
const READ_ONLY = ':ro'

/**
 * @throws KEY_INVALID for a link that has no key; ENOENT and ENOTDIR for what is no folder
 */
export async function parseSpec(text: string): Promise<Spec> {
  const readOnly = text.endsWith(READ_ONLY)
  const given = readOnly ? text.slice(0, -READ_ONLY.length) : text
  if (isLink(given)) {
    const key = parseKey(given, ['hd://', 'hyper://'])
    return { kind: 'key', label: formatLink(key), key, readOnly }
  }
  if (given === '') throw new UsageError('-d is given nothing', 'name a folder, or a key as hd://KEY')
  return { kind: 'folder', label: given, root: await folderAt(given), readOnly }
}

/** Whether two SPECs are about one drive. */
export function isSameDrive(a: Spec, b: Spec): boolean {
  if (a.kind === 'folder') return b.kind === 'folder' && a.root === b.root
  return b.kind === 'key' && a.key.equals(b.key)
}

async function folderAt(path: string): Promise<string> {
  try {
    if ((await stat(path)).isDirectory()) return await realpath(path)
  } catch (cause) {
    const code = codeOf(cause)
    if (code !== 'ENOENT') throw cause
    const hint = /^(0x)?([0-9a-f]{64}|[a-z0-9]{52})$/i.test(path)
      ? 'a key is written hd://KEY'
      : 'make it first, or name the drive of a key as hd://KEY'
    throw new CliError('ENOENT', `ENOENT: no such folder: ${path}`, { cause, hint })
  }
  throw new CliError('ENOTDIR', `ENOTDIR: not a folder: ${path}`, { hint: 'name the folder that it is in' })
}
