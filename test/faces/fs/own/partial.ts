import Hyperdrive from 'hyperdrive'
import test from 'tape'
import MultiDrive from '../../../../index.ts'
import { collect, hyperdrive, multidrive, store } from '../../../helpers/drives.ts'
import { KIB, MIB } from './helpers.ts'

/** How many bytes the blobs of a drive grow by while something is done. */
export async function grown(drive: any, work: () => Promise<unknown>): Promise<number> {
  const before = drive.blobs.core.byteLength
  await work()
  return drive.blobs.core.byteLength - before
}

export async function patch(multi: MultiDrive, path: string, bytes: Buffer, at: number): Promise<void> {
  const fd = await multi.open(path, 'r+')
  await multi.write(fd, bytes, 0, bytes.byteLength, at)
  await multi.close(fd)
}

export async function part(drive: any, path: string, start: number, length: number): Promise<Buffer> {
  return Buffer.concat(await collect(drive.createReadStream(path, { start, length })))
}

/**
 * Small changes of a large file, at first when its store was opened again.
 *
 * @param author - what it was written by
 * @param write - writes 256 MiB of sevens to `/file`
 */
export function largeFileTest(
  author: string,
  write: (drive: any, multi: MultiDrive) => Promise<unknown>
): void {
  test(`4 KiB in the middle of 256 MiB written by ${author} take less than 1 MiB, a line less than 256 KiB`, async (t) => {
    const corestore = await store(t)
    const first = new Hyperdrive(corestore.session())
    const writer = new MultiDrive(first)
    await writer.ready()
    await write(first, writer)
    const { key } = first
    await writer.close()

    const drive = await hyperdrive(t, { store: corestore, key })
    const multi: any = await multidrive(t, [drive])
    const middle = 128 * MIB + 1000
    const chunk = Buffer.alloc(4096, 1)
    for (const when of ['at first', 'and then']) {
      const line = await grown(drive, () => multi.appendFile('/file', 'line\n'))
      t.ok(line < 256 * KIB, `${when} a line: ${line} bytes`)
      const bytes = await grown(drive, () => patch(multi, '/file', chunk, middle))
      t.ok(bytes < MIB, `${when} 4 KiB: ${bytes} bytes`)
      chunk.fill(2)
    }
    const size = 256 * MIB + 10
    t.equal((await multi.stat('/file')).size, size)
    for (const reader of [multi, drive]) {
      const expected = Buffer.concat([Buffer.alloc(1, 7), Buffer.alloc(4096, 2), Buffer.alloc(1, 7)])
      t.ok((await part(reader, '/file', middle - 1, 4098)).equals(expected))
      t.equal(String(await part(reader, '/file', size - 11, 11)), '\x07line\nline\n')
    }
    const cut = await grown(drive, () => multi.truncate('/file', middle + 3))
    t.ok(cut < MIB, `a cut: ${cut} bytes`)
    t.equal((await multi.entry('/file')).value.blob.byteLength, middle + 3)
  })
}
