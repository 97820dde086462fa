/** Two authors hand each other what they have, and part again. */
import assert from 'node:assert/strict'
import type Hyperdrive from 'hyperdrive'
import type { Core } from '../../lib/sources/hyperdrive/types.ts'
import { until } from '../availability/links.ts'
import { link, type Replicable } from '../helpers/drives.ts'
import type { Account, Author } from './account.ts'

/** So long it waits for peers of whom nothing comes, in milliseconds. */
const STALL = 1000

/** @param drives - which of them, null for all that the two have */
export async function exchange(
  account: Account,
  one: Author,
  other: Author,
  drives: number[] | null
): Promise<void> {
  const all = drives ?? [...account.ledgers.keys()]
  const ends = all.map((k) => [one.drives[k], other.drives[k]])
  const known = ends.filter((pair) => pair.some(({ core }) => core.length > 0))
  const unlink = drives === null ? [link(one.store, other.store)] : ends.map(([a, b]) => link(a.core, b.core))
  await Promise.all(ends.flat().map(({ core }) => peered(core)))
  // What is mounted and not open yet is nobody's to bring up to date.
  const outside = ends.filter((_, i) => all[i]! >= account.members).flat()
  await Promise.all(outside.map(({ core }) => fetchAll(core)))
  for (const k of all) one.held[k] = other.held[k] = Math.max(one.held[k]!, other.held[k]!)
  const isWhole = () =>
    all.every((k) => {
      const { length } = account.ledgers[k]!.states[one.held[k]!]!
      return [one, other].every(({ drives }) => drives[k].core.contiguousLength >= length)
    })
  // A busy machine may let nothing come for so long that it gives up waiting; one that is over sooner has to be through.
  let wasHeldUp = true
  for (let i = 0; i < 10 && wasHeldUp && (i === 0 || !isWhole()); i++) {
    const start = performance.now()
    await Promise.all([one.multi.update({ wait: true }), other.multi.update({ wait: true })])
    wasHeldUp = performance.now() - start >= STALL
  }
  assert.ok(isWhole(), 'update({ wait: true }) makes every drive whole')
  // The bytes too, so that all can be read when the link is cut.
  const blobs = await Promise.all(known.flat().map(blobsOf))
  if (drives !== null) {
    for (let i = 0; i < blobs.length; i += 2) unlink.push(link(blobs[i]!, blobs[i + 1]!))
  }
  await Promise.all(blobs.map(peered))
  await Promise.all(blobs.map(fetchAll))
  for (const cut of unlink) await cut()
  await Promise.all([...ends.flat().map(({ core }) => core), ...blobs].map(alone))
}

async function fetchAll(core: Core): Promise<void> {
  await core.update({ wait: true })
  await core.download({ start: 0, end: core.length }).done()
}

async function blobsOf(drive: Hyperdrive): Promise<Core & Replicable> {
  return (await drive.getBlobs()).core
}

export function peered(core: Core): Promise<void> {
  return until(core, ['peer-add'], () => core.peers.length > 0)
}

function alone(core: Core): Promise<void> {
  return until(core, ['peer-remove'], () => core.peers.length === 0)
}
