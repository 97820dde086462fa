import { Readable } from 'streamx'
import { failure } from '../../errors.ts'
import type { ReadableOf } from './readable.ts'

/** A stream of what a generator gives, which is asked for no more than is read. Destroying it waits for nothing that is on its way. */
export function generated<T>(generate: () => AsyncGenerator<T, void, void>): ReadableOf<T> {
  const items = generate()
  let cancel: (err: Error) => void = () => undefined
  return new Readable({
    highWaterMark: 1,
    read(cb) {
      const next = new Promise<IteratorResult<T, void>>((resolve, reject) => {
        cancel = reject
        items.next().then(resolve, reject)
      })
      next.then(({ done, value }) => {
        this.push(done === true ? null : value)
        cb(null)
      }, cb)
    },
    predestroy() {
      cancel(failure('CLOSED', { detail: 'the stream was destroyed' }))
    },
    destroy(cb) {
      items.return().catch(() => undefined)
      cb(null)
    }
  }) as ReadableOf<T>
}
