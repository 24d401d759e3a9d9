import { useTranslation } from 'react-i18next'
import { useAll, useMay, useMe, type PriceChange, type User } from '../../../api'
import { useFormat } from '../../../design'

/** The name of who planned or approved a change, where the reader may know it. */
export function usePerson(): (actor: string) => string {
  const me = useMe().me
  const { rows } = useAll<User>('/users', {}, { enabled: useMay('user.read') })
  return (actor) => {
    const person = [me?.user, ...(rows ?? [])].find((u) => u && actor === `user:${u.id}`)
    return person ? person.name || person.email : actor
  }
}

/** What a change does to prices: "+7.5 %: Energy". */
export function useWhat(): (c: PriceChange) => string {
  const { t } = useTranslation()
  const f = useFormat()
  const signed = (v: number) => new Intl.NumberFormat(f.locale, { style: 'percent', signDisplay: 'exceptZero', maximumFractionDigits: 4 }).format(v / 100)
  return (c) => {
    const which = c.dimension ? t(`tariff.dimension.${c.dimension}`) : t('tariff.change.allPrices')
    if (c.op === 'percent' && c.percent !== undefined) return `${which} ${signed(c.percent)}`
    if (c.op === 'set' && c.price !== undefined) return `${which} = ${f.number(c.price, decimals(c.price))}`
    return c.tariff ? `${t('tariff.change.op.copy')}: ${c.tariff}` : t(`tariff.change.op.${c.op as 'set'}`)
  }
}

const decimals = (v: number) => Math.max(2, (String(v).split('.')[1] ?? '').length)
