/** As overlay.test.ts, at length and from another seed each time; the seed that failed is in the report. */
import { properties } from './property.ts'

const { PROPERTY_RUNS: runs = 400, PROPERTY_SEED: seed = Math.floor(Math.random() * 2 ** 31) } = process.env
process.stdout.write(`# PROPERTY_SEED=${seed}\n`)

properties(Number(runs), Number(seed))
