import { useTranslation } from 'react-i18next'
import { useList, type Wish } from '../../../api'
import { Ago, Empty, IconCheck, ListView, NONE, Panel, useUrlListState, type Column, type FilterDef } from '../../../design'
import { StationLink } from '../StationLink'
import { DesiredBadge, useRuleName } from '../variables/Desired'

const STATES = ['pending', 'met', 'reboot_required', 'rejected', 'unsupported', 'read_only', 'unverified', 'drifted'] as const

/** Every variable that is not what it is to be, over all stations. */
export function DriftList() {
  const { t } = useTranslation()
  const state = useUrlListState('-drifted_at')
  // Without a filter of its own the list shows what deviates, not the thousands that are well.
  const narrowed = Object.keys(state.params).some((k) => k !== 'sort')
  const list = useList<Wish>('/desired-variables', narrowed ? state.params : { ...state.params, drifted: 'true' })
  const filters: FilterDef[] = [
    { field: 'drifted', label: t('device.desired.drift'), kind: 'bool' },
    { field: 'status', label: t('device.field.status'), kind: 'enum', options: STATES.map((s) => ({ value: s, label: t(`device.desired.status.${s}`) })) },
    { field: 'station_id', label: t('device.station'), kind: 'text' },
    { field: 'component', label: t('device.field.component'), kind: 'text' },
    { field: 'rule', label: t('device.desired.by'), kind: 'text' },
  ]
  return (
    <Panel flush>
      <ListView
        name="drift"
        label={t('device.template.tab.drift')}
        list={list}
        state={state}
        columns={useColumns()}
        filters={filters}
        search={{ param: 'variable[contains]', placeholder: t('device.template.driftSearch') }}
        rowKey={(w) => `${w.station_id} ${w.path}`}
        empty={
          <Empty icon={<IconCheck size={22} aria-hidden />} title={t('device.template.noDrift')}>
            {t('device.template.noDriftHint')}
          </Empty>
        }
      />
    </Panel>
  )
}

function useColumns(): Column<Wish>[] {
  const { t } = useTranslation()
  const rule = useRuleName()
  return [
    { id: 'station', header: t('device.station'), sort: 'station_id', card: 'lead', width: 140, cell: (w) => <StationLink station={w.station_id} tab="variables" /> },
    { id: 'path', header: t('device.field.name'), sort: 'path', cell: (w) => <code title={w.path}>{`${w.component}.${w.variable}`}</code> },
    { id: 'status', header: t('device.field.status'), sort: 'status', card: 'badge', width: 170, cell: (w) => <DesiredBadge status={w.status as (typeof STATES)[number]} /> },
    { id: 'value', header: t('device.desired.wanted'), cell: (w) => <code title={w.value}>{w.value || NONE}</code> },
    { id: 'actual', header: t('device.desired.actual'), cell: (w) => <code title={w.actual}>{w.actual || NONE}</code> },
    { id: 'rule', header: t('device.desired.by'), cell: (w) => <span title={w.rule}>{rule(w.rule)}</span> },
    { id: 'since', header: t('device.history.at'), sort: 'drifted_at', width: 130, cell: (w) => <Ago at={w.drifted_at} /> },
  ]
}
