import type { ReadOptions } from '../drive.ts'
import type { Candidate, Content } from './source.ts'

/** The content of a version that can only be read as a stream: each read is a stream of its own. */
export function streamed(candidate: Pick<Candidate, 'read' | 'value'>, opts: ReadOptions = {}): Content {
  return {
    read: async (into, start) => {
      let filled = 0
      for await (const chunk of candidate.read({ ...opts, start, length: into.byteLength })) {
        const part = chunk.subarray(0, into.byteLength - filled)
        into.set(part, filled)
        filled += part.byteLength
        if (filled === into.byteLength) break
      }
      return filled
    },
    byteLength: () => Promise.resolve(candidate.value.blob?.byteLength ?? 0),
    close: () => Promise.resolve()
  }
}
