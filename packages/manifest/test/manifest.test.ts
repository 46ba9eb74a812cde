import { apiVersion, Fault, kinds } from '@switchyard/kinds'
import { order, readManifests } from '@switchyard/manifest'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

const read = (text: string, file = 'stack.yaml') => readManifests([{ file, text }], 'default')
const problems = (text: string): string[] => {
  try {
    order(read(text))
  } catch (error) {
    if (error instanceof Fault)
      return error.message
        .split('\n')
        .slice(1)
        .map(line => line.trim())
    throw error
  }
  return []
}
const names = (text: string) => order(read(text)).map(({ kind, name }) => `${kind.kind}/${name}`)

const endpoint = (name: string, spec = '{ model: { name: tiny } }') =>
  `apiVersion: ${apiVersion}\nkind: Endpoint\nmetadata: { name: ${name} }\nspec: ${spec}\n`

describe('reading documents', () => {
  test('tells file, line, document and path of each thing that is wrong, all at once', () => {
    const text = `${endpoint('one')}---
${endpoint('two')}---
apiVersion: ${apiVersion}
kind: Endpoint
metadata:
  name: Three
  labels:
    "bad key!": x
spec:
  model:
    name: tiny
  replicas: 5000
  route: sometimes
  rolout: {}
  env:
    GOOD: yes
`
    expect(problems(text)).toEqual([
      'stack.yaml:14 (document 3) metadata.name: use 1 to 63 lower-case letters, digits and dashes, starting and ending with a letter or digit',
      'stack.yaml:16 (document 3) metadata.labels.bad key!: not a label key',
      'stack.yaml:20 (document 3) spec.replicas: must be at most 1000',
      'stack.yaml:21 (document 3) spec.route: must be one of auto, none',
      'stack.yaml:22 (document 3) spec.rolout: there is no such field; did you mean rollout?',
    ])
  })

  test.each([
    [
      'an unknown kind',
      'kind: Endpont\n',
      'stack.yaml:1 kind: there is no kind Endpont; did you mean Endpoint?',
    ],
    ['no kind', 'metadata: { name: a }\n', 'stack.yaml:1 kind: is required, such as Endpoint'],
    ['a bare list', '- 1\n', 'stack.yaml:1: a document is a map with apiVersion, kind, metadata and spec'],
    [
      'an old version',
      'apiVersion: v0\nkind: Project\nmetadata: { name: a }\n',
      `stack.yaml:1 apiVersion: must be ${apiVersion}`,
    ],
    [
      'a document of control',
      `apiVersion: ${apiVersion}\nkind: Replica\nmetadata: { name: a }\n`,
      'stack.yaml:2 kind: a Replica is written by Switchyard itself, never by a file',
    ],
    [
      'a missing field',
      `apiVersion: ${apiVersion}\nkind: Endpoint\nmetadata: { name: a }\nspec:\n  model: {}\n`,
      'stack.yaml:5 spec.model.name: is required',
    ],
    [
      'a platform document with a workspace',
      `apiVersion: ${apiVersion}\nkind: User\nmetadata:\n  name: ada\n  workspace: w\nspec: { email: a@b.co }\n`,
      'stack.yaml:5 metadata.workspace: a User belongs to the platform: leave the workspace out',
    ],
    [
      'an unknown field of the envelope',
      `apiVersion: ${apiVersion}\nkind: Project\nmetadata: { name: a }\ndata: {}\n`,
      'stack.yaml:4 data: there is no such field',
    ],
  ])('refuses %s', (_, text, problem) => {
    expect(problems(text)).toEqual([problem])
  })

  test('takes a document that does not say its version for one of the only version that there is', () => {
    expect(names('kind: Project\nmetadata: { name: a }\nspec: {}\n')).toEqual(['Project/a'])
  })

  test('tells the line of broken YAML, of a doubled key, and of a tab', () => {
    expect(problems(`${endpoint('one')}---\nkind: [1, 2\n`)[0]).toMatch(/^stack\.yaml:\d+ \(document 2\): /)
    expect(problems('kind: Endpoint\nkind: Model\n')[0]).toMatch(/^stack\.yaml:2: .*unique/)
    expect(problems('kind: Endpoint\nspec:\n\tmodel: 1\n')[0]).toMatch(/^stack\.yaml:3: /)
  })

  test('refuses a bomb of aliases', () => {
    const bomb = ['a: &a [x, x, x, x, x, x, x, x, x, x]']
    for (const [next, last] of ['ba', 'cb', 'dc', 'ed', 'fe'])
      bomb.push(`${next}: &${next} [${Array.from({ length: 10 }, () => `*${last}`).join(', ')}]`)
    expect(problems(bomb.join('\n'))[0]).toMatch(/alias/i)
  })

  test('refuses the same document twice and names the first place', () => {
    expect(problems(`${endpoint('one')}---\n${endpoint('one')}`)).toEqual([
      'stack.yaml:8 (document 2) metadata.name: one stands at stack.yaml:3 already',
    ])
  })

  test('names the line behind an anchor and inside JSON', () => {
    const json = `{\n "apiVersion": "${apiVersion}",\n "kind": "Endpoint",\n "metadata": {"name": "a"},\n "spec": {"model": {"name": "x"},\n  "replicas": -1}\n}`
    expect(problems(json)).toEqual(['stack.yaml:6 spec.replicas: must be at least 0'])
  })

  test('takes the items of a list, comments, empty documents and what the server owns', () => {
    const text = `# nothing\n---\n---\nkind: EndpointList\nitems:\n- apiVersion: ${apiVersion}
  kind: Endpoint
  metadata: { name: a, id: 019a, generation: 3, resourceVersion: "7", createdBy: "user:ada", finalizers: [] }
  spec: { model: { name: tiny } }
  status: { phase: Ready }
- apiVersion: ${apiVersion}
  kind: Endpoint
  metadata: { name: b }
  spec: { model: { name: tiny }, replicas: many }
`
    expect(problems(text)).toEqual(['stack.yaml:14 (document 2) spec.replicas: must be a number'])
    expect(names(text.replace('many', '2'))).toEqual(['Endpoint/a', 'Endpoint/b'])
  })

  test('puts a document without a workspace into the one of the context, and leaves null on the platform', () => {
    const text = `apiVersion: ${apiVersion}\nkind: Model\nmetadata: { name: a }\nspec: &s { source: { registry: r, path: p } }
---\napiVersion: ${apiVersion}\nkind: Model\nmetadata: { name: b, workspace: null }\nspec: { source: { registry: r, path: p } }
---\napiVersion: ${apiVersion}\nkind: Workspace\nmetadata: { name: w }\n`
    expect(read(text).map(({ workspace }) => workspace)).toEqual(['default', null, null])
  })

  test('lets a secret that was read stand for itself', () => {
    const text = `apiVersion: ${apiVersion}\nkind: User\nmetadata: { name: ada }\nspec: { email: a@b.co, password: { set: true, fingerprint: ab } }\n`
    expect(problems(text)).toEqual([])
    expect(problems(text.replace('{ set: true, fingerprint: ab }', 'short'))).toEqual([
      'stack.yaml:4 spec.password: must be at least 12 characters',
    ])
  })

  test('refuses a file without documents', () => {
    expect(() => read('# nothing\n')).toThrow('no document')
  })
})

describe('the order of writing', () => {
  /** Thirty documents, each of which refers only to earlier ones. */
  const stack = [
    'kind: Workspace\nmetadata: { name: team }\nspec: {}',
    'kind: User\nmetadata: { name: ada }\nspec: { email: ada@example.com }',
    'kind: Cluster\nmetadata: { name: here, workspace: null }\nspec: { type: local }',
    'kind: ModelRegistry\nmetadata: { name: disk, workspace: null }\nspec: { type: files, url: "file:///models" }',
    'kind: Project\nmetadata: { name: web, workspace: team }\nspec: {}',
    'kind: ServiceAccount\nmetadata: { name: ci, workspace: team, project: web }\nspec: {}',
    'kind: Role\nmetadata: { name: caller, workspace: team }\nspec: { permissions: ["inference:call"] }',
    'kind: RoleAssignment\nmetadata: { name: ci, workspace: team }\nspec: { subject: { kind: ServiceAccount, name: ci }, role: caller }',
    'kind: RoleAssignment\nmetadata: { name: ada, workspace: team }\nspec: { subject: { kind: User, name: ada }, role: caller }',
    'kind: ApiKey\nmetadata: { name: ci, workspace: team, project: web }\nspec: { owner: { kind: ServiceAccount, name: ci } }',
    ...Array.from({ length: 10 }, (_, n) => [
      `kind: Model\nmetadata: { name: m${n}, workspace: team }\nspec: { source: { registry: platform/disk, path: "m${n}.gguf" } }`,
      `kind: Endpoint\nmetadata: { name: e${n}, workspace: team }\nspec: { model: { name: m${n} }, cluster: platform/here }`,
    ]).flat(),
  ].map(text => `apiVersion: ${apiVersion}\n${text}\n`)

  const needs: readonly (readonly [string, string])[] = [
    ['Workspace/team', 'Project/web'],
    ['Project/web', 'ServiceAccount/ci'],
    ['ServiceAccount/ci', 'RoleAssignment/ci'],
    ['User/ada', 'RoleAssignment/ada'],
    ['Role/caller', 'RoleAssignment/ada'],
    ['ServiceAccount/ci', 'ApiKey/ci'],
    ['Workspace/team', 'Endpoint/e3'],
    ...Array.from({ length: 10 }, (_, n) => [`Model/m${n}`, `Endpoint/e${n}`] as const),
    ['ModelRegistry/disk', 'Model/m0'],
    ['Cluster/here', 'Endpoint/e9'],
  ]

  test('a shuffled file of thirty documents goes in an order in which each finds what it refers to', () => {
    expect(stack).toHaveLength(30)
    fc.assert(
      fc.property(fc.shuffledSubarray(stack, { minLength: 30, maxLength: 30 }), shuffled => {
        const place = new Map(names(shuffled.join('---\n')).map((name, at) => [name, at]))
        expect(place.size).toBe(30)
        for (const [before, after] of needs) expect(place.get(before)).toBeLessThan(place.get(after) ?? -1)
      }),
      { numRuns: 20 },
    )
  })

  test('documents that do not refer to each other keep the order of kinds, then of the file', () => {
    const text = [
      endpoint('z'),
      endpoint('a'),
      `apiVersion: ${apiVersion}\nkind: Workspace\nmetadata: { name: w }\n`,
    ]
    expect(names(text.join('---\n'))).toEqual(['Workspace/w', 'Endpoint/z', 'Endpoint/a'])
  })

  test('a circle is refused, and told whole', () => {
    const project = `apiVersion: ${apiVersion}\nkind: Project\nmetadata: { name: a, project: b }\nspec: {}\n`
    const other = `apiVersion: ${apiVersion}\nkind: Project\nmetadata: { name: b, project: a }\nspec: {}\n`
    expect(problems(`${project}---\n${other}`)).toEqual([
      'stack.yaml:1 (document 1): these refer to each other in a circle: project/a -> project/b -> project/a',
    ])
  })

  test('every kind that a reference names exists', () => {
    const known = new Set([...kinds.map(({ kind }) => kind), 'owner'])
    const targets = kinds.flatMap(({ references }) => references.map(({ to }) => to))
    expect(targets.filter(to => !known.has(to))).toEqual([])
  })
})
