/**
 * Random calls of the fs face beside the same calls of `node:fs`. The seed is fixed, so that a run can be repeated; another one and more runs
 * come from the environment:
 *
 *   PROPERTY_SEED=7 PROPERTY_RUNS=1000 npx tsx test/property/fs.test.ts
 */
import { properties } from './fs-property.ts'

const { PROPERTY_RUNS: runs = 40, PROPERTY_SEED: seed = 5 } = process.env

properties(Number(runs), Number(seed))
