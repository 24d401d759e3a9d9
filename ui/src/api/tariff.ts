import type { components } from './schema'
import type { Tariff } from './types'

// Prices, in the names of the server's document.

type Schemas = components['schemas']

export type Dimension = Schemas['Component']['type']
export type TariffElement = Schemas['Element']
export type PriceComponent = Schemas['Component']
export type Restrictions = Schemas['Restrictions']
export type ElementExtension = Schemas['ElementExtension']
export type TariffExtension = Schemas['Extension']
export type PriceCap = Schemas['PriceCap']

/** The prices of some local days, slot by slot. */
export interface Week {
  tariff: string
  version: number
  currency: string
  slot_minutes: number
  dates: string[]
  dimensions: WeekGrid[]
}
export interface WeekGrid {
  dimension: Dimension
  /** Decimal texts with the tax the tariff states: a row a date, a cell a slot. */
  prices: string[][]
  /** Index of the element that prices the cell; -1: nothing does. */
  elements: number[][]
  mixed?: boolean[][]
}

export type Loss = Schemas['Loss']

/** What a tariff that is not stored means. */
export interface TariffPreview {
  tariff: Tariff
  summary: string
  week: Week
  lost: Loss[]
}

export interface TariffPlace {
  organisation?: string
  site?: string
  station_id?: string
  evse_id?: number
}

/** Where a tariff is in force now. */
export interface TariffUse {
  tariff: string
  organisation: string
  groups: { id: string; name: string }[]
  places: TariffPlace[]
}

export type PlainTariff = Schemas['PlainOutput']
export type Quote = Schemas['QuoteOutput']
export type Finding = Schemas['Finding']
export type Examined = Schemas['ExamineOutput']
export type TariffGroup = Schemas['Group']
export type GroupEntry = Schemas['Entry']
export type GroupPlace = Schemas['Bound']
export type TariffMember = Schemas['Member']
export type PriceExplanation = Schemas['Explanation']
export type PriceStep = Schemas['TariffStep']
export type PriceSeries = Schemas['Series']
export type SeriesPoints = Schemas['PointsOutput']
export type Following = Schemas['FollowOutput']
export type Upcoming = Schemas['UpcomingOutput']
export type PriceChange = Schemas['TariffBulk']
export type PriceChangeItems = Schemas['ItemsOutput']
export type PriceChangeInput = Schemas['BulkInput']
export type Backtest = Schemas['Backtest']
export type BacktestReport = Schemas['TariffReport']
export type Tally = Schemas['Tally']
export type WizardAnswer = Schemas['Wizard']
export type WizardInput = Schemas['WizardInput']
export type Suggestion = Schemas['Suggestion']
export type MarketProfile = Schemas['TariffProfile']
export type HeldPrice = Schemas['Held']
