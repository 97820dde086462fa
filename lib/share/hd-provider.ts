/**
 * Serves a folder over Hyperdrive, until it is interrupted.
 *
 *   npm run hd-provider -- FOLDER            from a temporary folder, under a key of its own each time
 *   npm run hd-provider -- FOLDER STORAGE    from a folder for the drive, under the same key the next time
 *
 *   --watch                  follows changes of the folder
 *   --force                  undoes what was written to the drive by its key
 *   --bootstrap HOST:PORT    a node to enter the DHT by, instead of the public ones; may be given again
 */
import { parseArgs } from 'node:util'
import { Provider } from './provider.ts'

const USAGE = 'usage: npm run hd-provider -- FOLDER [STORAGE] [--watch] [--force] [--bootstrap HOST:PORT]…'

const stopping = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopping.abort())

try {
  await serve()
} catch (err) {
  if (!stopping.signal.aborted) {
    process.stderr.write(`${(err as Error).message}\n`)
    process.exitCode = 1
  }
}

async function serve(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      watch: { type: 'boolean', default: false },
      force: { type: 'boolean', default: false },
      bootstrap: { type: 'string', multiple: true },
      help: { type: 'boolean', short: 'h', default: false }
    }
  })
  if (values.help) {
    process.stdout.write(`${USAGE}\n`)
    return
  }
  const [folder, storage = null, ...rest] = positionals
  if (folder === undefined || rest.length > 0) throw new Error(USAGE)
  const { bootstrap, force, watch } = values
  const { signal } = stopping
  const provider = await Provider.open(folder, { storage, bootstrap, force, watch, signal })
  try {
    const { files } = provider.mirrored
    process.stdout.write(
      `${files} ${files === 1 ? 'file' : 'files'} of ${provider.folder}\n${provider.link}\n`
    )
    provider.on('mirrored', ({ added, changed, removed }) => {
      process.stdout.write(`${added} added, ${changed} changed, ${removed} removed\n`)
    })
    provider.on('error', (err) => process.stderr.write(`${(err as Error).message}\n`))
    await new Promise<void>((resolve) => {
      if (signal.aborted) resolve()
      else signal.addEventListener('abort', () => resolve(), { once: true })
    })
  } finally {
    await provider.close()
  }
}
