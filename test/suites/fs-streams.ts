import { randomBytes } from 'node:crypto'
import { once as event } from 'node:events'
import { Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { pathToFileURL } from 'node:url'
import { collect } from '../helpers/drives.ts'
import { fails, once, outcome, type FsKind, type Ground } from './fs.ts'

const MIB = 1 << 20

interface Streams {
  readonly read: (path: unknown, opts?: unknown) => any
  readonly write: (path: unknown, opts?: unknown) => any
  /** Whether they are all that Node's are. */
  readonly areNodes: boolean
}

/** The streams that one gets, and, where those are others, the ones that one gets by asking for Node's. */
function streamsOf({ fs, limits }: Ground): Streams[] {
  const plain: Streams = {
    read: fs.createReadStream,
    write: fs.createWriteStream,
    areNodes: !limits.streamsOfDrives
  }
  return plain.areNodes ? [plain] : [plain, nodes(fs)]
}

/** Streams with an option that only Node's have. */
function nodes(fs: any): Streams {
  const asking = (opts: unknown, flags: string) =>
    typeof opts === 'string' ? { flags, encoding: opts } : opts === 5 ? opts : { flags, ...(opts as object) }
  return {
    read: (path, opts) => fs.createReadStream(path, asking(opts, 'r')),
    write: (path, opts) => fs.createWriteStream(path, asking(opts, 'w')),
    areNodes: true
  }
}

/** `createReadStream` and `createWriteStream` of paths and descriptors. */
export function fsStreamsSuite(kind: FsKind): void {
  once(kind, 'createReadStream(path, options)', async (t, ground) => {
    const { promises, p } = ground
    await promises.writeFile(p('/file'), 'hello wörld')
    await promises.writeFile(p('/empty'), '')
    for (const streams of streamsOf(ground)) {
      const read = async (opts?: unknown) => {
        const parts = await collect(streams.read(p('/file'), opts))
        return parts.every((part) => typeof part === 'string')
          ? ['text', parts.join('')]
          : ['bytes', Buffer.concat(parts as Buffer[]).toString()]
      }
      t.same(await read(), ['bytes', 'hello wörld'])
      t.same(await read({}), ['bytes', 'hello wörld'])
      t.same(await read('utf8'), ['text', 'hello wörld'], 'an encoding as a string')
      t.same(await read({ encoding: 'utf8' }), ['text', 'hello wörld'])
      t.same(await read({ encoding: 'hex', end: 1 }), ['text', '6865'])
      t.same(await read({ start: 2 }), ['bytes', 'llo wörld'])
      t.same(await read({ end: 4 }), ['bytes', 'hello'], 'the end is read as well')
      t.same(await read({ start: 1, end: 3 }), ['bytes', 'ell'])
      t.same(await read({ start: 4, end: 4 }), ['bytes', 'o'])
      t.same(await read({ start: 0, end: 0 }), ['bytes', 'h'])
      t.same(await read({ start: 2, end: Infinity }), ['bytes', 'llo wörld'], 'as Node has it by default')
      t.same(await read({ start: 9, end: 99 }), ['bytes', 'rld'], 'past the end')
      t.same((await collect(streams.read(p('/file'), { start: 12 }))).length, 0)
      t.same((await collect(streams.read(p('/file'), { start: 99 }))).length, 0)
      t.same(await collect(streams.read(p('/empty'))), [], 'an empty file')
      t.same((await collect(streams.read(p('/empty'), 'utf8'))).join(''), '')
    }
  })

  once(kind, 'streams of paths in bytes and of URLs', async (t, ground) => {
    const { promises, p } = ground
    for (const { read, write } of streamsOf(ground)) {
      for (const path of [Buffer.from(p('/file')), pathToFileURL(p('/file'))]) {
        const text = randomBytes(8).toString('hex')
        await pipeline([text], write(path))
        t.equal(await promises.readFile(p('/file'), 'utf8'), text)
        t.equal(String(Buffer.concat(await collect(read(path)))), text)
      }
    }
  })

  once(kind, 'createReadStream(path, encoding) in every encoding', async (t, ground) => {
    const { promises, p } = ground
    const bytes = Buffer.from('aä€😀'.repeat(30_000))
    await promises.writeFile(p('/file'), bytes)
    for (const { read } of streamsOf(ground)) {
      for (const encoding of [
        'utf8',
        'utf-8',
        'utf16le',
        'latin1',
        'ascii',
        'hex',
        'base64',
        'base64url'
      ] as const) {
        const text = await outcome(async () => {
          const parts = await collect(read(p('/file'), encoding))
          if (parts.join('') !== bytes.toString(encoding)) throw new Error('another text')
        })
        t.equal(text, undefined, encoding)
      }
    }
  })

  once(
    kind,
    'createReadStream(path, { highWaterMark, encoding }) cuts no character',
    async (t, { fs, promises, p }) => {
      const text = 'aä€😀'.repeat(50)
      await promises.writeFile(p('/file'), text)
      for (const highWaterMark of [1, 2, 3, 5, 64]) {
        const parts = await collect(fs.createReadStream(p('/file'), { highWaterMark, encoding: 'utf8' }))
        t.equal(parts.join(''), text)
        t.ok(parts.length > 1, `${highWaterMark}`)
        const bytes = await collect<Buffer>(fs.createReadStream(p('/file'), { highWaterMark }))
        t.ok(bytes.every((part) => part.length <= highWaterMark))
      }
    }
  )

  once(kind, 'createReadStream of what cannot be read', async (t, ground) => {
    const { promises, p } = ground
    await promises.mkdir(p('/dir'))
    await promises.writeFile(p('/file'), 'hello')
    for (const { read, areNodes } of streamsOf(ground)) {
      await fails(t, collect(read(p('/none'))), { code: 'ENOENT', syscall: 'open', path: p('/none') })
      const stream = read(p('/none'))
      const told: string[] = []
      for (const name of ['error', 'end', 'close']) stream.on(name, () => told.push(name))
      stream.resume()
      await new Promise((resolve) => stream.once('close', resolve))
      t.same(told, ['error', 'close'])
      const [through, folder] = [() => collect(read(p('/file/below'))), () => collect(read(p('/dir')))]
      if (areNodes) {
        await fails(t, through, { code: 'ENOTDIR', syscall: 'open', path: p('/file/below') })
        await fails(t, folder, { code: 'EISDIR', syscall: 'read' })
      } else {
        t.ok((await outcome(through)) instanceof Error)
        t.ok((await outcome(folder)) instanceof Error)
      }
    }
  })

  once(kind, 'streams follow links', async (t, ground) => {
    const { fs, promises, p } = ground
    await promises.mkdir(p('/dir'))
    await promises.writeFile(p('/file'), 'hello')
    await promises.symlink('../file', p('/dir/link'))
    await promises.symlink('dir', p('/folder'))
    await promises.symlink('none', p('/broken'))
    await promises.symlink('loop', p('/loop'))
    for (const { read } of streamsOf(ground)) {
      for (const path of [p('/dir/link'), p('/folder/link')])
        t.equal((await collect(read(path, 'utf8'))).join(''), 'hello')
      await fails(t, collect(read(p('/broken'))), { code: 'ENOENT', syscall: 'open', path: p('/broken') })
      await fails(t, collect(read(p('/loop'))), { code: 'ELOOP', syscall: 'open', path: p('/loop') })
    }
    const { write } = nodes(fs)
    await promises.symlink('made', p('/dangling'))
    const stream = write(p('/dangling'))
    stream.end('new')
    await event(stream, 'close')
    t.equal(await promises.readFile(p('/made'), 'utf8'), 'new')
    t.equal(await promises.readlink(p('/dangling')), 'made')
  })

  once(kind, 'arguments that streams refuse', async (t, { fs, promises, limits, p }) => {
    const streams = nodes(fs)
    await promises.writeFile(p('/file'), 'hello')
    const refused = async (method: 'read' | 'write', path: unknown, opts: unknown, code: string) => {
      const err = await outcome(async () => {
        const stream = streams[method](path, opts)
        stream.on('error', (late: Error) => t.fail(`told late: ${late.message}`))
      })
      t.equal(err?.code, code, `${method}(${String(path)}, ${JSON.stringify(opts)})`)
    }
    for (const method of ['read', 'write'] as const) {
      await refused(method, p('/file'), { start: -5 }, 'ERR_OUT_OF_RANGE')
      await refused(method, p('/file'), { start: 0.5 }, 'ERR_OUT_OF_RANGE')
      await refused(method, p('/file'), { start: '5' }, 'ERR_INVALID_ARG_TYPE')
      await refused(method, p('/file'), 'nope', 'ERR_INVALID_ARG_VALUE')
      await refused(method, p('/file'), { encoding: 'nope' }, 'ERR_INVALID_ARG_VALUE')
      if (!limits.streamsOfDrives) await refused(method, p('/file'), 5, 'ERR_INVALID_ARG_TYPE')
      await refused(method, 5, {}, 'ERR_INVALID_ARG_TYPE')
      await refused(method, '/a\0b', {}, 'ERR_INVALID_ARG_VALUE')
    }
    await refused('read', p('/file'), { start: 5, end: 2 }, 'ERR_OUT_OF_RANGE')
    await refused('read', p('/file'), { end: -5 }, 'ERR_OUT_OF_RANGE')
    t.equal(await promises.readFile(p('/file'), 'utf8'), 'hello')
  })

  once(
    kind,
    'createReadStream(path, { fd }) reads what is open',
    async (t, { fs, promises, call, p }) => {
      await promises.writeFile(p('/file'), 'hello world')
      const read = async (opts: object) => {
        const fd = await call('open', p('/file'), 'r')
        await call('read', fd, Buffer.alloc(2), 0, 2, null)
        const text = (await collect(fs.createReadStream(null, { fd, encoding: 'utf8', ...opts }))).join('')
        await fails(t, call('fstat', fd), { code: 'EBADF', syscall: 'fstat' }, 'it is closed')
        return text
      }
      t.equal(await read({}), 'llo world', 'from the current position')
      t.equal(await read({ start: 1, end: 3 }), 'ell')
      const fd = await call('open', p('/file'), 'r')
      const opts = { fd, encoding: 'utf8', autoClose: false }
      t.equal((await collect(fs.createReadStream(p('/ignored'), opts))).join(''), 'hello world')
      t.equal((await call('fstat', fd)).size, 11, 'autoClose: false leaves it open')
      await call('close', fd)

      const handle = await promises.open(p('/file'))
      const byHandle = fs.createReadStream(null, { fd: handle, encoding: 'utf8' })
      t.equal((await collect(byHandle)).join(''), 'hello world')
      t.equal(handle.fd, -1, 'a FileHandle is closed too')
    },
    { style: 'callback' }
  )

  once(
    kind,
    'createWriteStream(path, { fd }) writes what is open',
    async (t, { fs, promises, call, p }) => {
      const fd = await call('open', p('/file'), 'w')
      const stream = fs.createWriteStream(null, { fd })
      stream.end('hello')
      await event(stream, 'close')
      t.equal(await promises.readFile(p('/file'), 'utf8'), 'hello')
      await fails(t, call('fstat', fd), { code: 'EBADF', syscall: 'fstat' }, 'it is closed')

      const open = await call('open', p('/file'), 'r+')
      const part = fs.createWriteStream(p('/ignored'), { fd: open, start: 1, autoClose: false })
      part.end('ELL')
      await event(part, 'finish')
      t.equal(await promises.readFile(p('/file'), 'utf8'), 'hELLo', 'it is there at finish')
      await call('write', open, 'J', 0)
      await call('close', open)
      t.equal(await promises.readFile(p('/file'), 'utf8'), 'JELLo')
    },
    { style: 'callback' }
  )

  once(kind, 'createWriteStream(path, options)', async (t, ground) => {
    const { promises, p } = ground
    for (const streams of streamsOf(ground)) {
      const write = async (opts: unknown, ...parts: unknown[]) => {
        const stream = streams.write(p('/file'), opts)
        const closed = event(stream, 'close')
        for (const part of parts) stream.write(part)
        stream.end()
        await closed
        return promises.readFile(p('/file'), 'utf8')
      }
      t.equal(await write(undefined, 'hello', Buffer.from(' wor'), new Uint8Array([108, 100])), 'hello world')
      t.equal(await write({}, 'hello'), 'hello', 'it replaces')
      t.equal(await write({ flags: 'a' }, ' all'), 'hello all')
      t.equal(await write({ flags: 'a' }), 'hello all')
      t.equal(await write({ flags: 'r+', start: 1 }, 'ELL'), 'hELLo all')
      t.equal(await write({ flags: 'r+' }, 'J'), 'JELLo all')
      t.equal(await write({ start: 2 }, 'x'), '\0\0x', 'it replaces, from a start')
      t.equal(await write('hex', '6162', '63'), 'abc', 'an encoding as a string')
      t.equal(await write({ encoding: 'latin1' }, 'é'), '\ufffd')
      t.equal(await write({}), '', 'nothing')
    }
    const made = ground.fs.createWriteStream(p('/made'), { flags: 'wx', mode: 0o640 })
    made.end('x')
    await event(made, 'close')
    t.equal((await promises.stat(p('/made'))).mode.toString(8), '100640')
  })

  once(kind, 'createWriteStream tells finish and close, and asks to wait', async (t, ground) => {
    const { promises, p } = ground
    for (const { write } of streamsOf(ground)) {
      const stream = write(p('/file'))
      const told: string[] = []
      for (const name of ['finish', 'close']) stream.on(name, () => told.push(name))
      const closed = event(stream, 'close')
      stream.write('hello')
      stream.end(' world')
      await event(stream, 'finish')
      t.equal(await promises.readFile(p('/file'), 'utf8'), 'hello world', 'it is there at finish')
      await closed
      t.same(told, ['finish', 'close'])
      t.equal(await promises.readFile(p('/file'), 'utf8'), 'hello world', 'and at close')
      const big = write(p('/big'))
      let waited = 0
      for (let i = 0; i < 64; i++) {
        if (big.write(Buffer.alloc(65_536, i))) continue
        waited++
        await event(big, 'drain')
      }
      big.end()
      await event(big, 'close')
      t.ok(waited > 0)
      t.equal((await promises.stat(p('/big'))).size, 4 * MIB)
    }
  })

  once(kind, 'createWriteStream where no file can be', async (t, ground) => {
    const { promises, p } = ground
    await promises.mkdir(p('/dir'))
    await promises.writeFile(p('/file'), 'hello')
    const cases: [string, 'EISDIR' | 'ENOENT' | 'ENOTDIR' | 'EEXIST', object?][] = [
      [p('/dir'), 'EISDIR'],
      [p('/file/below'), 'ENOTDIR'],
      [p('/file'), 'EEXIST', { flags: 'wx' }],
      [p('/none'), 'ENOENT', { flags: 'r+' }]
    ]
    for (const { write, areNodes } of streamsOf(ground)) {
      const missing: typeof cases = areNodes ? [[p('/none/below'), 'ENOENT']] : []
      for (const [path, code, opts] of [...cases, ...missing]) {
        const stream = write(path, opts)
        const failed = outcome(event(stream, 'close'))
        stream.end('x')
        const err = await failed
        t.same([err?.code, err?.syscall, err?.path], [code, 'open', path])
      }
    }
    t.equal(await promises.readFile(p('/file'), 'utf8'), 'hello')
  })

  once(kind, 'streams that are destroyed midway', async (t, ground) => {
    const { promises, p } = ground
    for (const { read, write, areNodes } of streamsOf(ground)) {
      await promises.writeFile(p('/file'), Buffer.alloc(MIB, 'x'))
      const reader = read(p('/file'))
      const [first] = await event(reader, 'data')
      t.ok(first.length > 0)
      const closed = event(reader, 'close')
      reader.destroy()
      await closed
      const boom = new Error('boom')
      const failed = read(p('/file'))
      const over = outcome(event(failed, 'close'))
      failed.destroy(boom)
      t.equal(await over, boom)
      for await (const part of read(p('/file'))) {
        t.ok(part.length > 0)
        break
      }

      const writer = write(p('/file'))
      const ended = event(writer, 'close')
      if (areNodes) await new Promise((resolve) => writer.write('part', resolve))
      else writer.write('part')
      writer.destroy()
      await ended
      const { size } = await promises.stat(p('/file'))
      t.equal(size, areNodes ? 4 : MIB, 'what of a drive was not ended never was')
    }
  })

  once(kind, 'the option signal of streams', async (t, { fs, promises, p }) => {
    await promises.writeFile(p('/file'), 'hello')
    const before = fs.createReadStream(p('/file'), { signal: AbortSignal.abort() })
    t.equal((await outcome(collect(before)))?.name, 'AbortError')
    const abort = new AbortController()
    const stream = fs.createWriteStream(p('/file'), { signal: abort.signal, flags: 'r+' })
    const failed = event(stream, 'error')
    abort.abort()
    t.equal((await failed)[0].name, 'AbortError')
    t.equal(await promises.readFile(p('/file'), 'utf8'), 'hello')
    const late = fs.createWriteStream(p('/file'), { signal: AbortSignal.abort() })
    t.equal((await event(late, 'error'))[0].name, 'AbortError')
    // It is opened all the same, after its end, of which nothing tells.
    while ((await promises.readFile(p('/file'))).length > 0) await new Promise(setImmediate)
  })

  once(kind, "members and events of Node's own streams of files", async (t, { fs, p }) => {
    const { read, write } = nodes(fs)
    const writer = write(p('/file'))
    const told: string[] = []
    for (const name of ['open', 'ready', 'finish', 'close']) writer.on(name, () => told.push(name))
    t.same([writer.path, writer.pending], [p('/file'), true])
    writer.end('hello')
    await event(writer, 'close')
    t.same(told, ['open', 'ready', 'finish', 'close'])
    t.equal(writer.bytesWritten, 5)

    const reader = read(p('/file'))
    const heard: string[] = []
    for (const name of ['open', 'ready', 'end', 'close']) reader.on(name, () => heard.push(name))
    t.same([reader.path, reader.pending], [p('/file'), true])
    const [fd] = await event(reader, 'open')
    t.ok(Number.isInteger(fd))
    reader.resume()
    await event(reader, 'close')
    t.same(heard, ['open', 'ready', 'end', 'close'])
    t.equal(reader.bytesRead, 5)

    const closing = write(p('/file'))
    closing.write('closed')
    await new Promise<void>((resolve, reject) =>
      closing.close((err?: Error | null) => (err ? reject(err) : resolve()))
    )
    t.equal((await collect(read(p('/file'), 'utf8'))).join(''), 'closed')
  })

  once(kind, "Node's pipeline through both", async (t, ground) => {
    const { promises, p } = ground
    const bytes = randomBytes(8 * MIB + 3)
    const flip = (chunk: Uint8Array) => Buffer.from(chunk.map((byte) => byte ^ 255))
    for (const { read, write } of streamsOf(ground)) {
      const parts = [bytes.subarray(0, 5_000_000), bytes.subarray(5_000_000)]
      await pipeline(Readable.from(parts), write(p('/a')))
      t.ok(bytes.equals(await promises.readFile(p('/a'))), 'into a file')
      const flipped = new Transform({ transform: (chunk: Buffer, _, done) => done(null, flip(chunk)) })
      await pipeline(read(p('/a')), flipped, write(p('/b')))
      t.ok(flip(bytes).equals(await promises.readFile(p('/b'))), 'from file to file')
      const direct = read(p('/b')).pipe(write(p('/c')))
      await event(direct, 'close')
      t.ok((await promises.readFile(p('/b'))).equals(await promises.readFile(p('/c'))), 'by pipe')

      t.equal((await outcome(pipeline(read(p('/none')), write(p('/d')))))?.code, 'ENOENT')
      const boom = new Error('boom')
      const broken = new Transform({ transform: (_chunk, _, done) => done(boom) })
      t.equal(await outcome(pipeline(read(p('/a')), broken, write(p('/e')))), boom)
    }
  })
}
