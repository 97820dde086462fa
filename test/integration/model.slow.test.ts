/** A folder as models have them, shared by one process, loaded by another, and compared byte for byte. */
import { mkdir, readFile, readdir, readlink, lstat, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'tape'
import { folder } from '../helpers/drives.ts'
import { network } from '../helpers/network.ts'
import { loader, provider, writeLarge } from './processes.ts'

const MiB = 1 << 20

test('a model is shared, loaded and the same byte for byte', { timeout: 240_000 }, async (t) => {
  const bootstrap = await network(t)
  const [root, tmp, diskPath] = [await folder(t), await folder(t), await folder(t)]
  for (const path of ['weights/deep/er', 'vocab/日本語', 'empty folder'])
    await mkdir(join(root, path), { recursive: true })
  const sizes = {
    'config.json': 1,
    'weights/empty.bin': 0,
    'weights/model-00001.safetensors': 300 * MiB,
    'weights/model-00002.safetensors': 40 * MiB + 1,
    'weights/deep/er/block': 65_536,
    'weights/deep/er/block and one': 65_537,
    'vocab/日本語/ünïcode 😀.txt': 12_345
  }
  let seed = 1
  for (const [path, size] of Object.entries(sizes)) await writeLarge(join(root, path), size, seed++)
  await writeFile(join(root, 'run.sh'), '#!/bin/sh\n', { mode: 0o755 })
  await symlink('weights/model-00001.safetensors', join(root, 'model'))
  await symlink('../vocab', join(root, 'weights', 'vocab'))

  const { link, child } = await provider(t, tmp, bootstrap, [root])
  const task = { key: link, bootstrap, path: '/', diskPath }
  const files = [...Object.keys(sizes), 'run.sh', 'model', 'weights/vocab']
  for (const cached of [false, true]) {
    const told = (await loader(t, tmp, task).ended)!
    t.same(
      told.results.toSorted((a, b) => (a.file < b.file ? -1 : 1)),
      files
        .map((file) => ({ file: `/${file}`, error: null, cached }))
        .sort((a, b) => (a.file < b.file ? -1 : 1)),
      cached ? 'once more: all is there' : 'the first time'
    )
    if (cached) t.is(told.fetched, 0, 'nothing comes again')
  }
  for (const path of [...Object.keys(sizes), 'run.sh']) {
    const [mine, theirs] = await Promise.all([readFile(join(diskPath, path)), readFile(join(root, path))])
    t.ok(mine.equals(theirs), path)
    const [a, b] = await Promise.all([stat(join(diskPath, path)), stat(join(root, path))])
    t.ok(Math.abs(a.mtimeMs - b.mtimeMs) < 1, 'its date')
    t.is(a.mode & 0o100, b.mode & 0o100, 'its executable bit')
  }
  for (const path of ['model', 'weights/vocab']) {
    t.ok((await lstat(join(diskPath, path))).isSymbolicLink())
    t.is(await readlink(join(diskPath, path)), await readlink(join(root, path)), path)
  }
  const entries = await readdir(diskPath, { recursive: true })
  t.same(
    entries.filter((name) => name.endsWith('.part')),
    []
  )

  const exited = new Promise((resolve) => child.once('exit', (code) => resolve(code)))
  child.kill('SIGINT')
  t.is(await exited, 0, 'the provider stops cleanly')
  t.same(
    (await readdir(tmp)).filter((name) => !name.startsWith('tsx-')),
    [],
    'and nobody leaves anything behind'
  )
})
