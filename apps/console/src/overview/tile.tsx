// One number at a glance, and where it comes from.
import { Link, type LinkProps } from '@tanstack/react-router'
import { Card } from 'antd'
import type { ReactNode } from 'react'
import { Sparkline } from '../parts/sparkline.tsx'

interface TileProps {
  readonly title: string
  readonly to: LinkProps
  readonly children: ReactNode
  readonly note?: ReactNode
  readonly values?: readonly (number | null)[]
}

export function Tile({ title, to, children, note, values }: TileProps) {
  return (
    <Link {...to} className="count">
      <Card size="small" hoverable>
        <span className="quiet">{title}</span>
        <strong>{children}</strong>
        <span className="quiet note">{note}</span>
        {values && <Sparkline values={values} />}
      </Card>
    </Link>
  )
}
