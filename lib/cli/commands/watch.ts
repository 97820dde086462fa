import type { OverDrives } from '../command.ts'
import { changesBelow } from '../changes.ts'
import { infoLine, infoOfEntry } from '../listing.ts'
import { atLeast } from '../numbers.ts'
import { folderNamed } from '../named.ts'
import { insidePath } from '../paths.ts'

const SIGNS = { add: '+', change: '~', remove: '-' }

export const watch: OverDrives<[folder?: string], { count?: number }> = {
  over: 'drives',
  name: 'watch',
  args: '[folder]',
  summary: 'tell of changes below a folder as they come, until Ctrl-C',
  options: [['-n, --count <changes>', 'end after so many', atLeast(1)]],
  examples: ['watch -d ./notes -d hd://KEY', 'watch -d hd://KEY --json /docs', 'watch -d ./notes -n 1'],
  async run({ multi, drives, out, signal }, [folder = '/'], { count = Infinity }) {
    const root = await folderNamed(multi, insidePath(folder))
    let left = count
    const watching = () => out.note(`Watching ${root}; Ctrl-C ends it.`)
    for await (const { op, entry } of changesBelow(multi, drives.folders, root, { signal, watching })) {
      const info = infoOfEntry(entry, drives)
      await out.item({ op, ...info }, `${SIGNS[op]} ${infoLine(info, entry.drive, drives, entry.key)}`)
      if (--left === 0) return
    }
  }
}
