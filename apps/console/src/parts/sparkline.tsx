// A number's way through time, small: the number itself stands beside it in words.
import './chart.css'

const [width, height] = [120, 36]

export function Sparkline({ values }: { readonly values: readonly (number | null)[] }) {
  const highest = Math.max(0, ...values.filter(value => value !== null))
  const step = width / Math.max(1, values.length - 1)
  let path = ''
  let isOpen = false
  for (const [at, value] of values.entries()) {
    if (value !== null) {
      const y = height - 2 - (highest === 0 ? 0 : (value / highest) * (height - 6))
      path += `${isOpen ? 'L' : 'M'}${(at * step).toFixed(1)} ${y.toFixed(1)}`
      // One alone is a dot.
      if (!isOpen && (values[at + 1] ?? null) === null) path += 'h1'
    }
    isOpen = value !== null
  }
  return (
    <svg
      className="sparkline"
      viewBox={`0 0 ${width} ${height}`}
      preserveAspectRatio="none"
      aria-hidden="true"
    >
      <path
        d={path}
        fill="none"
        stroke="currentColor"
        strokeWidth="1.5"
        strokeLinecap="round"
        strokeLinejoin="round"
        vectorEffect="non-scaling-stroke"
      />
    </svg>
  )
}
