import { raceSignal } from 'race-signal'

/** Whether two are the same, byte by byte; reads no further than that is known. */
export async function sameBytes(
  a: AsyncIterable<Buffer>,
  b: AsyncIterable<Buffer>,
  signal: AbortSignal
): Promise<boolean> {
  const [one, two] = [a[Symbol.asyncIterator](), b[Symbol.asyncIterator]()]
  try {
    let x: Buffer = Buffer.alloc(0)
    let y: Buffer = Buffer.alloc(0)
    for (;;) {
      signal.throwIfAborted()
      if (x.length === 0) x = await raceSignal(part(one), signal)
      if (y.length === 0) y = await raceSignal(part(two), signal)
      const length = Math.min(x.length, y.length)
      if (length === 0) return x.length === y.length
      if (!x.subarray(0, length).equals(y.subarray(0, length))) return false
      x = x.subarray(length)
      y = y.subarray(length)
    }
  } finally {
    await one.return?.()
    await two.return?.()
  }
}

/** The next bytes, none at the end. */
async function part(bytes: AsyncIterator<Buffer>): Promise<Buffer> {
  for (;;) {
    const step = await bytes.next()
    if (step.done === true) return Buffer.alloc(0)
    if (step.value.length > 0) return step.value
  }
}
