import { useTranslation } from 'react-i18next'
import type { Quirk } from '../../../api'
import { DataTable, Panel, Quiet, ToneBadge, type Column, type Tone } from '../../../design'
import css from './quirks.module.css'

const TONES: Record<Quirk['applies'], Tone> = { everybody: 'good', model: 'active', switch: 'idle' }

/** Rows of the table of quirks about stations of this make. */
export function KnownQuirks({ rows }: { rows: Quirk[] }) {
  const { t } = useTranslation()
  const columns: Column<Quirk>[] = [
    { id: 'id', header: t('quirk.id'), width: 70, card: 'lead', cell: (q) => <code>{q.id}</code> },
    { id: 'behaviour', header: t('quirk.behaviour'), cell: (q) => <span className={css.text}>{q.behaviour}</span> },
    { id: 'response', header: t('quirk.response'), cell: (q) => <span className={css.text}>{q.response}</span> },
    {
      id: 'applies',
      header: t('quirk.applies'),
      card: 'badge',
      cell: (q) => (
        <ToneBadge tone={TONES[q.applies]} title={q.switch}>
          {t(`quirk.to.${q.applies}`)}
        </ToneBadge>
      ),
    },
    { id: 'stations', header: t('quirk.seenOn'), cell: (q) => <span className={css.text}>{q.stations}</span> },
    { id: 'source', header: t('quirk.source'), card: 'no', cell: (q) => <span className={css.text}>{q.source}</span> },
  ]
  return (
    <Panel title={t('quirk.known')} flush>
      <p className={css.note}>{t('quirk.knownHint')}</p>
      <DataTable label={t('quirk.known')} rows={rows} columns={columns} rowKey={(q) => q.id} empty={<Quiet good>{t('quirk.noneKnown')}</Quiet>} />
    </Panel>
  )
}
