// A process that changes a tree step by step until it is killed, and tells which step it is at:
//
//   crash-writer.ts KIND FOLDER STEP
//
// The writer lies in FOLDER/own, the drive of somebody else in FOLDER/other.
import { join } from 'node:path'
import Corestore from 'corestore'
import Hyperdrive from 'hyperdrive'
import Localdrive from 'localdrive'
import MultiDrive from '../../../../index.ts'

/** What stands where: the text of files by their paths. */
export type State = Readonly<Record<string, string>>

const SMALL = 24
const LARGE = 300_000

export const START: State = Object.fromEntries([
  ['/log', ''],
  ['/large', 'x'.repeat(LARGE)],
  ...Array.from({ length: SMALL }, (_, i) => [`/tree/${i % 5}/${i}`, `small ${i}`])
])

interface Step {
  /** What it makes of a state. */
  readonly of: (state: State) => State
  readonly run: (multi: MultiDrive) => Promise<unknown>
}

const moved = (state: State, from: string, to: string): State =>
  Object.fromEntries(
    Object.entries(state)
      .filter(([path]) => path !== to)
      .map(([path, text]) => [
        path === from || path.startsWith(`${from}/`) ? to + path.slice(from.length) : path,
        text
      ])
  )

const copied = (state: State, from: string, to: string): State => ({
  ...state,
  ...Object.fromEntries(
    Object.entries(state)
      .filter(([path]) => path === from || path.startsWith(`${from}/`))
      .map(([path, text]) => [to + path.slice(from.length), text])
  )
})

const without = (state: State, folder: string): State =>
  Object.fromEntries(
    Object.entries(state).filter(([path]) => path !== folder && !path.startsWith(`${folder}/`))
  )

const patched = (text: string, part: string, at: number) =>
  text.slice(0, at) + part + text.slice(at + part.length)

/** The steps of the n-th round; after the last one everything is where it was at the start. */
export function step(n: number): Step {
  const steps: Step[] = [
    { of: (state) => moved(state, '/tree', '/moved'), run: (multi) => multi.rename('/tree', '/moved') },
    {
      of: (state) => ({ ...state, '/log': `${state['/log']}line ${n}\n` }),
      run: (multi) => multi.appendFile('/log', `line ${n}\n`)
    },
    {
      of: (state) => copied(state, '/moved', '/copy'),
      run: (multi) => multi.cp('/moved', '/copy', { recursive: true })
    },
    {
      of: (state) => ({ ...state, '/large': patched(state['/large']!, `step ${n}`, (n * 7919) % LARGE) }),
      run: async (multi) => {
        const fd = await multi.open('/large', 'r+')
        await multi.write(fd, `step ${n}`, (n * 7919) % LARGE)
        await multi.close(fd)
      }
    },
    { of: (state) => without(state, '/copy'), run: (multi) => multi.rm('/copy', { recursive: true }) },
    {
      of: (state) => ({ ...state, '/large': `step ${n}`.padEnd(LARGE, '.') }),
      run: async (multi) => {
        const fd = await multi.open('/large', 'w')
        for (const part of [`step ${n}`, '.'.repeat(LARGE - `step ${n}`.length)]) await multi.write(fd, part)
        await multi.close(fd)
      }
    },
    {
      of: (state) => moved(state, '/large', '/elsewhere'),
      run: (multi) => multi.rename('/large', '/elsewhere')
    },
    {
      of: (state) => copied(state, '/elsewhere', '/large'),
      run: (multi) => multi.copyFile('/elsewhere', '/large')
    },
    {
      of: (state) => moved(state, '/elsewhere', '/large'),
      run: (multi) => multi.rename('/elsewhere', '/large')
    },
    { of: (state) => moved(state, '/moved', '/tree'), run: (multi) => multi.rename('/moved', '/tree') },
    // A log would make each state longer than the one before.
    { of: (state) => ({ ...state, '/log': '' }), run: (multi) => multi.truncate('/log', 0) }
  ]
  return steps[n % steps.length]!
}

/** Opens what lies in a folder. */
export async function openAll(
  kind: string,
  folder: string
): Promise<{ multi: MultiDrive; close: () => Promise<void> }> {
  const stores = [new Corestore(join(folder, 'other'))]
  let own: any
  if (kind === 'a Localdrive') own = new Localdrive(join(folder, 'own'))
  else {
    stores.push(new Corestore(join(folder, 'own')))
    own = new Hyperdrive(stores[1]!.session())
  }
  const multi = new MultiDrive(own)
  await multi.addDrive(new Hyperdrive(stores[0]!.session()))
  await multi.ready()
  const close = async () => {
    await multi.close()
    for (const store of stores) await store.close()
  }
  return { multi, close }
}

const [, script, kind, folder, first] = process.argv
if (script === import.meta.filename) {
  const { multi } = await openAll(kind!, folder!)
  for (let n = Number(first); ; n++) {
    process.stdout.write(`begin ${n}\n`)
    await step(n).run(multi)
    process.stdout.write(`done ${n}\n`)
  }
}
