import { Alert, Button, Group } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { post, stationPath, useChange, useMay, useOne, type LocalList } from '../../api'
import { Ago, Facts, Failed, Loading, NONE, Panel, ProblemAlert, ToneBadge, useFormat, type Tone } from '../../design'

const TONE: Record<LocalList['status'], Tone> = { unknown: 'idle', synced: 'good', pending: 'active', failed: 'bad', unsupported: 'idle', off: 'idle' }

/** Who may charge while a station is offline: its own list, and its memory of earlier answers. */
export function LocalListPanel({ station, online }: { station: string; online: boolean }) {
  const { t } = useTranslation()
  const f = useFormat()
  const path = `${stationPath(station)}/local-list`
  const { data, problem, retry } = useOne<LocalList>(path, { refetchInterval: 5_000, enabled: useMay('token.read') })
  return (
    <Panel title={t('access.local.title')} actions={<Actions station={station} online={online} path={path} />}>
      {problem && <Failed problem={problem} retry={retry} />}
      {!data && !problem && <Loading />}
      {data && (
        <Facts
          items={[
            [t('station.field.status'), <ToneBadge key="s" tone={TONE[data.status]}>{t(`access.local.status.${data.status}`)}</ToneBadge>],
            [t('access.local.version'), data.version === 0 ? NONE : f.number(data.version)],
            [t('access.local.entries'), f.number(data.entries)],
            [t('access.local.leftOut'), f.number(data.left_out)],
            [t('access.local.pending'), data.pending ? t('design.yes') : t('design.no')],
            [t('access.local.synced'), <Ago key="y" at={data.synced_at} />],
            [t('access.local.tried'), <Ago key="t" at={data.tried_at} />],
            [t('access.local.result'), data.result],
          ]}
        />
      )}
    </Panel>
  )
}

function Actions({ station, online, path }: { station: string; online: boolean; path: string }) {
  const { t } = useTranslation()
  const maySync = useMay('token.write')
  const mayClear = useMay('station.command')
  const sync = useChange((full: boolean) => post<LocalList>(`${path}/sync`, { full }), [path])
  const clear = useChange(() => post<{ status: string; reason?: string }>(`${stationPath(station)}/clear-cache`), [path])
  const answer = clear.result
  return (
    <>
      <Group gap="xs">
        {maySync && (
          <>
            <Button size="xs" variant="default" loading={sync.busy} onClick={() => void sync.run(false).catch(() => undefined)} data-testid="list-sync">
              {t('access.local.sync')}
            </Button>
            <Button size="xs" variant="default" loading={sync.busy} onClick={() => void sync.run(true).catch(() => undefined)}>
              {t('access.local.syncFull')}
            </Button>
          </>
        )}
        {mayClear && (
          <Button size="xs" variant="default" disabled={!online} loading={clear.busy} onClick={() => void clear.run(undefined).catch(() => undefined)} data-testid="cache-clear">
            {t('access.local.clearCache')}
          </Button>
        )}
      </Group>
      {answer && (
        <Alert color={answer.status === 'Accepted' ? 'green' : 'yellow'} variant="light" role="status">
          {t('access.local.cacheAnswer', { answer: [answer.status, answer.reason].filter(Boolean).join(' – ') })}
        </Alert>
      )}
      <ProblemAlert problem={sync.problem ?? clear.problem} />
    </>
  )
}
