import { Button } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { useOne, type PlainTariff } from '../../../api'
import { CopyButton, download, Failed, Grid, IconDownload, Json, Loading, Panel, prettyJson, Quiet } from '../../../design'
import css from '../tariff.module.css'

/** The tariff as partners get it, and what they do not get. */
export function OcpiPanel({ tariff }: { tariff: string }) {
  const { t } = useTranslation()
  const { data, problem, retry } = useOne<PlainTariff>(`/tariffs/${encodeURIComponent(tariff)}/ocpi`)
  if (!data) return <Panel>{problem ? <Failed problem={problem} retry={retry} /> : <Loading />}</Panel>
  const text = prettyJson(data.tariff)
  return (
    <Grid>
      <Panel title={t('tariff.ocpi.lost')}>
        <p className={css.note}>{t('tariff.ocpi.lostHint')}</p>
        {(data.lost ?? []).length === 0 ? (
          <Quiet good>{t('tariff.ocpi.nothingLost')}</Quiet>
        ) : (
          <ul className={css.list} lang="en">
            {data.lost?.map((l) => (
              <li key={l.path}>
                <code>{l.path}</code>: {l.text}
              </li>
            ))}
          </ul>
        )}
      </Panel>
      <Panel
        title="OCPI 2.2.1"
        actions={
          <>
            <Button size="xs" variant="default" leftSection={<IconDownload size={14} aria-hidden />} onClick={() => download(`${tariff}.json`, text, 'application/json')}>
              {t('device.download')}
            </Button>
            <CopyButton value={text} />
          </>
        }
      >
        <Json value={data.tariff} />
      </Panel>
    </Grid>
  )
}
