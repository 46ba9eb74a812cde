// A refusal in one line, for messages that have no room for more.
import type { Fault } from '@switchyard/kinds/fault'
import { useTranslation } from 'react-i18next'
import { useSaid } from '../kinds/said.ts'

export function useRefusal(): (fault: Fault) => string {
  const { t } = useTranslation()
  const said = useSaid()
  return fault => {
    if (fault.reason === 'unreachable') return t('faults.offline')
    const refusal = said.refusal(fault)
    return refusal ? t('faults.inOne', { title: refusal.title, message: fault.message }) : fault.message
  }
}
