/**
 * Random plans of several authors against the oracle. The seed is fixed, so that a run can be repeated; another one and more
 * runs come from the environment:
 *
 *   PROPERTY_SEED=7 PROPERTY_RUNS=1000 npx tsx test/property/overlay.test.ts
 */
import { properties } from './property.ts'

const { PROPERTY_RUNS: runs = 60, PROPERTY_SEED: seed = 5 } = process.env

properties(Number(runs), Number(seed))
