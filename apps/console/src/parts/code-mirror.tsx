// CodeMirror behind the words of this console: a text, what is wrong with it, and what may stand where.
import { autocompletion, type CompletionSource, completionKeymap } from '@codemirror/autocomplete'
import { defaultKeymap, history, historyKeymap, indentWithTab } from '@codemirror/commands'
import { yaml } from '@codemirror/lang-yaml'
import {
  bracketMatching,
  foldGutter,
  foldKeymap,
  HighlightStyle,
  indentOnInput,
  indentUnit,
  syntaxHighlighting,
} from '@codemirror/language'
import { lintGutter, lintKeymap, setDiagnostics } from '@codemirror/lint'
import { Compartment, EditorState, type Extension } from '@codemirror/state'
import {
  drawSelection,
  EditorView,
  highlightActiveLine,
  hoverTooltip,
  keymap,
  lineNumbers,
} from '@codemirror/view'
import { tags } from '@lezer/highlight'
import { useEffect, useEffectEvent, useId, useRef } from 'react'
import { useTranslation } from 'react-i18next'
import { nonce } from '../nonce.ts'
import { useIsDark } from '../preferences.ts'
import './editing-words.ts'
import './editor.css'

/** Something wrong in the text. */
export interface Problem {
  /** Offsets in the text. */
  readonly from: number
  readonly to: number
  readonly message: string
}

/** Something that may stand at a place. */
export interface Suggestion {
  readonly label: string
  /** What is written, where that is not the label. */
  readonly apply?: string
  readonly detail?: string
  readonly info?: string
  readonly type: 'property' | 'enum'
}

/** What the text is about: asked at an offset of it. */
export interface Help {
  suggest(
    text: string,
    offset: number,
  ): { readonly from: number; readonly items: readonly Suggestion[] } | undefined
  describe(
    text: string,
    offset: number,
  ): { readonly from: number; readonly to: number; readonly says: string } | undefined
}

export interface EditorProps {
  readonly value: string
  /** How it is called to whoever does not see it. */
  readonly label: string
  readonly onChange?: (text: string) => void
  readonly problems?: readonly Problem[]
  readonly help?: Help
  /** A line that is gone to, counted from 1, each time that it is another object. */
  readonly goTo?: { readonly line: number } | undefined
}

const colours = HighlightStyle.define([
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: 'light-dark(#0b57d0, #8ab4f8)' },
  { tag: [tags.string, tags.special(tags.string)], color: 'light-dark(#1b5e00, #95de64)' },
  { tag: [tags.number, tags.bool, tags.null], color: 'light-dark(#8a3b00, #ffb870)' },
  { tag: tags.comment, color: 'light-dark(#57606a, #9aa4af)', fontStyle: 'italic' },
  { tag: [tags.keyword, tags.meta, tags.punctuation], color: 'light-dark(#57606a, #a3abb4)' },
])

const look = (isDark: boolean) => EditorView.theme({}, { dark: isDark })

function helped(help: Help): Extension {
  const source: CompletionSource = context => {
    const found = help.suggest(context.state.doc.toString(), context.pos)
    if (!found || (!context.explicit && context.pos === found.from)) return null
    return {
      from: found.from,
      validFor: /^[\w./-]*$/,
      options: found.items.map(({ info, ...item }) => ({ ...item, ...(info !== undefined && { info }) })),
    }
  }
  return [
    autocompletion({ override: [source], icons: false }),
    hoverTooltip((view, offset) => {
      const found = help.describe(view.state.doc.toString(), offset)
      if (!found) return null
      return {
        pos: found.from,
        end: found.to,
        create() {
          const dom = document.createElement('div')
          dom.className = 'editor-help'
          dom.textContent = found.says
          return { dom }
        },
      }
    }),
  ]
}

export default function CodeMirror({ value, label, onChange, problems, help, goTo }: EditorProps) {
  const { t, i18n } = useTranslation('editing')
  const isDark = useIsDark()
  const place = useRef<HTMLDivElement>(null)
  const editor = useRef<{ readonly view: EditorView; readonly theme: Compartment }>(undefined)
  const keys = useId()
  const isReadOnly = onChange === undefined
  const changed = useEffectEvent((text: string) => onChange?.(text))
  const opened = useEffectEvent((parent: HTMLElement, theme: Compartment) => {
    const extensions: Extension[] = [
      EditorView.cspNonce.of(nonce),
      EditorState.phrases.of({
        Completions: t('completions'),
        Diagnostics: t('diagnostics'),
        'No diagnostics': t('noDiagnostics'),
        close: t('close'),
      }),
      lineNumbers(),
      foldGutter(),
      drawSelection(),
      bracketMatching(),
      yaml(),
      syntaxHighlighting(colours),
      theme.of(look(isDark)),
      EditorView.lineWrapping,
      EditorView.contentAttributes.of({ 'aria-label': label, 'aria-describedby': keys, tabindex: '0' }),
      isReadOnly
        ? [
            EditorState.readOnly.of(true),
            EditorView.contentAttributes.of({ 'aria-readonly': 'true' }),
            keymap.of([...defaultKeymap, ...foldKeymap]),
          ]
        : [
            history(),
            highlightActiveLine(),
            indentOnInput(),
            indentUnit.of('  '),
            lintGutter(),
            // Escape, then Tab leaves it: CodeMirror lets the Tab after an Escape go.
            keymap.of([
              ...completionKeymap,
              ...lintKeymap,
              ...historyKeymap,
              ...foldKeymap,
              ...defaultKeymap,
              indentWithTab,
            ]),
            help ? helped(help) : [],
            EditorView.updateListener.of(update => {
              if (update.docChanged) changed(update.state.doc.toString())
            }),
          ],
    ]
    return new EditorView({ parent, state: EditorState.create({ doc: value, extensions }) })
  })

  // Anew with another language, another thing to help with, or when it may be written in.
  useEffect(() => {
    if (!place.current) return
    const theme = new Compartment()
    const view = opened(place.current, theme)
    editor.current = { view, theme }
    return () => {
      editor.current = undefined
      view.destroy()
    }
  }, [isReadOnly, help, label, i18n.language])

  useEffect(() => {
    const { view, theme } = editor.current ?? {}
    if (view && theme) view.dispatch({ effects: theme.reconfigure(look(isDark)) })
  }, [isDark])

  useEffect(() => {
    const view = editor.current?.view
    if (!view || view.state.doc.toString() === value) return
    view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: value } })
  }, [value])

  useEffect(() => {
    const view = editor.current?.view
    if (!view || !problems) return
    const end = view.state.doc.length
    view.dispatch(
      setDiagnostics(
        view.state,
        problems.map(({ from, to, message }) => ({
          from: Math.min(from, end),
          to: Math.min(Math.max(from, to), end),
          message,
          severity: 'error',
        })),
      ),
    )
  }, [problems])

  useEffect(() => {
    const view = editor.current?.view
    if (!view || !goTo) return
    const line = view.state.doc.line(Math.min(Math.max(1, goTo.line), view.state.doc.lines))
    view.dispatch({ selection: { anchor: line.from }, scrollIntoView: true })
    view.focus()
  }, [goTo])

  return (
    <div className="editor">
      <div ref={place} />
      <p id={keys} className="quiet editor-keys">
        {isReadOnly ? t('readOnly') : t('keys')}
      </p>
    </div>
  )
}
