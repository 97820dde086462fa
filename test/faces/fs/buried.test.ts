import { multidrive } from '../../helpers/drives.ts'
import { fsPathsSuite } from '../../suites/fs-paths.ts'
import { LIMITS, overOthers } from './kinds.ts'

fsPathsSuite({
  name: 'MultiDrive of a writer that deleted what others hold',
  make: async (t) => {
    const { theirs, own } = await overOthers(t, 'buried')
    const multi = await multidrive(t, [...theirs, own])
    const names = await multi.promises.readdir('/')
    if (names.length === 0) throw new Error('there is nothing to delete')
    for (const name of names) await multi.promises.rm(`/${name}`, { recursive: true })
    return { fs: multi, promises: multi.promises, root: '' }
  },
  limits: LIMITS
})
