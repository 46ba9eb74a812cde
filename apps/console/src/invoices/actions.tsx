// What is done with an invoice: kept as a file, issued, paid, written off, given back. Whoever means it types its name.
import { Fault } from '@switchyard/kinds/fault'
import { useQueryClient } from '@tanstack/react-query'
import { Button, Dropdown, Input, Space, Tooltip } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useMay } from '../api/catalogue.ts'
import { Confirm } from '../parts/confirm.tsx'
import { useExchange } from '../session/context.tsx'
import { FaultAlert } from '../shell/fault.tsx'
import { type Form, forms, type InvoiceRow, keepInvoice, nameOf, pathOf } from './invoice.ts'
import './words.ts'

const verbs = {
  issue: { path: 'issue', told: 'issueTold', from: ['draft'] },
  pay: { path: 'pay', told: 'payTold', from: ['issued', 'overdue'] },
  writeOff: { path: 'write-off', told: 'writeOffTold', from: ['issued', 'overdue'] },
  credit: { path: 'credit', told: 'creditTold', from: ['issued', 'overdue', 'paid'] },
} as const
type Verb = keyof typeof verbs

const names = Object.keys(verbs) as readonly Verb[] // of a table whose keys are these

export function Actions({ invoice }: { readonly invoice: InvoiceRow }) {
  const { t } = useTranslation('invoices')
  const { t: say } = useTranslation()
  const exchange = useExchange()
  const queries = useQueryClient()
  const may = useMay()
  const [asked, ask] = useState<Verb>()
  const [note, setNote] = useState('')
  const [isBusy, setBusy] = useState(false)
  const [fault, setFault] = useState<Fault>()
  const { workspace, state, number, kind } = invoice
  const name = nameOf(invoice)
  const mayIssue = may('invoice:issue', workspace)

  async function attempt(work: () => Promise<unknown>): Promise<void> {
    setBusy(true)
    setFault(undefined)
    try {
      await work()
      ask(undefined)
      await queries.invalidateQueries({ queryKey: ['invoices'] })
    } catch (error) {
      if (!(error instanceof Fault)) throw error
      setFault(error)
    } finally {
      setBusy(false)
    }
  }
  const act = (verb: Verb) =>
    attempt(() =>
      exchange.send({
        method: 'POST',
        path: `${pathOf(workspace, name)}/actions/${verbs[verb].path}`,
        ...(verb === 'credit' && { body: { note } }),
      }),
    )
  const possible = names.filter(
    verb =>
      (verbs[verb].from as readonly string[]).includes(state) && (kind === 'invoice' || verb !== 'credit'),
  )
  const kept = (Object.keys(forms) as readonly Form[]).filter(
    form => form !== 'archive' || (number !== null && may('usage:read', workspace)),
  )
  return (
    <>
      <Space wrap>
        <Dropdown
          trigger={['click']}
          menu={{
            items: kept.map(form => ({ key: form, label: t(`forms.${form}`) })),
            onClick: ({ key }) => void attempt(() => keepInvoice(exchange, workspace, name, key as Form)), // of these items
          }}
        >
          <Button>{t('keep')}</Button>
        </Dropdown>
        {possible.map(verb => (
          <Tooltip key={verb} title={mayIssue ? '' : say('list.needs', { permission: 'invoice:issue' })}>
            <Button
              type={verb === 'issue' ? 'primary' : 'default'}
              disabled={!mayIssue}
              onClick={() => {
                setFault(undefined)
                ask(verb)
              }}
            >
              {t(verb)}
            </Button>
          </Tooltip>
        ))}
      </Space>
      {fault && asked === undefined && <FaultAlert fault={fault} />}
      {asked !== undefined && (
        <Confirm
          isOpen
          title={t('verb', { verb: t(asked), number: number ?? workspace })}
          name={number ?? workspace}
          verb={t(asked)}
          isBusy={isBusy}
          isReady={asked !== 'credit' || note.trim() !== ''}
          fault={fault}
          onConfirm={() => void act(asked)}
          onCancel={() => ask(undefined)}
        >
          <p>{t(verbs[asked].told)}</p>
          {asked === 'credit' && (
            <p>
              {t('why')}
              <Input
                aria-label={t('why')}
                value={note}
                maxLength={500}
                onChange={({ target: { value } }) => setNote(value)}
              />
            </p>
          )}
        </Confirm>
      )}
    </>
  )
}
