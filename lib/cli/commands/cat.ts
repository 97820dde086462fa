import type { OverDrives } from '../command.ts'
import { failure } from '../failures.ts'
import { insidePath } from '../paths.ts'
import { bytesOf } from '../trees.ts'

export const cat: OverDrives<[paths: string[]]> = {
  over: 'drives',
  name: 'cat',
  args: '<path...>',
  summary: 'write the bytes of files to the output',
  more: 'With --json each part of a file is { path, offset, base64 }.',
  examples: [
    'cat -d ./notes /todo.txt',
    'cat -d hd://KEY /film.mp4 | mpv -',
    'cat -d ./notes --at v1 /todo.txt'
  ],
  at: true,
  async run({ view, out }, [paths]) {
    for (const path of paths.map(insidePath)) {
      if ((await view.promises.stat(path)).isDirectory()) throw failure('EISDIR', path)
      let offset = 0
      for await (const bytes of bytesOf(view, path)) {
        if (out.json) await out.item({ path, offset, base64: bytes.toString('base64') }, '')
        else await out.write(bytes)
        offset += bytes.length
      }
    }
  }
}
