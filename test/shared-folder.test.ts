/** Several who write into one folder, each with a Localdrive and a MultiDrive of its own, in one process and in two. */
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import Localdrive from 'localdrive'
import test, { type Test } from 'tape'
import type MultiDrive from '../index.ts'
import { LocaldriveSource } from '../lib/sources/localdrive/source.ts'
import { cleanup, failureOf, folder, hyperdrive, multidrive } from './helpers/drives.ts'
import { outcomesOf, type Work } from './helpers/shared-folder.ts'
import { listener } from './sources/localdrive-helpers.ts'

const limit = { timeout: 240_000 }

const names = (count: number, prefix: string) => Array.from({ length: count }, (_, i) => `/${prefix}${i}`)

/** Two MultiDrives, each over an object of its own for one folder. */
async function two(t: Test): Promise<[MultiDrive, MultiDrive, string]> {
  const root = await folder(t)
  return [await multidrive(t, [new Localdrive(root)]), await multidrive(t, [new Localdrive(root)]), root]
}

function wonOnce(t: Test, works: string[][], losing: string): void {
  const [a, b] = works as [string[], string[]]
  t.same(
    a.map((code, i) => [code, b[i]!].sort()),
    a.map(() => ['', losing]),
    'of two who make the same, one does and the other is told'
  )
}

test(
  "writeFile(path, data, { flag: 'wx' }) by two drives of one folder: one of them makes it",
  limit,
  async (t) => {
    const [a, b] = await two(t)
    const work: Work = { does: 'make', paths: names(50, 'wx') }
    wonOnce(t, await Promise.all([outcomesOf(a, work, 'a'), outcomesOf(b, work, 'b')]), 'EEXIST')
  }
)

test("open(path, 'wx') keeps the name for all drives of the folder, until it is closed", limit, async (t) => {
  const [a, b] = await two(t)
  const fd = await a.open('/lock', 'wx')
  t.equal((await failureOf(b.open('/lock', 'wx'))).code, 'EEXIST')
  const other = await b.open('/other', 'wx')
  await b.close(other)
  await a.close(fd)
  t.equal((await failureOf(b.open('/lock', 'wx'))).code, 'EEXIST', 'the file is there')
  await b.unlink('/lock')
  await b.close(await b.open('/lock', 'wx'))
})

test('appendFile(path, data) by two drives of one folder: all lands', limit, async (t) => {
  const [a, b] = await two(t)
  await a.put('/log', '')
  await Promise.all(Array.from({ length: 60 }, (_, i) => (i % 2 ? a : b).promises.appendFile('/log', 'x')))
  t.equal(String(await a.get('/log')), 'x'.repeat(60))
})

test(
  'put(path, data) by two drives of one folder: the later one has seen what the earlier one had',
  limit,
  async (t) => {
    const root = await folder(t)
    const [left, right] = [await hyperdrive(t), await hyperdrive(t)]
    await left.put('/file', 'left')
    await right.put('/file', 'right')
    const a = await multidrive(t, [new Localdrive(root), left])
    const b = await multidrive(t, [new Localdrive(root), right])
    await Promise.all([a.put('/file', 'a'), b.put('/file', 'b')])
    const source = new LocaldriveSource(new Localdrive(root))
    await source.open(listener().events)
    cleanup(t, () => source.close())
    const found = await (await source.view()).find('/file')
    t.same([...found!.stamp.clock.keys()].sort(), [left.id, right.id].sort())
  }
)

test('del(path) of nothing leaves nothing in a folder', limit, async (t) => {
  const [a, b, root] = await two(t)
  await a.del('/nothing')
  t.equal((await failureOf(b.unlink('/nothing'))).code, 'ENOENT')
  t.same(await readdir(root), [])
})

/** A process with a MultiDrive of its own, that is there when this resolves. */
async function writer(t: Test, root: string, name: string): Promise<(work: Work) => Promise<string[]>> {
  const file = join(import.meta.dirname, 'helpers/folder-writer.ts')
  const child: ChildProcess = fork(file, [root, name], { execArgv: ['--import', 'tsx'] })
  cleanup(t, async () => {
    const exited = once(child, 'exit')
    if (child.kill()) await exited
  })
  await once(child, 'message')
  return async (work) => {
    const answer = once(child, 'message')
    child.send(work)
    return ((await answer) as [string[]])[0]
  }
}

test('two processes that write into one folder', limit, async (t) => {
  const root = await folder(t)
  const writers = await Promise.all([writer(t, root, 'a'), writer(t, root, 'b')])
  const both = (work: Work) => Promise.all(writers.map((write) => write(work)))

  t.comment('folders, the first that anybody writes there')
  wonOnce(t, await both({ does: 'mkdir', paths: names(20, 'folder') }), 'EEXIST')

  t.comment('files')
  wonOnce(t, await both({ does: 'make', paths: names(40, 'wx') }), 'EEXIST')

  t.comment('appends')
  const multi = await multidrive(t, [new Localdrive(root)])
  await multi.put('/log', '')
  const log = Array.from({ length: 30 }, () => '/log')
  t.same((await both({ does: 'append', paths: log })).flat(), Array(60).fill(''))
  t.equal(
    String(await multi.get('/log'))
      .split('')
      .sort()
      .join(''),
    'a'.repeat(30) + 'b'.repeat(30)
  )
})
