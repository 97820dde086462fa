import { constants } from 'node:fs'
import { byteRow, openFile } from './fs-open-file.ts'
import { fails, once, outcome, refuses, styles, type FsKind } from './fs.ts'

const { O_APPEND, O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_RDONLY, O_RDWR, O_SYNC, O_TRUNC, O_WRONLY } =
  constants

const NUMBERS: Record<string, number> = {
  r: O_RDONLY,
  'r+': O_RDWR,
  'rs+': O_RDWR | O_SYNC,
  w: O_WRONLY | O_CREAT | O_TRUNC,
  wx: O_WRONLY | O_CREAT | O_TRUNC | O_EXCL,
  'w+': O_RDWR | O_CREAT | O_TRUNC,
  'wx+': O_RDWR | O_CREAT | O_TRUNC | O_EXCL,
  a: O_WRONLY | O_CREAT | O_APPEND,
  ax: O_WRONLY | O_CREAT | O_APPEND | O_EXCL,
  'a+': O_RDWR | O_CREAT | O_APPEND,
  'ax+': O_RDWR | O_CREAT | O_APPEND | O_EXCL
}

/** `open`: flags, modes, paths, and what an opened file sees and shows. */
export function fsOpenSuite(kind: FsKind): void {
  opening(kind)
  versions(kind)
}

function opening(kind: FsKind): void {
  styles(kind, 'open(path, flags) with every flag and its number', async (t, ground) => {
    const { call, p } = ground
    for (const [flags, number] of Object.entries(NUMBERS)) {
      for (const given of [flags, number]) {
        const [reads, writes] = [flags.startsWith('r') || flags.endsWith('+'), flags !== 'r']
        const what = String(given)
        const missing = p(`/missing-${what}`)
        if (flags.startsWith('r')) {
          const expected = { code: 'ENOENT', syscall: 'open', path: missing } as const
          await fails(t, call('open', missing, given), expected, what)
          await fails(t, call('stat', missing), { code: 'ENOENT', syscall: 'stat', path: missing }, what)
        } else {
          await (await openFile(t, ground, missing, given)).close()
          t.equal(await call('readFile', missing, 'utf8'), '', `${what} makes the file`)
        }

        const there = p(`/there-${what}`)
        await call('writeFile', there, 'hello')
        if (flags.includes('x')) {
          await fails(t, call('open', there, given), { code: 'EEXIST', syscall: 'open', path: there }, what)
          continue
        }
        const file = await openFile(t, ground, there, given)
        t.ok(Number.isInteger(file.fd), `${what} gives an integer`)
        const read = file.read(Buffer.alloc(9), 0, 9, 0)
        if (reads) t.equal((await read).bytesRead, flags.startsWith('w') ? 0 : 5, `${what} reads`)
        else await fails(t, read, { code: 'EBADF', syscall: 'read' }, what)
        const write = file.write(Buffer.from('XY'), 0, 2, null)
        if (writes) t.equal((await write).bytesWritten, 2, `${what} writes`)
        else await fails(t, write, { code: 'EBADF', syscall: 'write' }, what)
        await file.close()
        const expected =
          flags === 'r' ? 'hello' : flags.startsWith('r') ? 'XYllo' : flags.startsWith('a') ? 'helloXY' : 'XY'
        t.equal(await call('readFile', there, 'utf8'), expected, `${what} leaves ${expected}`)
      }
    }
  })

  styles(kind, 'open(path, flags) with other spellings and numbers', async (t, ground) => {
    const { call, p } = ground
    const leaves = async (flags: unknown, expected: string, write = true) => {
      await call('writeFile', p('/file'), 'hello')
      const file = await openFile(t, ground, p('/file'), flags)
      if (write) await file.write('XY')
      await file.close()
      t.equal(await call('readFile', p('/file'), 'utf8'), expected, String(flags))
    }
    for (const flags of [undefined, null, 'rs', 'sr']) await leaves(flags, 'hello', false)
    for (const flags of ['as', 'sa', 'as+', 'sa+']) await leaves(flags, 'helloXY')
    await leaves('sr+', 'XYllo')
    await leaves(O_WRONLY, 'XYllo')
    await leaves(O_WRONLY | O_CREAT, 'XYllo')
    await leaves(O_WRONLY | O_TRUNC, 'XY')
    await leaves(O_WRONLY | O_APPEND, 'helloXY')
    await leaves(O_RDWR | O_CREAT, 'XYllo')
    await (await openFile(t, ground, p('/made'), O_RDONLY | O_CREAT)).close()
    t.equal(await call('readFile', p('/made'), 'utf8'), '', 'O_RDONLY | O_CREAT')
    // What may only be read is made, or emptied, and nothing else.
    const readOnly = async (path: string, flags: number, what: string) => {
      const file = await openFile(t, ground, path, flags)
      await fails(t, file.write('XY'), { code: 'EBADF', syscall: 'write' }, what)
      await fails(t, file.do('truncate', 1), { code: 'EINVAL', syscall: 'ftruncate' }, what)
      t.same([await file.text(), (await file.do('stat')).size], ['', 0], what)
      await file.close()
      t.equal(await call('readFile', path, 'utf8'), '', what)
    }
    await readOnly(p('/fresh'), O_RDONLY | O_CREAT, 'O_RDONLY | O_CREAT')
    await readOnly(p('/fresher'), O_RDONLY | O_CREAT | O_EXCL, 'O_RDONLY | O_CREAT | O_EXCL')
    await readOnly(p('/file'), O_RDONLY | O_TRUNC, 'O_RDONLY | O_TRUNC')
    await call('mkdir', p('/folder'))
    const isFolder = { code: 'EISDIR', syscall: 'open', path: p('/folder') } as const
    for (const flags of [O_RDONLY | O_TRUNC, O_WRONLY | O_RDWR])
      await fails(t, call('open', p('/folder'), flags), isFolder, String(flags))
    for (const [flags, path] of [
      ['xw', '/xw'],
      ['xw+', '/xw+'],
      ['xa', '/xa'],
      ['xa+', '/xa+']
    ] as const) {
      await (await openFile(t, ground, p(path), flags)).close()
      await fails(t, call('open', p(path), flags), { code: 'EEXIST', syscall: 'open', path: p(path) }, flags)
    }
    const missing = { code: 'ENOENT', syscall: 'open', path: p('/none') } as const
    for (const flags of [O_WRONLY, O_RDWR, O_WRONLY | O_TRUNC, O_WRONLY | O_APPEND])
      await fails(t, call('open', p('/none'), flags), missing, String(flags))
  })

  styles(kind, 'open(path, flags, mode)', async (t, ground) => {
    const { call, p } = ground
    const mode = async (path: string, flags: string, given?: unknown) => {
      await (await openFile(t, ground, path, flags, given)).close()
      return (await call('stat', path)).mode.toString(8)
    }
    t.equal(await mode(p('/a'), 'w'), '100644')
    t.equal(await mode(p('/b'), 'w', 0o777), '100755')
    t.equal(await mode(p('/c'), 'ax+', '600'), '100600')
    t.equal(await mode(p('/c'), 'w', 0o777), '100600', 'of a file that is there it stays')
    const modeIs = "The argument 'mode' must be a 32-bit unsigned integer or an octal string. Received 'rwx'"
    await refuses(t, ground, 'open', [p('/a'), 'r', 'rwx'], {
      code: 'ERR_INVALID_ARG_VALUE',
      message: modeIs
    })
    const range = { code: 'ERR_OUT_OF_RANGE', name: 'RangeError' } as const
    const message = 'The value of "mode" is out of range. It must be >= 0 && <= 4294967295. Received -1'
    await refuses(t, ground, 'open', [p('/a'), 'r', -1], { ...range, message })
  })

  styles(kind, 'open refuses flags that are none', async (t, ground) => {
    const file = ground.p('/file')
    await ground.call('writeFile', file, 'hello')
    for (const [flags, shown] of [
      ['zz', "'zz'"],
      ['', "''"],
      ['rw', "'rw'"],
      ['R', "'R'"],
      [true, 'true']
    ] as const) {
      const message = `The argument 'flags' is invalid. Received ${shown}`
      await refuses(t, ground, 'open', [file, flags], { code: 'ERR_INVALID_ARG_VALUE', message })
    }
    const range = { code: 'ERR_OUT_OF_RANGE', name: 'RangeError' } as const
    for (const flags of [1.5, NaN]) {
      const message = `The value of "flags" is out of range. It must be an integer. Received ${flags}`
      await refuses(t, ground, 'open', [file, flags], { ...range, message })
    }
    await refuses(t, ground, 'open', [file, 2 ** 32], range)
    const pathIs = { code: 'ERR_INVALID_ARG_TYPE', message: /^The "path" argument must be of type string/ }
    for (const path of [null, undefined, 5, {}]) await refuses(t, ground, 'open', [path, 'r'], pathIs)
  })

  styles(kind, 'open of a folder', async (t, ground) => {
    const { call, p } = ground
    await call('mkdir', p('/dir'))
    for (const flags of ['w', 'r+', 'a', 'w+', 'a+', O_WRONLY])
      await fails(
        t,
        call('open', p('/dir'), flags),
        { code: 'EISDIR', syscall: 'open', path: p('/dir') },
        String(flags)
      )
    for (const flags of ['wx', 'ax', 'wx+', 'ax+'])
      await fails(
        t,
        call('open', p('/dir'), flags),
        { code: 'EEXIST', syscall: 'open', path: p('/dir') },
        flags
      )
    for (const flags of ['r', O_RDONLY | O_DIRECTORY]) {
      const dir = await openFile(t, ground, p('/dir'), flags)
      t.ok((await dir.do('stat')).isDirectory())
      await fails(t, dir.read(Buffer.alloc(1), 0, 1, 0), { code: 'EISDIR', syscall: 'read' })
      await fails(t, dir.write('x'), { code: 'EBADF', syscall: 'write' })
      await fails(t, dir.do('truncate', 0), { code: 'EINVAL', syscall: 'ftruncate' })
      await dir.do('sync')
      await dir.do('chmod', 0o700)
      await dir.close()
    }
    t.equal((await call('stat', p('/dir'))).mode.toString(8), '40700')
  })

  styles(kind, 'open with O_DIRECTORY and O_NOFOLLOW', async (t, ground) => {
    const { call, p } = ground
    await call('writeFile', p('/file'), 'hello')
    await call('mkdir', p('/dir'))
    await call('symlink', 'file', p('/link'))
    await call('symlink', 'dir', p('/folder'))
    const opening = { syscall: 'open' } as const
    await fails(t, call('open', p('/file'), O_DIRECTORY), { code: 'ENOTDIR', path: p('/file'), ...opening })
    await fails(t, call('open', p('/none'), O_DIRECTORY), { code: 'ENOENT', path: p('/none'), ...opening })
    await fails(t, call('open', p('/link'), O_NOFOLLOW), { code: 'ELOOP', path: p('/link'), ...opening })
    await fails(t, call('open', p('/link'), O_NOFOLLOW | O_WRONLY), {
      code: 'ELOOP',
      path: p('/link'),
      ...opening
    })
    const file = await openFile(t, ground, p('/file'), O_NOFOLLOW)
    t.equal(await file.text(), 'hello', 'O_NOFOLLOW of a file')
    await file.close()
    const dir = await openFile(t, ground, p('/folder'), O_DIRECTORY)
    t.ok((await dir.do('stat')).isDirectory(), 'O_DIRECTORY of a link to a folder')
    await dir.close()
    await call('writeFile', p('/dir/inside'), 'inside')
    const inside = await openFile(t, ground, p('/folder/inside'), O_NOFOLLOW)
    t.equal(await inside.text(), 'inside', 'O_NOFOLLOW is about the last part of the path')
    await inside.close()
  })

  styles(kind, 'open through symbolic links', async (t, ground) => {
    const { call, p } = ground
    await call('writeFile', p('/file'), 'hello')
    await call('symlink', 'file', p('/link'))
    await call('symlink', 'made', p('/dangling'))
    await call('symlink', 'loop', p('/loop'))
    for (const path of [p('/link'), p('/dangling'), p('/loop')]) {
      await fails(t, call('open', path, 'wx'), { code: 'EEXIST', syscall: 'open', path }, 'wx')
      await fails(t, call('open', path, 'ax+'), { code: 'EEXIST', syscall: 'open', path }, 'ax+')
    }
    const link = await openFile(t, ground, p('/link'), 'r+')
    t.equal(await link.text(), 'hello')
    await link.write('J', 0)
    await link.close()
    t.equal(await call('readFile', p('/file'), 'utf8'), 'Jello')
    await fails(t, call('open', p('/dangling'), 'r+'), {
      code: 'ENOENT',
      syscall: 'open',
      path: p('/dangling')
    })
    const dangling = await openFile(t, ground, p('/dangling'), 'a')
    await dangling.write('new')
    await dangling.close()
    t.equal(await call('readFile', p('/made'), 'utf8'), 'new')
    for (const flags of ['r', 'w', 'a+'])
      await fails(
        t,
        call('open', p('/loop'), flags),
        { code: 'ELOOP', syscall: 'open', path: p('/loop') },
        flags
      )
  })

  styles(kind, 'open where no file can be', async (t, { call, p }) => {
    await call('writeFile', p('/file'), 'hello')
    for (const flags of ['r', 'w', 'a+', 'wx', 'r+']) {
      const fail = (path: string, code: 'ENOENT' | 'ENOTDIR') =>
        fails(t, call('open', path, flags), { code, syscall: 'open', path }, flags)
      await fail(p('/none/below'), 'ENOENT')
      await fail(p('/file/below'), 'ENOTDIR')
      await fail(p('/file/a/b'), 'ENOTDIR')
    }
  })

  styles(kind, 'of many that open with wx at once one wins', async (t, ground) => {
    const { call, p } = ground
    const files = await Promise.allSettled(
      Array.from({ length: 20 }, () => openFile(t, ground, p('/file'), 'wx'))
    )
    const won = files.filter((file) => file.status === 'fulfilled')
    t.equal(won.length, 1, 'open')
    const codes = files.map((file) => (file.status === 'rejected' ? file.reason.code : 'won'))
    t.equal(codes.filter((code) => code === 'EEXIST').length, 19)
    const winner = won[0]!.value
    await winner.write('the winner')
    await fails(
      t,
      call('open', p('/file'), 'wx'),
      { code: 'EEXIST', syscall: 'open', path: p('/file') },
      'before close'
    )
    await winner.close()
    await fails(
      t,
      call('open', p('/file'), 'wx'),
      { code: 'EEXIST', syscall: 'open', path: p('/file') },
      'after close'
    )
    t.equal(await call('readFile', p('/file'), 'utf8'), 'the winner')
    await call('unlink', p('/file'))

    const writes = await Promise.allSettled(
      Array.from({ length: 20 }, (_, i) =>
        call('writeFile', p('/file'), `writer ${i}`, { flag: i % 2 ? 'wx' : 'ax' })
      )
    )
    const winners = writes.flatMap(({ status }, i) => (status === 'fulfilled' ? [i] : []))
    t.equal(winners.length, 1, 'writeFile')
    t.equal(await call('readFile', p('/file'), 'utf8'), `writer ${winners[0]}`)
    await call('unlink', p('/file'))
    await (await openFile(t, ground, p('/file'), 'wx')).close()
    t.equal((await call('stat', p('/file'))).size, 0, 'what was removed can be made again')
  })

  once(
    kind,
    'descriptors are integers, each for one opening',
    async (t, { fs, call, p, limits }) => {
      await call('writeFile', p('/file'), 'hello')
      const open = (...args: unknown[]) =>
        new Promise<number>((resolve, reject) =>
          fs.open(p('/file'), ...args, (err: Error | null, fd: number) => (err ? reject(err) : resolve(fd)))
        )
      const fds = [await open(), await open('r'), await open('r', 0o666), await open(undefined, undefined)]
      t.ok(fds.every((fd) => Number.isInteger(fd)))
      t.equal(new Set(fds).size, 4)
      if (limits.numbersFrom20) t.ok(fds.every((fd) => fd >= 20))
      for (const fd of fds) await call('close', fd)
    },
    { style: 'callback' }
  )

  once(
    kind,
    'very many descriptors at once',
    async (t, { call, p, limits }) => {
      const count = limits.countsNoFiles ? 10_000 : 500
      await call('writeFile', p('/file'), 'hello')
      const fds: number[] = []
      for (let i = 0; i < count; i++) fds.push(await call('open', p('/file'), 'r'))
      t.equal(new Set(fds).size, count)
      for (const fd of [fds[0], fds[count >> 1], fds[count - 1]]) {
        const [bytesRead] = await call('read', fd, Buffer.alloc(9), 0, 9, null)
        t.equal(bytesRead, 5)
      }
      await Promise.all(fds.map((fd) => call('close', fd)))
      for (const fd of [fds[0], fds[count - 1]])
        await fails(t, call('fstat', fd), { code: 'EBADF', syscall: 'fstat' })
    },
    { style: 'callback' }
  )
}

/** What a descriptor sees, and what others see of it. */
function versions(kind: FsKind): void {
  styles(
    kind,
    'what is read stays there when the file is removed, renamed or replaced',
    async (t, ground) => {
      const { call, p } = ground
      const bytes = byteRow(150_000)
      const ends: Record<string, (path: string) => Promise<unknown>> = {
        removed: (path) => call('unlink', path),
        renamed: (path) => call('rename', path, `${path}-new`),
        replaced: async (path) => {
          await call('writeFile', `${path}-other`, 'short')
          await call('rename', `${path}-other`, path)
        }
      }
      for (const [what, end] of Object.entries(ends)) {
        const path = p(`/${what}`)
        await call('writeFile', path, bytes)
        const [begun, unread] = [await openFile(t, ground, path, 'r'), await openFile(t, ground, path, 'r')]
        const first = await begun.read(Buffer.alloc(70_000), 0, 70_000, null)
        t.equal(first.bytesRead, 70_000)
        await end(path)
        const rest = await begun.read(Buffer.alloc(100_000), 0, 100_000, null)
        t.ok(
          bytes.subarray(70_000).equals(rest.buffer.subarray(0, rest.bytesRead)),
          `the rest of what was ${what}`
        )
        t.ok(bytes.equals(await call('readFile', unread.target)), `all of what was ${what}`)
        t.equal((await unread.do('stat')).size, 150_000)
        await begun.close()
        await unread.close()
      }
    }
  )

  styles(kind, 'what is read stays as it was opened', async (t, ground) => {
    const { call, p, limits } = ground
    const change: [string, () => Promise<unknown>][] = [
      ['HELLO', () => call('writeFile', p('/file'), 'HELLO')],
      ['hello world', () => call('appendFile', p('/file'), ' world')],
      ['hel', () => call('truncate', p('/file'), 3)],
      ['Hello', () => call('writeFile', p('/file'), 'H', { flag: 'r+' })]
    ]
    for (const [after, run] of change) {
      await call('writeFile', p('/file'), 'hello')
      const file = await openFile(t, ground, p('/file'), 'r')
      await run()
      t.equal(await call('readFile', p('/file'), 'utf8'), after)
      const seen = limits.staysOnVersion ? 'hello' : after
      t.equal((await file.do('stat')).size, seen.length)
      t.equal(await file.text(), seen, `while it becomes ${after}`)
      await file.close()
    }
  })

  styles(kind, 'what is written is read at once by the one who writes', async (t, ground) => {
    const { call, p } = ground
    const bytes = Buffer.alloc(140_000, 'x')
    for (const flags of ['w+', 'r+', 'a+']) {
      await call('writeFile', p('/file'), 'hello')
      const file = await openFile(t, ground, p('/file'), flags)
      const before = flags === 'a+' ? 'hello' : ''
      await file.write(bytes)
      await file.write('yz', 65_535)
      const expected = Buffer.concat([Buffer.from(before), bytes, Buffer.from(flags === 'a+' ? 'yz' : '')])
      if (flags !== 'a+') expected.write('yz', 65_535)
      const { bytesRead, buffer } = await file.read(Buffer.alloc(200_000), 0, 200_000, 0)
      t.ok(expected.equals(buffer.subarray(0, bytesRead)), flags)
      t.equal((await file.do('stat')).size, expected.length)
      await file.close()
      t.ok(expected.equals(await call('readFile', p('/file'))), `${flags}, closed`)
    }
  })

  styles(kind, 'what is written is seen by others', async (t, ground) => {
    const { call, p, limits } = ground
    const seen = (before: string, after: string) => (limits.showsAtClose ? before : after)
    const text = (path: string) => call('readFile', path, 'utf8')
    await call('writeFile', p('/file'), 'before')
    const over = await openFile(t, ground, p('/file'), 'w')
    t.equal(await text(p('/file')), seen('before', ''), 'opened')
    await over.write('after')
    t.equal(await text(p('/file')), seen('before', 'after'), 'written')
    t.equal((await call('stat', p('/file'))).size, seen('before', 'after').length)
    await over.do('sync')
    t.equal(await text(p('/file')), 'after', 'after sync')
    await over.write(' all')
    t.equal(await text(p('/file')), seen('after', 'after all'))
    await over.close()
    t.equal(await text(p('/file')), 'after all', 'closed')

    const made = await openFile(t, ground, p('/made'), 'w')
    await made.write('new')
    const err = await outcome(call('stat', p('/made')))
    t.equal(err?.code, limits.showsAtClose ? 'ENOENT' : undefined, 'a file that is made')
    await made.close()
    t.equal(await text(p('/made')), 'new')
  })

  styles(kind, 'what is opened for writing only is left alone by a close', async (t, ground) => {
    const { call, p } = ground
    await call('writeFile', p('/file'), 'before')
    await call('utimes', p('/file'), 1000, 1000)
    for (const flags of ['r+', 'a', 'a+', O_WRONLY])
      await (await openFile(t, ground, p('/file'), flags)).close()
    t.equal(await call('readFile', p('/file'), 'utf8'), 'before')
    t.equal((await call('stat', p('/file'))).mtimeMs, 1_000_000)
    const idle = await openFile(t, ground, p('/file'), 'r+')
    await call('writeFile', p('/file'), 'meanwhile')
    await idle.close()
    t.equal(await call('readFile', p('/file'), 'utf8'), 'meanwhile', 'what others wrote meanwhile stays')
  })

  styles(kind, 'many openings at once have positions of their own', async (t, ground) => {
    const { call, p } = ground
    await call('writeFile', p('/file'), 'hello world')
    await call('writeFile', p('/other'), 'other')
    const [a, b, other, writer] = [
      await openFile(t, ground, p('/file'), 'r'),
      await openFile(t, ground, p('/file'), 'r'),
      await openFile(t, ground, p('/other'), 'r'),
      await openFile(t, ground, p('/new'), 'w+')
    ]
    t.equal(await a.text(5), 'hello')
    t.equal(await b.text(3), 'hel')
    await writer.write('wri')
    t.equal(await other.text(2), 'ot')
    t.equal(await a.text(), ' world')
    await a.close()
    await writer.write('ter')
    t.equal(await b.text(), 'lo world', 'closing one leaves the other open')
    t.equal(await other.text(), 'her')
    for (const file of [b, other, writer]) await file.close()
    t.equal(await call('readFile', p('/new'), 'utf8'), 'writer')
  })

  styles(kind, 'two that append at once both add theirs', async (t, ground) => {
    const { call, p } = ground
    await call('writeFile', p('/log'), 'start\n')
    const [a, b] = [await openFile(t, ground, p('/log'), 'a'), await openFile(t, ground, p('/log'), 'a')]
    await a.write('a1\n')
    await b.write('b1\n')
    await a.write('a2\n')
    await call('appendFile', p('/log'), 'c1\n')
    await b.close()
    await a.close()
    const lines: string[] = (await call('readFile', p('/log'), 'utf8')).split('\n')
    t.same([...lines].sort(), ['', 'a1', 'a2', 'b1', 'c1', 'start'])
    t.equal(lines[0], 'start')
    t.ok(lines.indexOf('a1') < lines.indexOf('a2'))
  })
}
