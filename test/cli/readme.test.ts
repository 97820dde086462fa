/** The README's examples of the command line run, and print what they say; its table names every command. */
import { spawn } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import test from 'tape'
import { COMMANDS } from '../../lib/cli/commands/index.ts'
import { cleanup, folder } from '../helpers/drives.ts'
import { network } from '../helpers/network.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const readme = await readFile(join(root, 'README.md'), 'utf8')
const examples = [...readme.matchAll(/^```sh\n([^]*?)^```$/gm)]
  .map(([, code]) => code!)
  .filter((code) => code.includes('npx multidrive'))

for (const [i, code] of examples.entries()) {
  test(
    `example ${i + 1} of the command line prints what it says`,
    { skip: process.platform === 'win32' },
    async (t) => {
      const expected = [...code.matchAll(/^# → (.*)$/gm)].map(([, line]) => line!)
      t.not(expected.length, 0, 'it says something')
      const [cwd, data] = [await folder(t), await folder(t)]
      const [{ host, port }] = (await network(t)) as [{ host: string; port: number }]
      const main = `'${process.execPath}' --import '${import.meta.resolve('tsx')}' '${join(root, 'lib/cli/main.ts')}'`
      // What stands in for npx is the process itself, for `kill $!` to mean it.
      const bin = await folder(t)
      const npx = `#!/bin/sh\nshift\nexec ${main} "$@" --bootstrap ${host}:${port}\n`
      await writeFile(join(bin, 'npx'), npx, { mode: 0o755 })
      const PATH = `${bin}:${process.env.PATH!}`
      const env = { ...process.env, PATH, TZ: 'UTC', XDG_DATA_HOME: data, HOME: data, NODE_NO_WARNINGS: '1' }
      // A group of its own, for what a script that fails leaves running.
      const child = spawn('sh', ['-c', code], { cwd, env, detached: true })
      cleanup(t, () => {
        try {
          process.kill(-child.pid!, 'SIGKILL')
        } catch {
          // All of it has ended.
        }
      })
      const timer = setTimeout(() => process.kill(-child.pid!, 'SIGKILL'), 240_000)
      const [out, err, status] = await Promise.all([
        text(child.stdout),
        text(child.stderr),
        new Promise((resolve) => child.once('close', resolve))
      ])
      clearTimeout(timer)
      t.same(out.split('\n').slice(0, -1), expected, `${String(status)} ${err}`)
      t.same(
        err
          .split('\n')
          .filter((line) => line !== '' && !/^Sharing \d+ files? of |^Joining the network…$/.test(line)),
        [],
        'and complains of nothing'
      )
    }
  )
}

test('there are examples, and a row for each command', (t) => {
  t.ok(examples.length >= 3)
  const rows = [...readme.matchAll(/^\| `(\w+) [^`]*`/gm)].map(([, name]) => name!)
  const names = COMMANDS.map(({ name }) => name)
  t.same(
    names.filter((name) => !rows.includes(name)),
    []
  )
  for (const { name, args } of COMMANDS) t.ok(readme.includes(`| \`${name} ${args!}\` `), `${name} ${args!}`)
  t.end()
})
