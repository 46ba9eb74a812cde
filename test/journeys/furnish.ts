// A yard as a company has it after some weeks: teams, people, keys, providers, routes, prices and budgets, and some
// requests. The walk over every screen and the pictures of them are of this.
import { apiVersion } from '@switchyard/kinds'
import type { Yard } from './yard.ts'

type Given = readonly [kind: string, place: string | null, name: string, spec: object, metadata?: object]

const month = 30 * 24 * 3600 * 1000

const limits = { requests: { perMinute: 600 }, tokens: { perMinute: 400_000 }, concurrency: 32 }

const ownerOf = (name: string) => ({ kind: 'User', name })

const rate = (model: string, unit: string, price: string) => ({ model, unit, price, per: 1_000_000 })

const documents = (model: string, now: number): readonly Given[] => [
  [
    'LegalEntity',
    null,
    'acme-cloud',
    { name: 'Acme Cloud Ltd.', taxNumber: 'GB 123 4567 89', address: ['1 Harbour Street', 'London'] },
  ],
  [
    'Workspace',
    null,
    'search',
    { currency: 'USD', timezone: 'Europe/Berlin', limits },
    { displayName: 'Search and ranking' },
  ],
  ['Workspace', null, 'support', { currency: 'USD' }, { displayName: 'Customer support' }],
  ['Workspace', null, 'research', { currency: 'USD' }],
  [
    'Project',
    'default',
    'shop',
    {},
    { displayName: 'Web shop', labels: { team: 'web', stage: 'production' } },
  ],
  ['Project', 'default', 'assistant', {}, { labels: { team: 'platform' } }],
  ['Project', 'search', 'reranking', {}],
  [
    'User',
    null,
    'grace',
    { email: 'grace@example.com', password: 'another horse battery' },
    { displayName: 'Grace Hopper' },
  ],
  [
    'User',
    null,
    'linus',
    { email: 'linus@example.com', password: 'yet another horse' },
    { displayName: 'Linus Park' },
  ],
  [
    'User',
    null,
    'mei',
    { email: 'mei@example.com', password: 'one more horse here', locale: 'zh' },
    { displayName: 'Mei Chen' },
  ],
  ['ServiceAccount', 'default', 'nightly-evaluation', {}],
  ['ServiceAccount', 'search', 'indexer', {}],
  ['Role', 'default', 'prompt-engineer', { permissions: ['endpoint:read', 'route:read', 'model:read'] }],
  ['RoleAssignment', 'default', 'grace-operates', { role: 'platform/operator', subject: ownerOf('grace') }],
  [
    'RoleAssignment',
    'search',
    'linus-views',
    { role: 'platform/viewer', subject: ownerOf('linus'), expiresAt: new Date(now + month).toISOString() },
  ],
  ['RoleAssignment', 'default', 'mei-writes-prompts', { role: 'prompt-engineer', subject: ownerOf('mei') }],
  [
    'ApiKey',
    'default',
    'shop-production',
    {
      owner: { kind: 'ServiceAccount', name: 'nightly-evaluation' },
      scopes: ['inference:call'],
      models: ['*'],
      limits,
    },
    { project: 'shop' },
  ],
  [
    'ApiKey',
    'default',
    'a-key-with-a-long-name-that-somebody-made-for-the-staging-shop',
    {
      owner: { kind: 'ServiceAccount', name: 'nightly-evaluation' },
      scopes: ['inference:call'],
      expiresAt: new Date(now + month).toISOString(),
    },
    { project: 'shop' },
  ],
  ['Credential', 'default', 'deepseek-key', { value: 'sk-of-nobody-at-all-0001' }],
  ['Credential', null, 'openai-key', { value: 'sk-of-nobody-at-all-0002', share: 'all' }],
  ['Provider', 'default', 'deepseek', { type: 'deepseek', credential: 'deepseek-key' }],
  [
    'Provider',
    null,
    'openai',
    { type: 'openai', credential: 'platform/openai-key', share: 'all', region: 'eu-west-1' },
  ],
  [
    'Guardrail',
    'default',
    'no-personal-data',
    { kind: 'pii', stage: 'both', action: 'redact', types: ['email', 'phone', 'bank_card'] },
  ],
  [
    'McpServer',
    'default',
    'tickets',
    { urls: ['https://mcp.example.com/mcp'], tools: ['search_*', 'create_ticket'] },
  ],
  [
    'Route',
    'default',
    'assistant',
    {
      names: ['assistant', 'assistant-*'],
      tiers: [
        {
          strategy: 'weighted',
          targets: [
            { endpoint: model, weight: 90 },
            { provider: 'deepseek', model: 'deepseek-chat', weight: 10 },
          ],
        },
        { targets: [{ provider: 'platform/openai', model: 'gpt-5-mini' }] },
      ],
      guardrails: ['no-personal-data'],
    },
  ],
  [
    'Route',
    'default',
    'summaries',
    {
      names: ['summaries'],
      tiers: [{ strategy: 'latency', targets: [{ endpoint: model }] }],
      cache: { mode: 'exact', ttlSeconds: 600 },
    },
  ],
  [
    'PriceBook',
    null,
    'list-prices',
    {
      side: 'sale',
      currency: 'USD',
      from: new Date(now - month).toISOString(),
      publish: 'on_write',
      rates: [
        rate('*', 'tok.in.*', '0.40'),
        rate('*', 'tok.out.*', '1.60'),
        rate('assistant*', 'tok.out.*', '2.20'),
      ],
    },
  ],
  [
    'PriceBook',
    null,
    'openai-costs',
    {
      side: 'cost',
      currency: 'USD',
      from: new Date(now - month).toISOString(),
      publish: 'on_request',
      rates: [{ ...rate('gpt-5-mini', 'tok.in.*', '0.25'), provider: 'platform/openai' }],
    },
  ],
  [
    'Budget',
    'default',
    'shop-month',
    { amount: '500', period: 'month', project: 'shop', alerts: [50, 80, 100] },
  ],
  [
    'Budget',
    'default',
    'everything-today',
    { amount: '0.0002', period: 'day', alerts: [80, 100], forecast: true },
  ],
  ['Quota', 'default', 'default', { cohort: 'lab', replicas: { nominal: 4, borrow: 2, lend: 1 } }],
  ['Quota', 'search', 'search', { cohort: 'lab', replicas: { nominal: 2 } }],
  [
    'Endpoint',
    'default',
    'night-shift',
    { cluster: 'platform/local', model: { name: model }, replicas: 1, paused: true },
    { displayName: 'Paused for the night' },
  ],
  [
    'Model',
    'default',
    'lost-model',
    { task: 'chat', source: { registry: 'platform/bundled', path: 'not-there.gguf' } },
  ],
]

const questions = [
  'Where is my parcel?',
  'Summarise the last three tickets of this customer in two sentences.',
  'Write a friendly answer to a complaint about a late delivery.',
  'Which of these products is for children under ten?',
  'Translate: the order has been sent.',
]

/** Creates the documents, and asks `requests` times through the gateway. */
export async function furnish(yard: Yard, requests = 12): Promise<void> {
  const { model } = yard.facts
  for (const [kind, workspace, name, spec, metadata] of documents(model, Date.now()))
    await yard.api.create({ apiVersion, kind, metadata: { name, workspace, ...metadata }, spec })
  const client = yard.openai()
  for (let index = 0; index < requests; index++)
    await client.chat.completions.create({
      model,
      max_tokens: 12,
      messages: [{ role: 'user', content: questions[index % questions.length] ?? '' }],
    })
}
