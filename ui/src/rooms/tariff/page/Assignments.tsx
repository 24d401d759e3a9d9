import { ActionIcon, Button, Group, Select, Stack } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { del, post, useChange, useList, useMay, useSites, type Assignment } from '../../../api'
import { IconX, Instant, ProblemAlert, useConfirm } from '../../../design'
import css from '../tariff.module.css'

const EVERYWHERE = 'everywhere'

/** Where a tariff is in force, and a way to put it in force at a site or everywhere. */
export function Assignments({ tariff }: { tariff: string }) {
  const { t } = useTranslation()
  const may = useMay('tariff.write')
  const { rows } = useList<Assignment>('/tariff-assignments', { tariff })
  const remove = useChange((id: string) => del(`/tariff-assignments/${encodeURIComponent(id)}`), ['/tariff-assignments', '/tariff-uses'])
  const confirm = useConfirm()
  const current = rows.filter((a) => !a.valid_to || Date.parse(a.valid_to) > Date.now())
  return (
    <Stack gap="xs">
      {confirm.dialog}
      {current.length === 0 && <span className={css.dim}>{t('tariff.nowhere')}</span>}
      <ul className={css.places}>
        {current.map((a) => (
          <li key={a.id}>
            <span>
              <Place assignment={a} />
              {a.valid_from && (
                <span className={css.dim}>
                  {' '}
                  {t('tariff.from')} <Instant at={a.valid_from} />
                </span>
              )}
            </span>
            {may && (
              <ActionIcon variant="subtle" color="gray" size="sm" aria-label={t('tariff.unassign')} onClick={() => confirm.ask({ title: t('tariff.unassignTitle'), text: t('tariff.unassignHint'), action: t('tariff.unassign'), run: () => remove.run(a.id) })}>
                <IconX size={15} aria-hidden />
              </ActionIcon>
            )}
          </li>
        ))}
      </ul>
      {may && <Assign tariff={tariff} />}
    </Stack>
  )
}

function Place({ assignment: a }: { assignment: Assignment }) {
  const { t } = useTranslation()
  const { byId } = useSites()
  if (a.level === 'organisation') return <>{t('tariff.everywhere')}</>
  if (a.level === 'site') return <>{byId.get(a.site ?? '')?.name ?? a.site}</>
  return <>{[a.station_id, a.evse_id].filter(Boolean).join(' / ')}</>
}

function Assign({ tariff }: { tariff: string }) {
  const { t } = useTranslation()
  const { rows: sites } = useSites()
  const [place, setPlace] = useState<string | null>(null)
  const add = useChange(
    (where: string) => post<Assignment>('/tariff-assignments', where === EVERYWHERE ? { tariff } : { tariff, site: where }),
    ['/tariff-assignments', '/tariff-uses'],
  )
  return (
    <>
      <Group align="end" gap="xs">
        <Select
          aria-label={t('tariff.choosePlace')}
          placeholder={t('tariff.choosePlace')}
          data={[{ value: EVERYWHERE, label: t('tariff.everywhere') }, ...(sites ?? []).map((s) => ({ value: s.id, label: s.name }))]}
          value={place}
          onChange={setPlace}
          searchable
          style={{ flex: 1 }}
        />
        <Button
          variant="default"
          disabled={!place}
          loading={add.busy}
          onClick={() => place && void add.run(place).then(() => setPlace(null), () => undefined)}
        >
          {t('tariff.assign')}
        </Button>
      </Group>
      <ProblemAlert problem={add.problem} />
    </>
  )
}
