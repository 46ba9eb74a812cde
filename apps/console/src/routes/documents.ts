// The documents that the screens of routes speak of.
import type { DocumentOf, route } from '@switchyard/kinds'

export type RouteDocument = DocumentOf<typeof route>
