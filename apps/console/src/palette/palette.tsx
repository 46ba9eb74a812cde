// One field that leads everywhere: a combobox over screens, names and actions, opened by Ctrl K.
import { Modal } from 'antd'
import { type KeyboardEvent, useEffect, useId, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { type Entry, useSections } from './entries.ts'
import './words.ts'
import './palette.css'

interface Given {
  readonly onClose: () => void
  readonly onHelp: () => void
}

/** Where the keys lead from one entry among so many. */
const steps: Readonly<Record<string, (at: number, count: number) => number>> = {
  ArrowDown: (at, count) => (at + 1) % count,
  ArrowUp: (at, count) => (at + count - 1) % count,
  Home: () => 0,
  End: (_, count) => count - 1,
}

function Chooser({ onClose, onHelp, onRun }: Given & { readonly onRun: () => void }) {
  const { t } = useTranslation('palette')
  const id = useId()
  const [text, setText] = useState('')
  const [at, setAt] = useState(0)
  const list = useRef<HTMLDivElement>(null)
  const { sections, isLooking, hasFailed } = useSections(text, onHelp)
  const entries = sections.flatMap(section => section.entries)
  const chosen = entries[Math.min(at, entries.length - 1)]
  const optionOf = (entry: Entry) => `${id} ${entries.indexOf(entry)}`.replaceAll(' ', '-')
  const run = (entry: Entry) => {
    onRun()
    onClose()
    entry.run()
  }
  const press = (event: KeyboardEvent) => {
    const step = steps[event.key]
    // What is being composed (pinyin) takes its own keys.
    if (event.nativeEvent.isComposing) return
    if (event.key === 'Enter' && chosen) {
      event.preventDefault()
      run(chosen)
    } else if (step && entries.length > 0) {
      event.preventDefault()
      setAt(step(Math.min(at, entries.length - 1), entries.length))
    }
  }
  useEffect(() => {
    list.current?.querySelector('[aria-selected=true]')?.scrollIntoView({ block: 'nearest' })
  })
  const says = hasFailed ? t('failed') : isLooking ? t('looking') : entries.length === 0 ? t('nothing') : ''
  return (
    <div className="palette">
      <input
        // biome-ignore lint/a11y/noAutofocus: whoever opens it wants to write in it
        autoFocus
        role="combobox"
        aria-expanded={entries.length > 0}
        aria-controls={`${id}-list`}
        aria-autocomplete="list"
        aria-activedescendant={chosen && optionOf(chosen)}
        aria-label={t('title')}
        placeholder={t('placeholder')}
        value={text}
        onChange={({ target: { value } }) => {
          setText(value)
          setAt(0)
        }}
        onKeyDown={press}
      />
      <div id={`${id}-list`} role="listbox" aria-label={t('results')} ref={list}>
        {sections.map(({ title, entries: those }) => (
          // biome-ignore lint/a11y/useSemanticElements: a fieldset is no part of a listbox
          <div key={title} role="group" aria-label={t(`groups.${title}`)}>
            <div className="palette-title" aria-hidden="true">
              {t(`groups.${title}`)}
            </div>
            {those.map(entry => (
              // biome-ignore lint/a11y/useKeyWithClickEvents: the keys are those of the combobox
              <div
                key={entry.id}
                id={optionOf(entry)}
                role="option"
                tabIndex={-1}
                aria-selected={entry === chosen}
                onClick={() => run(entry)}
              >
                <span>{entry.label}</span>
                {entry.hint !== undefined && <span className="quiet">{entry.hint}</span>}
              </div>
            ))}
          </div>
        ))}
      </div>
      <p role="status" className="quiet">
        {says}
      </p>
    </div>
  )
}

export function Palette({ isOpen, ...given }: Given & { readonly isOpen: boolean }) {
  const { t } = useTranslation('palette')
  const [hasRun, setRun] = useState(false)
  return (
    <Modal
      open={isOpen}
      onCancel={given.onClose}
      footer={null}
      closable={false}
      destroyOnHidden
      // Where it has led is where one is; where it has not, one is where one was.
      focusTriggerAfterClose={!hasRun}
      afterOpenChange={opened => {
        if (!opened && hasRun) document.querySelector<HTMLElement>('#content h1')?.focus()
        setRun(false)
      }}
      width={620}
      style={{ top: 72 }}
      title={t('title')}
      classNames={{ header: 'unseen' }}
    >
      <Chooser {...given} onRun={() => setRun(true)} />
    </Modal>
  )
}
