import test from 'tape'
import type { MultiDrive } from '../../../../index.ts'
import { multidrive } from '../../../helpers/drives.ts'
import { WRITERS } from './helpers.ts'

/** What puts something into the folder `/folder`, which is there as long as nobody removes it. */
const PUTTING: Record<string, (multi: MultiDrive) => Promise<unknown>> = {
  mkdir: (multi) => multi.mkdir('/folder/new'),
  mkdtemp: (multi) => multi.mkdtemp('/folder/new-'),
  symlink: (multi) => multi.promises.symlink('text', '/folder/new'),
  writeFile: (multi) => multi.writeFile('/folder/new', 'text'),
  copyFile: (multi) => multi.copyFile('/file', '/folder/new'),
  rename: (multi) => multi.rename('/other', '/folder/new')
}

async function codeOf(call: Promise<unknown>): Promise<string> {
  return call.then(
    () => 'none',
    (err: unknown) => (err as { code: string }).code
  )
}

for (const [kind, writer] of WRITERS) {
  for (const [name, put] of Object.entries(PUTTING)) {
    test(`${name} beside an rmdir of its folder: one of the two fails (${kind})`, async (t) => {
      const multi = await multidrive(t, [await writer(t)])
      await multi.writeFile('/file', 'text')
      const wrong: string[] = []
      for (let round = 0; round < 6; round++) {
        await multi.mkdir('/folder')
        await multi.mkdir('/other', { recursive: true })
        const calls = [() => put(multi), () => multi.rmdir('/folder')]
        if (round % 2 === 1) calls.reverse()
        const codes = await Promise.all(calls.map((call) => codeOf(call())))
        if (round % 2 === 1) codes.reverse()
        const isThere = (await codeOf(multi.access('/folder'))) === 'none'
        const said = `${codes.join(', ')}: ${isThere ? 'there' : 'gone'}`
        if (said !== 'none, ENOTEMPTY: there' && said !== 'ENOENT, none: gone') wrong.push(said)
        await multi.rm('/folder', { recursive: true, force: true })
      }
      t.same(wrong, [])
    })
  }
}
