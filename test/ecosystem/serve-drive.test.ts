import { request } from 'node:http'
import ServeDrive from 'serve-drive'
import test from 'tape'
import { cleanup, hyperdrive, localdrive, multidrive } from '../helpers/drives.ts'
import { end, sample } from '../suites/drive.ts'

const limit = { timeout: 60_000 }

interface Answer {
  status: number
  headers: Record<string, string | string[] | undefined>
  body: Buffer
}

test('serve-drive serves the files of every drive, whole, in ranges and by HEAD', limit, async (t) => {
  const [own, mapped, deep] = [await localdrive(t), await hyperdrive(t), await hyperdrive(t)]
  const data = {
    '/local.bin': sample(150_000),
    '/map.bin': sample(400_000),
    '/sub/nested é.txt': sample(70_000),
    '/ours.html': Buffer.from('<p>ours</p>'),
    '/empty': Buffer.alloc(0)
  }
  await own.put('/local.bin', data['/local.bin'])
  await end(mapped.createWriteStream('/map.bin', { dedup: true }), data['/map.bin'])
  t.equal((await mapped.entry('/map.bin')).value.blob.blockMap, true)
  await deep.put('/sub/nested é.txt', data['/sub/nested é.txt'])
  await mapped.put('/ours.html', 'theirs, and longer than ours')
  const multi = await multidrive(t, [own, mapped, await multidrive(t, [deep])])
  await multi.put('/ours.html', data['/ours.html'])
  await multi.put('/empty', '')
  await multi.put('/gone', 'x')
  await multi.del('/gone')

  const errors: Error[] = []
  const server = new ServeDrive({ get: () => multi, port: 0, host: '127.0.0.1' })
  server.on('request-error', (err: Error) => errors.push(err))
  await server.ready()
  cleanup(t, () => server.close())
  const ask = (path: string, opts?: { method?: string; range?: string }) =>
    fetchWhole(server.getLink(path), opts)

  for (const [path, bytes] of Object.entries(data)) {
    const whole = await ask(path)
    t.equal(whole.status, 200, path)
    t.ok(bytes.equals(whole.body), `${path}: byte for byte`)
    t.equal(whole.headers['content-length'], String(bytes.length))
    const head = await ask(path, { method: 'HEAD' })
    t.same([head.status, head.headers['content-length'], head.body.length], [200, String(bytes.length), 0])
    if (bytes.length < 100) continue
    for (const [range, start, last] of [
      ['bytes=0-0', 0, 0],
      ['bytes=10-99', 10, 99],
      ['bytes=65530-65545', 65_530, 65_545],
      ['bytes=60000-', 60_000, bytes.length - 1],
      ['bytes=-7', bytes.length - 7, bytes.length - 1],
      [`bytes=5-${bytes.length + 1000}`, 5, bytes.length - 1]
    ] as const) {
      const part = await ask(path, { range })
      t.equal(part.status, 206, `${path} ${range}`)
      t.equal(part.headers['content-range'], `bytes ${start}-${last}/${bytes.length}`)
      t.ok(bytes.subarray(start, last + 1).equals(part.body), `${path} ${range}: byte for byte`)
      const partHead = await ask(path, { range, method: 'HEAD' })
      t.equal(partHead.headers['content-length'], String(last + 1 - start))
    }
  }
  for (const path of ['/none', '/sub', '/gone']) t.equal((await ask(path)).status, 404, path)
  t.same(errors.map(String), [])
})

test('serve-drive answers 500 when a drive cannot tell, and goes on', limit, async (t) => {
  const own = await hyperdrive(t)
  await own.put('/file', 'bytes')
  let broken = true
  const theirs = {
    entry: (path: string) => (broken ? Promise.reject(new Error('the disk is gone')) : own.entry(path)),
    list: () => [],
    createReadStream: (path: string) => own.createReadStream(path)
  }
  const multi = await multidrive(t, [own, theirs])
  const errors: Error[] = []
  const server = new ServeDrive({ get: () => multi, port: 0, host: '127.0.0.1' })
  server.on('request-error', (err: Error) => errors.push(err))
  await server.ready()
  cleanup(t, () => server.close())
  t.equal((await fetchWhole(server.getLink('/file'))).status, 500)
  t.match(errors[0]!.message, /the disk is gone/)
  broken = false
  t.equal(String((await fetchWhole(server.getLink('/file'))).body), 'bytes')
})

function fetchWhole(url: string, opts: { method?: string; range?: string } = {}): Promise<Answer> {
  const { method = 'GET', range } = opts
  return new Promise((resolve, reject) => {
    const asked = request(
      url,
      { method, agent: false, headers: range === undefined ? {} : { range } },
      (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('error', reject)
        response.on('end', () => {
          resolve({ status: response.statusCode!, headers: response.headers, body: Buffer.concat(chunks) })
        })
      }
    )
    asked.on('error', reject).end()
  })
}
