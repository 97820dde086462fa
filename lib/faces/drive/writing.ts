import type { Writable } from 'streamx'
import { Spool } from '../../overlay/spool.ts'
import { Batch } from './batch.ts'
import { toBytes } from './bytes.ts'
import { dateOfMirrored } from './mirrored.ts'
import { ServedFace } from './served.ts'
import { writeStream } from './streams.ts'
import { del, fileHead, putFile, symlink, type DelOptions, type PutOptions } from './write.ts'

/** What writes to a MultiDrive: Hyperdrive 13's methods, landing in its writer. */
export abstract class WritingFace extends ServedFace {
  /**
   * Writes a file into the writer.
   *
   * @param data - its bytes, or text in UTF-8
   * @throws EINVAL for a bad path or metadata that is no JSON, EROFS without a writer, EISDIR where a folder is, ENOTDIR below a file, EPERM for
   *   a path that the writer keeps for itself; the writer's own error
   */
  async put(path: string, data: string | NodeJS.ArrayBufferView, opts: PutOptions = {}): Promise<void> {
    const head = fileHead(path, opts, 'put')
    const bytes = toBytes(data, 'put', head.key)
    await this.body.ready('put')
    await putFile(this.body.overlay, head, bytes, 'put')
  }

  /**
   * Deletes the file at a path: the writer's own, and by a tombstone that of any other drive. Nothing happens where there is none.
   *
   * @throws as {@link put}
   */
  async del(path: string, opts: DelOptions = {}): Promise<void> {
    await this.body.ready('del')
    await del(this.body.overlay, path, opts)
  }

  /**
   * Writes a symbolic link into the writer, over what is there.
   *
   * @param linkname - where it points to: absolute, or relative to its folder
   * @throws as {@link put}
   */
  async symlink(path: string, linkname: string, opts: PutOptions = {}): Promise<void> {
    await this.body.ready('symlink')
    await symlink(this.body.overlay, path, linkname, opts)
  }

  /**
   * A stream into a file. The bytes wait aside, in memory or a temporary file, and land at the end in one write.
   *
   * @throws as {@link put}, at once for a bad path or bad metadata, else as `error` of the stream
   */
  createWriteStream(path: string, opts: PutOptions = {}): Writable {
    const head = fileHead(path, opts, 'open')
    const spool = new Spool()
    const land = async () => {
      await this.body.ready('open')
      await putFile(this.body.overlay, { ...head, time: head.time ?? (await date()) }, spool, 'open')
    }
    const stream = writeStream(spool, head.key, land, () => spool.close())
    const date = dateOfMirrored(stream, opts)
    return stream
  }

  /** Gathers writes that land together: see {@link Batch}. */
  batch(): Batch {
    return new Batch(
      this.body.overlay,
      (opts) => this.reader(opts),
      () => this.body.ready('flush')
    )
  }

  /** For code that takes a batch or a drive: a MultiDrive has nothing to flush. */
  async flush(): Promise<void> {
    await this.body.ready('flush')
  }
}
