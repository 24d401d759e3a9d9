export type Choice = 'default' | 'on' | 'off'

/** What a person chose; without a choice the table of quirks decides. */
export function choiceOf(forced: boolean | undefined): Choice {
  if (forced === undefined) return 'default'
  return forced ? 'on' : 'off'
}

export const switchBody = (c: Choice) => ({ on: c === 'default' ? null : c === 'on' })
