import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { finished } from 'node:stream/promises'
import { promisify } from 'node:util'
import Hyperdrive from 'hyperdrive'
import test, { type Test } from 'tape'
import { alone, together, whole, within } from '../../../availability/links.ts'
import MultiDrive from '../../../../index.ts'
import {
  cleanup,
  collect,
  failureOf,
  hyperdrive,
  link,
  localdrive,
  multidrive,
  store
} from '../../../helpers/drives.ts'
import { byteRow } from '../../../suites/fs-open-file.ts'
import { MIB, QUICK, WRITERS } from './helpers.ts'

const BYTES = byteRow(4 * MIB)

/** A writer over the drive of another, of whose large file about a quarter is here, and whose peers are away. */
async function partial(t: Test, kind: string) {
  const [theirs, ours] = [await store(t), await store(t)]
  const author = await hyperdrive(t, { store: theirs })
  await author.put('/big', BYTES)
  await author.put('/dir/big', BYTES)
  const own = kind === 'a Localdrive' ? await localdrive(t) : await hyperdrive(t, { store: ours })
  let waits: () => void = () => undefined
  const copy = new Hyperdrive(ours.session(), author.key, { onwait: () => waits() })
  const multi: any = await multidrive(t, [own, copy])
  const unlink = link(theirs, ours)
  await within(QUICK, 'metadata', whole(copy, author))
  await copy.getBlobs()
  for (const start of [0, 64]) {
    await within(QUICK, 'a quarter', copy.blobs.core.download({ start, end: start + 16 }).done())
  }
  await unlink()
  await alone(copy)
  const reconnect = async () => {
    cleanup(t, link(theirs, ours))
    await together(copy)
  }
  /** Begins a call, and comes back when it has come to bytes that are not here. */
  const begin = async <T>(call: () => Promise<T>): Promise<{ ended: Promise<T> }> => {
    const waiting = new Promise<void>((resolve) => (waits = resolve))
    const ended = call()
    ended.catch(() => undefined)
    await within(QUICK, 'until it waits', waiting)
    return { ended }
  }
  return { multi, own, copy, begin, reconnect }
}

/** What is left of a copy that did not land. */
async function leftIn(own: any): Promise<unknown> {
  const entries: string[] = []
  for await (const { key } of own.list('/')) entries.push(key)
  if (own.root === undefined) return entries
  return [...entries, ...(await readdir(join(own.root, '.multidrive/staged')).catch(() => []))]
}

/** The calls that must first copy what another drive has, in the forms that Node's take no options in, and in those that have some. */
const WAITING: Record<string, (multi: any, opts?: object) => Promise<unknown>> = {
  appendFile: (multi, opts) => multi.appendFile('/big', 'x', opts),
  'promises.appendFile': (multi, opts) => multi.promises.appendFile('/big', 'x', opts),
  'writeFile with r+': (multi, opts) => multi.writeFile('/big', 'x', { flag: 'r+', ...opts }),
  truncate: (multi, opts) => multi.truncate('/big', 3 * MIB, opts),
  chmod: (multi, opts) => multi.chmod('/big', 0o600, opts),
  'promises.chmod': (multi, opts) => multi.promises.chmod('/big', 0o600, opts),
  lchmod: (multi, opts) => multi.lchmod('/big', 0o600, opts),
  utimes: (multi, opts) => multi.utimes('/big', 1, 1, opts),
  lutimes: (multi, opts) => multi.promises.lutimes('/big', 1, 1, opts),
  setMetadata: (multi, opts) => multi.setMetadata('/big', 'note', 1, opts),
  removeMetadata: (multi, opts) => multi.promises.removeMetadata('/big', 'note', opts),
  copyFile: (multi, opts) => multi.copyFile('/big', '/copied', 0, opts),
  'promises.copyFile': (multi, opts) => multi.promises.copyFile('/big', '/copied', 0, opts),
  cp: (multi, opts) => multi.cp('/dir', '/copied', { recursive: true, ...opts }),
  rename: (multi, opts) => multi.rename('/big', '/moved', opts),
  'rename of a folder': (multi, opts) => multi.promises.rename('/dir', '/moved', opts),
  'rename with a callback': (multi, opts = {}) => promisify(multi.rename)('/big', '/moved', opts),
  'createWriteStream with a': (multi, opts) =>
    finished(multi.createWriteStream('/big', { flags: 'a', ...opts }).end('x')),
  'fchmod of a descriptor for reading': async (multi, opts) => {
    const fd = await multi.open('/big', 'r', 0, opts)
    try {
      await multi.fchmod(fd, 0o600)
    } finally {
      await multi.close(fd)
    }
  },
  'resolve to what a drive has': (multi, opts) => multi.resolve('/big', { keep: multi.drives[1] }, opts)
}

for (const [kind] of WRITERS) {
  test(`{ timeout } bounds each change that has to copy what another drive has (${kind})`, async (t) => {
    const { multi, own, copy } = await partial(t, kind)
    for (const [name, call] of Object.entries(WAITING)) {
      const err = await within(QUICK, name, failureOf(call(multi, { timeout: 100 })))
      const path = ['cp', 'rename of a folder'].includes(name) ? '/dir/big' : '/big'
      t.same([err.code, err.path, err.drive === copy], ['REQUEST_TIMEOUT', path, true], name)
      t.ok(err.message.includes(copy.id) && err.message.includes(path), err.message)
    }
    const err = await within(QUICK, 'chmod', failureOf(multi.chmod('/big', 0o600, { wait: false })))
    t.same([err.code, err.path, err.drive === copy], ['BLOCK_NOT_AVAILABLE', '/big', true], 'and wait: false')
    t.same(await leftIn(own), [], 'nothing is left of any')
    t.same([(await multi.entry('/big')).drive, await multi.exists('/dir/big')], [copy, true])

    await within(QUICK, 'writeFile', multi.writeFile('/big', 'ours'))
    t.equal(await multi.readFile('/big', 'utf8'), 'ours', 'and the same path can be written')
    for (const name of ['appendFile', 'truncate', 'chmod', 'setMetadata', 'copyFile', 'rename']) {
      await within(QUICK, name, WAITING[name]!(multi, { timeout: 100 }))
    }
    t.ok((await multi.readFile('/moved', 'utf8')).startsWith('oursx'), 'whose bytes are here')
  })

  test(`new MultiDrive(primary, { timeout }) bounds what does not say itself (${kind})`, async (t) => {
    const { multi: patient, own, copy, reconnect } = await partial(t, kind)
    const multi = new MultiDrive(own, { timeout: 100 })
    await multi.addDrive(copy)
    cleanup(t, () => patient.close())
    const reads: Record<string, () => Promise<unknown>> = {
      get: () => multi.get('/big'),
      createReadStream: () => collect(multi.createReadStream('/big')),
      'createReadStream of Node’s': () => collect(multi.createReadStream('/big', { highWaterMark: 9 })),
      readFile: () => multi.readFile('/big'),
      'batch().get': () => multi.batch().get('/big'),
      'checkout().get': () => multi.checkout(multi.version).get('/big'),
      'read(fd)': async () => multi.read(await multi.open('/big'), Buffer.alloc(9), 0, 9, 3 * MIB)
    }
    for (const [name, read] of Object.entries(reads)) {
      const err = await within(QUICK, name, failureOf(read()))
      t.same([err.code, err.path, err.drive === copy], ['REQUEST_TIMEOUT', '/big', true], name)
    }
    for (const [name, call] of Object.entries(WAITING)) {
      const err = await within(QUICK, name, failureOf(call(multi)))
      t.same([err.code, err.drive === copy], ['REQUEST_TIMEOUT', true], name)
    }
    t.same(await leftIn(own), [])
    // A call that says so waits without bound all the same.
    const waiting = multi.chmod('/big', 0o600, { timeout: 0 })
    waiting.catch(() => undefined)
    t.equal((await within(QUICK, 'get', failureOf(multi.get('/big')))).code, 'REQUEST_TIMEOUT')
    await reconnect()
    await within(20_000, 'chmod', waiting)
    t.equal((await multi.stat('/big')).mode & 0o777, 0o600)
  })
}

test('new MultiDrive(primary, { timeout }) with what is no time is EINVAL', async (t) => {
  const own = await hyperdrive(t)
  for (const timeout of [-1, NaN, 'soon'] as number[])
    t.equal((await failureOf(() => new MultiDrive(own, { timeout }))).code, 'EINVAL', String(timeout))
})

for (const [kind] of WRITERS) {
  test(`a copy whose bytes do not come in time fails, names drive and path, and leaves nothing (${kind})`, async (t) => {
    const { multi, own, copy } = await partial(t, kind)
    for (const [flags, opts, code] of [
      ['r+', { timeout: 300 }, 'REQUEST_TIMEOUT'],
      ['a', { timeout: 300 }, 'REQUEST_TIMEOUT'],
      ['r+', { wait: false }, 'BLOCK_NOT_AVAILABLE']
    ] as const) {
      const fd = await within(QUICK, 'open', multi.open('/big', flags, 0o666, opts))
      await multi.write(fd, 'x')
      const err = await within(QUICK, 'close', failureOf(multi.close(fd)))
      const what = `${flags} with ${JSON.stringify(opts)}`
      t.same([err.code, err.path, err.drive === copy], [code, '/big', true], what)
      t.ok(err.message.includes(copy.id) && err.message.includes('/big'), err.message)
      t.equal((await failureOf(() => multi.fstat(fd))).code, 'EBADF', 'the descriptor is closed')
    }
    t.same(await leftIn(own), [])
    t.equal((await multi.entry('/big')).drive, copy, 'and what was there is still there')
    await within(QUICK, 'writeFile', multi.writeFile('/other', 'other'))
    t.equal(await multi.readFile('/other', 'utf8'), 'other')
  })

  test(`bytes that do not come in time are an error of read(fd), with drive and path (${kind})`, async (t) => {
    const { multi, copy } = await partial(t, kind)
    for (const [opts, code] of [
      [{ timeout: 300 }, 'REQUEST_TIMEOUT'],
      [{ wait: false }, 'BLOCK_NOT_AVAILABLE']
    ] as const) {
      for (const flags of ['r', 'r+']) {
        const fd = await within(QUICK, 'open', multi.open('/big', flags, 0o666, opts))
        const into = Buffer.alloc(100)
        const err = await within(QUICK, 'read', failureOf(multi.read(fd, into, 0, 100, 3 * MIB)))
        t.same([err.code, err.path, err.drive === copy], [code, '/big', true], `${flags} ${code}`)
        t.ok(err.message.includes(copy.id) && err.message.includes('/big'), err.message)
        await within(QUICK, 'close', multi.close(fd))
      }
      const err = await within(QUICK, 'readFile', failureOf(multi.readFile('/big', opts)))
      t.same([err.code, err.path, err.drive === copy], [code, '/big', true], 'readFile')
    }
  })

  for (const [name, call] of Object.entries<(multi: MultiDrive) => Promise<unknown>>({
    appendFile: (multi) => multi.appendFile('/big', 'x'),
    chmod: (multi) => multi.chmod('/big', 0o600),
    copyFile: (multi) => multi.copyFile('/big', '/copied'),
    'rename of the folder': (multi) => multi.rename('/dir', '/renamed')
  })) {
    test(`${name} waits for the bytes of another drive and holds up nobody (${kind})`, async (t) => {
      const { multi, own, begin, reconnect } = await partial(t, kind)
      await multi.writeFile('/first', 'x')
      const { ended } = await begin(() => call(multi))
      let done = false
      ended.then(
        () => (done = true),
        () => (done = true)
      )
      const others = [
        own.put('/direct', Buffer.alloc(100)),
        multi.put('/other', 'x'),
        multi.writeFile('/written', Buffer.alloc(MIB)),
        multi.appendFile('/log', 'line'),
        multi.rename('/first', '/second')
      ]
      const held = await within(QUICK, 'other writes', Promise.all(others)).then(() => null, String)
      t.equal(held, null)
      t.notOk(done)
      await reconnect()
      t.equal(
        await within(
          20_000,
          name,
          ended.then(() => null, String)
        ),
        null
      )
      t.ok(
        (await multi.readFile(name === 'rename of the folder' ? '/renamed/big' : '/big')).byteLength >=
          4 * MIB
      )
    })
  }

  test(`close() of a MultiDrive ends what waits for bytes, and leaves nothing (${kind})`, async (t) => {
    const { multi, copy, own, begin } = await partial(t, kind)
    const left = kind === 'a Localdrive' ? null : { version: own.version }
    const { ended } = await begin(() => multi.appendFile('/big', 'x'))
    const others = {
      chmod: multi.chmod('/dir/big', 0o600, { timeout: 60_000 }),
      rename: multi.rename('/dir', '/renamed'),
      copyFile: multi.copyFile('/big', '/copied')
    }
    for (const other of Object.values(others)) other.catch(() => undefined)
    await within(QUICK, 'close', multi.close())
    const err = await within(QUICK, 'appendFile', failureOf(ended))
    t.same([err.path, err.drive === copy], ['/big', true], err.message)
    t.ok(err.message.includes('/big') && err.message.includes(copy.id), err.message)
    for (const [name, other] of Object.entries(others))
      t.ok((await within(QUICK, name, failureOf(other))).message, name)
    if (left) t.equal(own.version, left.version)
    else t.same(await leftIn(own), [])
  })
}
