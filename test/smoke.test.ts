import test from 'tape'
import { contents, hyperdrive, multidrive } from './helpers/drives.ts'

test('put(path, data) over a file of another drive', async (t) => {
  const [own, other] = [await hyperdrive(t), await hyperdrive(t)]
  await other.put('/x', 'theirs')
  const multi = await multidrive(t, [own, other])
  await multi.put('/x', 'ours')
  t.same(await contents(multi), { '/x': 'ours' })
  t.same(String(await other.get('/x')), 'theirs')
})
