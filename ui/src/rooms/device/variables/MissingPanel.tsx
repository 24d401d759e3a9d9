import { useTranslation } from 'react-i18next'
import { stationPath, useOne, type MissingVariables } from '../../../api'
import { DataTable, Empty, Failed, IconCheck, Loading, NONE, Panel, type Column } from '../../../design'
import css from '../device.module.css'

type Row = MissingVariables['missing'][number]

/** What the standard requires of a station of this version, and the station never named. */
export function MissingPanel({ station }: { station: string }) {
  const { t } = useTranslation()
  const { data, problem, retry } = useOne<MissingVariables>(`${stationPath(station)}/missing-variables`)
  if (problem) return <Failed problem={problem} retry={retry} />
  if (!data) return <Loading />
  const columns: Column<Row>[] = [
    { id: 'name', header: t('device.field.name'), card: 'lead', width: 360, cell: (m) => <code>{m.key ?? `${m.component}.${m.variable}${m.instance ? `[${m.instance}]` : ''}`}</code> },
    { id: 'meaning', header: t('device.field.meaning'), cell: (m) => <span title={m.meaning}>{m.meaning}</span> },
    { id: 'type', header: t('device.field.type'), width: 140, cell: (m) => [m.data_type, m.unit].filter(Boolean).join(', ') || NONE },
  ]
  return (
    <Panel flush>
      <p className={css.note}>{t('device.missing.hint', { protocol: data.protocol })}</p>
      <DataTable
        label={t('device.part.missing')}
        rows={data.missing}
        columns={columns}
        rowKey={(m) => `${m.component}/${m.variable}/${m.instance ?? ''}`}
        empty={<Empty icon={<IconCheck size={22} aria-hidden />} title={t('device.missing.none')} />}
      />
    </Panel>
  )
}
