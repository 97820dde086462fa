import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import type Hyperdrive from 'hyperdrive'
import test, { type Test } from 'tape'
import type { DownloadProgress } from '../../../index.ts'
import { Download } from '../../../lib/faces/drive/download.ts'
import { changedIn } from '../../../lib/faces/drive/winners.ts'
import { within } from '../../availability/links.ts'
import { before, copyOf, putMapped } from '../../helpers/copies.ts'
import { calledBack, failureOf, hyperdrive, localdrive, multidrive, store } from '../../helpers/drives.ts'

const QUICK = 5000
const LONG = 20_000
const BIG = Buffer.from(
  Array.from({ length: 200_000 }, (_, i) => (i * 7 + (i >> 8) * 3 + (i >> 16) * 5) & 255)
)
const OLD = { metadata: { mtime: 1000 } }
const NEW = { metadata: { mtime: 2000 } }

/** A MultiDrive over a drive of one's own and two of others, of whose files no byte is here. */
async function shared(t: Test) {
  const ours = await store(t)
  const older = await copyOf(
    t,
    async (author) => {
      await author.put('/both', 'the older one', OLD)
      await author.put('/docs/a', 'a')
    },
    { ours }
  )
  const newer = await copyOf(
    t,
    async (author) => {
      await author.put('/both', BIG, NEW)
      await putMapped(author, '/docs/mapped', BIG)
      await author.put('/docs/deep/b', 'bb')
      await author.put('/empty', '')
      await author.symlink('/link', '/both')
    },
    { ours }
  )
  const own = await hyperdrive(t, { store: ours })
  await own.put('/own', 'own')
  const multi = await multidrive(t, [own, older.copy, newer.copy])
  return { multi, own, older, newer }
}

const local = async ({ copy }: { copy: Hyperdrive }, path: string) => copy.has(path) as Promise<boolean>

test('download(path) fetches the winner and nothing else', async (t) => {
  const { multi, older, newer } = await shared(t)
  const download = multi.download('/both')
  await within(LONG, 'done', download.done())
  t.same(download.progress, { files: 1, filesDone: 1, bytes: BIG.length, bytesDone: BIG.length })
  t.same([await local(newer, '/both'), await local(older, '/both')], [true, false])
  t.equal(await local(newer, '/docs'), false)
  await newer.cut()
  t.ok(BIG.equals((await multi.get('/both', { wait: false }))!))
})

test('download(folder) fetches all winners below it, block maps too; download() all there are', async (t) => {
  const { multi, older, newer } = await shared(t)
  const download = multi.download('/docs')
  await within(LONG, 'done', download.done())
  const bytes = BIG.length + 3
  t.same(download.progress, { files: 3, filesDone: 3, bytes, bytesDone: bytes })
  t.same(
    [await local(newer, '/both'), await local(newer, '/docs'), await local(older, '/docs')],
    [false, true, true]
  )
  await within(LONG, 'done', multi.download({ ignore: '/docs/deep' }).done())
  t.same([await local(newer, '/both'), await local(older, '/both')], [true, false])
  const again = multi.download()
  await within(QUICK, 'done', again.done())
  t.same(again.progress, { files: 6, filesDone: 6, bytes: 2 * BIG.length + 6, bytesDone: 2 * BIG.length + 6 })
})

test('download(folder, { recursive, ignore })', async (t) => {
  const { multi, newer } = await shared(t)
  await within(LONG, 'done', multi.download('/', { recursive: false, ignore: ['/both'] }).done())
  t.same(
    [await local(newer, '/both'), await local(newer, '/docs/mapped'), await local(newer, '/docs/deep/b')],
    [false, false, false]
  )
  t.equal(await multi.has('/docs/a'), true, 'the first of its folder')
})

test('download(path) of nothing, of a link, of a file without bytes', async (t) => {
  const { multi } = await shared(t)
  for (const [path, files] of [
    ['/missing', 0],
    ['/link', 0],
    ['/both/', 0],
    ['/empty', 1]
  ] as const) {
    const download = multi.download(path)
    await within(QUICK, path, download.done())
    t.same(download.progress, { files, filesDone: files, bytes: 0, bytesDone: 0 }, path)
  }
  t.equal((await failureOf(multi.download('/../x').done())).code, 'EINVAL')
  t.equal((await failureOf(multi.download('\0').done())).code, 'EINVAL')
})

test('progress: an event when anything comes, and never backwards', async (t) => {
  const { multi, newer } = await shared(t)
  await multi.get('/docs/a')
  // One after another, lest several come at once.
  let last = Promise.resolve()
  await before(newer.author, () => (last = last.then(() => sleep(20))))
  const download = multi.download('/')
  const seen: DownloadProgress[] = []
  download.on('progress', (progress) => void seen.push(progress))
  await within(LONG, 'done', download.done())
  t.ok(seen.length > 3, `${seen.length} events`)
  for (const name of ['files', 'filesDone', 'bytes', 'bytesDone'] as const) {
    const values = seen.map((progress) => progress[name])
    t.same(
      values,
      values.toSorted((a, b) => a - b),
      name
    )
  }
  t.ok(seen.every(({ bytes, bytesDone }) => bytesDone <= bytes))
  t.ok(
    seen.some(({ bytesDone }) => bytesDone > 6 && bytesDone < BIG.length),
    'blocks count as they come'
  )
  t.same(seen.at(-1), download.progress, 'the last is the end')
  t.equal(download.progress.bytesDone, 2 * BIG.length + 6)
})

test('download(path, cb), download(path, opts, cb)', async (t) => {
  const { multi, newer } = await shared(t)
  const called = calledBack((cb) => multi.download('/docs', cb))
  const { returned, args } = await within(LONG, 'the callback', called)
  t.ok(returned instanceof Download)
  t.same(args, [null])
  t.equal(await local(newer, '/docs'), true)
  const failing = calledBack((cb) => multi.download('/both', { wait: false }, cb))
  const failed = await within(QUICK, 'the callback', failing)
  t.ok(failed.returned instanceof Download)
  t.equal(failed.args[0].code, 'BLOCK_NOT_AVAILABLE')
})

test('destroy() stops it at once: done() is ABORT_ERR', async (t) => {
  const { multi, newer, older } = await shared(t)
  await Promise.all([newer.cut(), older.cut()])
  const download = multi.download('/docs')
  const done = failureOf(download.done())
  await once(download, 'progress')
  let told = 0
  download.on('progress', () => told++)
  download.destroy()
  const err = await within(QUICK, 'done', done)
  t.same([err.code, err.path, err.syscall], ['ABORT_ERR', '/docs', 'download'])
  await Promise.all([newer.connect(), older.connect()])
  await multi.get('/both')
  t.equal(told, 0, 'and tells no more')
  t.equal(await multi.has('/docs'), false, 'nothing more comes')

  const early = multi.download()
  early.destroy()
  t.equal((await failureOf(early.done())).code, 'ABORT_ERR', 'before it began')
  const late = multi.download()
  await late.done()
  late.destroy()
  await late.done()
  t.pass('when it is through it does nothing')
})

test('errors name the drive and the path, and what else failed', async (t) => {
  const { multi, newer, older } = await shared(t)
  await Promise.all([newer.cut(), older.cut()])
  const now = await within(QUICK, 'done', failureOf(multi.download('/both', { wait: false }).done()))
  t.same(
    [now.code, now.path, now.drive === newer.copy, now.syscall],
    ['BLOCK_NOT_AVAILABLE', '/both', true, 'download']
  )
  t.ok(now.message.includes('/both') && now.message.includes(newer.copy.id), now.message)
  t.equal(now.failures, undefined)

  const download = multi.download('/', { timeout: 100 })
  const late = await within(QUICK, 'done', failureOf(download.done()))
  t.equal(late.code, 'REQUEST_TIMEOUT')
  t.same(late.failures.map(({ path }: any) => path).sort(), [
    '/both',
    '/docs/a',
    '/docs/deep/b',
    '/docs/mapped'
  ])
  t.ok(late.failures.every(({ code }: any) => code === 'REQUEST_TIMEOUT'))
  t.same([download.progress.files, download.progress.filesDone], [6, 2], 'the others are through')
})

test('download() of drives that have their bytes: Localdrives, a batch', async (t) => {
  const own = await localdrive(t)
  const multi = await multidrive(t, [own])
  await multi.put('/a', 'text')
  const download = multi.download('/')
  await download.done()
  t.same(download.progress, { files: 1, filesDone: 1, bytes: 4, bytesDone: 4 })
  const batch = multi.batch()
  await batch.put('/b', 'more')
  const both = batch.download()
  await both.done()
  t.equal(both.progress.filesDone, 2)
  await batch.close()
})

test('close() of a MultiDrive ends its downloads', async (t) => {
  const { multi, newer, older } = await shared(t)
  await Promise.all([newer.cut(), older.cut()])
  const download = multi.download('/both')
  const done = failureOf(download.done())
  await once(download, 'progress')
  await multi.close()
  const err = await within(QUICK, 'done', done)
  t.same([err.code, err.path, err.drive === newer.copy], ['SESSION_CLOSED', '/both', true])
  t.equal((await failureOf(multi.download().done())).code, 'CLOSED')
})

test('a drive whose peers are away holds up no other, and comes later', async (t) => {
  const ours = await store(t)
  const names = Array.from({ length: 150 }, (_, i) => String(i).padStart(3, '0'))
  const away = await copyOf(
    t,
    async (author) => {
      const batch = author.batch()
      for (const name of names) await batch.put(`/a/${name}`, name)
      await batch.flush()
    },
    { ours }
  )
  const there = await copyOf(t, (author) => author.put('/z', 'z'), { ours })
  await away.cut()
  const multi = await multidrive(t, [away.copy, there.copy])
  const download = multi.download()
  let isDone = false
  const done = download.done().then(() => (isDone = true))
  await within(
    LONG,
    'the other',
    new Promise<void>((resolve) => download.on('progress', ({ filesDone }) => filesDone > 0 && resolve()))
  )
  t.equal(await multi.has('/z'), true)
  t.equal(isDone, false)
  t.ok(download.progress.files < 100, `${download.progress.files} files are waited for, not all`)
  await away.connect()
  await within(LONG, 'the rest', done)
  t.equal(await multi.has('/a'), true)
  t.same([download.progress.files, download.progress.filesDone], [151, 151])
})

test('what a difference tells of can be downloaded: the files of now', async (t) => {
  const { multi, older, newer } = await shared(t)
  const [both, a, link] = [
    await multi.entry('/both'),
    await multi.entry('/docs/a'),
    await multi.entry('/link')
  ]
  async function* diff() {
    yield { left: both, right: await older.copy.entry('/both') }
    yield { left: null, right: a }
    yield { left: link, right: null }
  }
  const download = new Download((signal) => changedIn(diff(), signal), {}, '/')
  await within(LONG, 'done', download.done())
  t.equal(download.progress.filesDone, 1)
  t.same([await local(newer, '/both'), await local(older, '/docs/a')], [true, false])
})

test('downloadDiff(version, folder, opts) fetches what has changed since, and nothing else', async (t) => {
  const { multi, older, newer } = await shared(t)
  const { version } = multi
  await older.author.put('/docs/new', 'new', NEW)
  await newer.author.put('/other', 'other', NEW)
  await within(LONG, 'update', multi.update({ wait: true }))
  const download = multi.downloadDiff(version, '/docs')
  await within(LONG, 'done', download.done())
  t.same(download.progress, { files: 1, filesDone: 1, bytes: 3, bytesDone: 3 })
  t.same([await local(older, '/docs/new'), await local(newer, '/other')], [true, false])
  await within(LONG, 'all', multi.downloadDiff(version, {}).done())
  t.same([await local(newer, '/other'), await local(newer, '/docs')], [true, false])
  t.equal((await failureOf(multi.downloadDiff('no version').done())).code, 'EINVAL')
})
