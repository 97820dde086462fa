/**
 * What of Node's `fs` a MultiDrive has is its own and bound to it; what it has not stands in the README, with the reason. Calls that wait
 * for nobody are left out by saying so when they are called.
 */
import fs from 'node:fs'
import { constants } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import fastGlob from 'fast-glob'
import test from 'tape'
import { SYNC_CALLS } from '../../../lib/faces/fs/sync.ts'
import { collect, failureOf, folder, localdrive, multidrive } from '../../helpers/drives.ts'

const LATER = 'Later than Node 20.'
const isNode20 = process.version.startsWith('v20.')

/** The rows of the README's table: the names, in which `*` stands for any, and why they are left out. */
const rows = leftOut()
const names = rows.flatMap((row) => row.names)

test('every name of node:fs is a member of a MultiDrive or left out with a reason, never both', async (t) => {
  const multi = await multidrive(t, [await localdrive(t)])
  for (const [prefix, module, own] of [
    ['', fs, multi],
    ['promises.', fs.promises, multi.promises]
  ] as const) {
    const all = Object.keys(module)
    t.ok(all.includes('readFile') && all.length > 20)
    const isLeftOut = (name: string) => names.some((pattern) => matches(pattern, prefix + name))
    t.same(
      all.filter((name) => !(name in own) && !isLeftOut(name)),
      [],
      `nothing is missing of fs.${prefix} without a word`
    )
    t.same(
      all.filter((name) => name in own && isLeftOut(name) && !isSync(name)),
      [],
      `nothing of fs.${prefix} is said to be missing that is there`
    )
  }
})

test('what is said to be left out is there in node:fs', { skip: !isNode20 }, (t) => {
  const all = [...Object.keys(fs), ...Object.keys(fs.promises).map((name) => `promises.${name}`)]
  const told = rows.filter(({ why }) => why !== LATER).flatMap((row) => row.names)
  t.same(
    told.filter((pattern) => !all.some((name) => matches(pattern, name))),
    []
  )
  t.same(
    names.filter((name, i) => names.indexOf(name) !== i),
    [],
    'and told once'
  )
  t.ok(told.includes('*Sync'))
  t.notOk(
    rows.some(({ why }) => why.length < 10),
    'with a reason'
  )
  t.end()
})

test('every call of node:fs that waits for nobody is one that throws', async (t) => {
  const all = Object.keys(fs).filter(isSync)
  const here: string[] = [...SYNC_CALLS]
  t.ok(all.length > 40)
  t.same(
    all.filter((name) => !here.includes(name)),
    [],
    'none is missing'
  )
  const later = ['globSync', 'mkdtempDisposableSync']
  if (isNode20)
    t.same(
      here.filter((name) => !all.includes(name)),
      later,
      'none is too many'
    )
  t.same(here, [...new Set(here)].sort(), 'each is told once')

  const multi: any = await multidrive(t, [await localdrive(t)])
  const { errno } = constants
  for (const name of here) {
    const about = { code: 'ENOSYS', errno: -errno.ENOSYS, syscall: name, path: '/x' }
    for (const path of ['/x', Buffer.from('/x'), new URL('file:///x')])
      t.same(
        thrown(() => multi[name](path, 'x')),
        { ...about, message: `ENOSYS: function not implemented, ${name} '/x'` }
      )
    t.same(
      thrown(() => multi[name](20)),
      { ...about, path: undefined, message: `ENOSYS: function not implemented, ${name}` },
      'of a descriptor'
    )
  }
  t.is(thrown(() => multi.realpathSync.native('/x')).code, 'ENOSYS')
})

test('an adapter that is laid over node:fs never looks at the disk without saying so', async (t) => {
  const multi: any = await multidrive(t, [await localdrive(t)])
  await multi.promises.writeFile('/file', 'ours')
  const real = await folder(t)
  fs.writeFileSync(join(real, 'theirs'), 'theirs')
  const adapter = { ...fs, ...multi }
  t.same(await fastGlob('**', { fs: adapter, cwd: '/' }), ['file'])
  t.same(await fastGlob('**', { fs: adapter, cwd: real }), [])
  t.throws(() => fastGlob.sync('**', { fs: adapter, cwd: real }), /ENOSYS/)
  t.throws(() => adapter.existsSync(join(real, 'theirs')), /ENOSYS/)
})

test('the calls of a MultiDrive and of its promises are their own, enumerable, and bound', async (t) => {
  const multi: any = await multidrive(t, [await localdrive(t)])
  for (const [where, own, theirs] of [
    ['multi', multi, fs],
    ['multi.promises', multi.promises, fs.promises]
  ] as const) {
    const more = ['setMetadata', 'removeMetadata']
    const calls = [...Object.keys(theirs), ...more].filter((name) => typeof own[name] === 'function')
    t.ok(calls.length > 30)
    for (const name of calls) {
      const { enumerable = false } = Object.getOwnPropertyDescriptor(own, name) ?? {}
      t.ok(enumerable, `${where}.${name} is its own`)
      // It answers whatever it is asked.
      if (name === 'exists') continue
      // What cannot be meant is found by whoever knows the MultiDrive, or by nobody.
      const code = isSync(name) ? /^ENOSYS$/ : /^(ERR_INVALID_ARG_TYPE|EINVAL)$/
      t.match(await refusal(own[name], name), code, `${where}.${name} is bound`)
    }
  }
})

test('calls taken off a MultiDrive work, and so do its copies', async (t) => {
  const multi: any = await multidrive(t, [await localdrive(t)])
  const { appendFile, close, exists, open, promises, readdir, write, writeFile } = multi
  await writeFile('/file', 'one')
  await promisify(appendFile)('/file', ' two')
  const fd = await open('/file', 'a')
  await write(fd, ' three')
  await promisify(close)(fd)
  t.is(await promises.readFile('/file', 'utf8'), 'one two three')
  t.same(await promisify(readdir)('/'), ['file'])
  t.is(await exists('/file'), true)
  t.is(await new Promise((resolve) => exists('/', resolve)), true)

  const adapter = { ...multi, extra: true }
  t.is(await adapter.readFile('/file', 'utf8'), 'one two three')
  t.is((await adapter.promises.stat('/file')).size, 13)
  t.is(await promisify(adapter.realpath.native)('//file'), '/file')
  t.is(adapter.constants, fs.constants)
  t.is(adapter.promises.constants, fs.constants)
})

/** The code of the error that a call taken off its object fails with, by throwing, rejecting or emitting. */
async function refusal(call: (...args: unknown[]) => unknown, name: string): Promise<string> {
  const args: unknown[] = [Symbol('what cannot be meant')]
  if (name === 'watch') args.push(() => undefined)
  const err = await failureOf(async () => {
    const result: any = Reflect.apply(call, undefined, args)
    if (result?.then) await result
    else if (result?.[Symbol.asyncIterator]) await collect(result)
    else if (result?.once) await new Promise((_resolve, reject) => result.once('error', reject))
  })
  return err.code ?? err.message
}

/** What of an error is Node's, thrown at once. */
function thrown(call: () => unknown): Record<string, unknown> {
  try {
    call()
  } catch (err: any) {
    const { code, errno, syscall, path, message } = err
    return { code, errno, syscall, path, message }
  }
  return {}
}

function isSync(name: string): boolean {
  return name.endsWith('Sync')
}

function matches(pattern: string, name: string): boolean {
  return pattern.startsWith('*') ? name.endsWith(pattern.slice(1)) : name === pattern
}

function leftOut(): { names: string[]; why: string }[] {
  const readme = fs.readFileSync(new URL('../../../README.md', import.meta.url), 'utf8')
  const [, section = ''] = /^## Left out\n([^]*?)^## /m.exec(readme) ?? []
  return [...section.matchAll(/^\| (`.*?) +\| (.*?) *\|$/gm)].map(([, cell, why]) => ({
    names: [...cell!.matchAll(/`([^`]+)`/g)].map(([, name]) => name!),
    why: why!
  }))
}
