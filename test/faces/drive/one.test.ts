import { hyperdrive, multidrive } from '../../helpers/drives.ts'
import { driveSuite } from '../../suites/drive.ts'
import { reading } from './kinds.ts'

driveSuite({
  name: 'MultiDrive of one Hyperdrive',
  make: async (t) => multidrive(t, [await hyperdrive(t)]),
  reading
})
