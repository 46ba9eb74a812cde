// A route as a picture: the request, the tiers in their order with each target's share, and where refusals lead. The
// table below it says the same in words.
import { useTranslation } from 'react-i18next'
import { usePreferences } from '../preferences.ts'
import { nameOf, percent, type RouteDocument, shareIn, type Tiers } from './documents.ts'
import { type Explanation, explainedOf, type Mood, moodOf } from './explanation.ts'

interface DiagramProps {
  readonly route: RouteDocument
  /** As they are edited. */
  readonly tiers: Tiers
  readonly explanation: Explanation | undefined
  /** Marks the way of one request, not only how each target stands. */
  readonly isPath: boolean
}

const [rowHeight, headHeight, gap] = [44, 32, 46]
const [requestWidth, tierAt, tierWidth, sideAt, sideWidth] = [200, 270, 370, 710, 190]

const cut = (text: string, most: number) => (text.length > most ? `${text.slice(0, most - 1)}…` : text)

interface BoxProps {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly title: string
  readonly lines: readonly string[]
  readonly mood?: string
}

function Box({ x, y, width, title, lines, mood = '' }: BoxProps) {
  const most = Math.floor(width / 7.4)
  return (
    <g>
      <title>{[title, ...lines].join(' ')}</title>
      <rect x={x} y={y} width={width} height={34 + lines.length * 18} rx={8} className={`box ${mood}`} />
      <text x={x + 12} y={y + 22} className="strong">
        {cut(title, most)}
      </text>
      {lines.map((line, index) => (
        <text key={line} x={x + 12} y={y + 42 + index * 18} className="faint">
          {cut(line, most + 2)}
        </text>
      ))}
    </g>
  )
}

export function Diagram({ route, tiers, explanation, isPath }: DiagramProps) {
  const { t } = useTranslation('routes')
  const { language } = usePreferences()
  const { names, match, fallback, shadow } = route.spec
  const isKnown = explanation?.route?.id === route.metadata.name
  const conditions = [
    ...Object.entries(match?.headers ?? {}).map(([name, value]) => t('header', { name, value })),
    ...Object.entries(match?.metadata ?? {}).map(([name, value]) => t('metadata', { name, value })),
    ...(match?.tags ?? []).map(tag => t('tag', { tag })),
  ]
  const requestLines = [
    t('names', { names: names.join(', ') }),
    ...(conditions.length === 0 ? [t('everyRequest')] : conditions.slice(0, 4)),
  ]
  let y = 8
  const placed = tiers.map((tier, index) => {
    const at = y
    const height = headHeight + tier.targets.length * rowHeight + 8
    y += height + gap
    const targets = tier.targets.map(target => {
      const explained = explainedOf(explanation, route.metadata.name, index, target)
      const share = shareIn(tier, target)
      return { target, share, mood: moodOf(explained, isKnown) }
    })
    return {
      tier,
      index,
      at,
      height,
      targets,
      hasPath: isPath && targets.some(({ mood }) => mood === 'chosen'),
    }
  })
  const bottom = y
  const pathTier = placed.find(({ hasPath }) => hasPath)?.index
  const sides = [
    fallback.onContextLength === undefined
      ? undefined
      : { title: t('toRoute', { name: fallback.onContextLength }), line: t('tooLong') },
    fallback.onContentFilter === undefined
      ? undefined
      : { title: t('toRoute', { name: fallback.onContentFilter }), line: t('filtered') },
    shadow && {
      title: `${nameOf(shadow.target)} ${shadow.target.model ?? ''}`.trim(),
      line: t('copy', { percent: shadow.percent }),
    },
  ].filter(side => side !== undefined)
  const height = Math.max(bottom + 30, 20 + sides.length * 76, 120)
  const text = placed
    .map(({ tier, index, targets }) =>
      t('diagramTier', {
        number: index + 1,
        strategy: t(`strategies.${tier.strategy}`),
        targets: targets
          .map(({ target, share, mood }) =>
            [
              nameOf(target),
              share === undefined ? undefined : percent(share, language),
              isKnown ? t(`moods.${mood}`) : undefined,
            ]
              .filter(part => part !== undefined)
              .join(' '),
          )
          .join(', '),
      }),
    )
    .join('; ')
  const first = placed[0]
  const firstMiddle = first ? first.at + 20 : 30
  const width = sides.length > 0 ? sideAt + sideWidth + 8 : tierAt + tierWidth + 8
  return (
    <svg
      className="flow"
      viewBox={`0 0 ${width} ${height}`}
      style={{ maxWidth: width }}
      role="img"
      aria-label={t('diagram', { text })}
    >
      <defs>
        <marker
          id="flow-arrow"
          viewBox="0 0 8 8"
          refX={7}
          refY={4}
          markerWidth={7}
          markerHeight={7}
          orient="auto"
        >
          <path d="M0 0 8 4 0 8z" className="arrow" />
        </marker>
      </defs>
      <Box x={2} y={8} width={requestWidth} title={t('request')} lines={requestLines} />
      <path
        d={`M${requestWidth + 2} ${firstMiddle} H${tierAt - 4}`}
        className={`edge ${pathTier === undefined ? '' : 'taken'}`}
        markerEnd="url(#flow-arrow)"
      />
      {placed.map(({ tier, index, at, height: tall, targets }) => (
        <g key={index}>
          <rect x={tierAt} y={at} width={tierWidth} height={tall} rx={8} className="tier" />
          <text x={tierAt + 12} y={at + 21} className="strong">
            {t('tier', { number: index + 1 })} · {t(`strategies.${tier.strategy}`)}
          </text>
          {targets.map(({ target, share, mood }, place) => (
            <Row
              key={`${nameOf(target)} ${target.model ?? ''} ${place}`}
              y={at + headHeight + place * rowHeight}
              title={nameOf(target)}
              model={
                target.model ?? (target.endpoint === undefined ? t('edit.modelOwn') : t('edit.endpoint'))
              }
              share={share}
              says={share === undefined ? '' : percent(share, language)}
              mood={mood}
              label={isKnown ? t(`moods.${mood}`) : ''}
              isTaken={isPath && mood === 'chosen'}
            />
          ))}
          <path
            d={`M${tierAt + 40} ${at + tall} V${at + tall + gap - 4}`}
            className={`edge down ${pathTier !== undefined && pathTier > index ? 'taken' : ''}`}
            markerEnd="url(#flow-arrow)"
          />
          <text x={tierAt + 52} y={at + tall + gap / 2 + 4} className="faint">
            {t('next')}
          </text>
        </g>
      ))}
      <text x={tierAt + 12} y={bottom + 14} className="faint">
        {t('refused')}
      </text>
      {sides.map(({ title, line }, index) => (
        <g key={`${title} ${line}`}>
          <path
            d={`M${tierAt + tierWidth} ${firstMiddle} C${sideAt - 30} ${firstMiddle} ${tierAt + tierWidth + 30} ${34 + index * 76} ${sideAt - 4} ${34 + index * 76}`}
            className="edge down"
            markerEnd="url(#flow-arrow)"
          />
          <Box x={sideAt} y={8 + index * 76} width={sideWidth} title={title} lines={[line]} />
        </g>
      ))}
    </svg>
  )
}

interface RowProps {
  readonly y: number
  readonly title: string
  readonly model: string
  readonly share: number | undefined
  readonly says: string
  readonly mood: Mood
  readonly label: string
  readonly isTaken: boolean
}

function Row({ y, title, model, share, says, mood, label, isTaken }: RowProps) {
  const width = tierWidth - 16
  return (
    <g>
      <title>{[title, model, says, label].filter(text => text !== '').join(', ')}</title>
      <rect
        x={tierAt + 8}
        y={y}
        width={width}
        height={rowHeight - 6}
        rx={6}
        className={`target ${isTaken ? 'taken' : ''}`}
      />
      {share !== undefined && (
        <rect x={tierAt + 8} y={y + rowHeight - 9} width={width * share} height={3} className="share" />
      )}
      <circle cx={tierAt + 24} cy={y + 19} r={5} className={`mood ${mood}`} />
      <text x={tierAt + 38} y={y + 16} className="strong">
        {cut(title, 26)}
      </text>
      <text x={tierAt + 38} y={y + 31} className="faint small">
        {cut(model, 34)}
      </text>
      <text x={tierAt + width - 4} y={y + 16} textAnchor="end">
        {says}
      </text>
      <text x={tierAt + width - 4} y={y + 31} textAnchor="end" className="faint small">
        {label}
      </text>
    </g>
  )
}
