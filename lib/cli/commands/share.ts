import { stat } from 'node:fs/promises'
import { once } from 'node:events'
import { Provider } from '../../share/provider.ts'
import type { OverNothing } from '../command.ts'
import { CliError, codeOf, tell } from '../errors.ts'
import { count } from '../output.ts'
import { printable } from '../printable.ts'
import { Storage, toStorageError } from '../storage.ts'

export const share: OverNothing<[folder: string], { watch?: boolean }> = {
  over: 'nothing',
  name: 'share',
  args: '<folder>',
  summary: 'let others read a folder as a Hyperdrive, until Ctrl-C',
  more:
    'The folder is copied into a drive in --storage, and keeps its key between runs. Whoever has the key can read it: ' +
    'multidrive ls -d hd://KEY. When it is not shared, the same command reads and writes that drive here; what was ' +
    'written so stays until the folder has a newer file of that name.',
  options: [['--watch', 'follow changes of the folder']],
  examples: ['share ./photos', 'share --watch ./photos', 'share --json ./photos'],
  async run({ io, out, storage, bootstrap, signal }, [folder], { watch = false }) {
    await checkFolder(folder)
    const home = await new Storage(storage).shareOf(folder)
    const provider = await Provider.open(folder, { storage: home, bootstrap, watch, signal }).catch(
      (err: unknown) => {
        throw toStorageError(err, folder)
      }
    )
    try {
      const { link, mirrored } = provider
      const { files, kept } = mirrored
      await out.item({ op: 'share', drive: link, folder, files, kept }, link)
      for (const path of kept) out.note(`Kept, as it was written by the key and not in the folder: ${path}`)
      out.note(`Sharing ${count(files, 'file')} of ${printable(folder)}; Ctrl-C ends it.`)
      provider.on('mirrored', (change) => {
        const { files, added, changed, removed } = change
        void out
          .item({ op: 'change', drive: link, ...change }, '')
          .then(() =>
            out.note(`${count(files, 'file')}: ${added} added, ${changed} changed, ${removed} removed`)
          )
          // The reader of the output went away, which ends it.
          .catch(() => undefined)
      })
      // What is shared stays so, and the folder is looked at again.
      provider.on('error', (err) => {
        const told = tell(err)
        if (out.json) io.stderr.write(`${JSON.stringify(told)}\n`)
        else out.note(`What has changed could not be taken over: ${told.message}`)
      })
      signal.throwIfAborted()
      await once(signal, 'abort')
    } finally {
      await provider.close()
    }
  }
}

async function checkFolder(folder: string): Promise<void> {
  const found = await stat(folder).catch((cause: unknown) => {
    if (codeOf(cause) !== 'ENOENT') throw cause
    throw new CliError('ENOENT', `ENOENT: no such folder: ${folder}`, {
      cause,
      hint: 'name a folder of the disk'
    })
  })
  if (!found.isDirectory())
    throw new CliError('ENOTDIR', `ENOTDIR: not a folder: ${folder}`, {
      hint: 'name the folder that it is in'
    })
}
