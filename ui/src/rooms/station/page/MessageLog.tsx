import { Alert, Switch } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { stationPath, useList, useOne, useRefreshOn, type ListResult, type Message, type MessageGaps } from '../../../api'
import {
  Empty,
  Failed,
  IconArrowDown,
  IconArrowUp,
  IconChevronDown,
  IconChevronRight,
  IconSend,
  Instant,
  Json,
  Loading,
  More,
  Panel,
  ToneBadge,
  Toolbar,
  useLocalListState,
  type FilterDef,
} from '../../../design'
import { preview } from './frame'
import css from './page.module.css'

const TAIL_MS = 2_000
const GAPS = 5

/** Every frame between the station and the platform, newest first. */
export function MessageLog({ station, zone }: { station: string; zone?: string }) {
  const { t } = useTranslation()
  const [tail, setTail] = useState(true)
  const state = useLocalListState('-at')
  const path = `${stationPath(station)}/messages`
  const list = useList<Message>(path, state.params, { refetchInterval: tail ? TAIL_MS : false })
  useRefreshOn((e) => tail && e.station === station, [path], 500)
  return (
    <Panel flush>
      <Gaps zone={zone} />
      <Toolbar
        state={state}
        filters={useFilters()}
        search={{ param: 'payload[contains]', placeholder: t('station.messages.search') }}
        csv={list.csv}
        extra={<Switch label={t('station.messages.tail')} checked={tail} onChange={(e) => setTail(e.currentTarget.checked)} />}
      />
      <Frames list={list} zone={zone} />
    </Panel>
  )
}

/** Under pressure the log keeps only a part of the routine frames; who reads it must know when that was. */
function Gaps({ zone }: { zone?: string }) {
  const { t } = useTranslation()
  const { data } = useOne<MessageGaps>('/message-gaps', { refetchInterval: 60_000 })
  const gaps = data?.items ?? []
  if (gaps.length === 0) return null
  return (
    <Alert color="yellow" variant="light" radius={0} title={t('station.messages.thinned')} data-testid="message-gaps">
      {t('station.messages.thinnedHint')}
      <ul className={css.gaps}>
        {gaps.slice(0, GAPS).map((g) => (
          <li key={`${g.node}/${g.from}`}>
            <Instant at={g.from} zone={zone} /> – <Instant at={g.to} zone={zone} />
          </li>
        ))}
      </ul>
      {gaps.length > GAPS && t('station.messages.thinnedMore', { count: gaps.length - GAPS })}
    </Alert>
  )
}

function Frames({ list, zone }: { list: ListResult<Message>; zone?: string }) {
  const { t } = useTranslation()
  if (list.problem) return <Failed problem={list.problem} retry={list.retry} />
  if (list.loading) return <Loading />
  if (list.rows.length === 0) {
    return (
      <Empty icon={<IconSend size={22} aria-hidden />} title={t('station.messages.empty')}>
        {t('station.messages.emptyHint')}
      </Empty>
    )
  }
  return (
    <>
      <ul className={css.frames} aria-label={t('station.tab.messages')}>
        {list.rows.map((m) => (
          <Frame key={m.id} message={m} zone={zone} />
        ))}
      </ul>
      {list.hasMore && <More key={list.rows.length} more={list.more} />}
    </>
  )
}

function Frame({ message: m, zone }: { message: Message; zone?: string }) {
  const { t } = useTranslation()
  const [open, setOpen] = useState(false)
  const Direction = m.direction === 'in' ? IconArrowUp : IconArrowDown
  const Chevron = open ? IconChevronDown : IconChevronRight
  const direction = t(`station.messages.direction.${m.direction}`)
  return (
    <li className={css.frame}>
      <button type="button" className={css.frameHead} aria-expanded={open} onClick={() => setOpen((o) => !o)}>
        <Instant at={m.at} zone={zone} form="timeSeconds" />
        <span style={{ display: 'inline-flex', alignItems: 'center', gap: 5 }} title={direction}>
          <Direction size={15} aria-label={direction} color={m.direction === 'in' ? 'var(--tone-active)' : 'var(--tone-held)'} />
          <ToneBadge tone={m.type === 'error' ? 'bad' : 'idle'}>{t(`station.messages.type.${m.type}`)}</ToneBadge>
        </span>
        <strong className={css.action}>{m.action || '–'}</strong>
        <span className={css.preview}>{preview(m.payload)}</span>
        <Chevron size={16} aria-hidden className={css.chevron} />
      </button>
      {open && (
        <div className={css.frameBody}>
          <div className={css.frameMeta}>
            <Instant at={m.at} zone={zone} />
            <span>{direction}</span>
            {m.message_id && (
              <span>
                {t('station.messages.id')} <code>{m.message_id}</code>
              </span>
            )}
          </div>
          <Json value={m.payload} />
        </div>
      )}
    </li>
  )
}

function useFilters(): FilterDef[] {
  const { t } = useTranslation()
  return [
    { field: 'action', label: t('station.messages.action'), kind: 'text' },
    {
      field: 'direction',
      label: t('station.messages.directionLabel'),
      kind: 'enum',
      options: (['in', 'out'] as const).map((d) => ({ value: d, label: t(`station.messages.direction.${d}`) })),
    },
    {
      field: 'type',
      label: t('station.messages.typeLabel'),
      kind: 'enum',
      options: (['call', 'result', 'error', 'send'] as const).map((x) => ({ value: x, label: t(`station.messages.type.${x}`) })),
    },
    { field: 'message_id', label: t('station.messages.id'), kind: 'text' },
    { field: 'at', label: t('station.messages.at'), kind: 'time' },
  ]
}
