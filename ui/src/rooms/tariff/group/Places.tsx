import { ActionIcon, Button, Group, Select } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useFleet, useSites, type GroupPlace } from '../../../api'
import { IconX, Quiet } from '../../../design'
import { PlaceName } from '../page/WherePanel'
import css from '../tariff.module.css'

interface Props {
  rows: GroupPlace[]
  onChange: (rows: GroupPlace[]) => void
  readOnly: boolean
}

/** Where a group holds: the organisation, sites, stations, single EVSEs. */
export function Places({ rows, onChange, readOnly }: Props) {
  const { t } = useTranslation()
  return (
    <>
      {rows.length === 0 && <Quiet>{t('tariff.group.noPlaces')}</Quiet>}
      <ul className={css.places}>
        {rows.map((p, i) => (
          <li key={i}>
            <span>
              <PlaceName place={p} />
            </span>
            {!readOnly && (
              <ActionIcon variant="subtle" color="gray" size="sm" aria-label={t('tariff.group.dropPlace', { number: i + 1 })} onClick={() => onChange(rows.filter((_, n) => n !== i))}>
                <IconX size={15} aria-hidden />
              </ActionIcon>
            )}
          </li>
        ))}
      </ul>
      {!readOnly && <Add onAdd={(p) => onChange([...rows, p])} />}
    </>
  )
}

function Add({ onAdd }: { onAdd: (p: GroupPlace) => void }) {
  const { t } = useTranslation()
  const { rows: sites } = useSites()
  const { rows: fleet } = useFleet()
  const [level, setLevel] = useState('site')
  const [chosen, setChosen] = useState<string | null>(null)
  const options: Record<string, { value: string; label: string }[]> = {
    site: (sites ?? []).map((s) => ({ value: s.id, label: s.name })),
    station: (fleet ?? []).map((s) => ({ value: s.id, label: s.id })),
    evse: (fleet ?? []).flatMap((s) => s.evses.map((e) => ({ value: `${s.id}/${e.id}`, label: `${s.id} / ${e.id}` }))),
  }
  const place = (): GroupPlace => {
    if (level === 'site') return { site: chosen ?? '' }
    if (level === 'station') return { station_id: chosen ?? '' }
    if (level === 'organisation') return {}
    const cut = (chosen ?? '').lastIndexOf('/')
    return { station_id: chosen?.slice(0, cut), evse_id: Number(chosen?.slice(cut + 1)) }
  }
  return (
    <Group align="end" gap="xs" mt="sm">
      <Select
        label={t('tariff.group.level')}
        w={150}
        data={(['organisation', 'site', 'station', 'evse'] as const).map((value) => ({ value, label: t(`tariff.level.${value}`) }))}
        value={level}
        onChange={(v) => {
          setLevel(v ?? 'site')
          setChosen(null)
        }}
        allowDeselect={false}
      />
      {level !== 'organisation' && <Select label={t('tariff.group.which')} style={{ flex: 1, minWidth: 150 }} data={options[level]} value={chosen} onChange={setChosen} searchable limit={50} data-testid="place-which" />}
      <Button
        variant="default"
        disabled={level !== 'organisation' && !chosen}
        onClick={() => {
          onAdd(place())
          setChosen(null)
        }}
        data-testid="place-add"
      >
        {t('tariff.group.addPlace')}
      </Button>
    </Group>
  )
}
