import { Select, TextInput } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import type { Tariff } from '../../../api'
import { InstantInput, Panel } from '../../../design'
import css from '../tariff.module.css'
import { useFault } from './errors'
import { CapFields } from './fields'
import type { Update } from './types'

const TYPES = ['AD_HOC_PAYMENT', 'REGULAR', 'PROFILE_CHEAP', 'PROFILE_FAST', 'PROFILE_GREEN'] as const
const TAXES = ['YES', 'NO', 'N/A'] as const

interface Props {
  draft: Tariff
  update: Update
  /** An existing tariff keeps its name. */
  fixedId: boolean
}

/** What holds for a tariff as a whole. */
export function Basics({ draft, update, fixedId }: Props) {
  const { t } = useTranslation()
  const currency = draft.currency ?? ''
  return (
    <Panel title={t('tariff.edit.basics')}>
      <div className={css.fields} style={{ alignItems: 'start' }}>
        <TextInput
          label={t('tariff.field.id')}
          description={t('tariff.edit.idHelp')}
          inputWrapperOrder={['label', 'input', 'description', 'error']}
          error={useFault('id')}
          value={draft.id ?? ''}
          onChange={(e) => {
            const id = e.currentTarget.value
            update((d) => (d.id = id))
          }}
          readOnly={fixedId}
          maxLength={36}
          data-testid="tariff-id"
        />
        <TextInput
          label={t('tariff.field.currency')}
          error={useFault('currency')}
          value={currency}
          maxLength={3}
          onChange={(e) => {
            const value = e.currentTarget.value.toUpperCase()
            update((d) => (d.currency = value))
          }}
        />
        <Select
          label={t('tariff.field.tax')}
          data={TAXES.map((value) => ({ value, label: t(`tariff.tax.${value === 'N/A' ? 'NONE' : value}`) }))}
          value={draft.tax_included ?? 'NO'}
          onChange={(v) => update((d) => (d.tax_included = v === 'NO' ? undefined : ((v ?? undefined) as Tariff['tax_included'])))}
          allowDeselect={false}
          error={useFault('tax_included')}
        />
        <Select label={t('tariff.field.type')} data={TYPES.map((value) => ({ value, label: t(`tariff.type.${value}`) }))} value={draft.type ?? null} onChange={(v) => update((d) => (d.type = (v ?? undefined) as Tariff['type']))} clearable placeholder={t('tariff.type.ALL')} />
      </div>
      <h3 className={css.sub}>{t('tariff.edit.limits')}</h3>
      <div className={css.fields} style={{ alignItems: 'start' }}>
        <CapFields place="min_price" label={t('tariff.edit.minPrice')} currency={currency} value={draft.min_price} onChange={(v) => update((d) => (d.min_price = v))} />
        <CapFields place="max_price" label={t('tariff.edit.maxPrice')} currency={currency} value={draft.max_price} onChange={(v) => update((d) => (d.max_price = v))} />
      </div>
      <h3 className={css.sub}>{t('tariff.field.valid')}</h3>
      <div className={css.fields} style={{ alignItems: 'start' }}>
        <InstantInput label={t('tariff.edit.validFrom')} error={useFault('start_date_time')} value={draft.start_date_time} onChange={(at) => update((d) => (d.start_date_time = at))} />
        <InstantInput label={t('tariff.edit.validTo')} error={useFault('end_date_time')} value={draft.end_date_time} onChange={(at) => update((d) => (d.end_date_time = at))} />
      </div>
      <p className={css.help}>{t('tariff.edit.validHelp')}</p>
    </Panel>
  )
}
