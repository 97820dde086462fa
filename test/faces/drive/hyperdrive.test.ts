import { hyperdrive } from '../../helpers/drives.ts'
import { driveSuite } from '../../suites/drive.ts'

driveSuite({
  name: 'Hyperdrive',
  make: (t) => hyperdrive(t),
  reading: async (_, remote) => remote,
  limits: {
    losesNames: true,
    hangsPastEnd: true,
    cutsElements: true,
    resolvesLinksFromThemselves: true,
    streamsNoLinks: true,
    cannotPurge: true,
    mirrorsNoDates: true
  }
})
