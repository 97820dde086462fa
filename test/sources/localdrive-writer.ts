// A process that commits until it is killed: `localdrive-writer.ts ROOT loop`, or one commit in which it kills itself
// right before its k-th change of the file system: `localdrive-writer.ts ROOT K`.
import { directory, file, intercept, link, openSource, tombstone, WRITES } from './localdrive-helpers.ts'
import type { LocaldriveSource } from '../../lib/sources/localdrive/source.ts'

export async function generation(source: LocaldriveSource, n: number) {
  const clock = new Map([['drive', n]])
  const odd = n % 2 === 1
  return [
    await file(source, '/a', String(n), { clock, metadata: { n } }),
    await file(source, '/deep/er/b', String(n)),
    await file(source, `/only/${n}/c`, String(n)),
    link('/l', `to/${n}`, { clock }),
    { type: 'remove' as const, key: `/only/${n - 1}/c` },
    odd
      ? ({ type: 'make-directory', record: directory('/odd', 0o700) } as const)
      : ({ type: 'remove-directory', path: '/odd' } as const),
    odd
      ? ({ type: 'bury', record: tombstone('/t', true) } as const)
      : ({ type: 'unbury', record: tombstone('/t', true) } as const)
  ]
}

const [, script, root, mode] = process.argv
if (script === import.meta.filename && root !== undefined) {
  const source = await openSource(root)
  if (mode === 'loop') {
    for (let n = Number(process.argv[4]); ; n++) {
      await source.commit(await generation(source, n))
      process.stdout.write(`${n}\n`)
    }
  }
  const changes = await generation(source, 1)
  let left = Number(mode)
  intercept(WRITES, () => {
    if (--left === 0) process.kill(process.pid, 'SIGKILL')
  })
  await source.commit(changes)
  process.stdout.write('done\n')
}
