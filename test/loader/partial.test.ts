import { once } from 'node:events'
import { open, readFile, readdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'tape'
import { type DownloadReport, type DownloadResult } from '../../lib/loader/index.ts'
import { folder, hyperdrive, link, store } from '../helpers/drives.ts'
import { bytesOf, loaderOf, reaches, remote, run, there, whole } from './helpers.ts'

const limit = { timeout: 60_000 }
const SIZE = 500_000

test('a partial file is resumed from the bytes there', limit, async (t) => {
  const { copy, loader, theirs, unlink } = await remote(t, { '/a': bytesOf(4_000_000) })
  const target = await folder(t)
  const download = await reaches(loader, '/a', { diskPath: target }, 2_000_000)
  await download.cancel()
  const [{ error }] = (await download.await()) as [DownloadResult]
  t.is(error?.code, 'DOWNLOAD_FAILED')
  t.match(error!.message, /it was cancelled/)
  const names = await readdir(target)
  t.is(names.length, 1)
  t.match(names[0]!, /^a\.[0-9a-f]{16}\.part$/)
  const { size } = await stat(join(target, names[0]!))
  t.ok(size >= 2_000_000 && size < 4_000_000, `${size} bytes`)
  await unlink()
  await loader.close()

  const corestore = await store(t)
  const other = await hyperdrive(t, { store: corestore, key: copy.key })
  link(theirs.corestore, corestore)
  await once(other.core, 'append')
  let fetched = 0
  ;(await other.getBlobs()).core.on('download', (_index: number, bytes: number) => (fetched += bytes))
  const reports: DownloadReport[] = []
  const progressCallback = (report: DownloadReport) => reports.push(report)
  const second = loaderOf(t, { drive: other })
  t.same(await run(second, '/a', { diskPath: target, progressCallback }), whole('/a'))
  t.ok(fetched <= 4_000_000 - size + 2 * 65_536, `${fetched} bytes came`)
  t.ok(reports[0]!.loadedSize >= size, 'what was there counts from the start')
  t.ok((await readFile(join(target, 'a'))).equals(bytesOf(4_000_000)))
  t.same(await readdir(target), ['a'])
})

test('a partial file of another version, or one that is too long, is not resumed', limit, async (t) => {
  const { loader, theirs } = await remote(t, { '/a': bytesOf(4_000_000) })
  const target = await folder(t)
  const stopped = async () => {
    const before = await readdir(target)
    await (await reaches(loader, '/a', { diskPath: target }, 2_000_000)).cancel()
    return (await readdir(target)).find((name) => !before.includes(name))!
  }
  const old = await stopped()
  await theirs.put('/a', bytesOf(4_000_000, 2))
  await loader.client!.update({ wait: true })
  const partial = await stopped()
  t.not(partial, old, 'each version has its own')
  await writeFile(join(target, partial), bytesOf(4_000_001, 3))
  t.same(await run(loader, '/a', { diskPath: target }), whole('/a'))
  t.ok((await readFile(join(target, 'a'))).equals(bytesOf(4_000_000, 2)))
})

test('the same file twice at once', limit, async (t) => {
  const { loader, theirs } = await remote(t, { '/a': bytesOf(SIZE) })
  await theirs.put('/dated', bytesOf(SIZE), { metadata: { mtime: 1_600_000_000_000 } })
  await loader.ready()
  await loader.client!.update({ wait: true })
  const target = await folder(t)
  for (const path of ['/a', '/dated']) {
    const both = await Promise.all([
      run(loader, path, { diskPath: target }),
      run(loader, path, { diskPath: target })
    ])
    // Which of them is the one that writes it is not said.
    const [written, found] = both.sort(([one]) => (one!.cached ? 1 : -1))
    t.same([written, found], [whole(path), there(path)], path)
  }
  t.same((await readdir(target)).sort(), ['a', 'dated'])
  t.same(await Promise.all([run(loader, '/a'), run(loader, '/a')]), [there('/a'), there('/a')])
})

test('a partial file whose end did not reach the disk is not gone on with', limit, async (t) => {
  const { loader } = await remote(t, { '/a': bytesOf(4_000_000) })
  const target = await folder(t)
  await (await reaches(loader, '/a', { diskPath: target }, 2_000_000)).cancel()
  const [name] = await readdir(target)
  const partial = join(target, name!)
  const { size } = await stat(partial)
  // As some file systems leave it when the power fails.
  const handle = await open(partial, 'r+')
  await handle.write(Buffer.alloc(100_000), 0, 100_000, size - 100_000)
  await handle.close()
  t.same(await run(loader, '/a', { diskPath: target }), whole('/a'))
  t.ok((await readFile(join(target, 'a'))).equals(bytesOf(4_000_000)))
})

test('keep: false of a file that was broken off leaves nothing of that time', limit, async (t) => {
  const { copy, loader } = await remote(t, { '/a': bytesOf(4_000_000) })
  const diskPath = await folder(t)
  const download = await reaches(loader, '/a', { diskPath, keep: false }, 2_000_000)
  await download.cancel()
  // All of it may have come before it was on the disk.
  await copy.get('/a')
  t.same(await run(loader, '/a', { diskPath, keep: false }), whole('/a'))
  t.is(await copy.has('/a'), false)
})
