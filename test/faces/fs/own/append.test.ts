import { once } from 'node:events'
import test from 'tape'
import { hyperdrive, localdrive, multidrive } from '../../../helpers/drives.ts'

const numbers = (length: number) => Array.from({ length }, (_, i) => i)
const lines = (indexes: readonly number[]) => indexes.map((i) => `line ${i}\n`)

for (const [kind, writer] of [
  ['a Hyperdrive', hyperdrive],
  ['a Localdrive', localdrive]
] as const) {
  test(`appendFile calls of one moment land in the order of the calls (${kind})`, async (t) => {
    const multi: any = await multidrive(t, [await writer(t), await hyperdrive(t)])
    await multi.drives[1].put('/theirs', 'begin\n')
    await multi.writeFile('/mine', 'begin\n')
    const expected = lines(numbers(20)).join('')
    for (const [path, begin] of [
      ['/mine', 'begin\n'],
      ['/theirs', 'begin\n'],
      ['/new', '']
    ] as const) {
      await Promise.all(lines(numbers(20)).map((line) => multi.appendFile(path, line)))
      t.equal(await multi.readFile(path, 'utf8'), begin + expected, path)
    }
    const called = lines(numbers(20)).map(
      (line) => new Promise((resolve) => multi.appendFile('/called', line, resolve))
    )
    t.same(
      (await Promise.all(called)).filter((err) => err),
      []
    )
    t.equal(await multi.readFile('/called', 'utf8'), expected, 'by callback')
    const written = lines(numbers(20)).map((line) => multi.promises.writeFile('/flag', line, { flag: 'a' }))
    await Promise.all(written)
    t.equal(await multi.readFile('/flag', 'utf8'), expected, 'writeFile with the flag a')
  })

  test(`an appendFile that waits for its data holds up no other (${kind})`, async (t) => {
    const multi: any = await multidrive(t, [await writer(t)])
    let go: () => void = () => undefined
    const gate = new Promise<void>((resolve) => (go = resolve))
    const slow = multi.appendFile(
      '/log',
      (async function* () {
        yield 'slow '
        await gate
        yield 'line\n'
      })()
    )
    await multi.appendFile('/log', 'line\n')
    t.equal(await multi.readFile('/log', 'utf8'), 'line\n')
    go()
    await slow
    t.equal(await multi.readFile('/log', 'utf8'), 'line\nslow line\n')
  })

  test(`two MultiDrives over one writer append to one file, and nothing is lost (${kind})`, async (t) => {
    const drive = await writer(t)
    const multis: any[] = [await multidrive(t, [drive]), await multidrive(t, [drive])]
    await Promise.all(
      multis.map(async (multi, who) => {
        for (let i = 0; i < 50; i++) await multi.appendFile('/log', `${who} ${i}\n`)
      })
    )
    const found = (await multis[0].readFile('/log', 'utf8')).trimEnd().split('\n')
    t.equal(found.length, 100)
    for (const who of [0, 1]) {
      t.same(
        found.filter((line: string) => line.startsWith(`${who} `)),
        numbers(50).map((i) => `${who} ${i}`)
      )
    }
    t.equal(await multis[1].readFile('/log', 'utf8'), await multis[0].readFile('/log', 'utf8'))
  })

  test(`descriptors and streams that append to one file find each other's bytes (${kind})`, async (t) => {
    const drive = await writer(t)
    const [multi, another]: any[] = [await multidrive(t, [drive]), await multidrive(t, [drive])]
    await multi.writeFile('/log', 'begin\n')
    const fds = await Promise.all(numbers(5).map((i) => [multi, another][i % 2].open('/log', 'a')))
    for (const part of [0, 1])
      for (const [i, fd] of fds.entries()) await [multi, another][i % 2].write(fd, `fd ${i} ${part}\n`)
    const stream = multi.createWriteStream('/log', { flags: 'a' })
    const closed = once(stream, 'close')
    stream.write('stream\n')
    stream.end('end\n')
    await Promise.all([
      closed,
      ...fds.map((fd, i) => [multi, another][i % 2].close(fd)),
      another.appendFile('/log', 'call\n')
    ])
    const text: string = await multi.readFile('/log', 'utf8')
    t.ok(text.startsWith('begin\n'))
    t.equal(text.split('\n').length, 1 + 10 + 2 + 1 + 1)
    for (const i of numbers(5))
      t.ok(text.includes(`fd ${i} 0\nfd ${i} 1\n`), `what one has written stays together: ${i}`)
    t.ok(text.includes('stream\nend\n') && text.includes('call\n'))
  })
}
