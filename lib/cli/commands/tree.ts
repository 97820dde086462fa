import type { OverDrives } from '../command.ts'
import { infoOfEntry, named } from '../listing.ts'
import { folderNamed } from '../named.ts'
import { count, date, size } from '../output.ts'
import { insidePath } from '../paths.ts'
import { printable } from '../printable.ts'

/** Where the columns begin when no name is longer. */
const NAME_WIDTH = 36

export const tree: OverDrives<[folder?: string]> = {
  over: 'drives',
  name: 'tree',
  args: '[folder]',
  summary: 'show every file below a folder, with the drive that it comes from',
  examples: ['tree -d ./mine -d ./theirs', 'tree -d hd://KEY /docs'],
  at: true,
  async run({ view, drives, out }, [folder = '/']) {
    const root = await folderNamed(view, insidePath(folder))
    const from = new Map<string, number>()
    let files = 0
    let bytes = 0
    let above: string[] = []
    for await (const entry of view.list(root)) {
      const names = entry.key.slice(root === '/' ? 1 : root.length + 1).split('/')
      const name = names.pop()!
      let same = 0
      while (same < names.length && names[same] === above[same]) same++
      for (let i = same; i < names.length; i++) await out.line(`${'  '.repeat(i)}${printable(names[i]!)}/`)
      above = names

      const info = infoOfEntry(entry, drives)
      const label = `${'  '.repeat(names.length)}${named(info, name)}`.padEnd(NAME_WIDTH)
      const drive = drives.shortOf(entry.drive) ?? '-'
      await out.item(info, `${label} ${size(info.size)}  ${date(entry.mtime)}  ${printable(drive)}`)
      from.set(drive, (from.get(drive) ?? 0) + 1)
      files++
      bytes += info.size ?? 0
    }
    const each = [...from].map(([drive, number]) => `${number} of ${printable(drive)}`).join(', ')
    await out.line(`${count(files, 'file')}, ${size(bytes).trim()}${each === '' ? '' : `: ${each}`}`)
  }
}
