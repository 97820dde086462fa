import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import Hyperdrive from 'hyperdrive'
import test, { type Test } from 'tape'
import { alone, together, whole, within } from '../../../availability/links.ts'
import {
  cleanup,
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
  const copy: any = new Hyperdrive(ours.session(), author.key, { onwait: () => waits() })
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

  for (const [name, call] of Object.entries<(multi: any) => Promise<unknown>>({
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
    await within(QUICK, 'close', multi.close())
    const err = await within(QUICK, 'appendFile', failureOf(ended))
    t.same([err.path, err.drive === copy], ['/big', true], err.message)
    t.ok(err.message.includes('/big') && err.message.includes(copy.id), err.message)
    if (left) t.equal(own.version, left.version)
    else t.same(await leftIn(own), [])
  })
}
