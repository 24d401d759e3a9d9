import { ActionIcon, Button, Select, TextInput } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { useAll, type GroupEntry, type Tariff } from '../../../api'
import { IconPlus, IconX } from '../../../design'
import { AUDIENCES, type Audience } from '../audience'
import edit from '../edit.module.css'
import css from '../tariff.module.css'

interface Props {
  rows: GroupEntry[]
  onChange: (rows: GroupEntry[]) => void
  readOnly: boolean
}

/** Audiences that name somebody: which partner, fleet, plan, group or provider. */
const NAMED: Audience[] = ['partner', 'fleet', 'subscription', 'driver_group', 'roaming']

/** What each audience pays. */
export function Entries({ rows, onChange, readOnly }: Props) {
  const { t } = useTranslation()
  const tariffs = useTariffChoice()
  const set = (i: number, change: Partial<GroupEntry>) => onChange(rows.map((r, n) => (n === i ? { ...r, ...change } : r)))
  return (
    <>
      <p className={css.note}>{t('tariff.group.entriesHint')}</p>
      {rows.map((r, i) => (
        <div key={i} className={edit.entry}>
          <Select label={t('tariff.audience.label')} data={AUDIENCES.map((value) => ({ value, label: t(`tariff.audience.${value}`) }))} value={r.audience} onChange={(v) => v && set(i, { audience: v as GroupEntry['audience'], ref: undefined })} allowDeselect={false} readOnly={readOnly} />
          {NAMED.includes(r.audience as Audience) ? (
            <TextInput label={t('tariff.group.ref')} placeholder={t('tariff.group.any')} value={r.ref ?? ''} onChange={(e) => set(i, { ref: e.currentTarget.value || undefined })} readOnly={readOnly} />
          ) : (
            <span />
          )}
          <Select label={t('tariff.field.id')} data={tariffs} value={r.tariff || null} onChange={(v) => set(i, { tariff: v ?? '' })} searchable readOnly={readOnly} data-testid={`entry-tariff-${i}`} />
          {!readOnly && (
            <ActionIcon className={edit.remove} variant="subtle" color="gray" aria-label={t('tariff.group.dropEntry', { number: i + 1 })} onClick={() => onChange(rows.filter((_, n) => n !== i))}>
              <IconX size={16} aria-hidden />
            </ActionIcon>
          )}
        </div>
      ))}
      {!readOnly && (
        <Button size="xs" variant="default" leftSection={<IconPlus size={14} aria-hidden />} onClick={() => onChange([...rows, { audience: 'driver_group', tariff: '' }])}>
          {t('tariff.group.addEntry')}
        </Button>
      )}
    </>
  )
}

/** The tariffs to choose from, by id. */
export function useTariffChoice() {
  const { rows } = useAll<Tariff>('/tariffs', { status: 'active', sort: 'id' }, { max: 5_000 })
  return [...new Set((rows ?? []).map((x) => x.id ?? ''))].filter(Boolean)
}
