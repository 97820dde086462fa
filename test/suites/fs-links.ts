import type { Test } from 'tape'
import { fails, notThere, outcome, refuses, styles, tree, types, type FsKind, type Ground } from './fs.ts'

/** Links and the ways through them. */
export function fsLinksSuite(kind: FsKind): void {
  const both = (title: string, body: (t: Test, ground: Ground) => Promise<void>) => styles(kind, title, body)

  both('symlink(target, path) keeps the text of the target', async (t, { call, p, promises }) => {
    await promises.mkdir(p('/dir'))
    const targets = ['file', '../file', '/absolute', './a//b/../c/', '.', '..', '/', 'dïr', 'x'.repeat(1000)]
    for (const target of targets) {
      t.equal(await call('symlink', target, p('/dir/link')), undefined)
      t.equal(await call('readlink', p('/dir/link')), target)
      t.equal((await call('lstat', p('/dir/link'))).size, Buffer.byteLength(target))
      await promises.unlink(p('/dir/link'))
    }
    await call('symlink', Buffer.from('dïr'), p('/dir/link'))
    t.equal(await call('readlink', p('/dir/link')), 'dïr')
    await call('symlink', new URL('file:///a%20b'), p('/dir/url'))
    t.equal(await call('readlink', p('/dir/url')), '/a b')
    for (const type of ['file', 'dir', 'junction', null, undefined]) {
      await promises.unlink(p('/dir/link'))
      await call('symlink', 'target', p('/dir/link'), type)
      t.equal(await call('readlink', p('/dir/link')), 'target', `type ${String(type)}`)
    }
  })

  both('readlink(path, { encoding })', async (t, { call, p, promises }) => {
    await promises.symlink('é', p('/link'))
    t.same(await call('readlink', p('/link'), 'buffer'), Buffer.from('é'))
    t.same(await call('readlink', p('/link'), { encoding: 'buffer' }), Buffer.from('é'))
    t.equal(await call('readlink', p('/link'), 'utf8'), 'é')
    t.equal(await call('readlink', p('/link'), { encoding: 'hex' }), 'c3a9')
    t.equal(await call('readlink', p('/link'), null), 'é')
  })

  both('readlink(path) of what is no link', async (t, ground) => {
    const { call, p, promises } = ground
    await notThere(promises, p)
    await promises.symlink('dir', p('/folder'))
    for (const [path, code] of [
      ['/file', 'EINVAL'],
      ['/dir', 'EINVAL'],
      ['/', 'EINVAL'],
      ['/folder/', 'EINVAL'],
      ['/none', 'ENOENT'],
      ['/none/below', 'ENOENT'],
      ['/dangling/', 'ENOENT'],
      ['/link/', 'ENOTDIR'],
      ['/file/below', 'ENOTDIR'],
      ['/loop/below', 'ELOOP']
    ] as const)
      await fails(t, call('readlink', p(path)), { code, syscall: 'readlink', path: p(path) })
    t.equal(await call('readlink', p('/loop')), 'loop')
    await refuses(t, ground, 'readlink', [p('/link'), 'nonsense'], { code: 'ERR_INVALID_ARG_VALUE' })
  })

  both('symlink(target, path) where it cannot be', async (t, ground) => {
    const { call, p, promises } = ground
    await notThere(promises, p)
    for (const [path, code] of [
      ['/file', 'EEXIST'],
      ['/dir', 'EEXIST'],
      ['/link', 'EEXIST'],
      ['/dangling', 'EEXIST'],
      ['/loop', 'EEXIST'],
      ['/', 'EEXIST'],
      ['/none/x', 'ENOENT'],
      ['/none/', 'ENOENT'],
      ['/dangling/x', 'ENOENT'],
      ['/file/x', 'ENOTDIR'],
      ['/link/x', 'ENOTDIR'],
      ['/loop/x', 'ELOOP']
    ] as const) {
      await fails(t, call('symlink', 'a target', p(path)), {
        code,
        syscall: 'symlink',
        path: 'a target',
        dest: p(path)
      })
    }
    await fails(t, call('symlink', '', p('/new')), {
      code: 'ENOENT',
      syscall: 'symlink',
      path: '',
      dest: p('/new')
    })
    await fails(t, call('symlink', 'x', ''), { code: 'ENOENT', syscall: 'symlink', path: 'x', dest: '' })
    await refuses(t, ground, 'symlink', ['x', p('/new'), 'bad'], {
      code: 'ERR_FS_INVALID_SYMLINK_TYPE',
      name: 'Error',
      message: 'Symlink type must be one of "dir", "file", or "junction". Received "bad"'
    })
    t.equal((await outcome(promises.lstat(p('/new'))))?.code, 'ENOENT')
    t.equal(await promises.readFile(p('/link'), 'utf8'), 'text')
  })

  both('a file through links', async (t, { call, p, promises }) => {
    await promises.mkdir(p('/dir'))
    await promises.writeFile(p('/dir/file'), 'text')
    await promises.symlink('dir/file', p('/relative'))
    await promises.symlink(p('/dir/file'), p('/absolute'))
    await promises.symlink('../absolute', p('/dir/around'))
    await promises.symlink('dir/../dir//./around', p('/winding'))
    for (const path of ['/relative', '/absolute', '/dir/around', '/winding']) {
      t.equal(await call('readFile', p(path), 'utf8'), 'text', path)
      t.equal((await call('stat', p(path))).size, 4, path)
      await call('access', p(path))
    }
    await call('writeFile', p('/winding'), 'other')
    await call('appendFile', p('/absolute'), ' text')
    await call('truncate', p('/relative'), 7)
    t.equal(await promises.readFile(p('/dir/file'), 'utf8'), 'other t')
    t.ok((await promises.lstat(p('/winding'))).isSymbolicLink(), 'the link is still one')
    t.ok((await promises.lstat(p('/absolute'))).isSymbolicLink())
  })

  both('writeFile(link) to nowhere makes what it leads to', async (t, { call, p, promises }) => {
    await promises.mkdir(p('/dir'))
    await promises.symlink('dir/new', p('/link'))
    await promises.symlink('none/new', p('/lost'))
    await call('writeFile', p('/link'), 'text')
    t.equal(await promises.readFile(p('/dir/new'), 'utf8'), 'text')
    t.equal(await promises.readlink(p('/link')), 'dir/new')
    await fails(t, call('writeFile', p('/lost'), 'text'), {
      code: 'ENOENT',
      syscall: 'open',
      path: p('/lost')
    })
    await promises.symlink('dir/newer', p('/other'))
    await fails(t, call('writeFile', p('/other'), 'text', { flag: 'wx' }), {
      code: 'EEXIST',
      syscall: 'open',
      path: p('/other')
    })
    t.same(await tree(promises, p('/dir')), ['new: text'])
  })

  both('a folder through links', async (t, { call, p, promises }) => {
    await promises.mkdir(p('/dir/sub'), { recursive: true })
    await promises.writeFile(p('/dir/sub/file'), 'text')
    await promises.symlink('dir', p('/link'))
    await promises.symlink('link/sub', p('/two'))
    await promises.symlink(p('/two'), p('/dir/three'))
    t.same((await call('readdir', p('/link'))).sort(), ['sub', 'three'])
    t.same(await call('readdir', p('/dir/three')), ['file'])
    t.equal(await call('readFile', p('/link/three/file'), 'utf8'), 'text')
    await call('writeFile', p('/two/new'), 'new')
    await call('mkdir', p('/link/three/made'))
    await call('rename', p('/two/new'), p('/link/moved'))
    await call('copyFile', p('/link/moved'), p('/two/made/copy'))
    await call('unlink', p('/link/sub/file'))
    t.same(await tree(promises, p('/dir')), [
      'moved: new',
      'sub/',
      'sub/made/',
      'sub/made/copy: new',
      `three -> ${p('/two')}`
    ])
  })

  both('dots after a link are those of where it leads', async (t, { call, p, promises }) => {
    await promises.mkdir(p('/a/b/c'), { recursive: true })
    await promises.writeFile(p('/a/b/beside'), 'beside c')
    await promises.writeFile(p('/beside'), 'beside the link')
    await promises.symlink('a/b/c', p('/link'))
    t.equal(await call('readFile', p('/link/../beside'), 'utf8'), 'beside c')
    t.equal(await call('readFile', p('/link/./.././beside'), 'utf8'), 'beside c')
    t.equal(await call('readFile', p('/link/../../../beside'), 'utf8'), 'beside the link')
    t.equal(await call('readFile', p('/a/../beside'), 'utf8'), 'beside the link')
    t.same((await call('readdir', p('/link/..'))).sort(), ['beside', 'c'])
    await call('writeFile', p('/link/../new'), 'new')
    t.equal(await promises.readFile(p('/a/b/new'), 'utf8'), 'new')
    await promises.symlink('link/../beside', p('/through'))
    t.equal(await call('readFile', p('/through'), 'utf8'), 'beside c')
    await fails(t, call('readFile', p('/a/b/beside/../beside')), {
      code: 'ENOTDIR',
      syscall: 'open',
      path: p('/a/b/beside/../beside')
    })
  })

  both('slashes and dots in a path', async (t, { call, p, promises }) => {
    await promises.mkdir(p('/dir/sub'), { recursive: true })
    await promises.writeFile(p('/dir/file'), 'text')
    for (const path of ['//dir//file', '/./dir/./file', '/dir/sub/../file', '/dir/sub/.././/../dir/file'])
      t.equal(await call('readFile', p(path), 'utf8'), 'text', path)
    for (const path of ['/dir/', '/dir//', '/dir/.', '/dir/./', '/dir/sub/..', '/dir/sub/../'])
      t.same(types(await call('lstat', p(path))), ['isDirectory'], path)
    for (const path of ['/dir/file/', '/dir/file/.', '/dir/file/..', '/dir/file//']) {
      for (const [method, syscall] of [
        ['readFile', 'open'],
        ['stat', 'stat'],
        ['access', 'access'],
        ['unlink', 'unlink']
      ] as const)
        await fails(t, call(method, p(path)), { code: 'ENOTDIR', syscall, path: p(path) })
    }
    await fails(t, call('writeFile', p('/dir/new/'), 'x'), {
      code: 'EISDIR',
      syscall: 'open',
      path: p('/dir/new/')
    })
    t.equal(await promises.readFile(p('/dir/file'), 'utf8'), 'text')
  })

  both('links that go in circles', async (t, { call, p, promises }) => {
    await promises.mkdir(p('/dir'))
    await promises.symlink('self', p('/self'))
    await promises.symlink('dir/two', p('/one'))
    await promises.symlink('../one', p('/dir/two'))
    await promises.symlink('deep/x', p('/deep'))
    for (const path of ['/self', '/one', '/dir/two', '/deep', '/self/below', '/one/../dir']) {
      for (const [method, syscall, args = []] of [
        ['stat', 'stat'],
        ['access', 'access'],
        ['readFile', 'open'],
        ['writeFile', 'open', ['text']],
        ['appendFile', 'open', ['text']],
        ['truncate', 'open', [0]],
        ['open', 'open', ['r']],
        ['readdir', 'scandir'],
        ['opendir', 'opendir'],
        ['chmod', 'chmod', [0o600]],
        ['utimes', 'utime', [1, 1]]
      ] as const)
        await fails(t, call(method, p(path), ...args), { code: 'ELOOP', syscall, path: p(path) })
    }
    t.equal(await call('readlink', p('/self')), 'self')
    await call('rename', p('/self'), p('/dir/self'))
    await call('unlink', p('/one'))
    t.same(await tree(promises, p('/dir')), ['self -> self', 'two -> ../one'])
  })

  both('forty links one behind the other, and no more', async (t, { call, p, promises }) => {
    await promises.writeFile(p('/0'), 'text')
    for (let i = 1; i <= 41; i++) await promises.symlink(String(i - 1), p(`/${i}`))
    t.equal(await call('readFile', p('/40'), 'utf8'), 'text')
    t.equal((await call('stat', p('/40'))).size, 4)
    await fails(t, call('stat', p('/41')), { code: 'ELOOP', syscall: 'stat', path: p('/41') })
    await fails(t, call('readFile', p('/41')), { code: 'ELOOP', syscall: 'open', path: p('/41') })
  })

  both('realpath(path)', async (t, { call, p, promises, root }) => {
    await promises.mkdir(p('/dir/sub'), { recursive: true })
    await promises.writeFile(p('/dir/file'), 'text')
    await promises.symlink('dir/file', p('/relative'))
    await promises.symlink(p('/dir'), p('/absolute'))
    await promises.symlink('../relative', p('/dir/up'))
    await promises.symlink('absolute/sub', p('/deep'))
    for (const [path, real] of [
      ['/dir/file', '/dir/file'],
      ['/relative', '/dir/file'],
      ['/absolute', '/dir'],
      ['/absolute/', '/dir'],
      ['/absolute/file', '/dir/file'],
      ['/absolute/up', '/dir/file'],
      ['/deep', '/dir/sub'],
      ['/dir/../dir//sub/./', '/dir/sub']
    ] as const)
      t.equal(await call('realpath', p(path)), p(real), path)
    t.equal(await call('realpath', p('/')), root || '/')
    t.equal(await call('realpath', p('/dir/..')), root || '/')
    t.equal(await call('realpath', '/..'), '/')
    t.same(await call('realpath', p('/relative'), 'buffer'), Buffer.from(p('/dir/file')))
    t.equal(
      await call('realpath', p('/relative'), { encoding: 'hex' }),
      Buffer.from(p('/dir/file')).toString('hex')
    )
  })

  both('realpath(path) takes `..` where a link leads', async (t, { call, p, promises, style, limits }) => {
    await promises.mkdir(p('/dir/sub'), { recursive: true })
    await promises.mkdir(p('/other'))
    await promises.symlink('dir/sub', p('/deep'))
    // Node's own, by callback, takes dots away before it looks at links.
    const byText = style === 'callback' && !limits.resolvesInOneCall
    t.equal(await call('realpath', p('/deep/../sub')).catch(codeOf), byText ? 'ENOENT' : p('/dir/sub'))
    t.equal(await call('realpath', p('/deep/../other')).catch(codeOf), byText ? p('/other') : 'ENOENT')
    t.equal(await call('realpath', p('/none/../other')).catch(codeOf), byText ? p('/other') : 'ENOENT')
  })

  both('realpath(path) of what is not there', async (t, { call, p, promises, style, limits }) => {
    await notThere(promises, p)
    const inSteps = style === 'callback' && !limits.resolvesInOneCall
    for (const [path, code, step] of [
      ['/none', 'ENOENT', 'lstat'],
      ['/dir/none', 'ENOENT', 'lstat'],
      ['/dangling', 'ENOENT', 'stat'],
      ['/file/below', 'ENOTDIR', 'lstat'],
      ['/loop', 'ELOOP', 'stat']
    ] as const)
      await fails(t, call('realpath', p(path)), { code, syscall: inSteps ? step : 'realpath', path: p(path) })
  })

  both('link(path, newPath)', async (t, ground) => {
    const { call, p, promises, limits } = ground
    await notThere(promises, p)
    const linking = call('link', p('/file'), p('/dir/same'))
    if (limits.hasNoHardLinks) {
      await fails(t, linking, { code: 'EPERM', syscall: 'link', path: p('/file'), dest: p('/dir/same') })
      t.same(await promises.readdir(p('/dir')), [])
    } else {
      await linking
      await promises.writeFile(p('/file'), 'changed')
      t.equal(await promises.readFile(p('/dir/same'), 'utf8'), 'changed')
      t.equal((await promises.stat(p('/dir/same'))).nlink, 2)
    }
    await fails(t, call('link', p('/dir'), p('/new')), {
      code: 'EPERM',
      syscall: 'link',
      path: p('/dir'),
      dest: p('/new')
    })
    await refuses(t, ground, 'link', [5, p('/new')], { code: 'ERR_INVALID_ARG_TYPE' })
    await refuses(t, ground, 'link', [p('/file'), 5], { code: 'ERR_INVALID_ARG_TYPE' })
  })
}

function codeOf(err: NodeJS.ErrnoException): string | undefined {
  return err.code
}
