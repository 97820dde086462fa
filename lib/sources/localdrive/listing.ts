import { readdir } from 'node:fs/promises'
import { compareKeys, isKey } from '../../path.ts'
import { isHidden, type Root } from './root.ts'

/** What stands in a folder: a name, with a slash at its end for a folder, which puts it in its place among the keys. */
export async function listFolder(root: Root, folder: string): Promise<string[]> {
  // A folder that a link replaced since its name was read would lead elsewhere.
  if (!(await root.hasFolder(folder))) return []
  const dirents = (await root.answer(readdir(root.path(folder), { withFileTypes: true }))) ?? []
  const tags: string[] = []
  for (const dirent of dirents) {
    const key = `${folder}/${dirent.name}`
    if (!isKey(key) || isHidden(key)) continue
    if (dirent.isDirectory()) tags.push(dirent.name + '/')
    else if (dirent.isFile() || dirent.isSymbolicLink()) tags.push(dirent.name)
  }
  tags.sort(compareKeys)
  // Names that are no UTF-8 may look like others.
  return tags.filter((tag, i) => tag !== tags[i - 1])
}
