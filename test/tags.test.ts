import test from 'tape'
import Localdrive from 'localdrive'
import { contents, failureOf, folder, hyperdrive, link, multidrive, store } from './helpers/drives.ts'

const limit = { timeout: 60_000 }

test('createTag(name, version?) names a version, getTaggedVersion(name) gives it', limit, async (t) => {
  const multi = await multidrive(t, [await hyperdrive(t), await hyperdrive(t)])
  await multi.put('/file', 'one')
  const first = multi.version
  await multi.createTag('first')
  await multi.put('/file', 'two')
  await multi.createTag('again', first)
  t.equal(await multi.getTaggedVersion('first'), first)
  t.equal(await multi.getTaggedVersion('again'), first)
  t.equal(await multi.getTaggedVersion('none'), null)
  t.same(await contents(multi.checkout((await multi.getTaggedVersion('first'))!)), { '/file': 'one' })
  t.same([...(await multi.getAllTags())].sort(), [
    ['again', first],
    ['first', first]
  ])
  await multi.createTag('first', multi.version)
  t.notEqual(await multi.getTaggedVersion('first'), first, 'the last word counts')
  t.same(await contents(multi), { '/file': 'two' }, 'a tag is no file')
})

test('deleteTag(name) takes a name away, whoever gave it', limit, async (t) => {
  const [here, there] = [await store(t), await store(t)]
  const theirs = await hyperdrive(t, { store: there })
  const own = await hyperdrive(t, { store: here })
  const they = await multidrive(t, [theirs, await hyperdrive(t, { store: there, key: own.key })])
  const multi = await multidrive(t, [own, await hyperdrive(t, { store: here, key: theirs.key })])
  await they.createTag('ours')
  await they.createTag('kept')
  const unlink = link(here, there)
  await multi.update({ wait: true })
  t.same([...(await multi.getAllTags()).keys()].sort(), ['kept', 'ours'])
  await multi.deleteTag('ours')
  await multi.deleteTag('none')
  t.same([...(await multi.getAllTags()).keys()], ['kept'])
  await they.update({ wait: true })
  t.same([...(await they.getAllTags()).keys()], ['kept'], 'its author knows too')
  await they.createTag('ours')
  t.same([...(await they.getAllTags()).keys()].sort(), ['kept', 'ours'], 'and may give it again')
  await unlink()
})

test('tags call back, and are kept by a Localdrive', limit, async (t) => {
  const path = await folder(t)
  const multi = await multidrive(t, [new Localdrive(path), await hyperdrive(t)])
  const { version } = multi
  const called = (call: (cb: (...args: unknown[]) => void) => unknown) =>
    new Promise((resolve) => call((...args) => resolve(args)))
  t.same(await called((cb) => multi.createTag('a', cb)), [null])
  t.same(await called((cb) => multi.createTag('b', version, cb)), [null])
  t.same(await called((cb) => multi.getTaggedVersion('a', cb)), [null, version])
  const again = await multidrive(t, [new Localdrive(path)])
  t.same(await called((cb) => again.getAllTags(cb)), [
    null,
    new Map([
      ['a', version],
      ['b', version]
    ])
  ])
  t.same(await called((cb) => again.deleteTag('a', cb)), [null])
  t.same([...(await multi.getAllTags()).keys()], ['b'])
})

test('a tag without a name or a version is EINVAL, without a writer EROFS', limit, async (t) => {
  const own = await hyperdrive(t)
  const multi = await multidrive(t, [own])
  for (const name of ['', '\0', undefined, 7])
    t.equal((await failureOf(multi.createTag(name as string))).code, 'EINVAL', String(name))
  t.equal((await failureOf(multi.createTag('x', 'no version'))).code, 'EINVAL')
  t.equal((await failureOf(multi.getTaggedVersion(''))).code, 'EINVAL')
  const past = multi.checkout(multi.version)
  t.equal((await failureOf(past.createTag('x'))).code, 'EROFS')
  t.equal((await failureOf(past.mount('/x', Buffer.alloc(32)))).code, 'EROFS')
})
