#!/usr/bin/env node
import { EXIT, tell, toLine } from './errors.ts'
import { run } from './program.ts'

/** What is open when it was stopped has so many milliseconds to close. */
const GRACE = 5000

const stopping = new AbortController()

/** The first time it stops cleanly, the second time at once. */
function stop(code: number): void {
  if (stopping.signal.aborted) process.exit(code)
  stopping.abort(code)
  setTimeout(() => process.exit(code), GRACE).unref()
}

process.on('SIGINT', () => stop(EXIT.SIGINT))
process.on('SIGTERM', () => stop(EXIT.SIGTERM))
// Whoever reads the output may go away, as in `multidrive ls | head`: that is no failure to be told.
process.stdout.on('error', (err: NodeJS.ErrnoException) => {
  if (stopping.signal.aborted) return
  if (err.code !== 'EPIPE') process.stderr.write(toLine('multidrive', tell(err)))
  stop(err.code === 'EPIPE' ? EXIT.SIGPIPE : EXIT.failure)
})
process.stderr.on('error', () => undefined)

const { stdout, stderr, env } = process
let reading = null as NodeJS.ReadStream | null
const io = {
  stdout,
  stderr,
  env,
  signal: stopping.signal,
  get stdin() {
    reading = process.stdin
    return reading
  }
}
try {
  process.exitCode = await run(process.argv.slice(2), io)
} catch (err) {
  stderr.write(toLine('multidrive', tell(err)))
  process.exitCode = EXIT.failure
}
// Else what nobody types any more would be waited for.
reading?.destroy()
