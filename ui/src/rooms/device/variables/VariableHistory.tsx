import { useTranslation } from 'react-i18next'
import { stationPath, useAll, variablePath, type PastValue, type Variable } from '../../../api'
import { Chart, DataTable, Failed, Instant, NONE, useFormat, type Column } from '../../../design'
import { numbersOf } from './history'

const MOST = 500

/** The values a variable had: as a curve where they are numbers, and as a list. */
export function VariableHistory({ station, variable: v }: { station: string; variable: Variable }) {
  const { t } = useTranslation()
  const f = useFormat()
  const { rows, loading, problem, retry } = useAll<PastValue>(`${stationPath(station)}/variables/history`, { path: variablePath(v), sort: '-at' }, { max: MOST })
  if (problem) return <Failed problem={problem} retry={retry} />
  const columns: Column<PastValue>[] = [
    { id: 'at', header: t('device.history.at'), card: 'lead', width: 200, cell: (x) => <Instant at={x.at} form="timeSeconds" /> },
    { id: 'value', header: t('device.field.value'), cell: (x) => <code>{x.value || NONE}</code> },
    { id: 'source', header: t('device.history.source'), cell: (x) => x.source },
  ]
  const curve = numbersOf(rows ?? [])
  return (
    <>
      {curve && (
        <Chart
          label={t('device.history.title')}
          times={curve.times}
          series={[{ label: v.variable, values: curve.values, color: 'var(--tone-active)', format: (n) => `${f.number(n, 2)}${v.unit ? ` ${v.unit}` : ''}` }]}
          height={150}
        />
      )}
      <DataTable label={t('device.history.title')} rows={rows ?? []} columns={columns} rowKey={(x) => `${x.at}/${x.source}/${x.value}`} loading={loading} empty={<p>{t('device.history.none')}</p>} />
    </>
  )
}
