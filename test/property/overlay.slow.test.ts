/**
 * As overlay.test.ts, at length. From one seed, so that a run can be repeated; PROPERTY_SEED=random looks elsewhere each time, and prints
 * where.
 */
import { properties } from './property.ts'

const { PROPERTY_RUNS: runs = 450, PROPERTY_SEED: wanted = 2026 } = process.env
const seed = wanted === 'random' ? Math.floor(Math.random() * 2 ** 31) : Number(wanted)
process.stdout.write(`# PROPERTY_SEED=${seed}\n`)

properties(Number(runs), seed)
