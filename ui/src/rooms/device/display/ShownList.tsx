import { useTranslation } from 'react-i18next'
import { stationPath, useList, type ShownMessage } from '../../../api'
import { Ago, DataTable, Empty, IconMessage, NONE, ProblemAlert, ToneBadge, type Column, type Tone } from '../../../design'
import { StationLink } from '../StationLink'

const TONE: Record<ShownMessage['state'], Tone> = { pending: 'active', applied: 'good', failed: 'bad' }

interface Props {
  /** One message at all stations, or all messages of one station. */
  message?: string
  station?: string
  /** What a message says, by its id. */
  textOf?: (id: string) => string | undefined
}

/** How messages stand at stations. */
export function ShownList({ message, station, textOf }: Props) {
  const { t } = useTranslation()
  const path = station ? `${stationPath(station)}/display-messages` : '/display-message-states'
  const list = useList<ShownMessage>(path, { ...(message ? { message } : {}), sort: '-changed_at' }, { refetchInterval: 5_000 })
  const lead: Column<ShownMessage> = station
    ? { id: 'message', header: t('device.display.text'), card: 'lead', cell: (s) => textOf?.(s.message) ?? `#${s.number}` }
    : { id: 'station', header: t('device.station'), card: 'lead', width: 160, cell: (s) => <StationLink station={s.station} tab="display" /> }
  const columns: Column<ShownMessage>[] = [
    lead,
    { id: 'state', header: t('device.field.status'), card: 'badge', width: 140, cell: (s) => <ToneBadge tone={TONE[s.state]}>{t(`device.display.shown.${s.state}`)}</ToneBadge> },
    { id: 'reason', header: t('device.template.why'), cell: (s) => <span title={s.reason}>{s.reason || NONE}</span> },
    { id: 'at', header: t('device.display.changed'), width: 130, cell: (s) => <Ago at={s.changed_at} /> },
  ]
  return (
    <>
      <ProblemAlert problem={list.problem} />
      <DataTable
        label={t('device.display.atStations')}
        rows={list.rows}
        columns={columns}
        rowKey={(s) => `${s.station}/${s.message}`}
        loading={list.loading}
        hasMore={list.hasMore}
        more={list.more}
        moreByHand
        empty={<Empty icon={<IconMessage size={22} aria-hidden />} title={t('device.display.noneShown')} />}
      />
    </>
  )
}
