import { useTranslation } from 'react-i18next'
import type { Finding } from '../../../api'
import { Quiet, ToneBadge, type Tone } from '../../../design'
import css from '../tariff.module.css'

const TONE: Record<Finding['severity'], Tone> = { refuse: 'bad', warn: 'wait', duty: 'active' }
const ORDER = ['refuse', 'warn', 'duty']

/** What the law says about a price: what forbids it first, then doubts, then duties beside it. */
export function Findings({ findings }: { findings: Finding[] }) {
  const { t } = useTranslation()
  if (findings.length === 0) return <Quiet good>{t('tariff.legal.nothing')}</Quiet>
  const sorted = [...findings].sort((a, b) => ORDER.indexOf(a.severity) - ORDER.indexOf(b.severity))
  return (
    <ul className={css.findings}>
      {sorted.map((x) => (
        <li key={x.rule}>
          <ToneBadge tone={TONE[x.severity]}>{t(`tariff.legal.severity.${x.severity}`)}</ToneBadge>{' '}
          <a href={x.source} target="_blank" rel="noreferrer" className="link">
            {x.article}
          </a>
          <p lang="en">{x.text}</p>
          {x.fix && (
            <p lang="en">
              <strong>{t('tariff.legal.fix')}</strong> {x.fix}
            </p>
          )}
          {(x.display?.length ?? 0) > 0 && (
            <p lang="en">
              <strong>{t('tariff.legal.display')}</strong> {x.display?.join(', ')}
            </p>
          )}
        </li>
      ))}
    </ul>
  )
}
