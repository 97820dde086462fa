import { constants, Stats } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { inspect } from 'node:util'
import type { Test } from 'tape'
import {
  fails,
  notThere,
  once,
  outcome,
  refuses,
  styles,
  tree,
  types,
  type FsKind,
  type Ground
} from './fs.ts'
import { fsLinksSuite } from './fs-links.ts'
import { fsMovesSuite } from './fs-moves.ts'
import { fsTreeSuite } from './fs-tree.ts'

const { F_OK, R_OK, W_OK, X_OK } = constants

/** Everything about paths: what they are, and what is in folders, links, moves and copies. */
export function fsPathsSuite(kind: FsKind): void {
  statSuite(kind)
  fsTreeSuite(kind)
  fsLinksSuite(kind)
  fsMovesSuite(kind)
}

function statSuite(kind: FsKind): void {
  const both = (title: string, body: (t: Test, ground: Ground) => Promise<void>, skip = false) =>
    styles(kind, title, body, { skip })

  both('stat(path) of a file has every member of Stats', async (t, { call, p, promises }) => {
    const before = Date.now()
    await promises.writeFile(p('/file'), 'héllo')
    const stat = await call('stat', p('/file'))
    for (const member of NUMBERS) t.equal(typeof stat[member], 'number', member)
    for (const member of DATES) {
      t.ok(stat[member] instanceof Date, member)
      t.equal(stat[member].getTime(), Math.round(stat[`${member}Ms`]), `${member} is ${member}Ms`)
    }
    t.equal(stat.mtimeNs, undefined)
    t.equal(stat.size, 6)
    t.equal(stat.mode, constants.S_IFREG | 0o644)
    t.equal(stat.nlink, 1)
    t.ok(stat.mtimeMs > before - 1000 && stat.mtimeMs < Date.now() + 1000, 'mtime is now')
    t.ok(stat.ctimeMs > before - 1000 && stat.ctimeMs < Date.now() + 1000, 'ctime is now')
    t.same(types(stat), ['isFile'])
  })

  both('the members of Stats are its own: copies have them, and dates can be set', async (t, ground) => {
    const { call, p, promises } = ground
    await promises.writeFile(p('/file'), 'four')
    await promises.utimes(p('/file'), 1000.0007, 1000.0007)
    for (const bigint of [false, true]) {
      const stat = await call('stat', p('/file'), { bigint })
      t.same(
        [...NUMBERS, ...DATES].filter((name) => !Object.keys(stat).includes(name)),
        []
      )
      const copy = { ...stat }
      t.equal(copy.mtime.getTime(), bigint ? 1_000_000 : 1_000_001, 'to the nearest of the milliseconds told')
      t.equal(stat.mtime, copy.mtime, 'made once')
      if (!bigint) t.equal(JSON.parse(JSON.stringify(stat)).mtime, copy.mtime.toISOString())
      stat.mtime = stat.ctime = new Date(5)
      t.same([stat.mtime, stat.ctime], [new Date(5), new Date(5)])
    }
  })

  both('stat(path) of a folder', async (t, { call, p, promises, limits }) => {
    await promises.mkdir(p('/dir/sub'), { recursive: true })
    await promises.mkdir(p('/dir/other'))
    const stat = await call('stat', p('/dir'))
    for (const member of NUMBERS) t.equal(typeof stat[member], 'number', member)
    t.equal(stat.mode, constants.S_IFDIR | 0o755)
    t.equal(stat.nlink, limits.countsNoLinks ? 1 : 4)
    t.same(types(stat), ['isDirectory'])
    t.same(types(await call('stat', p('/'))), ['isDirectory'])
    t.same(types(await call('stat', p('/dir/'))), ['isDirectory'])
  })

  both('stat(link) is of what it leads to, lstat(link) of the link', async (t, { call, p, promises }) => {
    await promises.mkdir(p('/dir'))
    await promises.writeFile(p('/dir/file'), 'four')
    await promises.symlink('dir/file', p('/link'))
    await promises.symlink('dïr', p('/none'))
    await promises.symlink('dir', p('/folder'))
    t.same(types(await call('stat', p('/link'))), ['isFile'])
    t.equal((await call('stat', p('/link'))).size, 4)
    const link = await call('lstat', p('/link'))
    t.same(types(link), ['isSymbolicLink'])
    t.equal(link.mode, constants.S_IFLNK | 0o777)
    t.equal(link.size, 'dir/file'.length)
    t.equal((await call('lstat', p('/none'))).size, 4)
    t.same(types(await call('stat', p('/folder'))), ['isDirectory'])
    t.same(types(await call('lstat', p('/folder'))), ['isSymbolicLink'])
    t.same(types(await call('lstat', p('/folder/'))), ['isDirectory'])
    t.same(types(await call('lstat', p('/folder/file'))), ['isFile'])
    t.same(types(await call('lstat', p('/dir/file'))), ['isFile'])
    t.same(types(await call('lstat', p('/dir'))), ['isDirectory'])
  })

  both('stat(path, { bigint: true })', async (t, { call, p, promises }) => {
    await promises.writeFile(p('/file'), 'four')
    await promises.symlink('file', p('/link'))
    await promises.utimes(p('/file'), 1_700_000_000.5, 1_700_000_000.25)
    for (const method of ['stat', 'lstat']) {
      const stat = await call(method, p('/file'), { bigint: true })
      for (const member of NUMBERS) t.equal(typeof stat[member], 'bigint', `${method} ${member}`)
      for (const member of DATES) {
        t.equal(typeof stat[`${member}Ns`], 'bigint', `${method} ${member}Ns`)
        t.equal(stat[`${member}Ns`] / 1_000_000n, stat[`${member}Ms`], `${method} ${member}Ms`)
        t.equal(stat[member].getTime(), Number(stat[`${member}Ms`]), `${method} ${member}`)
      }
      t.equal(stat.mtimeNs, 1_700_000_000_250_000_000n)
      t.equal(stat.size, 4n)
      t.equal(stat.mode, BigInt(constants.S_IFREG | 0o644))
      t.same(types(stat), ['isFile'])
    }
    t.same(types(await call('lstat', p('/link'), { bigint: true })), ['isSymbolicLink'])
    t.same(types(await call('stat', p('/'), { bigint: true })), ['isDirectory'])
    t.equal(typeof (await call('stat', p('/file'), { bigint: false })).size, 'number')
  })

  both('stat(path).ino is of the path, and stays', async (t, { call, p, promises, limits }) => {
    await promises.writeFile(p('/one'), '1')
    await promises.writeFile(p('/two'), '2')
    await promises.mkdir(p('/dir'))
    await promises.symlink('one', p('/link'))
    const ino = async (path: string, method = 'stat') => (await call(method, p(path))).ino
    const inos = [await ino('/one'), await ino('/two'), await ino('/dir'), await ino('/link', 'lstat')]
    t.equal(new Set(inos).size, 4)
    t.ok(inos.every(Number.isSafeInteger))
    t.equal(await ino('/link'), inos[0])
    t.equal(await ino('/dir/../one'), inos[0])
    t.equal((await call('stat', p('/one'), { bigint: true })).ino, BigInt(inos[0]))
    await promises.writeFile(p('/one'), 'more')
    await promises.chmod(p('/one'), 0o600)
    t.equal(await ino('/one'), inos[0])
    await promises.rename(p('/one'), p('/three'))
    t.equal((await ino('/three')) === inos[0], !limits.numbersPaths)
  })

  both('stat(path).mtime moves with what is written', async (t, { call, p, promises, limits }) => {
    const mtime = async (path: string) => (await call('stat', p(path))).mtimeMs
    await promises.mkdir(p('/dir'))
    await promises.writeFile(p('/dir/file'), '1')
    await promises.utimes(p('/dir/file'), 1, 1)
    await promises.utimes(p('/dir'), 1, 1)
    t.equal(await mtime('/dir/file'), 1000)
    await promises.chmod(p('/dir/file'), 0o600)
    t.equal(await mtime('/dir/file'), 1000, 'chmod leaves it')
    await promises.writeFile(p('/dir/file'), '2')
    t.ok((await mtime('/dir/file')) > 1e12, 'writing does not')
    t.equal(await mtime('/dir'), 1000, 'the folder is as it was')
    await promises.writeFile(p('/dir/new'), '')
    t.equal((await mtime('/dir')) > 1e12, !limits.keepsFolderTimes, 'the folder, when something comes in')
  })

  both('stat(path).birthtime', async (t, { call, p, promises, limits }) => {
    await promises.writeFile(p('/file'), '1')
    const { birthtimeMs } = await call('stat', p('/file'))
    t.ok(birthtimeMs > 1e12)
    await promises.writeFile(p('/file'), '2')
    await promises.utimes(p('/file'), 1, 1)
    t.equal((await call('stat', p('/file'))).birthtimeMs, limits.keepsNoBirthtime ? 1000 : birthtimeMs)
  })

  both('stat and lstat of what is not there', async (t, { call, p, promises }) => {
    await notThere(promises, p)
    for (const syscall of ['stat', 'lstat']) {
      for (const [path, code] of [
        ['/none', 'ENOENT'],
        ['/none/below', 'ENOENT'],
        ['/dir/none', 'ENOENT'],
        ['/none/..', 'ENOENT'],
        ['/dangling/', 'ENOENT'],
        ['/file/below', 'ENOTDIR'],
        ['/file/', 'ENOTDIR'],
        ['/file/.', 'ENOTDIR'],
        ['/file/..', 'ENOTDIR'],
        ['/link/below', 'ENOTDIR'],
        ['/loop/', 'ELOOP'],
        ['/loop/below', 'ELOOP']
      ] as const)
        await fails(t, call(syscall, p(path)), { code, syscall, path: p(path) })
      await fails(t, call(syscall, ''), { code: 'ENOENT', syscall, path: '' })
    }
    await fails(t, call('stat', p('/dangling')), { code: 'ENOENT', syscall: 'stat', path: p('/dangling') })
    await fails(t, call('stat', p('/loop')), { code: 'ELOOP', syscall: 'stat', path: p('/loop') })
    t.ok((await call('lstat', p('/dangling'))).isSymbolicLink())
    t.ok((await call('lstat', p('/loop'))).isSymbolicLink())
  })

  both('stat of null for options', async (t, { call, p, promises, limits, style }) => {
    await promises.writeFile(p('/file'), 'text')
    const open = style === 'promise' ? await promises.open(p('/file')) : await call('open', p('/file'))
    const calls: [string, () => Promise<any>][] = ['stat', 'lstat', 'statfs'].map((method) => [
      method,
      () => call(method, p('/file'), null)
    ])
    calls.push(['fstat', () => (style === 'promise' ? open.stat(null) : call('fstat', open, null))])
    for (const [method, run] of calls) {
      const err = await outcome(run)
      if (limits.takesNoOptions) t.equal(err, undefined, method)
      else t.same([err?.name, err?.code], ['TypeError', undefined], method)
    }
    await (style === 'promise' ? open.close() : call('close', open))
  })

  both('Stats are those of node:fs, but for Stats in bigints', async (t, { call, p, promises }) => {
    await promises.writeFile(p('/file'), 'text')
    for (const method of ['stat', 'lstat']) {
      t.ok((await call(method, p('/file'))) instanceof Stats, method)
      const big = await call(method, p('/file'), { bigint: true })
      t.notOk(big instanceof Stats, `${method} in bigints`)
      t.same(types(big), ['isFile'])
    }
  })

  both('access(path, mode)', async (t, { call, p, promises }) => {
    await promises.writeFile(p('/file'), '')
    await promises.writeFile(p('/run'), '', { mode: 0o755 })
    await promises.symlink('run', p('/link'))
    await promises.mkdir(p('/dir'))
    t.equal(await call('access', p('/file')), undefined)
    for (const mode of [undefined, null, F_OK, R_OK, W_OK, R_OK | W_OK])
      t.equal(await call('access', p('/file'), mode), undefined, `mode ${String(mode)}`)
    for (const path of ['/run', '/link', '/dir', '/'])
      t.equal(await call('access', p(path), R_OK | W_OK | X_OK), undefined, path)
    for (const mode of [X_OK, X_OK | R_OK, X_OK | R_OK | W_OK]) {
      await fails(t, call('access', p('/file'), mode), {
        code: 'EACCES',
        syscall: 'access',
        path: p('/file')
      })
    }
  })

  both('access(path) of what is not there', async (t, ground) => {
    const { call, limits, p, promises, style } = ground
    await notThere(promises, p)
    for (const [path, code] of [
      ['/none', 'ENOENT'],
      ['/none/below', 'ENOENT'],
      ['/dangling', 'ENOENT'],
      ['/file/below', 'ENOTDIR'],
      ['/file/', 'ENOTDIR'],
      ['/loop', 'ELOOP']
    ] as const) {
      for (const mode of [F_OK, R_OK, X_OK])
        await fails(t, call('access', p(path), mode), { code, syscall: 'access', path: p(path) })
    }
    const missing = { code: 'ENOENT', syscall: 'access', path: p('/none') } as const
    const outside = { code: 'ERR_OUT_OF_RANGE', name: 'RangeError' } as const
    await refuses(t, ground, 'access', [p('/file'), 8], outside)
    await refuses(t, ground, 'access', [p('/file'), -1], outside)
    await refuses(t, ground, 'access', [p('/file'), NaN], outside)
    for (const mode of [1.5, 7.5, -0.5]) await fails(t, call('access', p('/none'), mode), missing, `${mode}`)
    await refuses(t, ground, 'access', [p('/file'), 'r'], { code: 'ERR_INVALID_ARG_TYPE' })
    if (limits.accessTakesOptions && style === 'callback') {
      t.equal(await call('access', p('/file'), {}), undefined)
      await fails(t, call('access', p('/none'), { wait: false }), missing)
    } else await refuses(t, ground, 'access', [p('/file'), {}], { code: 'ERR_INVALID_ARG_TYPE' })
  })

  once(
    kind,
    'exists(path, callback) tells a boolean, whatever the path',
    async (t, { call, p, promises }) => {
      await notThere(promises, p)
      for (const path of ['/file', '/dir', '/dir/', '/link', '/'])
        t.equal(await call('exists', p(path)), true, path)
      for (const path of ['/none', '/dangling', '/loop', '/file/below', '/file/'])
        t.equal(await call('exists', p(path)), false, path)
      for (const path of ['', 'a\0b', 5, null, undefined, {}])
        t.equal(await call('exists', path), false, inspect(path))
      t.equal(await call('exists', Buffer.from(p('/file'))), true)
      t.equal(await call('exists', pathToFileURL(p('/file'))), true)
    },
    { style: 'callback' }
  )

  both('chmod(path, mode)', async (t, { call, p, promises }) => {
    const mode = async (path: string) => (await promises.stat(p(path))).mode.toString(8)
    await promises.writeFile(p('/file'), 'text')
    await promises.mkdir(p('/dir'))
    await promises.symlink('file', p('/link'))
    t.equal(await call('chmod', p('/file'), 0o7777), undefined)
    t.equal(await mode('/file'), '107777')
    await call('chmod', p('/file'), '640')
    t.equal(await mode('/file'), '100640')
    await call('chmod', p('/file'), 0o100600)
    t.equal(await mode('/file'), '100600', 'the kind stays')
    await call('chmod', p('/link'), 0o751)
    t.equal(await mode('/file'), '100751', 'a link is followed')
    t.equal((await promises.lstat(p('/link'))).mode & 0o777, 0o777)
    await call('chmod', p('/dir'), 0o1700)
    t.equal(await mode('/dir'), '41700')
    await call('chmod', p('/file'), 0)
    t.equal(await mode('/file'), '100000')
    await call('chmod', p('/file'), 0o644)
    t.equal(await promises.readFile(p('/file'), 'utf8'), 'text')
  })

  both('chmod(path, mode) that cannot be', async (t, ground) => {
    const { call, p, promises } = ground
    await notThere(promises, p)
    for (const [path, code] of MISSING)
      await fails(t, call('chmod', p(path), 0o600), { code, syscall: 'chmod', path: p(path) })
    const outside = { code: 'ERR_OUT_OF_RANGE', name: 'RangeError' } as const
    for (const mode of [-1, 1.5, 2 ** 32]) await refuses(t, ground, 'chmod', [p('/file'), mode], outside)
    for (const mode of ['rwx', '', '9'])
      await refuses(t, ground, 'chmod', [p('/file'), mode], { code: 'ERR_INVALID_ARG_VALUE' })
    for (const mode of [undefined, {}])
      await refuses(t, ground, 'chmod', [p('/file'), mode], { code: 'ERR_INVALID_ARG_TYPE' })
    t.equal((await promises.stat(p('/file'))).mode & 0o777, 0o644)
  })

  both('utimes(path, atime, mtime) of every kind of time', async (t, { call, p, promises, limits }) => {
    await promises.writeFile(p('/file'), 'text')
    for (const [atime, mtime, [atimeMs, mtimeMs]] of [
      [1, 2, [1000, 2000]],
      [0, 0, [0, 0]],
      [1.5, 2.25, [1500, 2250]],
      ['3', '4.5', [3000, 4500]],
      [new Date(5), new Date(1_234_567), [5, 1_234_567]],
      [1_700_000_000.5, 1_700_000_001.125, [1_700_000_000_500, 1_700_000_001_125]],
      [1e9, 4e9, [1e12, 4e12]]
    ] as const) {
      t.equal(await call('utimes', p('/file'), atime, mtime), undefined)
      const stat = await promises.stat(p('/file'))
      t.equal(stat.mtimeMs, mtimeMs, `mtime ${String(mtime)}`)
      t.equal(stat.mtime.getTime(), Math.round(mtimeMs))
      t.equal(stat.atimeMs, limits.keepsNoAtime ? mtimeMs : atimeMs, `atime ${String(atime)}`)
    }
    await call('utimes', p('/file'), 1, 1_700_000_000.123)
    t.equal((await promises.stat(p('/file'))).mtime.getTime(), 1_700_000_000_123)
    t.equal(await promises.readFile(p('/file'), 'utf8'), 'text')
    t.equal((await promises.stat(p('/file'))).mode, constants.S_IFREG | 0o644)
  })

  both('utimes(path, -1, -1) is now', async (t, { call, p, promises }) => {
    await promises.writeFile(p('/file'), '')
    await promises.utimes(p('/file'), 1, 1)
    const before = Date.now()
    await call('utimes', p('/file'), -1, -2.5)
    const { mtimeMs } = await promises.stat(p('/file'))
    t.ok(mtimeMs > before - 1000 && mtimeMs < Date.now() + 1000, String(mtimeMs))
  })

  both('utimes(path, atime, mtime) before 1970', async (t, { call, p, promises, limits }) => {
    await promises.writeFile(p('/file'), 'text')
    if (limits.beginsIn1970) {
      await promises.utimes(p('/file'), 1, 1)
      const invalid = { code: 'EINVAL', syscall: 'utime', path: p('/file') } as const
      await fails(t, call('utimes', p('/file'), 1, new Date(-5500)), invalid)
      await fails(t, call('utimes', p('/file'), '-3', '-4'), invalid)
      t.equal((await promises.stat(p('/file'))).mtimeMs, 1000)
      return
    }
    await call('utimes', p('/file'), new Date(-1000), new Date(-5500))
    t.equal((await promises.stat(p('/file'))).mtimeMs, -5500)
    await call('utimes', p('/file'), '-3', '-4')
    t.equal((await promises.stat(p('/file'))).mtimeMs, -4000)
    t.equal(await promises.readFile(p('/file'), 'utf8'), 'text')
  })

  both('utimes follows links, lutimes does not', async (t, { call, p, promises }) => {
    const mtime = async (path: string) => (await promises.lstat(p(path))).mtimeMs
    await promises.writeFile(p('/file'), '')
    await promises.mkdir(p('/dir'))
    await promises.symlink('file', p('/link'))
    await promises.symlink('none', p('/dangling'))
    await call('utimes', p('/link'), 1, 2)
    t.equal(await mtime('/file'), 2000)
    t.not(await mtime('/link'), 2000)
    t.equal(await call('lutimes', p('/link'), 3, 4), undefined)
    t.same([await mtime('/file'), await mtime('/link')], [2000, 4000])
    await call('lutimes', p('/dangling'), 5, new Date(6000))
    t.equal(await mtime('/dangling'), 6000)
    await call('lutimes', p('/file'), 7, '8')
    t.equal(await mtime('/file'), 8000)
    await call('utimes', p('/dir'), 9, 10.5)
    t.equal(await mtime('/dir'), 10_500)
    t.equal(await promises.readlink(p('/link')), 'file')
  })

  both('utimes and lutimes that cannot be', async (t, ground) => {
    const { call, p, promises } = ground
    await notThere(promises, p)
    for (const [path, code] of MISSING)
      await fails(t, call('utimes', p(path), 1, 1), { code, syscall: 'utime', path: p(path) })
    for (const [path, code] of [
      ['/none', 'ENOENT'],
      ['/file/below', 'ENOTDIR'],
      ['/loop/below', 'ELOOP']
    ] as const)
      await fails(t, call('lutimes', p(path), 1, 1), { code, syscall: 'lutime', path: p(path) })
    await promises.utimes(p('/file'), 1, 1)
    for (const method of ['utimes', 'lutimes']) {
      for (const time of [NaN, Infinity, 'x', '2020-01-01', null, undefined, {}, true, 1n]) {
        const what = `${method} of ${inspect(time)}`
        await refuses(t, ground, method, [p('/file'), 1, time], { code: 'ERR_INVALID_ARG_TYPE' }, what)
        await refuses(t, ground, method, [p('/file'), time, 1], { code: 'ERR_INVALID_ARG_TYPE' }, what)
      }
    }
    const invalid = { code: 'EINVAL', syscall: 'utime', path: p('/file') } as const
    await fails(t, call('utimes', p('/file'), 1, new Date(NaN)), invalid)
    t.equal((await promises.stat(p('/file'))).mtimeMs, 1000)
  })

  both('chown and lchown of oneself', async (t, ground) => {
    const { call, p, promises, limits } = ground
    await notThere(promises, p)
    const [uid, gid] = [process.getuid!(), process.getgid!()]
    t.equal(await call('chown', p('/file'), uid, gid), undefined)
    t.equal(await call('chown', p('/dir'), uid, gid), undefined)
    t.equal(await call('chown', p('/file'), -1, -1), undefined)
    t.equal(await call('lchown', p('/dangling'), uid, gid), undefined)
    const stat = await promises.stat(p('/file'))
    t.same([stat.uid, stat.gid], limits.keepsNoOwners ? [0, 0] : [uid, gid])
    for (const [path, code] of MISSING)
      await fails(t, call('chown', p(path), uid, gid), { code, syscall: 'chown', path: p(path) })
    await fails(t, call('lchown', p('/none'), uid, gid), {
      code: 'ENOENT',
      syscall: 'lchown',
      path: p('/none')
    })
    const outside = { code: 'ERR_OUT_OF_RANGE', name: 'RangeError' } as const
    await refuses(t, ground, 'chown', [p('/file'), 'root', gid], { code: 'ERR_INVALID_ARG_TYPE' })
    await refuses(t, ground, 'chown', [p('/file'), uid, 1.5], outside)
    await refuses(t, ground, 'chown', [p('/file'), -2, gid], outside)
  })

  both('statfs(path, { bigint })', async (t, { call, p, promises }) => {
    await notThere(promises, p)
    const members = ['type', 'bsize', 'blocks', 'bfree', 'bavail', 'files', 'ffree']
    for (const path of ['/', '/dir', '/file', '/link']) {
      const plain = await call('statfs', p(path))
      for (const member of members) t.equal(typeof plain[member], 'number', `${path} ${member}`)
      t.ok(plain.bsize > 0)
      const big = await call('statfs', p(path), { bigint: true })
      for (const member of members) t.equal(typeof big[member], 'bigint', `${path} ${member}`)
    }
    for (const [path, code] of MISSING)
      await fails(t, call('statfs', p(path)), { code, syscall: 'statfs', path: p(path) })
  })

  both('names of every kind', async (t, { call, p, promises }) => {
    const names = [
      'two words',
      ' ',
      '.hidden',
      '..two',
      '...',
      'new\nline',
      '%20',
      'é',
      'e\u0301',
      '日本語',
      '😀',
      'a\u200db',
      '__proto__',
      'constructor',
      'x'.repeat(255),
      'é'.repeat(127)
    ]
    await promises.mkdir(p('/dir'))
    for (const name of names) await call('writeFile', p(`/dir/${name}`), name)
    t.same((await call('readdir', p('/dir'))).sort(), names.toSorted())
    for (const name of names) {
      t.equal(String(await call('readFile', p(`/dir/${name}`))), name)
      t.ok((await call('stat', p(`/dir/${name}`))).isFile())
    }
    for (const name of names) await call('rename', p(`/dir/${name}`), p(`/dir/${name.slice(0, 200)}!`))
    const renamed = names.map((name) => `${name.slice(0, 200)}!`).sort()
    t.same((await call('readdir', p('/dir'))).sort(), renamed)
    for (const name of renamed) await call('unlink', p(`/dir/${name}`))
    for (const name of names) await call('mkdir', p(`/dir/${name}`))
    t.same((await call('readdir', p('/dir'))).sort(), names.toSorted())
    for (const name of names) await call('rmdir', p(`/dir/${name}`))
    t.same(await call('readdir', p('/dir')), [])
  })

  both('a backslash in a name', async (t, { call, p, promises, limits }) => {
    await promises.mkdir(p('/dir/back'), { recursive: true })
    await call('writeFile', p('/dir/back\\slash'), 'text')
    t.same(
      await tree(promises, p('/dir')),
      limits.splitsAtBackslashes ? ['back/', 'back/slash: text'] : ['back/', 'back\\slash: text']
    )
    await call('rename', p('/dir/back\\slash'), p('/dir/file'))
    t.same(await tree(promises, p('/dir')), ['back/', 'file: text'])
  })

  both('a name of 256 bytes is too long', async (t, { call, p, promises }) => {
    for (const name of ['x'.repeat(256), 'é'.repeat(128)]) {
      const path = p(`/${name}`)
      for (const method of ['stat', 'mkdir', 'unlink', 'rmdir'])
        await fails(t, call(method, path), { code: 'ENAMETOOLONG', syscall: method, path })
      await fails(t, call('symlink', 'x', path), {
        code: 'ENAMETOOLONG',
        syscall: 'symlink',
        path: 'x',
        dest: path
      })
    }
    t.equal((await promises.readdir(p('/'))).filter((name: string) => name.length > 99).length, 0)
  })

  both('a name of 256 bytes is too long anywhere in a path', async (t, { call, p, promises }) => {
    const long = 'x'.repeat(256)
    await promises.mkdir(p('/dir'))
    await promises.writeFile(p('/file'), 'text')
    await promises.symlink(`dir/${long}`, p('/link'))
    const code = 'ENAMETOOLONG'
    for (const path of [
      `/${long}/x`,
      `/${long}/x/y`,
      `/dir/${long}/..`,
      `/${long}/../file`,
      '/link',
      '/link/x'
    ]) {
      await fails(t, call('stat', p(path)), { code, syscall: 'stat', path: p(path) })
      await fails(t, call('readFile', p(path)), { code, syscall: 'open', path: p(path) })
    }
    for (const path of [`/${long}/x`, `/${long}`]) {
      await fails(t, call('rm', p(path)), { code, syscall: 'lstat', path: p(path) })
      await fails(t, call('mkdir', p(path), { recursive: true }), { code, syscall: 'mkdir', path: p(path) })
    }
    await fails(t, call('stat', p(`/none/${long}`)), {
      code: 'ENOENT',
      syscall: 'stat',
      path: p(`/none/${long}`)
    })
    const through = p(`/file/${long}/x`)
    await fails(t, call('stat', through), { code: 'ENOTDIR', syscall: 'stat', path: through })
  })

  both('a path and the text of a link have at most 4095 bytes', async (t, { call, p, promises }) => {
    const [longest, longer] = ['a/'.repeat(2047) + 'a', 'é/'.repeat(1365) + 'a']
    t.same([Buffer.byteLength(longest), Buffer.byteLength(longer)], [4095, 4096])
    await call('symlink', longest, p('/link'))
    t.equal(await promises.readlink(p('/link')), longest)
    for (const target of [longer, 'x'.repeat(5000)]) {
      const err = await outcome(call('symlink', target, p('/none')))
      t.same([err?.code, err?.syscall, err?.dest], ['ENAMETOOLONG', 'symlink', p('/none')])
    }
    for (const path of [longer, 'none/'.repeat(1000)]) {
      t.equal((await outcome(call('stat', p(`/${path}`))))?.code, 'ENAMETOOLONG')
      t.equal((await outcome(call('writeFile', p(`/${path}`), 'x')))?.code, 'ENAMETOOLONG')
    }
    await promises.unlink(p('/link'))
  })

  both('a path is a string, a Buffer or a file: URL', async (t, { call, p, promises }) => {
    for (const as of [(path: string) => path, buffer, pathToFileURL, bytes] as const) {
      const q = (path: string) => as(p(path))
      await promises.mkdir(p('/é dir'))
      await call('writeFile', q('/é dir/a file'), 'text')
      t.equal(await call('readFile', q('/é dir/a file'), 'utf8'), 'text')
      t.equal((await call('stat', q('/é dir/a file'))).size, 4)
      t.equal((await call('lstat', q('/é dir/a file'))).size, 4)
      t.same(await call('readdir', q('/é dir')), ['a file'])
      await call('access', q('/é dir/a file'))
      await call('chmod', q('/é dir/a file'), 0o600)
      await call('utimes', q('/é dir/a file'), 1, 1)
      await call('appendFile', q('/é dir/a file'), '!')
      await call('truncate', q('/é dir/a file'), 4)
      await call('copyFile', q('/é dir/a file'), q('/é dir/copy'))
      await call('rename', q('/é dir/copy'), q('/é dir/moved'))
      await call('symlink', 'moved', q('/é dir/link'))
      t.equal(await call('readlink', q('/é dir/link')), 'moved')
      // Node's own, by callback, does not know a Uint8Array.
      if (as !== bytes) t.equal(await call('realpath', q('/é dir/link')), p('/é dir/moved'))
      await call('mkdir', q('/é dir/sub'))
      await call('mkdtemp', q('/é dir/sub/'))
      t.equal((await promises.readdir(p('/é dir/sub'))).length, 1)
      await (await call('opendir', q('/é dir/sub'))).close()
      await call('rm', q('/é dir/sub'), { recursive: true })
      await call('unlink', q('/é dir/link'))
      t.same(await tree(promises, p('/é dir')), ['a file: text', 'moved: text'])
      await fails(t, call('stat', q('/é dir/none')), {
        code: 'ENOENT',
        syscall: 'stat',
        path: p('/é dir/none')
      })
      await promises.rm(p('/é dir'), { recursive: true })
    }
  })

  both('a path that is none', async (t, ground) => {
    const { call } = ground
    const methods: [method: string, syscall: string, args?: unknown[]][] = [
      ['stat', 'stat'],
      ['lstat', 'lstat'],
      ['access', 'access'],
      ['readdir', 'scandir'],
      ['opendir', 'opendir'],
      ['mkdir', 'mkdir'],
      ['rmdir', 'rmdir'],
      ['rm', 'lstat'],
      ['unlink', 'unlink'],
      ['readlink', 'readlink'],
      ['chmod', 'chmod', [0o600]],
      ['utimes', 'utime', [1, 1]],
      ['lutimes', 'lutime', [1, 1]],
      ['chown', 'chown', [0, 0]],
      ['statfs', 'statfs'],
      ['readFile', 'open'],
      ['writeFile', 'open', ['text']],
      ['appendFile', 'open', ['text']],
      ['truncate', 'open', [0]],
      ['open', 'open', ['r']]
    ]
    for (const [method, syscall, args = []] of methods) {
      // `readFile` and its like take a descriptor for a path.
      const numbers = ['readFile', 'writeFile', 'appendFile', 'truncate'].includes(method) ? [] : [5, -1]
      for (const path of [undefined, null, true, {}, [], () => '/', ...numbers]) {
        const what = `${method} of ${inspect(path)}`
        await refuses(t, ground, method, [path, ...args], { code: 'ERR_INVALID_ARG_TYPE' }, what)
      }
      for (const path of ['a\0b', Buffer.from('a\0b'), new URL('file:///a%00b')])
        await refuses(t, ground, method, [path, ...args], { code: 'ERR_INVALID_ARG_VALUE' })
      const remote = new URL('http://example.com/file')
      await refuses(t, ground, method, [remote, ...args], { code: 'ERR_INVALID_URL_SCHEME' })
      for (const path of ['', Buffer.alloc(0)]) {
        await fails(t, call(method, path, ...args), { code: 'ENOENT', syscall, path: '' }, method)
      }
    }
  })

  both('the messages of a path that is none', async (t, ground) => {
    const { p } = ground
    const type = 'must be of type string or an instance of Buffer or URL. Received'
    const nul = "must be a string, Uint8Array, or URL without null bytes. Received 'a\\x00b'"
    for (const [method, args, name] of [
      ['stat', [], 'path'],
      ['rename', [p('/x')], 'oldPath'],
      ['copyFile', [p('/x')], 'src'],
      ['cp', [p('/x')], 'src'],
      ['symlink', [p('/x')], 'target'],
      ['mkdtemp', [], 'prefix']
    ] as const) {
      await refuses(t, ground, method, [5, ...args], {
        code: 'ERR_INVALID_ARG_TYPE',
        message: `The "${name}" argument ${type} type number (5)`
      })
      await refuses(t, ground, method, [undefined, ...args], {
        code: 'ERR_INVALID_ARG_TYPE',
        message: `The "${name}" argument ${type} undefined`
      })
      await refuses(t, ground, method, ['a\0b', ...args], {
        code: 'ERR_INVALID_ARG_VALUE',
        message: `The argument '${name}' ${nul}`
      })
    }
    for (const [method, name] of [
      ['rename', 'newPath'],
      ['copyFile', 'dest'],
      ['cp', 'dest'],
      ['symlink', 'path']
    ] as const) {
      await refuses(t, ground, method, [p('/x'), {}], {
        code: 'ERR_INVALID_ARG_TYPE',
        message: `The "${name}" argument ${type} an instance of Object`
      })
    }
  })
}

const NUMBERS = [
  'dev',
  'ino',
  'mode',
  'nlink',
  'uid',
  'gid',
  'rdev',
  'size',
  'blksize',
  'blocks',
  'atimeMs',
  'mtimeMs',
  'ctimeMs',
  'birthtimeMs'
]
const DATES = ['atime', 'mtime', 'ctime', 'birthtime']

/** Paths among those of `notThere` that lead nowhere, for what follows links. */
const MISSING = [
  ['/none', 'ENOENT'],
  ['/none/below', 'ENOENT'],
  ['/dangling', 'ENOENT'],
  ['/file/below', 'ENOTDIR'],
  ['/file/', 'ENOTDIR'],
  ['/loop', 'ELOOP'],
  ['/loop/below', 'ELOOP']
] as const

function buffer(path: string): Buffer {
  return Buffer.from(path)
}

function bytes(path: string): Uint8Array {
  return new Uint8Array(Buffer.from(path))
}
