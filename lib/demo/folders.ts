import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import Localdrive from 'localdrive'
import MultiDrive, { type Drive } from '../../index.ts'
import type { Leftovers } from './leftovers.ts'
import { heading, print, title, tree } from './print.ts'

/** Shows folders of the disk as one drive, without writing to any. */
export async function showFolders(folders: readonly string[], leftovers: Leftovers): Promise<void> {
  for (const folder of folders) {
    const found = await stat(folder).catch((cause: unknown) => {
      throw new Error(`no such folder: ${folder}`, { cause })
    })
    if (!found.isDirectory()) throw new Error(`not a folder: ${folder}`)
  }

  const names = new Map<Drive, string>()
  const drives = folders.map((folder) => {
    const drive: Drive = new Localdrive(resolve(folder))
    names.set(drive, folder)
    return drive
  })
  const multi = new MultiDrive(drives[0]!)
  leftovers.add(() => multi.close())
  for (const drive of drives.slice(1)) await multi.addDrive(drive)

  title('MultiDrive: many drives read as one')
  heading('The merged tree, with the folder that each file comes from')
  const { files, shared } = await tree(multi, (drive) => names.get(drive) ?? '')
  print('')
  print(`${files} files; ${shared} of them in more than one folder, of which the newest is shown.`)
}
