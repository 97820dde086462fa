import type { Entry, ReadOptions } from '../../drive.ts'
import type { Located, Reader } from '../../overlay/view.ts'
import { Clearing } from '../../sources/clearing.ts'
import { find } from './entry.ts'
import { winnersIn } from './winners.ts'

export interface ClearOptions extends ReadOptions {
  /** Give how many blocks were taken away. Default false. */
  diff?: boolean
}

/** What was taken away. */
export interface Cleared {
  blocks: number
}

export async function clear(
  reader: Reader,
  target: string | Entry,
  opts: ClearOptions
): Promise<Cleared | null> {
  const located = await find(reader, target, 'clear', opts)
  return run(located ? [located] : [], opts)
}

export function clearAll(reader: Reader, opts: ClearOptions): Promise<Cleared | null> {
  return run(winnersIn(reader, '/', 'clearAll', opts), opts)
}

async function run(
  all: Iterable<Located> | AsyncIterable<Located>,
  { diff }: ClearOptions
): Promise<Cleared | null> {
  const clearing = new Clearing()
  for await (const { candidate } of all) candidate.replica?.clear(clearing)
  const blocks = await clearing.run()
  return diff === true ? { blocks } : null
}
