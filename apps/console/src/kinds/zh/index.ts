// Chinese for what kinds say of themselves. `test/zh.test.ts` tells what lacks.
import type { Sayings } from '../said.ts'
import { columns } from './columns.ts'
import { conditions, reasons } from './conditions.ts'
import { docs } from './docs.ts'
import { phases } from './phases.ts'

export const chinese: Sayings = { texts: docs, columns, phases, conditions, reasons, fields: {} }
