import type { OverDrives } from '../command.ts'
import { infoOfStats } from '../listing.ts'
import { date, pairs, size } from '../output.ts'
import { insidePath } from '../paths.ts'
import { printable } from '../printable.ts'
import { formatLink } from '../../share/key.ts'

export const stat: OverDrives<[paths: string[]]> = {
  over: 'drives',
  name: 'stat',
  args: '<path...>',
  summary: 'tell all that is known of files, folders and links',
  examples: ['stat -d ./notes -d hd://KEY /todo.txt', 'stat -d ./notes --json / /todo.txt'],
  at: true,
  async run({ view, drives, out }, [paths]) {
    for (const [i, path] of paths.map(insidePath).entries()) {
      const stats = await view.promises.lstat(path)
      const info = infoOfStats(path, stats, drives)
      const entry = info.type === 'folder' ? null : await view.entry(path)
      const { mount } = stats
      const value = {
        ...info,
        mode: (stats.mode & 0o777).toString(8).padStart(3, '0'),
        seq: entry?.seq ?? null,
        metadata: stats.metadata,
        mount: mount && { drive: formatLink(mount.key), version: mount.version }
      }
      await out.item(value, () => {
        const rows: [string, string][] = [
          ['path', printable(path)],
          ['type', info.type],
          ['size', info.size === null ? '-' : `${size(info.size).trim()} (${info.size} bytes)`],
          ['date', info.mtime === null ? '-' : `${date(stats.mtimeMs).trim()} (${info.mtime})`],
          ['mode', value.mode],
          ['drive', printable(info.drive ?? '-')]
        ]
        if (info.link !== undefined) rows.push(['link', printable(info.link)])
        if (value.seq !== null) rows.push(['seq', String(value.seq)])
        if (Object.keys(stats.metadata as object).length > 0)
          rows.push(['metadata', printable(JSON.stringify(stats.metadata))])
        if (value.mount) rows.push(['mount', value.mount.drive])
        return `${i > 0 ? '\n' : ''}${pairs(rows)}`
      })
    }
  }
}
