import { mkdir, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import createTestnet from '@hyperswarm/testnet'
import Localdrive from 'localdrive'
import type { Drive } from '../../index.ts'
import type { Leftovers } from './leftovers.ts'
import { Peer } from './peer.ts'
import { heading, prose, quoted, step, title, tree } from './print.ts'

const PLAN = '/notes/plan.txt'
const SOUP = '/recipes/soup.txt'

/** Two peers, a folder, and all that can happen to a file between them. */
export async function tellStory(leftovers: Leftovers): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'multidrive-demo-'))
  leftovers.add(() => rm(folder, { recursive: true, force: true, maxRetries: 3 }))
  const testnet = await createTestnet(3)
  leftovers.add(() => testnet.destroy())
  const createNode = () => testnet.createNode()

  const ann = await Peer.create('Ann', folder, createNode, leftovers)
  const ben = await Peer.create('Ben', folder, createNode, leftovers)
  const disk = await makeFolder(join(folder, 'folder'))
  await ann.multi.put(PLAN, 'Hike on Sunday')
  await ann.multi.put('/songs/first.txt', 'La la la')
  await ben.multi.put(SOUP, 'Carrots, leek')
  await ben.multi.put('/notes/phone.txt', 'Ben: 555 0199')

  title('MultiDrive: many drives read as one')
  prose(`Ann has a folder on her disk and a Hyperdrive of her own, Ben has a Hyperdrive. They find each other
    over Hyperswarm, here by a DHT on this machine alone. Nobody can write to a drive of someone else, yet each
    of them reads all drives as one and may change any file.`)

  await ann.multi.addDrive(disk)
  const [bens] = await Promise.all([ann.multi.addDrive(ben.own.key), ben.multi.addDrive(ann.own.key)])
  await connect(ann, ben)
  const names = new Map<Drive, string>([
    [ann.own, "Ann's drive"],
    [disk, "Ann's folder"],
    [bens, "Ben's drive"]
  ])

  heading('1. The merged tree, as Ann sees it, with the drive that each file comes from')
  await tree(ann.multi, (drive) => names.get(drive) ?? '')

  await edit(ann, ben)
  await conflict(ann, ben)
  await deletion(ann, ben)
  await comeback(ann, ben)
}

async function edit(ann: Peer, ben: Peer): Promise<void> {
  heading("2. An edit: Ann changes a file of Ben's")
  const text = 'Carrots, leek, ginger'
  await ann.multi.put(SOUP, text)
  step('Ann', 'writes', SOUP, quoted(text))
  await ben.sees(SOUP, text)
  step('Ben', 'reads', SOUP, quoted(await ben.read(SOUP)))
  step("Ben's own drive", 'keeps', SOUP, quoted(await ben.readOwn(SOUP)))
}

async function conflict(ann: Peer, ben: Peer): Promise<void> {
  heading('3. A conflict: both edit one file while they are apart')
  await Promise.all([ann.disconnect(), ben.disconnect()])
  await ann.multi.put(PLAN, 'Hike on Saturday')
  step('Ann', 'writes', PLAN, quoted(await ann.read(PLAN)))
  await ben.multi.put(PLAN, 'Cinema on Sunday')
  step('Ben', 'writes', PLAN, quoted(await ben.read(PLAN)))
  await connect(ann, ben)

  const [ours, theirs] = [await ann.read(PLAN), await ben.read(PLAN)]
  step('Ann, after', 'reads', PLAN, quoted(ours))
  step('Ben, after', 'reads', PLAN, quoted(theirs))
  if (ours === null || ours !== theirs) throw new Error('Ann and Ben do not agree')
  step("Ann's own drive", 'keeps', PLAN, quoted(await ann.readOwn(PLAN)))
  step("Ben's own drive", 'keeps', PLAN, quoted(await ben.readOwn(PLAN)))
  const lesson =
    'Neither had seen the other edit, so the later one wins, on both sides. The other one is not lost.'
  prose(lesson, '  ')
}

async function deletion(ann: Peer, ben: Peer): Promise<void> {
  heading('4. A delete: Ann deletes a file that Ben has')
  await ann.multi.del(SOUP)
  step('Ann', 'deletes', SOUP)
  await ben.sees(SOUP, null)
  step('Ann', 'reads', SOUP, quoted(await ann.read(SOUP)))
  step('Ben', 'reads', SOUP, quoted(await ben.read(SOUP)))
  step("Ben's own drive", 'keeps', SOUP, quoted(await ben.readOwn(SOUP)))
}

async function comeback(ann: Peer, ben: Peer): Promise<void> {
  heading('5. A comeback: Ben writes the deleted file again')
  const text = 'Pumpkin'
  await ben.multi.put(SOUP, text)
  step('Ben', 'writes', SOUP, quoted(text))
  await ann.sees(SOUP, text)
  step('Ann', 'reads', SOUP, quoted(await ann.read(SOUP)))
  step('Ben', 'reads', SOUP, quoted(await ben.read(SOUP)))
}

/** Brings two peers together who each have something new for the other. One topic is enough for all of their drives. */
async function connect(ann: Peer, ben: Peer): Promise<void> {
  const synced = Promise.all([ann.syncs(), ben.syncs()])
  // Waited for below; until then a failure to connect comes first.
  synced.catch(() => undefined)
  const topic = ann.multi.discoveryKey!
  await ann.connect(topic, 'server')
  await ben.connect(topic, 'client')
  await synced
}

/** A folder as anyone may have it: files made without any drive, one of them older than another drive's. */
async function makeFolder(path: string): Promise<Drive> {
  await mkdir(join(path, 'notes'), { recursive: true })
  await writeFile(join(path, 'notes', 'shopping.txt'), 'Milk, bread')
  await writeFile(join(path, 'notes', 'plan.txt'), 'Nothing yet')
  await writeFile(join(path, 'welcome.txt'), 'Made by any program')
  const lastYear = new Date(Date.now() - 365 * 24 * 60 * 60 * 1000)
  await utimes(join(path, 'notes', 'plan.txt'), lastYear, lastYear)
  return new Localdrive(path)
}
