// Why a model cannot be served, in one sentence that names the file and the cause.
import { open } from 'node:fs/promises'
import { InsufficientMemoryError } from 'node-llama-cpp'
import { BadFlag } from './flags.ts'

/** Why a model cannot be served; each is one exit code and one failure reason. */
export class ModelFault extends Error {
  readonly reason: 'absent' | 'corrupt' | 'memory' | 'runtime'
  constructor(reason: ModelFault['reason'], message: string) {
    super(message)
    this.reason = reason
  }
}

/** llama.cpp's own words for a missing or broken file come from several layers; these are ours, and first. */
export async function checkFile(path: string): Promise<void> {
  const failed = (why: string, reason: ModelFault['reason'] = 'absent') =>
    new ModelFault(reason, `failed to load model ${JSON.stringify(path)}: ${why}`)
  try {
    await using file = await open(path)
    const head = Buffer.alloc(24) // magic, version, number of tensors, number of keys
    const { bytesRead } = await file.read(head, 0, head.length, 0)
    if (head.toString('latin1', 0, 4) !== 'GGUF')
      throw failed('it is not a GGUF file (the first four bytes are not "GGUF")', 'corrupt')
    const version = head.readUInt32LE(4)
    if (bytesRead < head.length || version < 2 || version > 3)
      throw failed(
        `the file is damaged: GGUF versions 2 and 3 are known, and this says ${version}`,
        'corrupt',
      )
  } catch (fault) {
    if (fault instanceof ModelFault) throw fault
    const code = fault instanceof Error && 'code' in fault ? fault.code : undefined
    if (code === 'ENOENT') throw failed('no such file')
    if (code === 'EISDIR') throw failed('it is a folder; give the .gguf file itself')
    if (code === 'EACCES')
      throw failed('permission denied; make it readable for the user that runs the engine')
    throw failed(String(fault))
  }
}

/** What went wrong while llama.cpp loaded, from what it `said` on the way. */
export function explain(path: string, fault: unknown, said: readonly string[]): Error {
  if (fault instanceof ModelFault || fault instanceof BadFlag) return fault
  const message = fault instanceof Error ? fault.message : String(fault)
  if (fault instanceof InsufficientMemoryError)
    return new ModelFault(
      'memory',
      `failed to load model ${JSON.stringify(path)}: not enough memory: ${message}; lower --ctx-size or --parallel`,
    )
  // The first complaint is the cause; what follows only says that therefore nothing was loaded.
  const cause = said.find(line => /error|fail|invalid|missing|not within|corrupt/i.test(line))
  const why = (cause ?? message).replaceAll(/\s+/g, ' ')
  return new ModelFault(
    'corrupt',
    `failed to load model ${JSON.stringify(path)}: the file is damaged or of an unknown kind: ${why}`,
  )
}
