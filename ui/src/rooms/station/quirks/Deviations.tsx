import { useTranslation } from 'react-i18next'
import type { Deviation } from '../../../api'
import { Ago, DataTable, Panel, Quiet, useFormat, type Column } from '../../../design'
import css from './quirks.module.css'

/** Where the station departs from its protocol, and how often. */
export function Deviations({ rows }: { rows: Deviation[] }) {
  const { t } = useTranslation()
  const f = useFormat()
  const columns: Column<Deviation>[] = [
    { id: 'code', header: t('station.deviation.code'), card: 'lead', cell: (d) => <code>{d.code}</code> },
    { id: 'detail', header: t('station.deviation.detail'), cell: (d) => <span className={css.text}>{d.detail}</span> },
    { id: 'action', header: t('station.messages.action'), cell: (d) => d.action || '–' },
    { id: 'count', header: t('station.deviation.count'), align: 'right', cell: (d) => f.number(d.count) },
    { id: 'first', header: t('quirk.first'), card: 'no', cell: (d) => <Ago at={d.first_at} /> },
    { id: 'last', header: t('station.deviation.last'), cell: (d) => <Ago at={d.last_at} /> },
  ]
  return (
    <Panel title={t('station.deviation.title')} flush>
      <p className={css.note}>{t('station.deviation.hint')}</p>
      <DataTable
        label={t('station.deviation.title')}
        rows={rows}
        columns={columns}
        rowKey={(d) => `${d.code}/${d.action}/${d.detail}`}
        empty={<Quiet good>{t('quirk.noDeviations')}</Quiet>}
      />
    </Panel>
  )
}
