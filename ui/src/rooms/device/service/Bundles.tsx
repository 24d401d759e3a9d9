import { Button, Group, Modal, Progress, Stack } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { downloadUrl, post, useChange, useList, type Bundle, type BundleLink } from '../../../api'
import { CopyField, DataTable, Empty, IconDownload, IconFile, Instant, InstantInput, Panel, ProblemAlert, ToneBadge, type Column, type Tone } from '../../../design'
import css from '../device.module.css'

const PATH = '/diagnostics-bundles'
const TONE: Record<Bundle['state'], Tone> = { queued: 'idle', running: 'active', done: 'good', failed: 'bad' }

/** What is known of a station, gathered in one file for the maker's support. */
export function Bundles({ station }: { station: string }) {
  const { t } = useTranslation()
  const list = useList<Bundle>(PATH, { station, sort: '-created_at' }, { limit: 10, refetchInterval: 3_000 })
  const [making, setMaking] = useState(false)
  const [handing, setHanding] = useState<Bundle>()
  return (
    <Panel
      title={t('device.bundle.title')}
      flush
      actions={
        <Button size="xs" onClick={() => setMaking(true)} data-testid="bundle-add">
          {t('device.bundle.add')}
        </Button>
      }
    >
      <p className={css.note}>{t('device.bundle.hint')}</p>
      <ProblemAlert problem={list.problem} />
      <DataTable
        label={t('device.bundle.title')}
        rows={list.rows}
        columns={useColumns(setHanding)}
        rowKey={(x) => x.id}
        loading={list.loading}
        hasMore={list.hasMore}
        more={list.more}
        moreByHand
        empty={<Empty icon={<IconFile size={22} aria-hidden />} title={t('device.bundle.none')} />}
      />
      {making && <NewBundle station={station} onClose={() => setMaking(false)} />}
      {handing && <Hand bundle={handing} onClose={() => setHanding(undefined)} />}
    </Panel>
  )
}

function useColumns(hand: (x: Bundle) => void): Column<Bundle>[] {
  const { t } = useTranslation()
  return [
    {
      id: 'range',
      header: t('device.bundle.range'),
      card: 'lead',
      cell: (x) => (
        <>
          <Instant at={x.from} form="date" /> – <Instant at={x.to} />
        </>
      ),
    },
    { id: 'state', header: t('device.field.status'), card: 'badge', width: 140, cell: (x) => <ToneBadge tone={TONE[x.state]} title={x.reason}>{t(`device.bundle.state.${x.state}`)}</ToneBadge> },
    { id: 'progress', header: t('device.firmware.progress'), width: 180, cell: (x) => <Progress value={x.progress} aria-label={t('device.firmware.progress')} w={140} /> },
    { id: 'at', header: t('device.log.askedAt'), cell: (x) => <Instant at={x.created_at} /> },
    {
      id: 'get',
      header: '',
      width: 260,
      cell: (x) =>
        x.state === 'done' ? (
          <Group gap={6} wrap="nowrap">
            <Button component="a" href={downloadUrl(`${PATH}/${encodeURIComponent(x.id)}/content`)} size="compact-xs" variant="light" leftSection={<IconDownload size={13} aria-hidden />} data-testid="bundle-download">
              {t('device.download')}
            </Button>
            <Button size="compact-xs" variant="default" onClick={() => hand(x)}>
              {t('device.bundle.link')}
            </Button>
          </Group>
        ) : (
          x.reason
        ),
    },
  ]
}

function NewBundle({ station, onClose }: { station: string; onClose: () => void }) {
  const { t } = useTranslation()
  const [from, setFrom] = useState<string>()
  const [to, setTo] = useState<string>()
  const make = useChange(() => post<Bundle>(PATH, { station, ...(from ? { from } : {}), ...(to ? { to } : {}) }), [PATH])
  return (
    <Modal opened onClose={onClose} title={t('device.bundle.add')}>
      <Stack>
        <InstantInput label={t('device.bundle.from')} description={t('device.bundle.fromHint')} value={from} onChange={setFrom} />
        <InstantInput label={t('device.bundle.to')} description={t('device.bundle.toHint')} value={to} onChange={setTo} />
        <ProblemAlert problem={make.problem} />
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            {t('design.cancel')}
          </Button>
          <Button loading={make.busy} onClick={() => void make.run(undefined).then(onClose, () => undefined)} data-testid="bundle-save">
            {t('device.bundle.add')}
          </Button>
        </Group>
      </Stack>
    </Modal>
  )
}

/** A link for somebody without an account: it works once. */
function Hand({ bundle, onClose }: { bundle: Bundle; onClose: () => void }) {
  const { t } = useTranslation()
  const make = useChange(() => post<BundleLink>(`${PATH}/${encodeURIComponent(bundle.id)}/links`))
  return (
    <Modal opened onClose={onClose} title={t('device.bundle.link')} size="lg">
      <Stack>
        <p className={css.meaning}>{t('device.bundle.linkHint')}</p>
        {make.result ? (
          <CopyField label={t('device.bundle.link')} value={make.result.url} />
        ) : (
          <Button loading={make.busy} onClick={() => void make.run(undefined).catch(() => undefined)}>
            {t('device.bundle.makeLink')}
          </Button>
        )}
        <ProblemAlert problem={make.problem} />
      </Stack>
    </Modal>
  )
}
