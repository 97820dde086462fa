import { Readable } from 'node:stream'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { fsDescriptorsSuite } from './fs-descriptors.ts'
import { fsHandlesSuite } from './fs-handles.ts'
import { byteRow } from './fs-open-file.ts'
import { fsOpenSuite } from './fs-open.ts'
import { fsMisuseSuite } from './fs-misuse.ts'
import { fsModelSuite } from './fs-model.ts'
import { fsStreamsSuite } from './fs-streams.ts'
import { fails, once, outcome, refuses, styles, type FsKind } from './fs.ts'

const ENCODINGS = [
  'utf8',
  'utf-8',
  'UTF8',
  'utf16le',
  'ucs2',
  'UCS-2',
  'latin1',
  'binary',
  'ascii',
  'base64',
  'base64url',
  'hex'
] as BufferEncoding[]

const MIB = 1 << 20

/** Everything about the bytes of files: whole, through descriptors, handles and streams. */
export function fsFilesSuite(kind: FsKind): void {
  wholeFiles(kind)
  fsOpenSuite(kind)
  fsDescriptorsSuite(kind)
  fsMisuseSuite(kind)
  fsHandlesSuite(kind)
  fsStreamsSuite(kind)
  fsModelSuite(kind)
}

/** `readFile`, `writeFile`, `appendFile` and `truncate` of paths. */
function wholeFiles(kind: FsKind): void {
  styles(kind, 'readFile and writeFile in every encoding', async (t, { call, p }) => {
    const bytes = Buffer.from('héllo, wörld €😀\n')
    for (const encoding of ENCODINGS) {
      const path = p(`/read-${encoding}`)
      await call('writeFile', path, bytes)
      t.equal(await call('readFile', path, encoding), bytes.toString(encoding), `readFile ${encoding}`)
      t.equal(await call('readFile', path, { encoding }), bytes.toString(encoding), `{ ${encoding} }`)

      const text = Buffer.from('some téxt').toString(encoding)
      const expected = Buffer.from(text, encoding)
      await call('writeFile', path, text, encoding)
      t.ok(expected.equals(await call('readFile', path)), `writeFile ${encoding}`)
      await call('appendFile', path, text, { encoding })
      t.ok(Buffer.concat([expected, expected]).equals(await call('readFile', path)), `appendFile ${encoding}`)
    }
  })

  styles(kind, 'readFile without an encoding gives a Buffer of its own', async (t, { call, p }) => {
    await call('writeFile', p('/file'), 'text')
    for (const opts of [undefined, null, {}, { encoding: null }, { encoding: undefined, flag: 'r' }]) {
      const bytes = await call('readFile', p('/file'), opts)
      t.ok(Buffer.isBuffer(bytes) && bytes.toString() === 'text', JSON.stringify(opts))
      bytes.fill(0)
    }
    t.equal(String(await call('readFile', p('/file'))), 'text')
  })

  styles(kind, 'readFile and writeFile of a path as Buffer and URL', async (t, { call, p }) => {
    await call('writeFile', Buffer.from(p('/a b')), 'one')
    t.equal(await call('readFile', pathToFileURL(p('/a b')), 'utf8'), 'one')
    await call('appendFile', pathToFileURL(p('/a b')), ' two')
    t.equal(await call('readFile', Buffer.from(p('/a b')), 'utf8'), 'one two')
  })

  styles(kind, 'writeFile and appendFile of every view of bytes', async (t, { call, p }) => {
    const memory = Buffer.from('..0123456789abcdef').buffer.slice(0)
    const bytes = new Uint8Array(memory.byteLength).map((_, i) => i * 7)
    const views: ArrayBufferView[] = [
      Buffer.from(bytes.buffer, 3, 7),
      bytes.subarray(2, 9),
      new Uint8ClampedArray(bytes.buffer, 1, 4),
      new Uint16Array(bytes.buffer, 2, 3),
      new Int32Array(bytes.buffer, 4, 2),
      new Float64Array(bytes.buffer, 8, 1),
      new BigUint64Array(bytes.buffer, 0, 1),
      new DataView(bytes.buffer, 5, 6)
    ]
    for (const view of views) {
      const expected = Buffer.from(view.buffer, view.byteOffset, view.byteLength)
      await call('writeFile', p('/file'), view)
      t.ok(expected.equals(await call('readFile', p('/file'))), `writeFile ${view.constructor.name}`)
      await call('appendFile', p('/file'), view)
      const twice = Buffer.concat([expected, expected])
      t.ok(twice.equals(await call('readFile', p('/file'))), `appendFile ${view.constructor.name}`)
    }
  })

  styles(kind, 'writeFile replaces, whatever the lengths', async (t, { call, p }) => {
    for (const size of [0, 5, 70_000, 3 * MIB + 1, 65_536, 1, 0]) {
      const expected = byteRow(size, size)
      t.equal(await call('writeFile', p('/file'), expected), undefined)
      t.ok(expected.equals(await call('readFile', p('/file'))), `${size} bytes`)
      t.equal((await call('stat', p('/file'))).size, size)
    }
    await call('writeFile', p('/none'), '')
    t.equal(await call('readFile', p('/none'), 'utf8'), '')
    t.equal((await call('readFile', p('/none'))).length, 0)
  })

  styles(kind, 'the option flag of readFile, writeFile and appendFile', async (t, ground) => {
    const { call, p } = ground
    const text = () => call('readFile', p('/file'), 'utf8')
    await call('writeFile', p('/file'), 'hello', { flag: 'wx' })
    const exists = { code: 'EEXIST', syscall: 'open', path: p('/file') } as const
    await fails(t, call('writeFile', p('/file'), 'other', { flag: 'wx' }), exists)
    await fails(t, call('writeFile', p('/file'), 'other', { flag: 'ax' }), exists)
    await fails(t, call('appendFile', p('/file'), 'other', { flag: 'ax' }), exists)
    t.equal(await text(), 'hello')
    await call('writeFile', p('/file'), 'J', { flag: 'r+' })
    t.equal(await text(), 'Jello')
    await call('writeFile', p('/file'), '!', { flag: 'a' })
    await call('writeFile', p('/file'), '?', { flag: 'a+' })
    t.equal(await text(), 'Jello!?')

    t.equal(await call('readFile', p('/file'), { flag: 'r+', encoding: 'utf8' }), 'Jello!?')
    t.equal(await call('readFile', p('/file'), { flag: 'a+', encoding: 'utf8' }), 'Jello!?')
    t.equal(await call('readFile', p('/made'), { flag: 'a+', encoding: 'utf8' }), '')
    t.equal((await call('stat', p('/made'))).size, 0)
    t.equal(await call('readFile', p('/file'), { flag: 'w+', encoding: 'utf8' }), '')
    t.equal(await text(), '')

    await fails(t, call('readFile', p('/file'), { flag: 'a' }), { code: 'EBADF', syscall: 'read' })
    await fails(t, call('writeFile', p('/file'), 'x', { flag: 'r' }), { code: 'EBADF', syscall: 'write' })
    const missing = { code: 'ENOENT', syscall: 'open', path: p('/none') } as const
    await fails(t, call('writeFile', p('/none'), 'x', { flag: 'r' }), missing)
    await fails(t, call('writeFile', p('/none'), 'x', { flag: 'r+' }), missing)
  })

  styles(kind, 'the option mode of writeFile and appendFile', async (t, { call, p }) => {
    const mode = async (path: string) => (await call('stat', path)).mode.toString(8)
    const modes: [unknown, string][] = [
      [undefined, '100644'],
      [0o777, '100755'],
      [0o600, '100600'],
      ['755', '100755'],
      ['0640', '100640'],
      [0o666, '100644'],
      [0o444, '100444']
    ]
    for (const [given, expected] of modes) {
      for (const method of ['writeFile', 'appendFile']) {
        const path = p(`/${method}-${String(given)}`)
        await call(method, path, 'x', given === undefined ? {} : { mode: given })
        t.equal(await mode(path), expected, `${method} ${String(given)}`)
      }
    }
    await call('writeFile', p('/appendFile-755'), 'over')
    t.equal(await mode(p('/appendFile-755')), '100755', 'overwriting keeps the mode')
    await call('writeFile', p('/appendFile-755'), 'over', { mode: 0o600 })
    await call('appendFile', p('/appendFile-755'), 'over', { mode: 0o600 })
    t.equal(await mode(p('/appendFile-755')), '100755', 'a mode is for a file that is made')
    await call('chmod', p('/appendFile-755'), 0o705)
    await call('appendFile', p('/appendFile-755'), 'more')
    await call('truncate', p('/appendFile-755'), 3)
    t.equal(await mode(p('/appendFile-755')), '100705', 'appending and cutting keep it')
  })

  styles(kind, 'the option signal of readFile and writeFile', async (t, { call, fs, promises, style, p }) => {
    await call('writeFile', p('/file'), Buffer.alloc(2 * MIB))
    // Node calls back at once when the signal is aborted already, which `call` takes for a fault.
    const run = (method: string, ...args: unknown[]) =>
      style === 'promise' ? promises[method](...args) : promisify(fs[method])(...args)
    const aborted = (err: any, reason: unknown, what: string) => {
      t.same(
        [err?.name, err?.code, err?.message],
        ['AbortError', 'ABORT_ERR', 'The operation was aborted'],
        what
      )
      t.equal(err?.cause, reason, `${what}: cause`)
    }
    const why = new Error('why')
    aborted(
      await outcome(run('readFile', p('/file'), { signal: AbortSignal.abort(why) })),
      why,
      'readFile before'
    )
    aborted(
      await outcome(run('writeFile', p('/new'), 'x', { signal: AbortSignal.abort(why) })),
      why,
      'writeFile before'
    )
    aborted(
      await outcome(run('appendFile', p('/new'), 'x', { signal: AbortSignal.abort(why) })),
      why,
      'appendFile before'
    )
    t.equal((await outcome(call('stat', p('/new'))))?.code, 'ENOENT', 'nothing was made')

    const during = new AbortController()
    const reading = outcome(run('readFile', p('/file'), { signal: during.signal }))
    const writing = outcome(run('writeFile', p('/file'), Buffer.alloc(4 * MIB, 1), { signal: during.signal }))
    during.abort(why)
    t.equal((await reading)?.name, 'AbortError', 'readFile during')
    t.equal((await writing)?.name, 'AbortError', 'writeFile during')

    const { signal } = new AbortController()
    await run('writeFile', p('/file'), 'text', { signal })
    t.equal(
      await run('readFile', p('/file'), { signal, encoding: 'utf8' }),
      'text',
      'a signal that stays silent'
    )
  })

  styles(kind, 'an aborted writeFile leaves the file as it was', async (t, ground) => {
    const { call, p } = ground
    if (!ground.limits.showsAtClose) {
      t.pass('Node has emptied the file by then')
      return
    }
    await call('writeFile', p('/file'), 'before')
    const abort = new AbortController()
    const writing = outcome(call('writeFile', p('/file'), Buffer.alloc(4 * MIB), { signal: abort.signal }))
    abort.abort()
    t.equal((await writing)?.name, 'AbortError')
    t.equal((await call('stat', p('/file'))).size, 6)
  })

  styles(kind, 'arguments that readFile, writeFile and appendFile refuse', async (t, ground) => {
    const { call, p } = ground
    const file = p('/file')
    await call('writeFile', file, 'hello')
    const refused = (method: string, args: unknown[], code: string, message: string) =>
      refuses(t, ground, method, args, { code, message })

    for (const bad of [{ encoding: 'nope' }, 'nope'])
      await refused(
        'readFile',
        [file, bad],
        'ERR_INVALID_ARG_VALUE',
        "The argument 'encoding' is invalid encoding. Received 'nope'"
      )
    const optionsAre = 'The "options" argument must be one of type string or object. Received type number (5)'
    await refused('readFile', [file, 5], 'ERR_INVALID_ARG_TYPE', optionsAre)
    await refused('writeFile', [file, 'x', 5], 'ERR_INVALID_ARG_TYPE', optionsAre)
    const flagsAre = "The argument 'flags' is invalid. Received 'zz'"
    await refused('readFile', [file, { flag: 'zz' }], 'ERR_INVALID_ARG_VALUE', flagsAre)
    await refused('writeFile', [file, 'x', { flag: 'zz' }], 'ERR_INVALID_ARG_VALUE', flagsAre)
    const signalIs =
      'The "options.signal" property must be an instance of AbortSignal. Received type number (5)'
    await refused('readFile', [file, { signal: 5 }], 'ERR_INVALID_ARG_TYPE', signalIs)
    const modeIs = "The argument 'mode' must be a 32-bit unsigned integer or an octal string. Received 'zz'"
    await refused('writeFile', [file, 'x', { mode: 'zz' }], 'ERR_INVALID_ARG_VALUE', modeIs)

    const dataIs =
      'The "data" argument must be of type string or an instance of Buffer, TypedArray, or DataView.'
    const data: [unknown, string][] = [
      [5, 'type number (5)'],
      [null, 'null'],
      [undefined, 'undefined'],
      [{ a: 1 }, 'an instance of Object'],
      [true, 'type boolean (true)'],
      [new ArrayBuffer(3), 'an instance of ArrayBuffer']
    ]
    for (const [bad, received] of data) {
      for (const method of ['writeFile', 'appendFile'])
        await refused(method, [file, bad], 'ERR_INVALID_ARG_TYPE', `${dataIs} Received ${received}`)
    }
    const pathIs = 'The "path" argument must be of type string or an instance of Buffer or URL.'
    for (const method of ['readFile', 'writeFile', 'appendFile']) {
      await refused(method, [null, 'utf8'], 'ERR_INVALID_ARG_TYPE', `${pathIs} Received null`)
      const zero =
        "The argument 'path' must be a string, Uint8Array, or URL without null bytes. Received '/a\\x00b'"
      await refused(method, ['/a\0b', 'utf8'], 'ERR_INVALID_ARG_VALUE', zero)
    }
    t.equal(await call('readFile', file, 'utf8'), 'hello', 'nothing was written')
  })

  styles(
    kind,
    'readFile, writeFile, appendFile and truncate where no file can be',
    async (t, { call, p }) => {
      await call('mkdir', p('/dir'))
      await call('writeFile', p('/file'), 'hello')
      const opening = { syscall: 'open' } as const
      const write: [string, unknown][] = [
        ['writeFile', 'x'],
        ['appendFile', 'x'],
        ['truncate', 1]
      ]
      for (const path of [p('/none'), p('/none/below'), p('/dir/none'), p('/none/')])
        await fails(t, call('readFile', path), { code: 'ENOENT', path, ...opening }, 'readFile')
      for (const path of [p('/file/below'), p('/file/'), p('/file/a/b')])
        await fails(t, call('readFile', path), { code: 'ENOTDIR', path, ...opening }, 'readFile')
      await fails(t, call('readFile', p('/dir')), { code: 'EISDIR', syscall: 'read' })

      for (const [method, arg] of write) {
        const fail = (path: string, code: 'ENOENT' | 'ENOTDIR' | 'EISDIR') =>
          fails(t, call(method, path, arg), { code, path, ...opening }, method)
        await fail(p('/none/below'), 'ENOENT')
        await fail(p('/none/a/b'), 'ENOENT')
        await fail(p('/file/below'), 'ENOTDIR')
        await fail(p('/file/a/b'), 'ENOTDIR')
        await fail(p('/dir'), 'EISDIR')
        await fail(p('/dir/'), 'EISDIR')
      }
      await fails(t, call('truncate', p('/none')), { code: 'ENOENT', path: p('/none'), ...opening })
      for (const method of ['writeFile', 'appendFile']) {
        await fails(
          t,
          call(method, p('/new/'), 'x'),
          { code: 'EISDIR', path: p('/new/'), ...opening },
          method
        )
        // Which of the two comes first depends on the system.
        t.match((await outcome(call(method, p('/file/'), 'x')))?.code, /^(EISDIR|ENOTDIR)$/, method)
      }
      t.equal(await call('readFile', p('/file'), 'utf8'), 'hello')
      t.same(await call('readdir', p('/dir')), [])
    }
  )

  styles(
    kind,
    'readFile, writeFile, appendFile and truncate through symbolic links',
    async (t, { call, p }) => {
      await call('mkdir', p('/dir'))
      await call('writeFile', p('/dir/file'), 'hello')
      await call('symlink', 'file', p('/dir/beside'))
      await call('symlink', p('/dir/file'), p('/absolute'))
      await call('symlink', 'dir', p('/folder'))
      const text = () => call('readFile', p('/dir/file'), 'utf8')
      for (const path of [p('/dir/beside'), p('/absolute'), p('/folder/file'), p('/folder/beside')]) {
        await call('writeFile', path, 'hello')
        t.equal(await call('readFile', path, 'utf8'), 'hello', path)
        await call('appendFile', path, ' world')
        t.equal(await text(), 'hello world')
        await call('truncate', path, 4)
        t.equal(await text(), 'hell')
      }
      t.ok((await call('lstat', p('/dir/beside'))).isSymbolicLink(), 'a link stays a link')

      await call('symlink', 'made', p('/dangling'))
      await fails(t, call('readFile', p('/dangling')), {
        code: 'ENOENT',
        syscall: 'open',
        path: p('/dangling')
      })
      await call('writeFile', p('/dangling'), 'by its link')
      t.equal(await call('readFile', p('/made'), 'utf8'), 'by its link', 'a dangling link makes its target')
      t.equal(await call('readlink', p('/dangling')), 'made')
      await call('symlink', p('/dir/late'), p('/far'))
      await call('appendFile', p('/far'), 'late')
      t.equal(await call('readFile', p('/dir/late'), 'utf8'), 'late')
      await call('symlink', 'none/made', p('/nowhere'))
      await fails(t, call('writeFile', p('/nowhere'), 'x'), {
        code: 'ENOENT',
        syscall: 'open',
        path: p('/nowhere')
      })

      await fails(t, call('readFile', p('/folder')), { code: 'EISDIR', syscall: 'read' })
      await fails(t, call('writeFile', p('/folder'), 'x'), {
        code: 'EISDIR',
        syscall: 'open',
        path: p('/folder')
      })
      await call('symlink', 'b', p('/a'))
      await call('symlink', 'a', p('/b'))
      for (const [method, arg] of [
        ['readFile', 'utf8'],
        ['writeFile', 'x'],
        ['appendFile', 'x'],
        ['truncate', 1]
      ] as const) {
        await fails(t, call(method, p('/a'), arg), { code: 'ELOOP', syscall: 'open', path: p('/a') }, method)
        await fails(
          t,
          call(method, p('/a/x'), arg),
          { code: 'ELOOP', syscall: 'open', path: p('/a/x') },
          method
        )
      }
    }
  )

  styles(kind, 'appendFile makes a file and adds to it, across blocks', async (t, { call, p }) => {
    let expected = Buffer.alloc(0)
    for (const [i, size] of [3, 0, 65_530, 10, 65_536, 200_001, 1].entries()) {
      const part = Buffer.alloc(size, i + 1)
      expected = Buffer.concat([expected, part])
      t.equal(await call('appendFile', p('/file'), part), undefined)
      t.ok(expected.equals(await call('readFile', p('/file'))), `${expected.length} bytes`)
    }
  })

  styles(kind, 'of many calls of appendFile at once none is lost', async (t, { call, p }) => {
    const lines = Array.from({ length: 20 }, (_, i) => `line ${i}\n`)
    await Promise.all(lines.map((line) => call('appendFile', p('/log'), line)))
    const text: string = await call('readFile', p('/log'), 'utf8')
    t.same(text.split('\n').sort(), [...lines.map((line) => line.trim()), ''].sort())
  })

  styles(kind, 'of many calls of writeFile at once one is there, whole', async (t, ground) => {
    const { call, p, limits } = ground
    if (!limits.showsAtClose) {
      t.pass('Node mixes them')
      return
    }
    const all = Array.from({ length: 8 }, (_, i) => Buffer.alloc(150_000 + i, i))
    await Promise.all(all.map((bytes) => call('writeFile', p('/file'), bytes)))
    const left: Buffer = await call('readFile', p('/file'))
    t.ok(all.some((bytes) => bytes.equals(left)))
  })

  once(
    kind,
    'truncate(fd, len, cb)',
    async (t, { call, p, limits }) => {
      await call('writeFile', p('/file'), 'hello')
      const fd = await call('open', p('/file'), 'r+')
      const err = await outcome(call('truncate', fd, 2))
      t.equal(err?.code, limits.truncatesPathsOnly ? 'ERR_INVALID_ARG_TYPE' : undefined)
      await call('close', fd)
      t.equal(await call('readFile', p('/file'), 'utf8'), limits.truncatesPathsOnly ? 'hello' : 'he')
    },
    { style: 'callback' }
  )

  styles(kind, 'writeFile and appendFile with flush', async (t, ground) => {
    const { call, p } = ground
    await call('writeFile', p('/file'), 'one', { flush: true })
    await call('appendFile', p('/file'), ' two', { flush: false })
    t.equal(await call('readFile', p('/file'), 'utf8'), 'one two')
    for (const method of ['writeFile', 'appendFile'])
      await refuses(t, ground, method, [p('/file'), 'x', { flush: 1 }], { code: 'ERR_INVALID_ARG_TYPE' })
  })

  styles(kind, 'truncate(path, len)', async (t, ground) => {
    const { call, p } = ground
    const text = () => call('readFile', p('/file'), 'latin1')
    await call('writeFile', p('/file'), 'hello world')
    t.equal(await call('truncate', p('/file'), 5), undefined)
    t.equal(await text(), 'hello')
    await call('truncate', p('/file'), 5)
    t.equal(await text(), 'hello')
    await call('truncate', p('/file'), 8)
    t.equal(await text(), 'hello\0\0\0')
    await call('truncate', p('/file'))
    t.equal(await text(), '')
    for (const none of [-1, -5, 0, undefined]) {
      await call('writeFile', p('/file'), 'hello')
      await call('truncate', p('/file'), none)
      t.equal(await text(), '', String(none))
    }
    const bytes = Buffer.alloc(200_000, 'x')
    await call('writeFile', p('/file'), bytes)
    for (const size of [150_000, 131_072, 131_073, 65_535, 300_000, 65_536]) {
      await call('truncate', p('/file'), size)
      t.equal((await call('stat', p('/file'))).size, size)
    }
    const left = Buffer.alloc(65_536)
    left.fill('x', 0, 65_535)
    t.ok(left.equals(await call('readFile', p('/file'))), 'across blocks')
    await fails(t, call('truncate', p('/file'), Number.MAX_SAFE_INTEGER), {
      code: 'EFBIG',
      syscall: 'ftruncate'
    })
    t.equal((await call('stat', p('/file'))).size, 65_536)

    const lengths: [unknown, string, 'RangeError' | 'TypeError', string][] = [
      [
        1.5,
        'ERR_OUT_OF_RANGE',
        'RangeError',
        'The value of "len" is out of range. It must be an integer. Received 1.5'
      ],
      [
        NaN,
        'ERR_OUT_OF_RANGE',
        'RangeError',
        'The value of "len" is out of range. It must be an integer. Received NaN'
      ],
      [
        '1',
        'ERR_INVALID_ARG_TYPE',
        'TypeError',
        'The "len" argument must be of type number. Received type string (\'1\')'
      ],
      [null, 'ERR_INVALID_ARG_TYPE', 'TypeError', 'The "len" argument must be of type number. Received null'],
      [
        4n,
        'ERR_INVALID_ARG_TYPE',
        'TypeError',
        'The "len" argument must be of type number. Received type bigint (4n)'
      ]
    ]
    for (const [len, code, name, message] of lengths)
      await refuses(t, ground, 'truncate', [p('/file'), len], { code, name, message })
  })

  once(kind, 'promises.writeFile and appendFile take iterables and streams', async (t, { promises, p }) => {
    const text = () => promises.readFile(p('/file'), 'utf8')
    await promises.writeFile(p('/file'), ['a', Buffer.from('b'), new Uint8Array([99])])
    t.equal(await text(), 'abc', 'an array')
    await promises.writeFile(
      p('/file'),
      (function* () {
        yield 'one '
        yield 'two'
      })()
    )
    t.equal(await text(), 'one two', 'a generator')
    await promises.writeFile(
      p('/file'),
      (async function* () {
        yield Buffer.alloc(70_000, 'x')
        await new Promise(setImmediate)
        yield Buffer.alloc(70_000, 'y')
      })()
    )
    t.equal(await text(), 'x'.repeat(70_000) + 'y'.repeat(70_000), 'an async generator')
    await promises.writeFile(p('/file'), Readable.from(['a stream ', 'of text']))
    t.equal(await text(), 'a stream of text', 'a stream')
    await promises.appendFile(p('/file'), [', and', ' more'])
    t.equal(await text(), 'a stream of text, and more', 'appendFile')
    await promises.writeFile(p('/file'), ['6162', '63'], 'hex')
    t.equal(await text(), 'abc', 'in an encoding')
    await promises.writeFile(p('/file'), [])
    t.equal(await text(), '', 'of nothing')

    const boom = new Error('boom')
    const broken = promises.writeFile(
      p('/broken'),
      (function* () {
        yield 'part'
        throw boom
      })()
    )
    t.equal(await outcome(broken), boom, 'what an iterable throws')
    t.equal((await outcome(promises.writeFile(p('/broken'), ['a', 5])))?.code, 'ERR_INVALID_ARG_TYPE')
    const abort = new AbortController()
    const aborted = promises.writeFile(
      p('/file'),
      (async function* () {
        yield 'a'
        abort.abort()
        yield 'b'
      })(),
      { signal: abort.signal }
    )
    t.equal((await outcome(aborted))?.name, 'AbortError')
  })

  once(
    kind,
    'writeFile and appendFile of iterables by callback',
    async (t, ground) => {
      const { call, limits, p } = ground
      if (limits.takesIterables) {
        await call('writeFile', p('/file'), ['a', Buffer.from('b')])
        await call('appendFile', p('/file'), Readable.from(['c', 'd']))
        t.equal(await call('readFile', p('/file'), 'utf8'), 'abcd')
        return
      }
      const message =
        /^The "data" argument must be of type string or an instance of Buffer, TypedArray, or DataView\./
      for (const data of [['a'], new Set(['a']), Readable.from(['a'])])
        await refuses(
          t,
          ground,
          'writeFile',
          [ground.p('/file'), data],
          { code: 'ERR_INVALID_ARG_TYPE', message },
          'writeFile'
        )
    },
    { style: 'callback' }
  )
}
