import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import test, { type Test } from 'tape'
import { Spool } from '../../lib/overlay/spool.ts'
import { random } from '../availability/links.ts'
import { cleanup, collect, failureOf, folder } from '../helpers/drives.ts'
import { byteRow } from '../suites/fs-open-file.ts'

const LIMIT = 1000

function spool(t: Test, limit = LIMIT): Spool {
  const made = new Spool(limit)
  cleanup(t, () => made.close())
  return made
}

async function bytesOf(from: Spool, start = 0, length = from.byteLength): Promise<Buffer> {
  const into = Buffer.alloc(length, 0xee)
  const bytesRead = await from.read(into, start)
  return into.subarray(0, bytesRead)
}

/** Files made for temporary use from now on lie in a folder of the test's own. */
async function temporary(t: Test): Promise<string> {
  const path = await folder(t)
  const before = process.env['TMPDIR']
  cleanup(t, () => {
    if (before === undefined) delete process.env['TMPDIR']
    else process.env['TMPDIR'] = before
  })
  process.env['TMPDIR'] = path
  return path
}

for (const [where, length] of [
  ['in memory', LIMIT],
  ['in a file', LIMIT + 1]
] as const) {
  test(`what was written can be read back from ${where}`, async (t) => {
    const bytes = byteRow(length)
    const one = spool(t)
    await one.write(bytes.subarray(0, 400))
    await one.write(bytes.subarray(400))
    t.equal(one.byteLength, length)
    t.ok((await bytesOf(one)).equals(bytes))
    t.ok((await bytesOf(one, 399, 2)).equals(bytes.subarray(399, 401)))
    t.ok((await bytesOf(one, length - 3, 100)).equals(bytes.subarray(length - 3)), 'as far as there is any')
    t.equal(await one.read(Buffer.alloc(5), length), 0, 'at the end')
    t.equal(await one.read(Buffer.alloc(5), length + 7), 0, 'behind it')
    for (let time = 0; time < 2; time++)
      t.ok(Buffer.concat(await collect(one.stream())).equals(bytes), 'more than once')
    t.ok(
      Buffer.concat(await collect(one.stream({ start: 7, length: 500 }))).equals(bytes.subarray(7, 507)),
      'a part'
    )
    t.ok(
      Buffer.concat(await collect(one.stream({ start: length - 1, length: 500 }))).equals(bytes.subarray(-1))
    )
    t.same(await collect(one.stream({ start: length })), [])
  })

  test(`a gap reads as zeros ${where}`, async (t) => {
    const one = spool(t)
    await one.write(Buffer.from('abc'), 10)
    await one.write(Buffer.from('xyz'), length - 3)
    const expected = Buffer.alloc(length)
    expected.write('abc', 10)
    expected.write('xyz', length - 3)
    t.ok((await bytesOf(one)).equals(expected))
    await one.write(Buffer.from('ABCD'), 8)
    expected.write('ABCD', 8)
    t.ok((await bytesOf(one)).equals(expected), 'what is written twice is what came last')
    t.equal(one.byteLength, length)
  })

  test(`what the caller does with its buffer afterwards is not seen ${where}`, async (t) => {
    const one = spool(t)
    const buffer = Buffer.alloc(length, 1)
    await one.write(buffer)
    buffer.fill(2)
    t.ok((await bytesOf(one)).equals(Buffer.alloc(length, 1)))
    for await (const chunk of one.stream()) chunk.fill(3)
    t.ok((await bytesOf(one)).equals(Buffer.alloc(length, 1)), 'nor what is done with what was read')
  })
}

test('a write far behind the end takes no room for what lies between', async (t) => {
  const one = spool(t)
  const far = 2 ** 40
  await one.write(Buffer.from('near'), 0)
  await one.write(Buffer.from('far'), far)
  t.equal(one.byteLength, far + 3)
  t.equal(String(await bytesOf(one, 0, 4)), 'near')
  t.ok((await bytesOf(one, far - 2, 5)).equals(Buffer.from('\0\0far')))
})

test('a spool leaves no file behind', async (t) => {
  const path = await temporary(t)
  const one = new Spool(LIMIT)
  await one.write(Buffer.alloc(LIMIT))
  t.same(await readdir(path), [], 'what is short waits in memory')
  await one.write(Buffer.alloc(1))
  await one.close()
  await one.close()
  t.same(await readdir(path), [])
  t.equal((await failureOf(one.write(Buffer.alloc(1)))).code, 'CLOSED')
})

test('a spool that cannot make its file says so, and keeps what it has', async (t) => {
  const path = await temporary(t)
  process.env['TMPDIR'] = join(path, 'gone')
  const one = spool(t)
  await one.write(Buffer.alloc(LIMIT, 1))
  t.equal((await failureOf(one.write(Buffer.alloc(1, 2)))).code, 'ENOENT')
  t.ok((await bytesOf(one)).equals(Buffer.alloc(LIMIT, 1)))
  process.env['TMPDIR'] = path
  await one.write(Buffer.alloc(1, 2))
  t.equal((await bytesOf(one, LIMIT)).toString('hex'), '02')
  await rm(path, { recursive: true })
})

test('random writes to a spool agree with a Buffer', async (t) => {
  let wrong = 0
  for (let seed = 0; seed < 40; seed++) {
    const next = random(seed)
    const upTo = (n: number) => Math.floor(next() * (n + 1))
    const one = new Spool(LIMIT)
    let model = Buffer.alloc(0)
    for (let step = 0; step < 15; step++) {
      const chunk = Buffer.alloc(1 + upTo(300), seed + step + 1)
      const at = next() < 0.3 ? one.byteLength : upTo(2 * LIMIT)
      await one.write(chunk, at)
      const longer = Buffer.alloc(Math.max(model.byteLength, at + chunk.byteLength))
      model.copy(longer)
      chunk.copy(longer, at)
      model = longer
    }
    const [start, length] = [upTo(model.byteLength), upTo(model.byteLength)]
    const part = Buffer.concat(await collect(one.stream({ start, length })))
    if (
      !(await bytesOf(one)).equals(model) ||
      !part.equals(model.subarray(start, start + length)) ||
      one.byteLength !== model.byteLength
    ) {
      t.fail(`seed ${seed}`)
      wrong++
    }
    await one.close()
  }
  t.equal(wrong, 0)
})
