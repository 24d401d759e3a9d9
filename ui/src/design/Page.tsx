import { Skeleton, Title } from '@mantine/core'
import { useEffect, type ReactNode } from 'react'
import { IconChevronRight } from './icons'
import css from './layout.module.css'

interface PageProps {
  title: string
  /** Beside the title: states and badges. */
  aside?: ReactNode
  subtitle?: ReactNode
  /** Where this page hangs, outermost first. */
  crumbs?: ReactNode[]
  actions?: ReactNode
  children: ReactNode
}

/** A page with its heading; sets the window's title. */
export function Page({ title, aside, subtitle, crumbs = [], actions, children }: PageProps) {
  useEffect(() => {
    document.title = title ? `${title} · Forecourt` : 'Forecourt'
  }, [title])
  return (
    <div className={css.page}>
      <header className={css.pageHead}>
        <div className={css.pageTitle}>
          {crumbs.length > 0 && (
            <div className={css.crumbs}>
              {crumbs.map((c, i) => (
                <span key={i} style={{ display: 'inline-flex', alignItems: 'center', gap: 4 }}>
                  {c}
                  <IconChevronRight size={13} aria-hidden />
                </span>
              ))}
            </div>
          )}
          <Title order={1}>
            {title}
            {aside}
          </Title>
          {subtitle && <div className={css.subtitle}>{subtitle}</div>}
        </div>
        {actions && <div className={css.actions}>{actions}</div>}
      </header>
      {children}
    </div>
  )
}

interface PanelProps {
  title?: ReactNode
  actions?: ReactNode
  /** No padding around the content: for tables and maps. */
  flush?: boolean
  label?: string
  className?: string
  children: ReactNode
}

export function Panel({ title, actions, flush, label, className, children }: PanelProps) {
  return (
    <section className={className ? `${css.panel} ${className}` : css.panel} aria-label={label}>
      {(title || actions) && (
        <div className={css.panelHead}>
          {typeof title === 'string' ? <Title order={2}>{title}</Title> : title}
          {actions && <div className={css.actions}>{actions}</div>}
        </div>
      )}
      <div className={flush ? (title || actions ? css.flush : undefined) : css.panelBody}>{children}</div>
    </section>
  )
}

/** Panels below each other, or side by side given a grid template. */
export function Grid({ columns, children, gap }: { columns?: string; children: ReactNode; gap?: number }) {
  return (
    <div className={css.grid} style={{ gridTemplateColumns: columns ?? 'minmax(0, 1fr)', gap }}>
      {children}
    </div>
  )
}

/** A short list of names and values. */
export function Facts({ items }: { items: [label: string, value: ReactNode][] }) {
  return (
    <dl className={css.facts}>
      {items.map(([label, value]) => (
        <div key={label}>
          <dt>{label}</dt>
          <dd>{value === undefined || value === null || value === '' ? '–' : value}</dd>
        </div>
      ))}
    </dl>
  )
}

interface StatProps {
  label: string
  icon: ReactNode
  value: ReactNode
  hint?: ReactNode
  onClick?: () => void
  testId?: string
}

/** One figure that matters, optionally a way to what it counts. */
export function Stat({ label, icon, value, hint, onClick, testId }: StatProps) {
  const body = (
    <>
      <div className={css.statLabel}>
        {icon}
        {label}
      </div>
      <div className={`${css.statValue} num`}>{value ?? <Skeleton height={26} width={70} my={4} />}</div>
      <div className={css.statHint}>{hint}</div>
    </>
  )
  return onClick ? (
    <button type="button" className={css.stat} onClick={onClick} data-testid={testId}>
      {body}
    </button>
  ) : (
    <div className={css.stat} data-testid={testId}>
      {body}
    </div>
  )
}
