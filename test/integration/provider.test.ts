/** `npm run hd-provider` as a process of its own. */
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import test from 'tape'
import { cleanup, folder } from '../helpers/drives.ts'
import { network } from '../helpers/network.ts'
import { HyperDriveDL } from '../../lib/loader/index.ts'
import { loader, provider, start } from './processes.ts'

const limit = { timeout: 60_000 }

test('npm run hd-provider -- FOLDER, and a loader in another process', limit, async (t) => {
  const bootstrap = await network(t)
  const [root, tmp, diskPath] = [await folder(t), await folder(t), await folder(t)]
  await writeFile(join(root, 'a.txt'), 'text')
  const { link } = await provider(t, tmp, bootstrap, [root])
  const told = (await loader(t, tmp, { key: link, bootstrap, path: '/a.txt', diskPath }).ended)!
  t.same(told.results, [{ file: '/a.txt', error: null, cached: false }])
  t.is(told.fetched, 4)
  t.is(await readFile(join(diskPath, 'a.txt'), 'utf8'), 'text')
})

test('npm run hd-provider -- FOLDER STORAGE --watch', limit, async (t) => {
  const bootstrap = await network(t)
  const [root, tmp, storage] = [await folder(t), await folder(t), await folder(t)]
  const { child, link } = await provider(t, tmp, bootstrap, [root, storage, '--watch'])
  const reader = new HyperDriveDL({ key: link, bootstrap })
  cleanup(t, () => reader.close())
  t.same(await reader.list(), [])
  const line = once(createInterface(child.stdout!), 'line')
  const names: string[][] = []
  const arrived = new Promise<void>((resolve) => {
    reader.client!.on('update', () => {
      const listed = reader.list('/', { names: true }).then((list) => {
        names.push(list)
        if (list.length > 0) resolve()
      })
      // It may be closed by then.
      listed.catch(() => undefined)
    })
  })
  await writeFile(join(root, 'new.txt'), 'text')
  t.same(await line, ['1 added, 0 changed, 0 removed'])
  await arrived
  t.same(names.at(-1), ['new.txt'])
})

test('npm run hd-provider without a folder says how it is used', limit, async (t) => {
  const tmp = await folder(t)
  for (const [args, said] of [
    [[], /^usage: npm run hd-provider -- FOLDER/],
    [[join(tmp, 'none')], /ENOENT/],
    [[tmp, tmp, tmp], /^usage/],
    [['--wrong'], /'--wrong'/]
  ] as const) {
    const child = start(t, tmp, 'lib/share/hd-provider.ts', args, 'pipe')
    let text = ''
    child.stderr!.setEncoding('utf8').on('data', (more: string) => (text += more))
    const [code] = (await once(child, 'close')) as [number]
    t.is(code, 1)
    t.match(text.replace(/^(npm )?warn.*\n/gim, ''), said)
  }
})

test('npm run hd-provider -- --help', limit, async (t) => {
  const tmp = await folder(t)
  for (const flag of ['--help', '-h']) {
    const child = start(t, tmp, 'lib/share/hd-provider.ts', [flag])
    let text = ''
    child.stdout!.setEncoding('utf8').on('data', (more: string) => (text += more))
    const [code] = (await once(child, 'close')) as [number]
    t.is(code, 0)
    t.match(text, /^usage: npm run hd-provider -- FOLDER/)
    for (const word of ['STORAGE', '--watch', '--bootstrap', 'temporary folder'])
      t.ok(text.includes(word), word)
  }
})

test('npm run hd-provider counts files', limit, async (t) => {
  const bootstrap = await network(t)
  const [root, tmp] = [await folder(t), await folder(t)]
  await writeFile(join(root, 'a.txt'), 'text')
  const nodes = bootstrap.map((node) => (typeof node === 'string' ? node : `${node.host}:${node.port}`))
  const args = [root, ...nodes.flatMap((node) => ['--bootstrap', node])]
  const child = start(t, tmp, 'lib/share/hd-provider.ts', args)
  const [line] = (await once(createInterface(child.stdout!), 'line')) as [string]
  t.is(line, `1 file of ${root}`)
})
