import { stat } from 'node:fs/promises'
import { once } from 'node:events'
import { Provider } from '../../share/provider.ts'
import type { OverNothing } from '../command.ts'
import { CliError, codeOf } from '../errors.ts'
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
    'multidrive ls -d hd://KEY. When it is not shared, the same command reads and writes that drive here.',
  options: [['--watch', 'follow changes of the folder']],
  examples: ['share ./photos', 'share --watch ./photos', 'share --json ./photos'],
  async run({ out, storage, bootstrap, signal }, [folder], { watch = false }) {
    await checkFolder(folder)
    const home = await new Storage(storage).shareOf(folder)
    const provider = await Provider.open(folder, { storage: home, bootstrap, watch, signal }).catch(
      (err: unknown) => {
        throw toStorageError(err, folder)
      }
    )
    try {
      const { link, mirrored } = provider
      await out.item({ op: 'share', drive: link, folder, files: mirrored.files }, link)
      out.note(`Sharing ${count(mirrored.files, 'file')} of ${printable(folder)}; Ctrl-C ends it.`)
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
      // An error of it rejects; to be stopped is no error.
      await once(provider, 'close', { signal })
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
