import type { Drive } from './drive.ts'
import { failure } from './errors.ts'

/** The outcome of one drive in `runAll`. */
export interface RunResult {
  drive: Drive
  err: Error | null
  value: unknown
}

/** Calls a method on every drive at once. */
export function runAll(
  drives: readonly Drive[],
  method: string,
  args: readonly unknown[]
): Promise<RunResult[]> {
  return Promise.all(
    drives.map(async (drive): Promise<RunResult> => {
      try {
        const call = (drive as unknown as Record<string, unknown>)[method]
        if (typeof call !== 'function')
          throw failure('DRIVE_INVALID', { drive, detail: `it has no method ${method}()` })
        return { drive, err: null, value: (await Reflect.apply(call, drive, args)) as unknown }
      } catch (err) {
        return { drive, err: err as Error, value: undefined }
      }
    })
  )
}
