/** Versions: checkouts show what was shown, whoever named them, diffs tell how they differ, and no order of adding makes another view. */
import assert from 'node:assert/strict'
import MultiDrive from '../../index.ts'
import { at, type Account, type Author, type WorldOptions } from './account.ts'
import { codeOf, compare, compareDiff, texts } from './compare.ts'
import { PATHS } from './plans.ts'

/** How many versions are looked at, and with how many each of them is compared, itself being one. */
const VERSIONS = 3
const OTHERS = 1

/** In how many orders of adding each author looks at its drives. */
const ORDERS = 2

/** The versions that an author's MultiDrive had. */
export async function checkPast(account: Account, author: Author): Promise<void> {
  const { looks } = account
  const past = [...author.told.versions]
  await at(author.now, async () => {
    for (const [version, held] of looks.some(past, VERSIONS)) {
      const sight = account.sight(author, { version, held })
      const checkout = author.multi.checkout(version)
      await compare(checkout, author.drives, sight, `${author.name} at ${version}`, looks)
      for (const [other, otherHeld] of looks.some(past, OTHERS)) {
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
      await compare(checkout, author.drives, sight, `${author.name} at the tag ${name}`, account.looks)
    } else
      assert.equal(await codeOf(checkout.entry('/b')), 'VERSION_NOT_AVAILABLE', `${name} is not here yet`)
    await checkout.close()
  })
}

/** @param authors - all of them, when they have the same of every drive */
export async function checkOrders(account: Account, authors: readonly Author[]): Promise<void> {
  const seen: Map<string, string>[] = []
  for (const author of authors) {
    const sight = account.sight(author)
    const order = account.order(author)
    for (const places of account.looks.some(orders([...order.keys()]), ORDERS)) {
      const drives = places.map((i) => author.drives[order[i]!])
      const multi = await over(drives, author.drives, account.opts)
      await at(author.now, async () => {
        const states = places.map((i) => sight.states[i]!)
        const ids = places.map((i) => sight.ids[i]!)
        const who = `${author.name} ${places.join()}`
        await compare(multi, author.drives, { ...sight, states, ids }, who, account.looks)
        seen.push(await texts(multi))
      })
      for (const drive of drives) await multi.removeDrive(drive)
    }
  }
  const { states } = account.sight(authors[0]!)
  for (const path of PATHS) {
    // Those without a stamp or a time may differ (design, "Ties").
    if (states.some(({ files }) => files.get(path)?.stamped === false)) continue
    const found = new Set(seen.map((view) => view.get(path)))
    assert.equal(found.size, 1, `${path} is the same for every author and in every order of adding`)
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

function orders(places: readonly number[]): number[][] {
  if (places.length === 0) return [[]]
  return places.flatMap((i) => orders(places.filter((k) => k !== i)).map((rest) => [i, ...rest]))
}
