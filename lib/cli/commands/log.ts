import type { OverDrives } from '../command.ts'
import { failure } from '../failures.ts'
import { date, isoDate, size } from '../output.ts'
import { nameIn } from '../named.ts'
import { insidePath } from '../paths.ts'
import { printable } from '../printable.ts'
import { atLeast } from '../numbers.ts'

export const log: OverDrives<[path: string], { limit?: number }> = {
  over: 'drives',
  name: 'log',
  args: '<path>',
  summary: 'tell every version of a file over all drives, the newest first',
  more: 'Folders of the disk have no history: of them there is what they hold now.',
  options: [['-n, --limit <count>', 'so many at most', atLeast(1)]],
  examples: ['log -d hd://KEY /todo.txt', 'log -d ./notes -d hd://KEY -n 5 /todo.txt'],
  async run({ multi, drives, out }, [given], { limit = -1 }) {
    const path = await nameIn(multi, insidePath(given))
    let found = false
    for await (const item of multi.history(path, { limit })) {
      found = true
      const bytes = item.type === 'put' ? (item.value.blob?.byteLength ?? null) : null
      const link = item.type === 'put' ? item.value.linkname : null
      const value = {
        op: item.type === 'put' ? 'put' : 'remove',
        path,
        size: bytes,
        mtime: isoDate(item.mtime),
        drive: drives.labelOf(item.drive),
        seq: item.seq,
        ...(link === null ? {} : { link })
      }
      await out.item(value, () => {
        const from = printable(drives.shortOf(item.drive) ?? '-').padEnd(drives.width)
        const what = item.type === 'del' ? '  removed' : link === null ? '' : `  -> ${printable(link)}`
        return `${date(item.mtime)}  ${size(bytes)}  ${from}${item.seq === null ? '' : `  #${item.seq}`}${what}`
      })
    }
    if (!found) throw failure('ENOENT', path)
  }
}
