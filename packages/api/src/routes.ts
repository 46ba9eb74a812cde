// The route table: every address of the control plane, in one list.

import { type AdminOptions, adminRows } from './admin-rows.ts'
import type { AuditOptions } from './audit-export.ts'
import { auditRows } from './audit-rows.ts'
import { type BalanceOptions, balanceRows } from './balance-rows.ts'
import { type ConfigurationOptions, configurationRows } from './configuration-rows.ts'
import { type ConsoleFiles, consoleRows } from './console-rows.ts'
import { type ExplainOptions, explainRow } from './explain-row.ts'
import { type FactOptions, factRows } from './fact-rows.ts'
import { type InvoiceOptions, invoiceRows } from './invoice-rows.ts'
import { kindRow } from './kind-rows.ts'
import { type PeopleOptions, peopleRows } from './people-rows.ts'
import { type PriceOptions, priceRows } from './price-rows.ts'
import { type ProviderTestOptions, providerRows } from './provider-rows.ts'
import { type ResourcesOptions, resourceRows } from './resources.ts'
import { rightsRows } from './rights-rows.ts'
import type { Row } from './route.ts'
import { openApiRow, type ServerOptions, serverRows } from './server-rows.ts'
import { type SessionRowsOptions, sessionRows } from './session-rows.ts'
import { type SsoRowsOptions, ssoRows } from './sso-rows.ts'
import { usageRows } from './usage-rows.ts'
import { watchRow } from './watch-row.ts'

export interface RoutesOptions
  extends ResourcesOptions,
    FactOptions,
    AuditOptions,
    AdminOptions,
    BalanceOptions,
    InvoiceOptions,
    PriceOptions,
    SessionRowsOptions,
    PeopleOptions,
    SsoRowsOptions,
    ServerOptions,
    ConfigurationOptions,
    ExplainOptions,
    ProviderTestOptions {
  readonly authenticate: ResourcesOptions['authenticate']
  readonly console: ConsoleFiles | undefined
}

export function routes(options: RoutesOptions): readonly Row[] {
  const rows: readonly Row[] = [
    ...resourceRows(options),
    ...factRows(options),
    ...usageRows(options),
    ...auditRows(options),
    ...balanceRows(options),
    ...invoiceRows(options),
    ...priceRows(options),
    ...adminRows(options),
    explainRow(options),
    ...providerRows(options),
    ...configurationRows(options),
    ...sessionRows(options),
    ...peopleRows(options),
    ...rightsRows(options),
    ...ssoRows(options),
    ...serverRows(options),
    kindRow(),
    watchRow(options),
    ...consoleRows(options.console),
  ]
  return [...rows, openApiRow(options, rows)]
}
