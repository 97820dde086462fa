import { constants, Dir, type Dirent } from 'node:fs'
import { constants as os } from 'node:os'
import { inspect } from 'node:util'
import type { Test } from 'tape'
import {
  caller,
  fails,
  failsInside,
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

/** What is in folders: listing, making and removing. */
export function fsTreeSuite(kind: FsKind): void {
  const both = (title: string, body: (t: Test, ground: Ground) => Promise<void>, skip = false) =>
    styles(kind, title, body, { skip })

  both('readdir(folder)', async (t, { call, p, promises }) => {
    const root = await call('readdir', p('/'))
    await fill(promises, p)
    t.same(added(await call('readdir', p('/')), root), ['dir', 'empty', 'top'])
    for (const path of ['/dir', '/dir/', '/dir/.', '//dir//', '/dir/sub/..', '/empty/../dir', '/top'])
      t.same((await call('readdir', p(path))).sort(), ['a', 'a0', 'file', 'link', 'sub', 'é'], path)
    t.same(await call('readdir', p('/empty')), [])
    t.same(await call('readdir', p('/dir/sub/deep')), ['file'])
    t.same((await call('readdir', p('/dir'), null)).length, 6)
    t.same((await call('readdir', p('/dir'), {})).length, 6)
    t.same((await call('readdir', p('/dir'), undefined)).length, 6)
  })

  both('readdir(folder, { encoding })', async (t, { call, p, promises }) => {
    await promises.mkdir(p('/dir'))
    await promises.writeFile(p('/dir/é'), '')
    t.same(await call('readdir', p('/dir'), 'utf8'), ['é'])
    t.same(await call('readdir', p('/dir'), { encoding: 'utf8' }), ['é'])
    t.same(await call('readdir', p('/dir'), 'buffer'), [Buffer.from('é')])
    t.same(await call('readdir', p('/dir'), { encoding: 'buffer' }), [Buffer.from('é')])
    t.same(await call('readdir', p('/dir'), 'hex'), ['c3a9'])
    t.same(await call('readdir', p('/dir'), { encoding: 'base64' }), ['w6k='])
    const [dirent] = await call('readdir', p('/dir'), { encoding: 'buffer', withFileTypes: true })
    t.same(dirent.name, Buffer.from('é'))
    t.ok(dirent.isFile())
  })

  both('readdir(folder, { withFileTypes: true })', async (t, { call, p, promises }) => {
    await fill(promises, p)
    const dirents: Dirent[] = await call('readdir', p('/dir'), { withFileTypes: true })
    t.same(Object.fromEntries(dirents.map((dirent) => [dirent.name, types(dirent).join()])), {
      a: 'isDirectory',
      a0: 'isFile',
      file: 'isFile',
      link: 'isSymbolicLink',
      sub: 'isDirectory',
      é: 'isFile'
    })
    for (const { parentPath, path } of dirents as any[]) t.same([parentPath, path], [p('/dir'), p('/dir')])
    const [inTop] = await call('readdir', p('/top/'), { withFileTypes: true })
    t.equal(inTop.parentPath, p('/top/'), 'the folder as it was asked for')
    t.same(await call('readdir', p('/empty'), { withFileTypes: true }), [])
  })

  both('readdir(folder, { recursive: true })', async (t, { call, p, promises }) => {
    await fill(promises, p)
    t.same((await call('readdir', p('/dir'), { recursive: true })).sort(), BELOW)
    t.same((await call('readdir', p('/dir/'), { recursive: true, encoding: 'utf8' })).sort(), BELOW)
    t.same((await call('readdir', p('/dir'), { recursive: false })).length, 6)
    t.same(await call('readdir', p('/empty'), { recursive: true }), [])
    for (const [path, code] of [
      ['/none', 'ENOENT'],
      ['/dir/file', 'ENOTDIR']
    ] as const) {
      await fails(t, call('readdir', p(path), { recursive: true }), {
        code,
        syscall: 'scandir',
        path: p(path)
      })
    }
  })

  both('readdir(folder, { recursive: true, withFileTypes: true })', async (t, { call, p, promises }) => {
    await fill(promises, p)
    const dirents: Dirent[] = await call('readdir', p('/dir'), { recursive: true, withFileTypes: true })
    const found = dirents.map((dirent) => `${dirent.parentPath}/${dirent.name}: ${types(dirent).join()}`)
    t.same(
      found.sort(),
      [
        '/dir/sub: isDirectory',
        '/dir/a/x: isFile',
        '/dir/a: isDirectory',
        '/dir/a0: isFile',
        '/dir/file: isFile',
        '/dir/link: isSymbolicLink',
        '/dir/sub/deep/file: isFile',
        '/dir/sub/deep: isDirectory',
        '/dir/sub/none: isDirectory',
        '/dir/é: isFile'
      ]
        .map(p)
        .sort()
    )
  })

  both('readdir(folder, { recursive: true }) and links', async (t, { call, p, promises, limits }) => {
    await fill(promises, p)
    await promises.symlink('../../dir/a', p('/dir/sub/other'))
    const linked = ['sub/other', ...(limits.entersNoLinks ? [] : ['sub/other/x'])]
    t.same((await call('readdir', p('/dir'), { recursive: true })).sort(), [...BELOW, ...linked].sort())
    const dirents: Dirent[] = await call('readdir', p('/dir'), { recursive: true, withFileTypes: true })
    t.equal(dirents.filter(({ parentPath }) => parentPath.endsWith('other')).length, 0)
  })

  both(
    'readdir(folder, { recursive: true }) in other encodings',
    async (t, { call, p, promises, limits }) => {
      await fill(promises, p)
      const found = await outcome(async () => {
        const names: Buffer[] = await call('readdir', p('/dir'), { recursive: true, encoding: 'buffer' })
        const hex: string[] = await call('readdir', p('/dir'), { recursive: true, encoding: 'hex' })
        t.same(names.map(String).sort(), BELOW)
        t.same(hex.sort(), BELOW.map((name) => Buffer.from(name).toString('hex')).sort())
      })
      t.equal(found?.code, limits.listsTreesInAllEncodings ? undefined : 'ERR_INVALID_ARG_TYPE')
    }
  )

  both('readdir(folder, { withFileTypes }) with any value that is true', async (t, { call, p, promises }) => {
    await promises.mkdir(p('/dir/sub'), { recursive: true })
    for (const withFileTypes of [1, 'yes'])
      t.ok((await call('readdir', p('/dir'), { withFileTypes }))[0].isDirectory())
    t.same(await call('readdir', p('/dir'), { withFileTypes: 0 }), ['sub'])
  })

  once(
    kind,
    'readdir(path, { recursive: true }, cb) of what is no folder',
    async (t, { fs, limits, p }) => {
      let returned = false
      const given = new Promise<any>((resolve) => {
        fs.readdir(p('/none'), { recursive: true }, resolve)
        returned = true
      })
      t.equal((await given.catch((err: unknown) => err))?.code, 'ENOENT')
      t.equal(returned, limits.listsTreesInAllEncodings === true, 'called back, or thrown')
    },
    { style: 'callback' }
  )

  both('readdir(path) of what is no folder', async (t, ground) => {
    const { call, p, promises } = ground
    await notThere(promises, p)
    for (const [path, code] of [
      ['/none', 'ENOENT'],
      ['/none/below', 'ENOENT'],
      ['/dangling', 'ENOENT'],
      ['/file', 'ENOTDIR'],
      ['/link', 'ENOTDIR'],
      ['/file/below', 'ENOTDIR'],
      ['/file/..', 'ENOTDIR'],
      ['/loop', 'ELOOP']
    ] as const) {
      const expected = { code, syscall: 'scandir', path: p(path) }
      await fails(t, call('readdir', p(path)), expected)
      await fails(t, call('readdir', p(path), { withFileTypes: true }), expected)
    }
    const invalid = { code: 'ERR_INVALID_ARG_VALUE' }
    await refuses(t, ground, 'readdir', [p('/'), 'nonsense'], invalid)
    await refuses(t, ground, 'readdir', [p('/'), { encoding: 'nonsense' }], invalid)
    await refuses(t, ground, 'readdir', [p('/'), 5], { code: 'ERR_INVALID_ARG_TYPE' })
  })

  both('opendir(folder) is read to null', async (t, { call, p, promises }) => {
    await fill(promises, p)
    const dir = await call('opendir', p('/dir/'))
    t.equal(dir.path, p('/dir/'))
    const seen: string[] = []
    for (let dirent = await dir.read(); dirent !== null; dirent = await dir.read()) {
      t.equal(dirent.parentPath, p('/dir/'))
      seen.push(`${dirent.name}: ${types(dirent).join()}`)
    }
    t.same(seen.sort(), LISTED)
    t.equal(await dir.read(), null)
    t.equal(await dir.close(), undefined)
  })

  both('opendir(folder) by callbacks of the Dir', async (t, { call, p, promises }) => {
    await fill(promises, p)
    const dir = await call('opendir', p('/dir'))
    const ask = caller(dir)
    const seen: string[] = []
    for (let dirent = await ask('read'); dirent !== null; dirent = await ask('read')) seen.push(dirent.name)
    t.same(seen.sort(), ['a', 'a0', 'file', 'link', 'sub', 'é'])
    await ask('close')
    t.equal((await outcome(ask('read'))).code, 'ERR_DIR_CLOSED')
    t.equal((await outcome(ask('close'))).code, 'ERR_DIR_CLOSED')
  })

  both('for await (dirent of opendir(folder)) closes it', async (t, { call, p, promises }) => {
    await fill(promises, p)
    const dir = await call('opendir', p('/dir'))
    const seen: string[] = []
    for await (const dirent of dir) seen.push(`${dirent.name}: ${types(dirent).join()}`)
    t.same(seen.sort(), LISTED)
    t.equal((await outcome(() => dir.read())).code, 'ERR_DIR_CLOSED')

    const left = await call('opendir', p('/dir'))
    for await (const dirent of left) {
      t.ok(dirent.name)
      break
    }
    t.equal((await outcome(() => left.close())).code, 'ERR_DIR_CLOSED', 'left early')

    const empty = await call('opendir', p('/empty'))
    for await (const dirent of empty) t.fail(dirent.name)
  })

  both('opendir(folder), closed', async (t, { call, p, promises }) => {
    await promises.mkdir(p('/dir'))
    const dir = await call('opendir', p('/dir'))
    await dir.close()
    for (const use of [() => dir.read(), () => dir.close(), () => dir[Symbol.asyncIterator]().next()]) {
      const err = await outcome(use)
      t.equal(err?.code, 'ERR_DIR_CLOSED')
      t.equal(err?.message, 'Directory handle was closed')
    }
  })

  both('the callbacks of a Dir', async (t, { call, p, promises }) => {
    await promises.mkdir(p('/dir/sub'), { recursive: true })
    const dir = await call('opendir', p('/dir'))
    const given = (method: string) =>
      new Promise<any>((resolve) => dir[method]((...results: unknown[]) => resolve(results)))
    t.equal((await given('read'))[1].name, 'sub')
    t.same(await given('read'), [null, null])
    for (const method of ['read', 'close'])
      t.equal((await outcome(async () => dir[method](5)))?.code, 'ERR_INVALID_ARG_TYPE', method)
    t.same(await given('close'), [null])
    t.equal((await outcome(() => given('read')))?.code, 'ERR_DIR_CLOSED', 'thrown')
    t.equal((await given('close'))[0]?.code, 'ERR_DIR_CLOSED', 'called back')
  })

  both('opendir(folder, { recursive, encoding, bufferSize })', async (t, { call, p, promises }) => {
    await fill(promises, p)
    const names: string[] = []
    for await (const { parentPath, name } of await call('opendir', p('/dir'), { recursive: true }))
      names.push(`${parentPath}/${name}`)
    t.same(names.sort(), BELOW.map((path) => p(`/dir/${path}`)).sort())
    const bytes: Buffer[] = []
    for await (const { name } of await call('opendir', p('/dir/a'), { encoding: 'buffer', bufferSize: 1 }))
      bytes.push(name)
    t.same(bytes, [Buffer.from('x')])
  })

  both('opendir(folder) gives a Dir of node:fs, with entries()', async (t, { call, p, promises }) => {
    await fill(promises, p)
    const dir = await call('opendir', p('/dir'))
    t.ok(dir instanceof Dir)
    t.equal(dir.path, p('/dir'))
    const names: string[] = []
    for await (const { name } of dir.entries()) names.push(name)
    t.same(names.sort(), ['a', 'a0', 'file', 'link', 'sub', 'é'])
    t.equal((await outcome(dir.close()))?.code, 'ERR_DIR_CLOSED', 'it is closed by then')
    for (const recursive of [3, 'yes', {}, 0, '', null]) {
      const found: string[] = []
      for await (const { name } of await call('opendir', p('/dir'), { recursive })) found.push(name)
      t.equal(found.length, recursive ? BELOW.length : 6, `recursive: ${inspect(recursive)}`)
    }
  })

  both('opendir(path) of what is no folder', async (t, { call, p, promises }) => {
    await notThere(promises, p)
    for (const [path, code] of [
      ['/none', 'ENOENT'],
      ['/dangling', 'ENOENT'],
      ['/file', 'ENOTDIR'],
      ['/link', 'ENOTDIR'],
      ['/file/below', 'ENOTDIR'],
      ['/loop', 'ELOOP']
    ] as const)
      await fails(t, call('opendir', p(path)), { code, syscall: 'opendir', path: p(path) })
  })

  both('mkdir(path, { mode })', async (t, { call, p, promises }) => {
    const mode = async (path: string) => (await promises.stat(p(path))).mode & 0o7777
    t.equal(await call('mkdir', p('/plain')), undefined)
    t.equal(await mode('/plain'), 0o755)
    await call('mkdir', p('/number'), 0o700)
    t.equal(await mode('/number'), 0o700)
    await call('mkdir', p('/text'), '750')
    t.equal(await mode('/text'), 0o750)
    await call('mkdir', p('/option'), { mode: 0o777 })
    t.equal(await mode('/option'), 0o755, 'less the umask')
    await call('mkdir', p('/option/text'), { mode: '0711' })
    t.equal(await mode('/option/text'), 0o711)
    await call('mkdir', p('/sticky'), 0o1777)
    t.equal(await mode('/sticky'), 0o1755)
    t.equal(await call('mkdir', p('/deep/one'), { recursive: true, mode: 0o700 }), p('/deep'))
    t.same([await mode('/deep'), await mode('/deep/one')], [0o700, 0o700])
    for (const [i, none] of [true, false, null, 1n, Symbol('none'), []].entries()) {
      t.equal(await call('mkdir', p(`/none-${i}`), none), undefined)
      t.equal(await mode(`/none-${i}`), 0o755, `${inspect(none)} is no option`)
    }
    await call('mkdir', p('/slash/'))
    t.equal(await mode('/slash'), 0o755)
  })

  both('mkdir(path, { recursive: true }) gives the first path that it made', async (t, ground) => {
    const { call, p, promises } = ground
    const make = (path: string) => call('mkdir', p(path), { recursive: true })
    await promises.mkdir(p('/dir'))
    await promises.symlink('dir', p('/link'))
    t.equal(await make('/a/b/c'), p('/a'))
    t.equal(await make('/a/b/c/d'), p('/a/b/c/d'))
    t.equal(await make('/a/b'), undefined)
    t.equal(await make('/a/b/'), undefined)
    t.equal(await make('/'), undefined)
    t.equal(await make('/link'), undefined)
    t.equal(await make('/link/x/y'), p('/link/x'))
    t.equal(await make('/dir/../e'), p('/dir/../e'))
    t.equal(await call('mkdir', p('/plain'), { recursive: false }), undefined)
    t.same(await tree(promises, p('/a')), ['b/', 'b/c/', 'b/c/d/'])
    t.same(await tree(promises, p('/dir')), ['x/', 'x/y/'])
    t.ok((await promises.stat(p('/e'))).isDirectory())
  })

  both('mkdir(path) where it cannot be', async (t, { call, p, promises }) => {
    await notThere(promises, p)
    const expect = async (path: string, code: 'EEXIST' | 'ENOENT' | 'ENOTDIR' | 'ELOOP', opts?: object) =>
      fails(t, call('mkdir', p(path), opts), { code, syscall: 'mkdir', path: p(path) }, opts && 'recursive')
    await expect('/file', 'EEXIST')
    await expect('/dir', 'EEXIST')
    await expect('/dir/', 'EEXIST')
    await expect('/dir/.', 'EEXIST')
    await expect('/link', 'EEXIST')
    await expect('/dangling', 'EEXIST')
    await expect('/loop', 'EEXIST')
    await expect('/', 'EEXIST')
    await expect('/none/x', 'ENOENT')
    await expect('/none/../x', 'ENOENT')
    await expect('/file/x', 'ENOTDIR')
    await expect('/link/x', 'ENOTDIR')
    await expect('/loop/x', 'ELOOP')
    await expect('/file', 'EEXIST', { recursive: true })
    await expect('/link', 'EEXIST', { recursive: true })
    await expect('/file/x', 'ENOTDIR', { recursive: true })
    await expect('/file/x/y', 'ENOTDIR', { recursive: true })
    await expect('/loop/x', 'ELOOP', { recursive: true })
    await fails(t, call('mkdir', ''), { code: 'ENOENT', syscall: 'mkdir', path: '' })
    t.same(await tree(promises, p('/dir')), [])
  })

  both('mkdir(path, mode) of modes that are none', async (t, ground) => {
    const path = ground.p('/dir')
    const outside = { code: 'ERR_OUT_OF_RANGE', name: 'RangeError' } as const
    await refuses(t, ground, 'mkdir', [path, -1], outside)
    await refuses(t, ground, 'mkdir', [path, { mode: 1.5 }], outside)
    await refuses(t, ground, 'mkdir', [path, { mode: 'rwx' }], { code: 'ERR_INVALID_ARG_VALUE' })
    await refuses(t, ground, 'mkdir', [path, { recursive: 'yes' }], { code: 'ERR_INVALID_ARG_TYPE' })
    t.equal(await outcome(ground.promises.mkdir(path)), undefined, 'nothing was made')
  })

  both('mkdtemp(prefix)', async (t, { call, p, promises }) => {
    const made: string[] = []
    for (let i = 0; i < 10; i++) made.push(await call('mkdtemp', p('/tmp-')))
    for (const path of made) {
      t.equal(path.slice(0, -6), p('/tmp-'))
      t.match(path.slice(-6), /^[A-Za-z0-9]{6}$/)
      t.equal((await promises.stat(path)).mode, constants.S_IFDIR | 0o700)
    }
    t.equal(new Set(made).size, 10)
    await promises.mkdir(p('/dir'))
    t.equal((await call('mkdtemp', p('/dir/'))).length, p('/dir/').length + 6)
    t.equal((await promises.readdir(p('/dir'))).length, 1)
    const buffer = await call('mkdtemp', p('/tmp-'), 'buffer')
    t.ok(Buffer.isBuffer(buffer))
    t.ok((await promises.stat(buffer)).isDirectory())
    const hex = await call('mkdtemp', p('/tmp-'), { encoding: 'hex' })
    t.ok((await promises.stat(Buffer.from(hex, 'hex'))).isDirectory())
  })

  both('mkdtemp(prefix) where it cannot be', async (t, ground) => {
    const { call, p, promises } = ground
    await promises.writeFile(p('/file'), '')
    for (const [prefix, code, says] of [
      ['/none/x-', 'ENOENT', 'no such file or directory'],
      ['/file/x-', 'ENOTDIR', 'not a directory']
    ] as const) {
      const err = await outcome(call('mkdtemp', p(prefix)))
      t.same([err?.code, err?.syscall, err?.errno], [code, 'mkdtemp', -os.errno[code]])
      t.equal(err?.path.slice(0, -6), p(prefix))
      t.equal(err?.message, `${code}: ${says}, mkdtemp '${err?.path}'`)
    }
    for (const none of ['', Buffer.alloc(0)]) {
      const err = await outcome(call('mkdtemp', none))
      t.same([err?.code, err?.syscall, err?.errno], ['EINVAL', 'mkdtemp', -os.errno.EINVAL])
    }
    await refuses(t, ground, 'mkdtemp', [5], { code: 'ERR_INVALID_ARG_TYPE' })
    await refuses(t, ground, 'mkdtemp', ['a\0'], { code: 'ERR_INVALID_ARG_VALUE' })
  })

  both('rmdir(path)', async (t, { call, p, promises }) => {
    await promises.mkdir(p('/dir/sub'), { recursive: true })
    t.equal(await call('rmdir', p('/dir/sub')), undefined)
    t.same(await promises.readdir(p('/dir')), [])
    await call('rmdir', p('/dir/'))
    const gone = { code: 'ENOENT', syscall: 'stat', path: p('/dir') } as const
    await fails(t, promises.stat(p('/dir')), gone)
    await fails(t, call('rmdir', p('/dir')), { ...gone, syscall: 'rmdir' })
  })

  both('rmdir(path) of what it does not remove', async (t, { call, p, promises }) => {
    await notThere(promises, p)
    await promises.mkdir(p('/full/sub'), { recursive: true })
    await promises.mkdir(p('/links'))
    await promises.symlink('nowhere', p('/links/dangling'))
    await promises.symlink('dir', p('/to-dir'))
    for (const [path, code] of [
      ['/full', 'ENOTEMPTY'],
      ['/links', 'ENOTEMPTY'],
      ['/full/sub/..', 'ENOTEMPTY'],
      ['/full/.', 'EINVAL'],
      ['/file', 'ENOTDIR'],
      ['/file/', 'ENOTDIR'],
      ['/file/below', 'ENOTDIR'],
      ['/link', 'ENOTDIR'],
      ['/to-dir', 'ENOTDIR'],
      ['/to-dir/', 'ENOTDIR'],
      ['/dangling', 'ENOTDIR'],
      ['/none', 'ENOENT'],
      ['/none/below', 'ENOENT'],
      ['/loop/below', 'ELOOP']
    ] as const)
      await fails(t, call('rmdir', p(path)), { code, syscall: 'rmdir', path: p(path) })
    t.same(await tree(promises, p('/full')), ['sub/'])
    t.same(await tree(promises, p('/links')), ['dangling -> nowhere'])
    t.ok((await promises.stat(p('/to-dir'))).isDirectory())
  })

  both('rmdir(path, { recursive: true })', async (t, ground) => {
    const { call, limits, p, promises, style } = ground
    await notThere(promises, p)
    await promises.mkdir(p('/full/sub/low'), { recursive: true })
    await promises.writeFile(p('/full/sub/file'), '')
    await promises.symlink('full', p('/to-full'))
    const opts = { recursive: true }
    // Node's promise follows a link, and removes it when it leads to a folder.
    const follows = style === 'promise' && !limits.rmdirFollowsNoLinks
    const links = follows ? [['/dangling', 'ENOENT']] : ['/to-full', '/dangling'].map((at) => [at, 'ENOTDIR'])
    for (const [path, code] of [['/file', 'ENOTDIR'], ['/link', 'ENOTDIR'], ['/loop/x', 'ELOOP'], ...links])
      t.equal((await outcome(call('rmdir', p(path!), opts)))?.code, code, path)
    const about = { syscall: follows ? 'stat' : 'lstat' }
    await fails(t, call('rmdir', p('/none'), opts), { ...about, code: 'ENOENT', path: p('/none') })
    await fails(t, call('rmdir', p('/file/x'), opts), { ...about, code: 'ENOTDIR', path: p('/file/x') })
    for (const [bad, code, name] of [
      [{ recursive: 1 }, 'ERR_INVALID_ARG_TYPE', 'TypeError'],
      [{ recursive: true, maxRetries: -1 }, 'ERR_OUT_OF_RANGE', 'RangeError']
    ] as const)
      await refuses(t, ground, 'rmdir', [p('/full'), bad], { code, name })
    t.same(await promises.readdir(p('/full')), ['sub'], 'nothing is removed so far')

    t.equal(await call('rmdir', p('/full/sub'), opts), undefined)
    t.same(await promises.readdir(p('/full')), [])
    await fails(t, call('rmdir', p('/full/.'), opts), {
      code: 'EINVAL',
      syscall: 'rmdir',
      path: p('/full/.')
    })
    await call('rmdir', p('/dir'), { recursive: false })
    await fails(t, promises.stat(p('/dir')), { code: 'ENOENT', syscall: 'stat', path: p('/dir') })
  })

  both('unlink(path) of files and links', async (t, { call, p, promises }) => {
    await notThere(promises, p)
    await promises.symlink('dir', p('/to-dir'))
    await promises.writeFile(p('/dir/last'), '')
    t.equal(await call('unlink', p('/link')), undefined)
    for (const path of ['/dangling', '/loop', '/to-dir', '/dir/last']) await call('unlink', p(path))
    t.same(await promises.readdir(p('/dir')), [], 'a folder stays when its last file goes')
    t.equal(await promises.readFile(p('/file'), 'utf8'), 'text')
    await call('unlink', p('/file'))
    for (const path of ['/file', '/link', '/dangling', '/loop', '/to-dir', '/dir/last']) {
      await fails(t, promises.lstat(p(path)), { code: 'ENOENT', syscall: 'lstat', path: p(path) })
      await fails(t, call('unlink', p(path)), { code: 'ENOENT', syscall: 'unlink', path: p(path) })
    }
  })

  both('folders stay when their last files go', async (t, ground) => {
    const { call, p, promises } = ground
    await promises.mkdir(p('/a/b'), { recursive: true })
    for (const path of ['/a/b/one', '/a/b/two']) await call('writeFile', p(path), '')
    for (const path of ['/a/b/one', '/a/b/two']) await call('unlink', p(path))
    t.same(await tree(promises, p('/a')), ['b/'])
    await call('rmdir', p('/a/b'))
    t.same(await tree(promises, p('/a')), [])
  })

  both('unlink(path) of what it does not remove', async (t, { call, p, promises }) => {
    await notThere(promises, p)
    await promises.symlink('dir', p('/to-dir'))
    for (const [path, code] of [
      ['/dir', 'EISDIR'],
      ['/dir/', 'EISDIR'],
      ['/dir/.', 'EISDIR'],
      ['/', 'EISDIR'],
      ['/to-dir/', 'ENOTDIR'],
      ['/file/', 'ENOTDIR'],
      ['/file/below', 'ENOTDIR'],
      ['/link/below', 'ENOTDIR'],
      ['/none', 'ENOENT'],
      ['/none/below', 'ENOENT'],
      ['/dangling/below', 'ENOENT'],
      ['/loop/below', 'ELOOP']
    ] as const)
      await fails(t, call('unlink', p(path)), { code, syscall: 'unlink', path: p(path) })
    t.equal(await promises.readFile(p('/link'), 'utf8'), 'text')
    t.ok((await promises.stat(p('/to-dir'))).isDirectory())
  })

  both(
    'rm(path, { recursive: true }) of a path that ends oddly',
    async (t, { call, p, promises, limits }) => {
      const opts = { recursive: true }
      await promises.mkdir(p('/top/a/b'), opts)
      await promises.writeFile(p('/top/a/file'), 'text')
      await promises.symlink('a', p('/top/link'))
      await fails(t, call('rm', p('/top/a/.'), opts), {
        code: 'EINVAL',
        syscall: 'rmdir',
        path: p('/top/a/.')
      })
      if (limits.saysWhatIsRemoved) {
        await fails(t, call('rm', p('/top/link/'), opts), {
          code: 'ENOTDIR',
          syscall: 'lstat',
          path: p('/top/link/')
        })
      } else await call('rm', p('/top/link/'), opts)
      t.same(await promises.readdir(p('/top')), ['a', 'link'])
      await call('rm', p('/top/a/b/..'), opts)
      t.same(await promises.readdir(p('/top')), limits.saysWhatIsRemoved ? ['link'] : ['a', 'link'])
    }
  )

  both('rm(path)', async (t, { call, p, promises }) => {
    await notThere(promises, p)
    await promises.symlink('dir', p('/to-dir'))
    for (const path of ['/link', '/dangling', '/loop', '/to-dir'])
      t.equal(await call('rm', p(path)), undefined)
    await call('rm', p('/file'), {})
    t.ok((await promises.stat(p('/dir'))).isDirectory())
    for (const path of ['/link', '/dangling', '/loop', '/to-dir', '/file'])
      t.equal((await outcome(promises.lstat(p(path))))?.code, 'ENOENT', path)
  })

  both('rm(path, { recursive: true })', async (t, { call, p, promises }) => {
    await promises.mkdir(p('/keep'))
    await promises.writeFile(p('/keep/file'), 'kept')
    await fill(promises, p)
    await promises.symlink('../keep', p('/dir/out'))
    t.equal(await call('rm', p('/dir'), { recursive: true }), undefined)
    t.equal((await outcome(promises.lstat(p('/dir'))))?.code, 'ENOENT')
    t.same(await tree(promises, p('/keep')), ['file: kept'], 'a link is not followed')
    await call('rm', p('/empty'), { recursive: true, force: true })
    await call('rm', p('/keep/file'), { recursive: true })
    await call('rm', p('/top'), { recursive: true })
    t.same(await tree(promises, p('/keep')), [])
    await promises.mkdir(p('/dir'))
    t.same(await promises.readdir(p('/dir')), [], 'nothing comes back')
  })

  both('rm(folder) without recursive is ERR_FS_EISDIR', async (t, { call, p, promises }) => {
    await promises.mkdir(p('/dir'))
    await promises.symlink('dir', p('/link'))
    for (const opts of [undefined, {}, { force: true }, { recursive: false }]) {
      await failsInside(t, opts ? call('rm', p('/dir'), opts) : call('rm', p('/dir')), {
        code: 'ERR_FS_EISDIR',
        syscall: 'rm',
        path: p('/dir'),
        says: 'is a directory'
      })
    }
    t.ok((await promises.stat(p('/link'))).isDirectory())
  })

  both('rm(path, { force }) of what is not there', async (t, ground) => {
    const { call, p, promises } = ground
    await notThere(promises, p)
    for (const [path, code] of [
      ['/none', 'ENOENT'],
      ['/none/below', 'ENOENT'],
      ['/file/', 'ENOTDIR'],
      ['/file/below', 'ENOTDIR'],
      ['/loop/below', 'ELOOP']
    ] as const) {
      const expected = { code, syscall: 'lstat', path: p(path) }
      await fails(t, call('rm', p(path)), expected)
      await fails(t, call('rm', p(path), { recursive: true }), expected)
      if (code === 'ENOENT') {
        t.equal(await call('rm', p(path), { force: true }), undefined)
        t.equal(await call('rm', p(path), { force: true, recursive: true }), undefined)
      } else await fails(t, call('rm', p(path), { force: true }), expected)
    }
    for (const opts of [null, 5, { recursive: 1 }, { force: 'yes' }, { retryDelay: 'a' }])
      await refuses(t, ground, 'rm', [p('/file'), opts], { code: 'ERR_INVALID_ARG_TYPE' })
    const outside = { code: 'ERR_OUT_OF_RANGE', name: 'RangeError' } as const
    await refuses(t, ground, 'rm', [p('/file'), { maxRetries: -1 }], outside)
    t.equal(await promises.readFile(p('/link'), 'utf8'), 'text')
  })

  both(
    'the root stays',
    async (t, { call, p, promises }) => {
      await promises.writeFile(p('/file'), 'text')
      await promises.mkdir(p('/dir'))
      for (const path of ['/', '//', '/dir/..'])
        await fails(t, call('rmdir', path), {
          code: path === '/dir/..' ? 'ENOTEMPTY' : 'EBUSY',
          syscall: 'rmdir',
          path
        })
      for (const dest of ['/moved', '/dir/moved'])
        await fails(t, call('rename', '/', dest), { code: 'EBUSY', syscall: 'rename', path: '/', dest })
      await fails(t, call('rename', '/dir', '/'), {
        code: 'EBUSY',
        syscall: 'rename',
        path: '/dir',
        dest: '/'
      })
      await fails(t, call('unlink', '/'), { code: 'EISDIR', syscall: 'unlink', path: '/' })
      await failsInside(t, call('rm', '/'), {
        code: 'ERR_FS_EISDIR',
        syscall: 'rm',
        path: '/',
        says: 'is a directory'
      })
      for (const path of ['/..', '/../..', '/../dir/..']) {
        t.equal((await call('stat', path)).ino, (await call('stat', '/')).ino, path)
        t.ok((await call('readdir', path)).includes('file'), path)
      }
      t.equal(await call('readFile', '/../file', 'utf8'), 'text')
      t.equal((await outcome(call('rm', '/', { recursive: true })))?.code, 'EBUSY')
      t.ok((await call('stat', '/')).isDirectory())
    },
    kind.limits?.isWhole !== true
  )
}

const LISTED = [
  'a0: isFile',
  'a: isDirectory',
  'file: isFile',
  'link: isSymbolicLink',
  'sub: isDirectory',
  'é: isFile'
]
const BELOW = ['a', 'a/x', 'a0', 'file', 'link', 'sub', 'sub/deep', 'sub/deep/file', 'sub/none', 'é']

async function fill(promises: any, p: Ground['p']): Promise<void> {
  await promises.mkdir(p('/dir/sub/deep'), { recursive: true })
  await promises.mkdir(p('/dir/sub/none'))
  await promises.mkdir(p('/dir/a'))
  await promises.mkdir(p('/empty'))
  for (const path of ['/dir/a/x', '/dir/a0', '/dir/file', '/dir/é', '/dir/sub/deep/file'])
    await promises.writeFile(p(path), path)
  await promises.symlink('file', p('/dir/link'))
  await promises.symlink('dir', p('/top'))
}

function added(now: string[], before: string[]): string[] {
  return now.filter((name) => !before.includes(name)).sort()
}
