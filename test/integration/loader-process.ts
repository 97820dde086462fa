/** Downloads in a process of its own, and tells in lines of JSON how far it is. Given: a {@link Task} as JSON. */
import { HyperDriveDL, type DownloadResult } from '../../lib/loader/index.ts'
import type { Bootstrap } from '../../lib/share/peers.ts'

export interface Task {
  readonly key: string
  readonly bootstrap: readonly Bootstrap[]
  readonly path: string
  readonly diskPath: string
  /** Kills itself, as nobody can expect it, when so many bytes are here. */
  readonly dieAt?: number
  /** Stands still when so many bytes are here, until it is told to go on (SIGCONT). */
  readonly pauseAt?: number
}

/** What it tells. */
export type Told =
  | { readonly loaded: number }
  /** That nobody is connected any more. */
  | { readonly alone: true }
  | {
      readonly results: readonly (Omit<DownloadResult, 'error'> & { error: string | null })[]
      /** How many bytes of files came over the network. */
      readonly fetched: number
      /** How many bytes were here when it began. */
      readonly first: number
    }

const task = JSON.parse(process.argv[2]!) as Task
const { key, bootstrap, path, diskPath, dieAt = Infinity, pauseAt = Infinity } = task
const tell = (told: Told) => process.stdout.write(JSON.stringify(told) + '\n')

const loader = new HyperDriveDL({ key, bootstrap })
await loader.ready()
let fetched = 0
for (const drive of loader.client!.drives as unknown as {
  core: { peers: unknown[]; on(event: 'peer-remove', listener: () => void): void }
  getBlobs(): Promise<{
    core: { on(event: 'download', listener: (index: number, bytes: number) => void): void }
  }>
}[]) {
  drive.core.on('peer-remove', () => drive.core.peers.length === 0 && tell({ alone: true }))
  ;(await drive.getBlobs()).core.on('download', (_index, bytes) => (fetched += bytes))
}
const loaded: number[] = []
let isPaused = false
const download = await loader.download(path, {
  diskPath,
  progressReportInterval: 10,
  progressCallback: ({ loadedSize }) => {
    loaded.push(loadedSize)
    if (loadedSize >= dieAt) process.kill(process.pid, 'SIGKILL')
    tell({ loaded: loadedSize })
    if (isPaused || loadedSize < pauseAt) return
    isPaused = true
    process.kill(process.pid, 'SIGSTOP')
  }
})
const results = (await download.await()).map((result) => ({
  ...result,
  error: result.error?.message ?? null
}))
tell({ results, fetched, first: loaded[0] ?? 0 })
await loader.close()
