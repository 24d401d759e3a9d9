import type { FirmwareImage, Station } from '../../../api'

/** True when an image is meant for a station's vendor and model. */
export const fits = (image: Pick<FirmwareImage, 'vendor' | 'model'>, s: Pick<Station, 'vendor' | 'model'>): boolean => like(image.vendor, s.vendor) && like(image.model, s.model)

/** A pattern with * for anything, without case; an empty one fits all. */
function like(pattern: string | undefined, text: string | undefined): boolean {
  if (!pattern) return true
  const parts = pattern.split('*').map((x) => x.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
  return new RegExp(`^${parts.join('.*')}$`, 'i').test(text ?? '')
}
