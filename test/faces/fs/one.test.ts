import { hyperdrive, multidrive } from '../../helpers/drives.ts'
import { multiSuite } from './kinds.ts'

multiSuite('MultiDrive of one Hyperdrive', async (t) => multidrive(t, [await hyperdrive(t)]))
