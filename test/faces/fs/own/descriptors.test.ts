import { spawn } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { join } from 'node:path'
import Corestore from 'corestore'
import Hyperdrive from 'hyperdrive'
import Localdrive from 'localdrive'
import test, { type Test } from 'tape'
import { within } from '../../../availability/links.ts'
import { failureOf, folder, hyperdrive, multidrive } from '../../../helpers/drives.ts'
import { byteRow } from '../../../suites/fs-open-file.ts'
import { BLOCK, KIB, MIB, QUICK, shared, WRITERS } from './helpers.ts'

const ROOT = join(import.meta.dirname, '../../../..')

async function text(multi: any, fd: number, length = 100): Promise<string> {
  const { bytesRead, buffer } = await multi.read(fd, Buffer.alloc(length), 0, length, 0)
  return buffer.toString('utf8', 0, bytesRead)
}

for (const [kind, writer] of WRITERS) {
  test(`10,000 descriptors are open at once, and close() of the MultiDrive lets go of them (${kind})`, async (t) => {
    const multi: any = await multidrive(t, [await writer(t), await hyperdrive(t)])
    await multi.drives[1].put('/theirs', 'theirs')
    await multi.writeFile('/mine', 'mine')
    const fds: number[] = []
    const open = async (count: number, path: string, flags: string) => {
      for (let i = 0; i < count; i++) fds.push(await multi.open(path, flags))
    }
    // One for reading holds a file of the system open where the drive is a folder.
    const files = kind === 'a Localdrive' ? 500 : 4000
    await open(files, '/mine', 'r')
    await open(9000 - files, '/theirs', 'r')
    await open(1000, '/new', 'w')
    t.equal(new Set(fds).size, 10_000)
    t.ok(fds.every((fd) => Number.isInteger(fd) && fd >= 20))
    t.equal(await text(multi, fds[files - 1]!), 'mine')
    t.equal(await text(multi, fds[8999]!), 'theirs')
    await multi.write(fds[9999], 'x')
    await multi.close(fds[17])
    t.equal(await multi.open('/mine', 'r'), fds[17], 'a number that was given back is given out again')
    await within(QUICK, 'close', multi.close())
    t.ok((await failureOf(() => multi.read(fds[0], Buffer.alloc(1), 0, 1, 0))) instanceof Error)
  })

  test(`what is under way when the MultiDrive closes fails, and not as if nothing were there (${kind})`, async (t) => {
    const multi = await multidrive(t, [await writer(t), await hyperdrive(t)])
    const { promises } = multi
    await promises.writeFile('/file', Buffer.alloc(MIB))
    await promises.mkdir('/folder/in', { recursive: true })
    await promises.writeFile('/folder/in/it', 'text')
    const parts = new EventEmitter()
    const late = (async function* () {
      yield 'one'
      setImmediate(() => parts.emit('begun'))
      await once(parts, 'closed')
      yield 'two'
    })()
    const writing = failureOf(promises.writeFile('/late', late))
    await within(QUICK, 'begin', once(parts, 'begun'))
    const outcomes: Promise<unknown>[] = []
    const ask = (call: Promise<unknown>, isRight: (value: any) => boolean = () => true) => {
      outcomes.push(
        call.then(
          (value) => (isRight(value) ? 'done' : value),
          (err: unknown) => (err as { code: unknown }).code
        )
      )
    }
    for (let i = 0; i < 10; i++) {
      ask(promises.readFile('/file'))
      ask(promises.stat('/folder/in/it'))
      ask(promises.readdir('/folder', { recursive: true }), (names) => names.length === 2)
      ask(promises.copyFile('/folder/in/it', `/copy${i}`))
      ask(promises.cp('/folder', `/copies${i}`, { recursive: true }))
      ask(promises.chmod('/folder/in/it', 0o600))
      ask(promises.truncate('/file', i))
      ask(promises.appendFile('/file', 'x'))
      ask(multi.get('/folder/in/it'), (bytes) => bytes !== null)
      ask(multi.put(`/put${i}`, 'x'))
    }
    await outcomes[1]
    await within(QUICK, 'close', multi.close())
    parts.emit('closed')
    const told = new Set(await within(QUICK, 'calls', Promise.all(outcomes)))
    for (const what of ['done', 'CLOSED', 'SESSION_CLOSED', 'DRIVE_FAILED']) told.delete(what)
    t.same([...told], [], 'nothing else was told')
    t.equal((await within(QUICK, 'write', writing)).code, 'CLOSED')
  })

  test(`a stream of Node's whose bytes cannot land fails, and never finishes (${kind})`, async (t) => {
    const drive = await writer(t)
    const [multi, another]: any[] = [await multidrive(t, [drive]), await multidrive(t, [drive])]
    const handle = await multi.promises.open('/b', 'wx')
    const streams = [
      ['/a', multi.createWriteStream('/a', { flags: 'wx' })],
      ['/b', handle.createWriteStream()]
    ] as const
    for (const [path, stream] of streams) {
      const told: string[] = []
      for (const name of ['finish', 'error', 'close']) stream.on(name, () => told.push(name))
      await new Promise((resolve) => stream.write('mine', resolve))
      await another.put(path, 'theirs')
      const closed = new Promise((resolve) => stream.once('close', resolve))
      const failed = once(stream, 'error')
      stream.end()
      t.equal((await failed)[0].code, 'EEXIST')
      await closed
      t.same(told, ['error', 'close'])
      t.equal(await multi.readFile(path, 'utf8'), 'theirs')
    }
  })

  test(`a reading descriptor keeps its version, whatever becomes of the path (${kind})`, async (t) => {
    const drive = await writer(t)
    const [multi, another]: any[] = [await multidrive(t, [drive]), await multidrive(t, [drive])]
    const large = byteRow(5 * BLOCK)
    for (const [what, change] of Object.entries<(path: string) => Promise<unknown>>({
      overwritten: (path) => another.writeFile(path, 'another text'),
      'overwritten by a Hyperdrive or Localdrive': (path) =>
        kind === 'a Hyperdrive'
          ? drive.put(path, Buffer.from('another text'))
          : another.put(path, 'another text'),
      'appended to': (path) => another.appendFile(path, ' and more'),
      'cut off': (path) => another.truncate(path, 1),
      removed: (path) => another.unlink(path),
      renamed: (path) => another.rename(path, `${path}-renamed`),
      'replaced by a folder': async (path) => {
        await another.unlink(path)
        await another.mkdir(path)
      }
    })) {
      const path = `/${what.replaceAll(' ', '-')}`
      await multi.writeFile(path, 'first text')
      await multi.writeFile(`${path}-large`, large)
      const fds = [
        await multi.open(path, 'r'),
        await multi.open(path, 'r'),
        await multi.open(`${path}-large`, 'r')
      ]
      // One has been read before, the other has not.
      await text(multi, fds[0])
      await change(path)
      await change(`${path}-large`)
      t.same([await text(multi, fds[0]), await text(multi, fds[1])], ['first text', 'first text'], what)
      t.equal((await multi.fstat(fds[1])).size, 10)
      const whole = Buffer.alloc(large.byteLength)
      t.equal((await multi.read(fds[2], whole, 0, whole.byteLength, 0)).bytesRead, large.byteLength)
      t.ok(whole.equals(large), `${what}, a large one`)
      for (const fd of fds) await multi.close(fd)
    }
  })

  test(`an open writing descriptor holds up nobody, however much was written to it (${kind})`, async (t) => {
    const drive = await writer(t)
    const multi = await multidrive(t, [drive])
    const fd = await multi.open('/large', 'w')
    for (let i = 0; i < 25; i++) await multi.write(fd, Buffer.alloc(4 * MIB, i + 1))
    await within(
      QUICK,
      'other writes',
      Promise.all([
        drive.put('/direct', Buffer.alloc(MIB)),
        multi.put('/put', Buffer.alloc(MIB)),
        multi.writeFile('/written', 'x'),
        multi.appendFile('/log', 'x'),
        multi.mkdir('/dir')
      ])
    )
    t.equal((await failureOf(multi.stat('/large'))).code, 'ENOENT', 'and is not seen')
    t.equal(await drive.get('/large'), null)
    await multi.close(fd)
    t.equal((await multi.stat('/large')).size, 100 * MIB)
    const part = await multi.open('/large', 'r')
    const { buffer } = await multi.read(part, Buffer.alloc(2), 0, 2, 40 * MIB - 1)
    t.same([...buffer], [10, 11])
    await multi.close(part)
  })

  test(`what is written lands whole or not at all: a landing that fails (${kind})`, async (t) => {
    const multi: any = await multidrive(t, [await writer(t), await hyperdrive(t)])
    await multi.drives[1].put('/theirs', 'theirs')
    const [drive] = multi.drives
    const fail = async (path: string, flags: string, code: string, change: () => Promise<unknown>) => {
      const fd = await multi.open(path, flags)
      await multi.write(fd, 'lost')
      await change()
      const before = await multi.promises.readdir('/', { recursive: true })
      const err = await failureOf(multi.close(fd))
      t.same([err.code, err.syscall], [code, 'close'], `${path} ${flags}`)
      t.same(await multi.promises.readdir('/', { recursive: true }), before)
      t.equal((await failureOf(() => multi.close(fd))).code, 'EBADF', 'and the descriptor is closed')
    }
    await fail('/became-folder', 'w', 'EISDIR', () => multi.mkdir('/became-folder'))
    await multi.mkdir('/dir')
    await fail('/dir/below', 'w', 'ENOTDIR', async () => {
      await multi.rmdir('/dir')
      await multi.writeFile('/dir', 'a file now')
    })
    t.equal(await multi.readFile('/dir', 'utf8'), 'a file now')
    await fail('/exclusive', 'wx', 'EEXIST', () => multi.put('/exclusive', 'faster'))
    t.equal(await multi.readFile('/exclusive', 'utf8'), 'faster')
    await fail('/theirs', 'a', 'EISDIR', async () => {
      await multi.unlink('/theirs')
      await multi.mkdir('/theirs')
    })
    if (kind === 'a Localdrive') {
      const { readdir } = await import('node:fs/promises')
      t.same(await readdir(join(drive.root, '.multidrive/staged')), [], 'nothing is left aside')
    }
    const handle = await multi.promises.open('/handle', 'w')
    await handle.write('lost')
    await multi.mkdir('/handle')
    t.equal((await failureOf(handle.close())).code, 'EISDIR')
    const stream = multi.createWriteStream('/stream', { flags: 'w' })
    await new Promise((resolve) => stream.write('lost', resolve))
    await multi.mkdir('/stream')
    stream.end()
    t.equal((await once(stream, 'error'))[0].code, 'EISDIR')
  })

  test(`wx makes a file once, whoever else makes it meanwhile (${kind})`, async (t) => {
    const drive = await writer(t)
    const [multi, another]: any[] = [await multidrive(t, [drive]), await multidrive(t, [drive])]
    for (const [i, [what, make]] of Object.entries<(path: string) => Promise<unknown>>({
      put: (path) => another.put(path, 'theirs'),
      writeFile: (path) => another.writeFile(path, 'theirs'),
      mkdir: (path) => another.mkdir(path),
      symlink: (path) => another.promises.symlink('x', path),
      'a batch': async (path) => {
        const batch = another.batch()
        await batch.put(path, 'theirs')
        await batch.flush()
      },
      rename: async (path) => {
        await another.writeFile(`${path}-before`, 'theirs')
        await another.rename(`${path}-before`, path)
      }
    }).entries()) {
      const path = `/${i}`
      const fd = await multi.open(path, 'wx')
      await multi.write(fd, 'mine')
      await make(path)
      t.equal((await failureOf(multi.close(fd))).code, 'EEXIST', what)
      const stat = await multi.lstat(path)
      if (stat.isFile()) t.equal(await multi.readFile(path, 'utf8'), 'theirs')
    }
    const outcomes = await Promise.allSettled(
      Array.from({ length: 20 }, (_, i) =>
        [multi, another][i % 2].writeFile('/race', String(i), { flag: 'wx' })
      )
    )
    const won = outcomes.flatMap(({ status }, i) => (status === 'fulfilled' ? [i] : []))
    t.equal(won.length, 1)
    t.equal(await multi.readFile('/race', 'utf8'), String(won[0]))
    const codes = outcomes.flatMap((result) => (result.status === 'rejected' ? [result.reason.code] : []))
    t.ok(codes.every((code) => code === 'EEXIST'))
  })

  test(`fsync lands what was written and goes on (${kind})`, async (t) => {
    const drive = await writer(t)
    const multi = await multidrive(t, [drive])
    const fd = await multi.open('/log', 'w')
    const bytes = byteRow(MIB)
    await multi.write(fd, bytes)
    await multi.fsync(fd)
    t.ok((await drive.get('/log')).equals(bytes), 'it is there')
    const lengths: number[] = []
    for (let i = 0; i < 5; i++) {
      const before = drive.blobs?.core.byteLength ?? 0
      await multi.write(fd, `line ${i}\n`)
      await (i % 2 === 0 ? multi.fsync(fd) : multi.fdatasync(fd))
      lengths.push((drive.blobs?.core.byteLength ?? 0) - before)
    }
    t.ok(
      lengths.every((length) => length < 160 * KIB),
      `what has landed is not written again: ${lengths.join()}`
    )
    const { version } = drive
    await multi.fsync(fd)
    await multi.close(fd)
    t.equal(drive.version, version, 'with nothing new, nothing is written')
    const expected = Buffer.concat([bytes, Buffer.from([0, 1, 2, 3, 4].map((i) => `line ${i}\n`).join(''))])
    t.ok((await multi.readFile('/log')).equals(expected))

    const r = await multi.open('/log', 'r+')
    await multi.write(r, 'head', 0)
    await multi.fsync(r)
    await multi.write(r, 'tail', expected.byteLength)
    t.equal(await text(multi, r, 4), 'head', 'it reads what has landed')
    await multi.close(r)
    t.equal((await drive.get('/log')).byteLength, expected.byteLength + 4)
    t.equal((await drive.get('/log')).toString('utf8', 0, 4), 'head')
  })

  test(`after fsync a descriptor goes on from what it has landed, whatever came after it (${kind})`, async (t) => {
    const drive = await writer(t)
    const [multi, another] = [await multidrive(t, [drive]), await multidrive(t, [drive])]
    for (const [what, change] of Object.entries<() => Promise<unknown>>({
      'as long': () => another.writeFile('/file', 'theirs'),
      shorter: () => another.writeFile('/file', 'x'),
      removed: () => another.unlink('/file')
    })) {
      const fd = await multi.open('/file', 'w+')
      await multi.write(fd, 'landed')
      await multi.fsync(fd)
      await change()
      t.equal(await text(multi, fd), 'landed', what)
      await multi.write(fd, 'L', 0)
      t.equal(await multi.close(fd).then(() => multi.readFile('/file', 'utf8'), String), 'Landed', what)
    }
  })

  test(`after fsync a descriptor goes on from what it has landed, whatever came at once (${kind})`, async (t) => {
    const drive = await writer(t)
    const [multi, another] = [await multidrive(t, [drive]), await multidrive(t, [drive])]
    const found = new Set<string>()
    for (let round = 0; round < 20; round++) {
      const path = `/file-${round}`
      const fd = await multi.open(path, 'w+')
      await multi.write(fd, 'landed')
      // A file of the same moment, so that now the one and now the other is first.
      const theirs = Promise.all([another.writeFile(path, 'theirs'), another.appendFile(path, '!')])
      await Promise.all([multi.fsync(fd), theirs])
      await multi.write(fd, 'L', 0)
      await multi.close(fd)
      found.add(await multi.readFile(path, 'utf8'))
    }
    t.same([...found], ['Landed'])
  })

  test(`a process killed before it closes a file leaves nothing of it (${kind})`, async (t) => {
    const path = await folder(t)
    const script = `
      import Corestore from 'corestore'
      import Hyperdrive from 'hyperdrive'
      import Localdrive from 'localdrive'
      import MultiDrive from './index.ts'
      const [, path, kind] = process.argv
      const own = kind === 'a Localdrive' ? new Localdrive(path) : new Hyperdrive(new Corestore(path))
      const multi = new MultiDrive(own)
      await multi.writeFile('/file', 'before')
      const old = await multi.open('/file', 'r+')
      await multi.write(old, 'lost')
      const fd = await multi.open('/new', 'w')
      await multi.write(fd, Buffer.alloc(5 << 20))
      const synced = await multi.open('/synced', 'w')
      await multi.write(synced, 'kept')
      await multi.fsync(synced)
      await multi.write(synced, ' and lost')
      process.kill(process.pid, 'SIGKILL')`
    const child = spawn(
      process.execPath,
      ['--import', 'tsx', '--input-type=module', '-e', script, path, kind],
      { cwd: ROOT, stdio: 'inherit' }
    )
    t.same(await once(child, 'close'), [null, 'SIGKILL'])
    const own = kind === 'a Localdrive' ? new Localdrive(path) : new Hyperdrive(new Corestore(path))
    const multi = await multidrive(t, [own])
    t.same(
      (await multi.promises.readdir('/')).filter((name: string) => ['file', 'new', 'synced'].includes(name)),
      ['file', 'synced']
    )
    t.equal(await multi.readFile('/file', 'utf8'), 'before')
    t.equal(await multi.readFile('/synced', 'utf8'), 'kept')
  })
}

for (const [kind, writer] of WRITERS) {
  test(`of two descriptors that change a file, the last to land leaves it as it had it (${kind})`, async (t) => {
    const multi: any = await multidrive(t, [await writer(t)])
    await multi.writeFile('/file', '........')
    const fds = [await multi.open('/file', 'r+'), await multi.open('/file', 'r+')]
    await multi.write(fds[0], 'AA', 0)
    await multi.write(fds[1], 'BB', 4)
    await multi.close(fds[1])
    t.equal(await multi.readFile('/file', 'utf8'), '....BB..')
    await multi.close(fds[0])
    t.equal(await multi.readFile('/file', 'utf8'), 'AA......')
  })

  test(`what is written lands at the path that was opened (${kind})`, async (t) => {
    const multi: any = await multidrive(t, [await writer(t)])
    await multi.writeFile('/file', 'old')
    const fds = [await multi.open('/file', 'r+'), await multi.open('/file', 'a')]
    await multi.write(fds[0], 'new', 0)
    await multi.write(fds[1], ' more', null)
    await multi.rename('/file', '/moved')
    await multi.close(fds[0])
    t.same(await multi.promises.readdir('/'), ['file', 'moved'])
    t.equal(await multi.readFile('/file', 'utf8'), 'new')
    await multi.unlink('/file')
    await multi.close(fds[1])
    t.equal(await multi.readFile('/file', 'utf8'), 'old more')
    t.equal(await multi.readFile('/moved', 'utf8'), 'old')
  })

  test(`the root has no bits, dates or metadata that can be set (${kind})`, async (t) => {
    const multi: any = await multidrive(t, [await writer(t)])
    const fd = await multi.open('/', 'r')
    for (const [method, ...args] of [
      ['chmod', '/', 0o700],
      ['utimes', '/', 1, 1],
      ['lutimes', '/', 1, 1],
      ['setMetadata', '/', 'a', 1],
      ['removeMetadata', '/', 'a'],
      ['fchmod', fd, 0o700],
      ['futimes', fd, 1, 1]
    ] as const)
      t.equal((await failureOf(multi[method](...args))).code, 'EPERM', method)
    await multi.close(fd)
  })
}

test('a reading descriptor keeps its version of a replicated drive', async (t: Test) => {
  const { multi, author, authors, synced } = await shared(t, 'a Hyperdrive')
  const large = byteRow(5 * BLOCK)
  await authors.writeFile('/file', 'first text')
  await author.put('/large', large)
  await synced()
  const fds = [await multi.open('/file', 'r'), await multi.open('/large', 'r')] as const
  await authors.writeFile('/file', 'another text')
  await authors.appendFile('/large', 'more')
  await authors.rename('/large', '/renamed')
  await synced()
  t.equal(await multi.readFile('/file', 'utf8'), 'another text')
  t.equal(await text(multi, fds[0]), 'first text')
  const whole = Buffer.alloc(large.byteLength + 10)
  const { bytesRead } = await multi.read(fds[1], whole, 0, whole.byteLength, 0)
  t.ok(whole.subarray(0, bytesRead).equals(large), 'also when its bytes come later')
  await multi.unlink('/renamed')
  t.equal((await multi.read(fds[1], whole, 0, 10, 3 * BLOCK)).bytesRead, 10)
  for (const fd of fds) await multi.close(fd)
})
