/**
 * Work that is done whenever it is asked for, never twice at once: what is asked for while it is done is done once more after it.
 *
 * @returns what asks for it
 */
export function joined(work: () => Promise<void>, onerror: (err: unknown) => void): () => void {
  let state: 'still' | 'working' | 'again' = 'still'
  const run = async () => {
    try {
      await work()
    } catch (err) {
      onerror(err)
    }
    const isAgain = (state as string) === 'again'
    state = 'still'
    if (isAgain) ask()
  }
  const ask = () => {
    if (state !== 'still') {
      state = 'again'
      return
    }
    state = 'working'
    void run()
  }
  return ask
}
