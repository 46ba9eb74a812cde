// Where the engine's program is, for whoever starts it: `node <enginePath> --model FILE --port N …`.
import { fileURLToPath } from 'node:url'

export const enginePath: string = fileURLToPath(new URL('./main.ts', import.meta.url))
