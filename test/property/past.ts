/** Versions: checkouts show what was shown, whoever named them, diffs tell how they differ, and no order of adding makes another view. */
import assert from 'node:assert/strict'
import MultiDrive from '../../index.ts'
import { at, type Account, type Author, type WorldOptions } from './account.ts'
import { codeOf, compare, compareDiff, texts } from './compare.ts'
import { PATHS } from './plans.ts'

/** Some of the versions that an author's MultiDrive had, the last one among them. */
export async function checkPast(account: Account, author: Author): Promise<void> {
  const all = [...author.told.versions]
  const pace = Math.max(1, Math.floor(all.length / 3))
  const past = all.filter((_, i) => i % pace === 0 || i === all.length - 1).slice(-4)
  await at(author.now, async () => {
    for (const [version, held] of past) {
      const sight = account.sight(author, { version, held })
      const checkout = author.multi.checkout(version)
      await compare(checkout, author.drives, sight, `${author.name} at ${version}`)
      for (const [other, otherHeld] of past) {
        const before = account.sight(author, { version: other, held: otherHeld })
        await compareDiff(checkout, other, sight, before)
      }
      await checkout.close()
    }
  })
}

/**
 * The version that a tag names shows what its author saw, as far as it has come here.
 *
 * @param held - how many states of each drive it shows
 */
export async function checkTagged(
  account: Account,
  author: Author,
  name: string,
  held: readonly number[]
): Promise<void> {
  await at(author.now, async () => {
    const version = (await author.multi.getTaggedVersion(name))!
    const checkout = author.multi.checkout(version)
    const isHere = account.order(author).every((k) => held[k]! <= author.held[k]!)
    if (isHere) {
      const sight = account.sight(author, { version, held })
      await compare(checkout, author.drives, sight, `${author.name} at the tag ${name}`)
    } else
      assert.equal(await codeOf(checkout.entry('/b')), 'VERSION_NOT_AVAILABLE', `${name} is not here yet`)
    await checkout.close()
  })
}

export async function checkOrders(account: Account, author: Author): Promise<void> {
  const sight = account.sight(author)
  const order = account.order(author)
  const seen: Map<string, string>[] = []
  for (const places of orders(order.length)) {
    const drives = places.map((i) => author.drives[order[i]!])
    const multi = await over(drives, author.drives, account.opts)
    await at(author.now, async () => {
      const states = places.map((i) => sight.states[i]!)
      const ids = places.map((i) => sight.ids[i]!)
      await compare(multi, author.drives, { ...sight, states, ids }, `${author.name} ${places.join()}`)
      seen.push(await texts(multi))
    })
    for (const drive of drives) await multi.removeDrive(drive)
  }
  for (const path of PATHS) {
    // Those without a stamp or a time may differ (design, "Ties").
    if (sight.states.some(({ files }) => files.get(path)?.stamped === false)) continue
    const found = new Set(seen.map((view) => view.get(path)))
    assert.equal(found.size, 1, `${path} is the same in every order of adding`)
  }
}

/** @param known - those that can be mounted */
export async function over(
  drives: readonly any[],
  known: readonly any[],
  { locator = 'all', maxClockSkew }: WorldOptions
): Promise<MultiDrive> {
  const openDrive = (key: Buffer) => known.find((drive) => drive.key.equals(key))
  const multi = new MultiDrive(drives[0], {
    openDrive,
    locator: locator !== 'none',
    ...(maxClockSkew === undefined ? {} : { maxClockSkew })
  })
  for (const drive of drives.slice(1)) await multi.addDrive(drive)
  await multi.ready()
  if (locator === 'all') await multi.warmUp()
  return multi
}

/** At most six orders of so many drives, forwards and backwards among them. */
function orders(count: number): number[][] {
  const permute = (rest: number[]): number[][] =>
    rest.length === 0 ? [[]] : rest.flatMap((i) => permute(rest.filter((k) => k !== i)).map((p) => [i, ...p]))
  const all = permute([...Array(count).keys()])
  const pace = Math.max(1, Math.floor(all.length / 5))
  return all.filter((_, i) => i % pace === 0 || i === all.length - 1).slice(-6)
}
