import type { Upgrade, UpgradeStep } from '../../../api'

const ENDS: UpgradeStep[] = ['done', 'failed', 'cancelled']

/** True while a move or a change of password goes on. */
export const isUnderWay = (u: Upgrade | undefined): u is Upgrade => u !== undefined && !ENDS.includes(u.step)

/** The steps a person should expect, in their order, without the end. */
export function stepsOf(u: Pick<Upgrade, 'kind' | 'target' | 'step'>): UpgradeStep[] {
  const steps: UpgradeStep[] = []
  // Whether a move brings a password too is known when it does.
  if (u.kind === 'password' || u.step === 'password') steps.push('password')
  if (u.kind === 'profile' && u.target >= 3) steps.push('certificate')
  if (u.kind === 'profile') steps.push('configure')
  return [...steps, 'restart', 'verify']
}

/** The profiles that a station can still move up to. */
export const higher = (now: number) => [1, 2, 3].filter((p) => p > now)
