import { hyperdrives, multidrive } from '../../helpers/drives.ts'
import { driveSuite } from '../../suites/drive.ts'
import { bury, reading } from './kinds.ts'

driveSuite({
  name: 'MultiDrive of three Hyperdrives',
  make: async (t) => {
    const [own, ...others] = await hyperdrives(t, 3)
    const multi = await multidrive(t, [own, ...others])
    await bury(multi, others)
    return multi
  },
  reading
})
