import { resolve } from 'node:path'
import { HyperDriveDL, type DownloadResult, type TransferError } from '../../loader/index.ts'
import { DestinationError } from '../../share/destination.ts'
import type { OverDrives } from '../command.ts'
import { CliError, hintOf } from '../errors.ts'
import { JOBS_OPTION } from '../jobs.ts'
import { count, size } from '../output.ts'
import { insidePath, meansFolder } from '../paths.ts'
import { printable } from '../printable.ts'
import { Bar } from '../bar.ts'

export const get: OverDrives<[path: string, folder?: string], { jobs?: number }> = {
  over: 'drives',
  name: 'get',
  args: '<path> [folder]',
  summary: 'download a file, or a folder with all that is in it, into a folder of the disk',
  more:
    'Several files come at once. One that was interrupted goes on from the bytes that are there when it is run again, ' +
    'and what is whole is left as it is. No second copy of them is kept in the storage.',
  options: [JOBS_OPTION],
  examples: [
    'get -d hd://KEY /model.gguf',
    'get -d hd://KEY / ./model',
    'get -d hd://KEY --json /weights/ ./model'
  ],
  at: true,
  async run({ view, out, signal, timeout }, [given, folder = '.'], { jobs }) {
    const diskPath = resolve(folder)
    const loader = new HyperDriveDL({ drive: view, timeout })
    const bar = out.terminal && new Bar(out.terminal)
    try {
      await loader.ready()
      const path = insidePath(given)
      const download = await loader.download(meansFolder(given) && path !== '/' ? `${path}/` : path, {
        diskPath,
        keep: false,
        timeout,
        progressCallback: bar && ((report) => bar.show(report)),
        ...(jobs === undefined ? {} : { concurrency: jobs })
      })
      const stop = () => void download.cancel()
      signal.addEventListener('abort', stop)
      const results = await download.await().finally(() => signal.removeEventListener('abort', stop))
      bar?.end()
      signal.throwIfAborted()
      const sizes = new Map(download.trackers.map((tracker) => [tracker.file, tracker.size]))
      let bytes = 0
      for (const { file, error, cached } of results) {
        const length = sizes.get(file) ?? 0
        if (error === null) bytes += length
        const value = { op: 'get', path: file, size: length, cached, error: error?.code ?? null }
        await out.item(value, () => {
          const state = error ? `  ${printable(error.message)}` : cached ? '  (was there)' : ''
          return `${size(length)}  ${printable(file)}${state}`
        })
      }
      const failures = results.flatMap(({ error }) => error ?? [])
      const done = `${count(results.length - failures.length, 'file')}, ${size(bytes).trim()} in ${printable(folder)}`
      if (failures.length === 0) {
        await out.line(done)
        return
      }
      const { reason, hint } = adviceOn(failures)
      throw new CliError(
        'DOWNLOAD_FAILED',
        `DOWNLOAD_FAILED: ${failures.length} of ${results.length} files failed: ${named(results)}${reason}`,
        {
          hint,
          cause: failures[0]
        }
      )
    } finally {
      bar?.end()
      await loader.close()
    }
  }
}

/** What kept the first of them from being saved, and what can be done about it. */
function adviceOn(failures: readonly TransferError[]): { reason: string; hint: string } {
  if (failures.every(({ code }) => code === 'FILE_NOT_FOUND')) {
    const hint =
      'links that lead to no file here; all else is there. Running it again changes nothing before their owner mends them'
    return { reason: '', hint }
  }
  const { cause } = failures.find(({ code }) => code !== 'FILE_NOT_FOUND')!
  const reason = cause instanceof Error ? `; ${cause.message}` : ''
  if (cause instanceof DestinationError && cause.code === 'EINVAL')
    return { reason, hint: 'such a name cannot be saved here; all else is there' }
  if (cause instanceof DestinationError) return { reason, hint: 'remove it, or name another folder' }
  return { reason, hint: hintOf(cause) ?? 'run it again: it goes on where it was' }
}

/** So many files that failed are named. */
const NAMED = 5

function named(results: readonly DownloadResult[]): string {
  const failed = results.filter(({ error }) => error !== null).map(({ file }) => file)
  return `${failed.slice(0, NAMED).join(', ')}${failed.length > NAMED ? ', …' : ''}`
}
