import { Link } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { useList, useMay, useOne, type Cdr, type Session } from '../../api'
import { DataTable, NONE, Panel, useFormat, type Column } from '../../design'
import { costLines, type Line } from './cost'

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
      flush
      actions={
        <Link to="/cdrs/$cdrId" params={{ cdrId: cdr.id }} className="link" data-testid="cdr-link">
          {t('billing.openCdr')}
        </Link>
      }
    >
      <CostLines lines={costLines(cdr)} currency={cdr.cost.currency} />
      {cdr.note && <p style={{ margin: 0, padding: '4px 18px 14px', color: 'var(--ink-2)', fontSize: 13.5 }}>{cdr.note}</p>}
    </Panel>
  )
}

export function CostLines({ lines, currency }: { lines: Line[]; currency: string }) {
  const { t } = useTranslation()
  const f = useFormat()
  const money = (amount: string) => f.money({ amount, currency })
  const quantity = (l: Line) => (l.quantity === undefined ? NONE : `${f.number(Number(l.quantity), 3)} ${l.unit ?? ''}`)
  const what = (l: Line) => {
    const kind = (l.dimension ?? l.kind).toLowerCase()
    return t(`billing.kind.${kind}`, { defaultValue: kind })
  }
  const columns: Column<Line>[] = [
    { id: 'what', header: t('billing.what'), card: 'lead', cell: what },
    { id: 'quantity', header: t('billing.quantity'), align: 'right', cell: quantity },
    { id: 'price', header: t('billing.unitPrice'), align: 'right', cell: (l) => (l.unit_price ? money(l.unit_price) : NONE) },
    { id: 'excl', header: t('billing.exclVat'), align: 'right', cell: (l) => money(l.excl_vat) },
    { id: 'incl', header: t('billing.inclVat'), align: 'right', cell: (l) => money(l.incl_vat) },
    { id: 'why', header: t('billing.why'), card: 'no', cell: (l) => <Why line={l} /> },
  ]
  if (lines.length === 0) return null
  return (
    <DataTable
      label={t('billing.cost')}
      rows={lines}
      columns={lines.some((l) => l.explanation?.length) ? columns : columns.filter((c) => c.id !== 'why')}
      rowKey={(l) => `${l.kind}/${l.dimension}/${l.unit_price}/${l.quantity}/${l.incl_vat}`}
    />
  )
}

function Why({ line }: { line: Line }) {
  const text = (line.explanation ?? []).join('; ')
  return (
    <span title={text} style={{ color: 'var(--ink-2)', fontSize: 13 }}>
      {text}
    </span>
  )
}
