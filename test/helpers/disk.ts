import { lstat, mkdir, readdir, readFile, readlink, rename, utimes, writeFile } from 'node:fs/promises'
import { dirname, join, sep } from 'node:path'
import type { Test } from 'tape'
import { folder } from './drives.ts'

/** A date of the files that a test makes, in seconds since the epoch. */
export const DATE = Date.UTC(2026, 0, 2, 3, 4) / 1000

/** A folder with files of the given texts in it, all of one date. */
export async function folderOf(t: Test, files: Record<string, string>, date = DATE): Promise<string> {
  const root = await folder(t)
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true })
    await writeFile(join(root, path), text)
    await utimes(join(root, path), date, date)
  }
  return root
}

/** Writes a file that appears in its folder when it is whole, with all that is in it: nobody who watches sees it empty. */
export async function appear(t: Test, path: string, bytes: string): Promise<void> {
  const beside = join(await folder(t), 'file')
  await writeFile(beside, bytes)
  await rename(beside, path)
}

/** What a folder holds: texts of files, targets of links, by path. What MultiDrive keeps for itself is left out. */
export async function treeOf(root: string): Promise<Record<string, string>> {
  const tree: Record<string, string> = {}
  const names = await readdir(root, { recursive: true })
  for (const name of names.sort()) {
    if (name.split(sep)[0] === '.multidrive') continue
    const path = join(root, name)
    const stats = await lstat(path)
    if (stats.isSymbolicLink()) tree[name] = `-> ${await readlink(path)}`
    else if (stats.isFile()) tree[name] = await readFile(path, 'utf8')
  }
  return tree
}
