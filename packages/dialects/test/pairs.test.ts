// Every ordered pair of dialects, every feature, through the canonical form; the tables of docs/dialects.md are what
// this finds. `npx vitest run packages/dialects/test/pairs.test.ts -u` writes them anew.
import { anthropic, type ChatPort, gemini, ollama, openaiChat, responses } from '@switchyard/dialects'
import { describe, expect, test } from 'vitest'
import { answers, asks, judgeAnswer, judgeAsk, type Verdict } from './pairs.ts'

const ports: readonly (readonly [string, ChatPort])[] = [
  ['OpenAI chat', openaiChat],
  ['Responses', responses],
  ['Anthropic', anthropic],
  ['Gemini', gemini],
  ['Ollama', ollama],
]

/** Why a feature may change without a name in the warning header: nothing of it is lost, or it can't matter. */
const rules: Readonly<Record<string, string>> = {
  'a later system turn':
    'said as a text of the user where the dialect has system turns at the start alone; texts of one turn are one text in Ollama',
  'tools that may not be called': 'the tools are left out where the dialect has no such choice',
  'a failed result': 'the text of the result says `Error:` where the dialect has no flag for it',
  'an image as result': 'the image is sent in the turn of the user that follows',
  'JSON output': 'one forced tool whose arguments are the answer, where the dialect has no JSON mode',
  'reasoning effort': 'effort and budget are mapped by one table; Gemini and Ollama have fewer levels',
}

const answerRules: Readonly<Record<string, string>> = {
  'signed reasoning': 'Ollama has no place for a signature: the reasoning arrives without it',
  logprobs: 'Anthropic has no place for the probabilities of tokens: the text arrives without them',
  'logprobs with alternatives':
    'Anthropic has no place for the probabilities of tokens: the text arrives without them',
  citations:
    'addresses that a text cites pass between all but Ollama, which has no place for them. Anthropic cites with whole blocks: its caller gets blocks that are cut so, and in a stream, where the text has left already, the block so far; of what it cites itself, pages of a search pass, and places in documents of the request do not',
  'citations of a whole text': 'Ollama has no place for them: the text arrives without them',
  'an image that the model has made':
    'it arrives where the dialect has a form for it, in Gemini and Responses; elsewhere the answer is an error, for without the image it would be another answer; sound made by a model is an error everywhere but in Gemini',
  'ended by a stop sequence':
    'most dialects say no more than that the answer ended; the sequence is named by Anthropic alone',
  filtered: 'filtered and refused are one word in some dialects; Ollama has none and answers with an error',
  paused: 'a pause is an end where the dialect has no word for it',
  'a refusal': 'a refusal is text where the dialect has no part for it; Ollama answers with an error',
  'a call with broken arguments': 'wrapped as `{"_invalid_json":"…"}` where arguments are an object',
  'usage with cache and reasoning': 'classes that a dialect does not tell apart are added up',
}

function cell(verdict: Verdict): string {
  if (verdict.kind === 'exact') return 'exact'
  if (verdict.kind === 'unsaid') return '–'
  if (verdict.kind === 'refused') return `refused (${verdict.param})`
  return verdict.named.length > 0 ? `drops ${verdict.named.join(', ')}` : 'changed'
}

const pairs = ports.flatMap(([callerName, caller]) =>
  ports.flatMap(([upstreamName, upstream]) =>
    caller === upstream ? [] : [{ callerName, caller, upstreamName, upstream }],
  ),
)

describe.each(pairs)('a caller of $callerName and an upstream of $upstreamName', ({ caller, upstream }) => {
  test.each(asks)('ask with %s: all arrives, is named as dropped, or is refused', (name, asked) => {
    const verdict = judgeAsk(caller, upstream, asked)
    if (verdict.kind === 'lossy' && verdict.named.length === 0) expect(Object.keys(rules)).toContain(name)
    if (plainFeatures.has(name)) expect(verdict).toEqual({ kind: 'exact' })
  })

  test.each(answers)(
    'answer with %s: all arrives, plain and streamed, or changes by a rule',
    (name, deltas) => {
      const verdict = judgeAnswer(caller, upstream, deltas)
      if (verdict.kind === 'lossy' || verdict.kind === 'refused')
        expect(Object.keys(answerRules)).toContain(name)
      if (plainFeatures.has(name)) expect(verdict).toEqual({ kind: 'exact' })
    },
  )
})

/** What no pair may lose. */
const plainFeatures: ReadonlySet<string> = new Set([
  'text',
  'system prompt',
  'several turns',
  'a stream',
  'a limit of tokens',
  'temperature, top_p',
  'tools',
  'a call and its result',
  'parallel calls',
  'an image',
  'output by schema',
  'reasoning off',
  'reasoning, then text',
  'a call',
  'parallel calls, interleaved',
  'a call without arguments',
  'cut by the limit',
  'usage',
])

function table(
  features: readonly string[],
  heads: readonly string[],
  row: (feature: string) => readonly string[],
): string {
  const lines = features.map(feature => `| ${[feature, ...row(feature)].join(' | ')} |`)
  return [`| | ${heads.join(' | ')} |`, `|${'---|'.repeat(heads.length + 1)}`, ...lines].join('\n')
}

function page(): string {
  const sections = ports.map(([callerName, caller]) => {
    const others = ports.filter(([, port]) => port !== caller)
    const heads = others.map(([name]) => name)
    const asked = new Map<string, (typeof asks)[number][1]>(asks)
    const heard = new Map<string, (typeof answers)[number][1]>(answers)
    const askTable = table([...asked.keys()], heads, name =>
      others.map(([, upstream]) => cell(judgeAsk(caller, upstream, asked.get(name) ?? {}))),
    )
    const answerTable = table([...heard.keys()], heads, name =>
      others.map(([, upstream]) => cell(judgeAnswer(caller, upstream, heard.get(name) ?? []))),
    )
    return `## A caller of ${callerName}

What it asks, by the dialect of the upstream:

${askTable}

What it hears:

${answerTable}
`
  })
  const list = (found: Readonly<Record<string, string>>) =>
    Object.entries(found)
      .map(([name, rule]) => `- **${name}**: ${rule}.`)
      .join('\n')
  return `# What each dialect can say to each other

A caller and an upstream may speak different dialects: every request and every answer goes through one canonical
form. Where both speak the same dialect nothing is converted, and the bytes pass as they are. This page is made by
\`packages/dialects/test/pairs.test.ts\`, which runs every row through every pair, and fails when the page is out of date.

- **exact**: it arrives as it was meant.
- **drops** …: the upstream's dialect has no word for it; the names stand in \`x-switchyard-warning\`. A route with
  \`strict: true\` refuses instead. So it is with every member that nobody knows, wherever it stands in the body: it is
  named by its path, as \`messages.name\` or \`tools.function.later\`.
- **changed**: it arrives in another form, by the rule of that name below.
- **refused** …: without it the request would mean something else; the answer is a 400 that names the parameter. In
  what a caller hears, it is an error in the caller's dialect.
- **–**: the first of the two dialects has no way to say it.

Where a guardrail looks at the answer, probabilities of tokens and citations do not pass: they would repeat what it takes
out. Probabilities are dropped by name then, also within one dialect; those of tokens that are no text (reasoning, calls)
have no place anywhere.

Anthropic demands a limit of tokens: where the caller gave none, the model's own is sent. Where a dialect demands counts
of tokens and nobody has counted, they are 0.

${sections.join('\n')}
## Rules for what is asked

${list(rules)}

## Rules for what is answered

${list(answerRules)}

## Vectors

Requests for vectors go between OpenAI, Gemini and Ollama: order, dimensions and form (numbers or base64) are kept, and
one text is answered as one where the caller's operation has it so. Anthropic has no vectors: a model behind it alone is
refused as \`unsupported_by_model\`. Token ids as input go to upstreams of OpenAI's dialect alone. \`taskType\`, \`title\`,
\`user\`, \`truncate\`, \`options\` and \`keep_alive\` have no meaning elsewhere and are named as dropped.

## Within one dialect

| | asked at | changed in the request | changed in the answer | what ends a stream |
|---|---|---|---|---|
| OpenAI chat | /v1/chat/completions | \`model\`; \`stream_options.include_usage\` is added where the provider takes it | \`model\`; the usage chunk that was not asked for | \`[DONE]\`, or the end after every \`finish_reason\` |
| Responses | /v1/responses | \`model\` | \`model\`, \`response.model\` | \`response.completed\`, \`response.incomplete\` |
| Anthropic | /v1/messages | \`model\` | \`model\`, \`message.model\` | \`message_stop\`, or the end after \`stop_reason\` |
| Gemini | :generateContent, :streamGenerateContent?alt=sse | the path's model, and the body's where it names one | \`modelVersion\` | the end of the body after \`finishReason\` |
| Ollama | /api/chat, /api/generate | \`model\` | \`model\` | \`done: true\` |

What a model of another provider has signed, or cited, stays in its caller's history, and its own provider gets it back. An
upstream of the caller's dialect would refuse it: it is cut out of the body there. Where Anthropic then lacks the thoughts
of the turn that it is to go on with, it is asked without thinking, and the warning header names \`thinking\`.

A caller of Gemini without \`alt=sse\` gets the data of each event as an element of one array. Events that can not be read
are withheld; three in a row end the stream with an error.
`
}

test('docs/dialects.md says what the dialects do', async () => {
  await expect(page()).toMatchFileSnapshot('../../../docs/dialects.md')
})
