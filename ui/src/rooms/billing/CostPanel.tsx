import { Link } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { useList, useMay, useOne, type Cdr, type Session } from '../../api'
import { Panel } from '../../design'
import css from './billing.module.css'
import { costLines } from './cost'
import { PriceLines } from './PriceLines'

/** What a session costs and why; once it is billed, from its charge detail record. */
export function CostPanel({ session }: { session: Session }) {
  const { t } = useTranslation()
  const may = useMay('cdr.read')
  const ended = Boolean(session.ended_at)
  const newest = { session_id: session.id, kind: 'cdr', sort: '-issued_at' }
  const { rows } = useList<Cdr>('/cdrs', newest, { limit: 1, enabled: may && ended, refetchInterval: ended ? 30_000 : false })
  const id = rows[0]?.id
  const { data: cdr } = useOne<Cdr>(`/cdrs/${encodeURIComponent(id ?? '')}`, { enabled: id !== undefined })
  if (!cdr) return null
  return (
    <Panel
      title={cdr.tariff ? t('billing.costBy', { tariff: cdr.tariff }) : t('billing.cost')}
      actions={
        <Link to="/cdrs/$cdrId" params={{ cdrId: cdr.id }} className="link" data-testid="cdr-link">
          {t('billing.openCdr')}
        </Link>
      }
    >
      <PriceLines lines={costLines(cdr)} currency={cdr.cost.currency} total={cdr.cost} />
      {cdr.note && <p className={css.note}>{cdr.note}</p>}
    </Panel>
  )
}
