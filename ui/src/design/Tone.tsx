import type { CSSProperties, ReactNode } from 'react'
import css from './Tone.module.css'

/** What a state means to the person looking, whatever the thing is. */
export type Tone = 'good' | 'active' | 'wait' | 'held' | 'bad' | 'idle'

export const TONES: Tone[] = ['good', 'active', 'wait', 'held', 'bad', 'idle']

export const toneColor = (tone: Tone) => `var(--tone-${tone})`

const style = (tone: Tone) =>
  ({
    '--dot': toneColor(tone),
    '--badge-ink': `var(--tone-${tone}-ink)`,
    '--badge-bg': `var(--tone-${tone}-bg)`,
  }) as CSSProperties

/** A state as a coloured dot and its name: never by colour alone. */
export function ToneBadge({ tone, children, title, pulse }: { tone: Tone; children: ReactNode; title?: string; pulse?: boolean }) {
  return (
    <span className={css.badge} style={style(tone)} title={title}>
      <span className={pulse ? `${css.dot} ${css.pulse}` : css.dot} aria-hidden />
      {children}
    </span>
  )
}

export function ToneDot({ tone, label }: { tone: Tone; label: string }) {
  return <span className={css.dot} style={style(tone)} role="img" aria-label={label} title={label} />
}

/** How many of a whole are in each state, as one thin bar. */
export function ToneBar({ counts, label }: { counts: Partial<Record<Tone, number>>; label: string }) {
  const total = TONES.reduce((sum, t) => sum + (counts[t] ?? 0), 0)
  return (
    <span className={css.bar} role="img" aria-label={label} title={label}>
      {total > 0 &&
        TONES.filter((t) => counts[t]).map((t) => (
          <span key={t} style={{ background: toneColor(t), flexGrow: counts[t] }} />
        ))}
    </span>
  )
}
