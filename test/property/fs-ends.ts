import { call, found, OLD, one, open, put, RECURSIVE } from './fs-found.ts'
import type { Step } from './fs-steps.ts'

const ENDS = ['', '/', '/.', '/..', '/a', '/a/', '/a/b']
const THINGS = ['/file', '/folder', '/to-file', '/to-folder', '/to-nothing', '/loop', '/nothing']
const ODD = THINGS.flatMap((path) => ENDS.map((end) => path + end))

const things: readonly Step[] = [
  put('/file'),
  call('mkdir', '/folder'),
  call('symlink', 'file', '/to-file'),
  call('symlink', 'folder', '/to-folder'),
  call('symlink', 'absent', '/to-nothing'),
  call('symlink', 'loop', '/loop')
]

const calls: Readonly<Record<string, (path: string) => Step>> = {
  'mkdir(path)': (path) => call('mkdir', path),
  'rmdir(path)': (path) => call('rmdir', path),
  'unlink(path)': (path) => call('unlink', path),
  'rm(path)': (path) => call('rm', path),
  'rm(path, { recursive: true })': (path) => call('rm', path, RECURSIVE),
  'symlink(target, path)': (path) => call('symlink', 'file', path),
  'writeFile(path)': (path) => put(path),
  'appendFile(path)': (path) => call('appendFile', path, { length: 5, seed: 2 }),
  'truncate(path)': (path) => call('truncate', path, 2),
  'open(path, wx)': (path) => open(0, path, 'wx'),
  'open(path, r+)': (path) => open(0, path, 'r+'),
  'rename(path, to)': (path) => call('rename', path, '/to'),
  'rename(file, path)': (path) => call('rename', '/file', path),
  'rename(folder, path)': (path) => call('rename', '/folder', path),
  'rename(nothing, path)': (path) => call('rename', '/nothing', path),
  'copyFile(path, to)': (path) => call('copyFile', path, '/to'),
  'copyFile(file, path)': (path) => call('copyFile', '/file', path),
  'copyFile(folder, path, COPYFILE_EXCL)': (path) => call('copyFile', '/folder', path, 1),
  'cp(file, path)': (path) => call('cp', '/file', path),
  'cp(folder, path)': (path) => call('cp', '/folder', path),
  'cp(folder, path, { recursive: true })': (path) => call('cp', '/folder', path, RECURSIVE),
  'chmod(path)': (path) => call('chmod', path, 0o700),
  'utimes(path)': (path) => call('utimes', path, OLD, OLD),
  'lutimes(path)': (path) => call('lutimes', path, OLD, OLD),
  'readdir(path)': (path) => call('readdir', path),
  'opendir(path)': (path) => call('opendir', path),
  'stat(path)': (path) => call('stat', path),
  'lstat(path)': (path) => call('lstat', path),
  'readlink(path)': (path) => call('readlink', path),
  'realpath(path)': (path) => call('realpath', path),
  'readFile(path)': (path) => call('readFile', path),
  'access(path)': (path) => call('access', path)
}

/** What a call of before has changed is made anew. */
const anew: readonly Step[] = [
  ...[
    '/file',
    '/folder',
    '/to',
    '/to-file',
    '/to-folder',
    '/to-nothing',
    '/loop',
    '/nothing',
    '/absent',
    '/a'
  ].map((path) => call('rm', path, { recursive: true, force: true })),
  ...things
]

/** Every call about paths, with every thing at the path, and every way to end the path. */
export function ends(): void {
  for (const [name, make] of Object.entries(calls)) {
    found(
      `${name} ends as Node does where the path ends oddly`,
      one(...ODD.flatMap((path) => [...anew, make(path)]))
    )
  }
}
