import fc from 'fast-check'
import type { Test } from 'tape'
import { byteRow, openFile, type OpenFile } from './fs-open-file.ts'
import { outcome, styles, type FsKind, type Ground } from './fs.ts'

const LARGEST = 400 << 10
const BLOCK = 1 << 16

type Step =
  | { readonly do: 'open'; readonly flags: string }
  | { readonly do: 'write'; readonly at: number | null; readonly length: number; readonly byte: number }
  | { readonly do: 'read'; readonly at: number | null; readonly length: number }
  | { readonly do: 'truncate'; readonly length: number }
  | { readonly do: 'put'; readonly method: 'writeFile' | 'appendFile' | 'truncate'; readonly length: number }
  | { readonly do: 'sync' | 'close' | 'look' | 'watch' }

const edges = fc
  .tuple(fc.integer({ min: 0, max: 6 }), fc.integer({ min: -2, max: 2 }))
  .map(([block, beside]) => Math.max(0, block * BLOCK + beside))
const offsets = fc.oneof(fc.integer({ min: 0, max: LARGEST }), edges)
const positions = fc.oneof(fc.constant(null), offsets)
const lengths = fc.oneof(
  fc.integer({ min: 1, max: 100 }),
  fc.integer({ min: BLOCK - 2, max: BLOCK + 2 }),
  fc.integer({ min: 1, max: 150_000 })
)

const steps: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('open'),
      flags: fc.constantFrom('r', 'r+', 'r+', 'w', 'w+', 'a', 'a+', 'wx')
    })
  },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('write'),
      at: positions,
      length: lengths,
      byte: fc.integer({ min: 1, max: 255 })
    })
  },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('read'), at: positions, length: lengths }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('truncate'), length: offsets }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('put'),
      method: fc.constantFrom('writeFile', 'appendFile', 'truncate'),
      length: offsets
    })
  },
  { weight: 5, arbitrary: fc.record({ do: fc.constantFrom('sync', 'close', 'look', 'watch') }) }
)

export type Given = (ground: Ground, path: string, bytes: Buffer) => Promise<unknown>

/**
 * One file under random steps, beside a plain Buffer under the same. The seed is fixed; another one and more runs come from the
 * environment:
 *
 *   FS_SEED=7 FS_RUNS=500 npx tsx test/faces/fs/one.test.ts
 *
 * @param given - puts a file there before it is played with
 */
export function fsModelSuite(kind: FsKind, given?: Given): void {
  const { FS_SEED: seed = 11, FS_RUNS: runs = 15 } = process.env
  styles(
    kind,
    'random steps on one file agree with a plain Buffer',
    async (t, ground) => {
      let count = 0
      const plans = fc.array(steps, { minLength: 10, maxLength: 60, size: 'max' })
      const holds = fc.asyncProperty(plans, async (plan) => {
        const path = ground.p(`/model-${++count}`)
        const before = given ? byteRow(150_000 + count, count) : null
        if (given && before) await given(ground, path, before)
        const run = new Run(t, ground, path, before)
        try {
          for (const step of plan) await run.take(step)
        } finally {
          await run.end()
        }
        await run.look()
      })
      await fc.assert(holds, { seed: Number(seed), numRuns: Number(runs), includeErrorInReport: true })
      t.pass(`${runs} plans, seed ${seed}`)
    },
    { timeout: 120_000 }
  )
}

interface Writer {
  readonly file: OpenFile
  readonly flags: string
  readonly reads: boolean
  readonly writes: boolean
  data: Buffer
  at: number
  /** Whether there is anything that `close` would bring to others. */
  dirty: boolean
}

class Run {
  readonly #t: Test
  readonly #ground: Ground
  readonly #path: string
  /** What others see; null while there is no file. */
  #visible: Buffer | null
  #open: Writer | null = null
  /** Descriptors that stay open, and what the file was when they were opened. */
  #readers: { file: OpenFile; data: Buffer }[] = []

  constructor(t: Test, ground: Ground, path: string, before: Buffer | null) {
    this.#t = t
    this.#ground = ground
    this.#path = path
    this.#visible = before
  }

  async take(step: Step): Promise<void> {
    switch (step.do) {
      case 'open':
        return this.#take(step.flags)
      case 'write':
        return this.#write(step)
      case 'read':
        return this.#read(step)
      case 'truncate':
        return this.#truncate(step.length)
      case 'put':
        return this.#put(step)
      case 'watch':
        return this.#watch()
      case 'look':
        return this.look()
      case 'sync':
        await this.#open?.file.do('sync')
        {
          this.#show()
          return
        }
      case 'close':
        return this.#close()
    }
  }

  async #take(flags: string): Promise<void> {
    await this.#close()
    const exists = this.#visible !== null
    const refused = flags === 'wx' ? exists && 'EEXIST' : flags.startsWith('r') && !exists && 'ENOENT'
    if (refused) {
      const err = await outcome(this.#ground.call('open', this.#path, flags))
      same(err?.code, refused, `open ${flags}`)
      return
    }
    const file = await openFile(this.#t, this.#ground, this.#path, flags)
    this.#open = {
      file,
      flags,
      reads: flags.startsWith('r') || flags.endsWith('+'),
      writes: flags !== 'r',
      data: flags.startsWith('w') || this.#visible === null ? Buffer.alloc(0) : this.#visible,
      at: 0,
      dirty: flags.startsWith('w') || !exists
    }
    if (!this.#ground.limits.showsAtClose) this.#show()
  }

  async #write({ at, length, byte }: Step & { do: 'write' }): Promise<void> {
    const open = this.#open
    if (open === null) return
    const bytes = Buffer.alloc(length, byte)
    const appends = open.flags.startsWith('a')
    const start = appends ? open.data.length : (at ?? open.at)
    if (start + length > LARGEST) return
    const written = open.file.write(bytes, 0, length, at)
    if (!open.writes) {
      same((await outcome(written))?.code, 'EBADF', 'write')
      return
    }
    same((await written).bytesWritten, length, 'bytesWritten')
    open.data = resized(open.data, Math.max(open.data.length, start + length))
    bytes.copy(open.data, start)
    if (at === null) open.at = start + length
    this.#changed()
  }

  async #read({ at, length }: Step & { do: 'read' }): Promise<void> {
    const open = this.#open
    if (open !== null) {
      const buffer = Buffer.alloc(length, 0xee)
      const reading = open.file.read(buffer, 0, length, at)
      if (!open.reads) same((await outcome(reading))?.code, 'EBADF', 'read')
      else {
        const start = at ?? open.at
        const expected = open.data.subarray(start, start + length)
        const { bytesRead } = await reading
        equal(buffer.subarray(0, bytesRead), expected, `read of ${length} at ${start}`)
        equal(buffer.subarray(bytesRead), Buffer.alloc(length - bytesRead, 0xee), 'the rest of the buffer')
        if (at === null) open.at += bytesRead
      }
    }
    for (const reader of this.#readers) {
      const start = at ?? 0
      const data = this.#ground.limits.staysOnVersion ? reader.data : this.#visible!
      const { bytesRead, buffer } = await reader.file.read(Buffer.alloc(length), 0, length, start)
      equal(buffer.subarray(0, bytesRead), data.subarray(start, start + length), `old descriptor at ${start}`)
    }
  }

  async #truncate(length: number): Promise<void> {
    const open = this.#open
    if (open === null) return
    const cut = open.file.do('truncate', length)
    if (!open.writes) {
      same((await outcome(cut))?.code, 'EINVAL', 'ftruncate')
      return
    }
    await cut
    open.data = resized(open.data, length)
    this.#changed()
  }

  async #put({ method, length }: Step & { do: 'put' }): Promise<void> {
    await this.#close()
    const before = this.#visible ?? Buffer.alloc(0)
    const bytes = Buffer.alloc(Math.min(length, LARGEST - before.length), (length % 255) + 1)
    if (method === 'truncate') {
      const cut = this.#ground.call('truncate', this.#path, length)
      if (this.#visible === null) {
        same((await outcome(cut))?.code, 'ENOENT', 'truncate')
        return
      }
      await cut
      this.#visible = resized(before, length)
    } else {
      await this.#ground.call(method, this.#path, bytes)
      this.#visible = method === 'writeFile' ? bytes : Buffer.concat([before, bytes])
    }
  }

  async #watch(): Promise<void> {
    if (this.#visible === null) return
    const file = await openFile(this.#t, this.#ground, this.#path, 'r')
    this.#readers.push({ file, data: this.#visible })
    if (this.#readers.length > 3) await this.#readers.shift()!.file.close()
  }

  async look(): Promise<void> {
    const { call } = this.#ground
    if (this.#open !== null) same((await this.#open.file.do('stat')).size, this.#open.data.length, 'fstat')
    if (this.#visible === null) {
      same((await outcome(call('stat', this.#path)))?.code, 'ENOENT', 'stat')
      return
    }
    same((await call('stat', this.#path)).size, this.#visible.length, 'stat')
    equal(await call('readFile', this.#path), this.#visible, 'readFile')
  }

  async end(): Promise<void> {
    await this.#close()
    for (const { file } of this.#readers.splice(0)) await file.close()
  }

  async #close(): Promise<void> {
    await this.#open?.file.close()
    this.#show()
    this.#open = null
  }

  #changed(): void {
    this.#open!.dirty = true
    if (!this.#ground.limits.showsAtClose) this.#show()
  }

  #show(): void {
    if (!this.#open?.dirty) return
    this.#visible = this.#open.data
    this.#open.dirty = false
  }
}

/** A copy, cut or filled with zeros. */
function resized(data: Buffer, length: number): Buffer {
  const copy = Buffer.alloc(length)
  data.copy(copy)
  return copy
}

function same(given: unknown, expected: unknown, what: string): void {
  if (given !== expected) throw new Error(`${what}: ${String(given)}, not ${String(expected)}`)
}

function equal(given: Uint8Array, expected: Uint8Array, what: string): void {
  same(given.byteLength, expected.byteLength, `${what}: length`)
  const at = given.findIndex((byte, i) => byte !== expected[i])
  if (at >= 0) throw new Error(`${what}: byte ${at} is ${given[at]}, not ${expected[at]}`)
}
