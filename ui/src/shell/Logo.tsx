/** The mark: a station's canopy with a bolt beneath, and the name. */
export function Logo() {
  return (
    <span style={{ display: 'inline-flex', alignItems: 'center', gap: 10 }}>
      <svg width="28" height="28" viewBox="0 0 32 32" aria-hidden>
        <rect width="32" height="32" rx="8" fill="#123b46" />
        <path d="M6 9.5h20" stroke="#c8f169" strokeWidth="3" strokeLinecap="round" />
        <path d="M9.500 10v14M22.500 10v14" stroke="#7fb8c2" strokeWidth="2" strokeLinecap="round" />
        <path d="M17.300 12.500 12.600 19h3l-.9 5.200 4.800-6.700h-3.100z" fill="#c8f169" />
      </svg>
      <span style={{ fontWeight: 680, fontSize: 17, letterSpacing: '-0.01em', color: '#fff' }}>Forecourt</span>
    </span>
  )
}
