import { stat } from 'node:fs/promises'
import type { Readable, Writable } from 'streamx'
import { explicitTime } from '../../overlay/stamp.ts'

/** The date of the version that a stream of ours reads, in milliseconds since the epoch; null for none. */
const dates = new WeakMap<object, () => number | null>()

/** Makes known which date what a stream reads has. */
export function tellDate(stream: Readable, date: () => number | null): void {
  dates.set(stream, date)
}

/**
 * Finds out the date of a file that mirror-drive writes. It does not tell it, but pipes what it reads of the source into the stream: a
 * stream of a MultiDrive knows the date of its version, one of a Localdrive the file.
 *
 * @param opts - what the stream was made with
 * @returns gives the date in milliseconds since the epoch, null when it is not known or the metadata has one
 */
export function dateOfMirrored(stream: Writable, opts: object): () => Promise<number | null> {
  let date = (): Promise<number | null> => Promise.resolve(null)
  if (isMirrors(opts)) {
    stream.once('pipe', (source: Readable & { filename?: unknown }) => {
      const known = dates.get(source)
      const { filename } = source
      if (known) date = () => Promise.resolve(known())
      else if (typeof filename === 'string') {
        // Now, for what is read from now on is what stands there now.
        const asked = stat(filename).then(
          ({ mtimeMs }) => mtimeMs,
          () => null
        )
        date = () => asked
      }
    })
  }
  return () => date()
}

/** mirror-drive gives all three, and nobody else does; who else pipes one file into another makes a new one, of now. */
function isMirrors(opts: object): boolean {
  const given = ['dedup', 'executable', 'metadata'].every((name) => Object.hasOwn(opts, name))
  return given && explicitTime((opts as { metadata: unknown }).metadata) === null
}
