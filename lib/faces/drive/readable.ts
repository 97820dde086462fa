import type { Readable } from 'streamx'

/** A Readable of streamx that gives `T`, to `for await` above all: streamx's own type gives `unknown`. */
export interface ReadableOf<T> extends Readable {
  /** Null when nothing is here to be read yet, and at the end. */
  read(): T | null
  [Symbol.asyncIterator](): AsyncIterator<T>
}
