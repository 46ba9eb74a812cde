// What OpenAI takes for the name of a function and for the id of a call.
import { fitId, fitName } from '../../ids.ts'

const nameGrammar = /^[A-Za-z0-9_-]{1,64}$/
/** Printable, and no longer than OpenAI takes. */
const idGrammar = /^[\x21-\x7e]{1,40}$/

export const toolName = (name: string): string => fitName(name, nameGrammar)
export const callId = (id: string): string => fitId(id, idGrammar, 'call_')
