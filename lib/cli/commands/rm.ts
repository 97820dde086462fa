import type { MultiDrive } from '../../../index.ts'
import type { OverDrives } from '../command.ts'
import { codeOf } from '../errors.ts'
import { insidePath } from '../paths.ts'
import { printable } from '../printable.ts'

export const rm: OverDrives<[paths: string[]], { recursive?: boolean; force?: boolean }> = {
  over: 'drives',
  name: 'rm',
  args: '<path...>',
  summary: 'remove files, or with -r folders with all that is in them',
  more: 'What others have is hidden by a note in your drive; their drives stay as they are.',
  options: [
    ['-r, --recursive', 'folders too, with all that is in them'],
    ['-f, --force', 'what is not there is no failure']
  ],
  examples: ['rm -d ./notes /old.txt', 'rm -d ./notes -d hd://KEY -r /2025 /2024'],
  async run({ multi, out }, [paths], { recursive = false, force = false }) {
    for (const path of paths.map(insidePath)) {
      if (force && !(await isThere(multi, path))) continue
      await multi.promises.rm(path, { recursive, force })
      await out.item({ op: 'remove', path }, printable(path))
    }
  }
}

async function isThere(multi: MultiDrive, path: string): Promise<boolean> {
  try {
    await multi.promises.lstat(path)
    return true
  } catch (err) {
    if (codeOf(err) === 'ENOENT' || codeOf(err) === 'ENOTDIR') return false
    throw err
  }
}
