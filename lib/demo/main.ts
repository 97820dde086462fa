/**
 * The main job on real files.
 *
 *   npm start                       two peers, their drives and a folder, on this machine alone
 *   npm start -- FOLDER FOLDER…     the merged view of folders of yours, which are only read
 */
import { showFolders } from './folders.ts'
import { Leftovers } from './leftovers.ts'
import { tellStory } from './story.ts'

/** A story that waits for longer than that, in milliseconds, has found a fault. Folders may be of any size. */
const DEADLINE = 60_000

const leftovers = new Leftovers()
const folders = process.argv.slice(2)

// Whoever reads the output may go away, as in `npm start | head`: that ends the demo as Ctrl-C does.
process.stdout.on('error', () => void stop(1))
process.once('SIGINT', () => void stop(130))
process.once('SIGTERM', () => void stop(143))
let deadline: NodeJS.Timeout | undefined

try {
  if (folders.length > 0) {
    await showFolders(folders, leftovers)
  } else {
    deadline = setTimeout(giveUp, DEADLINE)
    await tellStory(leftovers)
  }
} catch (err) {
  // When it was stopped, drives closed under it: that is no news.
  if (!leftovers.cleared) complain(err)
  process.exitCode = 1
}
clearTimeout(deadline)
await leftovers.clear()

function giveUp(): void {
  complain(new Error(`the demo is not through after ${DEADLINE / 1000} seconds`))
  void stop(1)
}

async function stop(code: number): Promise<void> {
  await leftovers.clear().catch(complain)
  process.exit(code)
}

function complain(err: unknown): void {
  process.stderr.write(`multidrive: ${err instanceof Error ? err.message : String(err)}\n`)
}
