import { hyperdrive, localdrive, multidrive } from '../../helpers/drives.ts'
import { fsModelSuite } from '../../suites/fs-model.ts'

// What is played with is another's at first, so that every step that changes a part of it begins with a copy.
for (const [name, writer] of [
  ['a Hyperdrive', hyperdrive],
  ['a Localdrive', localdrive]
] as const) {
  fsModelSuite(
    {
      name: `MultiDrive of ${name} over the file of another`,
      make: async (t) => {
        const multi = await multidrive(t, [await writer(t), await hyperdrive(t)])
        return { fs: multi, promises: multi.promises, root: '' }
      },
      limits: { showsAtClose: true, staysOnVersion: true }
    },
    ({ fs }, path, bytes) => fs.drives[1].put(path, bytes)
  )
}
