import { Alert, Button, Group, Progress } from '@mantine/core'
import { Link, useParams } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { post, useChange, useMay, useOne, type PriceChange } from '../../../api'
import { Facts, Failed, Grid, Instant, InstantInput, Loading, Page, Panel, ProblemAlert, useConfirm, useFormat } from '../../../design'
import css from '../tariff.module.css'
import { ChangeBadge } from './ChangesList'
import { usePerson, useWhat } from './words'
import { Items } from './Items'

/** One change of many prices: what it does, item by item, and what can be done with it. */
export function ChangePage() {
  const { t } = useTranslation()
  const { changeId } = useParams({ from: '/tariff-changes/$changeId' })
  const path = `/tariff-changes/${encodeURIComponent(changeId)}`
  const [moving, setMoving] = useState(false)
  const { data, problem, retry } = useOne<PriceChange>(path, { refetchInterval: moving ? 1_000 : 10_000 })
  const going = data?.status === 'running' || data?.status === 'rolling_back' || data?.status === 'scheduled'
  if (going !== moving && data) setMoving(going)
  const crumbs = [
    <Link key="changes" to="/pricing/{-$tab}" params={{ tab: 'changes' }} className="quiet">
      {t('tariff.section.changes')}
    </Link>,
  ]
  return (
    <Page title={data?.title || t('tariff.change.one')} crumbs={crumbs} aside={data && <ChangeBadge change={data} />}>
      {problem && <Failed problem={problem} retry={retry} />}
      {!data && !problem && <Loading />}
      {data && (
        <Grid>
          <Summary change={data} />
          <Actions change={data} path={path} />
          <Items path={path} change={data} />
        </Grid>
      )}
    </Page>
  )
}

function Summary({ change: c }: { change: PriceChange }) {
  const { t } = useTranslation()
  const f = useFormat()
  const part = c.total ? (100 * (c.done + c.failed)) / c.total : 0
  const name = usePerson()
  const what = useWhat()
  return (
    <Panel>
      <Facts
        items={[
          [t('tariff.change.kind'), what(c)],
          [t('tariff.change.items'), f.number(c.total)],
          [t('tariff.change.places'), f.number(c.places)],
          [t('tariff.change.created'), <Instant key="c" at={c.created_at} />],
          [t('tariff.change.by'), name(c.created_by)],
          [t('tariff.change.approved'), c.approved_at ? <Approval key="a" at={c.approved_at} by={name(c.approved_by ?? '')} /> : c.second_approver ? t('tariff.change.notApproved') : t('tariff.change.notNeeded')],
          [t('tariff.change.at'), (c.apply_at ?? c.started_at) && <Instant key="s" at={c.apply_at ?? c.started_at} />],
        ]}
      />
      {c.status !== 'draft' && c.status !== 'cancelled' && (
        <div style={{ marginTop: 16 }} data-testid="change-progress" data-status={c.status}>
          <Progress value={part} aria-label={t('tariff.change.progress')} color={c.failed ? 'red' : undefined} animated={c.status === 'running' || c.status === 'rolling_back'} />
          <p className={css.help} role="status">
            {t('tariff.change.progressText', { done: f.number(c.done), total: f.number(c.total) })} {c.failed > 0 && t('tariff.change.failedText', { failed: f.number(c.failed) })}
          </p>
        </div>
      )}
    </Panel>
  )
}

function Approval({ at, by }: { at: string; by: string }) {
  return (
    <>
      <Instant at={at} />
      <br />
      <span className={css.dim}>{by}</span>
    </>
  )
}

function Actions({ change: c, path }: { change: PriceChange; path: string }) {
  const { t } = useTranslation()
  const [at, setAt] = useState<string>()
  const confirm = useConfirm()
  const step = useChange(({ what, body }: { what: string; body?: unknown }) => post<PriceChange>(`${path}/${what}`, body), ['/tariff-changes', '/tariffs', '/tariff-uses'])
  const run = (what: string) => void step.run({ what }).catch(() => undefined)
  const waits = c.second_approver && !c.approved_at
  if (!useMay('tariff.write')) return null
  const apply = () =>
    confirm.ask({ title: at ? t('tariff.change.schedule') : t('tariff.change.apply'), text: t('tariff.change.applyHint', { places: c.places }), action: at ? t('tariff.change.schedule') : t('tariff.change.apply'), harmless: true, run: () => step.run({ what: 'apply', body: { at } }) })
  const back = () => confirm.ask({ title: t('tariff.change.rollback'), text: t('tariff.change.rollbackHint'), action: t('tariff.change.rollback'), run: () => step.run({ what: 'rollback' }) })
  if (c.status === 'cancelled' || c.status === 'rolled_back' || c.status === 'rolling_back') return null
  return (
    <>
      {confirm.dialog}
      {c.status === 'draft' && waits && (
        <Alert color="yellow" variant="light">
          {t('tariff.change.waits')}
        </Alert>
      )}
      <ProblemAlert problem={step.problem} />
      <Group align="end">
        {c.status === 'draft' && waits && (
          <Button variant="default" loading={step.busy} onClick={() => run('approve')}>
            {t('tariff.change.approve')}
          </Button>
        )}
        {c.status === 'draft' && (
          <>
            <InstantInput label={t('tariff.change.when')} value={at} onChange={setAt} />
            <Button disabled={waits} onClick={apply} data-testid="change-apply">
              {at ? t('tariff.change.schedule') : t('tariff.change.apply')}
            </Button>
          </>
        )}
        {(c.status === 'draft' || c.status === 'scheduled') && (
          <Button variant="subtle" color="red" onClick={() => run('cancel')}>
            {t('tariff.change.cancel')}
          </Button>
        )}
        {(c.status === 'applied' || c.status === 'running') && (
          <Button variant="default" color="red" onClick={back} data-testid="change-rollback">
            {t('tariff.change.rollback')}
          </Button>
        )}
      </Group>
    </>
  )
}
