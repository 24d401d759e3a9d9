import { ActionIcon, Group, Select, Textarea, TextInput } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import type { MessageDraft } from '../../../api'
import { IconPlus, IconX, InstantInput, TextButton } from '../../../design'
import { SiteSelect } from '../../location'
import css from '../device.module.css'
import { StationSelect } from '../StationLink'
import { FORMATS, MOST_CONTENTS, PRIORITIES, STATES } from './message'

interface Props {
  draft: MessageDraft
  onChange: (d: MessageDraft) => void
  /** Where it is shown cannot be changed. */
  fixedPlace: boolean
  readOnly: boolean
}

export function MessageForm({ draft: d, onChange, fixedPlace, readOnly }: Props) {
  const { t } = useTranslation()
  const set = (change: Partial<MessageDraft>) => onChange({ ...d, ...change })
  return (
    <>
      <Texts draft={d} onChange={onChange} readOnly={readOnly} />
      {!fixedPlace && (
        <div className={css.fields}>
          <SiteSelect clearable value={d.site ?? null} onChange={(site) => set({ site: site ?? undefined, station: undefined })} />
          <StationSelect clearable value={d.station ?? null} onChange={(station) => set({ station: station ?? undefined, site: undefined })} />
        </div>
      )}
      <div className={css.fields}>
        <Select label={t('device.display.priority')} data={PRIORITIES.map((p) => ({ value: p, label: t(`device.display.priorities.${p}`) }))} value={d.priority ?? null} onChange={(v) => v && set({ priority: v as MessageDraft['priority'] })} allowDeselect={false} readOnly={readOnly} />
        <Select label={t('device.display.state')} data={STATES.map((s) => ({ value: s, label: t(`device.display.states.${s}`) }))} value={d.state ?? null} onChange={(v) => set({ state: (v ?? undefined) as MessageDraft['state'] })} clearable placeholder={t('device.display.always')} readOnly={readOnly} />
        <InstantInput label={t('device.display.start')} value={d.start_at} onChange={(start_at) => set({ start_at })} readOnly={readOnly} />
        <InstantInput label={t('device.display.end')} value={d.end_at} onChange={(end_at) => set({ end_at })} readOnly={readOnly} />
        {d.station && <TextInput label={t('device.display.transaction')} description={t('device.display.transactionHint')} value={d.transaction ?? ''} onChange={(e) => set({ transaction: e.currentTarget.value })} maxLength={36} readOnly={readOnly} />}
      </div>
    </>
  )
}

function Texts({ draft: d, onChange, readOnly }: Omit<Props, 'fixedPlace'>) {
  const { t } = useTranslation()
  const contents = d.contents ?? []
  const set = (i: number, change: Partial<(typeof contents)[number]>) => onChange({ ...d, contents: contents.map((c, n) => (n === i ? { ...c, ...change } : c)) })
  return (
    <>
      {contents.map((c, i) => (
        <Group key={i} align="flex-start" gap="sm">
          <Textarea label={t('device.display.text')} value={c.text} onChange={(e) => set(i, { text: e.currentTarget.value })} required={i === 0} maxLength={1024} autosize minRows={2} style={{ flex: '1 1 240px' }} readOnly={readOnly} data-testid={`message-text-${i}`} />
          <TextInput label={t('device.display.language')} value={c.language ?? ''} onChange={(e) => set(i, { language: e.currentTarget.value })} maxLength={8} w={90} placeholder="*" readOnly={readOnly} />
          <Select label={t('device.display.format')} data={[...FORMATS]} value={c.format ?? 'UTF8'} onChange={(v) => v && set(i, { format: v as (typeof FORMATS)[number] })} w={110} allowDeselect={false} readOnly={readOnly} />
          {!readOnly && contents.length > 1 && (
            <ActionIcon variant="subtle" color="gray" mt={28} aria-label={t('device.template.removeRow', { number: i + 1 })} onClick={() => onChange({ ...d, contents: contents.filter((_, n) => n !== i) })}>
              <IconX size={16} aria-hidden />
            </ActionIcon>
          )}
        </Group>
      ))}
      {!readOnly && contents.length < MOST_CONTENTS && (
        <div className={css.dim}>
          <TextButton onClick={() => onChange({ ...d, contents: [...contents, { text: '', language: '', format: 'UTF8' }] })}>
            <IconPlus size={13} aria-hidden /> {t('device.display.addLanguage')}
          </TextButton>
        </div>
      )}
    </>
  )
}
