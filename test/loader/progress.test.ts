import test from 'tape'
import { type DownloadReport } from '../../lib/loader/index.ts'
import { failureOf, folder, hyperdrive, uncaught } from '../helpers/drives.ts'
import { bytesOf, loaderOf, remote, run, whole } from './helpers.ts'

const limit = { timeout: 60_000 }
const SIZE = 500_000

test('progress counts bytes and never runs backwards', limit, async (t) => {
  const files = { '/a': bytesOf(SIZE), '/b': bytesOf(3 * SIZE, 2), '/c': '', '/d': 'x' }
  const { loader } = await remote(t, files)
  const target = await folder(t)
  await run(loader, '/a', { diskPath: target })
  for (const diskPath of [undefined, target]) {
    const reports: DownloadReport[] = []
    const seen: Record<string, number> = {}
    const complete: string[] = []
    const opts = { diskPath, progressReportInterval: 0 }
    await run(loader, '/', { ...opts, progressCallback: (report: DownloadReport) => reports.push(report) })
    if (diskPath === undefined) await loader.deleteLocal()
    await run(loader, '/', {
      ...opts,
      progressReporter: {
        progressReportInterval: 0,
        update: (file: string, bytes: number) => (seen[file] = (seen[file] ?? 0) + bytes),
        completeFile: (file: string) => complete.push(file)
      }
    })
    t.same(seen, { '/a': SIZE, '/b': 3 * SIZE, '/d': 1 }, 'every byte counts once')
    t.same(complete.sort(), Object.keys(files))
    for (const of of ['loadedSize', 'overallProgress', 'filesProcessed'] as const)
      t.ok(
        reports.every((report, i) => i === 0 || report[of] >= reports[i - 1]![of]),
        of
      )
    t.ok(reports.every(({ totalSize, totalFiles }) => totalSize === 4 * SIZE + 1 && totalFiles === 4))
    t.same(
      (({ loadedSize, overallProgress, filesProcessed }) => [loadedSize, overallProgress, filesProcessed])(
        reports.at(-1)!
      ),
      [4 * SIZE + 1, 100, 4]
    )
    t.ok(reports.some(({ overallProgress }) => overallProgress > 0 && overallProgress < 100))
  }
})

test('download(path, reporter), as of old', limit, async (t) => {
  const { loader } = await remote(t, { '/a': bytesOf(SIZE) })
  let sum = 0
  const complete: string[] = []
  const reporter = {
    update: (_file: string, bytes: number) => (sum += bytes),
    completeFile: (file: string) => complete.push(file)
  }
  t.same(await (await loader.download('/a', reporter)).await(), whole('/a'))
  t.same([sum, complete], [SIZE, ['/a']])
})

test('progressReportInterval also counts for a reporter that has none', limit, async (t) => {
  const drive = await hyperdrive(t)
  await drive.put('/a', bytesOf(5 << 20))
  const loader = loaderOf(t, { drive })
  let updates = 0
  const progressReporter = { update: () => updates++, completeFile: () => undefined }
  await run(loader, '/a', { diskPath: await folder(t), progressReporter, progressReportInterval: 0 })
  t.ok(updates >= 5, `${updates} reports, one for each MiB`)
  for (const progressReportInterval of [-1, NaN, 'soon'])
    t.is((await failureOf(loader.download('/a', { progressReportInterval } as object))).code, 'EINVAL')
})

test('what a reporter throws is thrown where nobody can miss it, and fails no file', limit, async (t) => {
  const drive = await hyperdrive(t)
  await drive.put('/a', 'text')
  const mistake = new Error('a mistake in a callback')
  const thrown = uncaught(t)
  const download = run(loaderOf(t, { drive }), '/a', {
    diskPath: await folder(t),
    progressReporter: {
      update() {},
      completeFile() {
        throw mistake
      }
    }
  })
  t.is(await thrown, mistake)
  t.same(await download, whole('/a'))
})
