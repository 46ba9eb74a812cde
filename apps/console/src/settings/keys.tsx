// Versions of the master key: which seals, how far the others are left, adding one.
import { Fault } from '@switchyard/kinds/fault'
import type { MasterKeyVersion } from '@switchyard/runtime'
import { Alert } from 'antd'
import { useTranslation } from 'react-i18next'
import { Moment } from '../kinds/cells.tsx'
import { type FactColumn, FactTable } from '../parts/facts.tsx'
import { Act } from '../people/act.tsx'
import { useAsked } from '../people/asked.ts'
import { useExchange } from '../session/context.tsx'
import { Failed } from '../shell/states.tsx'
import './words.ts'

interface MasterKeys {
  readonly items: readonly MasterKeyVersion[]
  readonly rewrap: { readonly done: number; readonly total: number }
}

const path = '/api/v1/masterkeys'
const usesOf = ({ uses }: MasterKeyVersion) => Object.values(uses).reduce((total, count) => total + count, 0)

export function Keys() {
  const { t } = useTranslation('settings')
  const exchange = useExchange()
  const { data, error, isPending, refetch } = useAsked<MasterKeys>(path, 5000)
  if (error) {
    if (!(error instanceof Fault)) throw error
    return error.code === 'unsupported' ? (
      <Alert type="info" showIcon title={t('noVault')} />
    ) : (
      <Failed fault={error} again={() => void refetch()} />
    )
  }
  const newest = data?.items[0]?.version
  const columns: readonly FactColumn<MasterKeyVersion>[] = [
    { key: 'version', title: t('keyVersion'), text: ({ version }) => String(version) },
    { key: 'id', title: t('keyId'), text: ({ id }) => id, render: ({ id }) => <code>{id}</code> },
    { key: 'root', title: t('keyRoot'), text: ({ root }) => root, render: ({ root }) => <code>{root}</code> },
    {
      key: 'made',
      title: t('madeAt'),
      text: ({ madeAt }) => madeAt,
      render: ({ madeAt }) => <Moment at={madeAt} />,
    },
    { key: 'opens', title: t('opens'), text: ({ opens }) => t(opens ? 'yes' : 'no') },
    { key: 'uses', title: t('uses'), align: 'end', text: version => String(usesOf(version)) },
    {
      key: 'drop',
      title: '',
      text: () => '',
      render: version =>
        version.version !== newest &&
        usesOf(version) === 0 && (
          <Act
            size="small"
            label={t('drop')}
            of={String(version.version)}
            question={t('dropAsk', { version: version.version })}
            typed={String(version.version)}
            act={async () => {
              await exchange.send({ method: 'DELETE', path: `${path}/${version.version}` })
              await refetch()
            }}
          />
        ),
    },
  ]
  return (
    <>
      <p className="quiet">
        {t('keysAbout')} {data && t('rewrapped', data.rewrap)}
      </p>
      <FactTable
        name="master-keys"
        label={t('keys')}
        columns={columns}
        rowKey={({ id }) => id}
        facts={data?.items ?? []}
        isPending={isPending}
        empty={t('noKeys')}
        tools={
          <Act
            label={t('rotate')}
            question={t('rotateAsk')}
            typed="rotate"
            act={async () => {
              await exchange.send({ method: 'POST', path: `${path}/actions/rotate` })
              await refetch()
            }}
          />
        }
      />
    </>
  )
}
