import { Alert, Button, Loader } from '@mantine/core'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { IconAlert, IconCheck, IconRefresh } from './icons'
import css from './layout.module.css'

/** What a failed request says; the shape of api.Problem. */
export interface ProblemLike {
  status: number
  title: string
  detail: string
  unreachable: boolean
  errors: { location?: string; message: string }[]
}

interface EmptyProps {
  icon?: ReactNode
  title: string
  /** What to do next. */
  children?: ReactNode
  action?: ReactNode
}

export function Empty({ icon, title, children, action }: EmptyProps) {
  return (
    <div className={css.message}>
      {icon && <div className={css.messageIcon}>{icon}</div>}
      <strong>{title}</strong>
      {children && <p>{children}</p>}
      {action && <div style={{ marginTop: 10 }}>{action}</div>}
    </div>
  )
}

/** Nothing to see, and that is as it should be: one line, for one panel among others. */
export function Quiet({ children, good }: { children: ReactNode; good?: boolean }) {
  return (
    <p className={css.quiet}>
      {good && <IconCheck size={16} aria-hidden />}
      {children}
    </p>
  )
}

/** The whole of a page or panel could not be read. */
export function Failed({ problem, retry }: { problem: ProblemLike; retry?: () => void }) {
  const { t } = useTranslation()
  return (
    <div className={css.message} role="alert">
      <div className={`${css.messageIcon} ${css.bad}`}>
        <IconAlert size={22} aria-hidden />
      </div>
      <strong>{problemTitle(problem, t)}</strong>
      <ProblemText problem={problem} />
      {retry && (
        <Button variant="default" mt={10} leftSection={<IconRefresh size={16} aria-hidden />} onClick={retry}>
          {t('design.retry')}
        </Button>
      )}
    </div>
  )
}

/** A form's or command's failure, above or below what caused it. */
export function ProblemAlert({ problem }: { problem: ProblemLike | undefined }) {
  const { t } = useTranslation()
  if (!problem) return null
  return (
    <Alert color="red" variant="light" icon={<IconAlert size={18} aria-hidden />} title={problemTitle(problem, t)} role="alert">
      <ProblemText problem={problem} />
    </Alert>
  )
}

function ProblemText({ problem }: { problem: ProblemLike }) {
  const { t } = useTranslation()
  if (problem.unreachable) return <p style={{ margin: 0 }}>{t('design.problem.unreachableHint')}</p>
  return (
    <>
      {problem.detail && <p style={{ margin: 0 }}>{problem.detail}</p>}
      {problem.errors.length > 0 && (
        <ul style={{ margin: '4px 0 0', paddingLeft: 18, textAlign: 'left' }}>
          {problem.errors.map((e, i) => (
            <li key={i}>
              {e.location && <code>{e.location}: </code>}
              {e.message}
            </li>
          ))}
        </ul>
      )}
    </>
  )
}

const KNOWN = [0, 401, 403, 404, 409, 422, 429, 501, 503] as const

function problemTitle(p: ProblemLike, t: ReturnType<typeof useTranslation>['t']): string {
  const known = KNOWN.find((s) => s === p.status)
  if (known !== undefined) return t(`design.problem.${known}`)
  return p.status >= 500 ? t('design.problem.500') : p.title || t('design.problem.400')
}

export function Loading() {
  const { t } = useTranslation()
  return (
    <div className={css.message} role="status" aria-label={t('design.loading')}>
      <Loader size="sm" />
    </div>
  )
}
