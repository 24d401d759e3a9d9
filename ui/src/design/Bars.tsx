import type { ReactNode } from 'react'
import css from './layout.module.css'

interface Bar {
  id: string
  label: ReactNode
  value: number
  text: string
}

/** Amounts beside each other, each as a bar against the largest. */
export function Bars({ label, rows }: { label: string; rows: Bar[] }) {
  const most = Math.max(1, ...rows.map((r) => r.value))
  return (
    <ul className={css.bars} aria-label={label}>
      {rows.map((r) => (
        <li key={r.id}>
          <span className={css.barLabel}>{r.label}</span>
          <span className={css.barTrack} aria-hidden>
            <span style={{ width: `${(100 * r.value) / most}%` }} />
          </span>
          <span className={`${css.barText} num`}>{r.text}</span>
        </li>
      ))}
    </ul>
  )
}
