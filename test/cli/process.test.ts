/** The command as a process: exit codes, pipes, Ctrl-C, terminals. */
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'tape'
import { start } from '../helpers/cli.ts'
import { folderOf, treeOf } from '../helpers/disk.ts'
import { folder } from '../helpers/drives.ts'

const isPosix = process.platform !== 'win32'
const hasScript = isPosix && spawnSync('script', ['--version']).status === 0

test('exit codes and streams of a process', async (t) => {
  const ann = await folderOf(t, { a: 'text' })
  const done = await start(t, ['cat', '-d', ann, '/a']).ended
  t.same([done.code, done.out, done.err], [0, 'text', ''])
  const missing = await start(t, ['cat', '-d', ann, '/b']).ended
  t.same([missing.code, missing.out], [1, ''])
  t.ok(/^multidrive cat: ENOENT: [^\n]+\n$/.test(missing.err), missing.err)
  const usage = await start(t, ['cat']).ended
  t.same([usage.code, usage.out], [2, ''])
})

test('put - takes the input of a process', async (t) => {
  const ann = await folder(t)
  const running = start(t, ['put', '-d', ann, '-', '/a'])
  running.child.stdin!.end('typed')
  t.is((await running.ended).code, 0)
  t.same(await treeOf(ann), { a: 'typed' })
})

test('a reader that goes away is no failure to be told', { skip: !isPosix }, async (t) => {
  const ann = await folder(t)
  await writeFile(join(ann, 'big'), Buffer.alloc(8 << 20))
  const running = start(t, ['cat', '-d', ann, '/big'])
  running.child.stdout!.once('data', () => running.child.stdout!.destroy())
  const { code, err } = await running.ended
  t.same([code, err], [141, ''])
})

for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143]
] as const) {
  test(`${signal} ends a command that runs, with ${code}`, { skip: !isPosix }, async (t) => {
    const ann = await folderOf(t, { a: '' })
    const running = start(t, ['watch', '-d', ann])
    await running.says(/Watching/, 'err')
    running.child.kill(signal)
    const ended = await running.ended
    t.same([ended.code, ended.out], [code, ''])
    t.is(ended.err.split('\n').length, 2, 'nothing more is said')
  })
}

test('Ctrl-C lands nothing of what is half typed', { skip: !isPosix }, async (t) => {
  const ann = await folder(t)
  const running = start(t, ['put', '-d', ann, '-', '/a', '--verbose'])
  running.child.stdin!.write('half')
  // It reads when its pipe was emptied.
  const big = running.child.stdin!.write(Buffer.alloc(1 << 20))
  if (!big) await once(running.child.stdin!, 'drain')
  running.child.kill('SIGINT')
  const { code, err } = await running.ended
  t.same([code, err], [130, ''])
  t.same(await treeOf(ann), {})
})

test('a second Ctrl-C ends at once', { skip: !isPosix }, async (t) => {
  const storage = await folder(t)
  // A key that nobody has, in a network that does not answer: it takes its time to be left.
  const key = `hd://${'0'.repeat(63)}1`
  const at = ['-d', key, '--storage', storage, '--bootstrap', '127.0.0.1:9', '--timeout', '100']
  const running = start(t, ['ls', ...at, '--verbose'])
  // It looks for peers from soon after its Corestore is there.
  const isOpen = () => existsSync(join(storage, 'drives'))
  while (!isOpen()) await new Promise((resolve) => setTimeout(resolve, 20))
  running.child.kill('SIGINT')
  running.child.kill('SIGINT')
  const { code, err } = await running.ended
  t.same([code, err], [130, ''])
})

test('bars show on a terminal, and nowhere else', { skip: !hasScript }, async (t) => {
  const ann = await folderOf(t, { a: 'x'.repeat(3000), 'b/c': 'y'.repeat(1000) })
  const [one, two, three] = [await folder(t), await folder(t), await folder(t)]
  const plain = await start(t, ['get', '-d', ann, '/', one]).ended
  t.same([plain.code, plain.err], [0, ''])

  const main = new URL('../../lib/cli/main.ts', import.meta.url).pathname
  const onTerminal = (...args: string[]) => {
    const line = [process.execPath, '--import', import.meta.resolve('tsx'), main, ...args]
    const quoted = line.map((word) => `'${word}'`).join(' ')
    return spawnSync('script', ['-qec', quoted, '/dev/null'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe']
    })
  }
  const shown = onTerminal('get', '-d', ann, '/', two)
  t.is(shown.status, 0, shown.stdout)
  t.ok(/█.*100% \| 4 kB of 4 kB \| 2 of 2 files \|/.test(shown.stdout), shown.stdout)
  t.ok(shown.stdout.includes('\u001b[?25h'), 'the cursor is back')
  const json = onTerminal('get', '--json', '-d', ann, '/', three)
  t.notOk(json.stdout.includes('█'))
  for (const folder of [one, two, three]) t.same(Object.keys(await treeOf(folder)), ['a', 'b/c'])
})
