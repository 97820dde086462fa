/** What a MultiDrive costs before it knows anything of its drives. */
import { join } from 'node:path'
import type MultiDrive from '../../index.ts'
import { fill, lookUp, over, pathsOf } from './corpus.ts'
import type { Bench, Subject } from './harness.ts'

export const DRIVES = 64
export const COLD = 'MultiDrive, cold'
export const ALL_ASKED = 'all in parallel'

/** So many times for one measure: a first read is over in less than a millisecond. */
const TIMES = 5

export const bench: Bench = {
  title: `The first \`entry\` of ${DRIVES} open drives that are put together, and putting them together, for each drive`,
  async prepare(folder, { files }) {
    const paths = pathsOf(files)
    const { store, drives } = await fill(join(folder, 'cold'), paths, { drives: DRIVES })
    // Paths that nobody has read yet, for each of the two.
    const look = (round: number, whose: number, entry: (path: string) => Promise<unknown>) =>
      lookUp(paths, (round * TIMES + whose) * 2 + 1, 1, async (path) => {
        if ((await entry(path)) === null) throw new Error(`no ${path}`)
      })
    const subjects: Subject[] = [
      {
        name: ALL_ASKED,
        jobs: {
          first: async (round) => {
            for (let i = 0; i < TIMES; i++) {
              await look(round * TIMES + i, 0, async (path) => {
                const found = await Promise.all(drives.map((drive) => drive.entry(path)))
                return found.find((entry) => entry !== null) ?? null
              })
            }
            return TIMES
          }
        }
      },
      {
        name: COLD,
        jobs: {
          first: async (round) => {
            let micros = 0
            for (let i = 0; i < TIMES; i++) {
              const multi = await over(drives)
              const started = performance.now()
              await look(round * TIMES + i, 1, (path) => multi.entry(path))
              micros += (performance.now() - started) * 1000
              await takeApart(multi)
            }
            return { units: TIMES, micros }
          },
          open: async () => {
            const started = performance.now()
            const multi = await over(drives)
            const micros = (performance.now() - started) * 1000
            await takeApart(multi)
            return { units: DRIVES, micros }
          }
        }
      }
    ]
    return {
      subjects,
      async close() {
        for (const drive of drives) await drive.close()
        await store.close()
      }
    }
  }
}

/**
 * The drives are taken out, for the next one is made of them: closing it closes those that are in it. It comes to rest before, for what it
 * still reads would be counted for the next one.
 */
async function takeApart(multi: MultiDrive): Promise<void> {
  await multi.warmUp()
  for (const drive of multi.drives) await multi.removeDrive(drive)
  await multi.close()
}
