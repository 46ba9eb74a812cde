// Chinese for what kinds say of themselves. `test/zh.test.ts` tells what lacks.
import type { Sayings } from '../said.ts'
import { argumentHelp } from './arguments.ts'
import { checks } from './checks.ts'
import { columns } from './columns.ts'
import { conditions, reasons } from './conditions.ts'
import { docs } from './docs.ts'
import { fields } from './fields.ts'
import { gatewayFields } from './gateway-fields.ts'
import { messages } from './messages.ts'
import { moneyFields } from './money-fields.ts'
import { peopleFields } from './people-fields.ts'
import { phases } from './phases.ts'
import { advice, refusals, rules } from './refusals.ts'
import { servingFields } from './serving-fields.ts'

const texts = {
  ...docs,
  ...peopleFields,
  ...servingFields,
  ...gatewayFields,
  ...moneyFields,
  ...argumentHelp,
  ...messages,
}

export const chinese: Sayings = {
  texts,
  columns,
  phases,
  conditions,
  reasons,
  fields,
  refusals,
  advice,
  rules,
  asserts: Object.fromEntries(Object.entries(checks).map(([name, { asserts }]) => [name, asserts])),
  todos: Object.fromEntries(Object.entries(checks).map(([name, { todo }]) => [name, todo])),
}
