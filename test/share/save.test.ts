import { EventEmitter, once } from 'node:events'
import {
  lstat,
  mkdir,
  readFile,
  readdir,
  readlink,
  rename,
  rm,
  stat,
  symlink,
  writeFile
} from 'node:fs/promises'
import { dirname, join } from 'node:path'
import test from 'tape'
import { failureOf, folder } from '../helpers/drives.ts'
import { isSaved, saveFile, saveLink } from '../../lib/share/save.ts'
import { type SavedFile } from '../../lib/share/partial.ts'
import { bytesOf } from '../loader/helpers.ts'

const limit = { timeout: 60_000 }

const { signal } = new AbortController()
const quiet = { signal }

/** A file to be saved, its bytes from where they are asked for. */
function saved(version: string | null, read: SavedFile['read'], size: number): SavedFile {
  return { key: '/a', size, version, mtime: 1, executable: false, read }
}

test(
  'a file of which nothing tells its version is never gone on with, and leaves nothing',
  limit,
  async (t) => {
    const target = await folder(t)
    const size = 4 << 20
    const half = size / 2
    const [one, two] = [bytesOf(size, 1), bytesOf(size, 2)]
    const [isHalf, isWhole] = [new EventEmitter(), new EventEmitter()]
    const [halfway, through] = [once(isHalf, 'it'), once(isWhole, 'it')]
    // As two processes would, which know nothing of each other.
    const first = saveFile(
      saved(
        null,
        async function* () {
          yield one.subarray(0, half)
          isHalf.emit('it')
          await through
          yield one.subarray(half)
        },
        size
      ),
      join(target, 'a'),
      quiet
    )
    await halfway
    await saveFile(
      saved(
        null,
        async function* () {
          yield two
        },
        size
      ),
      join(target, 'a'),
      quiet
    )
    t.ok((await readFile(join(target, 'a'))).equals(two))
    isWhole.emit('it')
    await first
    t.ok((await readFile(join(target, 'a'))).equals(one), 'nothing of the other one is in it')
    t.same(await readdir(target), ['a'])

    const broken = new Error('the drive broke')
    const failing = saved(
      null,
      async function* () {
        yield one.subarray(0, half)
        throw broken
      },
      size
    )
    t.is(await failureOf(saveFile(failing, join(target, 'b'), quiet)), broken)
    t.same(await readdir(target), ['a'])
  }
)

test('a partial file that another process has taken is never given a name unfinished', limit, async (t) => {
  const target = await folder(t)
  const size = 4 << 20
  const bytes = bytesOf(size)
  const file = saved(
    'v',
    async function* (start) {
      yield bytes.subarray(start, size / 2)
      const partial = (await readdir(target)).find((name) => name.endsWith('.part'))
      if (partial !== undefined && start === 0 && isFirst) {
        isFirst = false
        // Renamed by one, begun anew by another one.
        await rename(join(target, partial), join(target, 'elsewhere'))
        await writeFile(join(target, partial), bytes.subarray(0, 1000))
      }
      yield bytes.subarray(Math.max(start, size / 2))
    },
    size
  )
  let isFirst = true
  await saveFile(file, join(target, 'a'), quiet)
  t.ok((await readFile(join(target, 'a'))).equals(bytes))
  t.same((await readdir(target)).sort(), ['a', 'elsewhere'])
})

/** A file of these bytes, in chunks of four. */
function fileOf(bytes: string, more: Partial<SavedFile> = {}): SavedFile {
  async function* read(start: number) {
    for (let i = start; i < bytes.length; i += 4) yield Buffer.from(bytes.slice(i, i + 4))
  }
  return { ...saved('v', read, bytes.length), ...more }
}

test('saveFile(file, target) of one that comes short, or does not end: DOWNLOAD_FAILED', limit, async (t) => {
  const target = join(await folder(t), 'a')
  await writeFile(target, 'whole')
  for (const [size, detail] of [
    [11, '10 bytes came of 11'],
    [9, 'more bytes came than its 9']
  ] as const) {
    const err = await failureOf(saveFile(fileOf('0123456789', { size, version: null }), target, quiet))
    t.is(err.code, 'DOWNLOAD_FAILED')
    t.ok(err.message.includes(detail), err.message)
  }
  t.is(await readFile(target, 'utf8'), 'whole', 'what was there stays')
  t.same(await readdir(dirname(target)), ['a'])
})

test('saveFile(file, target) where a folder is: EISDIR, and nothing is read', limit, async (t) => {
  const target = await folder(t)
  const unread = fileOf('text', {
    read: () => {
      throw new Error('it was read')
    }
  })
  for (const work of [saveFile(unread, target, quiet), isSaved(unread, target, signal)]) {
    const err = await failureOf(work)
    t.is(err.code, 'EISDIR')
    t.ok(err.message.includes(target), err.message)
  }
})

test(
  'saveFile(file, target) gives it its date and its rights, as far as this process gives any',
  { ...limit, skip: process.platform === 'win32' },
  async (t) => {
    const target = join(await folder(t), 'a')
    const umask = process.umask(0o027)
    try {
      await saveFile(fileOf('#!/bin/sh', { executable: true, mtime: 1_600_000_000_123 }), target, quiet)
    } finally {
      process.umask(umask)
    }
    const { mode, mtimeMs } = await stat(target)
    t.is((mode & 0o777).toString(8), '750')
    t.ok(Math.abs(mtimeMs - 1_600_000_000_123) < 1, String(mtimeMs))
  }
)

test('isSaved(file, target) goes by length and date, and by the bytes of what has none', limit, async (t) => {
  const target = join(await folder(t), 'a')
  const dated = fileOf('0123456789', { mtime: 1_600_000_000_123, executable: true })
  t.is(await isSaved(dated, target, signal), false, 'not there')
  await saveFile({ ...dated, executable: false }, target, quiet)
  t.is(await isSaved(dated, target, signal), true)
  if (process.platform !== 'win32') t.is((await stat(target)).mode & 0o100, 0o100, 'its rights are mended')
  t.is(await isSaved({ ...dated, mtime: 1_600_000_000_125 }, target, signal), false, 'another date')
  t.is(await isSaved({ ...dated, size: 9 }, target, signal), false, 'another length')
  t.is(await isSaved(fileOf('0123456789', { mtime: null }), target, signal), true, 'the same bytes')
  t.is(await isSaved(fileOf('0123456780', { mtime: null }), target, signal), false, 'other bytes')
  await rename(target, `${target}.real`)
  await symlink(`${target}.real`, target)
  t.is(await isSaved(dated, target, signal), false, 'a link is no file')
})

test('saveLink(to, target, mtime)', limit, async (t) => {
  const target = join(await folder(t), 'link')
  await writeFile(target, 'text')
  t.is(await saveLink('a/b', target, 1_600_000_000_000), false)
  t.is(await readlink(target), 'a/b')
  t.is((await lstat(target)).mtimeMs, 1_600_000_000_000)
  t.is(await saveLink('a/b', target), true, 'there already')
  t.is(await saveLink('c', target), false)
  t.is(await readlink(target), 'c')
  await rm(target)
  await mkdir(target)
  t.is((await failureOf(saveLink('c', target))).code, 'EISDIR')
  t.same(await readdir(dirname(target)), ['link'], 'nothing is left beside it')
})
