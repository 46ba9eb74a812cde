// Whether the server takes requests, and what is amiss though it does.
import { Fault } from '@switchyard/kinds/fault'
import { useQuery } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { useSaid } from '../kinds/said.ts'
import { useExchange } from '../session/context.tsx'
import { useRefusal } from '../shell/refusal.ts'
import { Tile } from './tile.tsx'
import '../traffic/words.ts'

interface Ready {
  readonly degraded: readonly string[]
}

export function Health() {
  const { t } = useTranslation('traffic')
  const said = useSaid()
  const refusal = useRefusal()
  const exchange = useExchange()
  const ready = useQuery({
    queryKey: ['readyz'],
    queryFn: async ({ signal }) =>
      (await exchange.send({ method: 'GET', path: '/readyz', anonymous: true, signal })).body as Ready, // its schema
    refetchInterval: 10_000,
  })
  const { data, error } = ready
  if (error && !(error instanceof Fault)) throw error
  const [wrong] = data?.degraded ?? []
  const state = error ? 'notReady' : wrong === undefined ? 'well' : 'degraded'
  return (
    <Tile
      title={t('health')}
      to={{ to: '/$plural', params: { plural: 'clusters' } }}
      note={error ? refusal(error) : wrong === undefined ? t('wellNote') : said.text(wrong)}
    >
      <span className={`health ${error ? 'bad' : wrong === undefined ? 'good' : 'busy'}`}>
        {data || error ? t(state) : '…'}
      </span>
    </Tile>
  )
}
