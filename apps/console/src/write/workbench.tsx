// Where a document is written: as a form or as YAML, tried before it is saved, and never lost on the way.
import { Fault } from '@switchyard/kinds/fault'
import { useBlocker, useNavigate } from '@tanstack/react-router'
import { Alert, Button, Form, Modal, Tabs } from 'antd'
import { useMemo, useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { Document, KindInfo } from '../api/catalogue.ts'
import { onPlatform } from '../kinds/names.ts'
import { useSaid } from '../kinds/said.ts'
import type { Problem } from '../parts/code-mirror.tsx'
import { Editor } from '../parts/editor.tsx'
import { tell } from '../parts/messages.ts'
import { useExchange } from '../session/context.tsx'
import { FaultAlert } from '../shell/fault.tsx'
import { Binding, madeFinal } from './binding.tsx'
import { Conflict } from './conflict.tsx'
import { useDraft, writableOf } from './draft.ts'
import { type Filling, FillingProvider } from './filling.ts'
import { Field, Fields } from './form.tsx'
import { isSame, type Members, valueIn } from './json.ts'
import { Metadata } from './metadata.tsx'
import { WorkspaceOfDraft } from './place.ts'
import { Review } from './review.tsx'
import { saved } from './saving.ts'
import { SecretOnce } from './secret.tsx'
import { documentSchema, shapeOf } from './shape.ts'
import { lineOf, rangeOf, yamlOf } from './text.ts'
import { useUndo } from './undo.tsx'
import { helpFor } from './yaml-help.ts'
import './words.ts'
import './write.css'

interface WorkbenchProps {
  readonly kind: KindInfo
  readonly initial: Members
  /** The document that is changed; absent for a new one. */
  readonly document?: Document
}

function nameOf(value: unknown): string {
  const name = valueIn(value, ['metadata', 'name'])
  return typeof name === 'string' ? name : ''
}

/** Secrets do not stand in what is compared. */
const compared = (document: Document, kind: KindInfo) => yamlOf(writableOf(document, kind))

export function Workbench({ kind, initial, document }: WorkbenchProps) {
  const { t } = useTranslation('write')
  const said = useSaid()
  const navigate = useNavigate()
  const exchange = useExchange()
  const offerUndo = useUndo()
  const draft = useDraft(initial, t('noDocument'))
  const [base, setBase] = useState(document)
  const [tab, setTab] = useState<'form' | 'yaml'>('form')
  const [fault, setFault] = useState<Fault>()
  const [busy, setBusy] = useState(false)
  const [tried, setTried] = useState<Document>()
  const [isBinding, setBinding] = useState(false)
  const [theirs, setTheirs] = useState<Document>()
  const [finished, setFinished] = useState<{
    readonly document: Document
    readonly secret: string | undefined
  }>()
  const [goTo, setGoTo] = useState<{ readonly line: number }>()
  const isNew = document === undefined
  const isDirty = finished === undefined && (draft.problems.length > 0 || !isSame(draft.value, initial))
  const leaving = useBlocker({
    shouldBlockFn: () => isDirty,
    enableBeforeUnload: () => isDirty,
    withResolver: true,
  })
  const help = useMemo(
    () => helpFor(documentSchema(kind.kind, kind.spec), text => said.text(text)),
    [kind, said],
  )
  const details = fault?.details ?? []
  const marks: readonly Problem[] = useMemo(
    () => [
      ...draft.problems,
      ...(fault?.details ?? [])
        .filter(({ path }) => path !== '')
        .map(({ path, message }) => ({ ...rangeOf(draft.text, path), message: `${path}: ${message}` })),
    ],
    [draft.problems, draft.text, fault],
  )
  const secrets = kind.secrets.filter(path => {
    const given = valueIn(draft.value, path.split('.'))
    return given !== undefined && !(typeof given === 'object' && given !== null && 'set' in given)
  })

  async function run(value: Members, against: Document | undefined, dryRun: boolean): Promise<void> {
    setBusy(true)
    setFault(undefined)
    try {
      const outcome = await saved(exchange, kind, value, against, dryRun)
      if (outcome.type === 'overtaken') {
        setTried(undefined)
        setTheirs(outcome.theirs)
      } else if (dryRun) setTried(outcome.document)
      else {
        setTried(undefined)
        setFinished(outcome)
        const { name } = outcome.document.metadata
        // A secret that was written over does not come back, nor does what is final.
        if (against && secrets.length === 0 && madeFinal(against, outcome.document) === undefined)
          offerUndo(kind, [{ before: against, after: outcome.document }], t('saved', { name }))
        else tell({ type: 'success', content: t(isNew ? 'created' : 'saved', { name }) })
        if (outcome.secret === undefined) leave(outcome.document)
      }
    } catch (error) {
      if (!(error instanceof Fault)) throw error
      setTried(undefined)
      setFault(error)
      const [first] = error.details
      if (tab === 'yaml' && first) setGoTo({ line: lineOf(draft.text, rangeOf(draft.text, first.path).from) })
    } finally {
      setBusy(false)
      setBinding(false)
    }
  }

  const version = tried && madeFinal(base, tried)
  const leave = ({ metadata: { workspace, name } }: Document) =>
    void navigate({
      to: '/$plural/$workspace/$name',
      params: { plural: kind.plural, workspace: workspace ?? onPlatform, name },
      // What was written is kept now.
      ignoreBlocker: true,
    })
  const filling: Filling = {
    kind,
    value: draft.value,
    onChange: draft.fill,
    details,
    isNew,
    set: secretsSet(kind, document),
  }
  const shape = shapeOf(kind.spec, kind.spec)
  const workspace = valueIn(draft.value, ['metadata', 'workspace'])
  const form = (
    <FillingProvider value={filling}>
      <Form layout="vertical" component="div" className="writing">
        <Metadata {...filling} />
        {shape.type === 'object' ? (
          <Fields members={shape.members} path={['spec']} />
        ) : (
          <Field schema={kind.spec} path={['spec']} label={t('spec')} isRequired />
        )}
      </Form>
    </FillingProvider>
  )
  return (
    <WorkspaceOfDraft value={typeof workspace === 'string' ? workspace : null}>
      {fault && <FaultAlert fault={fault} />}
      <Tabs
        activeKey={tab}
        onChange={key => {
          // What cannot be read as YAML cannot be shown as a form, and is not thrown away.
          if (key === 'form' && draft.problems.length > 0) tell({ type: 'warning', content: t('mendFirst') })
          else setTab(key === 'yaml' ? 'yaml' : 'form')
        }}
        destroyOnHidden
        items={[
          { key: 'form', label: t('form'), children: form },
          {
            key: 'yaml',
            label: 'YAML',
            children: (
              <>
                <Editor
                  value={draft.text}
                  label={t('yamlOf', { name: nameOf(draft.value) || kind.kind })}
                  onChange={draft.write}
                  problems={marks}
                  help={help}
                  goTo={goTo}
                />
                {draft.problems.map(({ from, message: says }) => (
                  <Alert
                    key={`${from} ${says}`}
                    type="error"
                    role="alert"
                    title={t('onLine', { line: lineOf(draft.text, from), says })}
                  />
                ))}
              </>
            ),
          },
        ]}
      />
      <div className="tools writing-end">
        <Button
          type="primary"
          loading={busy && !tried}
          disabled={draft.problems.length > 0}
          onClick={() => void run(draft.value, base, true)}
        >
          {t('review')}
        </Button>
        <Button onClick={() => history.back()}>{t('cancel')}</Button>
      </div>
      <Review
        isOpen={tried !== undefined && !isBinding}
        isNew={isNew}
        before={base ? compared(base, kind) : ''}
        after={tried ? compared(tried, kind) : ''}
        secrets={secrets}
        isBusy={busy}
        onSave={() => (version === undefined ? void run(draft.value, base, false) : setBinding(true))}
        onCancel={() => setTried(undefined)}
      />
      {tried && version !== undefined && (
        <Binding
          isOpen={isBinding}
          document={tried}
          version={version}
          isBusy={busy}
          onConfirm={() => void run(draft.value, base, false)}
          onCancel={() => setBinding(false)}
        />
      )}
      {base && (
        <Conflict
          kind={kind}
          base={base}
          ours={draft.value}
          theirs={theirs}
          onTake={(value, now) => {
            draft.fill(value)
            setBase(now)
            setTheirs(undefined)
          }}
          onCancel={() => setTheirs(undefined)}
        />
      )}
      <SecretOnce secret={finished?.secret} onClose={() => finished && leave(finished.document)} />
      <Modal
        open={leaving.status === 'blocked'}
        title={t('leaveTitle')}
        okText={t('leave')}
        okButtonProps={{ danger: true }}
        cancelText={t('stay')}
        onOk={() => leaving.proceed?.()}
        onCancel={() => leaving.reset?.()}
      >
        {t('leaveSays')}
      </Modal>
    </WorkspaceOfDraft>
  )
}

/** Which secrets hold something: the status tells it where the kind does. */
function secretsSet(kind: KindInfo, document: Document | undefined): readonly string[] {
  if (!document) return []
  const told = valueIn(document, ['status', 'set'])
  return kind.secrets.filter(
    path =>
      (Array.isArray(told) && told.includes(path.replace(/^spec\./, ''))) ||
      valueIn(document, [...path.split('.'), 'set']) === true,
  )
}
