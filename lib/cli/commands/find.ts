import picomatch from 'picomatch'
import type { OverDrives } from '../command.ts'
import { UsageError } from '../errors.ts'
import { infoLine, infoOfEntry } from '../listing.ts'
import { folderNamed } from '../named.ts'
import { below, insidePath } from '../paths.ts'
import { printable } from '../printable.ts'

interface Options {
  ignoreCase?: boolean
  long?: boolean
  type?: string
}

export const find: OverDrives<[glob: string, folder?: string], Options> = {
  over: 'drives',
  name: 'find',
  args: '<glob> [folder]',
  summary: 'print the paths of the files that match a glob, below a folder',
  more:
    'A glob without a slash is about names, in any folder; one with a slash about paths from the folder on, where ** ' +
    'stands for any folders. Put it in quotes, for the shell to leave it alone.',
  options: [
    ['-i, --ignore-case', 'large and small letters are the same'],
    ['-l, --long', 'with size, date and drive'],
    ['-t, --type <type>', 'only these: file or link']
  ],
  examples: [
    `find -d ./notes '*.md'`,
    `find -d hd://KEY '2026/**/*.{jpg,png}' /photos`,
    `find -d ./notes -l '*'`
  ],
  at: true,
  async run({ view, drives, out }, [glob, folder = '/'], { ignoreCase = false, long = false, type }) {
    if (type !== undefined && type !== 'file' && type !== 'link')
      throw new UsageError(`--type is file or link, not ${type}`)
    const root = await folderNamed(view, insidePath(folder))
    const pattern = glob.replace(/^\/+/, '')
    if (pattern === '') throw new UsageError('the glob is empty', `name files, as in '*.txt'`)
    const { base } = picomatch.scan(pattern)
    const start = root === '/' ? 1 : root.length + 1
    const isMatch = picomatch(pattern, {
      dot: true,
      nocase: ignoreCase,
      basename: !glob.includes('/')
    })
    // What no file can match is not listed.
    const isNarrow = base !== '' && base !== pattern && !ignoreCase && glob.includes('/')
    for await (const entry of view.list(isNarrow ? below(root, base) : root)) {
      if (!isMatch(entry.key.slice(start))) continue
      const info = infoOfEntry(entry, drives)
      if (type !== undefined && info.type !== type) continue
      await out.item(info, () =>
        long ? infoLine(info, entry.drive, drives, entry.key) : printable(entry.key)
      )
    }
  }
}
