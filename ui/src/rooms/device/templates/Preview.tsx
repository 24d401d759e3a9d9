import { useTranslation } from 'react-i18next'
import type { TemplatePreview } from '../../../api'
import { DataTable, Empty, IconCheck, NONE, Panel, ToneBadge, type Column, type Tone } from '../../../design'
import css from '../device.module.css'
import { StationLink } from '../StationLink'

type Change = TemplatePreview['changes'][number]

const TONE: Record<Change['what'], Tone> = { change: 'active', unknown_variable: 'idle', overruled: 'held', impossible: 'bad' }

/** What a template would do, station by station, before it does it. */
export function Preview({ preview: p }: { preview: TemplatePreview }) {
  const { t } = useTranslation()
  const columns: Column<Change>[] = [
    { id: 'station', header: t('device.station'), card: 'lead', width: 140, cell: (c) => <StationLink station={c.station_id} tab="variables" /> },
    { id: 'path', header: t('device.field.name'), cell: (c) => <code title={c.path}>{c.path}</code> },
    { id: 'what', header: t('device.template.what'), card: 'badge', width: 190, cell: (c) => <ToneBadge tone={TONE[c.what]}>{t(`device.template.change.${c.what}`)}</ToneBadge> },
    { id: 'actual', header: t('device.desired.actual'), cell: (c) => <code title={c.actual}>{c.actual || NONE}</code> },
    { id: 'wanted', header: t('device.desired.wanted'), cell: (c) => <code title={c.wanted}>{c.wanted || NONE}</code> },
    { id: 'why', header: t('device.template.why'), cell: (c) => <span title={c.problem ?? c.by}>{c.problem ?? c.by ?? NONE}</span> },
  ]
  return (
    <Panel title={t('device.template.dryRun')} flush>
      <p className={css.note} role="status" data-testid="template-dry-run">
        {t('device.template.previewSum', { stations: p.stations, changing: p.changing, same: p.same })} {p.more && t('device.template.previewMore')}
      </p>
      <DataTable
        label={t('device.template.dryRun')}
        rows={p.changes}
        columns={columns}
        rowKey={(c) => `${c.station_id} ${c.path}`}
        empty={<Empty icon={<IconCheck size={22} aria-hidden />} title={t('device.template.previewNone')} />}
      />
    </Panel>
  )
}
