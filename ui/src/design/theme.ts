import { createTheme, type MantineColorsTuple } from '@mantine/core'

// Petrol is for what can be clicked. The colours of states (tones, in
// base.css) are kept apart from it, so that a colour never means two things.
const petrol: MantineColorsTuple = [
  '#ebf6f8', '#d6eaee', '#a8d5dd', '#77bfcc', '#51adbd', '#38a1b4', '#2293a7', '#147d90', '#0e6475', '#084c5a',
]
const slate: MantineColorsTuple = [
  '#f7fafa', '#eff4f5', '#e6edee', '#d9e2e4', '#c6d2d5', '#a3b3b7', '#74868b', '#4b5d62', '#2f4046', '#1a2a2f',
]
const dark: MantineColorsTuple = [
  '#dce7e9', '#b5c6ca', '#93a7ac', '#5f757b', '#2d4147', '#243439', '#1b292e', '#152125', '#101a1d', '#0a1113',
]

export const theme = createTheme({
  primaryColor: 'petrol',
  primaryShade: { light: 8, dark: 7 },
  autoContrast: true,
  luminanceThreshold: 0.25,
  colors: { petrol, gray: slate, dark },
  fontFamily: "'Inter Variable', system-ui, -apple-system, 'Segoe UI', sans-serif",
  fontFamilyMonospace: "ui-monospace, 'SF Mono', 'Cascadia Mono', 'Liberation Mono', 'DejaVu Sans Mono', monospace",
  headings: { fontWeight: '650', sizes: { h1: { fontSize: '1.5rem' }, h2: { fontSize: '1.0625rem' }, h3: { fontSize: '0.9375rem' } } },
  defaultRadius: 'md',
  cursorType: 'pointer',
  components: {
    Button: { defaultProps: { size: 'sm' } },
    TextInput: { defaultProps: { size: 'sm' } },
    Modal: {
      defaultProps: { centered: true, radius: 'lg', padding: 'lg', overlayProps: { blur: 2, backgroundOpacity: 0.45 } },
      styles: { title: { fontWeight: 620, fontSize: '1.0625rem' } },
    },
    Tooltip: { defaultProps: { openDelay: 300, withArrow: true } },
    Menu: { defaultProps: { shadow: 'md', withinPortal: true } },
    Popover: { defaultProps: { shadow: 'md' } },
    Tabs: { defaultProps: { keepMounted: false } },
  },
})
