import fs from 'node:fs'
import { appendFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import test, { type Test } from 'tape'
import type { MultiDrive } from '../../../../index.ts'
import { within } from '../../../availability/links.ts'
import { again } from '../../../helpers/clock.ts'
import { cleanup, failureOf, folder, hyperdrive, localdrive, multidrive } from '../../../helpers/drives.ts'
import { QUICK, shared, WRITERS } from './helpers.ts'

/** What a watch tells, once it has begun. */
async function watched(t: Test, multi: MultiDrive, path: string) {
  const told: string[] = []
  let look: () => void = () => undefined
  const watcher = multi.watch(path, (event: string, name: string) => {
    told.push(`${event} ${name}`)
    look()
  })
  cleanup(t, () => watcher.destroy())
  /** Resolves when all of these have come, and gives what has come since the last time. */
  const until = async (...events: string[]): Promise<string[]> => {
    const come = new Promise<void>((resolve) => {
      look = () => {
        if (events.every((event) => told.includes(event))) resolve()
      }
      look()
    })
    const late = await within(QUICK, events.join(', '), come).then(() => null, String)
    if (late) t.fail(`${late}: ${told.join(', ')}`)
    return told.splice(0).sort()
  }
  const folder = path === '/' ? '' : path
  await again(
    (i) => multi.writeFile(`${folder}/begin-${i}`, ''),
    () => told.length > 0
  )
  return { watcher, told, until }
}

/** What is done to it is told before this resolves. */
async function settled(
  multi: MultiDrive,
  seen: { until: (...events: string[]) => Promise<string[]> },
  folder: string
) {
  const name = `settled-${Math.random()}`
  await multi.writeFile(`${folder}/${name}`, '')
  const told = await seen.until(`rename ${name}`)
  return told.filter((event) => !event.includes('settled-') && !event.includes('begin-'))
}

for (const [kind, writer] of WRITERS) {
  test(`watch(path, onchange) tells what comes, changes and goes (${kind})`, async (t) => {
    const multi: any = await multidrive(t, [await writer(t), await hyperdrive(t)])
    await multi.drives[1].put('/dir/theirs', 'theirs')
    await multi.mkdir('/dir/sub', { recursive: true })
    await multi.writeFile('/dir/file', 'x')
    await multi.writeFile('/elsewhere', 'x')
    const seen = await watched(t, multi, '/dir')
    const tells = async (what: string, events: string[], change: () => Promise<unknown>) => {
      await settled(multi, seen, '/dir')
      await change()
      t.same(await settled(multi, seen, '/dir'), events, what)
    }
    await tells('a new file', ['rename new'], () => multi.writeFile('/dir/new', 'x'))
    await tells('a change', ['change new'], () => multi.writeFile('/dir/new', 'changed'))
    await tells('put', ['change new'], () => multi.put('/dir/new', 'put'))
    await tells('an append', ['change new'], () => multi.appendFile('/dir/new', ' more'))
    await tells('a close', ['change new'], async () => {
      const fd = await multi.open('/dir/new', 'r+')
      await multi.write(fd, 'P')
      await multi.close(fd)
    })
    await tells('bits', ['change new'], () => multi.chmod('/dir/new', 0o755))
    await tells('metadata', ['change new'], () => multi.setMetadata('/dir/new', 'note', 1))
    await tells('a rename', ['rename new', 'rename newer'], () => multi.rename('/dir/new', '/dir/newer'))
    await tells('an end', ['rename newer'], () => multi.unlink('/dir/newer'))
    await tells('del', ['rename file'], () => multi.del('/dir/file'))
    await tells('an implied folder', ['rename im', 'rename im/plied', 'rename im/plied/x'], () =>
      multi.put('/dir/im/plied/x', 'x')
    )
    await tells('its end', ['rename im', 'rename im/plied', 'rename im/plied/x'], () =>
      multi.del('/dir/im/plied/x')
    )
    await tells('deeper', ['rename sub/deep'], () => multi.writeFile('/dir/sub/deep', 'x'))
    await tells('a folder', ['rename folder'], () => multi.mkdir('/dir/folder'))
    await tells('a folder that goes', ['rename folder'], () => multi.rmdir('/dir/folder'))
    await tells('a link', ['rename link'], () => multi.promises.symlink('sub', '/dir/link'))
    await tells('a copy-up', ['change theirs'], () => multi.appendFile('/dir/theirs', ' and ours'))
    await tells('by another drive', ['rename plain'], () => multi.drives[1].put('/dir/plain', 'x'))
    await tells('elsewhere', [], async () => {
      await multi.writeFile('/elsewhere', 'changed')
      await multi.writeFile('/dir-beside', 'x')
    })
    await tells('nothing', [], () => multi.drives[1].put('/beside', 'x'))
  })

  test(`watch(path) of a file, and of one that is not there yet (${kind})`, async (t) => {
    const multi = await multidrive(t, [await writer(t)])
    await multi.writeFile('/file', 'x')
    const told: string[] = []
    const watchers = ['/file', '/later'].map((path) =>
      multi.watch(path, (event: string, name: string) => told.push(`${path}: ${event} ${name}`))
    )
    const comes = async (event: string, change: () => Promise<unknown>) => {
      await again(change, () => told.includes(event))
      t.ok(told.includes(event), `${event} in ${[...new Set(told)].join(', ')}`)
    }
    let round = 0
    await comes('/file: change file', () => multi.writeFile('/file', `text ${++round}`))
    await comes('/later: rename later', () => multi.writeFile('/later', 'x'))
    await comes('/file: rename file', () => multi.rm('/file', { force: true }))
    t.notOk(told.some((event) => event.startsWith('/file') && event.includes('later')))
    for (const watcher of watchers) watcher.close()
  })
}

test('watch(path, onchange) tells what comes through replication, and what a tombstone hides', async (t) => {
  const { multi, authors, synced } = await shared(t, 'a Hyperdrive')
  await authors.put('/dir/file', 'x')
  await synced()
  const seen = await watched(t, multi, '/dir')
  await settled(multi, seen, '/dir')
  await authors.writeFile('/dir/new', 'x')
  t.same(
    (await seen.until('rename new')).filter((event) => !event.includes('ed-')),
    ['rename new']
  )
  await authors.writeFile('/dir/new', 'changed')
  await seen.until('change new')
  await authors.unlink('/dir/new')
  await seen.until('rename new')
  await authors.rename('/dir/file', '/dir/moved')
  t.same(await seen.until('rename file', 'rename moved'), ['rename file', 'rename moved'])
  await multi.unlink('/dir/moved')
  await seen.until('rename moved')
  t.pass('what is hidden has gone')
})

test('watch(path, onchange) of the root tells of drives that come and go', async (t) => {
  const multi = await multidrive(t, [await hyperdrive(t)])
  const other = await hyperdrive(t)
  await other.put('/theirs', 'x')
  const seen = await watched(t, multi, '/')
  await settled(multi, seen, '')
  await multi.addDrive(other)
  await seen.until('rename theirs')
  await multi.removeDrive(other)
  t.ok((await seen.until('rename theirs')).includes('rename theirs'))
})

test('watch(path, onchange) goes on when a drive closes and so leaves the set', async (t) => {
  const multi: any = await multidrive(t, [await hyperdrive(t), await hyperdrive(t)])
  const [, other] = multi.drives
  await other.put('/theirs', 'x')
  const seen = await watched(t, multi, '/')
  await settled(multi, seen, '')
  await other.close()
  await seen.until('rename theirs')
  await multi.writeFile('/later', 'x')
  await seen.until('rename later')
  t.pass('what it showed is known, though it cannot be read any more')
})

test('destroy() of a watch ends it', async (t) => {
  const multi: any = await multidrive(t, [await hyperdrive(t)])
  await multi.mkdir('/dir')
  const [ended, going] = [await watched(t, multi, '/dir'), await watched(t, multi, '/dir')]
  await settled(multi, going, '/dir')
  await settled(multi, ended, '/dir')
  const listeners = multi.listenerCount('update')
  ended.told.splice(0)
  ended.watcher.destroy()
  ended.watcher.destroy()
  t.equal(multi.listenerCount('update'), listeners - 1, 'it listens to nothing more')
  await multi.writeFile('/dir/file', 'x')
  await going.until('rename file')
  t.same(ended.told, [])
  for (const onchange of [7, {}, 'x'])
    t.equal((await failureOf(() => multi.watch('/dir', onchange))).code, 'ERR_INVALID_ARG_TYPE')
  await multi.close()
  t.equal((await failureOf(() => multi.watch('/dir', () => undefined))).code, 'CLOSED')
})

test('what somebody does to the folder of a Localdrive is seen at the next change of the MultiDrive', async (t) => {
  const drive = await localdrive(t)
  const multi = await multidrive(t, [drive])
  await multi.writeFile('/dir/file', 'x').catch(() => multi.put('/dir/file', 'x'))
  const seen = await watched(t, multi, '/dir')
  await settled(multi, seen, '/dir')
  await appendFile(join(drive.root, 'dir/file'), ' from outside')
  t.same(await settled(multi, seen, '/dir'), ['change file'])
  await rm(join(drive.root, 'dir/file'))
  t.same(await settled(multi, seen, '/dir'), ['rename file'])
})

test('promises.watch(path, { signal })', async (t) => {
  const multi: any = await multidrive(t, [await hyperdrive(t)])
  await multi.mkdir('/dir')
  const ended = new AbortController()
  const changes: any[] = []
  const listeners = multi.listenerCount('update')
  const watching = (async () => {
    for await (const change of multi.promises.watch('/dir', { signal: ended.signal })) changes.push(change)
  })()
  watching.catch(() => undefined)
  await again(
    (i) => multi.writeFile(`/dir/${i}`, 'x'),
    () => changes.length > 0
  )
  t.equal(changes[0]?.eventType, 'rename')
  t.match(changes[0]?.filename, /^\d+$/)
  ended.abort()
  const err = await within(QUICK, 'the end', failureOf(watching))
  t.same([err.name, err.code], ['AbortError', 'ABORT_ERR'])
  t.equal(multi.listenerCount('update'), listeners, 'it listens to nothing more')

  const early = await failureOf(
    (async () => {
      for await (const change of multi.promises.watch('/dir', { signal: AbortSignal.abort() }))
        t.fail(String(change))
    })()
  )
  t.equal(early.name, 'AbortError')
  const iterator = multi.promises.watch('/dir', { encoding: 'buffer' })[Symbol.asyncIterator]()
  const first = iterator.next()
  let done = false
  first.then(() => (done = true))
  await again(
    (i) => multi.writeFile(`/dir/again-${i}`, 'x'),
    () => done
  )
  t.ok(Buffer.isBuffer((await first).value.filename))
  await iterator.return()
  t.equal(multi.listenerCount('update'), listeners, 'nor does one that was left')
})

test('watch(path) of a MultiDrive that was closed fails', async (t) => {
  const multi: any = await multidrive(t, [await hyperdrive(t)])
  const watcher = multi.watch('/', () => t.fail('nothing changes'))
  const iterator = multi.promises.watch('/')
  const next = iterator.next()
  await multi.close()
  t.same(await within(QUICK, 'the end', next), { value: undefined, done: true }, 'one that was there ends')
  watcher.destroy()
  for (const late of [
    async () => multi.watch('/', () => t.fail('nothing changes')),
    async () => multi.promises.watch('/').next()
  ]) {
    const err = await within(QUICK, 'a failure', failureOf(late))
    t.same([err.code, err.syscall], ['CLOSED', 'watch'])
  }
  t.equal(multi.listenerCount('update'), 0)
})

/** The next thing that a watch with options tells of a new file, and of one in a folder. */
async function tells(t: Test, opts: unknown) {
  const multi: any = await multidrive(t, [await hyperdrive(t)])
  await multi.mkdir('/dir/sub', { recursive: true })
  const told: [string, unknown][] = []
  const watcher = multi.watch('/dir', opts, (event: string, name: unknown) => told.push([event, name]))
  await again(
    (i) => multi.writeFile(`/dir/begin-${i}`, ''),
    () => told.length > 0
  )
  return { multi, told, watcher }
}

test('watch(path, { encoding }, onchange) gives names in that encoding', async (t) => {
  for (const opts of ['buffer', { encoding: 'buffer' }]) {
    const { told, watcher } = await tells(t, opts)
    t.ok(Buffer.isBuffer(told[0]![1]))
    t.match(String(told[0]![1]), /^begin-/)
    watcher.close()
  }
  const { told, watcher } = await tells(t, 'hex')
  t.match(Buffer.from(told[0]![1] as string, 'hex').toString(), /^begin-/)
  watcher.close()
})

test('watch(path, { recursive: false }, onchange) tells of what is in the folder itself', async (t) => {
  const { multi, told, watcher } = await tells(t, { recursive: false })
  for (const path of ['/dir/sub/deep', '/dir/end']) await multi.writeFile(path, '')
  await again(
    (i) => multi.writeFile('/dir/end', String(i)),
    () => told.some(([, name]) => name === 'end')
  )
  t.notOk(told.some(([, name]) => String(name).startsWith('sub')))
  watcher.close()
})

test('watch(path, { signal }, onchange) ends with the signal', async (t) => {
  const ended = new AbortController()
  const { multi, told } = await tells(t, { signal: ended.signal })
  const listeners = multi.listenerCount('update')
  ended.abort()
  t.equal(multi.listenerCount('update'), listeners - 1)
  told.splice(0)
  await multi.writeFile('/dir/later', '')
  multi.watch('/dir', { signal: AbortSignal.abort() }, () => t.fail('it has ended')).close()
  t.equal(multi.listenerCount('update'), listeners - 1)
  t.same(told, [])
})

test('watch(path, opts, onchange) refuses the options that Node refuses', async (t) => {
  const multi: any = await multidrive(t, [await hyperdrive(t)])
  const dir = await folder(t)
  for (const opts of [
    { recursive: 1 },
    { signal: {} },
    { signal: null },
    { signal: 7 },
    { encoding: 'x' },
    'x',
    7,
    null,
    undefined,
    {},
    { encoding: null, persistent: false, recursive: true }
  ]) {
    const codes = [fs, multi].map((of) => {
      try {
        of.watch(of === fs ? dir : '/', opts, () => undefined).close()
        return null
      } catch (err) {
        return (err as { code: string }).code
      }
    })
    t.equal(codes[1], codes[0], `${JSON.stringify(opts)}: ${codes[0]}`)
  }
  for (const opts of [{ recursive: 1 }, { signal: {} }, { encoding: 'x' }, 7]) {
    const codes = []
    for (const [of, path] of [
      [fs, dir],
      [multi, '/']
    ])
      codes.push((await failureOf(of.promises.watch(path, opts).next())).code)
    t.equal(codes[1], codes[0], `promises, ${JSON.stringify(opts)}: ${codes[0]}`)
  }
})

test('promises.watch(path) tells once of what comes again while nobody asks', async (t) => {
  const multi: any = await multidrive(t, [await hyperdrive(t)])
  await multi.mkdir('/dir')
  await multi.writeFile('/dir/file', '')
  const changes = multi.promises.watch('/dir', { recursive: false })
  const told: string[] = []
  const next = async () => {
    const { value } = await within<any>(QUICK, 'a change', changes.next())
    return `${value.eventType} ${value.filename}`
  }
  const first = next().then((event) => told.push(event))
  await again(
    (i) => multi.writeFile(`/dir/begin-${i}`, ''),
    () => told.length > 0
  )
  await first
  // Each of them is told of by a watch with a callback before the next one is made.
  const beside: string[] = []
  const watcher = multi.watch('/dir', (event: string, name: string) => beside.push(`${event} ${name}`))
  await again(
    (i) => multi.writeFile(`/dir/beside-${i}`, ''),
    () => beside.length > 0
  )
  for (let i = 0; i < 20; i++) {
    beside.splice(0)
    await multi.writeFile('/dir/file', String(i))
    await again(
      () => multi.update(),
      () => beside.includes('change file')
    )
  }
  await multi.writeFile('/dir/end', '')
  // By then the other one has looked, too.
  await again(
    () => multi.update(),
    () => beside.includes('rename end')
  )
  while (told.at(-1) !== 'rename end') told.push(await next())
  t.equal(told.filter((event) => event === 'change file').length, 1)
  watcher.close()
  await changes.return()
})

test('promises.watch(path) ends at once with return(), also while the next change is awaited', async (t) => {
  const multi: any = await multidrive(t, [await hyperdrive(t)])
  const listeners = multi.listenerCount('update')
  const changes = multi.promises.watch('/')
  const next = changes.next()
  await multi.update()
  t.same(await within(QUICK, 'the end', changes.return()), { value: undefined, done: true })
  t.same(await within(QUICK, 'the end', next), { value: undefined, done: true })
  t.equal(multi.listenerCount('update'), listeners)
  t.same(await changes.next(), { value: undefined, done: true })
})
