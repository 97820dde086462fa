import { once } from 'node:events'
import nodeFs from 'node:fs'
import Module, { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { Readable, Writable } from 'node:stream'
import { buffer, text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { NodeHfs } from '@humanfs/node'
import type fsExtra from 'fs-extra'
import test, { type Test } from 'tape'
import { failureOf, folder } from '../helpers/drives.ts'
import {
  difference,
  grounds,
  onDisk,
  oneDrive,
  realFiles,
  snapshot,
  type Ground,
  type GroundKind,
  type Item,
  type Tree
} from '../suites/fs-programs.ts'

const limit = { timeout: 240_000 }

const BIG = Buffer.from(Uint8Array.from({ length: 400_000 }, (_, i) => (i * i) >> 5))

const tree: Tree = new Map<string, Item>([
  ...[...realFiles(40)].map(([path, item], i): [string, Item] => [
    `real/${path}`,
    { ...item, mtime: 1_500_000_000_000 + i * 1500 }
  ]),
  ['big', { bytes: BIG, mtime: 1_600_000_000_000 }],
  ['big too', { bytes: BIG.subarray(1), mtime: 1_600_000_001_500 }],
  ['empty', { bytes: '', mtime: 1_600_000_003_000 }],
  ['é/name with spaces', { bytes: 'é', mtime: 1_600_000_004_500 }],
  ['run', { bytes: '#!/bin/sh\n', mode: 0o755, mtime: 1_600_000_006_000 }],
  ['run too', { bytes: '#!/bin/sh\n:\n', mode: 0o755, mtime: 1_600_000_007_500 }],
  ['modes/read only', { bytes: 'read', mtime: 1_600_000_009_000 }],
  ['modes/private', { bytes: 'private', mtime: 1_600_000_010_500 }],
  ['modes/odd', { bytes: 'odd', mtime: 1_600_000_012_000 }],
  ['modes/folder', { folder: true, mode: 0o700 }],
  ['modes/folder/inside', { bytes: 'inside', mtime: 1_600_000_013_500 }],
  ['folder/empty', { folder: true }],
  ['links/file', { link: '../run' }],
  ['links/folder', { link: '../modes' }],
  ['links/link', { link: 'folder' }]
])

/** A tree with modes of every kind, and a folder beside it to work in; the same path on the real disk stays empty. */
interface Place extends Ground {
  readonly at: (path: string) => string
  readonly untouched: () => Promise<string[]>
}

async function place(t: Test, kind: GroundKind): Promise<Place> {
  const real = await folder(t)
  const ground = await kind.make(t, tree, join(real, 'source'))
  // Of another's file as well as of one's own: a change of the mode alone leaves the date.
  await ground.fs.promises.chmod(join(ground.dir, 'modes/read only'), 0o444)
  await ground.fs.promises.chmod(join(ground.dir, 'modes/private'), 0o600)
  await ground.fs.promises.chmod(join(ground.dir, 'modes/odd'), 0o4671)
  const at = (path: string) => join(dirname(ground.dir), path)
  return { ...ground, at, untouched: () => nodeFs.promises.readdir(real) }
}

const require = createRequire(import.meta.url)
// Their types know nothing of the arguments of the constructors.
const { ReadStream, WriteStream } = nodeFs as any

/** A fresh copy of a package, with other modules in the place of some that it and its own dependencies require. */
function load(request: string, instead: Record<string, unknown>): any {
  const loader = Module as any
  const [original, cached] = [loader._load, { ...loader._cache }]
  const stays = new Set(Object.keys(cached).filter((path) => !/node_modules/.test(path)))
  for (const path of Object.keys(cached)) if (!stays.has(path)) Reflect.deleteProperty(loader._cache, path)
  loader._load = (name: string, ...rest: unknown[]) =>
    Object.hasOwn(instead, name) ? instead[name] : original.call(loader, name, ...rest)
  try {
    return require(request)
  } finally {
    loader._load = original
    for (const path of Object.keys(loader._cache))
      if (!stays.has(path)) Reflect.deleteProperty(loader._cache, path)
    Object.assign(loader._cache, cached)
  }
}

const ways: Record<string, (fs: any) => typeof fsExtra> = {
  'fs-extra': (fs) => load('fs-extra', { fs, 'node:fs': fs, 'graceful-fs': fs }),
  'fs-extra through graceful-fs': (fs) => {
    // graceful-fs replaces a method of the module that it is given.
    const own = { ...fs }
    return load('fs-extra', { fs: own, 'node:fs': own })
  }
}

for (const [way, loaded] of Object.entries(ways)) {
  for (const kind of way === 'fs-extra' ? grounds : [onDisk, oneDrive]) {
    test(`${way} copies and moves a tree on ${kind.name}`, limit, async (t) => {
      const { fs, at, untouched } = await place(t, kind)
      const disk = await place(t, onDisk)
      const source = await snapshot(nodeFs, disk.dir)
      const extra = loaded(fs)
      t.same(difference(await snapshot(fs, at('source')), source), [], 'the source')

      await extra.copy(at('source'), at('deep/er/copy'), { preserveTimestamps: true })
      t.same(difference(await snapshot(fs, at('deep/er/copy')), source), [], 'copy that keeps dates')
      const started = Date.now()
      await extra.copy(at('source'), at('new'))
      const plain = { dates: false }
      const undated = await snapshot(nodeFs, disk.dir, plain)
      t.same(difference(await snapshot(fs, at('new'), plain), undated), [], 'copy')
      t.ok((await extra.stat(at('new/big'))).mtimeMs >= started - 1000)

      await extra.move(at('new'), at('moved/here'))
      t.same(difference(await snapshot(fs, at('moved/here'), plain), undated), [], 'move')
      t.notOk(await extra.pathExists(at('new')))
      await extra.move(at('deep/er/copy'), at('moved/here'), { overwrite: true })
      t.same(difference(await snapshot(fs, at('moved/here')), source), [], 'move over another')
      await extra.move(at('moved/here/modes/private'), at('private'))
      t.equal(await extra.readFile(at('private'), 'utf8'), 'private')
      const { mode, mtimeMs } = await extra.stat(at('private'))
      t.same([mode & 0o7777, mtimeMs], [0o600, 1_600_000_010_500], 'move of a file keeps its mode and date')

      t.same(difference(await snapshot(fs, at('source')), source), [], 'the source is as it was')
      t.same((await extra.readdir(at('.'))).sort(), ['deep', 'moved', 'private', 'source'])
      t.same(await untouched(), [], 'nothing lands on the disk')
    })
  }
}

for (const kind of grounds) {
  test(`fs-extra copies with its options on ${kind.name}`, limit, async (t) => {
    const { fs, at, untouched } = await place(t, kind)
    const extra = ways['fs-extra']!(fs)
    const read = (path: string) => extra.readFile(at(path), 'utf8')

    const filter = (path: string) => !/big|real|links/.test(path.slice(at('.').length))
    await extra.copy(at('source'), at('some'), { filter })
    t.same((await extra.readdir(at('some'))).sort(), ['empty', 'folder', 'modes', 'run', 'run too', 'é'])
    await extra.writeFile(at('some/run'), 'changed')
    await extra.remove(at('some/empty'))
    await extra.copy(at('source'), at('some'), { filter, overwrite: false })
    t.equal(await read('some/run'), 'changed', 'overwrite: false')
    t.ok(await extra.pathExists(at('some/empty')))
    const exists = extra.copy(at('source'), at('some'), { filter, overwrite: false, errorOnExist: true })
    t.match((await failureOf(exists)).message, /already exists/, 'errorOnExist')
    await extra.copy(at('source'), at('some'), { filter })
    t.equal(await read('some/run'), '#!/bin/sh\n', 'over what is there')

    await extra.copy(at('source/links/file'), at('followed'), { dereference: true })
    t.ok((await extra.lstat(at('followed'))).isFile(), 'dereference')
    await extra.copy(at('source/links'), at('links'))
    t.equal(await extra.readlink(at('links/file')), '../run')
    await extra.copy(at('source/links'), at('links'))
    t.equal(await extra.readlink(at('links/folder')), '../modes', 'links over links')

    const refused: [from: string, to: string, message: RegExp][] = [
      ['source', 'source', /must not be the same/],
      ['source/run', 'source/run', /must not be the same/],
      ['source/links/file', 'source/links/file', /must not be the same/],
      ['source', 'source/modes/below', /subdirectory of itself/],
      ['source', 'source/links/folder/below', /subdirectory of itself/],
      ['source', 'source/links/folder/be/low', /subdirectory of itself/],
      ['source', 'followed', /Cannot overwrite non-directory/],
      ['followed', 'source', /Cannot overwrite directory/],
      ['none', 'else', /^ENOENT: no such file or directory, lstat /]
    ]
    for (const [from, to, message] of refused) {
      for (const how of ['copy', 'move'] as const) {
        t.match((await failureOf(extra[how](at(from), at(to)))).message, message, `${how} ${from} to ${to}`)
      }
    }
    t.match((await failureOf(extra.move(at('followed'), at('some')))).message, /directory|exists/)
    t.match((await failureOf(extra.move(at('some'), at('links')))).message, /dest already exists/)
    t.same(await untouched(), [])
  })

  test(`fs-extra makes, empties and removes on ${kind.name}`, limit, async (t) => {
    const { fs, at, untouched, multi } = await place(t, kind)
    const extra = ways['fs-extra']!(fs)

    await extra.ensureDir(at('a/b/c'))
    await extra.ensureDir(at('a/b/c'), 0o700)
    t.ok((await extra.stat(at('a/b/c'))).isDirectory(), 'ensureDir')
    await extra.mkdirp(at('private'), { mode: 0o700 })
    t.equal((await extra.stat(at('private'))).mode & 0o777, 0o700)
    t.match(
      (await failureOf(extra.ensureDir(at('source/run/below')))).message,
      /^ENOTDIR: not a directory, mkdir /
    )
    t.match(
      (await failureOf(extra.ensureDir(at('source/run')))).message,
      /^EEXIST: file already exists, mkdir /
    )

    await extra.ensureFile(at('a/new/file'))
    await extra.ensureFile(at('source/big'))
    t.equal((await extra.stat(at('a/new/file'))).size, 0, 'ensureFile')
    t.equal((await extra.stat(at('source/big'))).size, BIG.length)
    t.equal((await failureOf(extra.ensureFile(at('source/run/below')))).code, 'ENOTDIR')

    await extra.outputFile(at('out/put/file'), 'text')
    await extra.outputFile(at('out/put/file'), Buffer.from('bytes'))
    t.equal(await extra.readFile(at('out/put/file'), 'utf8'), 'bytes', 'outputFile')
    await extra.outputFile(at('source/real/index.ts'), 'short')
    t.equal(await extra.readFile(at('source/real/index.ts'), 'utf8'), 'short', 'over another’s file')

    await extra.ensureSymlink(at('source/modes'), at('to/folder'))
    await extra.ensureSymlink(at('source/modes'), at('to/folder'))
    await extra.ensureSymlink('../source/run', at('to/file'))
    t.equal(await extra.readFile(at('to/folder/folder/inside'), 'utf8'), 'inside', 'ensureSymlink')
    t.equal(await extra.readFile(at('to/file'), 'utf8'), '#!/bin/sh\n')
    t.match(
      (await failureOf(extra.ensureSymlink(at('none'), at('to/none')))).message,
      /^ENOENT.*ensureSymlink/
    )
    t.equal((await failureOf(extra.ensureSymlink(at('source/big'), at('to/file')))).code, 'EEXIST')
    if (multi)
      t.equal((await failureOf(extra.ensureLink(at('source/big'), at('hard')))).code, 'EPERM', 'ensureLink')

    await extra.writeJson(at('value.json'), { a: [1, null], é: 'é' }, { spaces: 2 })
    t.equal(
      await extra.readFile(at('value.json'), 'utf8'),
      '{\n  "a": [\n    1,\n    null\n  ],\n  "é": "é"\n}\n'
    )
    t.same(await extra.readJson(at('value.json')), { a: [1, null], é: 'é' }, 'writeJson, readJson')
    await extra.outputJson(at('js/on/value.json'), 7)
    t.equal(await extra.readJson(at('js/on/value.json')), 7, 'outputJson')
    t.match((await failureOf(extra.readJson(at('source/run')))).message, /source\/run: Unexpected token/)
    t.equal(await extra.readJson(at('source/run'), { throws: false }), null)
    t.equal((await failureOf(extra.readJson(at('none.json')))).code, 'ENOENT')

    t.equal(await extra.pathExists(at('source/real')), true, 'pathExists')
    t.equal(await extra.pathExists(at('source/run/below')), false)
    t.equal(await extra.pathExists(at('none')), false)
    t.equal(await extra.exists(at('source/links/file')), true, 'exists')
    t.equal(await extra.exists(at('none')), false)

    await extra.emptyDir(at('source/real'))
    t.same(await extra.readdir(at('source/real')), [], 'emptyDir')
    await extra.emptyDir(at('source/real'))
    await extra.emptyDir(at('made/empty'))
    t.same(await extra.readdir(at('made/empty')), [])
    t.equal((await failureOf(extra.emptyDir(at('source/run')))).code, 'ENOTDIR')
    await extra.remove(at('source/links'))
    t.ok(await extra.pathExists(at('source/modes/private')), 'remove takes links, not what they point to')
    await extra.remove(at('source'))
    t.notOk(await extra.pathExists(at('source')), 'remove')
    await extra.remove(at('source'))
    await extra.ensureFile(at('source/run'))
    t.same(await extra.readdir(at('source')), ['run'], 'nothing else comes back with the folder')
    t.same(await untouched(), [])
  })

  test(`fs-extra passes every call on to ${kind.name}`, limit, async (t) => {
    const { fs, at, untouched } = await place(t, kind)
    const extra: any = ways['fs-extra']!(fs)
    const fd = await extra.open(at('file'), 'w+')
    const { bytesWritten } = await extra.write(fd, Buffer.from('0123456789'), 2, 4, 0)
    t.equal(bytesWritten, 4)
    t.equal((await extra.writev(fd, [Buffer.from('ab'), Buffer.from('cd')], 4)).bytesWritten, 4)
    const found = await extra.read(fd, Buffer.alloc(6), 1, 5, 2)
    t.same([found.bytesRead, String(found.buffer)], [5, '\x0045abc'])
    const both = [Buffer.alloc(3), Buffer.alloc(9)]
    t.equal((await extra.readv(fd, both, 1)).bytesRead, 7)
    t.same(String(both[0]), '345')
    await extra.ftruncate(fd, 3)
    await extra.fchmod(fd, 0o640)
    await extra.futimes(fd, 1_600_000_000, 1_600_000_001.5)
    t.equal((await extra.fstat(fd)).size, 3)
    await extra.fdatasync(fd)
    await extra.fsync(fd)
    await extra.close(fd)
    const { mode, mtimeMs } = await extra.stat(at('file'))
    t.same(
      [await extra.readFile(at('file'), 'utf8'), mode & 0o777, mtimeMs],
      ['234', 0o640, 1_600_000_001_500]
    )

    await extra.appendFile(at('file'), '5')
    await extra.truncate(at('file'), 2)
    await extra.copyFile(at('file'), at('copied'))
    await extra.rename(at('copied'), at('renamed'))
    t.equal(await extra.readFile(at('renamed'), 'utf8'), '23')
    await extra.cp(at('source/modes'), at('cp'), { recursive: true })
    t.equal(await extra.readFile(at('cp/folder/inside'), 'utf8'), 'inside')
    t.equal(await extra.realpath(at('source/links/link')), at('source/modes'))
    t.equal(await extra.realpath.native(at('source/links/link')), at('source/modes'))
    const made = await extra.mkdtemp(at('made-'))
    t.equal(made.length, at('made-').length + 6)
    await extra.rmdir(made)
    const dir = await extra.opendir(at('cp'))
    const names: string[] = []
    for await (const { name } of dir) names.push(name)
    t.same(names.sort(), ['folder', 'odd', 'private', 'read only'])
    t.equal(typeof (await extra.statfs(at('.'))).bsize, 'number')
    await extra.rm(at('cp'), { recursive: true })
    t.equal((await failureOf(extra.access(at('cp')))).code, 'ENOENT')

    const called = await new Promise<unknown[]>((resolve) =>
      extra.copy(at('file'), at('by callback'), (...args: unknown[]) => resolve(args))
    )
    t.notOk(called[0], 'by callback')
    t.ok(await extra.pathExists(at('by callback')))
    t.same(await untouched(), [])
  })
}

/** `cp -r` by Node's own streams, all files at once. */
async function copyTree(from: any, source: string, to: any, target: string): Promise<void> {
  await to.promises.mkdir(target)
  const entries: nodeFs.Dirent[] = await from.promises.readdir(source, { withFileTypes: true })
  await Promise.all(
    entries.map(async ({ name }) => {
      const [path, copy] = [join(source, name), join(target, name)]
      const stat: nodeFs.Stats = await from.promises.lstat(path)
      if (stat.isSymbolicLink()) return to.promises.symlink(await from.promises.readlink(path), copy)
      if (stat.isDirectory()) await copyTree(from, path, to, copy)
      else {
        const output = nodeFs.createWriteStream(copy, { fs: to, mode: 0o600 })
        await pipeline(nodeFs.createReadStream(path, { fs: from }), output)
        await to.promises.utimes(copy, stat.atime, stat.mtime)
      }
      return to.promises.chmod(copy, stat.mode)
    })
  )
}

for (const kind of grounds) {
  test(`Node's streams take a tree from the disk through ${kind.name} and back`, limit, async (t) => {
    const { fs, at, untouched } = await place(t, kind)
    const disk = await place(t, onDisk)
    const source = await snapshot(nodeFs, disk.dir)
    await copyTree(nodeFs, disk.dir, fs, at('in'))
    t.same(difference(await snapshot(fs, at('in')), source), [], 'into it')
    await copyTree(fs, at('source'), fs, at('within'))
    t.same(difference(await snapshot(fs, at('within')), source), [], 'within it')
    for (const name of ['source', 'in', 'within']) {
      await copyTree(fs, at(name), nodeFs, disk.at(name === 'source' ? 'given' : name))
    }
    for (const name of ['given', 'in', 'within']) {
      t.same(difference(await snapshot(nodeFs, disk.at(name)), source), [], `out of it: ${name}`)
    }
    t.same(await untouched(), [])
  })

  test(`new ReadStream(path, { fs }) of Node on ${kind.name}`, limit, async (t) => {
    const { fs, at } = await place(t, kind)
    const read = (path: string, opts: object = {}): nodeFs.ReadStream =>
      new ReadStream(at(path), { fs, ...opts })
    for (const [path, bytes] of [
      ['source/big', BIG],
      ['source/big too', BIG.subarray(1)]
    ] as const) {
      const stream = read(path)
      const [fd] = await once(stream, 'open')
      t.equal(typeof fd, 'number')
      t.ok((await buffer(stream)).equals(bytes), path)
      t.equal(stream.bytesRead, bytes.length)
      if (!stream.closed) await once(stream, 'close')
      t.equal((await failureOf(fs.promises.access(at('none')))).code, 'ENOENT')
      const [err] = await new Promise<any[]>((resolve) => fs.fstat(fd, (...args: any[]) => resolve(args)))
      t.equal(err.code, 'EBADF', 'closes what it opened')
      const ranges = [
        { start: 5 },
        { start: 5, end: 9 },
        { start: 0, end: 0 },
        { start: 70_000, end: 200_001, highWaterMark: 1000 },
        { start: bytes.length - 3 },
        { start: bytes.length - 3, end: bytes.length + 100 },
        { start: bytes.length + 1 }
      ]
      for (const range of ranges) {
        const part = bytes.subarray(range.start, (range.end ?? bytes.length) + 1)
        t.ok((await buffer(read(path, range))).equals(part), `${path} ${JSON.stringify(range)}`)
      }
      const partial = read(path, { highWaterMark: 10 })
      await once(partial, 'data')
      partial.destroy()
      await once(partial, 'close')
    }
    t.equal(await text(read('source/links/file', { encoding: 'utf8' })), '#!/bin/sh\n')
    t.equal((await buffer(read('source/empty'))).length, 0)

    const fd = await new Promise<number>((resolve, reject) => {
      fs.open(at('source/é/name with spaces'), (err: Error | null, fd: number) =>
        err ? reject(err) : resolve(fd)
      )
    })
    const opened = { fs, fd, autoClose: false }
    t.equal(await text(nodeFs.createReadStream('', { ...opened, start: 0 })), 'é', 'of a descriptor')
    t.equal(await text(nodeFs.createReadStream('', { ...opened, start: 0 })), 'é', 'again')
    await new Promise((resolve) => fs.close(fd, resolve))

    const failing: [path: string, code: string, syscall: string][] = [
      ['none', 'ENOENT', 'open'],
      ['source/run/below', 'ENOTDIR', 'open'],
      ['source', 'EISDIR', 'read']
    ]
    for (const [path, code, syscall] of failing) {
      const err = await failureOf(buffer(read(path)))
      t.same([err.code, err.syscall], [code, syscall], path)
    }
  })

  test(`new WriteStream(path, { fs }) of Node on ${kind.name}`, limit, async (t) => {
    const { fs, at, untouched } = await place(t, kind)
    const write = (path: string, opts: object = {}): nodeFs.WriteStream =>
      new WriteStream(at(path), { fs, ...opts })
    const bytes = (path: string): Promise<Buffer> => fs.promises.readFile(at(path))

    const whole = write('whole', { mode: 0o640, flush: true })
    await pipeline(
      Readable.from([BIG.subarray(0, 1), BIG.subarray(1, 200_000), BIG.subarray(200_000)]),
      whole
    )
    t.equal(whole.bytesWritten, BIG.length)
    t.ok((await bytes('whole')).equals(BIG))
    t.equal((await fs.promises.stat(at('whole'))).mode & 0o777, 0o640)

    const many = write('many')
    many.cork()
    for (let i = 0; i < 1000; i++) many.write(`${i},`)
    many.uncork()
    many.end('end', 'utf16le')
    await once(many, 'close')
    const expected = Array.from({ length: 1000 }, (_, i) => `${i},`).join('')
    t.ok((await bytes('many')).equals(Buffer.concat([Buffer.from(expected), Buffer.from('end', 'utf16le')])))

    for (const [path, before] of [
      ['source/big', BIG],
      ['source/big too', BIG.subarray(1)]
    ] as const) {
      await pipeline(Readable.from([Buffer.from('end')]), write(path, { flags: 'a' }))
      t.ok((await bytes(path)).equals(Buffer.concat([before, Buffer.from('end')])), `a ${path}`)
      const middle = Buffer.concat([before.subarray(0, 100), Buffer.from('middle'), before.subarray(106)])
      await pipeline(
        Readable.from([Buffer.from('mid'), Buffer.from('dle')]),
        write(path, { flags: 'r+', start: 100 })
      )
      t.ok((await bytes(path)).equals(Buffer.concat([middle, Buffer.from('end')])), `r+ ${path}`)
      await pipeline(nodeFs.createReadStream(at('many'), { fs }), write(path))
      t.ok((await bytes(path)).equals(await bytes('many')), `w ${path}`)
    }

    const failing: [path: string, opts: object, code: string][] = [
      ['source/run', { flags: 'wx' }, 'EEXIST'],
      ['none/file', {}, 'ENOENT'],
      ['source/run/below', {}, 'ENOTDIR'],
      ['none', { flags: 'r+' }, 'ENOENT'],
      ['source', {}, 'EISDIR']
    ]
    for (const [path, opts, code] of failing) {
      const err = await failureOf(pipeline(Readable.from(['text']), write(path, opts)))
      t.same([err.code, err.syscall], [code, 'open'], `${path} ${JSON.stringify(opts)}`)
    }
    t.same(await untouched(), [])
  })

  test(`the streams of ${kind.name} are piped to and from those of the disk`, limit, async (t) => {
    const { fs, at } = await place(t, kind)
    const disk = await folder(t)
    await pipeline(fs.createReadStream(at('source/big too')), nodeFs.createWriteStream(join(disk, 'out')))
    t.ok(nodeFs.readFileSync(join(disk, 'out')).equals(BIG.subarray(1)))
    await pipeline(nodeFs.createReadStream(join(disk, 'out')), fs.createWriteStream(at('in')))
    t.ok((await fs.promises.readFile(at('in'))).equals(BIG.subarray(1)))
    await pipeline(fs.createReadStream(at('in')), fs.createWriteStream(at('again')))
    t.ok((await fs.promises.readFile(at('again'))).equals(BIG.subarray(1)))
    const chunks: Buffer[] = []
    const sink = new Writable({
      write(chunk: Buffer, _, done) {
        chunks.push(chunk)
        done()
      }
    })
    await pipeline(fs.createReadStream(at('again'), { start: 10, end: 19 }), sink)
    t.ok(Buffer.concat(chunks).equals(BIG.subarray(11, 21)))
  })

  test(`@humanfs/node copies, moves and deletes on ${kind.name}`, limit, async (t) => {
    const { fs, at, untouched } = await place(t, kind)
    const disk = await place(t, onDisk)
    // Neither dates nor modes are kept by it.
    const plain = { dates: false, modes: 'none' } as const
    const source = await snapshot(nodeFs, disk.dir, plain)
    const hfs = new NodeHfs({ fsp: fs.promises })

    await hfs.copyAll(at('source'), at('copy'))
    t.same(difference(await snapshot(fs, at('copy'), plain), source), [], 'copyAll')
    await hfs.moveAll(at('copy'), at('moved'))
    t.same(difference(await snapshot(fs, at('moved'), plain), source), [], 'moveAll')
    t.equal(await hfs.isDirectory(at('copy')), false)
    await hfs.copy(at('source/run'), at('run'))
    await hfs.move(at('run'), at('ran'))
    t.equal(await hfs.text(at('ran')), '#!/bin/sh\n', 'copy, move, text')

    // It hands out the whole memory behind the buffer that it gets.
    t.ok(Buffer.from((await hfs.bytes(at('source/run')))!).equals(Buffer.from('#!/bin/sh\n')), 'bytes')
    t.ok(Buffer.from((await hfs.bytes(at('source/run too')))!).equals(Buffer.from('#!/bin/sh\n:\n')))
    await hfs.write(at('made/by/write'), '{ "a": 1 }')
    await hfs.append(at('made/by/write'), ' ')
    t.same(await hfs.json(at('made/by/write')), { a: 1 }, 'write, append, json')
    t.equal(await hfs.size(at('made/by/write')), 11)
    t.equal((await hfs.lastModified(at('source/big')))?.getTime(), 1_600_000_000_000)
    t.equal(await hfs.text(at('none')), undefined)
    t.equal(await hfs.isFile(at('source/links/file')), true)

    const found: string[] = []
    for await (const { name, isDirectory } of hfs.list(at('source/modes')))
      found.push(`${name} ${isDirectory}`)
    t.same(found.sort(), ['folder true', 'odd false', 'private false', 'read only false'], 'list')
    t.equal(await hfs.delete(at('ran')), true, 'delete')
    t.equal(await hfs.delete(at('ran')), false)
    t.equal((await failureOf(hfs.delete(at('moved')))).code, 'ENOTEMPTY')
    t.equal(await hfs.delete(at('moved/folder/empty')), true)
    t.equal(await hfs.deleteAll(at('moved')), true)
    t.equal(await hfs.isDirectory(at('moved')), false)
    t.same(await untouched(), [])
  })
}
