import { inspect, promisify } from 'node:util'
import type { Test } from 'tape'
import { byteRow, openFile } from './fs-open-file.ts'
import { fails, outcome, once, refuses, styles, type FsKind, type Ground } from './fs.ts'

/** What can be done with what `open` gives. */
export function fsDescriptorsSuite(kind: FsKind): void {
  reading(kind)
  writing(kind)
  changing(kind)
}

function reading(kind: FsKind): void {
  styles(kind, 'read(buffer, offset, length, position)', async (t, ground) => {
    const { call, p } = ground
    await call('writeFile', p('/file'), 'hello world')
    const file = await openFile(t, ground, p('/file'), 'r')
    const read = async (expected: string, ...[offset, length, position]: unknown[]) => {
      const buffer = Buffer.alloc(8, '.')
      const result = await file.read(buffer, offset, length, position)
      t.equal(result.buffer, buffer)
      t.equal(result.bytesRead, expected.replaceAll('.', '').length)
      t.equal(buffer.toString(), expected, [offset, length, position].map(String).join(', '))
    }
    await read('hello...', 0, 5, null)
    await read('world...', 0, 5, 6)
    await read('.lo.....', 1, 2, 3)
    await read(' worl...', 0, 5, null)
    await read('..he....', 2, 2, 0)
    await read('d.......', 0, 5, -1)
    await read('........', 0, 5, null)
    await read('........', 0, 5, 11)
    await read('........', 0, 5, 12)
    await read('........', 0, 5, Number.MAX_SAFE_INTEGER)
    await read('ld......', 0, 8, 9)
    await read('........', 0, 0, 0)
    await read('........', 8, 0, 0)
    await read('.......h', 7, 1, 0)
    await read('hello wo', null, 8, 0)
    await read('hello wo', undefined, 8, 0)
    await file.close()
  })

  styles(kind, 'read with options, and with defaults', async (t, ground) => {
    const { call, p } = ground
    await call('writeFile', p('/file'), 'hello world')
    const file = await openFile(t, ground, p('/file'), 'r')
    const text = async (...args: unknown[]) => {
      const { bytesRead, buffer } = await file.read(...args)
      return [bytesRead, Buffer.from(buffer.buffer, buffer.byteOffset, buffer.byteLength).toString()]
    }
    const dots = () => Buffer.alloc(4, '.')
    t.same(await text({ buffer: dots(), offset: 1, length: 2, position: 3 }), [2, '.lo.'])
    t.same(await text(dots(), { offset: 1, length: 2, position: 3 }), [2, '.lo.'])
    t.same(await text(dots(), { offset: 1, position: 0 }), [3, '.hel'], 'the length is what fits')
    t.same(await text({ buffer: dots() }), [4, 'hell'], 'from the current position')
    t.same(await text(dots()), [4, 'o wo'])
    t.same(await text(dots(), null), [3, 'rld.'])
    t.same(await text(dots(), {}), [0, '....'])
    const whole = await file.read({ position: 0 })
    t.same([whole.bytesRead, whole.buffer.byteLength], [11, 16384], 'a buffer of 16 KiB')
    for (const args of [[], [null], [undefined]]) {
      const { bytesRead, buffer } = await file.read(...args)
      t.same([bytesRead, buffer.byteLength], [0, 16384])
    }
    t.same(await text(new Uint16Array(3), 0, 6, 0), [6, 'hello '], 'a Uint16Array counts in bytes')
    t.same(await text(new DataView(new ArrayBuffer(6), 1, 4), 1, 3, 0), [3, '\0hel'], 'a DataView')
    t.same(await text(Buffer.from('xxxxxxxx').subarray(2, 6), 0, 4, 6), [4, 'worl'], 'a part of a Buffer')
    t.same(await text(Buffer.alloc(0), 0, 0, 0), [0, ''], 'nothing into nothing')
    await file.close()
  })

  styles(kind, 'read across blocks, in steps of every size', async (t, ground) => {
    const { call, p } = ground
    const bytes = byteRow(200_000)
    await call('writeFile', p('/file'), bytes)
    for (const step of [1021, 65_535, 65_536, 65_537, 199_999, 200_000, 200_001]) {
      const file = await openFile(t, ground, p('/file'), 'r')
      const parts: Buffer[] = []
      for (;;) {
        const { bytesRead, buffer } = await file.read(Buffer.alloc(step), 0, step, null)
        if (bytesRead === 0) break
        parts.push(buffer.subarray(0, bytesRead))
      }
      t.ok(bytes.equals(Buffer.concat(parts)), `steps of ${step}`)
      const { bytesRead, buffer } = await file.read(Buffer.alloc(step), 0, step, 65_530)
      t.ok(
        bytes.subarray(65_530, 65_530 + step).equals(buffer.subarray(0, bytesRead)),
        'from the edge of a block'
      )
      await file.close()
    }
    const file = await openFile(t, ground, p('/file'), 'r')
    const reads = Array.from({ length: 50 }, (_, i) => file.read(Buffer.alloc(4001), 0, 4001, i * 4000))
    const right = (await Promise.all(reads)).every(({ bytesRead, buffer }, i) =>
      bytes.subarray(i * 4000, i * 4000 + 4001).equals(buffer.subarray(0, bytesRead))
    )
    t.ok(right, 'many at once')
    await file.close()
  })

  once(
    kind,
    'read(fd) at positions of all kinds',
    async (t, ground) => {
      const { call, p } = ground
      await call('writeFile', p('/file'), 'hello world')
      const fd = await call('open', p('/file'), 'r')
      const read = async (position: unknown) => (await call('read', fd, Buffer.alloc(5), 0, 5, position))[0]
      t.equal(await read(6n), 5, '6n')
      t.equal(await read(9n), 2, '9n')
      t.equal(await read(11n), 0, '11n')
      t.equal(await read(2n ** 62n), 0, '2n ** 62n')
      t.equal(await read(-1n), 5, '-1n is the current position')
      t.equal(await read(-1), 5, '-1 as well')
      t.equal(await read(-(2n ** 63n)), 1, 'so is every bigint below 0')

      const refused = (position: unknown, code: string, message: string) =>
        refuses(
          t,
          ground,
          'read',
          [fd, Buffer.alloc(5), 0, 5, position],
          { code, message, name: code === 'ERR_OUT_OF_RANGE' ? 'RangeError' : 'TypeError' },
          `position ${String(position)}`
        )
      const range = 'The value of "position" is out of range. It must be'
      const numbers = '>= -1 && <= 9007199254740991. Received'
      await refused(-2, 'ERR_OUT_OF_RANGE', `${range} ${numbers} -2`)
      await refused(2 ** 53, 'ERR_OUT_OF_RANGE', `${range} ${numbers} 9_007_199_254_740_992`)
      for (const position of [1.5, NaN, Infinity])
        await refused(position, 'ERR_OUT_OF_RANGE', `${range} an integer. Received ${position}`)
      const large = '>= -9223372036854775808 && <= 9223372036854775807. Received 9_223_372_036_854_775_808n'
      await refused(2n ** 63n, 'ERR_OUT_OF_RANGE', `${range} ${large}`)
      const type = 'The "position" argument must be of type bigint or integer. Received type'
      await refused('1', 'ERR_INVALID_ARG_TYPE', `${type} string ('1')`)
      await refused(true, 'ERR_INVALID_ARG_TYPE', `${type} boolean (true)`)

      for (const bad of ['abc', 5, new ArrayBuffer(4), [1, 2]]) {
        const message =
          /^The "buffer" argument must be an instance of Buffer, TypedArray, or DataView\. Received /
        await refuses(t, ground, 'read', [fd, bad, 0, 1, 0], { code: 'ERR_INVALID_ARG_TYPE', message })
      }
      await call('close', fd)
    },
    { style: 'callback' }
  )

  styles(kind, 'read refuses what does not fit the buffer', async (t, ground) => {
    const { call, p } = ground
    await call('writeFile', p('/file'), 'hello world')
    const file = await openFile(t, ground, p('/file'), 'r')
    const refused = (offset: unknown, length: unknown, message: string, code = 'ERR_OUT_OF_RANGE') =>
      file.refuses(
        t,
        'read',
        [Buffer.alloc(5), offset, length, 0],
        { code, message, name: code === 'ERR_OUT_OF_RANGE' ? 'RangeError' : 'TypeError' },
        `read(buffer of 5, ${String(offset)}, ${String(length)})`
      )
    await refused(0, -1, 'The value of "length" is out of range. It must be >= 0. Received -1')
    await refused(0, 6, 'The value of "length" is out of range. It must be <= 5. Received 6')
    await refused(5, 1, 'The value of "length" is out of range. It must be <= 0. Received 1')
    await refused(6, 1, 'The value of "length" is out of range. It must be <= -1. Received 1')
    await refused(3, 3, 'The value of "length" is out of range. It must be <= 2. Received 3')
    const offsetIs = 'The value of "offset" is out of range. It must be'
    await refused(-1, 1, `${offsetIs} >= 0 && <= 9007199254740991. Received -1`)
    await refused(1.5, 1, `${offsetIs} an integer. Received 1.5`)
    await refused(
      '1',
      1,
      'The "offset" argument must be of type number. Received type string (\'1\')',
      'ERR_INVALID_ARG_TYPE'
    )
    await file.refuses(t, 'read', [Buffer.alloc(0), 0, 1, 0], {
      code: 'ERR_INVALID_ARG_VALUE',
      message: "The argument 'buffer' is empty and cannot be written. Received <Buffer >"
    })
    t.equal(await file.text(), 'hello world', 'the position did not move')
    await file.close()
  })

  styles(kind, 'read of a length that is no whole number', async (t, ground) => {
    const { call, p, limits, style } = ground
    await call('writeFile', p('/file'), 'hello world')
    const file = await openFile(t, ground, p('/file'), 'r')
    const buffer = Buffer.alloc(8)
    for (const [length, expected] of [
      ['3', 3],
      ['3.7', 3],
      [3.7, 3],
      [true, 1],
      ['x', 0],
      [NaN, 0],
      [{}, 0]
    ] as const) {
      const what = inspect(length)
      if (style === 'callback') {
        t.equal((await file.read(buffer, 0, length, 0)).bytesRead, expected, what)
        t.equal((await file.read(buffer, { length, position: 0 })).bytesRead, expected, `{ length: ${what} }`)
        continue
      }
      // Node's own process dies of it.
      if (!limits.knowsEveryPosition) continue
      const isNumber = typeof length === 'number'
      const refusal = isNumber
        ? ({ code: 'ERR_OUT_OF_RANGE', name: 'RangeError' } as const)
        : { code: 'ERR_INVALID_ARG_TYPE' }
      await file.refuses(t, 'read', [buffer, 0, length, 0], refusal, what)
    }
    if (style === 'callback')
      await file.refuses(t, 'read', [buffer, 0, '9', 0], { code: 'ERR_OUT_OF_RANGE', name: 'RangeError' })
    await file.close()
  })

  once(
    kind,
    'promisify(writev) and its like',
    async (t, { fs, promises, p, limits, call }) => {
      await promises.writeFile(p('/file'), 'hello')
      const fd = await call('open', p('/file'), 'r+')
      const keys = async (method: string, ...args: unknown[]) =>
        Object.keys(await promisify<any>(fs[method])(fd, ...args))
      t.same(await keys('read', Buffer.alloc(1), 0, 1, 0), ['bytesRead', 'buffer'])
      t.same(await keys('readv', [Buffer.alloc(1)], 0), ['bytesRead', 'buffers'])
      t.same(await keys('write', Buffer.from('J'), 0, 1, 0), ['bytesWritten', 'buffer'])
      t.same(await keys('writev', [Buffer.from('J')], 0), [
        'bytesWritten',
        limits.namesBuffers ? 'buffers' : 'buffer'
      ])
      await call('close', fd)
    },
    { style: 'callback' }
  )

  styles(kind, 'readv(buffers, position)', async (t, ground) => {
    const { call, p } = ground
    await call('writeFile', p('/file'), 'hello world')
    const file = await openFile(t, ground, p('/file'), 'r')
    const buffers = [Buffer.alloc(3), new Uint8Array(4), new DataView(new ArrayBuffer(20))]
    const all = await file.readv(buffers)
    t.equal(all.bytesRead, 11)
    t.equal(all.buffers, buffers)
    t.equal(Buffer.from(buffers[0] as Uint8Array).toString(), 'hel')
    t.equal(Buffer.from(buffers[1] as Uint8Array).toString(), 'lo w')
    t.equal(Buffer.from((buffers[2] as DataView).buffer, 0, 5).toString(), 'orld\0')
    t.equal((await file.readv([Buffer.alloc(1)])).bytesRead, 0, 'at the end')
    const part = [Buffer.alloc(2), Buffer.alloc(2)]
    t.equal((await file.readv(part, 4)).bytesRead, 4, 'at a position')
    t.equal(Buffer.concat(part).toString(), 'o wo')
    t.equal((await file.readv([Buffer.alloc(1)], null)).bytesRead, 0, 'which moved nothing')
    const message = /^The "buffers" argument must be an ArrayBufferView\[\]\. Received /
    for (const bad of [5, ['a'], Buffer.alloc(1), null])
      await file.refuses(t, 'readv', [bad, 0], { code: 'ERR_INVALID_ARG_TYPE', message })
    await file.close()
  })

  styles(kind, 'no bytes, of what cannot be read or written', async (t, ground) => {
    const { call, p, style } = ground
    await call('writeFile', p('/file'), 'hello')
    const [reader, writer] = [
      await openFile(t, ground, p('/file'), 'r'),
      await openFile(t, ground, p('/other'), 'w')
    ]
    const none = Buffer.alloc(0)
    t.equal((await writer.read(Buffer.alloc(5), 0, 0, null)).bytesRead, 0)
    t.equal((await writer.read(none, 0, 0, null)).bytesRead, 0)
    await fails(t, writer.readv([none]), { code: 'EBADF', syscall: 'read' })
    // By callback Node calls back before it returns.
    if (style === 'promise') await fails(t, writer.readv([]), { code: 'EINVAL', syscall: 'read' })
    t.equal((await reader.writev([])).bytesWritten, 0)
    await fails(t, reader.writev([none]), { code: 'EBADF', syscall: 'write' })
    await fails(t, reader.write(''), { code: 'EBADF', syscall: 'write' })
    await fails(t, reader.write(Buffer.alloc(5), 0, 0), { code: 'EBADF', syscall: 'write' })
    if (style === 'promise') {
      t.equal((await reader.write(none)).bytesWritten, 0)
      t.equal(await reader.do('writeFile', ''), undefined)
      t.equal(await reader.do('appendFile', [none]), undefined)
    } else {
      await fails(t, reader.write(none), { code: 'EBADF', syscall: 'write' })
      await fails(t, reader.do('writeFile', ''), { code: 'EBADF', syscall: 'write' })
    }
    await reader.close()
    await writer.close()
  })
}

function writing(kind: FsKind): void {
  /** What a file of its own holds after one write. */
  const written = async (t: Test, ground: Ground, ...args: unknown[]) => {
    const file = await openFile(t, ground, ground.p('/file'), 'w')
    const result = await file.write(...args)
    await file.close()
    t.equal(result.buffer, args[0])
    return [result.bytesWritten, await ground.call('readFile', ground.p('/file'), 'latin1')]
  }

  styles(kind, 'write(buffer, offset, length, position)', async (t, ground) => {
    const bytes = Buffer.from('abcdef')
    const write = async (...args: unknown[]) => written(t, ground, bytes, ...args)
    t.same(await write(), [6, 'abcdef'])
    t.same(await write(0, 6, 0), [6, 'abcdef'])
    t.same(await write(2), [4, 'cdef'])
    t.same(await write(2, 3), [3, 'cde'])
    t.same(await write(2, null), [4, 'cdef'])
    t.same(await write(2, undefined, 1), [4, '\0cdef'])
    t.same(await write(null, null, null), [6, 'abcdef'])
    t.same(await write(0, 0, 3), [0, ''], 'nothing at a position')
    t.same(await write(6), [0, ''])
    t.same(await write(0, 3, 4), [3, '\0\0\0\0abc'], 'what lies before is zeros')
    t.same(await write({ offset: 2, length: 2, position: 1 }), [2, '\0cd'])
    t.same(await write({ offset: 4 }), [2, 'ef'])
    t.same(await write({}), [6, 'abcdef'])
    t.same(await write(1, '2'), [5, 'bcdef'], 'what is no number is no length')
    for (const none of [1.5, NaN, -5, '3', true])
      t.same(await write(0, 6, none), [6, 'abcdef'], `${String(none)} is no position`)
    t.same(await written(t, ground, Buffer.alloc(0)), [0, ''])
    t.same(await written(t, ground, bytes.subarray(2, 4), 0, 2, 0), [2, 'cd'])
    t.same(await written(t, ground, new Uint16Array([0x4141, 0x4242]), 1, 3), [3, 'ABB'])
    t.same(await written(t, ground, new DataView(new Uint8Array([65, 66, 67]).buffer, 1, 2)), [2, 'BC'])
  })

  styles(kind, 'write(text, position, encoding)', async (t, ground) => {
    const write = (...args: unknown[]) => written(t, ground, ...args)
    t.same(await write('abc'), [3, 'abc'])
    t.same(await write('h\u00e9'), [3, 'h\u00c3\u00a9'])
    t.same(await write('h\u00e9', 0, 'latin1'), [2, 'h\u00e9'])
    t.same(await write('6162', null, 'hex'), [2, 'ab'])
    t.same(await write('YWJj', 2, 'base64'), [3, '\0\0abc'])
    t.same(await write('ab', undefined, 'utf16le'), [4, 'a\0b\0'])
    t.same(await write(''), [0, ''])
    t.same(await write('h\u00e9', 0, 'none'), [3, 'h\u00c3\u00a9'], 'an encoding that nobody knows is UTF-8')
    const file = await openFile(t, ground, ground.p('/file'), 'w')
    const halved = {
      code: 'ERR_INVALID_ARG_VALUE',
      message: /^The argument 'encoding' is invalid for data of length 3/
    }
    await file.refuses(t, 'write', ['abc', 0, 'hex'], halved)
    await file.close()
  })

  styles(kind, 'positions that only some calls of Node know', async (t, ground) => {
    const { call, limits, p, style } = ground
    const everywhere = limits.knowsEveryPosition === true
    await call('writeFile', p('/file'), 'hello world')
    const file = await openFile(t, ground, p('/file'), 'r+')
    const at = async (text: string, position: unknown) => {
      await file.write(Buffer.from(text), 0, text.length, position)
      await file.writev([Buffer.from(text)], position)
    }
    await at('J', 0n)
    await at('W', 6n)
    const buffers = [Buffer.alloc(2)]
    await file.readv(buffers, 9n)
    t.equal(String(buffers[0]), everywhere ? 'ld' : 'o ')
    const byHandle = style === 'promise' && !everywhere
    const { buffer } = await file.read(Buffer.alloc(2), 0, 2, 9n)
    t.equal(String(buffer), byHandle ? 'wo' : 'ld')
    const beyond = 2 ** 60
    if (everywhere) await fails(t, file.write('!', beyond), { code: 'EFBIG', syscall: 'write' })
    else t.equal((await file.write(Buffer.from('!'), 0, 1, beyond)).bytesWritten, 1)
    if (style === 'promise') {
      const read = await outcome(file.read(Buffer.alloc(1), 0, 1, '1'))
      t.equal(read?.code, everywhere ? 'ERR_INVALID_ARG_TYPE' : undefined)
    } else {
      const [bytesRead] = await call('read', file.fd, Buffer.alloc(5), 0, null, 0)
      t.equal(bytesRead, everywhere ? 5 : 0, 'without a length')
    }
    await file.close()
    if (everywhere) t.equal(await call('readFile', p('/file'), 'utf8'), 'Jello World')
  })

  styles(kind, 'write at and beside the current position', async (t, ground) => {
    const { call, p } = ground
    const file = await openFile(t, ground, p('/file'), 'w+')
    await file.write('abc')
    await file.write('Z', 0)
    await file.write('d')
    await file.write(Buffer.from('..'), 0, 2, 6)
    await file.write('e')
    t.equal(await file.text(), '\0..', 'what is left from the current position')
    await file.write('!')
    await file.close()
    t.equal(await call('readFile', p('/file'), 'latin1'), 'Zbcde\0..!')
  })

  styles(kind, 'write far past the end leaves zeros', async (t, ground) => {
    const { call, p } = ground
    await call('writeFile', p('/file'), 'abc')
    const file = await openFile(t, ground, p('/file'), 'r+')
    await file.write('end', 200_000)
    await file.write('middle', 65_533)
    await file.close()
    const expected = Buffer.alloc(200_003)
    expected.write('abc')
    expected.write('middle', 65_533)
    expected.write('end', 200_000)
    t.ok(expected.equals(await call('readFile', p('/file'))))
  })

  styles(kind, 'write refuses what does not fit, and what are no bytes', async (t, ground) => {
    const { call, p } = ground
    await call('writeFile', p('/file'), 'hello')
    const file = await openFile(t, ground, p('/file'), 'r+')
    const refused = (args: unknown[], message: string, code = 'ERR_OUT_OF_RANGE') =>
      file.refuses(
        t,
        'write',
        [Buffer.alloc(6), ...args],
        { code, message, name: code === 'ERR_OUT_OF_RANGE' ? 'RangeError' : 'TypeError' },
        `write(buffer of 6, ${args.map(String).join(', ')})`
      )
    await refused([0, -1, 0], 'The value of "length" is out of range. It must be >= 0. Received -1')
    await refused([0, 7, 0], 'The value of "length" is out of range. It must be <= 6. Received 7')
    await refused([4, 3, 0], 'The value of "length" is out of range. It must be <= 2. Received 3')
    await refused([7, 0, 0], 'The value of "offset" is out of range. It must be <= 6. Received 7')
    await refused(
      [-1, 1, 0],
      'The value of "offset" is out of range. It must be >= 0 && <= 9007199254740991. Received -1'
    )
    await refused([0.5, 1, 0], 'The value of "offset" is out of range. It must be an integer. Received 0.5')
    const type = 'The "offset" argument must be of type number. Received type string (\'2\')'
    await refused([{ offset: '2' }], type, 'ERR_INVALID_ARG_TYPE')
    for (const bad of [5, null, undefined, { a: 1 }, new ArrayBuffer(2), true]) {
      const message =
        /^The "buffer" argument must be of type string or an instance of Buffer, TypedArray, or DataView\./
      await file.refuses(t, 'write', [bad, 0, 1, 0], { code: 'ERR_INVALID_ARG_TYPE', message })
    }
    await fails(t, file.write('x', Number.MAX_SAFE_INTEGER), { code: 'EFBIG', syscall: 'write' })
    await file.close()
    t.equal(await call('readFile', p('/file'), 'utf8'), 'hello', 'nothing was written')
  })

  styles(
    kind,
    'what is opened for appending is written at its end, whatever the position',
    async (t, ground) => {
      const { call, p } = ground
      await call('writeFile', p('/file'), 'hello')
      const file = await openFile(t, ground, p('/file'), 'a+')
      t.equal(await file.text(3), 'hel', 'reading begins at the start')
      await file.write(Buffer.from(' wor'), 0, 4, 0)
      t.equal(await file.text(), 'lo wor', 'a position given does not move the current one')
      await file.write('ld', 2)
      await file.write('!')
      t.equal(await file.text(), '', 'the current one is behind what was written there')
      const { bytesRead, buffer } = await file.read(Buffer.alloc(20), 0, 20, 0)
      t.equal(buffer.toString('utf8', 0, bytesRead), 'hello world!')
      await file.do('truncate', 5)
      await file.writev([Buffer.from('?'), Buffer.from('?')], 0)
      await file.close()
      t.equal(await call('readFile', p('/file'), 'utf8'), 'hello??')
    }
  )

  styles(kind, 'writev(buffers, position)', async (t, ground) => {
    const { call, p } = ground
    const file = await openFile(t, ground, p('/file'), 'w+')
    const buffers = [
      Buffer.from('abc'),
      new Uint8Array([100, 101]),
      new DataView(Buffer.from('xfg').buffer.slice(0), 0, 0)
    ]
    const result = await file.writev(buffers)
    t.equal(result.bytesWritten, 5)
    t.equal(result.buffers, buffers)
    t.equal((await file.writev([Buffer.from('X'), Buffer.from('Y')], 1)).bytesWritten, 2)
    t.equal((await file.writev([Buffer.from('f')], null)).bytesWritten, 1)
    t.equal((await file.writev([])).bytesWritten, 0)
    const message = /^The "buffers" argument must be an ArrayBufferView\[\]\. Received /
    for (const bad of [5, ['a'], Buffer.alloc(1), null])
      await file.refuses(t, 'writev', [bad, 0], { code: 'ERR_INVALID_ARG_TYPE', message })
    await file.close()
    t.equal(await call('readFile', p('/file'), 'utf8'), 'aXYdef')
  })

  styles(
    kind,
    'readFile, writeFile and appendFile of what is open go on from its position',
    async (t, ground) => {
      const { call, limits, p, style, promises } = ground
      const text = () => call('readFile', p('/file'), 'utf8')
      await call('writeFile', p('/file'), 'hello world')
      const reader = await openFile(t, ground, p('/file'), 'r')
      await reader.text(6)
      t.equal(await call('readFile', reader.target, 'utf8'), 'world')
      t.equal((await call('readFile', reader.target)).length, 0, 'then the end is reached')
      await reader.close()

      const writer = await openFile(t, ground, p('/file'), 'r+')
      await call('writeFile', writer.target, 'J')
      await call('writeFile', writer.target, Buffer.from('E'))
      await call('appendFile', writer.target, 'L')
      await writer.do('sync')
      t.equal(await text(), 'JELlo world', 'appendFile is no other than writeFile there')
      t.equal(await call('readFile', writer.target, { encoding: 'utf8' }), 'lo world')
      await call('writeFile', writer.target, '')
      await call('writeFile', writer.target, Buffer.alloc(70_000, '!'))
      await writer.close()
      t.equal(await text(), 'JELlo world' + '!'.repeat(70_000))

      const written = await openFile(t, ground, p('/file'), 'w')
      if (style === 'promise' || limits.keepsDescriptorErrors)
        await fails(t, call('readFile', written.target), { code: 'EBADF', syscall: 'read' })
      else t.equal(await call('readFile', written.target, 'utf8'), '')
      await written.close()
      const appended = await openFile(t, ground, p('/file'), 'a')
      await call('writeFile', appended.target, 'more')
      if (style === 'promise' || limits.keepsDescriptorErrors)
        await fails(t, call('readFile', appended.target), { code: 'EBADF', syscall: 'read' })
      else t.equal(await call('readFile', appended.target, 'utf8'), '', 'whatever is in it')
      await appended.close()
      await promises.mkdir(p('/folder'))
      const folder = await openFile(t, ground, p('/folder'), 'r')
      if (style === 'promise' || limits.keepsDescriptorErrors)
        await fails(t, call('readFile', folder.target), { code: 'EISDIR', syscall: 'read' })
      else t.equal(await call('readFile', folder.target, 'utf8'), '')
      await folder.close()
      if (style === 'promise') {
        const pathIs = {
          code: 'ERR_INVALID_ARG_TYPE',
          message: /^The "path" argument must be of type string/
        }
        for (const method of ['readFile', 'writeFile', 'appendFile'])
          await refuses(t, { ...ground, promises }, method, [20, 'utf8'], pathIs)
      }
    }
  )
}

function changing(kind: FsKind): void {
  styles(kind, 'truncate(len) of what is open', async (t, ground) => {
    const { call, p } = ground
    await call('writeFile', p('/file'), 'hello world')
    const file = await openFile(t, ground, p('/file'), 'r+')
    const size = async () => (await file.do('stat')).size
    await file.do('truncate', 8)
    t.equal(await size(), 8)
    await file.do('truncate', 10)
    t.equal(await size(), 10)
    t.equal(await file.text(), 'hello wo\0\0')
    await file.do('truncate', 1)
    t.equal(await file.text(), '', 'the position is past the end now')
    await file.write('!')
    const { bytesRead, buffer } = await file.read(Buffer.alloc(20), 0, 20, 0)
    t.equal(buffer.toString('latin1', 0, bytesRead), 'h' + '\0'.repeat(9) + '!')
    await file.do('truncate', 200_000)
    await file.do('truncate', 65_537)
    t.equal(await size(), 65_537)
    for (const none of [-1, undefined, 0]) {
      await file.write('x', 0)
      await file.do('truncate', none)
      t.equal(await size(), 0, String(none))
    }
    const lengths: [unknown, string, string][] = [
      [1.5, 'ERR_OUT_OF_RANGE', 'The value of "len" is out of range. It must be an integer. Received 1.5'],
      ['1', 'ERR_INVALID_ARG_TYPE', 'The "len" argument must be of type number. Received type string (\'1\')']
    ]
    for (const [len, code, message] of lengths) {
      const name = code === 'ERR_OUT_OF_RANGE' ? 'RangeError' : 'TypeError'
      await file.refuses(t, 'truncate', [len], { code, message, name })
    }
    await fails(t, file.do('truncate', Number.MAX_SAFE_INTEGER), { code: 'EFBIG', syscall: 'ftruncate' })
    await file.write('kept', 0)
    await file.close()
    t.equal(await call('readFile', p('/file'), 'utf8'), 'kept')
    const reader = await openFile(t, ground, p('/file'), 'r')
    await fails(t, reader.do('truncate', 1), { code: 'EINVAL', syscall: 'ftruncate' })
    await reader.close()
  })

  styles(kind, 'stat of what is open', async (t, ground) => {
    const { call, p } = ground
    await call('writeFile', p('/file'), 'hello', { mode: 0o640 })
    for (const flags of ['r', 'r+', 'a']) {
      const file = await openFile(t, ground, p('/file'), flags)
      const [stat, byPath] = [await file.do('stat'), await call('stat', p('/file'))]
      t.ok(stat.isFile() && !stat.isDirectory(), flags)
      t.same([stat.size, stat.mode.toString(8), stat.ino], [5, '100640', byPath.ino])
      t.equal(stat.mtimeMs, byPath.mtimeMs)
      t.ok(stat.mtime instanceof Date)
      const big = await file.do('stat', { bigint: true })
      t.same([big.size, big.mode], [5n, 0o100640n])
      t.equal(typeof big.mtimeNs, 'bigint')
      await file.close()
    }
    const file = await openFile(t, ground, p('/file'), 'r+')
    await file.write('hello world')
    t.equal((await file.do('stat')).size, 11, 'it counts what was written')
    await file.close()
  })

  styles(kind, 'chmod, utimes and chown of what is open', async (t, ground) => {
    const { call, limits, p } = ground
    await call('writeFile', p('/file'), 'hello')
    for (const [flags, mode, time] of [
      ['r', 0o600, 1000],
      ['r+', 0o755, 2000],
      ['a', 0o640, 3000]
    ] as const) {
      const file = await openFile(t, ground, p('/file'), flags)
      t.equal(await file.do('chmod', mode), undefined)
      t.equal(await file.do('utimes', time, time + 1), undefined)
      t.equal(await file.do('chown', 0, 0), undefined)
      const open = await file.do('stat')
      if (!(limits.staysOnVersion && flags === 'r'))
        t.same([open.mode & 0o777, open.mtimeMs], [mode, (time + 1) * 1000], `${flags} sees it`)
      await file.close()
      const { mode: left, mtimeMs, size } = await call('stat', p('/file'))
      t.same([left & 0o777, mtimeMs, size], [mode, (time + 1) * 1000, 5], `${flags} leaves it`)
    }
    const file = await openFile(t, ground, p('/file'), 'r+')
    await file.write('J')
    await file.do('utimes', new Date(5_000_000), new Date(6_000_000))
    await file.do('chmod', '0700')
    await file.close()
    t.equal(await call('readFile', p('/file'), 'utf8'), 'Jello')
    t.same(
      [(await call('stat', p('/file'))).mtimeMs, (await call('stat', p('/file'))).mode & 0o777],
      [6_000_000, 0o700],
      'a date set after a write stays'
    )
    const reader = await openFile(t, ground, p('/file'), 'r')
    await reader.refuses(t, 'chmod', ['rwx'], { code: 'ERR_INVALID_ARG_VALUE' })
    await reader.refuses(t, 'utimes', ['soon', 1], { code: 'ERR_INVALID_ARG_TYPE' })
    await reader.close()
  })

  styles(kind, 'sync and datasync show what was written, and the writing goes on', async (t, ground) => {
    const { call, p } = ground
    const text = () => call('readFile', p('/file'), 'utf8')
    for (const method of ['sync', 'datasync']) {
      const file = await openFile(t, ground, p('/file'), 'w+')
      await file.write('one')
      t.equal(await file.do(method), undefined)
      t.equal(await text(), 'one', method)
      await file.write(' two')
      await file.do(method)
      await file.do(method)
      t.equal(await text(), 'one two')
      await file.do('truncate', 5)
      await file.write('X', 0)
      const { bytesRead, buffer } = await file.read(Buffer.alloc(9), 0, 9, 0)
      t.equal(buffer.toString('utf8', 0, bytesRead), 'Xne t')
      await file.close()
      t.equal(await text(), 'Xne t')
      const reader = await openFile(t, ground, p('/file'), 'r')
      t.equal(await reader.do(method), undefined, 'of a reading one')
      await reader.close()
    }
  })
}
