// What replicas hold of a machine. It is taken and released with the Replica's own row, by triggers.
import { acceleratorSchema } from '@switchyard/kinds'
import type { Reservations } from '@switchyard/runtime'
import type { Database } from './postgres/pool.ts'

const reading = `
select reserved_memory($1) as memory,
  (select coalesce(jsonb_agg(jsonb_build_object('accelerator', accelerator, 'id', device)), '[]')
   from held_devices where node = $1 and until is null) as devices`

interface Row {
  readonly memory: string
  readonly devices: readonly { readonly accelerator: string; readonly id: string }[]
}

export function reservationsOn(database: Database): Reservations {
  return {
    on: node =>
      database.transaction({ role: 'control' }, { readOnly: true }, async client => {
        const { rows } = await client.query<Row>({ name: 'reserved', text: reading, values: [node] })
        const { memory = '0', devices = [] } = rows[0] ?? {}
        return {
          memoryBytes: Number(memory),
          devices: devices.map(({ accelerator, id }) => ({
            accelerator: acceleratorSchema.parse(accelerator),
            id,
          })),
        }
      }),
  }
}
