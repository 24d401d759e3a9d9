import { Select, TextInput, Tooltip } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { ActionList, Station } from '../../../api'
import { IconSearch, Panel } from '../../../design'
import command from '../command/command.module.css'
import css from './console.module.css'
import { choicesFor, type ActionChoice } from './useActions'

/** What is chosen: a ready form, an action by its schema, or a raw message. */
export type Chosen = { kind: 'form' | 'action' | 'raw'; action: string }

interface Props {
  station: Station
  forms: string[]
  actions: ActionList | undefined
  mayRaw: boolean
  chosen: Chosen
  choose: (c: Chosen) => void
}

/** The messages a station's version has of its own. */
export const rawActions = (list: ActionList | undefined, protocol: string | undefined): string[] => (list?.raw ?? []).find((r) => r.version === protocol)?.actions ?? []

/** A searchable list on a desk; on a phone, one choice. */
export function ActionPicker(p: Props) {
  const { t } = useTranslation()
  const [search, setSearch] = useState('')
  const groups = useGroups(p, search)
  return (
    <>
      <Panel flush className={`${command.actionPanel} ${css.panel}`}>
        <div className={css.search}>
          <TextInput
            type="search"
            size="xs"
            value={search}
            onChange={(e) => setSearch(e.currentTarget.value)}
            placeholder={t('station.console.search')}
            aria-label={t('station.console.search')}
            leftSection={<IconSearch size={14} aria-hidden />}
            data-testid="action-search"
          />
        </div>
        <div className={command.actions} role="group" aria-label={t('station.command.choose')}>
          {groups.map((g) => (
            <div key={g.kind}>
              {g.items.length > 0 && <div className={css.group}>{g.title}</div>}
              {g.items.map((x) => (
                <Item key={x.action} item={x} kind={g.kind} current={p.chosen.kind === g.kind && p.chosen.action === x.action} choose={p.choose} />
              ))}
            </div>
          ))}
        </div>
      </Panel>
      <Select
        className={command.choice}
        label={t('station.command.choose')}
        searchable
        data={groups.map((g) => ({
          group: g.title,
          items: g.items.map((x) => ({ value: `${g.kind}:${x.action}`, label: x.label, disabled: !x.possible })),
        }))}
        value={`${p.chosen.kind}:${p.chosen.action}`}
        onChange={(v) => v && p.choose({ kind: v.split(':')[0] as Chosen['kind'], action: v.slice(v.indexOf(':') + 1) })}
        allowDeselect={false}
      />
    </>
  )
}

type Named = ActionChoice & { label: string }

function useGroups(p: Props, search: string) {
  const { t } = useTranslation()
  const wanted = search.trim().toLowerCase()
  const all = p.actions ? choicesFor(p.actions, p.station.protocol, search).map((x): Named => ({ ...x, label: x.action })) : []
  const forms = p.forms
    .map((action): Named => ({ action, label: t(`station.command.action.${action}`), versions: [], possible: true }))
    .filter((x) => `${x.label} ${x.action}`.toLowerCase().includes(wanted))
  const raw = p.mayRaw
    ? rawActions(p.actions, p.station.protocol)
        .filter((a) => a.toLowerCase().includes(wanted))
        .map((action): Named => ({ action, label: action, versions: [], possible: true }))
    : []
  return [
    { kind: 'form' as const, title: t('station.console.common'), items: forms },
    { kind: 'action' as const, title: t('station.console.all'), items: all },
    { kind: 'raw' as const, title: t('station.console.raw', { protocol: p.station.protocol ?? '' }), items: raw },
  ]
}

const TEST_ID: Record<Chosen['kind'], string> = { form: 'action', action: 'any', raw: 'raw' }

function Item({ item: x, kind, current, choose }: { item: Named; kind: Chosen['kind']; current: boolean; choose: (c: Chosen) => void }) {
  const { t } = useTranslation()
  const button = (
    <button
      type="button"
      className={command.action}
      aria-current={current}
      aria-disabled={!x.possible}
      onClick={() => x.possible && choose({ kind, action: x.action })}
      data-testid={`${TEST_ID[kind]}-${x.action}`}
    >
      {x.label}
    </button>
  )
  if (x.possible) return button
  return (
    <Tooltip label={t('station.console.onlyIn', { versions: x.versions.join(', ') })} position="right">
      {button}
    </Tooltip>
  )
}
