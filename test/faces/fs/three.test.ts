import { multidrive } from '../../helpers/drives.ts'
import { multiSuite, overOthers } from './kinds.ts'

multiSuite('MultiDrive of a writer over two others', async (t) => {
  const { theirs, own } = await overOthers(t)
  const multi = await multidrive(t, [...theirs, own])
  if (!(await multi.promises.readdir('/')).includes('dir!')) throw new Error('the others show nothing')
  return multi
})
