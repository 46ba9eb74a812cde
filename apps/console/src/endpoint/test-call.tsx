// Asks an endpoint something through the gateway, as its callers do.
import { Fault } from '@switchyard/kinds/fault'
import { Button, Descriptions, Form, Input, InputNumber, Typography } from 'antd'
import { useEffect, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useMay } from '../api/catalogue.ts'
import type { ModelDocument } from '../deploy/draft.ts'
import type { Shown } from '../kinds/own.ts'
import { isMeant, useSeen } from '../kinds/seen.ts'
import { useMeasures } from '../parts/measures.ts'
import { useExchange, useStanding } from '../session/context.tsx'
import { FaultAlert } from '../shell/fault.tsx'
import { Forbidden, Nothing } from '../shell/states.tsx'
import { type Answered, chat, embed } from './ask.ts'
import type { EndpointDocument } from './documents.ts'
import './endpoint.css'
import './words.ts'

/** How models of a task are called here. */
const ways: Readonly<Record<string, typeof chat>> = { chat, embedding: embed }

function Told({ answered }: { readonly answered: Answered }) {
  const { t } = useTranslation('endpoint')
  const { duration, count } = useMeasures()
  const { text, vector, firstMilliseconds, milliseconds, input, output } = answered
  const writing =
    milliseconds !== undefined && firstMilliseconds !== undefined ? milliseconds - firstMilliseconds : 0
  const facts = [
    firstMilliseconds !== undefined && {
      label: t('firstToken'),
      children: duration(firstMilliseconds / 1000),
    },
    milliseconds !== undefined && { label: t('whole'), children: duration(milliseconds / 1000) },
    input !== undefined && { label: t('input'), children: t('tokens', { count: input }) },
    output !== undefined && { label: t('output'), children: t('tokens', { count: output }) },
    output !== undefined &&
      output > 1 &&
      writing > 0 && {
        label: t('speed'),
        children: t('perSecond', { value: count(((output - 1) * 1000) / writing) }),
      },
  ].filter(fact => fact !== false)
  return (
    <>
      <section
        className="answer"
        aria-label={t('answer')}
        aria-live="polite"
        aria-busy={milliseconds === undefined}
      >
        {vector
          ? t('dimensions', {
              count: vector.length,
              first: vector
                .slice(0, 4)
                .map(number => number.toPrecision(3))
                .join(', '),
            })
          : text}
      </section>
      <Descriptions
        size="small"
        column={{ xs: 1, md: 3 }}
        items={facts.map(fact => ({ ...fact, key: fact.label }))}
      />
    </>
  )
}

interface CallProps {
  readonly workspace: string
  readonly model: string
  readonly way: typeof chat
}

function Call({ workspace, model, way }: CallProps) {
  const { t } = useTranslation('endpoint')
  const exchange = useExchange()
  const standing = useStanding()
  const [text, setText] = useState<string>(t('hello'))
  const [tokens, setTokens] = useState(128)
  const [answered, setAnswered] = useState<Answered>()
  const [fault, setFault] = useState<Fault>()
  const [isAsking, setAsking] = useState(false)
  const running = useRef<AbortController>(undefined)
  useEffect(() => () => running.current?.abort(), [])
  const name = 'person' in standing ? standing.person.name : ''
  const send = async () => {
    const own = new AbortController()
    running.current = own
    setAnswered(undefined)
    setFault(undefined)
    setAsking(true)
    try {
      const question = { workspace, model, text, tokens, signal: own.signal }
      for await (const now of way(exchange, question, () => performance.now())) setAnswered(now)
    } catch (error) {
      if (!own.signal.aborted)
        setFault(error instanceof Fault ? error : new Fault('unavailable', String(error), { cause: error }))
    } finally {
      setAsking(false)
    }
  }
  return (
    <div className="test">
      <Typography.Paragraph type="secondary">{t('testNote', { key: `user/${name}` })}</Typography.Paragraph>
      <Form layout="vertical" onFinish={() => void send()}>
        <Form.Item label={t('message')} htmlFor="test-message">
          <Input.TextArea
            id="test-message"
            rows={3}
            value={text}
            onChange={({ target: { value } }) => setText(value)}
          />
        </Form.Item>
        {way === chat && (
          <Form.Item label={t('maximum')} htmlFor="test-tokens">
            <InputNumber
              id="test-tokens"
              min={1}
              max={4096}
              value={tokens}
              onChange={value => setTokens(value ?? 128)}
            />
          </Form.Item>
        )}
        {isAsking ? (
          <Button onClick={() => running.current?.abort()}>{t('stop')}</Button>
        ) : (
          <Button type="primary" htmlType="submit" disabled={text.trim() === ''}>
            {t('send')}
          </Button>
        )}
      </Form>
      {fault && <FaultAlert fault={fault} />}
      {answered && <Told answered={answered} />}
    </div>
  )
}

export default function TestTab({ document }: Shown) {
  const { t } = useTranslation('endpoint')
  const may = useMay()
  const models = useSeen<ModelDocument>('Model')
  const { metadata, spec } = document as EndpointDocument // the tab stands on the page of endpoints alone
  const workspace = metadata.workspace ?? ''
  if (!may('inference:call', workspace)) return <Forbidden what={t('calls')} permission="inference:call" />
  const model = models.documents.find(one => isMeant(one, spec.model.name, workspace))
  const way = ways[model?.spec.task ?? 'chat']
  if (!way) return <Nothing says={t('untestable')} />
  return <Call workspace={workspace} model={metadata.name} way={way} />
}
