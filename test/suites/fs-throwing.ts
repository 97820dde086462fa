/**
 * Calls methods of a file system with callbacks that throw, in a process of its own.
 *
 *   fs-throwing.ts node|multi catch FOLDER   prints for each method how often its callback was called and what came out of it
 *   fs-throwing.ts node|multi die FOLDER     does nothing about what is thrown, and prints the code that Node exits with for it
 *
 * The folder is empty, and stays for the caller to remove: a storage whose files vanish while its threads still work may bring the
 * process down by a signal.
 */
import nodeFs from 'node:fs'
import Corestore from 'corestore'
import Hyperdrive from 'hyperdrive'
import MultiDrive from '../../index.ts'

const [which, how, dir] = process.argv.slice(2) as [string, string, string]

const multi = which === 'multi' ? new MultiDrive(new Hyperdrive(new Corestore(dir))) : null
await multi?.ready()
const fs: any = multi ?? nodeFs
const root = multi === null ? dir : ''
const plain = (method: string, ...args: unknown[]) =>
  new Promise<any>((resolve, reject) =>
    fs[method](...args, (err: Error | null, value: unknown) => (err ? reject(err) : resolve(value)))
  )

await plain('writeFile', `${root}/file`, 'hello')
await plain('mkdir', `${root}/folder`)

if (how === 'die') {
  process.once('exit', (code) => nodeFs.writeSync(1, `exit ${code}\n`))
  fs.readFile(`${root}/file`, () => {
    process.stdout.write('called\n')
    throw new Error('thrown by readFile')
  })
} else {
  const fd = await plain('open', `${root}/file`, 'r+')
  const spare = await plain('open', `${root}/file`, 'r')
  const calls: [string, ...unknown[]][] = [
    ['readFile', `${root}/file`],
    ['readFile', `${root}/none`],
    ['writeFile', `${root}/other`, 'x'],
    ['writeFile', `${root}/folder`, 'x'],
    ['appendFile', `${root}/other`, 'x'],
    ['truncate', `${root}/other`, 1],
    ['open', `${root}/file`, 'r'],
    ['open', `${root}/none`, 'r'],
    ['read', fd, Buffer.alloc(1), 0, 1, 0],
    ['read', 9999, Buffer.alloc(1), 0, 1, 0],
    ['write', fd, 'x'],
    ['fstat', fd],
    ['ftruncate', fd, 1],
    ['fsync', fd],
    ['close', fd],
    ['close', spare],
    ['stat', `${root}/file`],
    ['stat', `${root}/none`],
    ['mkdir', `${root}/made`],
    ['readdir', `${root}/`]
  ]
  for (const [method, ...args] of calls) {
    const caught: string[] = []
    let count = 0
    const over = new Promise<void>((resolve) => {
      process.on('uncaughtException', (err, origin) => {
        caught.push(origin === 'uncaughtException' ? err.message : `${origin}: ${err.message}`)
        resolve()
      })
    })
    fs[method](...args, () => {
      count++
      throw new Error(`thrown by ${method}`)
    })
    await over
    // A second call would come right behind the first.
    for (let i = 0; i < 5; i++) await new Promise(setImmediate)
    process.removeAllListeners('uncaughtException')
    process.stdout.write(`${JSON.stringify({ method, calls: count, caught })}\n`)
  }
  await multi?.close()
}
