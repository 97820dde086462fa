/** Calls that once went otherwise than on `node:fs`, as few as they can be. */
import { call, found, OLD, on, one, open, put, RECURSIVE } from './fs-found.ts'

found(
  'mkdir(path, { recursive: true }) tells of the first folder in the words of the path',
  one(call('mkdir', '/a/', RECURSIVE), call('mkdir', '/b/b/', RECURSIVE), call('mkdir', '//c/./d', RECURSIVE))
)

found(
  'mkdir(path, { recursive: true }) makes a folder for a step up',
  one(
    call('mkdir', '/a/../b', RECURSIVE),
    call('mkdir', '/c/d/e/..', RECURSIVE),
    call('mkdir', '/f/.', RECURSIVE)
  )
)

found(
  'mkdir(path, { recursive: true }) does not go through what is no folder',
  one(
    put('/file'),
    call('symlink', 'nowhere', '/link'),
    call('symlink', 'loop', '/loop'),
    ...['/file', '/link', '/loop'].flatMap((path) =>
      ['', '/', '/.', '/a', '/a/b', '/../a'].map((end) => call('mkdir', path + end, RECURSIVE))
    )
  )
)

const more = { length: 5, seed: 2 }

found(
  'no file is made where only a folder can be',
  one(
    put('/file'),
    call('mkdir', '/folder'),
    ...['/file/', '/folder/', '/nothing/', '/nothing/.', '/file/.'].flatMap((path) => [
      put(path),
      call('appendFile', path, more),
      open(0, path, 'wx'),
      open(0, path, 'a+'),
      open(0, path, 'r+'),
      call('copyFile', '/file', path),
      call('copyFile', '/folder', path),
      call('symlink', 'file', path),
      call('mkdir', path)
    ])
  )
)

found(
  'a path that ends with a dot leads to a folder that is there',
  one(
    call('symlink', 'loop', '/loop'),
    call('symlink', 'nowhere', '/link'),
    call('mkdir', '/folder'),
    ...['/loop/.', '/link/.', '/folder/.', '/nothing/.'].flatMap((path) => [
      call('rename', path, '/to'),
      call('rename', '/folder', path),
      call('rmdir', path),
      call('unlink', path),
      call('rm', path, RECURSIVE)
    ])
  )
)

found(
  'rename looks at the folders of both paths before it looks into them',
  one(
    put('/file'),
    call('symlink', 'loop', '/loop'),
    ...['/file/a', '/loop/a', '/nowhere/a', '/file/', '/nothing/'].map((path) =>
      call('rename', '/nothing', path)
    ),
    call('rename', '/file', '/nothing/'),
    call('rename', '/file/', '/nothing')
  )
)

found(
  'copyFile looks at the place of the copy before it looks at what is copied',
  one(
    put('/file'),
    call('mkdir', '/folder'),
    call('copyFile', '/folder', '/file', 1),
    call('copyFile', '/folder', '/x')
  )
)

found(
  'rm with a slash at the end looks at what a link leads to',
  one(
    call('symlink', 'loop', '/loop'),
    call('symlink', 'nowhere', '/link'),
    ...['/loop/', '/link/'].flatMap((path) => [
      call('rm', path),
      call('rm', path, { recursive: true, force: true })
    ])
  )
)

found(
  'cp tells where it looked',
  one(
    put('/file'),
    call('symlink', 'loop', '/loop'),
    ...['/file/a', '/loop/a', '/file/'].map((path) => call('cp', '/file', path))
  )
)

found(
  'a link whose text ends with a slash leads to no file',
  one(
    call('symlink', 'a/', '/link'),
    put('/link'),
    call('appendFile', '/link', { length: 5, seed: 3 }),
    open(0, '/link', 'wx'),
    put('/a'),
    call('readFile', '/link'),
    put('/link'),
    call('stat', '/link')
  )
)

found(
  'cp makes folders behind links that lead to folders',
  one(
    put('/file'),
    call('mkdir', '/folder'),
    call('symlink', 'folder', '/link'),
    call('cp', '/file', '/link/a/b')
  )
)

found(
  'cp to a place within is refused before a folder without { recursive: true }',
  one(call('mkdir', '/a/b', RECURSIVE), call('cp', '/a', '/a/b'), call('cp', '/a', '/a/b/c', RECURSIVE))
)

found(
  'readdir(path, { recursive: true, withFileTypes: true }) gives tidy paths of what is deeper',
  one(
    call('mkdir', '/a/b/c', RECURSIVE),
    ...['/a/..', '/a/', '//a', '/a/./b/..'].map((path) =>
      call('readdir', path, { recursive: true, withFileTypes: true })
    )
  )
)

found(
  'whoever reads no bytes need not be able to read',
  one(
    open(1, '/new', 'w'),
    on(1, 'read', 0, null),
    call('mkdir', '/folder'),
    open(2, '/folder', 'r'),
    on(2, 'read', 0, 0)
  )
)

found('what is written into a folder of another drive leaves its attributes, on a Localdrive too', {
  kind: 'a Localdrive over a Hyperdrive',
  phases: [
    [call('mkdir', '/a', 0o750), call('utimes', '/a', OLD, OLD), call('mkdir', '/b', 0o700)],
    [put('/a/file'), call('mkdir', '/b/folder')]
  ]
})

found('a folder that is made where a Localdrive has deleted stays, whatever its date', {
  kind: 'a Localdrive over a Hyperdrive',
  phases: [
    [put('/a')],
    [call('unlink', '/a'), call('mkdir', '/a'), call('utimes', '/a', OLD, OLD), call('mkdir', '/a/b')]
  ]
})

found(
  'cp to a place within by way of a link tells of the folder there that lies in what is copied',
  one(
    call('mkdir', '/a/b/c', RECURSIVE),
    call('symlink', '.', '/a/link'),
    ...['/a/link', '/a/link/'].flatMap((from) => [
      call('cp', `${from}/.`, '/a/b/c/', RECURSIVE),
      call('cp', '/a', '/a/nothing/new', RECURSIVE),
      call('cp', '/a', '/a/link/../a/b/new')
    ])
  )
)

found(
  'cp makes folders for steps up',
  one(
    put('/file'),
    call('mkdir', '/folder'),
    call('cp', '/file', '/new/../a'),
    call('cp', '/file', '/b/c/../../d'),
    call('cp', '/folder', '/e/../f/.', RECURSIVE),
    call('cp', '/folder', '/g/..', RECURSIVE),
    call('cp', '/file', '/h/../h'),
    call('cp', '/folder', '/i/../i', RECURSIVE),
    call('symlink', 'file', '/link'),
    call('cp', '/link', '/j/../j')
  )
)

found(
  'whoever writes no bytes need not be able to write',
  one(
    put('/file'),
    open(1, '/file', 'r'),
    on(1, 'write', { length: 0, seed: 1 }, null),
    on(1, 'writeFile', { length: 0, seed: 1 }),
    on(1, 'appendFile', { length: 0, seed: 1 })
  )
)

found('a folder on a Localdrive keeps its bits when what is in it is moved away', {
  kind: 'a Localdrive over a Hyperdrive',
  plain: [
    { path: '/a/b', bytes: { length: 1, seed: 1 }, linkname: '', executable: false, mtime: OLD * 1000 }
  ],
  phases: [
    [call('mkdir', '/b/a', { recursive: true, mode: 0o750 })],
    [call('copyFile', '/a/b', '/b/a/b'), call('rename', '/b/a', '/a/A')]
  ]
})

found('a folder on a Localdrive keeps its bits when what is in it is removed', {
  kind: 'a Localdrive over a Hyperdrive',
  phases: [[call('mkdir', '/b', 0o750)], [call('mkdir', '/b/a', RECURSIVE), call('rmdir', '/b/a')]]
})

found(
  'cp takes the text of a link from the path that it was given',
  one(
    call('symlink', '.', '/a'),
    call('cp', '/a/a/a', '/b', RECURSIVE),
    call('mkdir', '/c/d', RECURSIVE),
    call('symlink', '../e', '/c/d/link'),
    call('symlink', 'c/d', '/f'),
    call('cp', '/f/link', '/g'),
    call('cp', '/f/', '/h', RECURSIVE)
  )
)
