import { ActionIcon, Button, Group, Select } from '@mantine/core'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import type { Dimension, PriceComponent, TariffElement } from '../../../api'
import { IconArrowDown, IconArrowUp, IconCopy, IconPlus, IconTrash, IconX } from '../../../design'
import edit from '../edit.module.css'
import css from '../tariff.module.css'
import { DIMENSIONS } from '../words'
import { Conditions } from './Conditions'
import { useFault, useFaultsIn } from './errors'
import { NumberField } from './fields'

interface Props {
  index: number
  count: number
  element: TariffElement
  currency: string
  change: (change: (e: TariffElement) => void) => void
  move: (by: -1 | 1) => void
  copy: () => void
  remove: () => void
}

const UNIT: Record<Dimension, string> = { ENERGY: '/kWh', TIME: '/h', PARKING_TIME: '/h', FLAT: '' }

/** One element: its prices, and when they apply. */
export function ElementCard({ index, count, element, currency, change, move, copy, remove }: Props) {
  const { t } = useTranslation()
  const place = `elements[${index}]`
  const bad = useFaultsIn(place).length > 0
  const whole = useFault(place)
  const components = element.price_components ?? []
  const free = DIMENSIONS.filter((d) => !components.some((c) => c.type === d))
  const number = index + 1
  return (
    <section className={edit.element} aria-label={t('tariff.edit.element', { number })} data-bad={bad || undefined}>
      <div className={edit.elementHead}>
        <strong>{t('tariff.edit.element', { number })}</strong>
        <Group gap={2}>
          <Tool label={t('tariff.edit.up', { number })} disabled={index === 0} onClick={() => move(-1)} icon={<IconArrowUp size={16} aria-hidden />} />
          <Tool label={t('tariff.edit.down', { number })} disabled={index === count - 1} onClick={() => move(1)} icon={<IconArrowDown size={16} aria-hidden />} />
          <Tool label={t('tariff.edit.copy', { number })} onClick={copy} icon={<IconCopy size={16} aria-hidden />} />
          <Tool label={t('tariff.edit.remove', { number })} disabled={count === 1} onClick={remove} icon={<IconTrash size={16} aria-hidden />} />
        </Group>
      </div>
      {whole && (
        <p className={css.fault} role="alert">
          {whole}
        </p>
      )}
      {components.map((c, i) => (
        <Component
          key={i}
          place={`${place}.price_components[${i}]`}
          component={c}
          currency={currency}
          change={(values) => change((e) => (e.price_components = components.map((x, n) => (n === i ? { ...x, ...values } : x))))}
          remove={components.length > 1 ? () => change((e) => (e.price_components = components.filter((_, n) => n !== i))) : undefined}
        />
      ))}
      {free.length > 0 && (
        <Button size="xs" variant="default" leftSection={<IconPlus size={14} aria-hidden />} onClick={() => change((e) => (e.price_components = [...components, { ...blank(free[0] ?? 'FLAT'), vat: components[0]?.vat }]))}>
          {t('tariff.edit.addPrice')}
        </Button>
      )}
      <Conditions place={place} element={element} change={change} />
    </section>
  )
}

const blank = (type: Dimension): PriceComponent => ({ type, price: 0, step_size: type === 'TIME' || type === 'PARKING_TIME' ? 60 : 1 })

function Tool({ label, icon, disabled, onClick }: { label: string; icon: ReactNode; disabled?: boolean; onClick: () => void }) {
  return (
    <ActionIcon variant="subtle" color="gray" aria-label={label} title={label} disabled={disabled} onClick={onClick}>
      {icon}
    </ActionIcon>
  )
}

interface ComponentProps {
  place: string
  component: PriceComponent
  currency: string
  change: (values: Partial<PriceComponent>) => void
  remove?: () => void
}

function Component({ place, component: c, currency, change, remove }: ComponentProps) {
  const { t } = useTranslation()
  return (
    <div className={edit.component}>
      <Select
        label={t('tariff.edit.for')}
        data={DIMENSIONS.map((value) => ({ value, label: t(`tariff.dimension.${value}`) }))}
        value={c.type}
        onChange={(v) => v && change({ type: v as Dimension, ...(v === 'FLAT' ? { step_size: 1 } : {}) })}
        allowDeselect={false}
        error={useFault(`${place}.type`)}
      />
      <NumberField place={`${place}.price`} label={t('tariff.edit.price')} suffix={currency + UNIT[c.type]} value={c.price} onChange={(v) => change({ price: v ?? 0 })} required testId="component-price" />
      <NumberField place={`${place}.vat`} label={t('tariff.edit.vat')} suffix="%" value={c.vat} onChange={(vat) => change({ vat })} />
      {c.type === 'FLAT' ? (
        <span />
      ) : c.type === 'ENERGY' ? (
        <NumberField place={`${place}.step_size`} label={t('tariff.edit.step')} suffix="Wh" decimals={0} value={c.step_size} onChange={(v) => change({ step_size: v ?? 1 })} />
      ) : (
        <NumberField place={`${place}.step_size`} label={t('tariff.edit.step')} suffix="s" decimals={0} value={c.step_size} onChange={(v) => change({ step_size: v ?? 1 })} />
      )}
      {remove && (
        <ActionIcon className={edit.remove} variant="subtle" color="gray" aria-label={t('tariff.edit.dropPrice', { what: t(`tariff.dimension.${c.type}`) })} onClick={remove}>
          <IconX size={16} aria-hidden />
        </ActionIcon>
      )}
    </div>
  )
}
