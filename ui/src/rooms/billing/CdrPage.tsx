import { Link, useParams } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { useOne, useSites, type Cdr } from '../../api'
import { CopyButton, Facts, Failed, Grid, Instant, Json, Loading, Page, Panel, prettyJson, useFormat } from '../../design'
import { costLines } from './cost'
import { PriceLines } from './PriceLines'

export function CdrPage() {
  const { t } = useTranslation()
  const { cdrId } = useParams({ from: '/cdrs/$cdrId' })
  const { data: cdr, loading, problem, retry } = useOne<Cdr>(`/cdrs/${encodeURIComponent(cdrId)}`)
  return (
    <Page
      title={cdr?.kind === 'credit' ? t('billing.credit') : t('billing.one')}
      crumbs={[
        <Link key="cdrs" to="/cdrs" className="quiet">
          {t('billing.title')}
        </Link>,
      ]}
    >
      {cdr ? <Content cdr={cdr} /> : problem ? <Failed problem={problem} retry={retry} /> : loading && <Loading />}
    </Page>
  )
}

function Content({ cdr }: { cdr: Cdr }) {
  const { t } = useTranslation()
  const f = useFormat()
  const zone = useSites().byId.get(cdr.site ?? '')?.time_zone
  const total = (amount: string) => f.money({ amount, currency: cdr.cost.currency })
  const lines = costLines(cdr)
  return (
    <Grid>
      <Panel>
        <Facts
          items={[
            [t('billing.number'), f.number(cdr.number)],
            [t('billing.inclVat'), total(cdr.cost.incl_vat)],
            [t('billing.exclVat'), total(cdr.cost.excl_vat)],
            [t('session.field.energy'), f.energy(cdr.energy_wh)],
            [t('billing.issued'), <Instant key="i" at={cdr.issued_at} zone={zone} />],
            [t('session.field.started'), <Instant key="s" at={cdr.started_at} zone={zone} />],
            [t('session.field.ended'), <Instant key="e" at={cdr.ended_at} zone={zone} />],
            [t('session.field.tariff'), cdr.tariff],
            [
              t('billing.session'),
              <Link key="l" to="/sessions/$sessionId" params={{ sessionId: cdr.session_id }} className="link">
                {cdr.station_id}
              </Link>,
            ],
            [t('billing.note'), cdr.note],
          ]}
        />
      </Panel>
      {lines.length > 0 && (
        <Panel title={t('billing.cost')}>
          <PriceLines lines={lines} currency={cdr.cost.currency} total={cdr.cost} />
        </Panel>
      )}
      {cdr.ocpi !== undefined && (
        <Panel title={t('billing.ocpi')} actions={<CopyButton value={prettyJson(cdr.ocpi)} />}>
          <Json value={cdr.ocpi} />
        </Panel>
      )}
    </Grid>
  )
}
