// The model that is asked, of those that the person may call.
import { Select } from 'antd'

interface ModelPickProps {
  readonly label: string
  readonly models: readonly string[]
  readonly value: string
  readonly isBusy?: boolean
  readonly onChange: (model: string) => void
}

export const ModelPick = ({ label, models, value, isBusy = false, onChange }: ModelPickProps) => (
  <Select
    aria-label={label}
    showSearch
    value={value}
    onChange={onChange}
    options={models.map(model => ({ value: model }))}
    disabled={isBusy}
    popupMatchSelectWidth={false}
  />
)
