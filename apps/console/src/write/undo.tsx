// What is cheap to turn back is turned back from the message that tells of it.
import { Fault } from '@switchyard/kinds/fault'
import { Button } from 'antd'
import { useTranslation } from 'react-i18next'
import type { Document, KindInfo } from '../api/catalogue.ts'
import { tell } from '../parts/messages.ts'
import { useExchange } from '../session/context.tsx'
import { useRefusal } from '../shell/refusal.ts'
import { writableOf } from './draft.ts'
import { isSame, type Path } from './json.ts'
import { changed, saved } from './saving.ts'
import './words.ts'

/** For so long it is offered; who has the pointer on it has longer. */
const seconds = 10

export interface Change {
  readonly before: Document
  readonly after: Document
}

export type OfferUndo = (kind: KindInfo, changes: readonly Change[], says: string) => void

/** What somebody else has changed since is left as it is, and said to be. */
export function useUndo(): OfferUndo {
  const { t } = useTranslation('write')
  const exchange = useExchange()
  const refusal = useRefusal()
  return (kind, changes, says) => {
    const made = changes.filter(
      ({ before, after }) => !isSame(writableOf(before, kind), writableOf(after, kind)),
    )
    const [first] = made
    if (!first) {
      tell({ type: 'success', content: says })
      return
    }
    const key = `undo ${first.after.metadata.id} ${first.after.metadata.resourceVersion}`
    const undo = async () => {
      tell({ key, type: 'loading', content: t('undoing'), duration: 0 })
      const left: string[] = []
      for (const { before, after } of made) {
        const { name } = after.metadata
        try {
          const outcome = await saved(exchange, kind, writableOf(before, kind), after, false)
          if (outcome.type === 'overtaken')
            left.push(t('undoOvertaken', { name, who: outcome.theirs.metadata.updatedBy }))
        } catch (error) {
          if (!(error instanceof Fault)) throw error
          left.push(t('undoFailed', { name, says: refusal(error) }))
        }
      }
      const isDone = left.length === 0
      tell({
        key,
        type: isDone ? 'success' : 'warning',
        content: isDone ? t('undone', { count: made.length }) : left.join(' '),
        duration: isDone ? 4 : seconds,
      })
    }
    tell({
      key,
      type: 'success',
      duration: seconds,
      content: (
        <>
          {says}{' '}
          <Button size="small" aria-keyshortcuts="u" onClick={() => void undo()}>
            {t('undo')}
          </Button>
        </>
      ),
    })
  }
}

type ChangeOne = (document: Document, path: Path, value: unknown, says: string) => Promise<void>

/** Saves one field of a document as it is seen, and offers to turn it back. */
export function useChange(kind: KindInfo): ChangeOne {
  const exchange = useExchange()
  const offer = useUndo()
  return async (document, path, value, says) => {
    const after = await changed(exchange, kind, document, path, value)
    offer(kind, [{ before: document, after }], says)
  }
}
