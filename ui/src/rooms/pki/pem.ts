/** A name for the file of a certificate: its subject, in letters every disk takes. */
export function pemName(subject: string): string {
  const cn = /CN=([^,]+)/.exec(subject)?.[1] ?? subject
  const name = cn.trim().replaceAll(/[^\w.-]+/g, '-').replaceAll(/^-+|-+$/g, '')
  return `${name || 'certificate'}.pem`
}

/** How many certificates a text holds. */
export const certificatesIn = (pem: string) => (pem.match(/-----BEGIN CERTIFICATE-----/g) ?? []).length
