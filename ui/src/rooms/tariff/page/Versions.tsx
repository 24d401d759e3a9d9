import { Select } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useAll, type Tariff } from '../../../api'
import { DataTable, Failed, Grid, Instant, Loading, NONE, Panel, Quiet, type Column } from '../../../design'
import { differences } from '../diff'
import css from '../tariff.module.css'

/** Every version of a tariff, and what changed from one to another. */
export function Versions({ tariff }: { tariff: string }) {
  const { t } = useTranslation()
  const { rows, problem, retry } = useAll<Tariff>(`/tariffs/${encodeURIComponent(tariff)}/versions`, { sort: '-version' }, { max: 500 })
  if (!rows) return <Panel>{problem ? <Failed problem={problem} retry={retry} /> : <Loading />}</Panel>
  const columns: Column<Tariff>[] = [
    { id: 'version', header: t('tariff.field.version'), card: 'lead', width: 110, cell: (x) => <strong>{x.version}</strong> },
    { id: 'from', header: t('tariff.field.holdsFrom'), width: 190, cell: (x) => <Instant at={x.valid_from} /> },
    { id: 'at', header: t('tariff.field.written'), width: 190, cell: (x) => <Instant at={x.last_updated} /> },
    { id: 'summary', header: t('tariff.field.summary'), cell: (x) => <span className={css.words}>{x.summary || NONE}</span> },
  ]
  return (
    <Grid>
      {rows.length > 1 && <Compare versions={rows} />}
      <Panel title={t('tariff.versions')} flush>
        <p className={`${css.note} ${css.inset}`}>{t('tariff.versionsHint')}</p>
        <DataTable label={t('tariff.versions')} rows={rows} columns={columns} rowKey={(x) => String(x.version)} />
      </Panel>
    </Grid>
  )
}

function Compare({ versions }: { versions: Tariff[] }) {
  const { t } = useTranslation()
  const [pair, setPair] = useState([String(versions[1]?.version), String(versions[0]?.version)])
  const find = (n?: string) => versions.find((v) => String(v.version) === n)
  const [before, after] = [find(pair[0]), find(pair[1])]
  const rows = differences(before, after)
  const data = versions.map((v) => ({ value: String(v.version), label: t('tariff.versionNumber', { number: v.version }) }))
  return (
    <Panel title={t('tariff.compare')}>
      <div className={css.fields}>
        <Select label={t('tariff.before')} data={data} value={pair[0]} onChange={(v) => v && setPair([v, pair[1] ?? ''])} allowDeselect={false} />
        <Select label={t('tariff.after')} data={data} value={pair[1]} onChange={(v) => v && setPair([pair[0] ?? '', v])} allowDeselect={false} />
      </div>
      <p className={css.note} style={{ marginTop: 14 }}>
        <del className={css.del}>{before?.summary}</del>
        <br />
        <ins className={css.ins}>{after?.summary}</ins>
      </p>
      {rows.length === 0 ? (
        <Quiet>{t('tariff.noDifference')}</Quiet>
      ) : (
        <div className={css.scroll}>
          <table className={css.diff}>
            <thead>
              <tr>
                <th>{t('tariff.place')}</th>
                <th>{t('tariff.before')}</th>
                <th>{t('tariff.after')}</th>
              </tr>
            </thead>
            <tbody>
              {rows.map((d) => (
                <tr key={d.path}>
                  <td>
                    <code>{d.path}</code>
                  </td>
                  <td className={css.del}>{d.before ?? NONE}</td>
                  <td className={css.ins}>{d.after ?? NONE}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </Panel>
  )
}
