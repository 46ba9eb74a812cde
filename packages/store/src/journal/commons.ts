// What the requests of one key have in common, by its number in the segment.
import type { Common, FrameBuffer } from './frame.ts'
import { Numbers } from './numbers.ts'

export const commonsOf = (frames: FrameBuffer) =>
  new Numbers({
    keyOf: ({ key }: Common) => key,
    same,
    tell(number: number, given: Common) {
      const { workspace, project, key, keyName, model, endpoint, operation, streamed, hold } = given
      const common = { number, workspace, project, key, keyName, model, endpoint, operation, streamed, hold }
      frames.common(number, common)
      return common
    },
  })

const same = (one: Common, other: Common): boolean =>
  one.model === other.model &&
  one.operation === other.operation &&
  one.streamed === other.streamed &&
  one.endpoint === other.endpoint &&
  one.workspace === other.workspace &&
  one.project === other.project &&
  one.keyName === other.keyName &&
  one.hold === other.hold
