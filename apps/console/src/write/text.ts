// Documents as YAML.
import { stringify } from 'yaml'

/** Lines are as long as their values. */
export const yamlOf = (value: unknown): string => stringify(value, { lineWidth: 0 })
