import test from 'tape'
import { hyperdrive, multidrive } from '../../../helpers/drives.ts'

test('lchmod(path, mode) sets the bits of what is no link', async (t) => {
  const multi: any = await multidrive(t, [await hyperdrive(t)])
  await multi.writeFile('/file', 'text')
  await multi.mkdir('/folder')
  await multi.promises.symlink('file', '/link')
  for (const path of ['/file', '/folder']) {
    t.equal(await multi.lchmod(path, 0o700), undefined)
    t.equal((await multi.stat(path)).mode & 0o777, 0o700, path)
    await multi.promises.lchmod(path, 0o750)
    t.equal((await multi.stat(path)).mode & 0o777, 0o750, path)
  }
  const before = (await multi.lstat('/link')).mode
  await multi.lchmod('/link', 0o600)
  t.equal((await multi.lstat('/link')).mode, before)
  t.equal((await multi.stat('/link')).mode & 0o777, 0o750, 'nor of what it leads to')
})
