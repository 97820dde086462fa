import { spawn } from 'node:child_process'
import { once } from 'node:events'
import fsp from 'node:fs/promises'
import path from 'node:path'
import test from 'tape'
import type { LocaldriveSource } from '../../lib/sources/localdrive/source.ts'
import {
  file,
  find,
  intercept,
  ioError,
  link,
  listener,
  openSource,
  snapshot,
  temporary,
  WRITES
} from './localdrive-helpers.ts'
import { generation } from './localdrive-writer.ts'

const WRITER = path.join(import.meta.dirname, 'localdrive-writer.ts')

function writer(...args: string[]) {
  return spawn(process.execPath, ['--import', 'tsx', WRITER, ...args], {
    cwd: path.join(import.meta.dirname, '../..'),
    stdio: ['ignore', 'pipe', 'inherit']
  })
}

// All that a generation left, files and records; `whole` says whether it is exactly one generation.
async function state(
  source: LocaldriveSource,
  root: string
): Promise<{ n: number; whole: boolean; found: string }> {
  const view = await source.view()
  const a = (await view.find('/a'))!
  const n = Number((await a.readAll()).toString())
  const odd = n % 2 === 1
  const expected = [
    `/a ${n}`,
    '/deep/',
    '/deep/er/',
    `/deep/er/b ${n}`,
    `/l -> to/${n}`,
    ...(odd ? ['/odd/'] : []),
    '/only/',
    `/only/${n}/`,
    `/only/${n}/c ${n}`
  ]
  const seen = await snapshot(root)
  const records = [
    a.stamp.clock.get('drive'),
    (a.value.metadata as { n: number } | null)?.n,
    (await view.find('/l'))!.stamp.clock.get('drive'),
    view.tombstonesOver('/t/x').length,
    (await view.directoryAt('/odd'))?.record.mode ?? null
  ]
  const wanted = [n, n, n, odd ? 1 : 0, odd ? 0o700 : null]
  const whole = JSON.stringify([seen, records]) === JSON.stringify([expected, wanted])
  return { n, whole, found: JSON.stringify([seen, records]) }
}

test(
  'commit(changes) killed before each of its changes of the file system',
  { timeout: 300_000 },
  async (t) => {
    const outcomes: number[] = []
    for (let k = 1, finished = false; !finished; k += 4) {
      // Four at a time, each in a folder of its own.
      const round = [k, k + 1, k + 2, k + 3].map(async (at) => {
        const root = await temporary(t)
        const before = await openSource(root)
        await before.commit(await generation(before, 0))
        const child = writer(root, String(at))
        let out = ''
        child.stdout.on('data', (data) => (out += String(data)))
        await once(child, 'close')
        const after = await state(await openSource(root), root)
        return { at, out, after, seenByOther: await state(before, root), root }
      })
      for (const { at, out, after, seenByOther, root } of await Promise.all(round)) {
        if (out === '') {
          if (!after.whole || seenByOther.found !== after.found) t.fail(`kill ${at}: ${after.found}`)
          outcomes.push(after.n)
          const staged = await fsp.readdir(path.join(root, '.multidrive/staged'))
          const source = await openSource(root)
          await source.commit(await generation(source, after.n + 1))
          const next = await state(source, root)
          if (!next.whole || next.n !== after.n + 1)
            t.fail(`commit after kill ${at}: ${next.found} ${staged.join()}`)
        } else {
          finished = true
          t.ok(after.whole && after.n === 1, 'not killed any more')
        }
      }
    }
    const first = outcomes.indexOf(1)
    t.ok(
      first > 0 && outcomes.length - first > 5,
      `${first} kills left the state before, ${outcomes.length - first} the state after`
    )
    t.notOk(outcomes.slice(first).includes(0), 'from the log line on it is there')
  }
)

test('commit(changes) in a loop, killed at any moment', { timeout: 300_000 }, async (t) => {
  const root = await temporary(t)
  let acknowledged = -1
  for (let round = 0; round < 6; round++) {
    const child = writer(root, 'loop', String(acknowledged + 1))
    const goal = acknowledged + 3 + round * 7
    let out = ''
    child.stdout.on('data', (data) => {
      out += String(data)
      if (Number(out.trimEnd().split('\n').at(-1)) >= goal) child.kill('SIGKILL')
    })
    await once(child, 'close')
    acknowledged = Number(out.slice(0, out.lastIndexOf('\n')).split('\n').at(-1))
    const { n, whole, found } = await state(await openSource(root), root)
    t.ok(whole, `generation ${n} is whole${whole ? '' : found}`)
    t.ok(n === acknowledged || n === acknowledged + 1, 'what was acknowledged is there')
    acknowledged = n
  }
})

test(
  'exclusively(work) of a process that is killed in it holds up nobody',
  { timeout: 60_000 },
  async (t) => {
    const root = await temporary(t)
    const source = await openSource(root)
    await source.commit([await file(source, '/x', '1')])
    const script = `
    const { openSource } = await import('./test/sources/localdrive-helpers.ts')
    const source = await openSource(process.argv[1])
    setInterval(() => {}, 1000)
    await source.exclusively(() => new Promise(() => console.log('held')))`
    const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script, root], {
      cwd: path.join(import.meta.dirname, '../..'),
      stdio: ['ignore', 'pipe', 'inherit']
    })
    await once(child.stdout, 'data')
    let isKilled = false
    const landed = source.exclusively(async (commit) => {
      t.ok(isKilled, 'nobody else has the folder before')
      await commit([await file(source, '/x', '2')])
    })
    // Long enough to be let in where nothing is waited for: it asks for the lock before this write is through.
    await file(source, '/y', 'staged')
    isKilled = true
    child.kill('SIGKILL')
    await landed
    t.equal(String(await (await find(source, '/x'))!.readAll()), '2')
  }
)

test('commit(changes) in two processes at once', { timeout: 300_000 }, async (t) => {
  const root = await temporary(t)
  const script = `
    const { openSource, file } = await import('./test/sources/localdrive-helpers.ts')
    const source = await openSource(process.argv[1])
    for (let i = 0; i < 40; i++) {
      const n = process.argv[2] + i
      const clock = new Map([[process.argv[2], i]])
      await source.commit([await file(source, '/x', n, { clock }), await file(source, '/d/y', n), await file(source, '/' + n, n, { clock })])
    }`
  const run = async (id: string) => {
    const child = spawn(
      process.execPath,
      ['--import', 'tsx', '--input-type=module', '-e', script, root, id],
      {
        cwd: path.join(import.meta.dirname, '../..'),
        stdio: 'inherit'
      }
    )
    return (await once(child, 'close'))[0]
  }
  const source = await openSource(root)
  t.deepEqual(await Promise.all([run('a'), run('b')]), [0, 0])
  for (const id of ['a', 'b']) {
    for (let i = 0; i < 40; i++) {
      const found = await find(source, `/${id}${i}`)
      if (found?.stamp.clock.get(id) !== i) t.fail(`${id}${i} has no clock`)
    }
  }
  const x = (await find(source, '/x'))!
  t.ok((await x.readAll()).equals(await (await find(source, '/d/y'))!.readAll()), 'of one commit')
  t.equal([...x.stamp.clock][0]!.join(''), (await x.readAll()).toString(), 'with its own clock')
})

test('commit(changes) that fails at any of its changes of the file system leaves the state before', async (t) => {
  let failed = 0
  for (let k = 1; ; k++) {
    const root = await temporary(t)
    const source = await openSource(root)
    await source.commit(await generation(source, 0))
    const changes = await generation(source, 1)
    const told = await state(source, root)
    let left = k
    const restore = intercept(WRITES, () => {
      if (--left === 0) throw ioError('ENOSPC')
    })
    let error: unknown
    await source.commit(changes).catch((err: unknown) => (error = err))
    restore()
    const now = await state(source, root)
    const reopened = await state(await openSource(root), root)
    if (left > 0) {
      t.ok(now.n === 1 && now.whole && !error, 'no failure any more')
      break
    }
    failed++
    // Cleaning up may fail: what is left over is swept away later.
    const expected = error ? told.found : now.found
    if (now.found !== expected || reopened.found !== expected || !now.whole)
      t.fail(`at ${k}: ${String(error)} ${now.found} ${reopened.found}`)
    await source.commit(await generation(source, now.n + 1))
    const next = await state(source, root)
    if (!next.whole || next.n !== now.n + 1) t.fail(`commit after ${k}: ${next.found}`)
  }
  t.ok(failed > 20, `${failed} places to fail at`)
})

test('a disk that stays full takes nothing', async (t) => {
  const root = await temporary(t)
  const source = await openSource(root)
  await source.commit(await generation(source, 0))
  const before = await state(source, root)
  const log = await fsp.readFile(path.join(root, '.multidrive/log'))
  const changes = await generation(source, 1)
  let appends = 0
  const restore = intercept(['appendFile'], () => {
    if (appends++ > 0) throw ioError('ENOSPC')
  })
  let error: any
  await source.commit(changes).catch((err: unknown) => (error = err))
  restore()
  t.equal(error.code, 'ENOSPC')
  t.equal((await state(source, root)).found, before.found)
  t.ok((await fsp.readFile(path.join(root, '.multidrive/log'))).equals(log), 'its line is gone')
  t.equal((await state(await openSource(root), root)).found, before.found)
  await source.commit(changes)
  t.equal((await state(source, root)).n, 1, 'the same changes can be tried again')
})

test('the log: a torn line, garbage, records of later releases', async (t) => {
  const root = await temporary(t)
  const source = await openSource(root)
  await source.commit(await generation(source, 1))
  const log = path.join(root, '.multidrive/log')
  const name = 'f'.repeat(32)
  const escape = '0'.repeat(32)
  await fsp.writeFile(path.join(root, '.multidrive/staged', escape), 'bad')
  const record = { v: 1, mtime: 5, ctime: null, clock: {} }
  const lines = [
    '',
    'garbage',
    '[]',
    'null',
    '{"v":1}',
    '{"v":0,"n":"x","changes":[]}',
    '{"v":1,"done":5}',
    '\u0000\ufffd',
    JSON.stringify({ v: 2, n: name, changes: [] }),
    JSON.stringify({
      v: 1,
      n: name,
      changes: [
        null,
        5,
        'x',
        {},
        { type: 'file', key: '/../../x', staged: escape },
        { type: 'file', key: '/x', staged: '../log' },
        { type: 'file', key: '/.multidrive/log', staged: escape },
        { type: 'remove', key: '/.multidrive/log' },
        { type: 'bury', key: '/later', record: { ...record, v: 3 } },
        { type: 'bury', key: '/odd', record: { ...record, mtime: 'x' } },
        { type: 'make-directory', path: '/dir', record: { ...record, v: 4 } },
        { type: 'bury', key: '/good', record },
        { type: 'sidecar', key: '/a', sidecar: { ...record, v: 5 } },
        { type: 'dance', key: '/a' },
        { type: 'bury', key: '/clock', record: { ...record, clock: [1] } },
        { type: 'remove-directory', path: '../..' }
      ]
    }),
    JSON.stringify({ v: 1, done: name }),
    '{"v":1,"n":"torn'
  ]
  await fsp.appendFile(log, lines.join('\n'))
  const told = listener()
  const reopened = await openSource(root, {}, told)
  const view = await reopened.view()
  t.equal(view.tombstonesOver('/good').length, 1, 'good records beside bad ones are kept')
  t.equal(view.tombstonesOver('/clock')[0]!.stamp.clock.size, 0)
  t.deepEqual(
    view
      .tombstonesBelow('')
      .map(({ record: { path } }) => path)
      .sort(),
    ['/clock', '/good', '/t']
  )
  t.equal((await view.find('/a'))!.value.metadata, null, 'a sidecar of a later release is none')
  t.deepEqual(told.formats, [
    ['entries', '/.multidrive/log', 2],
    ['tombstones', '/later', 3],
    ['directories', '/dir', 4],
    ['entries', '/a', 5]
  ])
  t.ok((await fsp.stat(log)).isFile())
  await source.commit([await file(source, '/new', 'x', { clock: new Map([['d', 1]]) })])
  const text = await fsp.readFile(log, 'utf8')
  t.notOk(text.includes('torn'), 'the torn line is cut off')
  t.equal((await find(reopened, '/new'))!.stamp.clock.get('d'), 1, 'read by the other after the cut')
})

test('open(events) applies again what was not done', async (t) => {
  const root = await temporary(t)
  const source = await openSource(root)
  const changes = [await file(source, '/d/x', 'new', { metadata: 1 }), link('/l', '/d/x')]
  const log = path.join(root, '.multidrive/log')
  await source.commit(changes)
  const [begin] = (await fsp.readFile(log, 'utf8')).split('\n')
  await fsp.writeFile(log, begin! + '\n')
  const reopened = await openSource(root)
  t.equal((await find(reopened, '/d/x'))!.value.metadata, 1, 'moved already: only the end is written')
  t.equal((await fsp.readFile(log, 'utf8')).trim().split('\n').length, 2)

  // One that cannot be applied is taken back, once and for all.
  const staged = /"staged":"(\w+)"/.exec(begin!)![1]!
  await fsp.rm(path.join(root, 'd'), { recursive: true })
  await fill(root, staged)
  await fsp.writeFile(log, begin!.replaceAll('/d/x', '/f/x') + '\n')
  await fsp.writeFile(path.join(root, 'f'), 'a file')
  const third = await openSource(root)
  t.equal(await find(third, '/f/x'), null)
  t.match(await fsp.readFile(log, 'utf8'), /"undone"/)
})

async function fill(root: string, staged: string) {
  await fsp.writeFile(path.join(root, '.multidrive/staged', staged), 'new')
}

test('open(events) sweeps away what was staged and given up', async (t) => {
  const root = await temporary(t)
  const source = await openSource(root)
  const old = await source.stage(Buffer.from('x'))
  const folder = path.join(root, '.multidrive/staged')
  await openSource(root)
  t.equal((await fsp.readdir(folder)).length, 1, 'another process may be at it')
  const { now } = Date
  Date.now = () => now() + 2 * 3600_000
  t.teardown(() => void (Date.now = now))
  await openSource(root)
  Date.now = now
  t.deepEqual(await fsp.readdir(folder), [])
  await old.discard()
})

test('a lock that a dead process left is taken over', async (t) => {
  const root = await temporary(t)
  const source = await openSource(root)
  await source.commit([await file(source, '/x', '1')])
  const child = spawn(process.execPath, ['-e', ''])
  await once(child, 'close')
  const { hostname } = await import('node:os')
  for (const owner of [`${hostname()}:${child.pid}:0:x`, `${hostname()}:${process.pid}:0:earlier`]) {
    await fsp.symlink(owner, path.join(root, '.multidrive/lock'))
    await source.commit([await file(source, '/x', owner)])
    t.equal((await (await find(source, '/x'))!.readAll()).toString(), owner)
  }
  await fsp.symlink('elsewhere:1:0:x', path.join(root, '.multidrive/lock'))
  const long = Date.now() / 1000 - 60
  await fsp.lutimes(path.join(root, '.multidrive/lock'), long, long)
  await source.commit([await file(source, '/x', 'silent')])
  t.pass('one that is silent as well')
  t.deepEqual(
    (await fsp.readdir(path.join(root, '.multidrive'))).filter((name) => name.startsWith('lock')),
    []
  )
})
