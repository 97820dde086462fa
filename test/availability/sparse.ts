import type { Test } from 'tape'
import { hyperdrive, link, multidrive, store } from '../helpers/drives.ts'
import { alone, until } from './links.ts'

/** A MultiDrive with a sparse copy, which knows the head of its author's drive and nothing more, until it is cut off. */
export async function sparse(t: Test, files = 200) {
  const [theirs, ours] = [await store(t), await store(t)]
  const author = await hyperdrive(t, { store: theirs })
  for (let i = 0; i < files; i++) await author.put(`/f/${String(i).padStart(3, '0')}`, `${i}`)
  const copy = await hyperdrive(t, { store: ours, key: author.key })
  const own = await hyperdrive(t, { store: ours })
  const multi = await multidrive(t, [own])
  await multi.addDrive(copy, { sparse: true })
  const unlink = link(theirs, ours)
  await until(copy.core, ['append'], () => copy.core.length === author.core.length)
  const cut = async () => {
    await unlink()
    await alone(copy)
  }
  return { theirs, ours, author, copy, own, multi, cut }
}
