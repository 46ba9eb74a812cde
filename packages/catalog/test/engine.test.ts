// What an Endpoint's arguments become on the command line of an engine.
import {
  argumentsSchema,
  checkArguments,
  type EngineSpec,
  engines,
  enginesWith,
  findVersion,
  isDeniedEnvironment,
  renderArgs,
  renderArgument,
  renderCommand,
} from '@switchyard/catalog'
import { engine } from '@switchyard/kinds'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

const spec: EngineSpec = engine.spec.parse(engines[0]?.spec)
const placeholders = {
  binary: 'builtin',
  model: '/m/a b.gguf',
  name: 'chat',
  context: '8192',
  sequences: '4',
}

describe('the llama.cpp record', () => {
  test('every shipped row is an Engine that the kind accepts', () => {
    for (const row of engines) expect(() => engine.spec.parse(row.spec)).not.toThrow()
  })
  test('every failure pattern is a regular expression and its reason is known', async () => {
    const { failureReasons } = await import('@switchyard/kinds')
    for (const { pattern, reason } of spec.failures) {
      expect(() => new RegExp(pattern, 'i')).not.toThrow()
      expect(failureReasons).toContain(reason)
    }
  })
  test('the built-in engine is used when no version is named', () => {
    expect(findVersion(spec)?.binary).toBe('builtin')
    expect(findVersion(spec, 'b1')).toBeUndefined()
  })
  test('a found llama-server is used when no version is named, and the built-in one stays', () => {
    const found = engine.spec.parse(enginesWith({ llamaServer: '/opt/llama-server' })[0]?.spec)
    expect(findVersion(found)?.binary).toBe('/opt/llama-server')
    expect(findVersion(found, 'builtin')?.binary).toBe('builtin')
  })
})

describe('arguments', () => {
  const wrong = (values: Record<string, unknown>, version = 'llama-server') =>
    checkArguments(spec, version, values).map(({ path, rule }) => `${path} ${rule}`)
  test.each([
    ['a value in range is accepted', { 'batch-size': 512 }, []],
    ['an unknown argument is refused by its path', { gpu: 1 }, ['spec.arguments.gpu unknown_argument']],
    ['a name of every object is unknown too', { toString: 1 }, ['spec.arguments.toString unknown_argument']],
    ['a managed argument is refused', { port: 1 }, ['spec.arguments.port managed_argument']],
    ['too small a number is refused', { 'batch-size': 1 }, ['spec.arguments.batch-size too_small']],
    ['another type is refused', { 'batch-size': '512' }, ['spec.arguments.batch-size invalid_type']],
    [
      'a word outside the list is refused',
      { 'flash-attn': 'maybe' },
      ['spec.arguments.flash-attn invalid_value'],
    ],
    ['an argument of the other version is refused', { queue: 1 }, ['spec.arguments.queue not_in_version']],
  ])('%s', (_, values, expected) => expect(wrong(values)).toEqual(expected))
  test('an argument that only llama-server knows is refused for the built-in engine', () => {
    expect(wrong({ mlock: true }, 'builtin')).toEqual(['spec.arguments.mlock not_in_version'])
  })
  test('the schema of a version holds what may be set and nothing else', () => {
    expect(argumentsSchema(spec, 'builtin')).toMatchObject({
      additionalProperties: false,
      properties: { 'batch-size': { type: 'integer' }, queue: {} },
    })
    expect(argumentsSchema(spec, 'builtin').properties).not.toHaveProperty('mlock')
  })
  test('every text is exactly one argv element, whatever characters it has', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1 }), value => {
        expect(renderArgument({ flag: '--x', style: 'flag' }, value)).toEqual(['--x', value])
        expect(renderArgument({ flag: '--x', style: 'equals' }, value)).toEqual([`--x=${value}`])
        expect(renderArgument({ flag: '--x', style: 'repeat' }, [value, value])).toEqual([
          '--x',
          value,
          '--x',
          value,
        ])
        expect(renderArgs(spec, 'llama-server', { 'chat-template': value })).toEqual([
          '--chat-template',
          value,
        ])
      }),
    )
  })
  test('every JSON value comes back from the json style', () => {
    fc.assert(
      fc.property(fc.jsonValue(), value => {
        const [, text] = renderArgument({ flag: '--x', style: 'json' }, [value])
        expect(JSON.parse(text ?? '')).toEqual(JSON.parse(JSON.stringify([value])))
      }),
    )
  })
  test('true is the bare flag and false is nothing', () => {
    expect(renderArgs(spec, 'llama-server', { mlock: true, 'no-mmap': false })).toEqual(['--mlock'])
  })
})

describe('the command', () => {
  test('host and port stay for the replica, threads go when nobody chose them', () => {
    const argv = renderCommand(spec, 'builtin', { 'batch-size': 64 }, placeholders, ['--raw'])
    expect(argv).toEqual([
      'builtin',
      '--model',
      '/m/a b.gguf',
      '--alias',
      'chat',
      '--host',
      '{host}',
      '--port',
      '{port}',
      '--ctx-size',
      '8192',
      '--parallel',
      '4',
      '--metrics',
      '--batch-size',
      '64',
      '--raw',
    ])
  })
  test('chosen threads are named', () => {
    expect(renderCommand(spec, 'builtin', {}, { ...placeholders, threads: '3' })).toContain('--threads')
  })
  test('a name of shell characters stays one element', () => {
    expect(renderCommand(spec, 'builtin', {}, { ...placeholders, name: '$(reboot)\n"' })).toContain(
      '$(reboot)\n"',
    )
  })
})

test.each([
  'LD_PRELOAD',
  'PATH',
  'Path',
  'SWITCHYARD_TOKEN',
  'CUDA_VISIBLE_DEVICES',
  'MTHREADS_VISIBLE_DEVICES',
  'NODE_OPTIONS',
])('an endpoint may not set %s', name => expect(isDeniedEnvironment(name)).toBe(true))
test('an ordinary variable may be set', () => expect(isDeniedEnvironment('HF_TOKEN')).toBe(false))
