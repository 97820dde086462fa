import type { OverDrives } from '../command.ts'
import { infoLine, infoOfEntry } from '../listing.ts'
import { folderNamed, placeNamed } from '../named.ts'
import { insidePath } from '../paths.ts'
import { printable } from '../printable.ts'

export const conflicts: OverDrives<[folder?: string]> = {
  over: 'drives',
  name: 'conflicts',
  args: '[folder]',
  summary: 'list the paths that several have written without having seen the other versions',
  more:
    'The newest version is first: it is the one that is shown. `multidrive resolve` settles one, as does any new write. ' +
    'Folders of the disk take no part: with them dates decide.',
  examples: ['conflicts -d hd://MINE -d hd://THEIRS', 'conflicts -d hd://MINE -d hd://THEIRS --json /docs'],
  async run({ multi, drives, out }, [folder = '/']) {
    const root = await placeNamed(multi, insidePath(folder))
    let found = false
    for await (const { key, candidates } of multi.conflicts({ folder: root })) {
      found = true
      const value = { path: key, candidates: candidates.map((entry) => infoOfEntry(entry, drives)) }
      await out.item(value, () => {
        const lines = candidates.map((entry, i) =>
          infoLine(value.candidates[i]!, entry.drive, drives, i === 0 ? 'shown' : '').trimEnd()
        )
        return [printable(key), ...lines].join('\n')
      })
    }
    // A folder of which all was deleted shows nowhere, and may have conflicts.
    if (!found) await folderNamed(multi, root)
  }
}
