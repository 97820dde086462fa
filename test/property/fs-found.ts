import test from 'tape'
import { folder, store } from '../helpers/drives.ts'
import { KINDS } from './fs-kinds.ts'
import type { Plain, Plan, Step } from './fs-steps.ts'
import { play } from './fs-world.ts'

interface Found {
  /** Default: one Hyperdrive. */
  readonly kind?: string
  readonly plain?: readonly Plain[]
  readonly phases: readonly (readonly Step[])[]
  /** Default: both. */
  readonly styles?: readonly Plan['style'][]
}

/** Holds a plan by promise and by callback. */
export function found(title: string, given: Found): void {
  const { kind: name = 'one Hyperdrive', plain = [], phases, styles = ['promise', 'callback'] } = given
  test(title, { timeout: 60_000 }, async (t) => {
    // What is made here is made with the modes that a MultiDrive gives.
    process.umask(0o022)
    const kind = KINDS.find((one) => one.name === name)!
    const place = { stores: [await store(t), await store(t)], folder: await folder(t) }
    for (const style of styles) {
      await play(place, kind, { style, plain: [plain], phases })
      t.pass(style)
    }
  })
}

export const RECURSIVE = { recursive: true }

/** A date in seconds since the epoch. */
export const OLD = 1_000_000_000

export const call = (method: string, ...args: unknown[]): Step => ({ do: 'call', method, args })

export const open = (slot: number, path: string, flags: string): Step => ({ do: 'open', slot, path, flags })

/** A call about what is open in a slot. */
export const on = (slot: number, method: string, ...args: unknown[]): Step => {
  return { do: 'file', slot, method, args }
}

export const put = (path: string, length = 5): Step => call('writeFile', path, { length, seed: 1 })

/** What one does alone. */
export const one = (...steps: Step[]): Found => ({ phases: [steps] })
