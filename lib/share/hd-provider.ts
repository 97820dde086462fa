/** Serves a folder over Hyperdrive, until it is interrupted. What `--help` prints says how it is used. */
import { parseArgs } from 'node:util'
import { Provider } from './provider.ts'

const USAGE = 'usage: npm run hd-provider -- FOLDER [STORAGE] [--watch] [--force] [--bootstrap HOST:PORT]…'

const HELP = `${USAGE}

Shares a folder as a Hyperdrive, and prints the link to it, until it is interrupted.

  FOLDER                   the folder that is shared
  STORAGE                  a folder for the drive: the link is the same the next time. Without one the drive is in a
                           temporary folder, and has another link each time
  --watch                  follow changes of the folder
  --force                  undo what was written to the drive by its key
  --bootstrap HOST:PORT    a node to enter the DHT by, instead of the public ones; may be given again
  -h, --help               print this
`

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
    process.stdout.write(HELP)
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
