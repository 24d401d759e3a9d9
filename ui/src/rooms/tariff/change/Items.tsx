import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { Button } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { get, type PriceChange, type PriceChangeItems } from '../../../api'
import { DataTable, NONE, Panel, ToneBadge, type Column, type Tone } from '../../../design'
import { PlaceName } from '../page/WherePanel'
import css from '../tariff.module.css'

type Item = PriceChangeItems['items'][number]
const TONE: Record<Item['state'], Tone> = { planned: 'wait', applied: 'good', failed: 'bad', rolled_back: 'idle' }
const PAGE = 200

/** What a change does: before and after, item by item. */
export function Items({ path, change: c }: { path: string; change: PriceChange }) {
  const { t } = useTranslation()
  const [after, setAfter] = useState(0)
  const { data } = useQuery({
    queryKey: ['change-items', path, after, c.status, c.done],
    queryFn: () => get<PriceChangeItems>(`${path}/items`, { after: after || undefined, limit: PAGE }),
    placeholderData: (old) => old,
  })
  const columns: Column<Item>[] = [
    {
      id: 'what',
      header: t('tariff.change.item'),
      card: 'lead',
      width: 190,
      cell: (x) => (x.kind === 'version' ? <strong>{x.tariff}</strong> : <PlaceName place={{ site: x.site, station_id: x.station_id, evse_id: x.evse_id }} />),
    },
    { id: 'state', header: t('tariff.field.status'), card: 'badge', width: 130, cell: (x) => <ToneBadge tone={TONE[x.state]}>{t(`tariff.change.state.${x.state}`)}</ToneBadge> },
    { id: 'before', header: t('tariff.before'), cell: (x) => <span className={`${css.words} ${css.del}`}>{x.before || NONE}</span> },
    { id: 'after', header: t('tariff.after'), cell: (x) => <span className={`${css.words} ${css.ins}`}>{x.after || NONE}</span> },
    { id: 'problem', header: t('tariff.change.problem'), cell: (x) => <span className={css.words}>{x.problem || NONE}</span> },
  ]
  const rows = data?.items ?? []
  return (
    <Panel title={t('tariff.change.difference')} flush>
      <DataTable label={t('tariff.change.difference')} rows={rows} columns={rows.some((x) => x.problem) ? columns : columns.filter((x) => x.id !== 'problem')} rowKey={(x) => String(x.number)} />
      {(after > 0 || data?.next_after) && (
        <div style={{ padding: 12 }}>
          {after > 0 && (
            <Button size="compact-sm" variant="subtle" onClick={() => setAfter(0)}>
              {t('tariff.change.first')}
            </Button>
          )}
          {data?.next_after && (
            <Button size="compact-sm" variant="subtle" onClick={() => setAfter(data.next_after ?? 0)}>
              {t('design.table.more')}
            </Button>
          )}
        </div>
      )}
    </Panel>
  )
}
