import { useTranslation } from 'react-i18next'
import type { BacktestReport } from '../../../api'
import chart from '../chart.module.css'
import css from '../tariff.module.css'

const HEIGHT = 170
const BAR = 11
const STEP = 28
const LEFT = 4

/** Income by local hour of the start, before and after, as pairs of bars. The table below has the same numbers. */
export function HourChart({ hours, money }: { hours: BacktestReport['hours']; money: (micros: number) => string }) {
  const { t } = useTranslation()
  const most = Math.max(1, ...hours.flatMap((h) => [h.before_excl_micros, h.after_excl_micros]))
  const y = (v: number) => (HEIGHT * Math.max(0, v)) / most
  return (
    <>
      <div className={css.scroll}>
        <svg viewBox={`0 0 ${LEFT + 24 * STEP} ${HEIGHT + 22}`} className={chart.hours} role="img" aria-label={t('tariff.backtest.hoursLabel')}>
          {hours.map((h) => (
            <g key={h.hour}>
              <title>{`${String(h.hour).padStart(2, '0')}:00 – ${t('tariff.backtest.before')} ${money(h.before_excl_micros)}, ${t('tariff.backtest.after')} ${money(h.after_excl_micros)}`}</title>
              <rect x={LEFT + h.hour * STEP} y={0} width={STEP} height={HEIGHT} fill="transparent" />
              <rect x={LEFT + h.hour * STEP + 1} y={HEIGHT - y(h.before_excl_micros)} width={BAR} height={y(h.before_excl_micros)} rx={2} fill="var(--tone-idle)" />
              <rect x={LEFT + h.hour * STEP + 2 + BAR} y={HEIGHT - y(h.after_excl_micros)} width={BAR} height={y(h.after_excl_micros)} rx={2} fill="var(--tone-active)" />
              {h.hour % 3 === 0 && (
                <text className={chart.hour} x={LEFT + h.hour * STEP + BAR} y={HEIGHT + 16} textAnchor="middle">
                  {String(h.hour).padStart(2, '0')}
                </text>
              )}
            </g>
          ))}
        </svg>
      </div>
      <ul className={chart.legend}>
        <li>
          <span className={chart.swatch} style={{ background: 'var(--tone-idle)' }} aria-hidden />
          {t('tariff.backtest.before')}
        </li>
        <li>
          <span className={chart.swatch} style={{ background: 'var(--tone-active)' }} aria-hidden />
          {t('tariff.backtest.after')}
        </li>
      </ul>
    </>
  )
}
