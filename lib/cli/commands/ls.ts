import type { OverDrives } from '../command.ts'
import { infoLine, infoOfStats } from '../listing.ts'
import { below, insidePath } from '../paths.ts'
import { printable } from '../printable.ts'

export const ls: OverDrives<[folder?: string], { names?: boolean }> = {
  over: 'drives',
  name: 'ls',
  args: '[folder]',
  summary: 'list a folder, or show a file: size, date, drive, name',
  options: [['-1, --names', 'names alone, one a line']],
  examples: ['ls -d ./notes -d hd://KEY', 'ls -d ./notes /2026', 'ls -d hd://KEY --at v1 --json /'],
  at: true,
  async run({ view, drives, out }, [folder = '/'], { names = false }) {
    const path = insidePath(folder)
    const { lstat, readdir, stat } = view.promises
    const show = async (at: string, name: string) => {
      const stats = await lstat(at)
      const info = infoOfStats(at, stats, drives)
      await out.item(info, () => (names ? printable(name) : infoLine(info, stats.drive, drives, name)))
    }
    if (!(await stat(path)).isDirectory()) return show(path, path)
    for (const name of await readdir(path)) await show(below(path, name), name)
  }
}
