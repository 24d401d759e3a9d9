import { Button, Checkbox, Group, Modal, MultiSelect, NumberInput, Select, Stack, TextInput } from '@mantine/core'
import { useState, type FormEvent } from 'react'
import { useTranslation } from 'react-i18next'
import { post, useAll, useChange, useSites, type Dimension, type PriceChange, type PriceChangeInput, type TariffGroup } from '../../../api'
import { ProblemAlert } from '../../../design'
import { useTariffChoice } from '../group/Entries'
import css from '../tariff.module.css'
import { DIMENSIONS } from '../words'

const OPS = ['percent', 'set', 'copy'] as const
type Op = (typeof OPS)[number]

interface Props {
  onClose: () => void
  onPlanned: (c: PriceChange) => void
}

/** Selects by filter and works out what would change; nothing changes yet. */
export function PlanDialog({ onClose, onPlanned }: Props) {
  const { t } = useTranslation()
  const { rows: sites } = useSites()
  const { rows: groups } = useAll<TariffGroup>('/tariff-groups', {}, { max: 2_000 })
  const tariffs = useTariffChoice()
  const [title, setTitle] = useState('')
  const [filter, setFilter] = useState<PriceChangeInput['filter']>({})
  const [op, setOp] = useState<Op>('percent')
  const [dimension, setDimension] = useState<string | null>('ENERGY')
  const [number, setNumber] = useState<number | string>('')
  const [tariff, setTariff] = useState<string | null>(null)
  const [level, setLevel] = useState('evse')
  const [elsewhere, setElsewhere] = useState(false)
  const [approval, setApproval] = useState(false)
  const plan = useChange((body: PriceChangeInput) => post<PriceChange>('/tariff-changes', body), ['/tariff-changes'])
  const change = (): PriceChangeInput['change'] => {
    if (op === 'copy') return { op, tariff: tariff ?? '', level: level as 'evse' }
    const d = (dimension ?? undefined) as Dimension | undefined
    return op === 'percent' ? { op, dimension: d, percent: Number(number) } : { op, dimension: d, price: Number(number) }
  }
  const submit = (e: FormEvent) => {
    e.preventDefault()
    const body: PriceChangeInput = { title: title.trim() || undefined, filter, change: change(), elsewhere: elsewhere ? 'include' : 'refuse', second_approver: approval }
    void plan.run(body).then(onPlanned, () => undefined)
  }
  const ready = op === 'copy' ? tariff !== null : number !== '' && (op === 'percent' || dimension !== null)
  return (
    <Modal opened onClose={onClose} title={t('tariff.change.add')} size="lg">
      <form onSubmit={submit}>
        <Stack>
          <p className={css.note}>{t('tariff.change.hint')}</p>
          <TextInput label={t('tariff.change.title')} maxLength={200} value={title} onChange={(e) => setTitle(e.currentTarget.value)} data-autofocus />
          <MultiSelect label={t('tariff.change.sites')} placeholder={filter.sites?.length ? undefined : t('tariff.change.all')} data={(sites ?? []).map((s) => ({ value: s.id, label: s.name }))} value={filter.sites ?? []} onChange={(v) => setFilter({ ...filter, sites: v })} searchable limit={50} clearable />
          {op !== 'copy' && (
            <div className={css.fields}>
              <MultiSelect label={t('tariff.title')} placeholder={filter.tariffs?.length ? undefined : t('tariff.change.all')} data={tariffs} value={filter.tariffs ?? []} onChange={(v) => setFilter({ ...filter, tariffs: v })} searchable limit={50} clearable />
              <MultiSelect label={t('tariff.section.groups')} placeholder={filter.groups?.length ? undefined : t('tariff.change.all')} data={(groups ?? []).map((g) => ({ value: g.id ?? '', label: g.name }))} value={filter.groups ?? []} onChange={(v) => setFilter({ ...filter, groups: v })} searchable limit={50} clearable />
            </div>
          )}
          <div className={css.fields} style={{ alignItems: 'start' }}>
            <Select
              label={t('tariff.change.kind')}
              data={OPS.map((value) => ({ value, label: t(`tariff.change.op.${value}`) }))}
              value={op}
              onChange={(v) => {
                const next = (v ?? 'percent') as Op
                setOp(next)
                if (next === 'copy') setFilter({ ...filter, tariffs: undefined, groups: undefined })
              }}
              allowDeselect={false}
            />
            {op !== 'copy' && (
              <Select label={t('tariff.change.which')} data={DIMENSIONS.map((value) => ({ value, label: t(`tariff.dimension.${value}`) }))} value={dimension} onChange={setDimension} clearable={op === 'percent'} placeholder={t('tariff.change.all')} />
            )}
            {op === 'percent' && <NumberInput label={t('tariff.change.percent')} suffix=" %" decimalScale={3} value={number} onChange={setNumber} required data-testid="change-percent" />}
            {op === 'set' && <NumberInput label={t('tariff.edit.price')} min={0} decimalScale={6} value={number} onChange={setNumber} required />}
            {op === 'copy' && <Select label={t('tariff.field.id')} data={tariffs} value={tariff} onChange={setTariff} searchable required />}
            {op === 'copy' && <Select label={t('tariff.group.level')} data={(['evse', 'station', 'site'] as const).map((value) => ({ value, label: t(`tariff.level.${value}`) }))} value={level} onChange={(v) => setLevel(v ?? 'evse')} allowDeselect={false} />}
          </div>
          {op !== 'copy' && <Checkbox label={t('tariff.change.elsewhere')} description={t('tariff.change.elsewhereHelp')} checked={elsewhere} onChange={(e) => setElsewhere(e.currentTarget.checked)} />}
          <Checkbox label={t('tariff.change.approval')} description={t('tariff.change.approvalHelp')} checked={approval} onChange={(e) => setApproval(e.currentTarget.checked)} />
          <ProblemAlert problem={plan.problem} />
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              {t('design.cancel')}
            </Button>
            <Button type="submit" loading={plan.busy} disabled={!ready} data-testid="change-plan">
              {t('tariff.change.plan')}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}
