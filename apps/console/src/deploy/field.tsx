// A control with its label, its help and what is wrong with it.
import { type ReactNode, useId } from 'react'

interface FieldProps {
  readonly label: string
  readonly help?: ReactNode
  readonly problem?: string | undefined
  /** The control takes `id`, and `aria-describedby` for its help. */
  readonly children: (ids: { readonly id: string; readonly 'aria-describedby': string }) => ReactNode
}

export function Field({ label, help, problem, children }: FieldProps) {
  const id = useId()
  const described = `${id}-help`
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      {children({ id, 'aria-describedby': described })}
      <div id={described} className="quiet field-help">
        {problem !== undefined && (
          <div className="problem" role="alert">
            {problem}
          </div>
        )}
        {help}
      </div>
    </div>
  )
}
