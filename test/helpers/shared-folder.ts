import type MultiDrive from '../../index.ts'

/** What one of several writers of a folder does: each path once, all at the same time. */
export interface Work {
  readonly does: 'make' | 'append' | 'mkdir'
  readonly paths: readonly string[]
}

/** Does it, and gives for each path the code of the error, the empty string where there was none. */
export function outcomesOf(multi: MultiDrive, { does, paths }: Work, name: string): Promise<string[]> {
  const calls = paths.map((path) => {
    if (does === 'make') return multi.promises.writeFile(path, name, { flag: 'wx' })
    if (does === 'mkdir') return multi.promises.mkdir(path)
    return multi.promises.appendFile(path, name)
  })
  return Promise.all(
    calls.map((call) =>
      call.then(
        () => '',
        (err: unknown) => (err as NodeJS.ErrnoException).code ?? String(err)
      )
    )
  )
}
