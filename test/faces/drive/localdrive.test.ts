import { hyperdrive, localdrive, multidrive } from '../../helpers/drives.ts'
import { driveSuite } from '../../suites/drive.ts'
import { bury } from './kinds.ts'

driveSuite({
  name: 'MultiDrive of a Localdrive over a Hyperdrive',
  make: async (t) => {
    const other = await hyperdrive(t)
    const multi = await multidrive(t, [await localdrive(t), other])
    await bury(multi, [other])
    return multi
  },
  reading: async (t, remote) => {
    const multi = await multidrive(t, [await localdrive(t)])
    await multi.addDrive(remote, { sparse: true })
    return multi
  },
  limits: { keepsNoHistory: true }
})
