import { describe, expect, test } from 'vitest'
import { BadFlag, parseFlags } from '../src/flags.ts'

describe('the command line', () => {
  test('takes what llama-server takes, long and short', () => {
    const long = parseFlags(
      '--model m.gguf --host 0.0.0.0 --port 9 --alias a --ctx-size 512 --parallel 4 --threads 2 --metrics --embeddings'.split(
        ' ',
      ),
    )
    expect(long).toMatchObject({
      model: 'm.gguf',
      host: '0.0.0.0',
      port: 9,
      alias: 'a',
      ctxSize: 512,
      parallel: 4,
      threads: 2,
      metrics: true,
      embeddings: true,
    })
    const short = parseFlags(
      '-m m.gguf -a a -c 512 -np 4 -t 2 --host 0.0.0.0 --port=9 --metrics --embedding'.split(' '),
    )
    expect(short).toEqual(long)
  })

  test('has defaults for everything but the model', () => {
    expect(parseFlags(['-m', 'x'])).toMatchObject({
      host: '127.0.0.1',
      port: 8080,
      ctxSize: 0,
      parallel: 1,
      threads: undefined,
      metrics: false,
      queue: 64,
    })
    expect(parseFlags(['-m', 'x', '-t', '-1']).threads).toBeUndefined()
  })

  test.each([
    [['--port', '1'], '--model FILE is required'],
    [['--model', 'x', '--gpu-layers', '9'], 'unknown argument "--gpu-layers"'],
    [['--model'], '--model needs a value'],
    [['--model', 'x', '--port', 'http'], '--port wants a whole number from 0 to 65535, and got "http"'],
    [['--model', 'x', '--parallel', '0'], '--parallel wants a whole number from 1'],
    [['--model', 'x', '--metrics=yes'], '--metrics takes no value'],
    [['x.gguf'], 'unknown argument "x.gguf"'],
  ])('%j is refused with the reason', (argv, message) => {
    expect(() => parseFlags(argv)).toThrow(BadFlag)
    expect(() => parseFlags(argv)).toThrow(message)
  })
})
