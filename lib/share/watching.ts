import { watch, type FSWatcher } from 'node:fs'

/**
 * What a watcher fails with where a link leads nowhere, or in a circle. It is no failure of the folder; what lies behind that link in its
 * folder may not be watched, and is seen when it is looked at all the same.
 */
const OF_LINKS = ['ELOOP', 'ENOENT']

/**
 * Watches a folder of the disk, and those in it.
 *
 * @param onchange - something may have changed
 * @param onfailure - it cannot be watched any more
 */
export function watchFolder(
  folder: string,
  onchange: () => void,
  onfailure: (err: unknown) => void
): FSWatcher {
  const watcher = watch(folder, { recursive: true }, onchange)
  watcher.on('error', (err: NodeJS.ErrnoException) => {
    if (OF_LINKS.includes(err.code ?? '')) onchange()
    else onfailure(err)
  })
  return watcher
}
