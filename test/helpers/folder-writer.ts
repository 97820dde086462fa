// A process that writes into a folder through a MultiDrive of its own: `folder-writer.ts ROOT NAME`. Every message tells it one
// thing to do, all of which are begun at once; the answer says how many of them went well.
import Localdrive from 'localdrive'
import MultiDrive from '../../index.ts'
import { outcomesOf, type Work } from './shared-folder.ts'

const [, , root, name] = process.argv
const multi = new MultiDrive(new Localdrive(root!))
await multi.ready()
process.on('message', (work: Work) => {
  void outcomesOf(multi, work, name!).then((codes) => process.send!(codes))
})
process.once('disconnect', () => void multi.close())
process.send!([])
