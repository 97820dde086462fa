import { once } from 'node:events'
import { stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { Provider, requireOutside } from '../../share/provider.ts'
import type { Mirrored } from '../../share/mirror.ts'
import { liesIn, realPath } from '../../share/real-path.ts'
import { ShareError } from '../../share/share-error.ts'
import type { OverNothing } from '../command.ts'
import { CliError, codeOf, tell } from '../errors.ts'
import { count } from '../output.ts'
import { printable } from '../printable.ts'
import { Storage, toStorageError } from '../storage.ts'

interface Options {
  force?: boolean
  watch?: boolean
}

export const share: OverNothing<[folder: string], Options> = {
  over: 'nothing',
  name: 'share',
  args: '<folder>',
  summary: 'let others read a folder as a Hyperdrive, until Ctrl-C',
  more:
    'The folder is copied into a drive in --storage, and keeps its key between runs. Whoever has the key can read it: ' +
    'multidrive ls -d hd://KEY. When it is not shared, the same command reads and writes that drive here. What is ' +
    'written to it so and is not in the folder keeps it from being shared again: copy it into the folder, or undo it ' +
    'with --force.',
  options: [
    ['--watch', 'follow changes of the folder'],
    ['--force', 'undo what was written to the drive by its key']
  ],
  examples: ['share ./photos', 'share --watch ./photos', 'share --json ./photos'],
  async run({ io, out, storage, bootstrap, signal }, [folder], { force = false, watch = false }) {
    await checkFolder(folder)
    await checkStorage(storage, folder)
    const home = await new Storage(storage).shareOf(folder)
    const onmirrored = (link: string, { files }: Mirrored) => {
      void out
        .item({ op: 'share', drive: link, folder, files }, link)
        // The reader of the output went away, which ends it.
        .catch(() => undefined)
      out.note('Joining the network…')
    }
    const options = { storage: home, bootstrap, watch, force, onmirrored, signal }
    const provider = await Provider.open(folder, options).catch((err: unknown) => {
      if (err instanceof ShareError && err.code === 'CHANGED_BY_KEY') throw withWayOut(err, home, folder)
      throw toStorageError(err, folder)
    })
    try {
      const { link, mirrored } = provider
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

/** What is in the drive and not in the folder goes there by its name; all of it would take back what is newer in the folder. */
function withWayOut(err: ShareError, home: string, folder: string): CliError {
  const [from, to] = [`drive:${err.paths[0]!}`, join(folder, err.paths[0]!)]
  const hint =
    `bring it into the folder first, such as by \`multidrive cp -p -d hd://${basename(home)} ${from} ${to}\` or, where ` +
    `nothing is newer in the folder, \`multidrive sync\`; or add --force to undo it`
  return new CliError(err.code, err.message, { hint, cause: err })
}

/** @throws STORAGE_IN_FOLDER where what is shared and what keeps the keys lie in each other */
async function checkStorage(storage: string, folder: string): Promise<void> {
  await requireOutside(storage, folder)
  if (liesIn(await realPath(folder), await realPath(storage))) {
    const detail = `the folder is where drives are kept, with their secret keys: ${folder}`
    throw new ShareError('STORAGE_IN_FOLDER', detail, [storage])
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
