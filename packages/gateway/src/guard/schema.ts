// How JSON Schema 2020-12 is read, the same where a rule is checked and where an answer is.
import type { Options } from 'ajv/dist/2020.js'

/** Unknown keywords are ignored and formats are remarks, as the specification has them by default. */
export const schemaOptions: Options = {
  strict: false,
  validateFormats: false,
  logger: false,
  addUsedSchema: false,
}
