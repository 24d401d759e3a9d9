import { NumberInput, TextInput } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import type { PriceCap } from '../../../api'
import { useFault } from './errors'

interface NumberProps {
  place: string
  label: string
  help?: string
  value: number | undefined
  onChange: (v: number | undefined) => void
  suffix?: string
  /** How many of the stored unit the shown one is: minutes for seconds, 60. */
  factor?: number
  decimals?: number
  required?: boolean
  testId?: string
}

/** A number that may be left out, with the server's complaint beside it. */
export function NumberField({ place, label, help, value, onChange, suffix, factor = 1, decimals = 6, required, testId }: NumberProps) {
  return (
    <NumberInput
      label={label}
      description={help}
      error={useFault(place)}
      value={value === undefined ? '' : value / factor}
      onChange={(v) => onChange(v === '' ? undefined : Math.round(Number(v) * factor * 1e6) / 1e6)}
      suffix={suffix && ` ${suffix}`}
      decimalScale={decimals}
      allowDecimal={decimals > 0}
      required={required}
      hideControls
      data-testid={testId}
      inputWrapperOrder={['label', 'input', 'description', 'error']}
    />
  )
}

interface TimeProps {
  place: string
  label: string
  type: 'time' | 'date'
  value: string | undefined
  onChange: (v: string | undefined) => void
}

/** A time of the local day, or a local date. */
export function ClockField({ place, label, type, value, onChange }: TimeProps) {
  return <TextInput type={type} label={label} error={useFault(place)} value={value ?? ''} onChange={(e) => onChange(e.currentTarget.value || undefined)} />
}

interface CapProps {
  place: string
  label: string
  help?: string
  currency: string
  value: PriceCap | undefined
  onChange: (v: PriceCap | undefined) => void
}

/** An amount before and after tax; the one left out follows from the other. */
export function CapFields({ place, label, help, currency, value, onChange }: CapProps) {
  const { t } = useTranslation()
  const whole = useFault(place)
  const set = (change: PriceCap) => {
    const next = { ...value, ...change }
    onChange(next.excl_vat === undefined && next.incl_vat === undefined ? undefined : next)
  }
  return (
    <>
      <NumberField place={`${place}.excl_vat`} label={t('tariff.edit.beforeTax', { what: label })} help={whole ?? help} suffix={currency} value={value?.excl_vat} onChange={(excl_vat) => set({ excl_vat })} />
      <NumberField place={`${place}.incl_vat`} label={t('tariff.edit.afterTax', { what: label })} suffix={currency} value={value?.incl_vat} onChange={(incl_vat) => set({ incl_vat })} />
    </>
  )
}
