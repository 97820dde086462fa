import { constants } from 'node:fs'
import type { Test } from 'tape'
import {
  fails,
  failsInside,
  notThere,
  outcome,
  refuses,
  styles,
  tree,
  type FsKind,
  type Ground
} from './fs.ts'

const { COPYFILE_EXCL, COPYFILE_FICLONE } = constants

/** Renaming and copying, of files and of trees. */
export function fsMovesSuite(kind: FsKind): void {
  const both = (title: string, body: (t: Test, ground: Ground) => Promise<void>) => styles(kind, title, body)

  both('rename(file, path) keeps what it is', async (t, { call, p, promises }) => {
    await promises.mkdir(p('/dir'))
    await promises.writeFile(p('/file'), 'text', { mode: 0o751 })
    await promises.utimes(p('/file'), 5, 1_234.5)
    t.equal(await call('rename', p('/file'), p('/dir/new')), undefined)
    const stat = await promises.stat(p('/dir/new'))
    t.equal(stat.mode, constants.S_IFREG | 0o751)
    t.equal(stat.mtimeMs, 1_234_500)
    t.equal(await promises.readFile(p('/dir/new'), 'utf8'), 'text')
    await fails(t, promises.stat(p('/file')), { code: 'ENOENT', syscall: 'stat', path: p('/file') })
    t.same(await tree(promises, p('/dir')), ['new: text'])
    await call('rename', p('/dir/new'), p('/dir/.hidden'))
    t.same(await tree(promises, p('/dir')), ['.hidden: text'])
  })

  both('rename(file, path) over a file', async (t, { call, p, promises }) => {
    await promises.writeFile(p('/one'), 'one', { mode: 0o600 })
    await promises.writeFile(p('/two'), 'two', { mode: 0o755 })
    await promises.utimes(p('/one'), 1, 1)
    await call('rename', p('/one'), p('/two'))
    t.equal(await promises.readFile(p('/two'), 'utf8'), 'one')
    const { mode, mtimeMs } = await promises.stat(p('/two'))
    t.same([mode & 0o777, mtimeMs], [0o600, 1000])
    t.equal((await outcome(promises.stat(p('/one'))))?.code, 'ENOENT')
    await promises.writeFile(p('/one'), 'again')
    await call('rename', p('/two'), p('/one'))
    t.equal(await promises.readFile(p('/one'), 'utf8'), 'one')
  })

  both('rename(path, path) onto itself', async (t, { call, p, promises }) => {
    await promises.mkdir(p('/dir/sub'), { recursive: true })
    await promises.writeFile(p('/dir/file'), 'text')
    await promises.symlink('nowhere', p('/dir/link'))
    const before = await tree(promises, p('/dir'))
    for (const path of ['/dir/file', '/dir/link', '/dir/sub', '/dir']) {
      t.equal(await call('rename', p(path), p(path)), undefined)
      t.same(await tree(promises, p('/dir')), before, path)
    }
    await call('rename', p('/dir/file'), p('/dir/sub/..//file'))
    t.same(await tree(promises, p('/dir')), before)
  })

  both('rename(link, path) moves the link', async (t, { call, p, promises }) => {
    await promises.mkdir(p('/dir'))
    await promises.writeFile(p('/file'), 'text')
    await promises.symlink('file', p('/link'))
    await promises.symlink('dir', p('/folder'))
    await promises.symlink('nowhere', p('/dangling'))
    for (const path of ['/link', '/folder', '/dangling']) await call('rename', p(path), p(`/dir${path}`))
    t.same(await tree(promises, p('/dir')), ['dangling -> nowhere', 'folder -> dir', 'link -> file'])
    await call('rename', p('/file'), p('/dir/link'))
    t.same(await tree(promises, p('/dir')), ['dangling -> nowhere', 'folder -> dir', 'link: text'])
    await call('rename', p('/dir/folder'), p('/dir/link'))
    t.same(await tree(promises, p('/dir')), ['dangling -> nowhere', 'link -> dir'])
    await call('rename', p('/dir/link'), p('/dir/dangling'))
    t.same(await tree(promises, p('/dir')), ['dangling -> dir'])
  })

  both('rename(folder, path) of a tree', async (t, { call, p, promises }) => {
    const lines = await plant(promises, p('/from'))
    await promises.mkdir(p('/into'))
    const stat = async (path: string) => {
      const { mode, mtimeMs } = await promises.lstat(p(path))
      return [mode, mtimeMs]
    }
    const paths = ['', '/file', '/sub', '/sub/empty', '/sub/run', '/link']
    const before = await Promise.all(paths.map((path) => stat(`/from${path}`)))
    t.equal(await call('rename', p('/from'), p('/into/to')), undefined)
    t.same(await tree(promises, p('/into/to')), lines)
    t.same(await Promise.all(paths.map((path) => stat(`/into/to${path}`))), before, 'modes and times stay')
    await fails(t, promises.stat(p('/from')), { code: 'ENOENT', syscall: 'stat', path: p('/from') })
    await fails(t, promises.stat(p('/from/file')), { code: 'ENOENT', syscall: 'stat', path: p('/from/file') })
    t.same(await promises.readdir(p('/into')), ['to'])

    await promises.mkdir(p('/from'))
    t.same(await promises.readdir(p('/from')), [], 'nothing stays behind')
    await call('rename', p('/into/to/'), p('/from'))
    t.same(await tree(promises, p('/from')), lines, 'over an empty folder')
    t.same(await tree(promises, p('/into')), [])
    await call('rename', p('/from'), p('/new/'))
    t.same(await tree(promises, p('/new')), lines)
  })

  both('rename(folder, path) leaves what only begins like it', async (t, { call, p, promises }) => {
    for (const folder of ['/a', '/a0', '/a.b', '/ab']) {
      await promises.mkdir(p(folder))
      await promises.writeFile(p(`${folder}/file`), folder)
    }
    await call('rename', p('/a'), p('/b'))
    for (const folder of ['/a0', '/a.b', '/ab'])
      t.same(await tree(promises, p(folder)), [`file: ${folder}`], folder)
    t.same(await tree(promises, p('/b')), ['file: /a'])
    await call('rename', p('/ab'), p('/a'))
    t.same(await tree(promises, p('/a')), ['file: /ab'])
  })

  both('rename(path, dest) that cannot be', async (t, { call, p, promises }) => {
    await notThere(promises, p)
    await promises.mkdir(p('/full/sub'), { recursive: true })
    await promises.writeFile(p('/full/file'), 'below')
    await promises.symlink('dir', p('/folder'))
    for (const [from, to, code] of [
      ['/file', '/dir', 'EISDIR'],
      ['/file', '/full', 'EISDIR'],
      ['/link', '/dir', 'EISDIR'],
      ['/folder', '/full', 'EISDIR'],
      ['/dir', '/file', 'ENOTDIR'],
      ['/dir', '/link', 'ENOTDIR'],
      ['/dir', '/folder', 'ENOTDIR'],
      ['/dir', '/dangling', 'ENOTDIR'],
      ['/file', '/dir/', 'ENOTDIR'],
      ['/file', '/new/', 'ENOTDIR'],
      ['/file/', '/new', 'ENOTDIR'],
      ['/folder/', '/new', 'ENOTDIR'],
      ['/dir', '/full', 'ENOTEMPTY'],
      ['/full/sub', '/full', 'ENOTEMPTY'],
      ['/full/file', '/full', 'ENOTEMPTY'],
      ['/full', '/full/new', 'EINVAL'],
      ['/full', '/full/sub', 'EINVAL'],
      ['/full', '/full/sub/new', 'EINVAL'],
      ['/none', '/new', 'ENOENT'],
      ['/none', '/none', 'ENOENT'],
      ['/none', '/file', 'ENOENT'],
      ['/none', '/dir', 'ENOENT'],
      ['/none/below', '/new', 'ENOENT'],
      ['/file', '/none/new', 'ENOENT'],
      ['/dir', '/none/new', 'ENOENT'],
      ['/file', '/dangling/new', 'ENOENT'],
      ['/file', '/file/new', 'ENOTDIR'],
      ['/dir', '/file/new', 'ENOTDIR'],
      ['/file', '/link/new', 'ENOTDIR'],
      ['/file/below', '/new', 'ENOTDIR'],
      ['/file', '/loop/new', 'ELOOP'],
      ['/loop/below', '/new', 'ELOOP'],
      ['/full/.', '/new', 'EBUSY'],
      ['/full/sub/..', '/new', 'EBUSY']
    ] as const)
      await fails(t, call('rename', p(from), p(to)), { code, syscall: 'rename', path: p(from), dest: p(to) })
    await fails(t, call('rename', '', p('/new')), {
      code: 'ENOENT',
      syscall: 'rename',
      path: '',
      dest: p('/new')
    })
    await fails(t, call('rename', p('/file'), ''), {
      code: 'ENOENT',
      syscall: 'rename',
      path: p('/file'),
      dest: ''
    })
    t.same(await tree(promises, p('/full')), ['file: below', 'sub/'])
    t.equal(await promises.readFile(p('/link'), 'utf8'), 'text')
    t.equal((await outcome(promises.lstat(p('/new'))))?.code, 'ENOENT')
  })

  both('copyFile(src, dest)', async (t, { call, p, promises }) => {
    await promises.writeFile(p('/file'), 'text', { mode: 0o751 })
    await promises.utimes(p('/file'), 1, 1)
    await promises.symlink('file', p('/link'))
    t.equal(await call('copyFile', p('/file'), p('/copy')), undefined)
    const stat = await promises.stat(p('/copy'))
    t.equal(stat.mode & 0o777, 0o751)
    t.ok(stat.mtimeMs > 1e12, 'dates are not copied')
    t.equal(await promises.readFile(p('/copy'), 'utf8'), 'text')
    await promises.writeFile(p('/copy'), 'changed')
    t.equal(await promises.readFile(p('/file'), 'utf8'), 'text')

    await call('copyFile', p('/link'), p('/followed'))
    t.ok((await promises.lstat(p('/followed'))).isFile())
    t.equal(await promises.readFile(p('/followed'), 'utf8'), 'text')
    await call('copyFile', p('/file'), p('/cloned'), COPYFILE_FICLONE)
    t.equal(await promises.readFile(p('/cloned'), 'utf8'), 'text')
    for (const mode of [undefined, null, 0, 0.5, -0.5]) await call('copyFile', p('/file'), p('/cloned'), mode)
  })

  both('copyFile(src, dest) over a file', async (t, { call, p, promises }) => {
    await promises.writeFile(p('/short'), 'short')
    await promises.writeFile(p('/long'), 'much longer', { mode: 0o600 })
    await promises.symlink('long', p('/link'))
    await promises.symlink('made', p('/dangling'))
    await call('copyFile', p('/short'), p('/link'))
    t.equal(await promises.readFile(p('/long'), 'utf8'), 'short')
    t.ok((await promises.lstat(p('/link'))).isSymbolicLink())
    t.equal((await promises.stat(p('/long'))).mode & 0o777, 0o644)
    await call('copyFile', p('/short'), p('/dangling'))
    t.equal(await promises.readFile(p('/made'), 'utf8'), 'short')
    t.equal(await call('copyFile', p('/short'), p('/short')), undefined)
    t.equal(await promises.readFile(p('/short'), 'utf8'), 'short', 'onto itself')
  })

  both('copyFile(src, dest, COPYFILE_EXCL)', async (t, ground) => {
    const { call, p, promises } = ground
    await notThere(promises, p)
    await call('copyFile', p('/file'), p('/new'), COPYFILE_EXCL)
    t.equal(await promises.readFile(p('/new'), 'utf8'), 'text')
    await promises.writeFile(p('/file'), 'changed')
    for (const dest of ['/new', '/file', '/link', '/dangling', '/loop', '/dir']) {
      await fails(t, call('copyFile', p('/file'), p(dest), COPYFILE_EXCL), {
        code: 'EEXIST',
        syscall: 'copyfile',
        path: p('/file'),
        dest: p(dest)
      })
    }
    t.equal(await promises.readFile(p('/new'), 'utf8'), 'text')
    const outside = { code: 'ERR_OUT_OF_RANGE', name: 'RangeError' } as const
    await refuses(t, ground, 'copyFile', [p('/file'), p('/x'), 8], outside)
    await refuses(t, ground, 'copyFile', [p('/file'), p('/x'), -1], outside)
    await refuses(t, ground, 'copyFile', [p('/file'), p('/x'), 'x'], { code: 'ERR_INVALID_ARG_TYPE' })
  })

  both('copyFile(src, dest) that cannot be', async (t, { call, limits, p, promises }) => {
    await notThere(promises, p)
    await promises.symlink('dir', p('/folder'))
    for (const [from, to, code] of [
      ['/none', '/new', 'ENOENT'],
      ['/none/below', '/new', 'ENOENT'],
      ['/dangling', '/new', 'ENOENT'],
      ['/file/below', '/new', 'ENOTDIR'],
      ['/loop', '/new', 'ELOOP'],
      ['/dir', '/new', 'EISDIR'],
      ['/dir', '/dir', 'EISDIR'],
      ['/folder', '/new', 'EISDIR'],
      ['/file', '/dir', 'EISDIR'],
      ['/file', '/folder', 'EISDIR'],
      ['/file', '/none/new', 'ENOENT'],
      ['/file', '/file/new', 'ENOTDIR'],
      ['/file', '/loop', 'ELOOP']
    ] as const) {
      await fails(t, call('copyFile', p(from), p(to)), {
        code,
        syscall: 'copyfile',
        path: p(from),
        dest: p(to)
      })
    }
    t.equal(await promises.readFile(p('/link'), 'utf8'), 'text')
    t.equal((await outcome(promises.lstat(p('/new'))))?.code, 'ENOENT')
    await fails(t, call('copyFile', p('/dir'), p('/file')), {
      code: 'EISDIR',
      syscall: 'copyfile',
      path: p('/dir'),
      dest: p('/file')
    })
    if (limits.copyFileKeepsTarget) t.equal(await promises.readFile(p('/file'), 'utf8'), 'text')
    else t.equal((await outcome(promises.lstat(p('/file'))))?.code, 'ENOENT')
  })

  both('cp(file, path)', async (t, { call, p, promises }) => {
    await notThere(promises, p)
    await promises.chmod(p('/file'), 0o751)
    await promises.utimes(p('/file'), 5, 6)
    t.equal(await call('cp', p('/file'), p('/copy')), undefined)
    t.equal((await promises.stat(p('/copy'))).mode & 0o777, 0o751)
    t.ok((await promises.stat(p('/copy'))).mtimeMs > 1e12)
    await call('cp', p('/file'), p('/kept'), { preserveTimestamps: true })
    t.equal((await promises.stat(p('/kept'))).mtimeMs, 6000)
    await call('cp', p('/file'), p('/made/on/the/way'))
    t.same(await tree(promises, p('/made')), ['on/', 'on/the/', 'on/the/way: text'])
    for (const mode of [COPYFILE_EXCL, COPYFILE_EXCL | COPYFILE_FICLONE])
      t.equal(await call('cp', p('/file'), p('/exclusive'), { mode }), undefined, 'force makes room for it')
    t.equal(await promises.readFile(p('/exclusive'), 'utf8'), 'text')
  })

  both('cp(file, path, { force, errorOnExist })', async (t, { call, p, promises }) => {
    await promises.writeFile(p('/from'), 'from')
    await promises.writeFile(p('/to'), 'to')
    const text = () => promises.readFile(p('/to'), 'utf8')
    await call('cp', p('/from'), p('/to'), { force: false })
    t.equal(await text(), 'to')
    await failsInside(t, call('cp', p('/from'), p('/to'), { force: false, errorOnExist: true }), {
      code: 'ERR_FS_CP_EEXIST',
      syscall: 'cp',
      path: p('/to'),
      says: `${p('/to')} already exists`
    })
    t.equal(await text(), 'to')
    await call('cp', p('/from'), p('/to'), { errorOnExist: true })
    t.equal(await text(), 'from')
    await promises.writeFile(p('/to'), 'to')
    await call('cp', p('/from'), p('/to'))
    t.equal(await text(), 'from')
  })

  both('cp(link, path, { dereference, verbatimSymlinks })', async (t, { call, p, promises }) => {
    await promises.mkdir(p('/dir'))
    await promises.writeFile(p('/dir/file'), 'text')
    await promises.symlink('dir/file', p('/link'))
    await promises.symlink('dir', p('/folder'))
    await promises.symlink('nowhere', p('/dangling'))
    await promises.mkdir(p('/to'))
    await call('cp', p('/link'), p('/to/link'))
    await call('cp', p('/folder'), p('/to/folder'), { recursive: true })
    await call('cp', p('/dangling'), p('/to/dangling'))
    await call('cp', p('/link'), p('/to/verbatim'), { verbatimSymlinks: true })
    await call('cp', p('/link'), p('/to/file'), { dereference: true })
    await call('cp', p('/folder'), p('/to/copied'), { dereference: true, recursive: true })
    t.same(await tree(promises, p('/to')), [
      'copied/',
      'copied/file: text',
      `dangling -> ${p('/nowhere')}`,
      'file: text',
      `folder -> ${p('/dir')}`,
      `link -> ${p('/dir/file')}`,
      'verbatim -> dir/file'
    ])
  })

  both('cp(folder, path, { recursive: true })', async (t, { call, p, promises }) => {
    const lines = await plant(promises, p('/from'))
    const copied = lines.map((line) => line.replace('-> file', `-> ${p('/from/file')}`))
    t.equal(await call('cp', p('/from'), p('/to'), { recursive: true }), undefined)
    t.same(await tree(promises, p('/to')), copied)
    t.same(await tree(promises, p('/from')), lines)
    t.equal((await promises.stat(p('/to/sub'))).mode & 0o777, 0o750)
    t.equal((await promises.stat(p('/to/sub/run'))).mode & 0o777, 0o755)
    await call('cp', p('/from/'), p('/deep/er'), { recursive: true, verbatimSymlinks: true })
    t.same(await tree(promises, p('/deep/er')), lines)
    await call('cp', p('/from'), p('/dated'), { recursive: true, preserveTimestamps: true })
    t.equal((await promises.stat(p('/dated/file'))).mtimeMs, 3000)
  })

  both('cp(folder, path, { recursive: true }) merges', async (t, { call, p, promises }) => {
    await promises.mkdir(p('/from/sub'), { recursive: true })
    await promises.mkdir(p('/to/sub/own'), { recursive: true })
    for (const path of ['/from/file', '/from/sub/file', '/to/file', '/to/own'])
      await promises.writeFile(p(path), path)
    await call('cp', p('/from'), p('/to'), { recursive: true, force: false })
    const merged = ['own: /to/own', 'sub/', 'sub/file: /from/sub/file', 'sub/own/']
    t.same(await tree(promises, p('/to')), ['file: /to/file', ...merged])
    await failsInside(
      t,
      call('cp', p('/from'), p('/to'), { recursive: true, force: false, errorOnExist: true }),
      {
        code: 'ERR_FS_CP_EEXIST',
        syscall: 'cp',
        path: p('/to/file'),
        says: `${p('/to/file')} already exists`
      }
    )
    await call('cp', p('/from'), p('/to'), { recursive: true })
    t.same(await tree(promises, p('/to')), ['file: /from/file', ...merged])
  })

  both('cp(folder, path, { filter })', async (t, { call, p, promises }) => {
    await plant(promises, p('/from'))
    const asked: string[] = []
    const filter = (src: string, dest: string) => {
      asked.push(`${src} ${dest}`)
      return !src.endsWith('/sub/run') && !src.endsWith('link')
    }
    await call('cp', p('/from'), p('/to'), { recursive: true, filter })
    const copied = ['file: from', 'sub/', 'sub/deep/', 'sub/deep/er: deep', 'sub/empty/']
    t.same(await tree(promises, p('/to')), copied)
    t.equal(asked[0], `${p('/from')} ${p('/to')}`)
    t.equal(new Set(asked).size, 8)
    t.ok(asked.includes(`${p('/from/sub/run')} ${p('/to/sub/run')}`))
    await call('cp', p('/from'), p('/none'), { recursive: true, filter: async () => false })
    t.equal((await outcome(promises.stat(p('/none'))))?.code, 'ENOENT')
    const mine = new Error('of the filter')
    const throwing = {
      recursive: true,
      filter: () => {
        throw mine
      }
    }
    t.equal(await outcome(call('cp', p('/from'), p('/none'), throwing)), mine)
  })

  both('cp(src, dest) that cannot be', async (t, { call, p, promises }) => {
    await notThere(promises, p)
    await promises.mkdir(p('/full/sub'), { recursive: true })
    await promises.writeFile(p('/full/file'), 'below')
    const recursive = { recursive: true }
    const inside = async (
      [from, to, opts]: [from: string, to: string, opts?: object],
      code: Parameters<typeof failsInside>[2]['code'],
      path: string,
      says: string
    ) =>
      failsInside(t, opts ? call('cp', p(from), p(to), opts) : call('cp', p(from), p(to)), {
        code,
        syscall: 'cp',
        path: p(path),
        says
      })
    const same = 'src and dest cannot be the same'
    await inside(['/full', '/new'], 'ERR_FS_EISDIR', '/full', `${p('/full')} is a directory (not copied)`)
    await inside(['/file', '/file'], 'ERR_FS_CP_EINVAL', '/file', same)
    await inside(['/full', '/full', recursive], 'ERR_FS_CP_EINVAL', '/full', same)
    for (const to of ['/full/new', '/full/sub/new']) {
      const says = `cannot copy ${p('/full')} to a subdirectory of self ${p(to)}`
      await inside(['/full', to, recursive], 'ERR_FS_CP_EINVAL', to, says)
    }
    await inside(
      ['/file', '/dir'],
      'ERR_FS_CP_NON_DIR_TO_DIR',
      '/dir',
      `cannot overwrite directory ${p('/dir')} with non-directory ${p('/file')}`
    )
    await inside(
      ['/full', '/file', recursive],
      'ERR_FS_CP_DIR_TO_NON_DIR',
      '/file',
      `cannot overwrite non-directory ${p('/file')} with directory ${p('/full')}`
    )
    for (const [from, code] of [
      ['/none', 'ENOENT'],
      ['/none/below', 'ENOENT'],
      ['/file/below', 'ENOTDIR']
    ] as const)
      await fails(t, call('cp', p(from), p('/new')), { code, syscall: 'lstat', path: p(from) })
    await fails(t, call('cp', p('/dangling'), p('/new'), { dereference: true }), {
      code: 'ENOENT',
      syscall: 'stat',
      path: p('/dangling')
    })
    t.same(await tree(promises, p('/full')), ['file: below', 'sub/'])
    t.equal((await outcome(promises.lstat(p('/new'))))?.code, 'ENOENT')
  })

  both(
    'cp(folder, path) with a link where something is already',
    async (t, { call, p, promises, limits }) => {
      for (const [at, there] of [
        ['/file', () => promises.writeFile(p('/file/link'), 'text')],
        ['/link', () => promises.symlink('other', p('/link/link'))]
      ] as const) {
        await promises.mkdir(p('/from'), { recursive: true })
        await promises.symlink('text', p('/from/link')).catch(() => undefined)
        await promises.mkdir(p(at))
        await there()
        const before = await tree(promises, p(at))
        const opts = { recursive: true, verbatimSymlinks: true }
        const err = await outcome(call('cp', p('/from'), p(at), opts))
        t.same(
          [err === undefined, await tree(promises, p(at))],
          limits.copiesLinksOver ? [true, ['link -> text']] : [false, before],
          at
        )
      }
    }
  )

  both('cp(src, dest, opts) of options that are none', async (t, ground) => {
    const paths = [ground.p('/from'), ground.p('/to')]
    for (const opts of [
      null,
      5,
      'recursive',
      { filter: 5 },
      { recursive: 1 },
      { dereference: 'yes' },
      { force: 0 },
      { errorOnExist: 'a' },
      { preserveTimestamps: 1 },
      { verbatimSymlinks: 1 }
    ])
      await refuses(t, ground, 'cp', [...paths, opts], { code: 'ERR_INVALID_ARG_TYPE' })
    await refuses(t, ground, 'cp', [...paths, { mode: 9 }], { code: 'ERR_OUT_OF_RANGE', name: 'RangeError' })
    await refuses(t, ground, 'cp', [...paths, { dereference: true, verbatimSymlinks: true }], {
      code: 'ERR_INCOMPATIBLE_OPTION_PAIR'
    })
  })
}

/** A tree with all there can be in one, as `tree` shows it. */
async function plant(promises: any, at: string): Promise<string[]> {
  await promises.mkdir(`${at}/sub/deep`, { recursive: true })
  await promises.mkdir(`${at}/sub/empty`)
  await promises.writeFile(`${at}/file`, 'from')
  await promises.writeFile(`${at}/sub/run`, 'run', { mode: 0o755 })
  await promises.writeFile(`${at}/sub/deep/er`, 'deep')
  await promises.symlink('file', `${at}/link`)
  await promises.chmod(`${at}/sub`, 0o750)
  await promises.utimes(`${at}/file`, 3, 3)
  await promises.utimes(`${at}/sub/empty`, 4, 4)
  return [
    'file: from',
    'link -> file',
    'sub/',
    'sub/deep/',
    'sub/deep/er: deep',
    'sub/empty/',
    'sub/run: run'
  ]
}
