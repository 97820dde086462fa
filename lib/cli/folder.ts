import Localdrive from 'localdrive'
import MultiDrive, { type Drive } from '../../index.ts'

/** Reads a folder of the disk as a drive, with what keeps a Localdrive's links inside of it. */
export async function readingFolder<T>(root: string, read: (folder: MultiDrive) => Promise<T>): Promise<T> {
  const folder = new MultiDrive(new Localdrive(root) as Drive)
  try {
    return await read(folder)
  } finally {
    await folder.close()
  }
}
