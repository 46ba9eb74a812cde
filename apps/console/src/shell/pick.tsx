// One of a few places, chosen in the header. A list that can be searched is heavy, and comes when somebody opens it.
import { Button } from 'antd'
import { lazy, Suspense, useState } from 'react'

const Select = lazy(async () => ({ default: (await import('antd/es/select')).default }))

interface PickProps {
  /** Of what it is one. */
  readonly title: string
  readonly value: string
  readonly options: readonly { readonly value: string; readonly label: string }[]
  readonly onPick: (value: string) => void
}

export function Pick({ title, value, options, onPick }: PickProps) {
  const [isOpen, setOpen] = useState(false)
  const { label } = options.find(option => option.value === value) ?? { label: value }
  const closed = (
    <Button
      className="workspace"
      aria-label={`${title}: ${label}`}
      aria-haspopup="listbox"
      aria-expanded={false}
      onClick={() => setOpen(true)}
    >
      <span>{label}</span> <span aria-hidden="true">▾</span>
    </Button>
  )
  if (!isOpen) return closed
  return (
    <Suspense fallback={closed}>
      <Select
        className="workspace"
        aria-label={title}
        autoFocus
        open
        showSearch={{ optionFilterProp: 'label' }}
        value={value}
        options={[...options]}
        onOpenChange={setOpen}
        onChange={picked => {
          if (typeof picked === 'string') onPick(picked)
          setOpen(false)
        }}
      />
    </Suspense>
  )
}
