// Guardrails: what callers ask and models answer, put past the rules of a route.
export { compileGuards, type Guards } from './compile.ts'
export { redactor } from './redactor.ts'
export { guardRequest, guardTexts, type TextsVerdict, type Verdict } from './request.ts'
export { type ResponseGuard, responseGuard } from './response.ts'
export type {
  Blocked,
  Checker,
  Finding,
  GuardContext,
  GuardRule,
  Send,
  WebhookReply,
} from './rule.ts'
export { CheckThread } from './thread.ts'
