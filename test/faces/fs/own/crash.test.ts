import { crashSuite } from './crash.ts'

crashSuite(2)
