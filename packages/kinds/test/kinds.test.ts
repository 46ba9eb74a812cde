import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  addressesSchema,
  bytesOf,
  cluster,
  credential,
  endpoint,
  formatDecimal,
  guardrail,
  issuer,
  type Kind,
  kinds,
  limitsSchema,
  mcpServer,
  parseDecimal,
  priceBook,
  provider,
  route,
} from '../src/index.ts'

/** The problems of a spec, each as `path: message`. */
function problems({ spec }: Pick<Kind, 'spec'>, given: unknown): readonly string[] {
  const parsed = spec.safeParse(given)
  return parsed.success ? [] : parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`)
}

describe('every kind', () => {
  test.each(kinds.map(kind => [kind.kind, kind] as const))(
    '%s has a schema that can be shown',
    (_, { spec, status }) => {
      for (const schema of [spec, status])
        expect(schema.toJSONSchema({ io: 'input', unrepresentable: 'any' })).toBeTypeOf('object')
    },
  )
})

describe('the resources of an Endpoint', () => {
  const wrong = (resources: object) => {
    const parsed = endpoint.spec.safeParse({ model: { name: 'm' }, resources })
    return parsed.success ? [] : parsed.error.issues.map(({ path }) => path.join('.'))
  }
  test('SV: 18: arrive as written, and a device count of 1.5 is invalid', () => {
    const resources = { cpu: 4, memory: '48Gi', accelerator: 'nvidia', product: 'A100-SXM4-80GB', devices: 2 }
    expect(endpoint.spec.parse({ model: { name: 'm' }, resources }).resources).toEqual(resources)
    expect(wrong({ accelerator: 'nvidia', devices: 1.5 })).toEqual(['resources.devices'])
    for (const memory of ['48 Gi', '1.5Gi', '-1', '0', 'much', '9007199254740993', '99999999999999Ti'])
      expect(wrong({ memory }), memory).toEqual(['resources.memory'])
  })
  test('name whose devices, and how many', () => {
    expect(wrong({ devices: 1 })).toEqual(['resources.accelerator'])
    expect(wrong({ accelerator: 'amd' })).toEqual(['resources.devices'])
    expect(wrong({ accelerator: 'apple', devices: 1 })).toEqual(['resources.accelerator'])
    expect(wrong({ accelerator: 'nvidia', product: 'NVIDIA L4', devices: 1 })).toEqual(['resources.product'])
  })
  test('are counted in bytes exactly', () => {
    expect([bytesOf('48Gi'), bytesOf('48G'), bytesOf('7')]).toEqual([48 * 2 ** 30, 48e9, 7])
    expect(() => bytesOf('much')).toThrow(TypeError)
  })
})

describe('the devices of a Cluster', () => {
  test('are named once each', () => {
    const devices = (ids: readonly string[]) => [{ accelerator: 'nvidia', product: 'L4', ids }]
    const parse = (ids: readonly string[]) => cluster.spec.safeParse({ type: 'local', devices: devices(ids) })
    expect(parse(['0', '1']).success).toBe(true)
    for (const ids of [['0', '0'], [], ['0,1'], ['']]) expect(parse(ids).success, String(ids)).toBe(false)
  })
})

describe('a Credential', () => {
  test('has its secrets apart, so that a spec without them is whole', () => {
    expect(credential.spec.parse({})).toEqual({ type: 'bearer', share: 'none' })
    expect(credential.secrets).toEqual(['spec.value', 'spec.headers'])
  })

  test.each([
    [{ type: 'header' }, 'name: is required'],
    [{ type: 'query' }, 'name: is required'],
    [{ type: 'basic', value: 'x' }, 'username: is required'],
    [{ type: 'bearer', name: 'x' }, 'name: is for the types'],
    [{ type: 'custom', username: 'x' }, 'username: is for the type basic'],
    [{ type: 'header', name: 'Host' }, 'name: cannot be this header'],
    [{ value: 'a\r\nx: y' }, 'value: use visible'],
    [{ value: '' }, 'value: Too small'],
    [{ headers: { Cookie: 'a' } }, 'headers.Cookie'],
    [{ headers: { 'x-a': 'a\nb' } }, 'headers.x-a: use visible'],
    [{ secret: 'x' }, ': Unrecognized key'],
  ])('%j is refused: %s', (spec, problem) => {
    expect(problems(credential, spec).join('\n')).toContain(problem)
  })

  test('says nothing of a value in what it finds wrong with it', () => {
    for (const spec of [
      { value: 'can ary\n' },
      { value: ['can ary'] },
      { headers: { 'x-a': 'can ary\0' } },
      { headers: 'can ary' },
    ])
      expect(problems(credential, spec).join('\n')).toMatch(/^(?!.*can ary).+$/s)
  })
})

describe('a Provider', () => {
  test('has defaults for all but its type', () => {
    expect(provider.spec.parse({ type: 'openai' })).toEqual({
      type: 'openai',
      models: [],
      allowCidrs: [],
      headers: {},
      share: 'none',
    })
    expect(provider.spec.parse({ type: 'openai', baseUrl: 'https://a.example/v1//' }).baseUrl).toBe(
      'https://a.example/v1',
    )
  })

  test.each([
    [{ type: 'nobody' }, 'type: Invalid option'],
    [{ type: 'openai', baseUrl: 'http://10.0.0.1' }, 'baseUrl: must not point at a private address'],
    [{ type: 'openai', baseUrl: 'https://u:p@a.example' }, 'baseUrl: must hold no user'],
    [{ type: 'openai', allowCidrs: ['10.0.0.1/8'] }, 'allowCidrs.0: use a range'],
    [{ type: 'openai', models: [{ name: 'a' }, { name: 'a' }] }, 'models.1.name: names a a second time'],
    [{ type: 'openai', headers: { Authorization: 'Bearer x' } }, 'headers.Authorization: carries a secret'],
    [{ type: 'openai', headers: { Host: 'x' } }, 'headers.Host'],
    [{ type: 'openai', headers: { 'x-a': 'a\r\nb: c' } }, 'headers.x-a: use no line break'],
  ])('%j is refused: %s', (spec, problem) => {
    expect(problems(provider, spec).join('\n')).toContain(problem)
  })

  test('may be in a range that is opened', () => {
    expect(
      problems(provider, { type: 'vllm', baseUrl: 'http://10.0.0.1:8000/v1', allowCidrs: ['10.0.0.0/24'] }),
    ).toEqual([])
  })
})

describe('an McpServer', () => {
  const urls = ['https://a.example/mcp']

  test('has defaults for all but its places', () => {
    expect(mcpServer.spec.parse({ urls })).toEqual({ urls, timeouts: {}, allowCidrs: [], headers: {} })
  })

  test.each([
    [{ urls: [] }, 'urls: Too small'],
    [{ urls: ['http://127.0.0.1/mcp'] }, 'urls.0: must not point at a loopback address'],
    [{ urls: ['https://a.example/mcp?key=x'] }, 'urls.0: must have no query'],
    [{ urls: [...urls, ...urls] }, 'urls.1: names https://a.example/mcp a second time'],
    [{ urls, tools: ['a*b'] }, 'tools.0: use the name of a tool'],
    [{ urls, tools: ['a', 'a'] }, 'tools.1: names a a second time'],
    [{ urls, headers: { 'X-Api-Key': 'x' } }, 'headers.X-Api-Key: carries a secret'],
    [{ urls, headers: { 'Mcp-Session-Id': 'x' } }, 'headers.Mcp-Session-Id: cannot be set'],
  ])('%j is refused: %s', (spec, problem) => {
    expect(problems(mcpServer, spec).join('\n')).toContain(problem)
  })
})

describe('a Route', () => {
  const tiers = [{ targets: [{ endpoint: 'chat' }] }]

  test('has defaults for all but its names and tiers', () => {
    expect(route.spec.parse({ names: ['gpt-*'], tiers })).toEqual({
      names: ['gpt-*'],
      priority: 0,
      tiers: [{ strategy: 'weighted', targets: [{ endpoint: 'chat', weight: 100 }] }],
      fallback: {},
      retries: { attempts: 3 },
      timeouts: {},
      strict: false,
      exposeModel: 'public',
      storeResponses: false,
      fetchImages: false,
      guardrails: [],
    })
  })

  test.each([
    [{ names: ['a'] }, 'tiers: Invalid input'],
    [{ names: ['a', 'a'], tiers }, 'names.1: names a a second time'],
    [{ names: ['a*b'], tiers }, 'names.0: use a model name'],
    [
      { names: ['a'], tiers: [{ targets: [{}] }] },
      'tiers.0.targets.0.endpoint: name an endpoint or a provider',
    ],
    [
      { names: ['a'], tiers: [{ targets: [{ endpoint: 'a', provider: 'b' }] }] },
      'tiers.0.targets.0.endpoint: name an endpoint or a provider',
    ],
    [
      { names: ['a'], tiers: [{ targets: [{ endpoint: 'a', weight: 0 }] }] },
      'tiers.0.targets: must hold a target with a weight above 0',
    ],
    [{ names: ['a'], tiers, cache: { mode: 'semantic' } }, 'cache.embeddings: is required'],
    [
      { names: ['a'], tiers, timeouts: { firstContentMs: 500, totalMs: 100 } },
      'timeouts.firstContentMs: must not be longer',
    ],
    [{ names: ['a'], tiers, retries: { attempts: 6 } }, 'retries.attempts: Too big'],
    [{ names: ['a'], tiers, match: { headers: { 'x-a': '*b' } } }, 'match.headers.x-a: use a value'],
  ])('%j is refused: %s', (spec, problem) => {
    expect(problems(route, spec).join('\n')).toContain(problem)
  })
})

describe('a Guardrail', () => {
  test.each([
    [
      { kind: 'keyword', words: ['secret plan'] },
      { stage: 'both', action: 'block', onFailure: 'closed', share: 'all' },
    ],
    [{ kind: 'pattern', patterns: ['a+b'], onFailure: 'open' }, { onFailure: 'open' }],
    [{ kind: 'pii', types: ['email', 'bank_card'], action: 'redact' }, { action: 'redact' }],
    [{ kind: 'injection' }, { sensitivity: 'medium' }],
    [{ kind: 'schema', stage: 'response', schema: { type: 'object' } }, { stage: 'response' }],
    [{ kind: 'webhook', url: 'https://guard.example/check' }, { timeoutMs: 1000 }],
  ])('%j is complete', (spec, defaults) => {
    expect(guardrail.spec.parse(spec)).toMatchObject({ ...spec, ...defaults })
  })

  test.each([
    [{ kind: 'unknown' }, 'kind: Invalid'],
    [{ kind: 'keyword', words: ['a'], patterns: ['b'] }, 'Unrecognized key'],
    [{ kind: 'pattern', patterns: ['('] }, 'patterns.0: is no regular expression'],
    [{ kind: 'pattern', patterns: ['a*'] }, 'patterns.0: matches the empty text'],
    [{ kind: 'schema', schema: {} }, 'stage: must be response'],
    [{ kind: 'injection', action: 'redact' }, 'action: cannot be redact'],
    [{ kind: 'webhook', url: 'https://169.254.169.254/' }, 'url: must not point at a cloud metadata address'],
    [{ kind: 'webhook', url: 'http://guard.example/' }, 'url: must start with https'],
  ])('%j is refused: %s', (spec, problem) => {
    expect(problems(guardrail, spec).join('\n')).toContain(problem)
  })
})

describe('limits and addresses', () => {
  test('name a rate, and single models beside all', () => {
    const limits = {
      requests: { perMinute: 60, burst: 10 },
      inputTokens: { perMinute: 100_000 },
      outputTokens: { perMinute: 20_000 },
      tokens: { perMinute: 110_000 },
      concurrency: 8,
      money: { perHour: '0.000001', perMonth: '4503599627', currency: 'USD', timezone: 'Asia/Shanghai' },
      models: { 'gpt-*': { requests: { perSecond: 1 }, money: { perDay: '0', currency: 'CNY' } } },
    }
    expect(limitsSchema.parse(limits)).toEqual(limits)
    expect(limitsSchema.parse({})).toEqual({})
  })

  test.each([
    { requests: {} },
    { requests: { perMinute: 1, perSecond: 1 } },
    { requests: { perMinute: 0 } },
    { requests: { perMinute: 1.5 } },
    { tokens: { perSecond: 1 } },
    { models: { 'a*b': {} } },
    { models: { a: { models: {} } } },
    { concurrency: 0 },
    { money: { currency: 'USD' } },
    { money: { perDay: '5' } },
    { money: { perDay: 5, currency: 'USD' } },
    { money: { perDay: '-5', currency: 'USD' } },
    { money: { perDay: '1e3', currency: 'USD' } },
    { money: { perDay: '0.0000001', currency: 'USD' } },
    { money: { perDay: '4503599628', currency: 'USD' } },
    { money: { perYear: '5', currency: 'USD' } },
    { money: { perDay: '5', currency: 'dollars' } },
    { money: { perDay: '5', currency: 'USD', timezone: 'Mars/Phobos' } },
  ])('%j is refused', limits => {
    expect(limitsSchema.safeParse(limits).success).toBe(false)
  })

  test('addresses are ranges, with none denied unless it is said', () => {
    expect(addressesSchema.parse({ allow: ['10.0.0.0/8'] })).toEqual({ allow: ['10.0.0.0/8'], deny: [] })
    expect(addressesSchema.safeParse({ deny: ['10.0.0.1/8'] }).success).toBe(false)
  })
})

describe('a PriceBook', () => {
  const rate = { model: 'gpt-*', unit: 'tok.in.*', price: '2.50' }
  const given = { side: 'sale', currency: 'USD', from: '2026-01-01T00:00:00Z', rates: [rate] }

  const stepped = (steps: readonly object[]) => ({ ...rate, price: undefined, charge: 'graduated', steps })

  test('may price one thing twice where no request fits both, or one is more exact', () => {
    const rates = [
      rate,
      { ...rate, tier: 'batch' },
      { ...rate, tier: 'priority' },
      { ...rate, tier: 'batch', region: 'eu' },
      { ...rate, context: { to: 200_000 } },
      { ...rate, context: { from: 200_000 } },
      { ...rate, model: 'gpt-5', workspace: 'acme' },
    ]
    const clashing = problems(priceBook, { ...given, rates })
    // A batch of so many tokens in fits two that are as exact.
    expect(clashing.join('\n')).toMatch(/^rates.4: is as exact as rates\[1\]/)
    const apart = rates.filter((_, place) => place !== 4 && place !== 5)
    expect(problems(priceBook, { ...given, rates: apart })).toEqual([])
  })

  test('prices a million where it does not say otherwise', () => {
    expect(priceBook.spec.parse(given)).toEqual({
      ...given,
      publish: 'on_write',
      rounding: 'half_even',
      rates: [{ ...rate, per: 1_000_000 }],
    })
  })

  test.each([
    [{ currency: 'usd' }, 'currency: use an ISO 4217 code'],
    [{ currency: 'ZZZ' }, 'currency: is no code of ISO 4217'],
    [{ to: '2026-01-01T08:00:00+08:00' }, 'to: must be after from'],
    [{ rates: [] }, 'rates: Too small'],
    [{ rates: [{ ...rate, price: 2.5 }] }, 'rates.0.price: write it as text in quotes'],
    [{ rates: [{ ...rate, price: '2.5e3' }] }, 'rates.0.price: write a decimal such as 2.50'],
    [{ rates: [{ ...rate, price: '-1' }] }, 'rates.0.price: write a decimal'],
    [{ rates: [{ ...rate, price: '0.0000000000001' }] }, 'rates.0.price: write a decimal'],
    [{ rates: [{ ...rate, unit: 'tok.in.text' }] }, 'rates.0.unit: Invalid option'],
    [{ rates: [{ ...rate, per: 0 }] }, 'rates.0.per: Too small'],
    [
      {
        rates: [
          { ...rate, unit: 'img.out.px' },
          { ...rate, unit: 'img.out.count' },
        ],
      },
      'rates.1: measures the same as img.out.px of rates[0]: keep one',
    ],
    [{ rates: [rate, { ...rate, price: '3' }] }, 'rates.1: has the model and unit of rates[0]: keep one'],
    [{ rates: [{ ...rate, provider: 'platform/a' }] }, 'rates.0.provider: has no place in a sale'],
    [
      { side: 'cost', rates: [{ ...rate, provider: 'platform/a', endpoint: 'default/b' }] },
      'rates.0.endpoint: cannot stand beside provider',
    ],
    [{ side: 'cost', rates: [{ ...rate, provider: 'openai' }] }, 'rates.0.provider: use WORKSPACE/NAME'],
    [{ rates: [{ ...rate, price: undefined }] }, 'rates.0.price: is needed: write "0" for what is free'],
    [{ rates: [{ ...rate, charge: 'graduated' }] }, 'rates.0.steps: is needed by graduated'],
    [{ rates: [{ ...rate, steps: [{ price: '1' }] }] }, 'rates.0.steps: has no place in per_unit'],
    [
      { rates: [{ ...rate, charge: 'volume', steps: [{ price: '1' }] }] },
      'rates.0.price: has no place in volume: each of its steps has one',
    ],
    [
      { rates: [stepped([{ upTo: '9', price: '1' }, { upTo: '9', price: '1' }, { price: '1' }])] },
      'rates.0.steps.1.upTo: must be above that of the step before',
    ],
    [
      { rates: [stepped([{ upTo: '9', price: '1' }])] },
      'rates.0.steps.0.upTo: has no place in the last step',
    ],
    [{ rates: [stepped([{ price: '1' }, { price: '2' }])] }, 'rates.0.steps.0.upTo: is needed by all steps'],
    [{ rates: [{ ...rate, context: { from: 9, to: 9 } }] }, 'rates.0.context.to: must be above from'],
    [
      {
        rates: [
          { ...rate, context: { to: 9 } },
          { ...rate, context: { from: 8 } },
        ],
      },
      'rates.1: has the model and unit of rates[0]: keep one',
    ],
    [
      {
        rates: [
          { ...rate, tier: 'batch' },
          { ...rate, region: 'eu' },
        ],
      },
      'rates.1: is as exact as rates[0], and some requests fit both: let one of them say more',
    ],
    [{ minimum: '5', cap: '4.99' }, 'cap: must not be below minimum'],
    [{ side: 'cost', fees: [{ name: 'seat', price: '5' }] }, 'fees: has no place in a cost'],
  ])('%j is refused: %s', (change, problem) => {
    expect(problems(priceBook, { ...given, ...change }).join('\n')).toContain(problem)
  })

  test('reads and writes decimals without losing a digit', () => {
    expect(['2.50', '0.0375', '0', '12.000000000001', '007'].map(parseDecimal)).toEqual([
      2_500_000_000_000n,
      37_500_000_000n,
      0n,
      12_000_000_000_001n,
      7_000_000_000_000n,
    ])
    expect(['', '.5', '1.', '1e3', '+1', '-1', ' 1', '1'.repeat(21), '٣'].map(parseDecimal)).toEqual(
      Array.from({ length: 9 }),
    )
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 10n ** 32n - 1n }), amount => {
        expect(parseDecimal(formatDecimal(amount))).toBe(amount)
      }),
    )
    expect([0n, 1n, -500_000_000_000n, 12n * 10n ** 12n].map(formatDecimal)).toEqual([
      '0',
      '0.000000000001',
      '-0.5',
      '12',
    ])
  })
})

describe('an Issuer', () => {
  const given = {
    issuer: 'https://id.example.com',
    audiences: ['switchyard'],
    jwksUri: 'https://id.example.com/jwks',
    claims: { workspace: { claim: ['org', 'name'], values: { acme: 'default' } } },
  }

  test('of a sign-in needs its keys, its audience and the claim of the workspace', () => {
    expect(problems(issuer, given)).toEqual([])
    expect(issuer.spec.parse(given)).toMatchObject({ algorithms: ['RS256'], allowCidrs: [] })
  })

  test.each([
    [{ jwksUri: undefined }, 'needs exactly one of'],
    [{ credential: 'shared' }, 'needs exactly one of'],
    [{ audiences: [] }, 'audiences: Too small'],
    [{ algorithms: ['none'] }, 'algorithms.0: '],
    [{ algorithms: ['RS256', 'HS256'] }, 'algorithms.1: needs a credential, not public keys'],
    [{ jwksUri: undefined, credential: 'a' }, 'algorithms.0: needs jwksUri or jwks, not a credential'],
    [{ jwksUri: 'http://id.example.com/jwks' }, 'jwksUri: must start with https://'],
    [{ jwksUri: 'https://10.0.0.1/jwks' }, 'jwksUri: must not point at a private address'],
    [{ claims: {} }, 'claims.workspace'],
    [{ roles: { dev: {} } }, 'claims.role: is required where roles are given'],
    [{ ca: 'here' }, 'ca: use certificates in PEM'],
  ])('with %j is refused: %s', (change, problem) => {
    expect(problems(issuer, { ...given, ...change }).join('\n')).toContain(problem)
  })

  test('in a private network is reached where an administrator has opened it', () => {
    const opened = { ...given, jwksUri: 'https://10.0.0.1/jwks', allowCidrs: ['10.0.0.0/8'] }
    expect(problems(issuer, opened)).toEqual([])
  })
})
