/** Loads in a process of its own, in which nothing else has taken memory before, and prints how much more it takes at most, in MiB. */
import type { Bootstrap } from '../../lib/share/peers.ts'
import { shippedLoader } from './shipped.ts'

export interface Loading {
  readonly key: string
  readonly bootstrap: readonly Bootstrap[]
  readonly path: string
  /** Null to read it as a stream. */
  readonly diskPath: string | null
}

const { key, bootstrap, path, diskPath } = JSON.parse(process.argv[2]!) as Loading
const { HyperDriveDL } = await shippedLoader()
const loader = new HyperDriveDL({ key, bootstrap })
await loader.ready()
await loader.getFileSize(path)
globalThis.gc?.()
const before = process.memoryUsage().rss
let most = before
const timer = setInterval(() => (most = Math.max(most, process.memoryUsage().rss)), 5)
let bytes = 0
if (diskPath === null) for await (const chunk of await loader.getStream(path)) bytes += chunk.length
else {
  const [result] = await (await loader.download(path, { diskPath })).await()
  if (result?.error !== null) throw result?.error ?? new Error('nothing was loaded')
  bytes = await loader.getFileSize(path)
}
clearInterval(timer)
await loader.close()
if (bytes === 0) throw new Error('nothing was loaded')
process.stdout.write(`${(most - before) / (1 << 20)}\n`)
