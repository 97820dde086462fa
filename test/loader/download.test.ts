import { EventEmitter, once } from 'node:events'
import { lstat, mkdir, readFile, readdir, readlink, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test, { type Test } from 'tape'
import { TransferError, type DownloadResult } from '../../lib/loader/index.ts'
import { failureOf, folder, hyperdrive, localdrive, multidrive, over } from '../helpers/drives.ts'
import { within } from '../availability/links.ts'
import { bytesOf, loaderOf, remote, run, there, whole } from './helpers.ts'

const limit = { timeout: 60_000 }
const SIZE = 500_000

test('download(file) to the cache', limit, async (t) => {
  const { loader } = await remote(t, { '/sub/a': bytesOf(SIZE) })
  const download = await loader.download('sub/a')
  t.same(
    download.trackers.map(({ file, size }) => ({ file, size })),
    [{ file: '/sub/a', size: SIZE }]
  )
  t.same(await download.await(), whole('/sub/a'))
  t.same(
    download.trackers.map(({ loaded, done }) => ({ loaded, done })),
    [{ loaded: SIZE, done: true }]
  )
  t.ok(await loader.cached('sub/a'))
  t.same(await run(loader, 'sub/a'), there('/sub/a'), 'what is there is told of as such')
  await download.cancel()
  t.same(await download.await(), whole('/sub/a'), 'a cancel that comes late changes nothing')
})

test('download(folder) to the cache', limit, async (t) => {
  const { loader } = await remote(t, { '/a': '1', '/sub/b': bytesOf(SIZE), '/sub/c/d': '', '/sub0': 'x' })
  await run(loader, '/sub/b')
  t.same(
    await run(loader, '/sub'),
    [...there('/sub/b'), ...there('/sub/c/d')],
    'an empty file has no bytes to come'
  )
  t.same(await run(loader, '/'), [...whole('/a'), ...there('/sub/b', '/sub/c/d'), ...whole('/sub0')])
})

test('download(file, { diskPath })', limit, async (t) => {
  const files = { '/sub/a': bytesOf(SIZE), '/one': 'x', '/empty': '', '/ß/日本 語.bin': bytesOf(70_000, 2) }
  const { loader } = await remote(t, files)
  const target = join(await folder(t), 'made', 'for it')
  for (const [path, content] of Object.entries(files)) {
    t.same(await run(loader, path, { diskPath: target }), whole(path))
    const name = path.split('/').at(-1)!
    t.ok((await readFile(join(target, name))).equals(Buffer.from(content)), name)
  }
  t.same((await readdir(target)).sort(), ['a', 'empty', 'one', '日本 語.bin'], 'and nothing else')
})

test('download(folder, { diskPath }) keeps the tree', limit, async (t) => {
  const files = { '/m/a': bytesOf(SIZE), '/m/x/a': 'other', '/m/x/y/empty': '', '/else': '-' }
  const { loader, theirs } = await remote(t, files)
  await theirs.put('/m/run', '#!', { executable: true, metadata: { mtime: 1_600_000_000_123 } })
  await loader.ready()
  await loader.client!.update({ wait: true })
  const target = await folder(t)
  t.same(await run(loader, '/m', { diskPath: target }), whole('/m/a', '/m/run', '/m/x/a', '/m/x/y/empty'))
  t.same((await readdir(target, { recursive: true })).sort(), ['a', 'run', 'x', 'x/a', 'x/y', 'x/y/empty'])
  t.ok((await readFile(join(target, 'a'))).equals(bytesOf(SIZE)))
  t.is(await readFile(join(target, 'x/a'), 'utf8'), 'other')
  const run1 = await stat(join(target, 'run'))
  t.is(run1.mode & 0o111, 0o111, 'the executable bit')
  t.is(Math.round(run1.mtimeMs), 1_600_000_000_123, 'the date')
  t.same(
    await run(loader, '/m/', { diskPath: target }),
    there('/m/a', '/m/run', '/m/x/a', '/m/x/y/empty'),
    'by date, or by bytes where there is none'
  )
  await writeFile(join(target, 'x/a'), 'OTHER')
  const again = await run(loader, '/m', { diskPath: target })
  t.same(
    again.filter(({ cached }) => !cached),
    whole('/m/x/a'),
    'what was changed comes again'
  )
  t.is(await readFile(join(target, 'x/a'), 'utf8'), 'other')
})

test('download of what is not there, of an empty folder, of a bad option', limit, async (t) => {
  const drive = await hyperdrive(t)
  const multi = await multidrive(t, [drive])
  await multi.promises.mkdir('/empty')
  await multi.put('/a', 'text')
  const loader = loaderOf(t, { drive: multi })
  for (const path of ['/none', '/a/', '/a/b']) {
    const err = await failureOf(loader.download(path))
    t.is(err.code, 'FILE_NOT_FOUND', path)
  }
  t.same(await run(loader, '/empty'), [])
  t.same(await run(loader, '/empty', { diskPath: await folder(t) }), [])
  for (const opts of [{ concurrency: 0 }, { diskPath: 3 }, { timeout: -1 }])
    t.is((await failureOf(loader.download('/a', opts as object))).code, 'EINVAL', JSON.stringify(opts))
})

test('links in a folder', limit, async (t) => {
  const drive = await hyperdrive(t)
  await drive.put('/m/blobs/1', bytesOf(SIZE))
  await drive.put('/out', 'outside')
  await drive.symlink('/m/model', 'blobs/1')
  await drive.symlink('/m/deep/abs', '/m/blobs/1')
  await drive.symlink('/m/dir', './deep/../blobs')
  await drive.symlink('/m/up', '../out')
  await drive.symlink('/m/broken', 'none')
  await drive.symlink('/m/deep/loop', 'loop')
  await drive.symlink('/m/deep/self', '..')
  await drive.symlink('/m/etc', '../../../etc/passwd')
  await drive.symlink('/m/away', '../none')
  await drive.put('/theirs/a', 'text')
  await drive.symlink('/m/theirs', '/theirs')
  const loader = loaderOf(t, { drive })
  const target = await folder(t)
  for (const round of ['first', 'again']) {
    const results = await run(loader, '/m', { diskPath: target })
    const failed = results.filter(({ error }) => error)
    t.same(
      failed.map(({ file, error }) => [file, error!.code]),
      [
        ['/m/away', 'FILE_NOT_FOUND'],
        ['/m/etc', 'FILE_NOT_FOUND'],
        ['/m/theirs', 'FILE_NOT_FOUND']
      ]
    )
    t.same(
      results.filter(({ error }) => !error),
      (round === 'first' ? whole : there)(
        '/m/blobs/1',
        '/m/broken',
        '/m/deep/abs',
        '/m/deep/loop',
        '/m/deep/self',
        '/m/dir',
        '/m/model',
        '/m/up'
      ),
      round
    )
  }
  t.is(await readlink(join(target, 'model')), 'blobs/1')
  t.is(await readlink(join(target, 'deep/abs')), '../blobs/1')
  t.is(await readlink(join(target, 'dir')), 'blobs')
  t.is(await readlink(join(target, 'broken')), 'none', 'also one that leads nowhere')
  t.is(await readlink(join(target, 'deep/loop')), 'loop')
  t.is(await readlink(join(target, 'deep/self')), '..', 'and one to the folder itself')
  t.ok((await readFile(join(target, 'dir/1'))).equals(bytesOf(SIZE)))
  t.notOk((await lstat(join(target, 'up'))).isSymbolicLink(), 'one that leads out is a copy')
  t.is(await readFile(join(target, 'up'), 'utf8'), 'outside')
  t.same(await run(loader, '/m/model', { diskPath: join(target, 'one') }), whole('/m/model'))
  t.notOk((await lstat(join(target, 'one/model'))).isSymbolicLink(), 'one that is asked for is its file')
})

test('links of a whole drive, to the store and to the disk', limit, async (t) => {
  const drive = await hyperdrive(t)
  await drive.put('/a/f', 'text')
  await drive.symlink('/a/up', '..')
  await drive.symlink('/broken', 'a/none')
  const loader = loaderOf(t, { drive })
  t.same(await run(loader, '/'), there('/a/f', '/a/up', '/broken'))
  const target = await folder(t)
  t.same(await run(loader, '/', { diskPath: target }), whole('/a/f', '/a/up', '/broken'))
  t.same(await run(loader, '/', { diskPath: target }), there('/a/f', '/a/up', '/broken'))
  t.is(await readlink(join(target, 'a/up')), '..')
  t.is(await readlink(join(target, 'broken')), 'a/none')
  for (const path of ['/broken', '/a/none'])
    t.is((await failureOf(loader.download(path))).code, 'FILE_NOT_FOUND', `${path}, asked for itself`)
})

test(
  'a link of which the drive does not say in time what it leads to is no link to nothing',
  limit,
  async (t) => {
    const drive = await hyperdrive(t)
    await drive.put('/m/f', 'text')
    await drive.symlink('/m/link', 'f')
    const never = () => new Promise<never>(() => undefined)
    const silent = over(drive, {
      list: (...args: [string]) => drive.list(...args),
      entry: (key: string, ...args: unknown[]) => (key === '/m/f' ? never() : drive.entry(key, ...args))
    })
    const loader = loaderOf(t, { drive: silent, timeout: 200 })
    t.is((await failureOf(loader.list('/m'))).code, 'CONNECTION_FAILED')
    t.is((await failureOf(loader.download('/m/'))).code, 'CONNECTION_FAILED')
  }
)

test('nothing ever leads outside of diskPath', limit, async (t) => {
  const outside = await folder(t)
  const target = await folder(t)
  await symlink(outside, join(target, 'sub'))
  await symlink(join(outside, 'file'), join(target, 'file'))
  await writeFile(join(outside, 'file'), 'theirs')
  const entry = (key: string) => ({
    key,
    value: { executable: false, linkname: null, blob: { byteLength: 4 }, metadata: null }
  })
  const real = await hyperdrive(t)
  await real.put('/sub/a', 'text')
  await real.put('/file', 'text')
  // Its owner names its files as it pleases.
  const evil = over(real, {
    async *list() {
      for (const key of ['/../evil', '/a/../../evil', '/file', '/sub/a', 'evil', '//evil']) yield entry(key)
    }
  })
  for (const drive of [real, evil]) {
    const results = await run(loaderOf(t, { drive }), '/', { diskPath: target })
    const sub = results.find(({ file }) => file === '/sub/a')!
    t.is(sub.error?.code, 'DOWNLOAD_FAILED')
    t.match(sub.error!.message, /it is not a folder/)
  }
  t.is(await readFile(join(target, 'file'), 'utf8'), 'text', 'a link is replaced')
  t.same(await readdir(outside), ['file'])
  t.is(await readFile(join(outside, 'file'), 'utf8'), 'theirs')
  t.same((await readdir(target)).sort(), ['file', 'sub'])
})

test('what cannot be saved fails by itself', limit, async (t) => {
  const drive = await hyperdrive(t)
  await drive.put('/a', 'text')
  await drive.put('/b/c', 'text')
  await drive.put('/d', 'text')
  const loader = loaderOf(t, { drive })
  const target = await folder(t)
  await mkdir(join(target, 'a'))
  await writeFile(join(target, 'b'), 'a file')
  const [a, b, d] = (await run(loader, '/', { diskPath: target })) as [
    DownloadResult,
    DownloadResult,
    DownloadResult
  ]
  t.is(a.error?.code, 'DOWNLOAD_FAILED')
  t.is((a.error!.cause as NodeJS.ErrnoException).code, 'EISDIR', 'a folder is in its place')
  t.is(b.error?.code, 'DOWNLOAD_FAILED', 'a file is in the place of its folder')
  t.same(d, { file: '/d', error: null, cached: false }, 'the others are saved')
  const [below] = (await run(loader, '/d', { diskPath: join(target, 'b', 'x') })) as [DownloadResult]
  t.is(below.error?.code, 'DOWNLOAD_FAILED', 'below a file')
  t.is((below.error!.cause as NodeJS.ErrnoException).code, 'ENOTDIR')
  t.ok(below.error instanceof TransferError)
  t.match(below.error!.message, /"\/d"/)
})

test('a drive that gives too few or too many bytes', limit, async (t) => {
  const real = await hyperdrive(t)
  await real.put('/a', bytesOf(SIZE))
  for (const [length, detail] of [
    [SIZE - 1, `${SIZE - 1} bytes came of ${SIZE}`],
    [SIZE + 1, `more bytes came than its ${SIZE}`]
  ] as const) {
    const drive = over(real, {
      createReadStream: async function* () {
        yield bytesOf(length)
      }
    })
    const target = await folder(t)
    const [{ error }] = (await run(loaderOf(t, { drive }), '/a', { diskPath: target })) as [DownloadResult]
    t.is(error?.code, 'DOWNLOAD_FAILED')
    t.ok(error!.message.includes(detail), error!.message)
    t.notOk((await readdir(target)).includes('a'), 'it has no name')
  }
})

test('files that change meanwhile are of the version of the call', limit, async (t) => {
  const drive = await hyperdrive(t)
  await drive.put('/a', bytesOf(SIZE))
  await drive.put('/b', bytesOf(SIZE))
  const loader = loaderOf(t, { drive })
  const target = await folder(t)
  const download = await loader.download('/', { diskPath: target, concurrency: 1 })
  await Promise.all(['/a', '/b', '/c'].map((path) => drive.put(path, 'other')))
  t.same(await download.await(), whole('/a', '/b'))
  for (const name of ['a', 'b']) t.ok((await readFile(join(target, name))).equals(bytesOf(SIZE)), name)
})

test('cancel() of a download that waits for peers settles await()', limit, async (t) => {
  const { loader, unlink } = await remote(t, { '/a': bytesOf(SIZE), '/b': 'x' })
  await loader.list()
  await unlink()
  const target = await folder(t)
  for (const opts of [{}, { diskPath: target }, { diskPath: target, concurrency: 1 }]) {
    const download = await loader.download('/', opts)
    await download.cancel()
    const results = await download.await()
    t.same(
      results.map(({ file, error, cached }) => [file, error?.code, cached]),
      [
        ['/a', 'DOWNLOAD_FAILED', false],
        ['/b', 'DOWNLOAD_FAILED', false]
      ]
    )
    t.ok(results.every(({ error }) => error!.message.includes('it was cancelled')))
  }
  const two = await Promise.all([
    loader.download('/a', { diskPath: target }),
    loader.download('/a', { diskPath: target })
  ])
  await two[1].cancel()
  t.is((await two[1].await())[0]!.error?.code, 'DOWNLOAD_FAILED', 'also of one that waits for another')
  await two[0].cancel()
})

test('timeout: a file of which nothing comes is given up', limit, async (t) => {
  const { loader, unlink } = await remote(t, { '/a': bytesOf(SIZE) })
  await loader.list()
  await unlink()
  for (const opts of [{ timeout: 200 }, { timeout: 200, diskPath: await folder(t) }]) {
    const [{ error }] = (await run(loader, '/a', opts)) as [DownloadResult]
    t.is(error?.code, 'CONNECTION_FAILED')
    t.is((error!.cause as { code: string }).code, 'REQUEST_TIMEOUT')
  }
})

test('close() settles the downloads at work: DRIVE_NOT_READY', limit, async (t) => {
  const { loader, unlink } = await remote(t, { '/a': bytesOf(SIZE) })
  await loader.list()
  await unlink()
  const downloads = [await loader.download('/a'), await loader.download('/a', { diskPath: await folder(t) })]
  await loader.close()
  for (const download of downloads) t.is((await download.await())[0]!.error?.code, 'DRIVE_NOT_READY')
})

test('a Localdrive', limit, async (t) => {
  const drive = await localdrive(t)
  await drive.put('/sub/a', bytesOf(SIZE))
  const loader = loaderOf(t, { drive })
  t.same(await run(loader, '/'), there('/sub/a'))
  const target = await folder(t)
  t.same(await run(loader, '/', { diskPath: target }), whole('/sub/a'))
  t.same(await run(loader, '/', { diskPath: target }), there('/sub/a'))
  t.ok((await readFile(join(target, 'sub/a'))).equals(bytesOf(SIZE)))
})

test('names that are none on a disk, and those that MultiDrive keeps for itself', limit, async (t) => {
  const real = await hyperdrive(t)
  for (const path of ['/.multidrive/log', '/sub/.MultiDrive/log', '/ok']) await real.put(path, 'text')
  const target = await folder(t)
  const results = await run(loaderOf(t, { drive: real }), '/', { diskPath: target })
  t.same(
    results.map(({ file, error }) => [file, error?.code]),
    [
      ['/.multidrive/log', 'DOWNLOAD_FAILED'],
      ['/ok', undefined],
      ['/sub/.MultiDrive/log', 'DOWNLOAD_FAILED']
    ]
  )
  t.same(await readdir(target), ['ok'])
})

test('a folder in the place of a file is told before anything is fetched', limit, async (t) => {
  const { copy, loader } = await remote(t, { '/a': bytesOf(SIZE) })
  const target = await folder(t)
  await mkdir(join(target, 'a'))
  let fetched = 0
  ;(await copy.getBlobs()).core.on('download', () => fetched++)
  const [{ error }] = (await run(loader, '/a', { diskPath: target })) as [DownloadResult]
  t.is(error?.code, 'DOWNLOAD_FAILED')
  t.is((error!.cause as NodeJS.ErrnoException).code, 'EISDIR')
  t.is(fetched, 0)
  t.same(await readdir(target), ['a'])
})

test('links in the store come with what they lead to', limit, async (t) => {
  const { theirs, loader } = await remote(t, { '/m/blobs/1': bytesOf(SIZE) })
  await theirs.symlink('/m/model', 'blobs/1')
  await theirs.symlink('/dir', 'm/blobs')
  await loader.ready()
  await loader.client!.update({ wait: true })
  t.is(await loader.cached('/dir'), false)
  await run(loader, '/m')
  t.same(await run(loader, '/m'), there('/m/blobs/1', '/m/model'))
  t.is(await loader.cached('/m/model'), true)
  t.is(await loader.cached('/dir'), true, 'a folder behind a link')
})

test('keep: whether what is saved to the disk stays in the store', limit, async (t) => {
  const { loader } = await remote(t, { '/a': bytesOf(SIZE), '/b': bytesOf(SIZE, 2), '/c': 'c' })
  const diskPath = await folder(t)
  t.same(await run(loader, '/a', { diskPath }), whole('/a'))
  t.is(await loader.cached('/a'), true, 'by default it does in a drive that was given')
  t.same(await run(loader, '/b', { diskPath, keep: false }), whole('/b'))
  t.same(
    (await loader.list()).map(({ cached }) => cached),
    [true, false, false]
  )
  t.same(await run(loader, '/', { diskPath: join(diskPath, 'more'), keep: false }), whole('/a', '/b', '/c'))
  t.is(await loader.cached('/a'), true, 'what was there before stays')
  t.is(await loader.cached('/c'), false)
  t.is(await loader.cached('/c'), false)
  t.ok((await readFile(join(diskPath, 'more', 'b'))).equals(bytesOf(SIZE, 2)))
  t.same(await run(loader, '/b', {}), whole('/b'), 'it is fetched again')
  t.is(await loader.cached('/b'), true)
})

test('keep: false never removes what may be nowhere else', limit, async (t) => {
  const own = await hyperdrive(t)
  await own.put('/a', bytesOf(SIZE))
  const local = await localdrive(t)
  await local.put('/b', 'text')
  const loader = loaderOf(t, { drive: await multidrive(t, [own, local]) })
  const diskPath = await folder(t)
  t.same(await run(loader, '/', { diskPath, keep: false }), whole('/a', '/b'))
  t.ok((await own.get('/a'))!.equals(bytesOf(SIZE)))
  t.is((await local.get('/b'))!.toString(), 'text')
})

test('keep: false leaves no second copy of a file that is compared by its bytes', limit, async (t) => {
  const { loader } = await remote(t, { '/a': bytesOf(SIZE) })
  const diskPath = await folder(t)
  t.same(await run(loader, '/a', { diskPath, keep: false }), whole('/a'))
  t.is(await loader.cached('/a'), false)
  t.same(await run(loader, '/a', { diskPath, keep: false }), there('/a'))
  t.is(await loader.cached('/a'), false, 'nor when it was there')
})

/** A drive whose files are read one by one as they are let, and how many are read at most at a time. */
async function gated(t: Test, count: number) {
  const drive = await hyperdrive(t)
  for (let i = 0; i < count; i++) await drive.put(`/${i}`, bytesOf(1000, i))
  const waiting: (() => void)[] = []
  const seen = { reading: 0, most: 0 }
  const changes = new EventEmitter()
  const view = over(drive, {
    createReadStream: async function* (...args: unknown[]) {
      seen.most = Math.max(seen.most, ++seen.reading)
      const permission = new Promise<void>((resolve) => waiting.push(resolve))
      changes.emit('change')
      await permission
      yield* drive.createReadStream(...args) as AsyncIterable<Uint8Array>
      seen.reading--
    }
  })
  /** Lets the first one go when so many are read. */
  const next = async (reading: number) => {
    while (seen.reading < reading || waiting.length === 0) await once(changes, 'change')
    waiting.shift()!()
  }
  return { drive: view, seen, next }
}

test('concurrency: so many files come at once, and no more', limit, async (t) => {
  for (const [concurrency, most] of [
    [undefined, 4],
    [3, 3],
    [1, 1]
  ] as const) {
    const { drive, seen, next } = await gated(t, 9)
    const loader = loaderOf(t, { drive })
    const running = run(loader, '/', { diskPath: await folder(t), ...(concurrency && { concurrency }) })
    for (let left = 9; left > 0; left--) await next(Math.min(left, most))
    t.is((await running).filter(({ error }) => error === null).length, 9)
    t.is(seen.most, most)
  }
})

test('cancel() of a folder leaves what is whole, and ends the others at once', limit, async (t) => {
  const { loader, unlink } = await remote(t, { '/a': bytesOf(SIZE), '/b': bytesOf(SIZE, 2) })
  await run(loader, '/a')
  await unlink()
  const diskPath = await folder(t)
  let isThrough: () => void = () => undefined
  const through = new Promise<void>((resolve) => (isThrough = resolve))
  const download = await loader.download('/', {
    diskPath,
    progressReporter: { update: () => undefined, completeFile: () => isThrough() }
  })
  await through
  await within(2000, 'cancel', download.cancel())
  const [a, b] = (await download.await()) as [DownloadResult, DownloadResult]
  t.same(a, { file: '/a', error: null, cached: false })
  t.is(b.error?.code, 'DOWNLOAD_FAILED')
  t.ok((await readFile(join(diskPath, 'a'))).equals(bytesOf(SIZE)))
  t.notOk((await readdir(diskPath)).includes('b'))
})

test('keep: false in two downloads at once', limit, async (t) => {
  const files = Object.fromEntries(Array.from({ length: 120 }, (_, i) => [`/${i}`, bytesOf(3000, i)]))
  const { loader } = await remote(t, files)
  const [one, two] = [await folder(t), await folder(t)]
  const [small, large] = await Promise.all([
    run(loader, '/7', { diskPath: one, keep: false, timeout: 10_000 }),
    run(loader, '/', { diskPath: two, keep: false, timeout: 10_000 })
  ])
  t.same(small, whole('/7'))
  t.same(
    large.filter(({ error }) => error !== null),
    []
  )
  t.same((await readdir(two)).length, 120)
  t.is(await loader.cached('/8'), false)
})
