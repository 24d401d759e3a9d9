import { Select } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { asProblem, post, useSites, type Examined } from '../../../api'
import { Failed, Loading, Panel, ToneBadge } from '../../../design'
import { SiteSelect } from '../../location'
import { AUDIENCES, type Audience } from '../audience'
import css from '../tariff.module.css'
import { Findings } from './Findings'

/** A tariff held against the market rules of a site, with the article and its source. */
export function LegalPanel({ tariff }: { tariff: string }) {
  const { t } = useTranslation()
  const { rows: sites } = useSites()
  const [chosen, setChosen] = useState<string | null>(null)
  const [audience, setAudience] = useState<Audience>('default')
  const site = chosen ?? sites?.[0]?.id
  const check = useQuery({
    queryKey: ['market-check', tariff, site, audience],
    queryFn: () => post<Examined>('/tariffs/market-check', { site, tariff_id: tariff, audience }),
    enabled: site !== undefined,
  })
  return (
    <Panel title={t('tariff.legal.title')}>
      <p className={css.note}>{t('tariff.legal.hint')}</p>
      <div className={css.fields}>
        <SiteSelect value={site ?? null} onChange={setChosen} />
        <Select label={t('tariff.audience.label')} data={AUDIENCES.map((value) => ({ value, label: t(`tariff.audience.${value}`) }))} value={audience} onChange={(v) => setAudience((v as Audience | null) ?? 'default')} allowDeselect={false} />
      </div>
      <div role="status" style={{ marginTop: 18 }}>
        {check.error && <Failed problem={asProblem(check.error)} retry={() => void check.refetch()} />}
        {check.isLoading && <Loading />}
        {check.data && (
          <>
            <p className={css.note}>
              <ToneBadge tone={check.data.ok ? 'good' : 'bad'}>{check.data.ok ? t('tariff.legal.allowed') : t('tariff.legal.forbidden')}</ToneBadge>{' '}
              {t('tariff.legal.profiles', { profiles: check.data.profiles.join(', ') || t('tariff.legal.noProfile') })}
            </p>
            <Findings findings={check.data.findings} />
          </>
        )}
      </div>
    </Panel>
  )
}
