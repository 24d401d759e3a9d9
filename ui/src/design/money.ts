/** An amount as the API writes it: a decimal string, never a float. */
export interface Money {
  amount: string
  currency: string
}
