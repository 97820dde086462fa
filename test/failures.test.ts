/** Errors of drives, and of callbacks. */
import test from 'tape'
import { MultiDriveError } from '../index.ts'
import {
  collect,
  contents,
  failureOf,
  hyperdrive,
  indexes,
  keys,
  multidrive,
  over,
  uncaught
} from './helpers/drives.ts'

const limit = { timeout: 60_000 }

test('a callback that throws is called once', limit, async (t) => {
  const multi = await multidrive(t, [await hyperdrive(t)])
  await multi.put('/file', 'x')
  const second = await hyperdrive(t)
  const calls: [string, (cb: (...args: unknown[]) => void) => unknown][] = [
    ['resolveLatest', (cb) => multi.resolveLatest('/file', cb)],
    ['resolveLatest that fails', (cb) => multi.resolveLatest('/none', cb)],
    ['addDrive', (cb) => multi.addDrive(second, cb)],
    ['runAll', (cb) => multi.runAll('ready', [], cb)],
    ['close', (cb) => multi.close(cb)]
  ]
  for (const [name, call] of calls) {
    const thrown = uncaught(t)
    let times = 0
    call(() => {
      times++
      throw new Error(`thrown by the callback of ${name}`)
    })
    t.equal((await thrown).message, `thrown by the callback of ${name}`)
    await new Promise(setImmediate)
    t.equal(times, 1, name)
  }
})

for (const method of ['entry', 'list', 'createReadStream'] as const) {
  test(`a drive whose ${method} throws is an error with its name, never an absence`, limit, async (t) => {
    const [own, theirs] = [await hyperdrive(t), await hyperdrive(t)]
    await own.put('/ours', 'ours')
    await theirs.put('/file', 'theirs')
    const broken = over(theirs, {
      [method]: () => {
        throw Object.assign(new Error('the disk is gone'), { code: 'EIO', errno: -5 })
      }
    })
    const multi = await multidrive(t, [own, broken])
    const failing: [string, string | undefined, () => Promise<unknown>][] = (
      {
        entry: [
          ['entry', '/file', () => multi.entry('/file')],
          ['entry of what another drive has', '/ours', () => multi.entry('/ours')],
          ['exists', '/none', () => multi.exists('/none')],
          ['get', '/file', () => multi.get('/file')],
          ['list', undefined, () => collect(multi.list('/'))],
          ['createReadStream', '/file', () => collect(multi.createReadStream('/file'))],
          ['resolveLatest', '/file', () => multi.resolveLatest('/file')]
        ],
        list: [
          ['list', undefined, () => collect(multi.list('/'))],
          ['readdir', undefined, () => collect(multi.readdir('/'))],
          ['entries', undefined, () => collect(multi.entries())],
          ['mirror', undefined, async () => multi.mirror(await hyperdrive(t)).done()]
        ],
        createReadStream: [
          ['get', '/file', () => multi.get('/file')],
          ['createReadStream', '/file', () => collect(multi.createReadStream('/file'))]
        ]
      } satisfies Record<string, [string, string | undefined, () => Promise<unknown>][]>
    )[method]
    for (const [name, path, call] of failing) {
      const err = await failureOf(call)
      t.ok(err instanceof MultiDriveError, name)
      t.same([err.code, err.errno], ['EIO', -5], name)
      t.equal(err.drive, broken, name)
      t.ok(err.message.includes(theirs.id), `${name}: ${err.message}`)
      t.match(err.message, /the disk is gone/)
      if (path !== undefined) t.equal(err.path, path, name)
      t.equal(err.cause.message, 'the disk is gone')
    }
    if (method !== 'entry') t.equal(String(await multi.get('/ours')), 'ours')
    await multi.put('/written', 'goes on')
    t.equal(String(await own.get('/written')), 'goes on')
    t.equal(await multi.removeDrive(broken), true)
    t.same(await contents(multi), { '/ours': 'ours', '/written': 'goes on' })
  })
}

test('a drive that fails in the middle of a listing', limit, async (t) => {
  const [own, theirs] = [await hyperdrive(t), await hyperdrive(t)]
  await own.put('/a', 'ours')
  for (let i = 0; i < 100; i++) await theirs.put(`/n/${String(i).padStart(3, '0')}`, 'x')
  const broken = over(theirs, {
    entry: (path: string) =>
      path === '/n/050' ? Promise.reject(new Error('bad sector')) : theirs.entry(path)
  })
  const multi = await multidrive(t, [own, broken])
  const seen: string[] = []
  const err = await failureOf(async () => {
    for await (const entry of multi.list('/')) seen.push(entry.key)
  })
  t.match(err.message, /bad sector/)
  t.equal(err.code, 'DRIVE_FAILED')
  t.equal(err.drive, broken)
  t.ok(seen.length < 51)
})

test('a Hyperdrive closed in the middle of a listing is an error or a whole listing', limit, async (t) => {
  const [own, theirs] = [await hyperdrive(t), await hyperdrive(t)]
  await own.put('/a', 'ours')
  const batch = theirs.batch()
  for (let i = 0; i < 1500; i++) await batch.put(`/n/${i}`, 'x')
  await batch.flush()
  const multi = await multidrive(t, [own, theirs])
  let seen = 0
  const outcome = (async () => {
    await collect(
      (async function* () {
        for await (const entry of multi.list('/')) {
          if (++seen === 2) await theirs.close()
          yield entry
        }
      })()
    )
  })()
  const err = await outcome.then(
    () => null,
    (thrown: unknown) => thrown as MultiDriveError
  )
  if (err === null) t.equal(seen, 1501)
  else {
    t.ok(err instanceof MultiDriveError, String(err))
    t.equal(err.drive, theirs)
    t.ok(err.message.includes(theirs.id), err.message)
  }
  t.same(await keys(multi), ['/a'], 'it has left the set')
})

test(
  'of many errors one that will not pass wins, else the first drive; all are in failures',
  limit,
  async (t) => {
    const failing = async (code: string) => {
      const drive = over(await hyperdrive(t), {
        entry: () => Promise.reject(Object.assign(new Error(`it said ${code}`), { code }))
      })
      return drive
    }
    const [away, disk, late, bug] = [
      await failing('BLOCK_NOT_AVAILABLE'),
      await failing('EIO'),
      await failing('REQUEST_TIMEOUT'),
      await failing('EACCES')
    ]
    const own = await hyperdrive(t)
    let multi = await multidrive(t, [own, away, disk, late, bug])
    let err = await failureOf(multi.entry('/file'))
    t.same([err.code, err.path], ['EIO', '/file'])
    t.equal(err.drive, disk)
    t.same(
      err.failures.map(({ code }: any) => code),
      ['BLOCK_NOT_AVAILABLE', 'EIO', 'REQUEST_TIMEOUT', 'EACCES']
    )
    t.same(
      indexes(
        err.failures.map(({ drive }: any) => drive),
        [away, disk, late, bug]
      ),
      [0, 1, 2, 3]
    )

    multi = await multidrive(t, [await hyperdrive(t), late, away])
    err = await failureOf(multi.entry('/file'))
    t.equal(err.code, 'REQUEST_TIMEOUT')
    t.equal(err.drive, late)

    multi = await multidrive(t, [await hyperdrive(t), away])
    err = await failureOf(multi.entry('/file'))
    t.equal(err.code, 'BLOCK_NOT_AVAILABLE')
    t.equal(err.failures, undefined)
  }
)

test('what a drive throws that is no error is told as well', limit, async (t) => {
  for (const thrown of ['text', undefined, null, 5, { message: 'object' }]) {
    const broken = over(await hyperdrive(t), {
      entry: () => Promise.reject(thrown) // eslint-disable-line @typescript-eslint/prefer-promise-reject-errors
    })
    const multi = await multidrive(t, [await hyperdrive(t), broken])
    const err = await failureOf(multi.entry('/file'))
    t.ok(err instanceof MultiDriveError)
    t.equal(err.code, 'DRIVE_FAILED')
    t.equal(err.drive, broken)
  }
})
