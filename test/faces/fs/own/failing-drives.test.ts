import { constants } from 'node:fs'
import { chmod, rm, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import Hyperdrive from 'hyperdrive'
import Localdrive from 'localdrive'
import test, { type Test } from 'tape'
import type { MultiDrive } from '../../../../index.ts'
import { errorCode } from '../../../../lib/errors.ts'
import { within } from '../../../availability/links.ts'
import {
  cleanup,
  collect,
  failureOf,
  folder,
  hyperdrive,
  multidrive,
  store
} from '../../../helpers/drives.ts'
import { caller } from '../../../suites/fs.ts'
import { MIB, QUICK } from './helpers.ts'

/** The error of a call; that there was none is one too, so that a test goes on to the next call. */
const errorOf = (call: Promise<unknown>): Promise<any> => failureOf(call).catch((none: unknown) => none)

/** Takes rights from folders, and the right to do everything from the process, until the returned function is called. */
async function forbid(t: Test, mode: number, ...paths: string[]): Promise<() => Promise<void>> {
  for (const path of [...paths].reverse()) await chmod(path, mode)
  const mayDoAll = process.geteuid?.() === 0
  if (mayDoAll) process.seteuid!(65_534)
  const allow = async () => {
    if (mayDoAll) process.seteuid!(0)
    for (const path of paths) await chmod(path, 0o755)
  }
  cleanup(t, allow)
  return allow
}

async function localdriveIn(t: Test): Promise<{ drive: any; name: string }> {
  const name = join(await folder(t), 'drive')
  const drive = new Localdrive(name)
  await drive.put('/dir/file', Buffer.from('text'))
  await drive.symlink('/link', 'dir/file')
  return { drive, name }
}

/** Drives that could be read once and cannot any more. */
const FAILING: Record<
  string,
  (t: Test) => Promise<{ drive: any; name: string; fail: () => Promise<unknown> }>
> = {
  'a Localdrive whose folder may not be read': async (t) => {
    const { drive, name } = await localdriveIn(t)
    return { drive, name, fail: () => forbid(t, 0, name) }
  },
  'a Localdrive whose folder has become a file': async (t) => {
    const { drive, name } = await localdriveIn(t)
    const fail = async () => {
      await rm(name, { recursive: true })
      await writeFile(name, 'a file')
    }
    return { drive, name, fail }
  },
  'a Localdrive whose folder has become a link that leads nowhere': async (t) => {
    const { drive, name } = await localdriveIn(t)
    const fail = async () => {
      await rm(name, { recursive: true })
      await symlink(name, name)
    }
    return { drive, name, fail }
  },
  'a Hyperdrive that has lost its metadata': async (t) => {
    const corestore = await store(t)
    const before = new Hyperdrive(corestore.session())
    await before.put('/dir/file', Buffer.from('text'))
    await before.symlink('/link', 'dir/file')
    const { key } = before
    await before.close()
    const drive = await hyperdrive(t, { store: corestore, key })
    return { drive, name: drive.id, fail: () => drive.core.clear(1, drive.core.length) }
  }
}

const LOOKS: Record<string, (path: string) => [method: string, args: unknown[]]> = {
  stat: (path) => ['stat', [path]],
  lstat: (path) => ['lstat', [path]],
  access: (path) => ['access', [path]],
  'access for writing': (path) => ['access', [path, constants.W_OK]],
  readFile: (path) => ['readFile', [path]],
  readdir: () => ['readdir', ['/dir']],
  'readdir of the root': () => ['readdir', ['/']],
  opendir: () => ['opendir', ['/dir']],
  realpath: (path) => ['realpath', [path]],
  readlink: () => ['readlink', ['/link']],
  'open for reading': (path) => ['open', [path, 'r']],
  'open for a part': (path) => ['open', [path, 'r+']]
}

for (const [what, make] of Object.entries(FAILING)) {
  for (const withWriter of [false, true]) {
    const set = withWriter ? `${what}, beside a writer` : what
    test(`${set}: calls that look fail and name it`, async (t) => {
      const { drive, name, fail } = await make(t)
      const multi: any = await multidrive(t, withWriter ? [await hyperdrive(t), drive] : [drive])
      await fail()
      for (const [look, args] of Object.entries(LOOKS)) {
        for (const [style, call] of [
          ['callback', caller(multi)],
          ['promise', async (method: string, ...rest: unknown[]) => multi.promises[method](...rest)]
        ] as const) {
          const [method, given] = args('/dir/file')
          const err = await within(QUICK, look, errorOf(call(method, ...given)))
          const about = `${look} by ${style}`
          t.ok(err instanceof Error && errorCode(err) !== undefined, about)
          const { code, path, message, drive: failed } = err
          t.notOk(['ENOENT', 'ENOTDIR', 'ELOOP'].includes(code), `${about}: ${message}`)
          t.equal(failed, drive, `${about}: the drive`)
          t.ok(String(message).includes(name), `${about}: its name`)
          t.equal(path, given[0], `${about}: the path`)
        }
      }
      t.equal((await errorOf(multi.exists('/dir/file'))).drive, drive, 'exists without a callback')
      t.equal((await errorOf(multi.get('/none'))).drive, drive, 'what is not there')
      if (multi.writer === drive)
        t.equal((await errorOf(multi.put('/new', 'x'))).drive, drive, 'put where it is the writer')
      t.equal((await errorOf(collect(multi.list('/')))).drive, drive, 'list')
      t.equal((await errorOf(collect(multi.list('/dir')))).drive, drive, 'list of a folder')
    })
  }
}

test('bytes that a drive has lost are an error that names drive and path', async (t) => {
  const drive = await hyperdrive(t)
  const multi: any = await multidrive(t, [await hyperdrive(t), drive])
  await drive.put('/file', Buffer.alloc(MIB, 1))
  await drive.blobs.core.clear(0, drive.blobs.core.length)
  for (const [what, call] of Object.entries<() => Promise<unknown>>({
    readFile: () => multi.readFile('/file', { wait: false }),
    'promises.readFile': () => multi.promises.readFile('/file', { wait: false }),
    read: async () => {
      const fd = await multi.open('/file', 'r', 0o666, { wait: false })
      await multi.read(fd, Buffer.alloc(10), 0, 10, 0).finally(() => multi.close(fd))
    },
    'close of a copy': async () => {
      const fd = await multi.open('/file', 'a', 0o666, { wait: false })
      await multi.write(fd, 'x')
      await multi.close(fd)
    },
    fsync: async () => {
      const fd = await multi.open('/file', 'a', 0o666, { wait: false })
      await multi.write(fd, 'x')
      await multi.fsync(fd)
    },
    'handle.readFile': async () => {
      const handle = await multi.promises.open('/file', 'r', 0o666, { wait: false })
      await handle.readFile().finally(() => handle.close())
    }
  })) {
    const err = await within(QUICK, what, errorOf(call()))
    t.same([err.code, err.path, err.drive === drive], ['BLOCK_NOT_AVAILABLE', '/file', true], what)
    t.ok(err.message.includes(drive.id) && err.message.includes('/file'), `${what}: ${err.message}`)
  }
  t.equal(await multi.drives[0].get('/file'), null)
})

test('a writer that may not be written to is an error that names it and the path, and nothing is left', async (t) => {
  const root = join(await folder(t), 'drive')
  const drive = new Localdrive(root)
  const other = await hyperdrive(t)
  const multi = await multidrive(t, [drive, other])
  await multi.writeFile('/file', 'x')
  await multi.mkdir('/dir')
  await multi.writeFile('/dir/file', 'x')
  await multi.mkdir('/empty')
  await multi.promises.symlink('file', '/link')
  await other.put('/theirs', 'x')
  const fd = await multi.open('/file', 'a')
  await multi.write(fd, 'lost')
  await chmod(dirname(root), 0o755)
  const folders = ['', 'dir', 'empty', '.multidrive', '.multidrive/staged'].map((path) => join(root, path))
  const allow = await forbid(t, 0o555, ...folders)
  // These write nothing.
  const idle = ['access for writing', 'chown', 'lchown', 'lchmod', 'open with', 'promises.open']
  for (const [what, call] of [['close', () => multi.close(fd)] as const, ...Object.entries(CHANGES)]) {
    if (idle.some((name) => what.startsWith(name))) continue
    const err = await within(QUICK, what, errorOf(call(multi)))
    t.equal(err.code, 'EACCES', `${what}: ${err.message}`)
    t.equal(err.drive, drive, `${what}: the drive`)
    t.ok(err.message.includes(root), `${what}: its name`)
    t.equal(typeof err.path, 'string', `${what}: the path`)
    t.notOk(String(err.path).includes('.multidrive'), `${what}: the path is none of the drive's own`)
  }
  await allow()
  t.same(await multi.promises.readdir('/', { recursive: true }), [
    'dir',
    'empty',
    'file',
    'link',
    'theirs',
    'dir/file'
  ])
  t.equal(await multi.readFile('/file', 'utf8'), 'x')
})

/** Every call that changes something, on what is there. */
const CHANGES: Record<string, (multi: any) => Promise<unknown>> = {
  appendFile: (multi) => multi.appendFile('/file', 'x'),
  'appendFile of a new file': (multi) => multi.appendFile('/new', 'x'),
  chmod: (multi) => multi.chmod('/file', 0o600),
  'chmod of a folder': (multi) => multi.chmod('/dir', 0o700),
  chown: (multi) => multi.chown('/file', 0, 0),
  lchown: (multi) => multi.lchown('/link', 0, 0),
  lchmod: (multi) => multi.lchmod('/link', 0o600),
  copyFile: (multi) => multi.copyFile('/file', '/copy'),
  'copyFile over a file': (multi) => multi.copyFile('/file', '/dir/file'),
  cp: (multi) => multi.cp('/dir', '/copy', { recursive: true }),
  lutimes: (multi) => multi.lutimes('/link', 1, 1),
  mkdir: (multi) => multi.mkdir('/new'),
  'mkdir recursive': (multi) => multi.mkdir('/new/below', { recursive: true }),
  mkdtemp: (multi) => multi.mkdtemp('/new-'),
  'open with w': (multi) => multi.open('/file', 'w'),
  'open with wx': (multi) => multi.open('/new', 'wx'),
  'open with r+': (multi) => multi.open('/file', 'r+'),
  'open with a': (multi) => multi.open('/file', 'a'),
  'promises.open with w+': (multi) => multi.promises.open('/file', 'w+'),
  removeMetadata: (multi) => multi.removeMetadata('/file', 'a'),
  rename: (multi) => multi.rename('/file', '/renamed'),
  'rename of a folder': (multi) => multi.rename('/dir', '/renamed'),
  rm: (multi) => multi.rm('/file'),
  'rm recursive': (multi) => multi.rm('/dir', { recursive: true, force: true }),
  rmdir: (multi) => multi.rmdir('/empty'),
  setMetadata: (multi) => multi.setMetadata('/file', 'a', 1),
  symlink: (multi) => multi.promises.symlink('file', '/new'),
  truncate: (multi) => multi.truncate('/file', 1),
  unlink: (multi) => multi.unlink('/file'),
  utimes: (multi) => multi.utimes('/file', 1, 1),
  writeFile: (multi) => multi.writeFile('/file', 'x'),
  'writeFile of a new file': (multi) => multi.writeFile('/new', 'x'),
  'access for writing': (multi) => multi.access('/file', constants.W_OK),
  fchmod: (multi) => onFile(multi, (fd) => multi.fchmod(fd, 0o600)),
  futimes: (multi) => onFile(multi, (fd) => multi.futimes(fd, 1, 1)),
  'a stream of Node': (multi) =>
    new Promise((resolve, reject) =>
      multi.createWriteStream('/file', { flags: 'w' }).on('error', reject).on('close', resolve).end('x')
    )
}

async function onFile(multi: MultiDrive, call: (fd: number) => Promise<unknown>): Promise<void> {
  const fd = await multi.open('/file', 'r')
  await call(fd).finally(() => multi.close(fd))
}

test('without a writer every call that changes something is EROFS, with the names of the drives', async (t) => {
  const drives: Hyperdrive[] = []
  for (const path of ['/file', '/other']) {
    const source = await hyperdrive(t)
    const writer = await multidrive(t, [source])
    await writer.put(path, path)
    await writer.put('/dir/file', 'x')
    await writer.mkdir('/empty')
    await writer.symlink('/link', 'file')
    const drive = source.checkout(source.version)
    await drive.ready()
    cleanup(t, () => drive.close())
    drives.push(drive)
  }
  const multi = await multidrive(t, drives)
  t.equal(multi.writable, false)
  for (const [what, call] of Object.entries(CHANGES)) {
    const err = await errorOf(call(multi))
    t.equal(err.code, 'EROFS', `${what}: ${err.message}`)
    t.ok(
      drives.every(({ id }) => err.message.includes(id)),
      `${what}: names`
    )
    t.equal(typeof err.syscall, 'string')
  }
  t.same(await multi.promises.readdir('/'), ['dir', 'empty', 'file', 'link', 'other'])
  t.equal(await multi.readFile('/file', 'utf8'), '/file', 'what is read can still be read')
  const fd = await multi.open('/file', 'r')
  await multi.close(fd)
  await multi.access('/file', constants.R_OK)
})
