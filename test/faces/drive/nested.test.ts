import { hyperdrive, hyperdrives, multidrive } from '../../helpers/drives.ts'
import { driveSuite } from '../../suites/drive.ts'
import { bury, reading } from './kinds.ts'

driveSuite({
  name: 'MultiDrive in a MultiDrive',
  make: async (t) => multidrive(t, [await multidrive(t, [await hyperdrive(t)])]),
  reading: async (t, remote) => multidrive(t, [await reading(t, remote)])
})

driveSuite({
  name: 'MultiDrive with a MultiDrive as second drive',
  make: async (t) => {
    const [first, own, other] = await hyperdrives(t, 3)
    // A checkout cannot be written to, so the writer is inside the second.
    const multi = await multidrive(t, [first.checkout(1), await multidrive(t, [own, other])])
    await bury(multi, [other])
    return multi
  },
  reading: async (t, remote) => {
    const multi = await multidrive(t, [await hyperdrive(t)])
    await multi.addDrive(await reading(t, remote))
    return multi
  }
})
