import { posix } from 'node:path'
import type { OverDrives } from '../command.ts'
import { insidePath } from '../paths.ts'
import { printable } from '../printable.ts'
import { insideTarget } from '../targets.ts'

export const mv: OverDrives<[from: string, to: string]> = {
  over: 'drives',
  name: 'mv',
  args: '<from> <to>',
  summary: 'rename a file or a folder in the drives, or move it into a folder',
  examples: ['mv -d ./notes /todo.txt /done.txt', 'mv -d ./notes -d hd://KEY /2025 /archive/'],
  async run({ multi, out }, [given, target]) {
    const from = insidePath(given)
    const to = await insideTarget(multi, target, posix.basename(from), { follow: false })
    const { lstat, mkdir, rename } = multi.promises
    await lstat(from)
    // As with files that are written, the folders above it need not be there.
    await mkdir(posix.dirname(to), { recursive: true })
    await rename(from, to)
    await out.item({ op: 'move', path: from, to }, `${printable(from)} -> ${printable(to)}`)
  }
}
