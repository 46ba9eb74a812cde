// Which keys do what.
import { Modal, Switch } from 'antd'
import { Fragment, type ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { prefer, usePreferences } from '../preferences.ts'
import { usePlaces } from './places.ts'
import './words.ts'
import './palette.css'

const isMac = /mac|iphone|ipad/i.test(navigator.userAgent)

const keys = (...names: readonly string[]): ReactNode =>
  names.map((name, index) => (
    <Fragment key={name}>
      {index > 0 && ' '}
      <kbd>{name}</kbd>
    </Fragment>
  ))

export function Help({ isOpen, onClose }: { readonly isOpen: boolean; readonly onClose: () => void }) {
  const { t } = useTranslation('palette')
  const { shortcuts } = usePreferences()
  const places = usePlaces().filter(({ key }) => key !== undefined)
  const rows: readonly (readonly [ReactNode, string])[] = [
    [keys(isMac ? '⌘' : 'Ctrl', 'K'), t('rows.palette')],
    [keys('?'), t('rows.help')],
    [keys('/'), t('rows.search')],
    [keys('c'), t('rows.create')],
    [keys('e'), t('rows.edit')],
    [keys('u'), t('rows.undo')],
    ...places.map(({ key = '', title }): readonly [ReactNode, string] => [
      <>
        <kbd>g</kbd> {t('next')} <kbd>{key}</kbd>
      </>,
      t('rows.go', { screen: title }),
    ]),
  ]
  return (
    <Modal open={isOpen} onCancel={onClose} footer={null} title={t('helpTitle')} destroyOnHidden>
      <dl className="shortcuts">
        {rows.map(([pressed, says]) => (
          <Fragment key={says}>
            <dt>{pressed}</dt>
            <dd>{says}</dd>
          </Fragment>
        ))}
      </dl>
      {/* biome-ignore lint/a11y/noLabelWithoutControl: the switch within it is one */}
      <label>
        <Switch size="small" checked={shortcuts} onChange={on => prefer({ shortcuts: on })} /> {t('on')}
      </label>
    </Modal>
  )
}
