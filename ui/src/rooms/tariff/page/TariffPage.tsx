import { Button } from '@mantine/core'
import { Link, useNavigate, useParams } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { del, useChange, useMay, useOne, type Tariff, type Upcoming, type Week } from '../../../api'
import { Facts, Failed, Grid, IconEdit, Instant, Loading, OverflowTabs, Page, Panel, useConfirm } from '../../../design'
import { TariffBadge, Validity } from '../list/TariffsPage'
import { BacktestForm } from '../backtest/BacktestForm'
import css from '../tariff.module.css'
import { Elements } from './Elements'
import { HeatMap } from './HeatMap'
import { LegalPanel } from './LegalPanel'
import { OcpiPanel } from './OcpiPanel'
import { QuotePanel } from './QuotePanel'
import { Versions } from './Versions'
import { WherePanel } from './WherePanel'

const TABS = ['overview', 'quote', 'where', 'legal', 'versions', 'backtest', 'ocpi'] as const
type Tab = (typeof TABS)[number]

export const tariffPath = (id: string) => `/tariffs/${encodeURIComponent(id)}`

export function TariffPage() {
  const { t } = useTranslation()
  const { tariffId, tab } = useParams({ from: '/tariffs/$tariffId/{-$tab}' })
  const { data: tariff, problem, loading, retry } = useOne<Tariff>(tariffPath(tariffId))
  const crumbs = [
    <Link key="tariffs" to="/tariffs" className="quiet">
      {t('tariff.title')}
    </Link>,
  ]
  return (
    <Page title={tariffId} crumbs={crumbs} aside={tariff && <TariffBadge tariff={tariff} />} actions={tariff && <Actions tariff={tariff} />}>
      {problem && <Failed problem={problem} retry={retry} />}
      {!tariff && loading && !problem && <Loading />}
      {tariff && <Content tariff={tariff} tab={tab} />}
    </Page>
  )
}

function Content({ tariff, tab }: { tariff: Tariff; tab?: string }) {
  const { t } = useTranslation()
  const navigate = useNavigate()
  const mayReplay = useMay('cdr.read')
  const id = tariff.id ?? ''
  const chosen: Tab = TABS.find((x) => x === tab) ?? 'overview'
  return (
    <Grid>
      <Panel>
        <p className={css.sentence} data-testid="tariff-sentence">
          {tariff.summary}
        </p>
        <Planned tariff={tariff} />
        <Following tariff={id} />
      </Panel>
      <OverflowTabs
        label={id}
        tabs={TABS.filter((x) => x !== 'backtest' || mayReplay).map((x) => ({ value: x, label: t(`tariff.tab.${x}`) }))}
        value={chosen}
        onChange={(v) => void navigate({ to: '/tariffs/$tariffId/{-$tab}', params: { tariffId: id, tab: v === 'overview' ? undefined : v } })}
      >
        {chosen === 'overview' && <Overview tariff={tariff} />}
        {chosen === 'quote' && <QuotePanel tariff={id} />}
        {chosen === 'where' && <WherePanel tariff={tariff} />}
        {chosen === 'legal' && <LegalPanel tariff={id} />}
        {chosen === 'versions' && <Versions tariff={id} />}
        {chosen === 'backtest' && <BacktestForm tariff={id} />}
        {chosen === 'ocpi' && <OcpiPanel tariff={id} />}
      </OverflowTabs>
    </Grid>
  )
}

/** The newest version, which the page shows, may not hold yet. */
function Planned({ tariff }: { tariff: Tariff }) {
  const { t } = useTranslation()
  if (!tariff.valid_from || Date.parse(tariff.valid_from) <= Date.now()) return null
  return (
    <p className={`${css.dim} ${css.following}`} data-testid="tariff-planned">
      {t('tariff.planned')} <Instant at={tariff.valid_from} />.{' '}
      <Link to="/tariffs/$tariffId/{-$tab}" params={{ tariffId: tariff.id ?? '', tab: 'versions' }} className="link">
        {t('tariff.plannedUntil')}
      </Link>
    </p>
  )
}

/** The sentence tells the tariff's own price, which a price series may stand in for. */
function Following({ tariff }: { tariff: string }) {
  const { t } = useTranslation()
  const { data } = useOne<Upcoming>(`${tariffPath(tariff)}/prices`)
  if (!data?.dynamic) return null
  return (
    <p className={`${css.dim} ${css.following}`} data-testid="tariff-following">
      {t('tariff.dynamic.instead')}{' '}
      <Link to="/tariffs/$tariffId/{-$tab}" params={{ tariffId: tariff, tab: 'where' }} className="link">
        {t('tariff.dynamic.next')}
      </Link>
    </p>
  )
}

function Overview({ tariff }: { tariff: Tariff }) {
  const { t } = useTranslation()
  const { data: week, problem, retry } = useOne<Week>(`${tariffPath(tariff.id ?? '')}/heat-map`)
  return (
    <Grid>
      <Panel title={t('tariff.week.title')}>{problem ? <Failed problem={problem} retry={retry} /> : week ? <HeatMap week={week} /> : <Loading />}</Panel>
      <div className={css.halves}>
        <Panel title={t('tariff.elements')}>
          <Elements tariff={tariff} />
        </Panel>
        <Panel title={t('session.facts')}>
          <Facts
            items={[
              [t('tariff.field.version'), tariff.version],
              [t('tariff.field.holdsFrom'), <Instant key="f" at={tariff.valid_from} />],
              [t('tariff.field.currency'), tariff.currency],
              [t('tariff.field.valid'), <Validity key="v" tariff={tariff} />],
              [t('tariff.field.type'), t(`tariff.type.${tariff.type ?? 'ALL'}`)],
              [t('tariff.field.tax'), t(`tariff.tax.${tariff.tax_included === 'N/A' ? 'NONE' : (tariff.tax_included ?? 'NO')}`)],
              [t('tariff.field.party'), [tariff.country_code, tariff.party_id].filter(Boolean).join('*')],
              [t('tariff.field.updated'), <Instant key="u" at={tariff.last_updated} />],
            ]}
          />
        </Panel>
      </div>
    </Grid>
  )
}

function Actions({ tariff }: { tariff: Tariff }) {
  const { t } = useTranslation()
  const navigate = useNavigate()
  const confirm = useConfirm()
  const id = tariff.id ?? ''
  const retire = useChange(() => del(tariffPath(id)), ['/tariffs'])
  if (!useMay('tariff.write')) return null
  const ask = () =>
    confirm.ask({ title: t('tariff.retireTitle', { id }), text: t('tariff.retireHint'), action: t('tariff.retire'), run: () => retire.run(undefined).then(() => navigate({ to: '/tariffs', search: {} as never })) })
  return (
    <>
      {confirm.dialog}
      {tariff.status !== 'retired' && (
        <Button variant="subtle" color="red" onClick={ask}>
          {t('tariff.retire')}
        </Button>
      )}
      <Button component={Link} {...({ to: '/tariff-editor/{-$tariffId}', params: { tariffId: id } } as object)} leftSection={<IconEdit size={16} aria-hidden />} data-testid="tariff-edit">
        {t('tariff.newVersion')}
      </Button>
    </>
  )
}
