import { Mutex } from 'async-mutex'

/** One at a time of those who name the same thing. Of a name that nobody holds or waits for nothing is kept. */
export class Turns {
  readonly #queues = new Map<string, { readonly mutex: Mutex; waiting: number }>()

  /** How many names somebody holds or waits for. */
  get size(): number {
    return this.#queues.size
  }

  /** Runs when all who came before with the same name are through. */
  async run<T>(name: string, work: () => Promise<T>): Promise<T> {
    let queue = this.#queues.get(name)
    if (!queue) this.#queues.set(name, (queue = { mutex: new Mutex(), waiting: 0 }))
    queue.waiting++
    try {
      return await queue.mutex.runExclusive(work)
    } finally {
      if (--queue.waiting === 0) this.#queues.delete(name)
    }
  }
}
