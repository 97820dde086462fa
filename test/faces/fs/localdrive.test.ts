import { localdrive, multidrive } from '../../helpers/drives.ts'
import { multiSuite, overOthers } from './kinds.ts'

multiSuite('MultiDrive of a Localdrive over a Hyperdrive', async (t) => {
  const { theirs } = await overOthers(t)
  return multidrive(t, [await localdrive(t), theirs[0]])
})
