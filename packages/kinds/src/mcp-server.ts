// A server of tools that callers reach through the gateway by the Model Context Protocol, with a credential of its own.
import { z } from 'zod'
import { parseCidr, urlProblem } from './addresses.ts'
import { commonStatus, referenceSchema } from './envelope.ts'
import { openHeadersSchema } from './header.ts'
import { defineKind, phaseUnlessDeleting } from './kind.ts'
import { accessSchema, cidrSchema, milliseconds } from './limits.ts'

/** The name of a tool, or the start of one and a `*`. */
const toolPattern = z
  .string()
  .min(1)
  .max(256)
  .regex(/^[^*\s]*\*?$/, 'use the name of a tool, or the start of one and a single trailing *')

export const mcpServer = defineKind({
  kind: 'McpServer',
  plural: 'mcpservers',
  noun: 'mcp_server',
  short: ['mcp'],
  scope: 'workspace',
  doc: 'A server of tools that is called at /mcp/NAME by the Model Context Protocol (streamable HTTP).',
  spec: z
    .strictObject({
      urls: z
        .array(z.string().max(2048))
        .min(1)
        .max(16)
        .describe(
          'Where it takes messages, such as https://mcp.example.com/mcp. Of several equal ones each session stays on one.',
        ),
      credential: referenceSchema
        .optional()
        .describe(
          "Credential that is sent in place of the caller's, of the same workspace or platform/NAME; none when absent.",
        ),
      tools: z
        .array(toolPattern)
        .max(1000)
        .optional()
        .describe(
          'Tools that callers see and may call; a single trailing * stands for any rest. Every tool when absent, none when empty.',
        ),
      access: accessSchema,
      timeouts: z
        .strictObject({
          answerMs: milliseconds(86_400_000).describe('Until an answer begins, in ms; 300,000 when absent.'),
          idleMs: milliseconds(86_400_000).describe(
            'Between two bytes of an answer, in ms; 300,000 when absent.',
          ),
          totalMs: milliseconds(86_400_000).describe('For a whole call, in ms; 600,000 when absent.'),
          listenMs: milliseconds(86_400_000).describe(
            'For a stream of what the server says by itself, in ms; 3,600,000 when absent. Clients open it again.',
          ),
        })
        .prefault({})
        .describe('How long each part may take; a caller may ask for less of the whole.'),
      allowCidrs: z
        .array(cidrSchema)
        .max(64)
        .default([])
        .describe('Private ranges that it may be dialled in; needs provider:private on the platform.'),
      headers: openHeadersSchema.default({}).describe('Further headers of every request, not secret.'),
    })
    .superRefine(({ urls, allowCidrs, headers, tools = [] }, context) => {
      const problem = (path: (string | number)[], message: string) =>
        context.addIssue({ code: 'custom', path, message })
      const allowed = allowCidrs.flatMap(text => parseCidr(text) ?? [])
      for (const [place, url] of urls.entries()) {
        const wrong = urlProblem(url, allowed)
        if (wrong !== undefined) problem(['urls', place], wrong)
        if (urls.indexOf(url) !== place) problem(['urls', place], `names ${url} a second time`)
      }
      for (const [place, name] of tools.entries())
        if (tools.indexOf(name) !== place) problem(['tools', place], `names ${name} a second time`)
      for (const name of Object.keys(headers))
        if (ofTheProtocol.test(name)) problem(['headers', name], 'cannot be set: it belongs to the protocol')
    })
    .meta({ examples: [{ urls: ['https://mcp.example.com/mcp'], tools: ['search', 'read_*'] }] }),
  status: z.strictObject({ ...commonStatus }),
  phases: ['Ready', 'Deleting'],
  phase: phaseUnlessDeleting(() => 'Ready'),
  columns: [
    { title: 'URLS', path: 'spec.urls' },
    { title: 'TOOLS', path: 'spec.tools' },
    { title: 'CREDENTIAL', path: 'spec.credential' },
    { title: 'PHASE', path: 'status.phase' },
  ],
  references: [
    { path: 'spec.credential', to: 'Credential', onDelete: 'refuse' },
    { path: 'spec.access.projects[]', to: 'Project', onDelete: 'refuse' },
  ],
  fields: ['spec.credential', 'status.phase'],
})

const ofTheProtocol = /^(mcp-.*|accept|last-event-id)$/i
