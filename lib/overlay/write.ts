import type { Commit, WritableLeaf } from '../sources/source.ts'
import { worst } from './failure.ts'
import type { Write } from './operation.ts'
import type { Overlay } from './overlay.ts'
import { Plan } from './plan.ts'
import { Turns } from '../turns.ts'
import type { MergedView } from './view.ts'

/**
 * How long a write waits, in all, for drives that are read on demand, in milliseconds: it never stands still because a peer is away.
 */
const PATIENCE = 3000

/** One write into a drive at a time, through whichever MultiDrive and object for it: each must see what the one before it left. */
const turns = new Turns()

/**
 * Lands one write in the writer: all of its operations in one atomic step, or none (design, "How a write lands").
 *
 * @param writer - the leaf that the operations' bytes were staged in
 * @throws EISDIR, ENOTDIR, EEXIST, ENOTEMPTY where kinds do not fit; the writer's own error when it fails
 */
export async function commit(overlay: Overlay, writer: WritableLeaf, write: Write): Promise<void> {
  await commitWith(overlay, writer, () => Promise.resolve(write))
}

/**
 * As {@link commit}, of a write that is made when its turn has come.
 *
 * @param make - gives the write from what is visible then, null for none
 * @returns whether there was one, and it landed
 */
export function commitWith(
  overlay: Overlay,
  writer: WritableLeaf,
  make: (view: MergedView) => Promise<Write | null>
): Promise<boolean> {
  return exclusively(writer, async (commit) => {
    const end = performance.now() + PATIENCE
    const patience = () => ({ timeout: Math.max(1, end - performance.now()) })
    const view = await overlay.view(patience())
    const write = await make(view)
    if (write === null) return false
    const plan = new Plan(view, writer, write.syscall, patience)
    for (const operation of write.operations) await plan.take(operation)
    const changes = await plan.changes()
    if (changes.length > 0) {
      await commit(changes).catch((error: unknown) => {
        throw worst([{ source: writer, error }], write.operations[0]?.key)
      })
    }
    await write.landed?.()
    return true
  })
}

function exclusively<T>(writer: WritableLeaf, write: (commit: Commit) => Promise<T>): Promise<T> {
  return turns.run(writer.identity, async () => {
    if (!writer.exclusively) return write((changes) => writer.commit(changes))
    const failed = new Set<unknown>()
    const told = (commit: Commit) =>
      write(commit).catch((err: unknown) => {
        failed.add(err)
        throw err
      })
    return writer.exclusively(told).catch((error: unknown) => {
      // Of what the write has not told itself, the drive could not keep others out.
      throw failed.has(error) ? error : worst([{ source: writer, error }])
    })
  })
}
