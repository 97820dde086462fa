import { once as event } from 'node:events'
import { collect } from '../helpers/drives.ts'
import { byteRow } from './fs-open-file.ts'
import { fails, once, outcome, type FsKind } from './fs.ts'

/** What `promises.open` gives, beyond what it has in common with a descriptor. */
export function fsHandlesSuite(kind: FsKind): void {
  once(
    kind,
    'a FileHandle has a descriptor, and results of the shape of the promise API',
    async (t, ground) => {
      const { promises, p, limits } = ground
      const handle = await promises.open(p('/file'), 'w+')
      t.ok(Number.isInteger(handle.fd))
      if (limits.numbersFrom20) t.ok(handle.fd >= 20)
      t.same(Object.keys(await handle.write('hello')), ['bytesWritten', 'buffer'])
      t.same(Object.keys(await handle.read(Buffer.alloc(5), 0, 5, 0)), ['bytesRead', 'buffer'])
      t.same(Object.keys(await handle.writev([Buffer.from('!')])), ['bytesWritten', 'buffers'])
      t.same(Object.keys(await handle.readv([Buffer.alloc(1)])), ['bytesRead', 'buffers'])
      await handle.close()
      const byDefault = await promises.open(p('/file'))
      t.equal(await byDefault.readFile('utf8'), 'hello!', 'opened for reading by default')
      await byDefault.close()
    }
  )

  once(kind, 'handle.readFile, writeFile and appendFile', async (t, { promises, p }) => {
    const text = () => promises.readFile(p('/file'), 'utf8')
    const handle = await promises.open(p('/file'), 'w+')
    t.equal(await handle.writeFile('one'), undefined)
    await handle.writeFile(' two', 'utf8')
    await handle.appendFile(' 746872', { encoding: 'hex' })
    await handle.appendFile('74687265', 'hex')
    await handle.writeFile(new Uint16Array([0x2121]))
    t.equal(await handle.readFile('utf8'), '', 'the position is at the end')
    await handle.writeFile(['a', Buffer.from('b')])
    await handle.appendFile(
      (async function* () {
        yield 'c'
        yield 'd'
      })()
    )
    await handle.sync()
    t.equal(await text(), 'one twothre!!abcd')
    const abort = AbortSignal.abort()
    t.equal((await outcome(handle.readFile({ signal: abort })))?.name, 'AbortError')
    t.equal((await outcome(handle.writeFile('x', { signal: abort })))?.name, 'AbortError')
    for (const data of [5, null, { a: 1 }])
      t.equal((await outcome(handle.writeFile(data)))?.code, 'ERR_INVALID_ARG_TYPE', JSON.stringify(data))
    t.equal((await outcome(handle.readFile('nope')))?.code, 'ERR_INVALID_ARG_VALUE')
    await handle.close()
    t.equal(await text(), 'one twothre!!abcd', 'nothing of what failed')

    const reader = await promises.open(p('/file'))
    await fails(t, reader.writeFile('x'), { code: 'EBADF', syscall: 'write' })
    await fails(t, reader.appendFile('x'), { code: 'EBADF', syscall: 'write' })
    await reader.read(Buffer.alloc(4), 0, 4, null)
    t.equal(String(await reader.readFile()), 'twothre!!abcd')
    await reader.close()
    const writer = await promises.open(p('/file'), 'a')
    await fails(t, writer.readFile(), { code: 'EBADF', syscall: 'read' })
    await writer.writeFile('e')
    await writer.close()
    t.equal(await text(), 'one twothre!!abcde')
  })

  once(kind, 'handle.close() resolves however often, and tells once', async (t, { promises, p }) => {
    const handle = await promises.open(p('/file'), 'w')
    let told = 0
    handle.on('close', () => told++)
    await handle.write('hello')
    const closed = event(handle, 'close')
    const both = [handle.close(), handle.close()]
    t.same(await Promise.all(both), [undefined, undefined])
    await closed
    t.equal(handle.fd, -1)
    t.equal(await handle.close(), undefined)
    t.equal(told, 1)
    t.equal(await promises.readFile(p('/file'), 'utf8'), 'hello')
  })

  once(kind, 'handle[Symbol.asyncDispose]() closes', async (t, { promises, p }) => {
    const handle = await promises.open(p('/file'), 'w')
    await handle.write('hello')
    t.equal(await handle[Symbol.asyncDispose](), undefined)
    t.equal(handle.fd, -1)
    t.equal(await promises.readFile(p('/file'), 'utf8'), 'hello')
    await handle.close()
  })

  once(kind, 'a FileHandle that is closed is EBADF', async (t, { promises, p }) => {
    const handle = await promises.open(p('/file'), 'w+')
    await handle.close()
    const calls: [string, ...unknown[]][] = [
      ['read', Buffer.alloc(1)],
      ['write', 'x'],
      ['readFile'],
      ['writeFile', 'x'],
      ['appendFile', 'x'],
      ['stat'],
      ['truncate', 1],
      ['chmod', 0o644],
      ['chown', 0, 0],
      ['utimes', 0, 0],
      ['sync'],
      ['datasync'],
      ['readv', [Buffer.alloc(1)]],
      ['writev', [Buffer.alloc(1)]]
    ]
    for (const [method, ...args] of calls) {
      const err = await outcome(handle[method](...args))
      t.equal(err?.code, 'EBADF', method)
      t.match(String(err?.message), /file closed/)
    }
    for (const method of ['createReadStream', 'createWriteStream', 'readLines'])
      t.equal((await outcome(async () => handle[method]()))?.code, 'ERR_OUT_OF_RANGE', method)
    t.ok((await outcome(async () => collect(handle.readableWebStream()))) instanceof Error)
  })

  once(kind, 'handle.readLines()', async (t, { promises, p }) => {
    const lines = async (text: string, opts?: object) => {
      await promises.writeFile(p('/file'), text)
      const handle = await promises.open(p('/file'))
      const all = await collect(handle.readLines(opts))
      t.equal(handle.fd, -1, 'it closes the handle')
      return all
    }
    t.same(await lines(''), [])
    t.same(await lines('\n'), [''])
    t.same(await lines('a\n'), ['a'])
    t.same(await lines('a\r\nb\n\nc\rd'), ['a', 'b', '', 'c', 'd'])
    t.same(await lines('a\r\nbc\nd', { start: 3, end: 5, encoding: 'utf8' }), ['bc'])
    for (const highWaterMark of [1, 2, 3, 7])
      t.same(
        await lines('ä\r\n€\n\r\n😀\r\nend', { highWaterMark }),
        ['ä', '€', '', '😀', 'end'],
        `${highWaterMark}`
      )
    const long = Array.from({ length: 5000 }, (_, i) => `${i}`.repeat((i % 40) + 1))
    t.same(await lines(long.join('\n')), long, 'across blocks')
    t.same(await lines(long.join('\r\n') + '\r\n', { highWaterMark: 1000 }), long)

    const handle = await promises.open(p('/file'))
    t.equal((await collect(handle.readLines({ autoClose: false }))).length, 5000)
    t.ok(handle.fd >= 0, 'autoClose: false leaves it open')
    await handle.close()
    const stopped = await promises.open(p('/file'))
    for await (const line of stopped.readLines()) {
      t.equal(line, '0')
      break
    }
    await stopped.close()
  })

  once(kind, 'handle.createReadStream()', async (t, { promises, p }) => {
    await promises.writeFile(p('/file'), 'hello world')
    const read = async (opts?: unknown, skip = 0) => {
      const handle = await promises.open(p('/file'))
      if (skip > 0) await handle.read(Buffer.alloc(skip), 0, skip, null)
      const parts = (await collect(handle.createReadStream(opts))).map(String)
      t.equal(handle.fd, -1, 'it closes the handle')
      return parts
    }
    t.same(await read(), ['hello world'])
    t.same(await read({ encoding: 'hex' }), [Buffer.from('hello world').toString('hex')])
    t.same(await read({ start: 1, end: 3 }), ['ell'])
    t.same(await read({ start: 6 }), ['world'])
    t.same(await read({ start: 20 }), [])
    t.same(await read({ start: 8, end: 99 }), ['rld'])
    t.same(await read({ highWaterMark: 4 }), ['hell', 'o wo', 'rld'])
    t.same(await read({}, 6), ['world'], 'from the current position')
    t.same(await read({ start: 1, end: 3 }, 6), ['ell'])

    const open = await promises.open(p('/file'))
    const stream = open.createReadStream({ autoClose: false, encoding: 'utf8', end: 4 })
    t.same(await collect(stream), ['hello'])
    t.ok(open.fd >= 0, 'autoClose: false leaves it open')
    const { bytesRead } = await open.read(Buffer.alloc(5), 0, 5, 6)
    t.equal(bytesRead, 5)
    await open.close()

    const gone = await promises.open(p('/file'))
    const destroyed = gone.createReadStream()
    const closed = event(gone, 'close')
    destroyed.destroy()
    await closed
    t.equal(gone.fd, -1, 'destroying the stream closes the handle')
  })

  once(kind, 'handle.createWriteStream()', async (t, { promises, p }) => {
    const text = () => promises.readFile(p('/file'), 'utf8')
    const write = async (flags: string, opts: unknown, before: string, ...parts: unknown[]) => {
      const handle = await promises.open(p('/file'), flags)
      if (before !== '') await handle.write(before)
      const stream = handle.createWriteStream(opts)
      const closed = event(stream, 'close')
      for (const part of parts) stream.write(part)
      stream.end()
      await closed
      t.equal(handle.fd, -1, 'it closes the handle')
      return text()
    }
    t.equal(await write('w', undefined, '', 'hello', Buffer.from(' world')), 'hello world')
    t.equal(await write('r+', { start: 6 }, '', 'WOR'), 'hello WORld')
    t.equal(await write('r+', { start: 0, encoding: 'hex' }, '', '4a'), 'Jello WORld')
    t.equal(await write('w', {}, 'AB', 'CD'), 'ABCD', 'from the current position')
    t.equal(await write('a', {}, '', 'EF'), 'ABCDEF')
    t.equal(await write('r+', {}, ''), 'ABCDEF', 'of nothing')

    const open = await promises.open(p('/file'), 'w')
    const stream = open.createWriteStream({ autoClose: false })
    stream.end('one')
    await event(stream, 'finish')
    t.equal(await text(), 'one', 'it is there at finish')
    t.ok(open.fd >= 0, 'autoClose: false leaves it open')
    await open.write(' two')
    // Until then Node's handle takes the stream for one that is still busy, and does not close.
    stream.destroy()
    await event(stream, 'close')
    await open.close()
    t.equal(await text(), 'one two')
  })

  once(kind, 'handle.readableWebStream()', async (t, { promises, p, limits }) => {
    const bytes = byteRow(150_000)
    await promises.writeFile(p('/file'), bytes)
    for (const opts of [undefined, { type: 'bytes' }]) {
      const handle = await promises.open(p('/file'))
      const stream = handle.readableWebStream(opts)
      t.ok(stream instanceof ReadableStream)
      const parts = await collect<ArrayBuffer | Uint8Array>(stream)
      t.ok(Buffer.concat(parts.map((part) => new Uint8Array(part))).equals(bytes), JSON.stringify(opts))
      t.ok(parts.every((part) => part instanceof (opts ? Uint8Array : ArrayBuffer)))
      const again = await outcome(async () => handle.readableWebStream(opts))
      t.equal(again?.code, 'ERR_INVALID_STATE', 'once only')
      t.ok(handle.fd >= 0, 'it stays open')
      await handle.close()
    }
    const bad = await promises.open(p('/file'))
    for (const type of [5, null]) {
      if (!limits.wordsItsOwn) break
      const err = await outcome(async () => bad.readableWebStream({ type }))
      t.equal(err?.code, 'ERR_INVALID_ARG_TYPE')
    }
    await bad.close()
    for (const opts of [undefined, { type: 'bytes' }])
      t.equal((await outcome(async () => bad.readableWebStream(opts)))?.code, 'ERR_INVALID_STATE', 'closed')
  })

  once(
    kind,
    'handle.readableWebStream() begins where the handle stands and ends with it',
    async (t, { promises, p }) => {
      await promises.writeFile(p('/file'), 'hello world')
      for (const opts of [undefined, { type: 'bytes' }]) {
        const handle = await promises.open(p('/file'))
        await handle.read(Buffer.alloc(6), 0, 6)
        const parts = await collect<ArrayBuffer | Uint8Array>(handle.readableWebStream(opts))
        t.equal(Buffer.concat(parts.map((part) => new Uint8Array(part))).toString(), 'world')
        await handle.close()
        const closed = await promises.open(p('/file'))
        const reader = closed.readableWebStream({ type: 'bytes' }).getReader()
        await closed.close()
        t.same(await reader.read(), { value: undefined, done: true })
        await reader.closed
      }
    }
  )

  once(
    kind,
    "handle.readableWebStream({ type: 'bytes' }) fills the reader's buffers",
    async (t, { promises, p }) => {
      await promises.writeFile(p('/file'), 'hello world')
      const handle = await promises.open(p('/file'))
      const reader = handle.readableWebStream({ type: 'bytes' }).getReader({ mode: 'byob' })
      const read = async (length: number) => {
        const { value, done } = await reader.read(new Uint8Array(length))
        return [Buffer.from(value).toString(), done]
      }
      t.same(await read(5), ['hello', false])
      t.same(await read(20), [' world', false])
      t.same(await read(20), ['', true])
      await handle.close()
      const other = await promises.open(p('/file'))
      await reader.closed
      const plain = other.readableWebStream()
      t.throws(() => plain.getReader({ mode: 'byob' }), TypeError)
      const bytes = await promises.open(p('/file'))
      const stream = bytes.readableWebStream({ type: 'bytes' })
      await stream.cancel()
      t.ok(bytes.fd >= 0, 'whoever wants no more leaves it open')
      await bytes.close()
      await collect(plain)
      await other.close()
    }
  )

  once(kind, 'handle.getAsyncId()', async (t, { promises, p }) => {
    const [one, two] = [await promises.open(p('/file'), 'w'), await promises.open(p('/file'), 'w')]
    t.ok(Number.isInteger(one.getAsyncId()))
    t.notEqual(one.getAsyncId(), two.getAsyncId())
    await one.close()
    await two.close()
  })
}
